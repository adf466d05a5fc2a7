import {createHash} from 'node:crypto';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	type Sandbox,
	temporaryFolder,
	writeStore,
} from '../support/sandbox.ts';
import {openTerminal} from '../support/terminal.ts';
import {emptyState, errorIn, openProgram, program, run, start, stored} from './support.ts';

const node = process.execPath;

/** Prints what a program is given: its words, and its environment with hashes in place of the values. */
const witness = `
const {createHash} = require('node:crypto');
const hash = text => createHash('sha256').update(text).digest('hex').slice(0, 16);
const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, hash(value)]));
const cmdline = require('node:fs').readFileSync('/proc/self/cmdline', 'utf8');
console.log(JSON.stringify({words: process.argv.slice(1), env, cmdline, pid: process.pid}));`;

interface Seen {
	readonly words: string[];
	readonly env: Record<string, string>;
	readonly cmdline: string;
	readonly pid: number;
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
const hashes = (values: Record<string, string>) =>
	Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hash(value)]));

/** The variables that have to do with credentials, of those that a program saw. */
function credentialsOf({env}: Seen): Record<string, string> {
	return Object.fromEntries(
		Object.entries(env).filter(([name]) => /KEY|TOKEN|^AWS_|^CANARY/.test(name) && name !== 'AWS_REGION'),
	);
}

const keyOf = (provider: string, name: string) => ({type: 'api_key', provider, key: canary(name)});
const tokenOf = (provider: string, name: string) => ({type: 'token', provider, token: canary(name)});
const awsKey = 'AKIANOTASECRET:not/a+secret=:not-a-session';

function someState(): ReturnType<typeof emptyState> {
	const state = emptyState();
	writeStore(state, 'main', {
		profiles: {
			'anthropic:key': keyOf('anthropic', 'anthropic-key'),
			'anthropic:plan': tokenOf('anthropic', 'plan'),
			'openai:default': keyOf('openai', 'openai'),
			'google:default': keyOf('google', 'google'),
			'github:default': tokenOf('github', 'github'),
			'github:work': tokenOf('github', 'github-work'),
			'amazon-bedrock:default': {type: 'token', provider: 'amazon-bedrock', token: awsKey},
			'github-copilot:maya': {
				...{type: 'oauth', provider: 'github-copilot', access: canary('copilot')},
				...{refresh: canary('copilot-refresh'), expires: Date.now() + 3_600_000},
			},
			'nobody:default': keyOf('nobody', 'nobody'),
		},
		order: {anthropic: ['anthropic:plan', 'anthropic:key'], github: ['github:default', 'github:work']},
	});
	return state;
}

async function seenBy(
	state: Pick<Sandbox, 'stateDir'>,
	args: readonly string[],
	env: Record<string, string> = {},
): Promise<Seen> {
	const {code, stdout, stderr} = await run(state, ['exec', ...args, '--', node, '-e', witness], {env});
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	return JSON.parse(stdout);
}

const openaiKey = {OPENAI_API_KEY: canary('openai'), CODEX_API_KEY: canary('openai')};

/** A program that says what it is told, and ends by SIGTERM in its own way. */
const listener = `
process.on('SIGINT', () => console.log('caught'));
process.on('SIGTERM', () => { console.log('told'); process.exitCode = 9; process.stdin.pause(); });
process.stdin.resume();
console.log('ready', process.pid);`;

const openai = ['exec', '--provider', 'openai'];

