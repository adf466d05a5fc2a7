import {existsSync} from 'node:fs';
import {expect, it} from 'vitest';
import {canary, readStore} from '../support/sandbox.ts';
import {emptyState, errorIn, goTo, openDashboard, openProgram, run, start, stored} from './support.ts';

const setupToken = `sk-ant-oat01-${canary('setup')}-${canary('token')}`.padEnd(100, '-canary');
const setup = ['models', 'auth', 'setup-token', '--provider', 'anthropic'];
const pasteToken = ['models', 'auth', 'paste-token', '--provider', 'mistral'];
const day = 86_400_000;

it.each([
	['a line', `${setupToken}\n`],
	['a line without its end', setupToken],
	['a wrapped line in quotes', `"${setupToken.replace(/.{40}/g, '$&\n')}"\n`],
])('a setup token comes through a pipe as %s', async (_how, input) => {
	const state = emptyState();
	const {code, stdout, stderr} = await run(state, setup, {input});
	expect({code, stdout}).toEqual({code: 0, stdout: 'anthropic:default\n'});
	expect(stderr).toContain('Stored: anthropic:default of the agent main.\n');
	expect(stderr).not.toContain('canary');
	expect(stored(state, 'anthropic:default')).toEqual({
		...{type: 'token', provider: 'anthropic', token: setupToken},
	});
});

