import {Box, Text} from 'ink';
import stringWidth from 'string-width';
import {footerBindings, type KeyBinding, keyName} from '../keymap.ts';
import type {UiState} from '../ui/state.ts';
import {fit, wrapWords} from './fit.ts';
import {TextField} from './text-field.tsx';
import {tones} from './theme.ts';

const glyphs = {good: '✓', attention: '!', bad: '✗'} as const;

/** The last lines: what just happened or the filter, and the keys that work now. */
export function Footer({state}: {readonly state: UiState}) {
	const {columns} = state.size;
	return (
		<Box flexDirection="column" flexShrink={0}>
			<MessageLines state={state} />
			<Text wrap="truncate">
				{keysThatFit(footerBindings(state), columns - 1).map(binding => (
					<Text key={`${binding.scope} ${binding.action}`}>
						{' '}
						<Text bold>{keyName(binding.keys[0] ?? '')}</Text> {binding.label}{' '}
					</Text>
				))}
			</Text>
		</Box>
	);
}

/** How many lines the footer takes. */
export function footerHeight(state: UiState): number {
	return 1 + messageLines(state).length;
}

function MessageLines({state}: {readonly state: UiState}) {
	if (state.filtering || (state.filter.text !== '' && !state.toast)) {
		return (
			<Box height={1}>
				<Text bold>{' / '}</Text>
				{state.filtering ? (
					<TextField field={state.filter} placeholder="type to filter" width={state.size.columns - 4} />
				) : (
					<Text wrap="truncate">{`${state.filter.text}   (Esc shows all)`}</Text>
				)}
			</Box>
		);
	}
	return (
		<Box flexDirection="column">
			{messageLines(state).map((line, index) => (
				<Text key={line + String(index)} wrap="truncate" {...(state.toast ? tones[state.toast.tone] : {})}>
					{line}
				</Text>
			))}
		</Box>
	);
}

// One line is always kept, so that nothing moves when a message comes; a long one takes up to three.
function messageLines(state: UiState): string[] {
	const {toast, size} = state;
	if (!toast || state.filtering) return [' '];
	const lines = wrapWords(`${glyphs[toast.tone]} ${toast.text}`, size.columns - 2);
	return lines
		.slice(0, 3)
		.map((line, index) => ` ${index === 2 && lines.length > 3 ? fit(`${line} …`, size.columns - 2) : line}`);
}

function keysThatFit(bindings: readonly KeyBinding[], columns: number): readonly KeyBinding[] {
	const width = (binding: KeyBinding) =>
		stringWidth(keyName(binding.keys[0] ?? '')) + stringWidth(binding.label) + 3;
	// Help and quit stand at the end and always fit: whoever is lost needs them.
	const fixed = bindings.filter(binding => binding.action === 'openHelp' || binding.action === 'quit');
	let room = columns - fixed.reduce((sum, binding) => sum + width(binding), 0);
	const shown: KeyBinding[] = [];
	for (const binding of bindings) {
		if (fixed.includes(binding)) continue;
		room -= width(binding);
		if (room < 0) break;
		shown.push(binding);
	}
	return [...shown, ...fixed];
}
