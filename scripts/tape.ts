import type {Terminal} from '../test/support/terminal.ts';

/** What each key of a tape sends. */
const keySequences = {
	Enter: '\r',
	Tab: '\t',
	Space: ' ',
	Backspace: '\u{7f}',
	Escape: '\u{1b}',
	Up: '\u{1b}[A',
	Down: '\u{1b}[B',
	Right: '\u{1b}[C',
	Left: '\u{1b}[D',
	PageUp: '\u{1b}[5~',
	PageDown: '\u{1b}[6~',
} as const;

type TapeKey = keyof typeof keySequences;

type TapeCommand =
	| {readonly kind: 'output'; readonly path: string}
	| {readonly kind: 'set'; readonly name: string; readonly value: string}
	| {readonly kind: 'env'; readonly name: string; readonly value: string}
	| {readonly kind: 'require'; readonly program: string}
	| {readonly kind: 'type'; readonly text: string; readonly speedMs: number | undefined}
	| {
			readonly kind: 'key';
			readonly key: TapeKey;
			readonly count: number;
			readonly speedMs: number | undefined;
	  }
	| {readonly kind: 'ctrl'; readonly key: string}
	| {readonly kind: 'sleep'; readonly ms: number}
	| {
			readonly kind: 'wait';
			readonly scope: 'line' | 'screen';
			readonly pattern: RegExp;
			readonly timeoutMs: number | undefined;
	  }
	| {readonly kind: 'screenshot'; readonly path: string}
	| {readonly kind: 'hide'}
	| {readonly kind: 'show'};

/** One command of a tape, with the line it stands on. */
export type TapeStep = TapeCommand & {readonly line: number};

interface ReplayOptions {
	/** For a Wait that gives none of its own; 15 seconds unless told. */
	timeoutMs?: number;
	/** Called for every Screenshot of the tape. */
	onScreenshot?: (path: string, terminal: Terminal) => void | Promise<void>;
}

const settings = new Set([
	...['Shell', 'FontFamily', 'FontSize', 'LetterSpacing', 'LineHeight', 'Theme', 'CursorBlink'],
	...['Width', 'Height', 'Padding', 'Margin', 'MarginFill', 'WindowBar', 'WindowBarSize', 'BorderRadius'],
	...['Framerate', 'PlaybackSpeed', 'LoopOffset', 'TypingSpeed', 'WaitTimeout', 'WaitPattern'],
]);

/** The rest of a line that is being read. */
interface Reader {
	rest: string;
}

/**
 * Reads a VHS tape. Knows the part of the language that a recording of a terminal program needs, and throws an
 * Error that names the line for anything else. As in VHS, nothing is escaped inside quotes or slashes: text with
 * one kind of quotes in it goes between another.
 */
export function parseTape(text: string): TapeStep[] {
	return text.split(/\r?\n/).flatMap((content, index) => {
		const line = index + 1;
		try {
			return parseLine(content).map(command => ({...command, line}));
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			throw new Error(`Line ${line} of the tape: ${reason}: ${content.trim()}`, {cause: error});
		}
	});
}

