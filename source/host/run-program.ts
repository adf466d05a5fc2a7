import {type Stats, statSync} from 'node:fs';
import {constants as osConstants} from 'node:os';
import {delimiter, join, resolve} from 'node:path';
import {JarvisError, shellWord} from '../errors.ts';
import {isExecutable, surelyStarts} from './executable.ts';

/** What is run, with what. */
export interface ProgramCall {
	/** The program as it was named, and its arguments. */
	readonly words: readonly [string, ...string[]];
	/** The file that `findProgram` found. */
	readonly file: string;
	readonly env: NodeJS.ProcessEnv;
}

/**
 * The file of a program, looked for as a shell does.
 * @throws `command_not_found`, `command_not_executable`
 */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string {
	// Windows has rules of its own, which its spawn knows.
	if (process.platform === 'win32') return name;
	const isPath = name.includes('/');
	// An empty entry is the current folder (POSIX, "Environment Variables").
	const places = isPath
		? [name]
		: (env.PATH ?? '/usr/bin:/bin').split(delimiter).map(folder => join(folder || '.', name));
	let unusable: string | undefined;
	for (const place of name === '' ? [] : places) {
		const file = resolve(place);
		const stats = statsOf(file);
		if (stats?.isFile() && isExecutable(file)) return file;
		if (stats) unusable ??= file;
	}
	if (unusable !== undefined) throw notExecutable(unusable, 'it is not an executable file');
	throw notFound(name);
}

/**
 * Runs a program to its end in place of this one: its terminal, its signals and its end are those of the
 * program itself. Where the system can, this process becomes the program, and nothing stands between;
 * elsewhere it waits for it. Nothing that matters may be under way any more.
 * @returns its exit code; a signal that ended it ends this process too
 * @throws `command_not_found`, `command_not_executable`
 */
export async function runProgramInPlace(call: ProgramCall): Promise<number> {
	if (process.execve && canBecome(call)) {
		// Node ignores these; what a process ignores, the program that it becomes ignores as well.
		for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
		process.execve(call.file, call.words, call.env);
	}
	return runAsChild(call);
}

/** The most (bytes) of arguments and environment that every system takes, and some more. */
const sureToFit = 512 * 1024;

// One that the system refuses would end this process with a crash: whatever is not surely taken is spawned,
// which can fail.
function canBecome({file, words, env}: ProgramCall): boolean {
	const size = [...words, ...Object.entries(env).flat()].reduce((sum, text = '') => sum + text.length, 0);
	if (size > sureToFit) return false;
	return surelyStarts(file);
}

// A folder of PATH that may not be looked into holds nothing.
function statsOf(file: string): Stats | undefined {
	try {
		return statSync(file);
	} catch {
		return undefined;
	}
}

/** Those that a person or a program sends to a process, and means what it runs. */
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
/** Those that a terminal sends to all of its foreground group, the program included. */
const ofTerminal = ['SIGINT', 'SIGQUIT'] as const;
/** Those by which this process can end as the program did, without a core file of its own. */
const endedAlike: readonly NodeJS.Signals[] = [
	'SIGINT',
	'SIGTERM',
	'SIGHUP',
	'SIGKILL',
	'SIGPIPE',
	'SIGALRM',
	'SIGUSR1',
	'SIGUSR2',
];

async function runAsChild({file, words: [name, ...args], env}: ProgramCall): Promise<number> {
	const {default: spawn} = await import('cross-spawn');
	const child = spawn(file, args, {stdio: 'inherit', env, argv0: name});
	const pass = (signal: NodeJS.Signals) => void child.kill(signal);
	const passUnlessSent = (signal: NodeJS.Signals) => {
		if (!process.stdin.isTTY) child.kill(signal);
	};
	for (const signal of passedOn) process.on(signal, pass);
	for (const signal of ofTerminal) process.on(signal, passUnlessSent);
	const {
		promise,
		resolve: settle,
		reject,
	} = Promise.withResolvers<{
		code: number | null;
		signal: NodeJS.Signals | null;
	}>();
	child.on('error', error => reject(startFailure(error, file, name)));
	child.on('exit', (code, signal) => settle({code, signal}));
	const {code, signal} = await promise;
	if (signal === null) return code ?? 1;
	if (endedAlike.includes(signal)) {
		process.removeAllListeners(signal);
		process.kill(process.pid, signal);
	}
	return 128 + (osConstants.signals[signal] ?? 0);
}

function startFailure(error: NodeJS.ErrnoException, file: string, name: string): JarvisError {
	if (error.code === 'ENOENT' && !statsOf(file)) return notFound(name);
	const why =
		error.code === 'ENOENT'
			? 'the interpreter that it names is not there'
			: `the system refuses it (${error.code})`;
	return notExecutable(file, why);
}

function notFound(name: string): JarvisError {
	return new JarvisError(
		'command_not_found',
		`There is no program ${JSON.stringify(name)}.`,
		name.includes('/') ? 'Check the path.' : 'Check how it is spelt, and that its folder is in PATH.',
	);
}

function notExecutable(file: string, why: string): JarvisError {
	return new JarvisError(
		'command_not_executable',
		`${file} cannot be run: ${why}.`,
		`Check it: ls -l ${shellWord(file)}`,
	);
}
