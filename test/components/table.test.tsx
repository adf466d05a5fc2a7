import fc from 'fast-check';
import {renderToString} from 'ink';
import stringWidth from 'string-width';
import {describe, expect, test} from 'vitest';
import {type Column, layColumns, Table, windowStart} from '../../source/components/table.tsx';

interface Row {
	readonly id: string;
}

function column(title: string, width: number, more: Partial<Column<Row>> = {}): Column<Row> {
	return {title, width, dropFirst: 0, cell: ({id}) => ({text: id}), ...more};
}

const columns = [
	column('NAME', 10, {flexible: true}),
	column('STATE', 8),
	column('KIND', 6, {dropFirst: 2}),
	column('USED', 6, {dropFirst: 1}),
	column('NOTE', 10, {dropFirst: 3, flexible: true}),
];

const laid = (width: number) =>
	layColumns(columns, width).map(({column: {title}, width: cells}) => [title, cells]);
const rowsOf = (count: number): Row[] =>
	Array.from({length: count}, (_, index) => ({id: `row-${index + 1}`}));

function draw(rows: readonly Row[], cursor: number, {width = 40, height = 6} = {}): string {
	const table = (
		<Table columns={columns} rows={rows} cursor={cursor} width={width} height={height} empty="None." />
	);
	return renderToString(table, {columns: width});
}

describe('the columns', () => {
	test('all stand where there is room, and the flexible ones share what is left', () => {
		expect(laid(51)).toEqual(Object.entries({NAME: 10, STATE: 8, KIND: 6, USED: 6, NOTE: 11}));
		expect(laid(80)).toEqual(Object.entries({NAME: 25, STATE: 8, KIND: 6, USED: 6, NOTE: 25}));
	});

	test('are left out one after the other, the highest number first', () => {
		const titles = (width: number) => laid(width).map(([title]) => title);
		expect(titles(50)).toEqual(['NAME', 'STATE', 'KIND', 'USED', 'NOTE']);
		expect(titles(49)).toEqual(['NAME', 'STATE', 'KIND', 'USED']);
		expect(titles(37)).toEqual(['NAME', 'STATE', 'USED']);
		expect(titles(29)).toEqual(['NAME', 'STATE']);
		expect(titles(5)).toEqual(['NAME', 'STATE']);
	});

	test('of one number are left out together', () => {
		const twins = [column('A', 10), column('B', 10, {dropFirst: 1}), column('C', 10, {dropFirst: 1})];
		expect(layColumns(twins, 30).map(({column: {title}}) => title)).toEqual(['A']);
	});

	test('fill the width exactly where one is flexible and what must stay fits', () => {
		fc.assert(
			fc.property(fc.integer({min: 22, max: 300}), width => {
				const sum = laid(width).reduce((total, [, cells]) => total + Number(cells) + 2, 0);
				expect(sum).toBe(width);
			}),
		);
	});
});

describe('the window of a table', () => {
	test.each([
		[0, 10, 5, 0],
		[4, 10, 5, 0],
		[0, 5, 12, 0],
		[4, 5, 12, 0],
		[5, 5, 12, 5],
		[9, 5, 12, 5],
		[10, 5, 12, 7],
		[11, 5, 12, 7],
		[-1, 5, 12, 0],
		[3, 0, 12, 0],
	])('with the cursor at %d, %d lines high, of %d rows begins at %d', (cursor, height, count, start) => {
		expect(windowStart(cursor, height, count)).toBe(start);
	});

	test('always holds the cursor, and is full where there are rows enough', () => {
		fc.assert(
			fc.property(
				fc.integer({min: 1, max: 60}),
				fc.integer({min: 1, max: 500}),
				fc.nat(499),
				(height, count, at) => {
					const cursor = at % count;
					const start = windowStart(cursor, height, count);
					expect(start).toBeLessThanOrEqual(cursor);
					expect(start + height).toBeGreaterThan(cursor);
					expect(start + Math.min(height, count)).toBeLessThanOrEqual(count);
				},
			),
		);
	});

	test('stays while the cursor moves inside of it', () => {
		const starts = Array.from({length: 12}, (_, cursor) => windowStart(cursor, 5, 12));
		expect(new Set(starts).size).toBe(3);
	});
});

describe('a table', () => {
	test('marks the row of the cursor, tells which rows are shown and of how many', () => {
		expect(draw(rowsOf(12), 7)).toMatchInlineSnapshot(`
			"  NAME  6–10/…  STATE     KIND    USED
			  row-6         row-6     row-6   row-6
			  row-7         row-7     row-7   row-7
			▸ row-8         row-8     row-8   row-8
			  row-9         row-9     row-9   row-9
			  row-10        row-10    row-10  row-10"
		`);
	});

	test('says nothing of rows where all are shown', () => {
		expect(draw(rowsOf(2), 0)).toMatchInlineSnapshot(`
			"  NAME          STATE     KIND    USED
			▸ row-1         row-1     row-1   row-1
			  row-2         row-2     row-2   row-2


			"
		`);
	});

	test('says so where there are none', () => {
		expect(draw([], -1)).toMatchInlineSnapshot(`
			"  NAME          STATE     KIND    USED
			  None.



			"
		`);
	});

	test('tells which rows are shown where there is room for it', () => {
		const two = [column('A', 8, {flexible: true}), column('B', 24, {flexible: true})];
		const table = <Table columns={two} rows={rowsOf(300)} cursor={299} width={40} height={3} empty="" />;
		expect(renderToString(table, {columns: 40})).toMatch(/^ {2}A +B {2}299–300\/300/);
	});

	test('cuts a text in front of what stands behind it', () => {
		const one = [column('A', 12, {cell: ({id}) => ({text: id, end: ' ← main'})})];
		const rows = [{id: 'short'}, {id: 'of many letters'}, {id: '漢字漢字'}];
		const table = <Table columns={one} rows={rows} cursor={-1} width={14} height={4} empty="" />;
		expect(renderToString(table, {columns: 14}).split('\n').slice(1)).toEqual([
			'  short ← main',
			'  of m… ← main',
			'  漢字… ← main',
		]);
	});

	test('keeps its width and height whatever is in it', () => {
		const rows = ['漢字'.repeat(30), '👩‍👩‍👧‍👦'.repeat(20), 'e\u0301'.repeat(50), 'שלום'.repeat(9), ''].map(
			id => ({id}),
		);
		for (const width of [22, 40, 51, 80, 300]) {
			const lines = draw(rows, 1, {width, height: 4}).split('\n');
			expect(lines.length).toBeLessThanOrEqual(4);
			for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
		}
	});
});
