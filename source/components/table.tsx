import {Box, Text, useIsScreenReaderEnabled} from 'ink';
import stringWidth from 'string-width';
import {fit} from './fit.ts';
import {rangeWords} from './part.ts';
import {useShownRows} from './shown-rows.ts';
import {type Tone, tones} from './theme.ts';

/** What a cell shows. */
export interface Cell {
	readonly text: string;
	/** What stands behind the text, and stays when that is cut. */
	readonly end?: string;
	readonly tone?: Tone;
}

/** A column as data. */
export interface Column<Row> {
	readonly title: string;
	/** Its width in columns of the terminal; a flexible one is at least so wide, and takes what is left. */
	readonly width: number;
	readonly flexible?: boolean;
	readonly align?: 'left' | 'right';
	/** It shows nothing that the others do not say: screen readers are not read it. */
	readonly decorative?: true;
	/** The columns of the highest number are left out first where there is no room; 0 never is. */
	readonly dropFirst: number;
	readonly cell: (row: Row) => Cell;
}

const gap = 2;
const marker = '▸ ';

/** The columns that fit into a width, with the widths that they have there. */
export function layColumns<Row>(
	columns: readonly Column<Row>[],
	width: number,
): {readonly column: Column<Row>; readonly width: number}[] {
	const room = width - marker.length;
	const total = (list: readonly Column<Row>[]) =>
		list.reduce((sum, column) => sum + column.width + gap, -gap);
	let kept = [...columns];
	while (total(kept) > room && kept.some(column => column.dropFirst > 0)) {
		const worst = Math.max(...kept.map(column => column.dropFirst));
		kept = kept.filter(column => column.dropFirst !== worst);
	}
	const flexible = kept.filter(column => column.flexible).length;
	const extra = Math.max(0, room - total(kept));
	let given = 0;
	return kept.map(column => {
		if (!column.flexible) return {column, width: column.width};
		given += 1;
		const share =
			given === flexible
				? extra - Math.floor(extra / flexible) * (flexible - 1)
				: Math.floor(extra / flexible);
		return {column, width: column.width + share};
	});
}

/** The first row of the window in which the cursor is shown: it moves by whole pages. */
export function windowStart(cursor: number, height: number, count: number): number {
	if (count <= height || height <= 0) return 0;
	return Math.min(Math.floor(Math.max(0, cursor) / height) * height, count - height);
}

export interface TableProps<Row> {
	readonly columns: readonly Column<Row>[];
	readonly rows: readonly Row[];
	readonly cursor: number;
	readonly width: number;
	/** Lines, the head included. */
	readonly height: number;
	/** Said where there are no rows. */
	readonly empty: string;
}

/** A table of which the window around the cursor is shown. */
export function Table<Row extends {readonly id: string}>(props: TableProps<Row>) {
	const {rows, cursor, width, empty} = props;
	const isScreenReader = useIsScreenReaderEnabled();
	const columns = isScreenReader ? props.columns.filter(column => !column.decorative) : props.columns;
	const laid = layColumns(columns, width);
	const height = Math.max(1, props.height - 1);
	useShownRows(height);
	const start = windowStart(cursor, height, rows.length);
	const shown = rows.slice(start, start + height);
	const more = rows.length > height ? `  ${rangeWords(start, shown.length, rows.length)}` : '';
	// The count stands where there is room to spare: behind the title of what gives way.
	const flexible = laid.filter(({column}) => column.flexible);
	const counted =
		flexible.find(({column, width: cells}) => stringWidth(column.title + more) <= cells) ??
		flexible[0] ??
		laid[0];
	const titleOf = (column: Column<Row>) => column.title + (column === counted?.column ? more : '');
	const head = laid
		.map(({column, width: cells}) => fit(titleOf(column), cells, column.align))
		.join(' '.repeat(gap));
	return (
		<Box flexDirection="column" height={props.height} flexShrink={0} overflow="hidden" aria-role="list">
			{!isScreenReader && (
				<Text wrap="truncate" dimColor>
					{' '.repeat(marker.length) + head}
				</Text>
			)}
			{rows.length === 0 && (
				<Text wrap="truncate" dimColor>
					{`${' '.repeat(marker.length)}${empty}`}
				</Text>
			)}
			{shown.map((row, index) => {
				const isSelected = start + index === cursor;
				return (
					<Box key={row.id} flexShrink={0} aria-role="listitem" aria-state={{selected: isSelected}}>
						<Text wrap="truncate" inverse={isSelected} bold={isSelected}>
							{isSelected ? marker : ' '.repeat(marker.length)}
							{laid.map(({column, width: cells}, at) => {
								const {text, end = '', tone = 'plain'} = column.cell(row);
								const kept = end === '' ? text : fit(text, cells - stringWidth(end)).trimEnd() + end;
								const padded = fit(kept, cells, column.align) + (at < laid.length - 1 ? ' '.repeat(gap) : '');
								// A selected row is inverse as a whole: colours would not be readable on it.
								return (
									<Text key={column.title} {...(isSelected ? {} : tones[tone])}>
										{padded}
									</Text>
								);
							})}
						</Text>
					</Box>
				);
			})}
		</Box>
	);
}
