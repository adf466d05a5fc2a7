import {Text} from 'ink';
import {wrapWords} from './fit.ts';
import {type Tone, tones} from './theme.ts';

/** A sentence, indented and broken at a width (columns). */
export function Lines({
	text,
	width,
	tone = 'plain',
}: {
	readonly text: string;
	readonly width: number;
	readonly tone?: Tone;
}) {
	return wrapWords(text, width - 4).map(line => (
		<Text key={line} wrap="truncate" {...tones[tone]}>
			{`  ${line}`}
		</Text>
	));
}
