import {describe, expect, it, test} from 'vitest';
import {letsGo, toastAfter, toastLines, toastOf} from '../../source/ui/toast.ts';

const at = 1_000_000;
/** Too long to be read in two seconds. */
const trouble = 'The server could not be reached. Check the network and try again.';

describe('a key', () => {
	it.each(['openHealth', 'refresh', 'removeProfile', 'back'] as const)(
		'that does something (%s) lets go what merely confirms, at once',
		action => expect(letsGo(toastOf(undefined, 'good', 'Copied.', at), action, at)).toBe(true),
	);

	it.each(['down', 'pageUp', 'turnOn', 'scrollDown'] as const)('that looks around (%s) leaves it', action => {
		const toast = toastOf(undefined, 'good', 'Copied.', at);
		expect(letsGo(toast, action, at + 3000)).toBe(false);
	});

	it.each(['attention', 'bad'] as const)('lets nothing go that is %s before it could be read', tone => {
		const toast = toastOf(undefined, tone, trouble, at);
		expect(letsGo(toast, 'openHealth', at)).toBe(false);
		expect(letsGo(toast, 'openHealth', at + 2000)).toBe(false);
		expect(letsGo(toast, 'openHealth', at + 5000)).toBe(true);
	});

	it('lets go of the longest when its time is over', () => {
		const toast = toastOf(undefined, 'bad', trouble.repeat(20), at);
		expect(letsGo(toast, 'openHealth', toast.until)).toBe(true);
	});
});

describe('what is said while an error is told that could not be read yet', () => {
	const error = toastOf(undefined, 'bad', trouble, at);

	it('waits behind it, and gets its own time then', () => {
		const both = toastOf(error, 'good', 'Copied.', at + 100);
		expect(both).toMatchObject({tone: 'bad', text: trouble, until: error.until});
		expect(toastAfter(both, at + 9000)).toEqual({
			...{tone: 'good', text: 'Copied.', since: at + 9000, until: at + 13_000},
		});
	});

	it('takes its place if it is an error as well, or comes later', () => {
		expect(toastOf(error, 'bad', 'Another.', at + 100)).toMatchObject({text: 'Another.'});
		expect(toastOf(error, 'good', 'Copied.', at + 6000)).toMatchObject({text: 'Copied.'});
	});
});

test('the last line of a message that is cut says so, and fits', () => {
	const text = 'word '.repeat(90).trim();
	const lines = toastLines({toast: toastOf(undefined, 'bad', text, at), size: {columns: 60, rows: 16}});
	expect(lines).toHaveLength(5);
	expect(lines.at(-1)).toMatch(/word …$/);
	for (const line of lines) expect(line.length).toBeLessThanOrEqual(58);
	const whole = {columns: 60, rows: 30};
	expect(toastLines({toast: toastOf(undefined, 'bad', text, at), size: whole}).join(' ')).toBe(`✗ ${text}`);
});
