import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {commandTable} from '../../source/commands/table.ts';
import {canary, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {emptyState, errorIn, openProgram, program, run, start, stateWithKeys} from './support.ts';

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Every command with what it needs on its line, and nothing that would make it wait or ask. */
const everyCommand: readonly (readonly string[])[] = [
	['onboard', '--non-interactive', '--auth-choice', 'groq'],
	['models', 'status'],
	['models', 'auth', 'login', '--provider', 'acme'],
	['models', 'auth', 'setup-token'],
	['models', 'auth', 'paste-token', '--provider', 'groq'],
	['models', 'auth', 'logout', 'key:001', '--yes'],
	['models', 'auth', 'finish', 'http://127.0.0.1/?code=canary-code&state=canary-state'],
	['models', 'auth', 'token', '--provider', 'key'],
	['models', 'auth', 'report', 'key:001', 'rate_limit'],
	['models', 'auth', 'cooldown', 'clear', 'key:001'],
	['models', 'auth', 'list'],
	['models', 'auth', 'remove', 'key:001', '--yes'],
	['models', 'auth', 'order', 'get', '--provider', 'key'],
	['models', 'auth', 'order', 'set', '--provider', 'key', 'key:001'],
	['models', 'auth', 'order', 'clear', '--provider', 'key'],
	['models', 'auth', 'write-back', 'on', 'codex'],
	['models', 'list'],
	['models', 'set', 'key/small'],
	['models', 'aliases', 'list'],
	['models', 'aliases', 'add', 'Small', 'key/small'],
	['models', 'aliases', 'remove', 'Small'],
	['models', 'fallbacks', 'list'],
	['models', 'fallbacks', 'add', 'key/small'],
	['models', 'fallbacks', 'remove', 'key/small'],
	['models', 'fallbacks', 'clear'],
	['which', 'key'],
	['import', '--list'],
	['sessions', 'list'],
	['sessions', 'show', 'chat:42'],
	['sessions', 'send', 'chat:42', '/model key/small'],
	['sessions', 'reset', 'chat:42'],
	['agents', 'list'],
	['agents', 'add', 'work'],
	['agents', 'delete', 'work', '--yes'],
	['agents', 'set-default', 'main'],
	['agents', 'bind', '--agent', 'main', '--channel', 'telegram'],
	['agents', 'unbind', '--agent', 'main', '--all'],
	['agents', 'bindings'],
	['agents', 'route', '--channel', 'telegram'],
	['channels', 'list'],
	['secrets', 'seal', 'key:001'],
	['secrets', 'unseal', 'key:001', '--yes'],
	['secrets', 'configure', 'key:001', '--to', 'keychain'],
];

/** What only asks, reads neither store nor configuration first, or reports what it cannot read. */
const apart = new Set([
	...['models auth add', 'models auth write-back off', 'models auth write-back list'],
	...['plugins list', 'plugins add', 'plugins remove', 'secrets reload'],
	...['broker status', 'broker stop', 'doctor', 'log', 'watch'],
	...['secrets audit', 'secrets apply', 'secrets prune'],
	...['import openclaw', 'export openclaw'],
]);

it('every command that prints JSON is among those that are tried here', () => {
	const withJson = commandTable.filter(
		({path, flags}) => flags.some(flag => flag.name === 'json') && !apart.has(path.join(' ')),
	);
	const tried = everyCommand.map(words => words.join(' '));
	for (const {path} of withJson) expect(tried.some(words => words.startsWith(path.join(' ')))).toBe(true);
	expect(withJson).toHaveLength(everyCommand.length);
});

it('--version and --help', async () => {
	const state = emptyState();
	expect(await run(state, ['--version'])).toEqual({code: 0, stdout: `${packageJson.version}\n`, stderr: ''});
	const help = await run(state, ['--help']);
	expect(help).toMatchObject({code: 0, stderr: ''});
	expect(help.stdout).toMatch(/^Usage: jarvis /);
	await Promise.all(
		commandTable.map(async ({path}) => {
			const {code, stdout, stderr} = await run(state, [...path, '--help']);
			expect({code, stderr}).toEqual({code: 0, stderr: ''});
			expect(stdout).toMatch(new RegExp(`^Usage: jarvis ${path.join(' ')} `));
		}),
	);
	expect(existsSync(state.paths.config)).toBe(false);
});

it('help takes all words of a command, in front of them or among them', async () => {
	const state = emptyState();
	for (const [words, path] of [
		['help', []],
		['help models', ['models']],
		['help models auth token', ['models', 'auth', 'token']],
		['models help auth order', ['models', 'auth', 'order']],
		['help import openclaw', ['import', 'openclaw']],
	] as const) {
		const help = await run(state, words.split(' '));
		expect(help).toEqual(await run(state, [...path, '--help']));
		expect(help.stdout).toMatch(new RegExp(`^Usage: ${['jarvis', ...path].join(' ')} `));
	}
	expect(await run(state, ['help', 'models', 'auth', 'tokn'])).toEqual({
		...{code: 2, stdout: ''},
		stderr: 'jarvis: There is no command "models auth tokn".\nSee: jarvis models auth --help\n',
	});
	// An argument of that name is one.
	expect((await run(state, ['sessions', 'reset', 'help'])).stderr).toContain('has no session help');
});

it.each([
	[['models', 'sttus'], '(Did you mean status?)'],
	[['models', 'status', '--jsn'], '(Did you mean --json?)'],
	[['models', 'auth', 'order', 'gte', '--provider', 'key'], '(Did you mean get?)'],
	[['agents', 'lst'], '(Did you mean list?)'],
	[['models', 'auth', 'order', 'get'], "required option '--provider <id>' not specified"],
	[['models', 'auth', 'token'], 'Neither a provider nor a model was named'],
	[['models', 'auth', 'token', '--provider', 'key', '--min-ttl', '5'], '--min-ttl "5" is no span of time.'],
	[['models', 'auth', 'token', '--min-ttl', '400000d'], 'is longer than a hundred years'],
	[['models', 'status', '--probe-timeout', '0s'], '--probe-timeout "0s" is no span of time.'],
	[['models', 'auth', 'report', 'key:001', 'billing', '--permanent'], '--permanent is for auth only.'],
	[['models', 'auth', 'report', 'key:001', 'ok', '--retry-after', '5m'], 'is for failures only.'],
	[['models', 'status', '--state-dir', ''], '--state-dir names no folder.'],
	[['models', 'auth', 'report', 'key:001', 'ok', '--took', 'long'], '--took "long" is no span of time.'],
	[['models', 'auth', 'report', 'key:001', 'auth', '--retry-after', '-5m'], 'is no span of time'],
	[['models', 'auth', 'report', 'key:001', 'bad'], 'Use one of: ok, auth, rate_limit, billing,'],
	[['models', 'auth', 'report', 'key:001'], "missing required argument 'outcome'"],
	[['broker', 'statu'], 'too many arguments'],
	[['models', 'auth', 'cooldown'], 'Usage: jarvis models auth cooldown'],
	[['watch', '--warn', '3d,soon'], '--warn "soon" is no span of time.'],
	[['watch', '--once', '--keep-fresh'], 'Leave one of them out.'],
	[['watch', '--textfile', '/nowhere/jarvis.prom'], 'There is no folder /nowhere'],
	[['which'], "missing required argument 'target'"],
	[['which', 'key', 'more'], 'too many arguments'],
	[['sessions', 'send', 'chat:42'], "missing required argument 'command'"],
	[['sessions', 'send', 'chat:42', 'hello'], 'There is no such slash command.'],
	[['sessions', 'send', ' chat', '/model'], 'The session key begins or ends with white space.'],
	[['sessions', 'rest', 'chat:42'], '(Did you mean reset?)'],
	[['models', 'auth', 'remove'], "missing required argument 'profile-id'"],
	[['agents', 'add', 'work', 'more'], 'too many arguments'],
	[['completion', 'powershell'], 'Ask for bash, zsh or fish.'],
])('%j is answered with what was wrong, and exits with 2', async (args, said) => {
	const {code, stdout, stderr} = await run(emptyState(), args);
	expect({code, stdout}).toEqual({code: 2, stdout: ''});
	expect(stderr).toContain(said);
});

it('a first word that is no command is answered with the nearest one', async () => {
	const {code, stderr} = await run(emptyState(), ['model', 'status']);
	expect(code).toBe(2);
	expect(stderr).toContain('Did you mean models?');
});

it.each([
	[['models', 'auth', 'order', 'get', '--json']],
	[['models', 'status', '--json', '--no-such-flag']],
	[['models', 'auth', 'report', 'key:001', 'bad', '--json']],
	[['models', 'auth', 'token', '--min-ttl', 'x', '--json']],
])('a usage error of %j is JSON too', async args => {
	const outcome = await run(emptyState(), args);
	expect(outcome.code).toBe(2);
	expect(errorIn(outcome).code).toBe('usage');
});

it.each<[string, (dir: string) => string[]]>([
	['two words', dir => ['--state-dir', dir, 'models', 'auth', 'list', '--json']],
	['one word', dir => [`--state-dir=${dir}`, 'models', 'auth', 'list', '--json']],
	['two words, and the options end', dir => ['--state-dir', dir, 'which', '--json', '--', 'key']],
])('--state-dir before the command is the command’s too, as %s', async (_, args) => {
	const state = stateWithKeys(1);
	const {code, stdout, stderr} = await run(emptyState(), args(state.stateDir));
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	expect(stdout).toContain('key:001');
});

// Below /proc a folder cannot be made, and the system says that the one above is missing.
it.runIf(process.platform === 'linux')('a state folder that cannot be made is an error at once', async () => {
	const env = {JARVIS_STATE_DIR: '/proc/none/state'};
	const args = ['models', 'auth', 'paste-token', '--provider', 'groq', '--json'];
	const stored = await run(emptyState(), args, {env, input: canary('pasted')});
	expect(stored.code).toBe(1);
	expect(errorIn({stderr: stored.stderr.replace('Paste the token of Groq\n', '')})).toMatchObject({
		code: 'store_inaccessible',
		message: 'The folder /proc/none cannot be made.',
		next: "See what is there: ls -ld '/proc/none' '/proc'",
	});
	// What need not be written is answered.
	expect(await run(emptyState(), ['models', 'auth', 'list'], {env})).toMatchObject({code: 0});
});

it('without a terminal it prints the status', async () => {
	const state = stateWithKeys(1);
	const printed = await run(emptyState(), ['--state-dir', state.stateDir]);
	expect(printed).toMatchObject({code: 0, stderr: ''});
	expect(printed.stdout).toContain('key:001');
	// A pipe on either side is no terminal.
	for (const line of ['"$@" < /dev/null', '"$@" | cat']) {
		const terminal = openProgram(state, [], {
			command: 'sh',
			args: ['-c', line, 'sh', process.execPath, program],
		});
		expect(await terminal.exited).toEqual({exitCode: 0});
		expect(terminal.text()).toMatch(/^Agent main \(default\)\nPROFILE[\s\S]*key:001/);
		expect(terminal.raw()).not.toContain('\u{1b}');
	}
});

it('a command that helps is for the state folder that was named', async () => {
	const state = emptyState();
	const named = temporaryFolder();
	const args = ['models', 'auth', 'token', '--provider', 'groq'];
	const login = 'models auth login --provider groq --agent main';
	const typed = `jarvis --state-dir ${named} ${login}`;
	for (const given of [
		[...args, '--state-dir', named],
		['--state-dir', named, ...args],
		[`--state-dir=${named}`, ...args],
	]) {
		expect((await run(state, given)).stderr).toContain(`Log in: ${typed}\n`);
		expect(errorIn(await run(state, [...given, '--json'])).next).toBe(`Log in: ${typed}`);
	}
	expect((await run(state, ['which', 'groq', '--state-dir', named])).stdout).toContain(typed);
	expect((await run(state, ['--state-dir', named])).stdout).toContain(`jarvis --state-dir ${named} models`);
	expect((await run(state, args)).stderr).toContain(`Log in: jarvis ${login}\n`);
});

it('the sandbox says that it needs a terminal', async () => {
	const outcome = await run(emptyState(), ['--demo']);
	expect(outcome).toMatchObject({code: 2, stdout: ''});
	expect(outcome.stderr).toContain('there is no terminal');
});

/** A store that is damaged in its third line, behind a secret. */
function damagedStore() {
	const state = stateWithKeys(1);
	const file = state.paths.profiles('main');
	const text = `{\n  "profiles": {\n    "key:001": {"key": "${canary('damaged')}" oops\n`;
	writeFileSync(file, text);
	return {state, file, text};
}

const storeReaders = everyCommand.filter(
	([group = '', part = '', name = '']) =>
		['which', 'onboard', 'secrets'].includes(group) ||
		(group === 'models' && !/login|finish/.test(name) && !/^(list|set|aliases|fallbacks)$/.test(part)),
);

it('every command names a damaged store and the place, and leaves it as it is', async () => {
	const {state, file, text} = damagedStore();
	const outcomes = await Promise.all(
		storeReaders.flatMap(args => [run(state, args), run(state, [...args, '--json'])]),
	);
	for (const [index, outcome] of outcomes.entries()) {
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		if (index % 2 === 1) expect(errorIn(outcome).code).toBe('store_damaged');
		expect(outcome.stderr).toMatch(new RegExp(`${file} is not valid JSON \\(line 3, column \\d+`));
		expect(outcome.stderr).not.toContain('canary');
	}
	expect(outcomes).toHaveLength(36);
	expect(readFileSync(file, 'utf8')).toBe(text);
});

it('a damaged store of one agent leaves the others in use, and the listings say so', async () => {
	const {state, file, text} = damagedStore();
	writeJson(state.paths.profiles('work'), {
		profiles: {'key:mine': {type: 'api_key', provider: 'key', key: canary('key')}},
	});
	const token = await run(state, ['models', 'auth', 'token', '--provider', 'key', '--agent', 'work']);
	expect(token).toEqual({code: 0, stdout: `${canary('key')}\n`, stderr: ''});
	expect((await run(state, ['agents', 'list'])).stdout).toMatch(/^main +default +unreadable/m);
	expect((await run(state, [])).stdout).toContain(`${file} is not valid JSON (line 3, column`);
	expect(readFileSync(file, 'utf8')).toBe(text);
});

it('every command that needs the sessions names the place where they are damaged', async () => {
	const state = stateWithKeys(1);
	const file = state.paths.sessions('main');
	const text = `{\n  "chat:42": {"authProfileOverride": "${canary('damaged')}" oops\n`;
	writeJson(file, {});
	writeFileSync(file, text);
	const readers = [
		...everyCommand.filter(([group]) => group === 'sessions'),
		['models', 'auth', 'token', '--provider', 'key', '--session', 'chat:42'],
		['which', 'key', '--session', 'chat:42'],
	];
	expect(readers).toHaveLength(6);
	const outcomes = await Promise.all(readers.map(args => run(state, [...args, '--json'])));
	for (const outcome of outcomes) {
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(outcome).code).toBe('store_damaged');
		expect(outcome.stderr).toContain(`${file} is not valid JSON (line 2, column`);
		expect(outcome.stderr).not.toContain('canary');
	}
	expect(readFileSync(file, 'utf8')).toBe(text);
	// Who asks without a session is not concerned.
	const token = await run(state, ['models', 'auth', 'token', '--provider', 'key']);
	expect(token).toEqual({code: 0, stdout: `${canary('key')}\n`, stderr: ''});
});

