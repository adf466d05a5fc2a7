import {Box, Text} from 'ink';
import {fit} from '../components/fit.ts';
import {keymap, keyName, type Scope, scopeTitles} from '../keymap.ts';
import type {ScreenProps} from './screen.ts';

const keysWidth = 12;

/** All keys, made from the keymap. */
export default function HelpScreen({state, height}: ScreenProps) {
	const lines = helpLines();
	const offset = Math.min(state.helpOffset, Math.max(0, lines.length - height));
	return (
		<Box flexDirection="column" height={height} overflow="hidden" contentOffsetY={-offset}>
			<Box flexDirection="column" flexShrink={0}>
				{lines.map(({key, title, keys, text}) => (
					<Text key={key} wrap="truncate" bold={title !== undefined}>
						{title ?? `  ${keys ? fit(keys, keysWidth) : ''}${text ?? ''}`}
					</Text>
				))}
			</Box>
		</Box>
	);
}

interface HelpLine {
	readonly key: string;
	readonly title?: string;
	readonly keys?: string;
	readonly text?: string;
}

function helpLines(): HelpLine[] {
	return (Object.keys(scopeTitles) as Scope[]).flatMap(scope => [
		{key: scope, title: ` ${scopeTitles[scope]}`},
		...keymap
			.filter(binding => binding.scope === scope)
			.map(({action, keys, help, label}) => ({
				key: `${scope} ${action} ${label}`,
				keys: keys.map(keyName).join(' '),
				text: help,
			})),
		{key: `${scope} end`, text: ''},
	]);
}
