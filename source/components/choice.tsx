import {Box, Text} from 'ink';
import SelectInput from 'ink-select-input';
import type {ChoiceRow} from '../ui/rows.ts';
import {rangeWords} from './part.ts';
import {useShownRows} from './shown-rows.ts';
import {windowStart} from './table.tsx';

/**
 * A list of which one is chosen, and above it the line that tells how much of it is shown.
 * @param index the chosen one
 * @param height lines, the one above included
 */
export function Choice({
	rows,
	index,
	height,
}: {
	readonly rows: readonly ChoiceRow[];
	readonly index: number;
	readonly height: number;
}) {
	const limit = Math.max(1, height - 1);
	useShownRows(limit);
	// The window is ours too: SelectInput has one of its own, loses keys that come fast, and turns what it shows.
	const start = windowStart(index, limit, rows.length);
	const shown = rows.slice(start, start + limit);
	const counter = rangeWords(start, shown.length, rows.length);
	return (
		<Box flexDirection="column" flexShrink={0} aria-role="list">
			<Text dimColor wrap="truncate">
				{rows.length > limit ? `  ${counter}` : ' '}
			</Text>
			<SelectInput
				key={`${rows[index]?.id} ${index} ${rows.length}`}
				items={shown.map(({id, label}) => ({key: id, value: id, label}))}
				initialIndex={Math.max(0, index - start)}
				isFocused={false}
				indicatorComponent={Marker}
				itemComponent={Item}
			/>
		</Box>
	);
}

function Marker({isSelected = false}: {readonly isSelected?: boolean}) {
	return <Text bold>{isSelected ? '▸ ' : '  '}</Text>;
}

function Item({isSelected = false, label}: {readonly isSelected?: boolean; readonly label: string}) {
	return (
		<Box aria-role="listitem" aria-state={{selected: isSelected}}>
			<Text bold={isSelected} inverse={isSelected} wrap="truncate">
				{` ${label} `}
			</Text>
		</Box>
	);
}
