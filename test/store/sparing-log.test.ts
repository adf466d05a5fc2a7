import {beforeEach, expect, onTestFinished, test, vi} from 'vitest';
import {sparingLog} from '../../source/store/sparing-log.ts';

const minute = 60_000;

beforeEach(() => {
	vi.useFakeTimers();
	onTestFinished(() => void vi.useRealTimers());
});

/** A log, and the lines that it wrote so far. */
function openLog() {
	const lines: string[] = [];
	const log = sparingLog((_, {profileId, by, count}) =>
		lines.push([profileId, by, count].filter(Boolean).join(' | ')),
	);
	return {
		lines,
		ask: (profileId: string, by = 'a') => log.note(profileId, 'handed_out', {profileId, by}),
		log,
	};
}

test('the first is a line, those of the next minute are one line, and none is missing', () => {
	const {lines, ask} = openLog();
	for (let count = 0; count < 1000; count += 1) ask('acme:a');
	ask('acme:b');
	expect(lines).toEqual(['acme:a | a', 'acme:b | a']);
	vi.advanceTimersByTime(minute);
	expect(lines.slice(2)).toEqual(['acme:a | a | 999']);
	ask('acme:a', 'a, later');
	vi.advanceTimersByTime(minute);
	expect(lines.slice(3)).toEqual(['acme:a | a, later | 1']);
});

test('what has not happened for a minute is news again', () => {
	const {lines, ask} = openLog();
	ask('acme:a');
	vi.advanceTimersByTime(2 * minute);
	ask('acme:a', 'b');
	expect(lines).toEqual(['acme:a | a', 'acme:a | b']);
	// Where nothing happens, nothing wakes up.
	vi.advanceTimersByTime(2 * minute);
	expect(vi.getTimerCount()).toBe(0);
});

test('what was only counted is written at the end', () => {
	const {lines, ask, log} = openLog();
	ask('acme:a');
	ask('acme:a');
	log.flush();
	expect(lines).toEqual(['acme:a | a', 'acme:a | a | 1']);
});

test('however many different things there are, none is lost', () => {
	const {lines, ask, log} = openLog();
	for (let round = 0; round < 2; round += 1) for (let id = 0; id < 6000; id += 1) ask(`acme:${id}`);
	log.flush();
	expect(lines).toHaveLength(12_000);
});
