import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {graphemes} from './graphemes.ts';

/** The lines of a text broken at a width, words kept whole where they fit. */
export function wrapWords(text: string, columns: number): string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of clean(text).split(' ')) {
		const isTooLong = stringWidth(word) > columns;
		const room = columns - stringWidth(line) - 1;
		// A word that has to be broken begins where the one before it ends.
		const isJoined = isTooLong && line !== '' && room >= leastPiece;
		for (const [index, piece] of pieces(word, isJoined ? room : columns, columns).entries()) {
			const longer = line === '' ? piece : `${line} ${piece}`;
			if (line === '' || (index === 0 && stringWidth(longer) <= columns)) line = longer;
			else {
				lines.push(line);
				line = piece;
			}
		}
	}
	return [...lines, line];
}

/** The shortest piece (columns) of a broken word that is worth to be put at the end of a line. */
const leastPiece = 8;

/** A word in pieces that each fit, the first of them into a width of its own. */
function pieces(word: string, first: number, columns: number): string[] {
	if (stringWidth(word) <= first) return [word];
	const made = [''];
	for (const {segment} of graphemes.segment(word)) {
		const last = made.at(-1) ?? '';
		const room = made.length === 1 ? first : columns;
		if (last !== '' && stringWidth(last + segment) > room) made.push(segment);
		else made[made.length - 1] = last + segment;
	}
	return made;
}

/** The lines of a text behind its label, which stands before the first of them. */
export function labelled(label: string, text: string, columns: number): (readonly [string, string])[] {
	return wrapWords(text, columns).map((line, index) => [index === 0 ? label : '', line] as const);
}

/** The lines of a text that may begin with a label and two blanks: what goes on stands under what is behind it. */
export function wrapHanging(text: string, columns: number): string[] {
	const [label = ''] = /^\S+(?: \S+)? {2,}/.exec(clean(text)) ?? [];
	if (label.length * 2 > columns) return wrapWords(text, columns);
	return labelled(label, clean(text).slice(label.length), columns - label.length).map(
		([first, line]) => first.padEnd(label.length) + line,
	);
}
