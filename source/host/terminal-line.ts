import {EventEmitter} from 'node:events';
import {createInterface} from 'node:readline';
import {Writable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';
import {asOneLine, fromOneLine, pasteMarking, pasteReader} from './marked-paste.ts';

/** What becomes of what is typed or pasted. */
export interface LineListener {
	/** Enter was pressed behind this. */
	line(text: string): void;
	/** A paste that the terminal marked stands in the line now. */
	pasted(line: string): void;
	/** Anything came, after it was dealt with. */
	heard(): void;
	/** ^C. */
	cancelled(): void;
	/** ^D, or the terminal is gone. */
	ended(): void;
}

/** A line at the terminal that is edited, and may hold a paste. */
export interface TerminalLine {
	/** Whether what is typed and pasted is shown. It is not, until this is called. */
	show(isShown: boolean): void;
	/** Takes what stands in the line without an Enter. */
	take(): string;
	/** Whether a marked paste is under way. */
	isPasting(): boolean;
	/**
	 * Gives the terminal back as it was. What comes until it has been quiet for so long (ms) is dropped: the
	 * rest of a paste is nothing for a shell. So is what stands in the line.
	 * @returns how many characters were dropped
	 */
	close(quietMs: number): Promise<number>;
}

/** How long (ms) the end of a marked paste is waited for. */
const pasteEndMs = 1000;

/**
 * Reads lines from the terminal itself, which echoes nothing and marks pastes where it can: within one, a line
 * break is no Enter. Editing is Node's own readline.
 */
export function openTerminalLine(stdin: NodeJS.ReadStream, listener: LineListener): TerminalLine {
	const screen = [process.stderr, process.stdout].find(({isTTY}) => isTTY);
	const canMark = process.env.TERM !== 'dumb';
	let isShown = false;
	let isRaw = false;
	let isClosed = false;
	let dropped: number | undefined;
	const echo = new Writable({
		write(chunk, _encoding, done) {
			if (isShown && process.stderr.isTTY) process.stderr.write(chunk);
			done();
		},
	});
	Object.defineProperty(echo, 'columns', {get: () => screen?.columns});
	// Both go together, also when ^Z stops the program and a shell has the terminal meanwhile.
	const setRawMode = (raw: boolean) => {
		if (raw === isRaw) return;
		isRaw = raw;
		stdin.setRawMode(raw);
		if (canMark) screen?.write(raw ? pasteMarking.on : pasteMarking.off);
	};
	const keys = Object.assign(new EventEmitter(), {setRawMode, resume() {}, pause() {}});
	const lines = createInterface({
		input: keys as unknown as NodeJS.ReadableStream,
		...{output: echo, terminal: true, historySize: 0, prompt: ''},
	});
	const reader = pasteReader();
	const decoder = new StringDecoder('utf8');
	const onData = (chunk: Buffer) => {
		for (const {text, isPasted} of reader.read(decoder.write(chunk))) {
			if (dropped !== undefined) dropped += text.trim().length;
			else if (isClosed) continue;
			else if (isPasted) {
				lines.write(asOneLine(text));
				listener.pasted(fromOneLine(lines.line));
			} else keys.emit('data', Buffer.from(text));
		}
		listener.heard();
	};
	const take = () => {
		if (isClosed) return '';
		const text = fromOneLine(lines.line);
		lines.write(null, {ctrl: true, name: 'e'});
		lines.write(null, {ctrl: true, name: 'u'});
		return text;
	};
	const restore = () => setRawMode(false);
	lines.on('line', line => listener.line(fromOneLine(line)));
	lines.on('SIGINT', () => listener.cancelled());
	lines.once('close', () => {
		isClosed = true;
		if (dropped === undefined) listener.ended();
	});
	stdin.on('data', onData);
	stdin.once('end', listener.ended);
	process.once('exit', restore);
	// One that asked line by line before has left it paused.
	stdin.resume();
	return {
		show(shown) {
			isShown = shown;
		},
		take,
		isPasting: reader.isOpen,
		async close(quietMs) {
			isShown = false;
			dropped = take().trim().length;
			await quiet(stdin, () => (reader.isOpen() ? Math.max(quietMs, pasteEndMs) : quietMs));
			lines.close();
			process.removeListener('exit', restore);
			stdin.removeListener('data', onData);
			stdin.removeListener('end', listener.ended);
			stdin.pause();
			return dropped;
		},
	};
}

/** Waits until nothing has come for as long as `forMs` says, or nothing can come any more. */
function quiet(stdin: NodeJS.ReadStream, forMs: () => number): Promise<void> {
	return new Promise(resolve => {
		const done = () => {
			clearTimeout(timer);
			stdin.removeListener('data', again);
			stdin.removeListener('end', done);
			resolve();
		};
		let timer = setTimeout(done, forMs());
		const again = () => {
			clearTimeout(timer);
			timer = setTimeout(done, forMs());
		};
		stdin.on('data', again);
		stdin.once('end', done);
		if (stdin.readableEnded) done();
	});
}
