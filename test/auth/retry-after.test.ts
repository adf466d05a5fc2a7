import {describe, expect, test} from 'vitest';
import {retryAtOf, stillWaiting} from '../../source/auth/retry-after.ts';

const now = Date.UTC(2030, 0, 1, 12);
const hour = 3_600_000;

describe('how long a server asks to be left alone', () => {
	test.each<[string, Record<string, string>, number | undefined]>([
		['not at all', {}, undefined],
		['seconds', {'retry-after': '120'}, 120_000],
		['no time', {'retry-after': '0'}, undefined],
		['a date', {'retry-after': 'Tue, 01 Jan 2030 12:05:00 GMT'}, 300_000],
		['a date that has passed', {'retry-after': 'Tue, 01 Jan 2030 11:59:00 GMT'}, undefined],
		[
			'a date, by a clock that is five hours ahead',
			{'retry-after': 'Tue, 01 Jan 2030 17:05:00 GMT', date: 'Tue, 01 Jan 2030 17:00:00 GMT'},
			300_000,
		],
		['days', {'retry-after': '864000'}, hour],
		['for ever', {'retry-after': '9'.repeat(400)}, hour],
		['a date far away', {'retry-after': 'Tue, 01 Jan 2050 12:00:00 GMT'}, hour],
		['nonsense', {'retry-after': 'soon'}, undefined],
		['a negative number', {'retry-after': '-5'}, undefined],
	])('%s', (_, headers, waitMs) => {
		expect(retryAtOf(new Headers(headers), now)).toBe(waitMs === undefined ? undefined : now + waitMs);
	});
});

describe('what the journal keeps of it', () => {
	test.each<[string, Parameters<typeof stillWaiting>[0], boolean]>([
		['counts until then', {finishedAt: now - 1, retryAt: now + 1}, true],
		['is over then', {finishedAt: now - 1, retryAt: now}, false],
		['counts for an hour', {finishedAt: now, retryAt: now + hour}, true],
		['does not count for longer', {finishedAt: now, retryAt: now + hour + 1}, false],
		['does not count when it comes from the future', {finishedAt: now + 1, retryAt: now + 2}, false],
		['is nothing where no wait was asked for', {finishedAt: now - 1}, false],
		['is nothing while the request is under way', {retryAt: now + 1}, false],
	])('%s', (_, entry, counts) => {
		expect(stillWaiting(entry, now)).toBe(counts ? entry.retryAt : undefined);
	});
});
