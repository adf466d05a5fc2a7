import {Text} from 'ink';
import {keymap, keyName} from '../keymap.ts';
import {importablePrograms} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {wrapWords} from './fit.ts';
import {tones} from './theme.ts';

/** Said to a person who has no credential yet, where other programs have some that could be taken over. */
export function ImportHint({state}: {readonly state: UiState}) {
	return hintLines(state).map(line => (
		<Text key={line} wrap="truncate" {...tones.attention}>
			{`  ${line}`}
		</Text>
	));
}

/** How many lines the hint takes, none where there is nothing to say. */
export function importHintHeight(state: UiState): number {
	return hintLines(state).length;
}

function hintLines(state: UiState): readonly string[] {
	const isEmpty = state.snapshot.agents.every(({profiles}) => profiles.length === 0);
	const names = importablePrograms(state);
	if (!isEmpty || names.length === 0) return [];
	const key = keymap.find(({action}) => action === 'openImport')?.keys[0] ?? '';
	const words = (shown: number) => {
		const others = names.length - shown;
		const named = [...names.slice(0, shown), ...(others > 0 ? [`${others} more`] : [])].join(', ');
		const text = `Logged in on this machine: ${named}. Press ${keyName(key)} to take that over.`;
		return wrapWords(text, state.size.columns - 4);
	};
	const ways = names.map((_, index) => words(names.length - index));
	return ways.find(lines => lines.length <= 2) ?? words(0);
}
