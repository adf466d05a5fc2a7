import {Box, Text, useIsScreenReaderEnabled} from 'ink';
import type {ReactNode} from 'react';
import {keymap, keyName} from '../keymap.ts';
import {partOf} from './part.ts';

/**
 * A frame below a list, for what belongs to the row under the cursor. Its border takes two lines; where not all
 * fits, the lower one tells which part is shown, and the key that shows the next.
 */
export function Pane({
	width,
	height,
	turn,
	lines,
}: {
	readonly width: number;
	readonly height: number;
	/** How often was turned on to the next part. */
	readonly turn: number;
	/** What is shown, each of one line of the terminal. */
	readonly lines: readonly ReactNode[];
}) {
	const isScreenReader = useIsScreenReaderEnabled();
	const {shown, range} = partOf(lines, height - 2, turn);
	const words = range === undefined ? '' : ` ${moreWords(range)} `;
	return (
		<Box flexDirection="column" height={height} width={width} flexShrink={0} overflow="hidden">
			<Box
				flexDirection="column"
				height={height - 1}
				width={width}
				flexShrink={0}
				borderStyle="single"
				borderBottom={false}
				borderDimColor
				paddingX={1}
				overflow="hidden"
			>
				{shown}
			</Box>
			{(!isScreenReader || words !== '') && (
				<Text wrap="truncate" dimColor>
					{isScreenReader ? words.trim() : `└─${words.padEnd(width - 3, '─')}┘`}
				</Text>
			)}
		</Box>
	);
}

const moreKey = keyName(
	keymap.find(({action, scope}) => action === 'turnOn' && scope === 'list')?.keys[0] ?? '',
);

/** Which part is shown, and the key that shows the next. */
export function moreWords(range: string, key = moreKey): string {
	return `${range}   ${key}: more`;
}
