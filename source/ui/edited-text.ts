import {graphemes} from './graphemes.ts';

/** A line of text being typed, and where in it (in UTF-16 units, between graphemes). */
export interface EditedText {
	readonly text: string;
	readonly cursor: number;
}

export const emptyText: EditedText = {text: '', cursor: 0};

/** A text with the cursor behind it. */
export function textAtEnd(text: string): EditedText {
	return {text, cursor: text.length};
}

/** Types or pastes text at the cursor. Control characters and line breaks are left out. */
export function insert({text, cursor}: EditedText, typed: string): EditedText {
	const clean = typed.replace(/\p{Cc}/gu, '');
	return {text: text.slice(0, cursor) + clean + text.slice(cursor), cursor: cursor + clean.length};
}

/** What the editing keys do, by chord: those of a shell's line. */
const edits: Readonly<Record<string, (edited: EditedText) => EditedText>> = {
	backspace: edited => remove(edited, previous(edited), edited.cursor),
	delete: edited => remove(edited, edited.cursor, next(edited)),
	left: edited => ({...edited, cursor: previous(edited)}),
	right: edited => ({...edited, cursor: next(edited)}),
	home: edited => ({...edited, cursor: 0}),
	end: ({text}) => textAtEnd(text),
	'ctrl+a': edited => ({...edited, cursor: 0}),
	'ctrl+e': ({text}) => textAtEnd(text),
	'ctrl+u': edited => remove(edited, 0, edited.cursor),
	'ctrl+k': edited => remove(edited, edited.cursor, edited.text.length),
	'ctrl+w': edited => remove(edited, wordStart(edited), edited.cursor),
};

/** The text after an editing key, or `undefined` when the chord edits nothing. */
export function editText(edited: EditedText, chord: string): EditedText | undefined {
	return Object.hasOwn(edits, chord) ? edits[chord]?.(edited) : undefined;
}

function previous({text, cursor}: EditedText): number {
	return [...graphemes.segment(text.slice(0, cursor))].at(-1)?.index ?? 0;
}

function next({text, cursor}: EditedText): number {
	const first = graphemes.segment(text.slice(cursor))[Symbol.iterator]().next().value;
	return cursor + (first?.segment.length ?? 0);
}

function wordStart({text, cursor}: EditedText): number {
	return text.slice(0, cursor).search(/[^\s:@./-]*[\s:@./-]*$/u);
}

function remove({text}: EditedText, from: number, to: number): EditedText {
	return {text: text.slice(0, from) + text.slice(to), cursor: from};
}
