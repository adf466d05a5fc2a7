import {existsSync} from 'node:fs';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {canary, openSandbox, readStore, type Sandbox, writeStore} from '../support/sandbox.ts';
import type {Terminal} from '../support/terminal.ts';
import {emptyState, errorIn, firstAccount, openProgram, program, run, stored} from './support.ts';

type State = Pick<Sandbox, 'stateDir' | 'paths'>;

const setupToken = `sk-ant-oat01-${canary('setup')}${'x'.repeat(60)}`;
const groqKey = `gsk_${canary('groq')}`;
const unasked = ['onboard', '--non-interactive'];

/** Answers questions, each when it is asked. */
async function answer(terminal: Terminal, ...questions: readonly (readonly [string | RegExp, string])[]) {
	for (const [question, text] of questions) {
		await terminal.waitFor(question);
		terminal.write(`${text}\r`);
	}
}

/** The number of a choice on the screen. */
function numberOf(terminal: Terminal, label: string): string {
	const line =
		terminal
			.text()
			.split('\n')
			.findLast(row => row.includes(label)) ?? '';
	return /^ *(\d+)\. /.exec(line)?.[1] ?? expect.fail(`No choice ${label}`);
}

const profilesOf = (state: State, agentId = 'main') => readStore(state, agentId).profiles;

