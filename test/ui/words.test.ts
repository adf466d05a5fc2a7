import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Health} from '../../source/auth/health.ts';
import {
	ago,
	clockTime,
	type Detail,
	provenWord,
	span,
	spanStays,
	stateWord,
	timeLeft,
} from '../../source/words.ts';
import {day, hour, minute, noon, second} from '../screens/state.ts';

describe('a span of time', () => {
	test.each([
		[-5, '0s', '0s'],
		[0, '0s', '0s'],
		[999, '0s', '0s'],
		[1 * second, '1s', '1s'],
		[minute - 1, '59s', '59s'],
		[minute, '1m 0s', '1m 0s'],
		[2 * minute - 1, '1m 59s', '1m 59s'],
		[2 * minute, '2m', '2m 0s'],
		[hour - 1, '59m', '59m 59s'],
		[hour, '1h', '1h'],
		[hour + minute, '1h 1m', '1h 1m'],
		[day - 1, '23h 59m', '23h 59m'],
		[day, '1d', '1d'],
		[day + hour, '1d 1h', '1d 1h'],
		[400 * day, '400d', '400d'],
	])('of %d ms is %s, and finely %s', (ms, coarse, fine) => {
		expect([span(ms), span(ms, 'fine')]).toEqual([coarse, fine]);
	});

	const anySpan = fc.oneof(
		fc.integer({min: 1, max: 3 * minute}),
		fc.integer({min: 1, max: 2 * hour}),
		fc.integer({min: 1, max: 40 * day}),
	);
	const anyDetail = fc.constantFrom<Detail>('coarse', 'fine');

	test('is said the same until the moment it is told to be drawn again', () => {
		fc.assert(
			fc.property(anySpan, anyDetail, (ms, detail) => {
				const stays = spanStays(ms, detail);
				expect(stays).toBeGreaterThan(0);
				expect(span(ms - stays + 1, detail)).toBe(span(ms, detail));
			}),
		);
	});

	test('below a day is said otherwise from that moment on', () => {
		fc.assert(
			fc.property(fc.integer({min: 1, max: day - 1}), anyDetail, (ms, detail) => {
				const left = ms - spanStays(ms, detail);
				if (left >= 0) expect(span(left, detail)).not.toBe(span(ms, detail));
			}),
		);
	});

	test('that is over stays as it is for ever', () => {
		expect(spanStays(0)).toBe(Number.POSITIVE_INFINITY);
		expect(spanStays(-1, 'fine')).toBe(Number.POSITIVE_INFINITY);
	});
});

test.each([
	[undefined, 'never'],
	[noon, 'just now'],
	[noon + hour, 'just now'],
	[noon - 999, 'just now'],
	[noon - second, '1s ago'],
	[noon - 5 * minute, '5m ago'],
	[noon - 3 * day, '3d ago'],
])('something at %s was %s', (at, words) => {
	expect(ago(at, noon)).toBe(words);
});

describe('the state of a profile', () => {
	const good: Health = {status: 'ok', reason: 'ok', renewsOnUse: false, remainingMs: hour};

	test.each<[string, Health, string, string, string]>([
		['is good', good, '✓', 'ok', 'good'],
		['is static', {status: 'static', reason: 'ok', renewsOnUse: false}, '•', 'static', 'quiet'],
		['is about to end', {...good, status: 'expiring'}, '!', 'expiring', 'attention'],
		['is over', {...good, status: 'expired', reason: 'expired', remainingMs: -5}, '✗', 'expired', 'bad'],
		['is over and renews', {...good, renewsOnUse: true, remainingMs: -5}, '↻', 'renews on use', 'quiet'],
		['was refused', {...good, status: 'expired', reason: 'needs_login'}, '✗', 'log in again', 'bad'],
		['is cooling', {...good, reason: 'cooldown', until: noon + 4 * minute}, '~', 'cooling 4m', 'attention'],
		['is disabled', {...good, reason: 'disabled', until: noon + 5 * hour}, '~', 'disabled 5h', 'attention'],
		['is empty', {...good, status: 'missing', reason: 'missing_credential'}, '✗', 'no secret', 'bad'],
		['has a dead ref', {...good, status: 'missing', reason: 'unresolved_ref'}, '✗', 'ref unresolved', 'bad'],
		['has no time', {...good, status: 'missing', reason: 'invalid_expires'}, '✗', 'expiry invalid', 'bad'],
		['is malformed', {...good, status: 'missing', reason: 'ineligible_profile'}, '✗', 'malformed', 'bad'],
		[
			'is over and cooling',
			{...good, status: 'expired', reason: 'expired', until: noon + hour},
			...(['✗', 'expired', 'bad'] as const),
		],
	])('that %s', (_what, health, glyph, word, tone) => {
		expect(stateWord(health, noon)).toEqual({glyph, word, tone});
	});
});

test('the time that a token has left', () => {
	const of = (remainingMs?: number): Health => ({
		...{status: 'ok', reason: 'ok', renewsOnUse: false},
		...(remainingMs === undefined ? {} : {remainingMs}),
	});
	expect(timeLeft(of())).toBe('–');
	expect(timeLeft(of(-1))).toBe('over');
	expect(timeLeft(of(0))).toBe('over');
	expect(timeLeft(of(50 * minute + 5 * second))).toBe('50m');
	expect(timeLeft(of(50 * minute + 5 * second), 'fine')).toBe('50m 5s');
});

describe('a point in time', () => {
	const zone = process.env.TZ;
	beforeAll(() => {
		process.env.TZ = 'Asia/Kolkata';
	});
	afterAll(() => {
		process.env.TZ = zone;
	});

	test('is told in the zone of the person, to the second', () => {
		expect(clockTime(noon)).toBe('2026-01-15 17:30:00');
		expect(clockTime(Date.UTC(2026, 11, 31, 20, 5, 9))).toBe('2027-01-01 01:35:09');
	});
});

test.each([
	[undefined, 'never'],
	[{at: noon - 2 * minute, outcome: 'used'}, '✓ 2m ago'],
	[{at: noon - hour, outcome: 'probed'}, '✓ 1h ago'],
	[{at: noon, outcome: 'login'}, '✓ just now'],
	[{at: noon - day, outcome: 'refreshed'}, '✓ 1d ago'],
	[{at: noon - 3 * minute, outcome: 'auth'}, '✗ auth 3m ago'],
	[{at: noon - 3 * minute, outcome: 'refused'}, '✗ refused 3m ago'],
	[{at: noon - 3 * minute, outcome: 'network'}, '• network 3m ago'],
	[{at: noon - 3 * minute, outcome: '\u001b[31mnew'}, '• new 3m ago'],
])('what was last proven, %j, is said as %s', (proven, words) => {
	expect(provenWord(proven, noon)).toBe(words);
});
