import {expect, it} from 'vitest';
import {textTable} from '../../source/commands/text.ts';

const header = ['PROFILE', 'KIND', 'STATE'];
const rows = [['key:a', 'api_key', '• static']];

it.each([
	[undefined, 'PROFILE  KIND     STATE'],
	[26, 'PROFILE  KIND     STATE'],
	[25, 'PROFILE  STATE'],
	[16, 'STATE'],
	// What nobody may leave out stays, however little room there is.
	[1, 'STATE'],
])('a table in %s columns has what fits', async (columns, expected) => {
	const table = await textTable(header, rows, {columns, dropFirst: ['KIND', 'PROFILE']});
	expect(table.split('\n')[0]).toBe(expected);
	expect(table).toContain('• static');
});