function damagedConfiguration() {
	const state = stateWithKeys(1);
	const text = '{\n  agents: {list: [{id: "work"}]},\n  auth: oops\n}\n';
	writeFileSync(state.paths.config, text);
	return {state, text};
}

const where = /jarvis\.json is not valid JSON5 \(line 3, column \d+\)/;
const configurationReaders = everyCommand.filter(([group, name]) => !(group === 'agents' && name === 'list'));

it('every command names a damaged configuration and the place, and leaves it as it is', async () => {
	const {state, text} = damagedConfiguration();
	const outcomes = await Promise.all(configurationReaders.map(args => run(state, [...args, '--json'])));
	for (const outcome of outcomes) {
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({code: 'config_damaged', message: expect.stringMatching(where)});
	}
	expect(outcomes).toHaveLength(everyCommand.length - 1);
	expect(readFileSync(state.paths.config, 'utf8')).toBe(text);
});

it.each([[['agents', 'list']], [['agents', 'list', '--json']], [['secrets', 'reload', '--json']], [[]]])(
	'%j tells of a damaged configuration, and of what it can read',
	async args => {
		const {state} = damagedConfiguration();
		const {stdout, stderr} = await run(state, args);
		expect(stdout + stderr).toMatch(where);
	},
);

it('agents list --json tells which store cannot be read', async () => {
	const {state} = damagedStore();
	const {stdout, stderr} = await run(state, ['agents', 'list', '--json']);
	expect(stdout + stderr).toContain('is not valid JSON');
});

