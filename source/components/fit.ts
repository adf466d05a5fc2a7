import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {graphemes} from '../ui/graphemes.ts';

/** A text in exactly so many terminal columns: cut with an ellipsis, or filled up with spaces. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
	if (columns <= 0) return '';
	const cut = cliTruncate(clean(text), columns);
	const space = ' '.repeat(Math.max(0, columns - stringWidth(cut)));
	return align === 'left' ? cut + space : space + cut;
}

/** The lines of a text broken at a width, words kept whole where they fit. */
export function wrapWords(text: string, columns: number): string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of clean(text)
		.split(' ')
		.flatMap(one => broken(one, columns))) {
		const longer = line === '' ? word : `${line} ${word}`;
		if (stringWidth(longer) <= columns || line === '') line = longer;
		else {
			lines.push(line);
			line = word;
		}
	}
	return [...lines, line];
}

/** A word in pieces that each fit. */
function broken(word: string, columns: number): string[] {
	const pieces = [''];
	for (const {segment} of graphemes.segment(word)) {
		const last = pieces.at(-1) ?? '';
		if (last !== '' && stringWidth(last + segment) > columns) pieces.push(segment);
		else pieces[pieces.length - 1] = last + segment;
	}
	return pieces;
}