it.each([
	['two keys', pasteToken, `sk-first-${canary('a')}\nsk-other-${canary('b')}\n`],
	['lines of a text', pasteToken, `${canary('a')} is one\n${canary('b')} is the other one\n`],
	['two tokens of the kind', setup, `${setupToken}\n${setupToken}\n`],
])('no secret is made of %s on a pipe', async (_what, args, input) => {
	const state = emptyState();
	const {code, stdout, stderr} = await run(state, args, {input});
	expect({code, stdout}).toEqual({code: 1, stdout: ''});
	expect(stderr).toContain('holds several lines that are no wrapped secret');
	expect(stderr).not.toContain('canary');
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it('what is in the pipe before it is asked for is not lost, however late that is', async () => {
	for (let time = 0; time < 3; time++) {
		const state = emptyState();
		const command = start(state, pasteToken);
		command.type(`${canary('token')}\n`);
		if (time === 1) command.end();
		expect(await command.ended).toMatchObject({code: 0, stdout: 'mistral:default\n'});
	}
});

it.each([
	['setup-token', setup],
	['paste-token', pasteToken],
	['login by API key', ['models', 'auth', 'login', '--provider', 'groq', '--method', 'api_key']],
])('%s stores nothing and exits with 1 when nothing comes', async (_name, args) => {
	const state = emptyState();
	for (const input of ['', '\n', '  \n\n']) {
		const {code, stdout, stderr} = await run(state, [...args, '--json'], {input});
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(errorIn({stderr: `${stderr.trimEnd().split('\n').at(-1)}\n`})).toMatchObject({
			...{code: 'secret_malformed', message: 'Nothing was pasted.'},
		});
		expect(existsSync(state.paths.profiles('main'))).toBe(false);
	}
});

it('a secret of another kind is refused, stored nowhere and shown nowhere', async () => {
	const state = emptyState();
	for (const json of [[], ['--json']]) {
		const {code, stdout, stderr} = await run(state, [...setup, ...json], {
			input: `sk-ant-api03-${canary('key')}\n`,
		});
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toContain('those begin with sk-ant-oat01-');
		expect(stderr).not.toContain('canary');
	}
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it('a token has the end and the name that are given, and is JSON without the secret', async () => {
	const state = emptyState();
	const before = Date.now();
	const flags = ['--expires-in', '365d', '--profile-id', 'mistral:work', '--json'];
	const {code, stdout} = await run(state, [...pasteToken, ...flags], {input: canary('token')});
	expect(code).toBe(0);
	const {expires, ...told} = JSON.parse(stdout);
	expect(told).toEqual({profileId: 'mistral:work', provider: 'mistral', agentId: 'main', kind: 'token'});
	expect(expires).toBeGreaterThanOrEqual(before + 365 * day);
	expect(expires).toBeLessThanOrEqual(Date.now() + 365 * day);
	expect(stored(state, 'mistral:work')).toEqual({
		...{type: 'token', provider: 'mistral', token: canary('token'), expires},
	});
	for (const span of ['365', 'soon', '-1d']) {
		const refused = await run(state, [...pasteToken, `--expires-in=${span}`], {input: canary('other')});
		expect(refused).toMatchObject({code: 2, stdout: ''});
	}
	const foreign = await run(state, [...pasteToken, '--profile-id', 'groq:work'], {input: canary('other')});
	expect(foreign).toMatchObject({code: 1, stdout: ''});
	expect(foreign.stderr).not.toContain('canary');
	expect(Object.keys(readStore(state).profiles)).toEqual(['mistral:work']);
});

it('one that takes the place of another says so, and how to keep both', async () => {
	const state = emptyState();
	const groq = ['models', 'auth', 'login', '--provider', 'groq'];
	const log = (key: string, ...flags: string[]) =>
		run(state, [...groq, ...flags], {input: `gsk_${canary(key)}\n`});
	const stored = 'Stored: groq:default of the agent main.\n';
	expect((await log('a')).stderr).toMatch(new RegExp(`${stored}$`));
	expect((await log('b')).stderr).toContain(
		`${stored}It took the place of the API key that stood there.\nTo keep both, log in with a name: --profile-id groq:<name>\n`,
	);
	expect((await log('b')).stderr).toContain(`${stored}It is the API key that stood there already.\n`);
	expect(JSON.parse((await log('c', '--json')).stdout)).toMatchObject({replaced: true});
	const named = await log('d', '--profile-id', 'groq:default');
	expect(named.stderr).toContain(`${stored}It took the place of what stood there before.\n`);
	expect((await log('e', '--profile-id', 'groq:work')).stderr).not.toContain('place');
});

it('in a terminal it is never shown, neither typed nor pasted', async () => {
	const state = emptyState();
	const terminal = openProgram(state, setup);
	await terminal.waitFor('and paste what it prints');
	terminal.write(`sk-ant-api03-${canary('wrong')}\r`);
	await terminal.waitFor('those begin with sk-ant-oat01-');
	terminal.write('\r');
	await terminal.waitFor('Nothing was pasted.');
	// Typed with a slip that is taken back, in pieces as a keyboard sends them, then at once.
	for (const key of 'sk-ant-oat02') terminal.write(key);
	terminal.write('\u007f1-');
	terminal.write(`oops\u0015${setupToken.slice(0, 30)}x\u007f`);
	terminal.paste(`${setupToken.slice(30).replace(/.{30}/g, '$&\n')}\n`);
	await terminal.waitFor('100 characters: looks complete. Enter takes it.');
	terminal.write('\r');
	await terminal.waitFor('Stored: anthropic:default');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(terminal.raw()).not.toMatch(/canary|oat02|oops/);
	expect(terminal.raw()).not.toContain(setupToken.slice(13, 20));
	expect(stored(state, 'anthropic:default').token).toBe(setupToken);
});

it.each([
	['ctrl+c', '\u0003', 130, 'cancelled'],
	['ctrl+d', '\u0004', 1, 'Nothing was pasted'],
])(
	'%s in a terminal stores nothing, and leaves the terminal as it was',
	async (_key, key, exitCode, words) => {
		const state = emptyState();
		const script = '"$@"; code=$?; stty -a; echo "ended with $code"';
		const terminal = openProgram(state, [], {
			...{
				command: 'sh',
				args: [
					'-c',
					script,
					'sh',
					process.execPath,
					new URL('../../dist/jarvis.cjs', import.meta.url).pathname,
					...setup,
				],
			},
		});
		await terminal.waitFor('and paste what it prints');
		terminal.write(key);
		await terminal.waitFor(words);
		await terminal.waitFor(`ended with ${exitCode}`);
		expect(terminal.text()).toMatch(/isig icanon .* echo /);
		expect(existsSync(state.paths.profiles('main'))).toBe(false);
	},
);

it('add asks for provider and method by number, and for the secret without showing it', async () => {
	const state = emptyState();
	const terminal = openProgram(state, ['models', 'auth', 'add'], {rows: 50});
	const list = await terminal.waitFor(/Which provider\?[\s\S]*1–\d+:$/m);
	terminal.write('99\r');
	await terminal.waitFor('Type a number');
	terminal.write(`${/(\d+)\. Anthropic/.exec(list)?.[1]}\r`);
	await terminal.waitFor(/How to log in to Anthropic[\s\S]*1\. setup token[\s\S]*2\. API key/);
	terminal.write('2\r');
	await terminal.waitFor('Paste the API key of Anthropic');
	terminal.write(`${`sk-ant-api03-${canary('key')}`.padEnd(90, '-canary')}\r`);
	await terminal.waitFor('Stored: anthropic:default');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(terminal.raw()).not.toContain('canary');
	expect(stored(state, 'anthropic:default')).toMatchObject({type: 'api_key'});
	expect(await run(state, ['models', 'auth', 'add'])).toMatchObject({code: 2});
});

it('the dashboard shows dots for it, and whether it looks whole', async () => {
	const state = emptyState();
	const terminal = await openDashboard(state);
	await goTo(terminal, '5');
	await terminal.press('j');
	await terminal.waitFor(/▸ {2}Anthropic/);
	await terminal.press('\r');
	await terminal.waitFor(/▸ {2}setup token/);
	await terminal.press('\r');
	await terminal.waitFor('Paste the setup token');
	terminal.paste(setupToken.slice(0, 60));
	await terminal.waitFor('60 characters: shorter than usual (60 of 80 characters)');
	terminal.paste(setupToken.slice(60));
	await terminal.waitFor(`${setupToken.length} characters: looks complete`);
	await terminal.waitFor(/> •{20}/);
	await terminal.press('\r');
	await terminal.waitFor('✓ anthropic:default is stored');
	expect(stored(state, 'anthropic:default').token).toBe(setupToken);
	expect(terminal.raw()).not.toMatch(/canary|sk-ant-oat01-c/);
	terminal.write('q');
	await terminal.exited;
});
