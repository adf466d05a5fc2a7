import fc from 'fast-check';
import {expect, test} from 'vitest';
import {isExpired, skewMs} from '../../source/auth/expiry.ts';

const end = 1_800_000_000_000;

test.each([
	{expiresIn: undefined, skew: 0},
	{expiresIn: 1, skew: 100},
	{expiresIn: 60, skew: 6_000},
	{expiresIn: 299, skew: 29_900},
	{expiresIn: 300, skew: 30_000},
	{expiresIn: 301, skew: 30_000},
	{expiresIn: 31_536_000, skew: 30_000},
])('of a lifetime of $expiresIn s the last $skew ms do not count', ({expiresIn, skew}) => {
	expect(skewMs(expiresIn)).toBe(skew);
});

test.each([
	{when: 'its lifetime is not known, 1 ms before', lifetime: {}, now: end - 1, expired: false},
	{when: 'its lifetime is not known, at the end', lifetime: {}, now: end, expired: true},
	{when: 'its lifetime is not known, after', lifetime: {}, now: end + 1, expired: true},
	{when: 'an hour, before the skew', lifetime: {expiresIn: 3600}, now: end - 30_001, expired: false},
	{when: 'an hour, at the skew', lifetime: {expiresIn: 3600}, now: end - 30_000, expired: true},
	{when: 'a minute, before the skew', lifetime: {expiresIn: 60}, now: end - 6_001, expired: false},
	{when: 'a minute, at the skew', lifetime: {expiresIn: 60}, now: end - 6_000, expired: true},
])('a token is judged by its end: $when', ({lifetime, now, expired}) => {
	expect(isExpired({expires: end, ...lifetime}, now)).toBe(expired);
});

test.each([
	{minTtlMs: 0, expired: false},
	{minTtlMs: 20_000, expired: false},
	{minTtlMs: 59_999, expired: false},
	{minTtlMs: 60_000, expired: true},
	{minTtlMs: 300_000, expired: true},
])('a token with a minute left, asked to be good for $minTtlMs ms', ({minTtlMs, expired}) => {
	expect(isExpired({expires: end, expiresIn: 3600}, end - 60_000, minTtlMs)).toBe(expired);
});

test('asking for less than the skew does not shorten it', () => {
	expect(isExpired({expires: end, expiresIn: 3600}, end - 30_000, 1)).toBe(true);
});

test('without an expiry nothing runs out, and an expiry that is no time is over', () => {
	expect(isExpired({}, Number.MAX_SAFE_INTEGER, 1_000_000)).toBe(false);
	expect(isExpired({expires: 'invalid'}, 0)).toBe(true);
});

test('what is over stays over, and what is good for longer is good for less', () => {
	const ms = fc.integer({min: 0, max: 2_000_000_000});
	const lifetime = fc.option(fc.integer({min: 1, max: 1_000_000}), {nil: undefined});
	fc.assert(
		fc.property(ms, ms, ms, lifetime, (now, later, minTtlMs, expiresIn) => {
			const token = {expires: 1_000_000_000, ...(expiresIn === undefined ? {} : {expiresIn})};
			if (isExpired(token, now, minTtlMs)) expect(isExpired(token, now + later, minTtlMs)).toBe(true);
			else expect(isExpired(token, now)).toBe(false);
			if (now >= token.expires) expect(isExpired(token, now)).toBe(true);
		}),
	);
});
