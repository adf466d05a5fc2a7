import {Box, Text} from 'ink';
import stringWidth from 'string-width';
import {footerBindings, type KeyBinding, keyName} from '../keymap.ts';
import type {UiState} from '../ui/state.ts';
import {toastLines} from '../ui/toast.ts';
import {TextField} from './text-field.tsx';
import {tones} from './theme.ts';

/** The last lines: what just happened or the filter, and the keys that work now. */
export function Footer({state}: {readonly state: UiState}) {
	const {columns} = state.size;
	return (
		<Box flexDirection="column" flexShrink={0}>
			<MessageLines state={state} />
			<Text wrap="truncate">
				{keysThatFit(footerBindings(state), columns - 1).map(binding =>
					binding === 'more' ? (
						<Text key="more" dimColor aria-hidden>
							{' … '}
						</Text>
					) : (
						<Text key={`${binding.scope} ${binding.action}`}>
							{' '}
							<Text bold>{keyName(binding.keys[0] ?? '')}</Text> {binding.label}{' '}
						</Text>
					),
				)}
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

// One line is always kept, so that nothing moves when a message comes.
function messageLines(state: UiState): readonly string[] {
	const lines = state.filtering ? [] : toastLines(state);
	return lines.length === 0 ? [' '] : lines.map(line => ` ${line}`);
}

/** The keys that there is room for, and a sign where some are left out: help names them all. */
function keysThatFit(bindings: readonly KeyBinding[], columns: number): readonly (KeyBinding | 'more')[] {
	const width = (binding: KeyBinding) =>
		stringWidth(keyName(binding.keys[0] ?? '')) + stringWidth(binding.label) + 3;
	// The way back, help and quit always fit: whoever is lost needs them.
	const isKept = ({action, keys}: KeyBinding) =>
		action === 'openHelp' || action === 'quit' || keys.includes('esc');
	const kept = bindings.filter(isKept);
	const others = bindings.filter(binding => !isKept(binding));
	const room = columns - kept.reduce((sum, binding) => sum + width(binding), 0);
	const fitting = (within: number) => {
		let left = within;
		const end = others.findIndex(binding => {
			left -= width(binding);
			return left < 0;
		});
		return end === -1 ? others.length : end;
	};
	const isAll = fitting(room) === others.length;
	const shown = new Set([...others.slice(0, isAll ? others.length : fitting(room - 3)), ...kept]);
	const inOrder = bindings.filter(binding => shown.has(binding));
	const end = inOrder.findIndex(({action}) => action === 'openHelp');
	return isAll || end === -1 ? inOrder : [...inOrder.slice(0, end), 'more', ...inOrder.slice(end)];
}
