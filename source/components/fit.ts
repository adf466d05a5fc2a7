import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';

/** A text in exactly so many terminal columns: cut with an ellipsis, or filled up with spaces. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
	if (columns <= 0) return '';
	const cut = cliTruncate(text, columns);
	const space = ' '.repeat(Math.max(0, columns - stringWidth(cut)));
	return align === 'left' ? cut + space : space + cut;
}

/** The lines of a text broken at a width, words kept whole where they fit. */
export function wrapWords(text: string, columns: number): string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of text.split(' ')) {
		const longer = line === '' ? word : `${line} ${word}`;
		if (stringWidth(longer) <= columns || line === '') line = longer;
		else {
			lines.push(line);
			line = word;
		}
	}
	return [...lines, line].map(one => (stringWidth(one) > columns ? cliTruncate(one, columns) : one));
}