describe('the environment', () => {
	const ambient = {
		ANTHROPIC_API_KEY: 'ambient',
		ANTHROPIC_AUTH_TOKEN: 'ambient',
		CLAUDE_CODE_OAUTH_TOKEN: 'ambient',
		OPENAI_API_KEY: 'ambient',
		AWS_PROFILE: 'ambient',
		GITHUB_TOKEN: 'ambient',
	};
	const {ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN, ...rest} = ambient;
	const {OPENAI_API_KEY: _, ...notOpenai} = ambient;
	const {GITHUB_TOKEN: __, ...notGithub} = ambient;
	const {AWS_PROFILE: ___, ...notAws} = ambient;
	it.each<[string, string[], Record<string, string>]>([
		[
			'a subscription’s token goes where it is taken, and no key goes before it',
			['--provider', 'anthropic'],
			{...rest, CLAUDE_CODE_OAUTH_TOKEN: canary('plan'), ANTHROPIC_OAUTH_TOKEN: canary('plan')},
		],
		[
			'a key goes where keys are taken, and no token goes before it',
			['--profile', 'anthropic:key'],
			{...rest, ANTHROPIC_API_KEY: canary('anthropic-key')},
		],
		[
			'several providers, by a comma and by repeating, by other names too',
			['--provider', 'OPENAI,gemini', '--provider', 'gh'],
			{
				...notOpenai,
				...openaiKey,
				GEMINI_API_KEY: canary('google'),
				GOOGLE_API_KEY: canary('google'),
				GH_TOKEN: canary('github'),
				GITHUB_TOKEN: canary('github'),
			},
		],
		[
			'a profile in place of its provider’s first',
			['--profile', 'github:work'],
			{...notGithub, GH_TOKEN: canary('github-work'), GITHUB_TOKEN: canary('github-work')},
		],
		[
			'a profile that is named twice',
			['--profile', 'github:work', '--profile', 'github:work'],
			{...notGithub, GH_TOKEN: canary('github-work'), GITHUB_TOKEN: canary('github-work')},
		],
		[
			'a secret of several values is taken apart',
			['--provider', 'aws'],
			{
				...notAws,
				AWS_ACCESS_KEY_ID: 'AKIANOTASECRET',
				AWS_SECRET_ACCESS_KEY: 'not/a+secret=',
				AWS_SESSION_TOKEN: 'not-a-session',
			},
		],
		[
			'a variable that was chosen, in place of those that are known',
			['--provider', 'openai', '--env', 'CANARY_ONE', '--env', 'CANARY_TWO=openai'],
			{...notOpenai, CANARY_ONE: canary('openai'), CANARY_TWO: canary('openai')},
		],
		[
			'a provider that nobody declares, in a variable that was chosen',
			['--provider', 'nobody,openai', '--env', 'CANARY_ONE=nobody'],
			{...notOpenai, CANARY_ONE: canary('nobody'), ...openaiKey},
		],
		['a model', ['--model', 'openai/large'], {...notOpenai, ...openaiKey}],
	])('%s', async (_what, args, expected) => {
		const seen = await seenBy(someState(), args, ambient);
		expect(credentialsOf(seen)).toEqual(hashes(expected));
		expect(seen.env.HOME).toBeDefined();
	});

	it('with --all has one credential of every provider that has a variable for it', async () => {
		const seen = await seenBy(someState(), ['--all'], {ANTHROPIC_AUTH_TOKEN: 'ambient'});
		expect(Object.keys(credentialsOf(seen)).sort()).toEqual([
			...['ANTHROPIC_OAUTH_TOKEN', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
			...['CLAUDE_CODE_OAUTH_TOKEN', 'CODEX_API_KEY', 'GEMINI_API_KEY', 'GH_TOKEN', 'GITHUB_TOKEN'],
			'GOOGLE_API_KEY',
			'OPENAI_API_KEY',
		]);
	});

	it('with --all lacks what cannot be had, and no key that lies about takes its place', async () => {
		const state = emptyState();
		const over = {...tokenOf('github', 'old'), expires: 1};
		writeStore(state, 'main', {profiles: {'openai:default': keyOf('openai', 'openai'), 'github:old': over}});
		const {code, stdout, stderr} = await run(state, ['exec', '--all', '--', node, '-e', witness], {
			env: {GH_TOKEN: 'ambient'},
		});
		expect({code, seen: credentialsOf(JSON.parse(stdout))}).toEqual({
			code: 0,
			seen: hashes(openaiKey),
		});
		expect(stderr).toMatch(
			/^Without github: .*github:old.* Log in: jarvis models auth login --provider github/,
		);
	});

	it('with --all goes without a credential that no program takes', async () => {
		const state = emptyState();
		const unfit = {type: 'token', provider: 'aws', token: 'not-a-key'};
		writeStore(state, 'main', {
			profiles: {
				'openai:default': keyOf('openai', 'openai'),
				'amazon-bedrock:odd': {...unfit, provider: 'amazon-bedrock'},
			},
		});
		const {code, stderr} = await run(state, ['exec', '--all', '--', 'true']);
		expect(code).toBe(0);
		expect(stderr).toContain('Without amazon-bedrock: ');
		expect(stderr).not.toContain('not-a-key');
	});

	it('holds the secrets, and neither a command line nor the audit log does', async () => {
		const state = someState();
		const {cmdline} = await seenBy(state, ['--provider', 'openai,anthropic']);
		const log = readFileSync(state.paths.auditLog, 'utf8');
		expect(cmdline + log).not.toContain('canary-');
		const entries = log
			.split('\n')
			.filter(Boolean)
			.map(line => JSON.parse(line));
		expect(entries.filter(({event}) => event === 'handed_out')).toMatchObject([
			{by: 'exec', agentId: 'main', profileId: 'openai:default', note: `to ${node}`},
			{by: 'exec', agentId: 'main', profileId: 'anthropic:plan', note: `to ${node}`},
		]);
	});
});

describe('a token that is over', () => {
	async function withExpired(): Promise<Sandbox> {
		const sandbox = await openSandbox();
		declareProvider(sandbox.stateDir, sandbox.server, {}, {env: ['CANARY_TOKEN']});
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		return sandbox;
	}

	it('is refreshed once for sixteen programs that start together, and is theirs', async () => {
		const sandbox = await withExpired();
		const all = await Promise.all(Array.from({length: 16}, () => seenBy(sandbox, ['--provider', 'acme'])));
		expect(sandbox.server.refreshRequests).toBe(1);
		const expected = hashes({CANARY_TOKEN: String(stored(sandbox, 'acme:maya').access)});
		for (const seen of all) expect(credentialsOf(seen)).toEqual(expected);
	});

	it('is left alone for a program that there is not', async () => {
		const sandbox = await withExpired();
		expect(await run(sandbox, ['exec', '--provider', 'acme', '--', 'no-such-program'])).toEqual({
			code: 127,
			stdout: '',
			stderr:
				'jarvis: There is no program "no-such-program".\nCheck how it is spelt, and that its folder is in PATH.\n',
		});
		expect(sandbox.server.refreshRequests).toBe(0);
	});
});

describe('a program that does not start', () => {
	it.each<[string, string[], number, string | RegExp]>([
		[
			'without a credential',
			['--provider', 'groq'],
			3,
			'Log in: jarvis models auth login --provider groq --agent main',
		],
		['without a choice', [], 2, 'Name one: --provider <id>, or all that the agent has: --all.'],
		['of a kind that no program takes', ['--provider', 'copilot'], 1, /--env NAME=github-copilot/],
		['with two for one variable', ['--profile', 'github:work,github:default'], 2, /Leave one of them out/],
		['with --all and more', ['--all', '--provider', 'openai'], 2, 'Name those that are wanted, or all.'],
		['with a variable for nobody', ['--provider', 'openai', '--env', 'A=groq'], 2, /Add --provider groq/],
		['with a variable for one of two', ['--provider', 'openai,gh', '--env', 'A'], 2, /Name its provider/],
		['with a variable that is none', ['--provider', 'openai', '--env', '1=2'], 2, /Write NAME/],
		['of an agent that there is not', ['--provider', 'openai', '--agent', 'nobody'], 1, /agents add/],
	])('%s is told why, with one command that helps', async (_what, args, code, next) => {
		const started = join(temporaryFolder(), 'started');
		const outcome = await run(someState(), ['exec', ...args, '--', 'touch', started]);
		expect(outcome).toMatchObject({code, stdout: ''});
		const lines = outcome.stderr.split('\n');
		expect(lines[1]).toEqual(typeof next === 'string' ? next : expect.stringMatching(next));
		expect(existsSync(started)).toBe(false);
	});

	it('is told of in JSON by no flag of its own', async () => {
		const {code, stderr} = await run(someState(), [...openai, '--', 'no-such-program', '--json']);
		expect(code).toBe(127);
		expect(() => errorIn({stderr})).toThrow();
		expect(stderr).toMatch(/^jarvis: /);
	});
});

describe.each([
	['becomes', true],
	['waits for', false],
])('a program that this process %s', (_how, becomes) => {
	/** Node's own flags: without execve it is as on a system that has none. */
	function nodeFlags(): string[] {
		if (becomes) return [];
		const file = join(temporaryFolder(), 'no-execve.cjs');
		writeFileSync(file, 'delete process.execve;');
		return ['--require', file];
	}

	it.each([
		['ends well', 'exit 0', 0],
		['fails', 'exit 7', 7],
		['ends by SIGTERM', 'kill -TERM $$', 143],
		['ends by SIGKILL', 'kill -KILL $$', 137],
		['crashes', 'ulimit -c 0; kill -SEGV $$', 139],
	])('%s, and so does exec', async (_what, line, code) => {
		const script = '"$@"; echo "ended $?"';
		const {stdout} = await run(someState(), [...openai, '--', 'sh', '-c', line], {
			command: ['sh', '-c', script, 'sh', node, ...nodeFlags(), program],
		});
		expect(stdout).toBe(`ended ${code}\n`);
	});

	it('has the words as they are, the standard streams, and every signal as by default', async () => {
		const flags = nodeFlags();
		const state = someState();
		const words = ['--json', '--', '--state-dir', 'x y', '', '*', '--provider=groq'];
		const line = 'printf "%s|" "$@"; cat; grep SigIgn /proc/self/status; echo err >&2; exit 3';
		for (const before of [[...openai, '--'], openai]) {
			const options = {command: [node, ...flags, program] as [string, ...string[]], input: 'in\n'};
			const outcome = await run(
				{stateDir: '/nonexistent'},
				['--state-dir', state.stateDir, ...before, 'sh', '-c', line, 'sh', ...words],
				options,
			);
			expect(outcome).toEqual({
				code: 3,
				stdout: `${words.map(word => `${word}|`).join('')}in\nSigIgn:\t0000000000000000\n`,
				stderr: 'err\n',
			});
		}
	});

	it('gets SIGTERM and decides itself', async () => {
		const running = start(someState(), [...openai, '--', node, '-e', listener], {
			command: [node, ...nodeFlags(), program],
		});
		const [, pid] = (await running.prints(/ready \d+/)).split(' ');
		expect(Number(pid) === running.pid).toBe(becomes);
		running.signal('SIGTERM');
		await running.prints('told');
		expect(await running.ended).toMatchObject({code: 9});
	});

	it('gets Ctrl-C once, from its terminal', async () => {
		const flags = nodeFlags();
		const terminal = openProgram(someState(), [], {
			args: [...flags, program, ...openai, '--', node, '-e', listener],
		});
		await terminal.waitFor('ready');
		terminal.write('\u{3}');
		await terminal.waitFor('caught');
		// Whoever passes signals on does so in their order: a second SIGINT would come before this.
		terminal.kill('SIGTERM');
		expect(await terminal.exited).toEqual({exitCode: 9});
		expect(terminal.text().match(/caught|told/g)).toEqual(['caught', 'told']);
	});

	it('is stopped by Ctrl-Z as one job, and goes on', async () => {
		const flags = nodeFlags();
		const state = someState();
		const line = [node, ...flags, program, ...openai, '--', 'sh', '-c', "'echo ready; read x; echo got $x'"];
		const shell = openTerminal({
			command: 'bash',
			args: ['--norc', '--noprofile', '-i'],
			env: {JARVIS_STATE_DIR: state.stateDir, PS1: '> ', HOME: state.stateDir},
		});
		try {
			await shell.waitFor(/^>$/m);
			shell.write(`${line.join(' ')}\r`);
			await shell.waitFor(/^ready/m);
			shell.write('\u{1a}');
			// What is typed before the prompt stands there may be lost.
			await shell.waitFor(text => /Stopped[\s\S]*\n>$/.test(text.trimEnd()));
			shell.write('fg\r');
			await shell.waitFor(/^> fg/m);
			shell.write('hello\r');
			await shell.waitFor(/^got hello/m);
		} finally {
			await shell.close();
		}
	});
});
