import {Box, Text} from 'ink';
import type {JarvisError} from '../errors.ts';
import {asTyped} from '../suggested.ts';
import {wrapWords} from './fit.ts';
import {tones} from './theme.ts';

/** Something that could not be read, in place of what it would have shown. */
export function Problem({
	problem,
	stateDir,
	width,
	height,
}: {
	readonly problem: JarvisError;
	/** The state folder that was named, if any. */
	readonly stateDir: string | undefined;
	readonly width: number;
	readonly height: number;
}) {
	const lines = (text: string) => wrapWords(text, width - 6);
	return (
		<Box flexDirection="column" height={height} paddingX={2} paddingTop={1} overflow="hidden">
			{lines(`✗ ${problem.message}`).map(line => (
				<Text key={line} {...tones.bad} wrap="truncate">
					{line}
				</Text>
			))}
			{lines(asTyped(problem.next, stateDir)).map(line => (
				<Text key={line} wrap="truncate">
					{line}
				</Text>
			))}
		</Box>
	);
}
