import {Text} from 'ink';
import {clean} from '../auth/facts.ts';
import {type Tone, tones} from './theme.ts';

/**
 * What is to be said below a list, a line for each; where there is more than that, how much, and where it is.
 * @param most lines at most, two at least
 * @param elsewhere what shows all of them
 */
export function noteLines(notes: readonly string[], most: number, elsewhere: string): readonly string[] {
	if (notes.length <= most) return notes;
	const kept = notes.slice(0, most - 1);
	return [...kept, `… and ${notes.length - kept.length} more: ${elsewhere}`];
}

/** Those lines, drawn. */
export function Notes({lines, tone}: {readonly lines: readonly string[]; readonly tone: Tone}) {
	return lines.map((line, index) => (
		<Text key={line + String(index)} {...tones[tone]} wrap="truncate">
			{`  ${clean(line)}`}
		</Text>
	));
}
