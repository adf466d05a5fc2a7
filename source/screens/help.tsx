import {Box, Text} from 'ink';
import {fit} from '../components/fit.ts';
import {helpLines} from '../ui/help-text.ts';
import type {ScreenProps} from './screen.ts';

const keysWidth = 12;

/** All keys, made from the keymap. */
export default function HelpScreen({state, height}: ScreenProps) {
	return (
		<Box flexDirection="column" height={height} overflow="hidden" contentOffsetY={state.helpOffset}>
			<Box flexDirection="column" flexShrink={0}>
				{helpLines.map(({id, title, keys, text}) => (
					<Text key={id} wrap="truncate" bold={title !== undefined}>
						{title ? ` ${title}` : keys ? `  ${fit(keys, keysWidth)}${text}` : ' '}
					</Text>
				))}
			</Box>
		</Box>
	);
}