it('leads from nothing to a login of a new agent, in a terminal', async () => {
	const sandbox = await openSandbox();
	const terminal = openProgram(sandbox, ['onboard'], {rows: 60});
	await answer(
		terminal,
		[
			'Step 1 of 6: agent. Which one is it for?\n  1. main (the default one, no credentials yet)\n  2. a new one',
			'2',
		],
		['Its id:', 'Not An Id'],
		['"Not An Id" cannot be an agent id.', 'work'],
	);
	await terminal.waitFor('Added the agent work.');
	await terminal.waitFor(/Step 2 of 6: provider\.[\s\S]*\n1–\d+:$/m);
	await answer(terminal, [/1–\d+:$/m, numberOf(terminal, 'Acme')]);
	await terminal.waitFor('Step 4 of 6: login');
	await terminal.waitFor('press Enter:');
	const link = /\r\n(http\S+)\r\n/.exec(terminal.raw())?.[1] ?? '';
	await visit(link);
	await terminal.waitFor(`Logged in: acme:${firstAccount} of the agent work`);
	await terminal.waitFor('Step 6 of 6: done.');
	await terminal.waitFor('    jarvis models auth token --provider acme --agent work\n');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(stored(sandbox, `acme:${firstAccount}`, 'work')).toMatchObject({type: 'oauth', email: firstAccount});
	// Its account has a name, and it is the only one.
	expect(terminal.text()).not.toMatch(/Name \(|Step 5/);
	expect(terminal.raw()).not.toContain('\u{1b}[?1049h');
});

it('in a container it listens where it is told to', async () => {
	const sandbox = await openSandbox();
	const {port} = sandbox;
	const words = ['onboard', '--agent', 'main', '--provider', 'acme', '--callback-bind'];
	const terminal = openProgram(sandbox, [...words, '0.0.0.0'], {rows: 60, env: {container: 'docker'}});
	await terminal.waitFor('press Enter:');
	expect(terminal.text().replace(/\s+/g, ' ')).toContain(
		`The container’s port must be published: -p 127.0.0.1:${port}:${port}.`,
	);
	await visit(/\r\n(http\S+)\r\n/.exec(terminal.raw())?.[1] ?? '');
	expect(await terminal.exited).toEqual({exitCode: 0});
	const wrong = await run(sandbox, [...words, 'everywhere', '--json']);
	expect(wrong).toMatchObject({code: 2, stdout: ''});
	expect(errorIn(wrong).message).toBe('--callback-bind "everywhere" is no IP address.');
});

it('asks for the name of a secret, where a further one goes, and when that is tried', async () => {
	const state = emptyState();
	const first = openProgram(state, ['onboard', '--auth-choice', 'setup-token', '--agent', 'main'], {
		rows: 60,
	});
	await answer(
		first,
		['Paste the setup token of a subscription of Anthropic (Claude)', setupToken],
		['Name (Enter: anthropic:default):', 'a b'],
		['"anthropic:a b" cannot be a profile id.', 'home'],
	);
	expect(await first.exited).toEqual({exitCode: 0});
	expect(profilesOf(state)).toEqual({
		'anthropic:home': {type: 'token', provider: 'anthropic', token: setupToken},
	});

	const other = setupToken.replace('setup', 'other');
	const second = openProgram(state, ['onboard', '--provider', 'claude', '--method', 'setup_token'], {
		rows: 60,
	});
	await answer(
		second,
		['Step 1 of 6: agent.', '1'],
		['1. in the place of anthropic:home\n  2. beside it, under a name of its own', '2'],
		['Name (Enter: anthropic:default):', 'home'],
		['The agent main has a profile anthropic:home already.', 'work'],
		['Paste the setup token', other],
		[/1\. where it is: number \d of 2, by kind and last use\n {2}2\. first\n {2}3\. last/, '2'],
	);
	expect(await second.exited).toEqual({exitCode: 0});
	expect(profilesOf(state)).toMatchObject({
		'anthropic:home': {token: setupToken},
		'anthropic:work': {token: other},
	});
	expect(readStore(state).order).toEqual({anthropic: ['anthropic:work', 'anthropic:home']});
	for (const terminal of [first, second]) expect(terminal.raw()).not.toContain('canary');
});

it('prints one JSON object, whatever it asked', async () => {
	const state = emptyState();
	const script =
		'out=$("$@"); code=$?; printf "printed %s with %s\\n" "$(printf %s "$out" | tr -d "\\n ")" "$code"';
	const terminal = openProgram(state, [], {
		...{columns: 200, rows: 60},
		command: 'sh',
		args: ['-c', script, 'sh', process.execPath, program, 'onboard', '--auth-choice', 'groq', '--json'],
	});
	await answer(
		terminal,
		['Step 1 of 6: agent.', '1'],
		['Paste the API key of Groq', groqKey],
		['Name (Enter: groq:default):', ''],
	);
	await terminal.waitFor(/printed \{.*\} with 0/);
	expect(terminal.text()).toContain(
		'printed {"agentId":"main","profileId":"groq:default","provider":"groq","method":"api_key","order":["groq:default"]} with 0',
	);
});

it('ctrl+c at a question cancels it, and nothing is stored', async () => {
	const state = emptyState();
	const terminal = openProgram(state, ['onboard']);
	await terminal.waitFor('1–2:');
	terminal.write('\u{3}');
	await terminal.waitFor('Cancelled. Nothing was stored.');
	expect(await terminal.exited).toEqual({exitCode: 130});
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it('ctrl+d at what is asked behind the login leaves that as it is', async () => {
	const state = emptyState();
	const terminal = openProgram(state, ['onboard', '--agent', 'main', '--auth-choice', 'groq']);
	await answer(terminal, ['Paste the API key of Groq', groqKey]);
	await terminal.waitFor('Name (Enter: groq:default):');
	terminal.write('\u{4}');
	await terminal.waitFor('Step 6 of 6: done.');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(Object.keys(profilesOf(state))).toEqual(['groq:default']);
});

it.each([
	['with a line end', `${groqKey}\n`],
	['without one', groqKey],
	['in quotes', `"${groqKey}"\r\n`],
])('a script gives the secret on a pipe, %s', async (_how, input) => {
	const state = emptyState();
	const {code, stdout, stderr} = await run(state, [...unasked, '--auth-choice', 'groq'], {input});
	expect({code, stdout}).toEqual({code: 0, stdout: 'groq:default\n'});
	expect(stderr).not.toContain('canary');
	expect(profilesOf(state)).toEqual({'groq:default': {type: 'api_key', provider: 'groq', key: groqKey}});
});

it('a script gets one object, and its words count as they do elsewhere', async () => {
	const state = emptyState();
	expect(await run(state, ['agents', 'add', 'work'])).toMatchObject({code: 0});
	const place = ['--agent', 'work', '--profile-id', 'anthropic:ci', '--expires-in', '365d'];
	const before = Date.now();
	const {code, stdout} = await run(state, [...unasked, '--auth-choice', 'setup-token', ...place, '--json'], {
		input: setupToken,
	});
	expect(code).toBe(0);
	expect(JSON.parse(stdout)).toEqual({
		agentId: 'work',
		profileId: 'anthropic:ci',
		provider: 'anthropic',
		method: 'setup_token',
		order: ['anthropic:ci'],
	});
	const {expires, ...rest} = stored(state, 'anthropic:ci', 'work');
	expect(rest).toEqual({type: 'token', provider: 'anthropic', token: setupToken});
	expect(Math.abs(Number(expires) - before - 365 * 86_400_000)).toBeLessThan(60_000);
});

it('a script’s second secret of a kind takes the place of the first, unless it is named', async () => {
	const state = emptyState();
	writeStore(state, 'main', {profiles: {}, order: {groq: ['groq:default']}});
	const give = (input: string, ...flags: readonly string[]) =>
		run(state, [...unasked, '--provider', 'groq', '--json', ...flags], {input});
	expect(await give(groqKey)).toMatchObject({code: 0});
	expect(await give(`${groqKey}-2`)).toMatchObject({code: 0});
	expect(profilesOf(state)).toMatchObject({'groq:default': {key: `${groqKey}-2`}});
	const named = await give(groqKey, '--profile-id', 'groq:other');
	expect(Object.keys(profilesOf(state))).toEqual(['groq:default', 'groq:other']);
	// The order is a filter too, and nobody was asked.
	expect(JSON.parse(named.stdout)).toMatchObject({profileId: 'groq:other', order: ['groq:default']});
	expect(named.stderr).toContain('leaves it out');
});

it.each([
	['nothing', [], 'usage', 'Without questions the provider must be named.'],
	['a method alone', ['--method', 'api_key'], 'usage', 'Without questions the provider must be named.'],
	[
		'a method as the choice',
		['--auth-choice', 'api-key'],
		'usage',
		'names a way to log in, and no provider.',
	],
	['two providers', ['--auth-choice', 'groq', '--provider', 'openai'], 'usage', 'means the provider groq'],
	['a browser', ['--auth-choice', 'openai-codex', '--method', 'oauth'], 'terminal_required', 'in a browser'],
	[
		'a browser, by name',
		['--provider', 'openrouter', '--method', 'oauth'],
		'terminal_required',
		'in a browser',
	],
	['a span that is none', ['--auth-choice', 'groq', '--expires-in', 'long'], 'usage', 'is no span of time'],
	[
		'a profile id that is none',
		['--auth-choice', 'groq', '--profile-id', 'x'],
		'profile_invalid_id',
		'profile id',
	],
])('a script that names %s is refused with 2', async (_what, flags, errorCode, said) => {
	const state = emptyState();
	const outcome = await run(state, [...unasked, ...flags, '--json'], {input: groqKey});
	expect(outcome).toMatchObject({code: 2, stdout: ''});
	const error = errorIn({stderr: `${outcome.stderr.trimEnd().split('\n').at(-1)}\n`});
	expect(error.code).toBe(errorCode);
	expect(error.message).toContain(said);
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it.each([
	['an unknown provider', ['--auth-choice', 'nowhere'], 'provider_unknown'],
	['an unknown agent', ['--auth-choice', 'groq', '--agent', 'nobody'], 'agent_unknown'],
	['a method that it does not offer', ['--auth-choice', 'groq', '--method', 'oauth'], 'login_unsupported'],
	['a secret of another kind', ['--auth-choice', 'setup-token'], 'secret_malformed'],
])('a script that names %s fails with 1', async (_what, flags, errorCode) => {
	const state = emptyState();
	const {code, stdout, stderr} = await run(state, [...unasked, ...flags, '--json'], {input: groqKey});
	expect({code, stdout}).toEqual({code: 1, stdout: ''});
	expect(errorIn({stderr: `${stderr.trimEnd().split('\n').at(-1)}\n`}).code).toBe(errorCode);
	expect(stderr).not.toContain('canary');
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it('an empty pipe stores nothing', async () => {
	const state = emptyState();
	const outcome = await run(state, [...unasked, '--auth-choice', 'groq']);
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(outcome.stderr).toContain('Nothing was pasted.');
	expect(existsSync(state.paths.profiles('main'))).toBe(false);
});

it('a secret is not waited for at a terminal that nobody is asked at', async () => {
	const terminal = openProgram(emptyState(), [...unasked, '--auth-choice', 'groq']);
	await terminal.waitFor('The secret is read from standard input, and that is the terminal.');
	expect(await terminal.exited).toEqual({exitCode: 2});
});

it('without a terminal it says how a script does it', async () => {
	const outcome = await run(emptyState(), ['onboard']);
	expect(outcome).toMatchObject({code: 2, stdout: ''});
	expect(outcome.stderr).toContain('jarvis onboard --non-interactive --auth-choice <name>');
});

it('a pasted secret is read behind the questions of models auth add too', async () => {
	const state = emptyState();
	const terminal = openProgram(state, ['models', 'auth', 'add'], {rows: 60});
	await terminal.waitFor(/1–\d+:$/m);
	await answer(terminal, [/1–\d+:$/m, numberOf(terminal, 'Groq')], ['Paste the API key of Groq', groqKey]);
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(profilesOf(state)).toMatchObject({'groq:default': {key: groqKey}});
	expect(terminal.raw()).not.toContain('canary');
});

it('a machine without a browser is told how to log in again', async () => {
	const sandbox = await openSandbox();
	const env = {SSH_CONNECTION: '203.0.113.9 50000 192.0.2.7 22', USER: 'maya'};
	const terminal = openProgram(sandbox, ['onboard', '--agent', 'main', '--auth-choice', 'acme'], {
		...{rows: 60, env},
	});
	await terminal.waitFor('press Enter:');
	await visit(/\r\n(http\S+)\r\n/.exec(terminal.raw())?.[1] ?? '');
	await terminal.waitFor(`jarvis models auth login --provider acme --profile-id acme:${firstAccount}`);
	await terminal.waitFor(`ssh -N -L ${sandbox.port}:127.0.0.1:${sandbox.port} maya@192.0.2.7`);
	expect(await terminal.exited).toEqual({exitCode: 0});
});
