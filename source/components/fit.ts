import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';

export {labelled, wrapHanging, wrapWords} from '../ui/wrap.ts';

/** A text in exactly so many terminal columns: cut with an ellipsis, or filled up with spaces. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
	if (columns <= 0) return '';
	const cut = cliTruncate(clean(text), columns);
	const space = ' '.repeat(Math.max(0, columns - stringWidth(cut)));
	return align === 'left' ? cut + space : space + cut;
}

/** A sentence that has a name in it: where it is too long, the name is cut and not what is said of it. */
export function around(before: string, name: string, after: string, columns: number): string {
	const room = columns - stringWidth(before + after);
	return before + (stringWidth(name) <= room ? name : fit(name, Math.max(8, room)).trimEnd()) + after;
}
