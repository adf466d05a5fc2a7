import {Box, Text} from 'ink';
import {fit} from '../components/fit.ts';
import {moreWords} from '../components/pane.tsx';
import {rangeWords} from '../components/part.ts';
import {helpLines, keysWidth} from '../ui/help-text.ts';
import type {ScreenProps} from './screen.ts';

/** All keys, made from the keymap. */
export default function HelpScreen({state, height}: ScreenProps) {
	const lines = helpLines(state);
	const isCut = lines.length > height;
	const room = isCut ? height - 1 : height;
	const start = Math.max(0, Math.min(state.helpOffset, lines.length - room));
	return (
		<Box flexDirection="column" height={height} overflow="hidden">
			{lines.slice(start, start + room).map(({id, title, keys, text}) => (
				<Text key={id} wrap="truncate" bold={title !== undefined}>
					{title ? ` ${title}` : text === undefined ? ' ' : `  ${fit(keys ?? '', keysWidth)}${text}`}
				</Text>
			))}
			{isCut && (
				<Text wrap="truncate" dimColor>
					{`  ${moreWords(rangeWords(start, room, lines.length))}`}
				</Text>
			)}
		</Box>
	);
}
