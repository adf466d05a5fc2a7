import {setImmediate as nextTurn} from 'node:timers/promises';
import {stripVTControlCharacters} from 'node:util';
import {Text, useInput, usePaste} from 'ink';
import {render} from 'ink-testing-library';
import {expect, onTestFinished, vi} from 'vitest';
import {App} from '../../source/app.tsx';
import {type JarvisOptions, openJarvis} from '../../source/core.ts';
import type {Surroundings} from '../../source/host/browser.ts';
import type {CopyOutcome} from '../../source/host/clipboard.ts';
import {ensurePrivateFolder} from '../../source/store/write.ts';
import type {UiContext} from '../../source/ui/context.ts';
import {startRuntime} from '../../source/ui/runtime.ts';
import {createUiStore, type UiState} from '../../source/ui/state.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {noon} from './state.ts';

// Ink asks for the size before it can be set here, and would start a program to find it out.
Object.assign(process.env, {COLUMNS: '100', LINES: '30'});

/** What terminals send for the keys that type nothing. */
export const keys = {
	up: '\u001b[A',
	down: '\u001b[B',
	right: '\u001b[C',
	left: '\u001b[D',
	pageUp: '\u001b[5~',
	pageDown: '\u001b[6~',
	home: '\u001b[H',
	end: '\u001b[F',
	enter: '\r',
	esc: '\u001b',
	tab: '\t',
	shiftTab: '\u001b[Z',
	shiftUp: '\u001b[1;2A',
	shiftDown: '\u001b[1;2B',
	backspace: '\u007f',
	ctrlC: '\u0003',
} as const;

export interface AppOptions extends Pick<JarvisOptions, 'openBrowser'> {
	/** An empty one if absent. */
	readonly stateDir?: string;
	/** The state folder was named, as by `--state-dir`. */
	readonly isNamed?: boolean;
	readonly columns?: number;
	readonly rows?: number;
	readonly env?: NodeJS.ProcessEnv;
	readonly surroundings?: Surroundings;
	readonly now?: () => number;
	/** Stands in for the clipboard; what is copied is kept all the same. */
	readonly copy?: (text: string) => Promise<CopyOutcome>;
}

export interface RenderedApp {
	readonly context: UiContext;
	readonly stateDir: string;
	/** What was copied, handed to the browser and shown on the plain terminal, oldest first. */
	readonly copied: readonly string[];
	readonly opened: readonly string[];
	readonly printed: readonly string[];
	/** How often the person left. */
	readonly quits: () => number;
	readonly state: () => UiState;
	/** What is on the screen, without colours and links. */
	readonly frame: () => string;
	readonly lines: () => string[];
	/** Every frame so far, as it was written. */
	readonly frames: readonly string[];
	/** Sends each text as one piece of input, and waits until it arrived. */
	readonly press: (...pieces: readonly string[]) => Promise<void>;
	/** Sends a text as it comes from somebody who types fast: a few characters at a time. */
	readonly type: (text: string) => Promise<void>;
	/** Pastes as a terminal does that marks pastes. */
	readonly paste: (text: string) => Promise<void>;
	readonly resize: (columns: number, rows: number) => void;
	/** Waits until the screen shows a text, or passes a check. */
	readonly waitFor: (wanted: string | RegExp | (() => void)) => Promise<void>;
	/** The line that the cursor stands on. */
	readonly cursorLine: () => string;
}

/** Shows the dashboard over a real state folder until the test ends. */
export async function renderApp(options: AppOptions = {}): Promise<RenderedApp> {
	const stateDir = options.stateDir ?? temporaryFolder();
	// The logins of other programs on the machine that runs the tests are no part of them.
	const env = {HOME: temporaryFolder(), ...options.env};
	const jarvis = openJarvis({
		...{stateDir, env, now: options.now ?? (() => noon)},
		...(options.openBrowser ? {openBrowser: options.openBrowser} : {}),
	});
	ensurePrivateFolder(jarvis.paths.root);
	const store = createUiStore({
		...{snapshot: await jarvis.snapshot(), providers: [], home: env.HOME, now: jarvis.now(), sandbox: false},
		...(options.isNamed ? {stateDir} : {}),
		surroundings: options.surroundings ?? {browser: false, whyNot: 'this is a test'},
	});
	const runtime = startRuntime({store, jarvis});
	await runtime.reload();
	const [copied, opened, printed]: string[][] = [[], [], []];
	let quits = 0;
	const context: UiContext = {
		store,
		jarvis,
		host: {
			async copy(text) {
				copied?.push(text);
				return options.copy ? options.copy(text) : 'copied';
			},
			openBrowser: async url => void opened?.push(url),
			showPlain: async text => void printed?.push(text),
			stop: async () => {},
			quit: () => {
				quits += 1;
			},
			reload: runtime.reload,
		},
	};

	const {stdin, stdout, rerender, unmount} = render(<Text> </Text>);
	const resize = (columns: number, rows: number) => {
		for (const [name, value] of Object.entries({columns, rows})) {
			Object.defineProperty(stdout, name, {value, configurable: true});
		}
		stdout.emit('resize');
	};
	let arrived = 0;
	const count = () => {
		arrived += 1;
	};
	resize(options.columns ?? 100, options.rows ?? 30);
	stdout.frames.length = 0;
	rerender(
		<>
			<App context={context} />
			<Arrivals count={count} />
		</>,
	);
	onTestFinished(() => {
		const {login} = store.getState();
		if (login.stage === 'running') login.login.cancel();
		runtime.stop();
		unmount();
	});

	const frame = () => stripVTControlCharacters(stdout.lastFrame() ?? '');
	const lines = () => frame().split('\n');
	const send = async (piece: string) => {
		const before = arrived;
		stdin.write(piece);
		// A lone Esc arrives late: it might be the beginning of another key.
		if (arrived === before) await soon(() => expect(arrived).toBeGreaterThan(before));
		// From a terminal, each piece comes in a turn of the event loop of its own.
		await nextTurn();
	};
	const press = async (...pieces: readonly string[]) => {
		for (const piece of pieces) await send(piece);
	};
	const waitFor = (wanted: string | RegExp | (() => void)) =>
		soon(typeof wanted === 'function' ? wanted : () => expect(frame()).toMatch(wanted));
	await waitFor(() => expect(store.getState().size.columns).toBe(options.columns ?? 100));
	return {
		...{context, stateDir, frames: stdout.frames, frame, lines, press, resize, waitFor},
		copied: copied ?? [],
		opened: opened ?? [],
		printed: printed ?? [],
		quits: () => quits,
		state: () => store.getState(),
		type: text => press(...(text.match(/.{1,8}/gsu) ?? [])),
		paste: text => press(`\u001b[200~${text}\u001b[201~`),
		cursorLine: () => lines().find((line, index) => index > 0 && line.includes('▸')) ?? '',
	};
}

/** Waits until a check passes. */
export function soon(check: () => void): Promise<void> {
	return vi.waitFor(check, {interval: 5, timeout: 10_000});
}

// Hears what the dashboard hears, and draws nothing.
function Arrivals({count}: {readonly count: () => void}) {
	useInput(count);
	usePaste(count);
	return null;
}
