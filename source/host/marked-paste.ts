import {stripVTControlCharacters} from 'node:util';

/** Has a terminal mark what is pasted, and no longer (xterm's bracketed paste). */
export const pasteMarking = {on: '\u001B[?2004h', off: '\u001B[?2004l'} as const;

const startMarker = '\u001B[200~';
const endMarker = '\u001B[201~';

/** Stands for a line break within a line that is edited: a pasted one is no Enter. */
const lineBreak = '\u2424';

/** What a terminal sent: keys as they came, or a paste as a whole. */
export interface TerminalPiece {
	readonly text: string;
	readonly isPasted: boolean;
}

/** Tells pastes from keys. */
export interface PasteReader {
	/** Takes what came next; a marker may be broken anywhere between two chunks. */
	read(chunk: string): readonly TerminalPiece[];
	/** Whether a paste has begun whose end did not come yet. */
	isOpen(): boolean;
}

/**
 * Reads what a terminal sends that marks pastes. An escape that may begin a marker is held until it is known
 * whether it does. ^C ends a paste whose end marker was lost.
 */
export function pasteReader(): PasteReader {
	let rest = '';
	let isOpen = false;
	return {
		isOpen: () => isOpen,
		read(chunk) {
			const pieces: TerminalPiece[] = [];
			rest += chunk;
			for (;;) {
				const marker = isOpen ? endMarker : startMarker;
				const at = rest.indexOf(marker);
				if (at < 0) break;
				if (at > 0 || isOpen) pieces.push({text: rest.slice(0, at), isPasted: isOpen});
				rest = rest.slice(at + marker.length);
				isOpen = !isOpen;
			}
			if (isOpen && rest.includes('\u0003')) {
				isOpen = false;
				rest = '\u0003';
			}
			if (!isOpen) {
				const end = rest.length - beginningOf(startMarker, rest);
				if (end > 0) pieces.push({text: rest.slice(0, end), isPasted: false});
				rest = rest.slice(end);
			}
			return pieces;
		},
	};
}

/** How many characters at the end of a text may be the beginning of a marker. */
function beginningOf(marker: string, text: string): number {
	let length = Math.min(marker.length - 1, text.length);
	while (length > 0 && !marker.startsWith(text.slice(-length))) length -= 1;
	return length;
}

/** A pasted text as one line that can be edited, without what a terminal would act on. */
export function asOneLine(pasted: string): string {
	return stripVTControlCharacters(pasted)
		.replace(/[\r\n]+$/, '')
		.replace(/\r\n|[\r\n\u2028\u2029]/g, lineBreak)
		.replace(/\t/g, ' ')
		.replace(/\p{Cc}/gu, '');
}

/** The text that such a line stands for. */
export function fromOneLine(line: string): string {
	return line.replaceAll(lineBreak, '\n');
}
