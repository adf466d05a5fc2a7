import {setTimeout as sleep} from 'node:timers/promises';
import {spawn} from '@lydell/node-pty';
import xterm from '@xterm/headless';
import {type Cell, modernWidths, readCells} from './cell.ts';

export type {Cell} from './cell.ts';

export interface TerminalOptions {
	command: string;
	args: readonly string[];
	cwd?: string;
	/** Goes over the environment of a plain terminal; `undefined` removes a variable. */
	env?: Record<string, string | undefined>;
	/** 100 unless told. */
	columns?: number;
	/** 30 unless told. */
	rows?: number;
	/** It draws people of several parts as those parts, as older terminals do, in more columns than Unicode says. */
	isOld?: boolean;
}

interface WaitOptions {
	/** 15 seconds unless told. */
	timeoutMs?: number;
	/** Wait until it no longer holds. */
	gone?: boolean;
}

interface TerminalExit {
	exitCode: number;
	signal?: number;
}

export interface Terminal {
	readonly pid: number;
	/** The visible screen as text, one string per row, right-trimmed. */
	screen(): string[];
	/** The rows of the screen, joined by line feeds. */
	text(): string;
	buffer(): 'normal' | 'alternate';
	cells(): readonly (readonly Cell[])[];
	/** Where the cursor is, counted from 0. */
	cursor(): {column: number; row: number};
	/** Everything the program has written. */
	raw(): string;
	/** Sends keys at once. A program may read them as one piece of text: see `press`. */
	write(keys: string): void;
	/**
	 * Presses keys one after the other as a person does, the next one when the program has answered with output,
	 * or after a quarter of a second if it has nothing to say. Programs built on Ink take what they read in one
	 * piece as one input, in which a return is no Enter key and an escape begins a longer key.
	 */
	press(...keys: string[]): Promise<void>;
	/** Pastes as a terminal does: bracketed if the program asked for it, line ends as carriage returns. */
	paste(text: string): void;
	resize(columns: number, rows: number): void;
	/** Sends a signal, such as `SIGTERM`, to the program. */
	kill(signal: string): void;
	/**
	 * Resolves with the screen's text as soon as it holds the string, matches the expression or satisfies the
	 * predicate. Looks after every piece the program writes, but not in the middle of a synchronized update.
	 * Rejects, with the screen in the message, after the timeout or when the program ends first.
	 */
	waitFor(what: string | RegExp | ((text: string) => boolean), options?: WaitOptions): Promise<string>;
	/** Resolves once the program has ended and its last output is on the screen. */
	readonly exited: Promise<TerminalExit>;
	/** Kills the program if it still runs, and lets go of the terminal. */
	close(): Promise<void>;
}

interface Waiter {
	check(text: string): void;
	fail(reason: string): void;
}

/** Ink waits 20 ms for what may follow an escape before it is a key of its own. */
const shortestPause = 30;
/** How long a key may go without an answer before the next one is pressed. */
const patience = 250;