it('a folder that cannot be made is named', async () => {
	const state = stateWithKeys(1);
	const file = state.paths.profiles('main');
	const outcome = await run(state, ['agents', 'add', 'work', '--state-dir', `${file}/below`, '--json']);
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(errorIn(outcome)).toMatchObject({
		code: 'store_inaccessible',
		message: expect.stringContaining(`${file}/below`),
	});
});

it('a reader that has seen enough is no fault', async () => {
	const line = '"$@" 2>&3 | head -1; echo ended';
	const command = ['sh', '-c', `exec 3>&2; ${line}`, 'sh', process.execPath, program] as const;
	const {stdout, stderr} = await start(stateWithKeys(2000), ['models', 'status', '--json'], {
		command: [...command],
	}).ended;
	expect({stdout, stderr}).toEqual({stdout: '{\nended\n', stderr: ''});
});

const systemNode = '/usr/bin/node';
const isOld =
	existsSync(systemNode) && Number(/^v(\d+)/.exec(execFileSync(systemNode, ['-v']).toString())?.[1]) < 22;

it.skipIf(!isOld)('an older Node.js gets one sentence that says what is needed', async () => {
	const outcome = await run(emptyState(), ['models', 'status'], {command: [systemNode, program]});
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(outcome.stderr).toMatch(/^jarvis needs Node\.js 22\.13 or newer, and this is v\d+\.\S+: .*\n$/);
});
