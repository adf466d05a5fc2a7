import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, onTestFinished, vi} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, readStore, type Sandbox, temporaryFolder, writeStore} from '../support/sandbox.ts';
import {openTerminal, type Terminal, type TerminalOptions} from '../support/terminal.ts';
import {compileCache} from '../support/workers.ts';

/** The program as it is shipped: `npm test` builds it first. */
export const program = fileURLToPath(new URL('../../dist/jarvis.cjs', import.meta.url));

/** The account that the sandbox's server logs in unless it is told another one. */
export const firstAccount = 'maya@example.test';

type State = Pick<Sandbox, 'stateDir'>;
type Environment = Record<string, string | undefined>;

interface Outcome {
	/** `null` when a signal ended it. */
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** A command that runs. */
interface Running {
	readonly pid: number;
	stdout(): string;
	stderr(): string;
	/** Resolves with a text once standard error holds it; rejects when it ends, or 15 s go by, before that. */
	says(text: string | RegExp): Promise<string>;
	/** The same of standard output. */
	prints(text: string | RegExp): Promise<string>;
	/** Writes to standard input, which stays open. */
	type(text: string): void;
	/** Ends standard input. */
	end(): void;
	signal(name: NodeJS.Signals): void;
	readonly ended: Promise<Outcome>;
}

interface CommandOptions {
	readonly env?: Environment;
	/** What runs in place of the program itself. */
	readonly command?: readonly [string, ...string[]];
}

/** Nothing of the machine but its programs: no browser, no display, no home, no other state folder. */
function plainEnvironment(state: State, changes: Environment = {}): Environment {
	return {
		PATH: process.env.PATH,
		HOME: join(state.stateDir, 'no-home'),
		LANG: 'C.UTF-8',
		JARVIS_STATE_DIR: state.stateDir,
		// The program is started some thousand times.
		NODE_COMPILE_CACHE: compileCache,
		...changes,
	};
}

/** Starts a command, with a pipe as its standard input. */
export function start(
	state: State,
	args: readonly string[],
	{env, command: [file, ...before] = [process.execPath, program]}: CommandOptions = {},
): Running {
	const child = spawn(file, [...before, ...args], {env: plainEnvironment(state, env), stdio: 'pipe'});
	const text = {stdout: '', stderr: ''};
	const looks = new Set<() => void>();
	for (const name of ['stdout', 'stderr'] as const) {
		child[name].setEncoding('utf8').on('data', piece => {
			text[name] += piece;
			for (const look of looks) look();
		});
	}
	// It may end without having read all.
	child.stdin.on('error', () => {});
	const ended = once(child, 'close').then(([code]) => ({code: code as number | null, ...text}));
	onTestFinished(async () => {
		child.kill('SIGKILL');
		await ended;
	});
	function holds(name: keyof typeof text, wanted: string | RegExp): Promise<string> {
		const {promise, resolve, reject} = Promise.withResolvers<string>();
		const look = () => {
			const now = text[name];
			const found = typeof wanted === 'string' ? now.includes(wanted) && wanted : wanted.exec(now)?.[0];
			if (typeof found === 'string') resolve(found);
		};
		const fail = (how: string) =>
			reject(new Error(`${how} without ${wanted}:\n${text.stdout}${text.stderr}`));
		const timer = setTimeout(() => fail('15 s went by'), 15_000);
		looks.add(look);
		look();
		void ended.then(() => fail('It ended'));
		return promise.finally(() => clearTimeout(timer));
	}

	return {
		pid: child.pid ?? 0,
		stdout: () => text.stdout,
		stderr: () => text.stderr,
		says: wanted => holds('stderr', wanted),
		prints: wanted => holds('stdout', wanted),
		type: typed => void child.stdin.write(typed),
		end: () => void child.stdin.end(),
		signal: name => void child.kill(name),
		ended,
	};
}

/** Runs a command to its end; what it is given on standard input ends there. */
export async function run(
	state: State,
	args: readonly string[],
	{input = '', ...options}: CommandOptions & {readonly input?: string} = {},
): Promise<Outcome> {
	const running = start(state, args, options);
	running.type(input);
	running.end();
	return running.ended;
}

/** Runs a command that must succeed, and returns the JSON that it prints. */
export async function runJson<T>(state: State, args: readonly string[]): Promise<T> {
	const {code, stdout, stderr} = await run(state, [...args, '--json']);
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	return JSON.parse(stdout);
}

interface ErrorObject {
	readonly error: {readonly code: string; readonly message: string; readonly next: string};
}

/** The error that `--json` prints, which must be one object on one line. */
export function errorIn({stderr}: Pick<Outcome, 'stderr'>): ErrorObject['error'] {
	expect(stderr).toMatch(/^\{.*\}\n$/);
	return (JSON.parse(stderr) as ErrorObject).error;
}

type ScreenOptions = Partial<
	Pick<TerminalOptions, 'command' | 'args' | 'env' | 'columns' | 'rows' | 'isOld'>
>;

/** Runs the program in a terminal of its own, which is gone after the test. */
export function openProgram(state: State, args: readonly string[], options: ScreenOptions = {}): Terminal {
	const {env, ...more} = options;
	const terminal = openTerminal({
		command: process.execPath,
		args: [program, ...args],
		// Wide enough for every column.
		columns: 120,
		...more,
		env: {...plainEnvironment(state), BROWSER: undefined, NODE_OPTIONS: undefined, ...env},
	});
	onTestFinished(() => terminal.close());
	return terminal;
}

/** Opens the dashboard, and waits for its first frame. */
export async function openDashboard(state: State, options: ScreenOptions = {}): Promise<Terminal> {
	const terminal = openProgram(state, [], options);
	await dashboardOn(terminal);
	return terminal;
}

/** Waits until a terminal shows the dashboard, and it listens: it asks for marked pastes when it does. */
export async function dashboardOn(terminal: Terminal): Promise<void> {
	await terminal.waitFor(text => {
		const raw = terminal.raw();
		const isListening = raw.lastIndexOf('\u{1b}[?2004h') > raw.lastIndexOf('\u{1b}[?1049h');
		return isListening && /1 Agents.*9[\s\S]*q quit/.test(text);
	});
}

/** Runs the program, and shows afterwards how it ended and in which mode it left the terminal. */
export function witnessed(afterwards = 'true'): Required<Pick<ScreenOptions, 'command' | 'args'>> {
	const script = `trap : INT; "$@"; code=$?; stty -a; echo "ended with $code"; ${afterwards}`;
	return {command: 'sh', args: ['-c', script, 'sh', process.execPath, program]};
}

/** Fails unless the terminal is as it was before the dashboard: nothing is left on, and nothing of it seen. */
export function expectRestored(terminal: Terminal): void {
	expect(terminal.buffer()).toBe('normal');
	expect(terminal.text()).not.toContain('1 Ag');
	const raw = terminal.raw();
	const modes = raw.split('\u{1b}[?').flatMap(text => {
		const [, mode, to] = /^(\d+)([hl])/.exec(text) ?? [];
		return mode ? [[mode, to]] : [];
	});
	// The alternate screen, the cursor, rows that break at the edge, bracketed paste, synchronized updates; and none that
	// is not known here.
	expect(Object.fromEntries(modes)).toEqual({1049: 'l', 25: 'h', 7: 'h', 2004: 'l', 2026: 'l'});
	expect(terminal.text()).toMatch(/^isig icanon .* echo /m);
}

/** Goes to a screen by its digit. */
export async function goTo(
	terminal: Terminal,
	digit: '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9',
): Promise<void> {
	await terminal.press(digit);
	await terminal.waitFor(`▸${digit} `);
}

/** Opens the dashboard, and starts a login of the declared provider. Returns the link on the screen. */
export async function openLogin(
	sandbox: Sandbox,
	options: ScreenOptions = {},
): Promise<{readonly terminal: Terminal; readonly link: string}> {
	const terminal = await openDashboard(sandbox, options);
	await goTo(terminal, '5');
	await terminal.waitFor(/▸ {2}Acme/);
	await terminal.press('\r');
	return {terminal, link: await linkOn(terminal)};
}

/** The login link, as a person selects it on the screen: full rows without their line ends. */
export async function linkOn(terminal: Terminal): Promise<string> {
	await terminal.waitFor(/^http[\s\S]*paste the address/m);
	const rows = terminal.screen();
	const {length: width} = terminal.cells()[0] ?? [];
	let link = '';
	for (const row of rows.slice(rows.findIndex(line => line.startsWith('http')))) {
		if (row.startsWith(' ') || row === '') break;
		link += row;
		if (row.length !== width) break;
	}
	expect(new URL(link).searchParams.get('state')).toMatch(/^[\w-]{43}$/);
	return link;
}

/** The authorize URL that a command tells: alone on its line. */
export async function toldLink(command: Running): Promise<string> {
	await command.says(/^http.*\n[\s\S]*:\n$/m);
	return /^http\S+$/m.exec(command.stderr())?.[0] ?? '';
}

/** The address that the browser ends at, which is not asked for here. */
export async function redirectFrom(link: string, hint = firstAccount): Promise<string> {
	const url = new URL(link);
	const redirectUri = url.searchParams.get('redirect_uri') ?? '';
	url.searchParams.set('login_hint', hint);
	return (await visit(url.href, {stopAt: to => to.href.startsWith(redirectUri)})).url;
}

/** A stored profile; fails when there is none of that id. */
export function stored(
	sandbox: Pick<Sandbox, 'paths'>,
	profileId: string,
	agentId = 'main',
): Record<string, unknown> {
	const profile = readStore(sandbox, agentId).profiles[profileId];
	if (!profile) expect.fail(`${agentId} has no profile ${profileId}`);
	return profile;
}

/** An empty state folder. */
export function emptyState(): Pick<Sandbox, 'stateDir' | 'paths'> {
	const stateDir = temporaryFolder();
	return {stateDir, paths: statePaths(stateDir)};
}

/** A state folder whose main agent has so many API keys, `key:001` and on, which no time changes. */
export function stateWithKeys(count: number): ReturnType<typeof emptyState> {
	const state = emptyState();
	const ids = Array.from({length: count}, (_, index) => `key:${String(index + 1).padStart(3, '0')}`);
	const profile = {type: 'api_key', provider: 'key', key: canary('key')};
	writeStore(state, 'main', {version: 1, profiles: Object.fromEntries(ids.map(id => [id, profile]))});
	return state;
}

/** A program that runs a line of shell. */
export function shellScript(folder: string, name: string, body: string): string {
	const file = join(folder, name);
	writeFileSync(file, `#!/bin/sh\n${body}\n`);
	chmodSync(file, 0o755);
	return file;
}

/** Waits until something holds that no terminal and no process tells of. */
export async function until<T>(look: () => T): Promise<T> {
	return vi.waitFor(look, {timeout: 15_000, interval: 20});
}

/** The only child of a process. */
export function childOf(pid: number): number {
	const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
	expect(child).toBeGreaterThan(0);
	return child;
}

/** How a process is: `R` running, `S` sleeping, `T` stopped; nothing once it is gone. */
export function processState(pid: number): string | undefined {
	try {
		return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
	} catch {
		return undefined;
	}
}