/** A line may hold several commands, as VHS takes a line's end for a space like any other. */
function parseLine(content: string): TapeCommand[] {
	const reader: Reader = {rest: content};
	const commands: TapeCommand[] = [];
	while (take(reader, /^\s*(?:#.*)?$/) === undefined) {
		take(reader, /^\s+/);
		commands.push(parseCommand(reader));
		if (!/^(?:\s|#|$)/.test(reader.rest)) {
			throw new Error(`unexpected ${JSON.stringify(reader.rest)}`);
		}
	}

	return commands;
}

function parseCommand(reader: Reader): TapeCommand {
	const word = take(reader, /^[A-Za-z]+/) ?? '';
	if (isKey(word)) {
		const speedMs = parseAt(reader);
		const count = Number(take(reader, /^[ \t]+(\d+)(?![^\s#])/) ?? 1);
		if (count < 1) {
			throw new Error('a key is pressed at least once');
		}

		return {kind: 'key', key: word, count, speedMs};
	}

	switch (word) {
		case 'Type':
			return {kind: 'type', speedMs: parseAt(reader), text: parseTexts(reader)};
		case 'Ctrl':
			return {kind: 'ctrl', key: need(reader, /^\+([A-Za-z@[\\\]^])/, 'a + and a key')};
		case 'Sleep':
			return {kind: 'sleep', ms: duration(need(reader, /^\s+([\d.]+(?:ms|s|m)?)/, 'a time'))};
		case 'Wait':
			return parseWait(reader);
		case 'Hide':
			return {kind: 'hide'};
		case 'Show':
			return {kind: 'show'};
		case 'Output':
			return {kind: 'output', path: parsePath(reader, /(?:\.(?:gif|mp4|webm|ascii|txt|test|png)|\/)$/)};
		case 'Screenshot':
			return {kind: 'screenshot', path: parsePath(reader, /\.png$/)};
		case 'Require':
			return {kind: 'require', program: parseWord(reader)};
		case 'Env':
			return {
				kind: 'env',
				name: need(reader, /^\s+([A-Za-z_]\w*)/, 'the name of a variable'),
				value: parseText(reader),
			};
		case 'Set':
			return parseSetting(reader);
		default:
			throw new Error('unknown command');
	}
}

function parseWait(reader: Reader): TapeCommand {
	const scope = take(reader, /^\+(Line|Screen)(?![A-Za-z])/) === 'Screen' ? 'screen' : 'line';
	const timeoutMs = parseAt(reader);
	const pattern = need(reader, /^\s+\/([^/]+)\//, 'an expression between slashes');
	return {kind: 'wait', scope, pattern: new RegExp(pattern), timeoutMs};
}

function parseSetting(reader: Reader): TapeCommand {
	const name = need(reader, /^\s+([A-Za-z]+)/, 'the name of a setting');
	if (!settings.has(name)) {
		throw new Error('unknown setting');
	}

	const value = take(reader, quoted) ?? need(reader, /^\s+(\{[^}]*\}|\/[^/]+\/|[^\s#"'`{/]+)/, 'a value');
	return {kind: 'set', name, value: unquote(value)};
}

const quoted = /^\s+("[^"]*"|'[^']*'|`[^`]*`)/;

function parseText(reader: Reader): string {
	return unquote(need(reader, quoted, 'a text in quotes'));
}

/** Several texts in a row are typed with a space between them. */
function parseTexts(reader: Reader): string {
	const texts = [parseText(reader)];
	while (quoted.test(reader.rest)) {
		texts.push(parseText(reader));
	}

	return texts.join(' ');
}

/** A text, which needs no quotes as long as it starts with a letter or a dot and is a plain name or path. */
function parseWord(reader: Reader): string {
	return unquote(
		take(reader, quoted) ?? need(reader, /^\s+([A-Za-z.][\w./%-]*)/, 'a name or a text in quotes'),
	);
}

function parsePath(reader: Reader, ending: RegExp): string {
	const path = parseWord(reader);
	if (!ending.test(path)) {
		throw new Error('not a kind of file it can write');
	}

	return path;
}

/** The time after an @, in milliseconds, where there is one. */
function parseAt(reader: Reader): number | undefined {
	return reader.rest.startsWith('@')
		? duration(need(reader, /^@([\d.]+(?:ms|s|m)?)/, 'a time after the @'))
		: undefined;
}

const units: Record<string, number> = {ms: 1, s: 1000, m: 60_000};

/** Milliseconds; a number without a unit is in seconds. */
function duration(text: string): number {
	const [, number = '', unit = 's'] = /^(\d+\.?\d*|\.\d+)(ms|s|m)?$/.exec(text) ?? [];
	if (number === '') {
		throw new Error(`${text} is not a time`);
	}

	return Number(number) * (units[unit] ?? 1000);
}

function isKey(word: string): word is TapeKey {
	return Object.hasOwn(keySequences, word);
}

function unquote(text: string): string {
	return /^["'`]/.test(text) ? text.slice(1, -1) : text;
}

/** Takes what an expression matches at the start of the rest, or its group if it has one. */
function take(reader: Reader, expression: RegExp): string | undefined {
	const match = expression.exec(reader.rest);
	if (!match) {
		return undefined;
	}

	reader.rest = reader.rest.slice(match[0].length);
	return match[1] ?? match[0];
}

function need(reader: Reader, expression: RegExp, what: string): string {
	const found = take(reader, expression);
	if (found === undefined) {
		throw new Error(`expected ${what}`);
	}

	return found;
}

/**
 * Plays a tape's keys into a terminal. It doesn't take the tape's time: a Sleep is passed over, keys go as fast
 * as the program answers them, and a Wait is waited for. What a recording is about (Output, Set, Hide, Show) is
 * passed over as well; Require and Env are for whoever opens the terminal.
 */
export async function replayTape(
	steps: readonly TapeStep[],
	terminal: Terminal,
	options: ReplayOptions = {},
): Promise<void> {
	for (const step of steps) {
		switch (step.kind) {
			case 'type':
				await terminal.press(...step.text);
				break;
			case 'key':
				await terminal.press(...Array<string>(step.count).fill(keySequences[step.key]));
				break;
			case 'ctrl':
				await terminal.press(String.fromCodePoint((step.key.codePointAt(0) ?? 0) & 0x1f));
				break;
			case 'wait':
				await replayWait(step, terminal, options.timeoutMs);
				break;
			case 'screenshot':
				await options.onScreenshot?.(step.path, terminal);
				break;
			default:
		}
	}
}

async function replayWait(
	{line, scope, pattern, timeoutMs}: Extract<TapeStep, {kind: 'wait'}>,
	terminal: Terminal,
	defaultTimeoutMs = 15_000,
): Promise<void> {
	const what =
		scope === 'screen'
			? pattern
			: (text: string) => pattern.test(text.split('\n')[terminal.cursor().row] ?? '');
	try {
		await terminal.waitFor(what, {timeoutMs: timeoutMs ?? defaultTimeoutMs});
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new Error(`Line ${line} of the tape, ${pattern} on the ${scope}: ${reason}`, {cause: error});
	}
}