/** Starts a program in a pseudo-terminal of its own and follows its screen. */
export function openTerminal(options: TerminalOptions): Terminal {
	const emulator = new xterm.Terminal({
		cols: options.columns ?? 100,
		rows: options.rows ?? 30,
		allowProposedApi: true,
		// It would log to the console what it can't read.
		logLevel: 'off',
	});
	emulator.unicode.register(modernWidths);
	if (!options.isOld) emulator.unicode.activeVersion = modernWidths.version;
	const pty = spawn(options.command, [...options.args], {
		cols: emulator.cols,
		rows: emulator.rows,
		cwd: options.cwd ?? process.cwd(),
		env: childEnvironment(options.env ?? {}),
	});
	const waiters = new Set<Waiter>();
	let written = '';
	let exit: TerminalExit | undefined;

	function screen(): string[] {
		const buffer = emulator.buffer.active;
		return Array.from({length: emulator.rows}, (_, row) => {
			const line = buffer.getLine(buffer.baseY + row);
			// A line keeps what a narrower screen cut off.
			return line?.translateToString(true, 0, emulator.cols).trimEnd() ?? '';
		});
	}

	function text(): string {
		return screen().join('\n');
	}

	function checkWaiters(): void {
		if (waiters.size > 0) {
			const now = text();
			for (const waiter of waiters) {
				waiter.check(now);
			}
		}
	}

	pty.onData(data => {
		written += data;
		emulator.write(data, () => {
			if (!emulator.modes.synchronizedOutputMode) {
				checkWaiters();
			}
		});
	});
	// One piece of output may end a frame and begin the next: without this the finished one would go unseen.
	emulator.parser.registerCsiHandler({prefix: '?', final: 'l'}, parameters => {
		if (parameters.includes(2026)) {
			checkWaiters();
		}

		return false;
	});
	emulator.onData(reply => write(reply));

	const exited = new Promise<TerminalExit>(resolve => {
		pty.onExit(({exitCode, signal}) => {
			const ended = signal ? {exitCode, signal} : {exitCode};
			emulator.write('', () => {
				exit = ended;
				checkWaiters();
				for (const waiter of waiters) {
					waiter.fail(exitReason(ended));
				}

				resolve(ended);
			});
		});
	});

	function write(keys: string): void {
		if (!exit) {
			pty.write(keys);
		}
	}

	async function press(...keys: string[]): Promise<void> {
		for (const key of keys) {
			const before = written.length;
			write(key);
			const answered = waitFor(() => written.length > before, {timeoutMs: patience});
			// Not every key has an effect, and the last one may end the program.
			await Promise.all([sleep(shortestPause), answered.catch(() => undefined)]);
		}
	}

	function waitFor(
		what: string | RegExp | ((text: string) => boolean),
		{timeoutMs = 15_000, gone = false}: WaitOptions = {},
	): Promise<string> {
		const holds = predicate(what);
		const failure = new Error();
		return new Promise((resolve, reject) => {
			const waiter: Waiter = {
				check(now) {
					try {
						if (holds(now) !== gone) {
							settle();
							resolve(now);
						}
					} catch (error) {
						settle();
						reject(error);
					}
				},
				fail(reason) {
					settle();
					reject(
						explain(failure, `${reason} waiting for ${describe(what, gone)}. Screen:\n${frame(screen())}`),
					);
				},
			};
			const timer = setTimeout(() => waiter.fail(`Timed out after ${timeoutMs} ms`), timeoutMs);
			function settle(): void {
				clearTimeout(timer);
				waiters.delete(waiter);
			}

			waiters.add(waiter);
			if (exit || !emulator.modes.synchronizedOutputMode) {
				waiter.check(text());
			}

			if (exit && waiters.has(waiter)) {
				waiter.fail(exitReason(exit));
			}
		});
	}

	return {
		pid: pty.pid,
		screen,
		text,
		buffer: () => emulator.buffer.active.type,
		cells: () => readCells(emulator.buffer.active, emulator.cols, emulator.rows),
		cursor: () => ({column: emulator.buffer.active.cursorX, row: emulator.buffer.active.cursorY}),
		raw: () => written,
		write,
		press,
		paste(pasted) {
			const lines = pasted.replace(/\r?\n/g, '\r');
			// An escape in the text could end the paste early, so terminals don't let one through.
			const bracketed = `\u{1b}[200~${lines.replaceAll('\u{1b}', '\u{241b}')}\u{1b}[201~`;
			write(emulator.modes.bracketedPasteMode ? bracketed : lines);
		},
		resize(columns, rows) {
			emulator.resize(columns, rows);
			if (!exit) {
				pty.resize(columns, rows);
			}
		},
		kill(signal) {
			if (!exit) {
				pty.kill(signal);
			}
		},
		waitFor,
		exited,
		async close() {
			if (!exit) {
				killGroup(pty.pid);
			}

			await exited;
			emulator.dispose();
		},
	};
}

/** Variables that say where the tests run; a program that saw them would not behave as it does for a person. */
const runnerVariables = new RegExp(
	`^(?:${[
		// Continuous integration and colour switches
		'CI|CI_.*|CONTINUOUS_INTEGRATION|BUILD_NUMBER|RUN_ID|NO_COLOR|FORCE_COLOR|FORCE_TTY',
		// The terminal or desktop around the tests
		'SSH_.*|DISPLAY|WAYLAND_DISPLAY|COLORTERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|TMUX|TMUX_PANE|STY',
		'COLUMNS|LINES|LC_.*',
		// What the test runner sets for itself
		'VITEST|VITEST_.*|NODE_ENV|TEST|DEV|PROD|SSR|MODE|BASE_URL',
	].join('|')})$`,
);

function childEnvironment(changes: Record<string, string | undefined>): Record<string, string> {
	const inherited = Object.entries(process.env).filter(([name]) => !runnerVariables.test(name));
	const all: Record<string, string | undefined> = {
		...Object.fromEntries(inherited),
		TERM: 'xterm-256color',
		LANG: 'C.UTF-8',
		...changes,
	};
	const environment: Record<string, string> = {};
	for (const [name, value] of Object.entries(all)) {
		if (value !== undefined) {
			environment[name] = value;
		}
	}

	return environment;
}

/** The program leads its own process group, so this reaches the children it left in it as well. */
function killGroup(pid: number): void {
	try {
		process.kill(-pid, 'SIGKILL');
	} catch {
		// It ended in this very moment.
	}
}

function predicate(what: string | RegExp | ((text: string) => boolean)): (text: string) => boolean {
	if (typeof what === 'string') {
		return text => text.includes(what);
	}

	// Unlike test(), search() doesn't depend on where a global expression matched last.
	return what instanceof RegExp ? text => text.search(what) !== -1 : what;
}

function describe(what: string | RegExp | ((text: string) => boolean), gone: boolean): string {
	const name =
		typeof what === 'function' ? 'a condition' : what instanceof RegExp ? String(what) : JSON.stringify(what);
	return gone ? `${name} to go` : name;
}

function exitReason({exitCode, signal}: TerminalExit): string {
	return `The program ended (${signal ? `signal ${signal}` : `exit code ${exitCode}`})`;
}

/** Gives an error made at the call its message, so that its stack names the test's line and not a timer's. */
function explain(error: Error, message: string): Error {
	const [, ...frames] = error.stack?.split('\n') ?? [];
	error.message = message;
	error.stack = [`Error: ${message}`, ...frames].join('\n');
	return error;
}

function frame(rows: readonly string[]): string {
	const last = rows.findLastIndex(row => row !== '');
	return last === -1
		? '(empty)'
		: rows
				.slice(0, last + 1)
				.map(row => `│ ${row}`)
				.join('\n');
}
