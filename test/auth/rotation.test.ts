import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {setAsideUntil} from '../../source/auth/health.ts';
import {
	afterFailure,
	afterSuccess,
	cooldownMs,
	disabledMs,
	type Failure,
	failureReasons,
	type Success,
} from '../../source/auth/routing/rotation.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {failureMembers, patchUsage} from '../../source/store/edit.ts';
import type {JsonObject} from '../../source/store/json.ts';
import {decodeAgentCredentials, type UsageStats} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const config = decodeConfig({}).cooldowns;
const aside = ['auth', 'rate_limit', 'format'] as const;

/** One profile's usage as it lies in a file: each report is decoded, judged and written as in use. */
function openUsage(stored: JsonObject = {}) {
	const document: JsonObject = {usageStats: {'a:x': structuredClone(stored)}};
	const usage = (): UsageStats => decodeAgentCredentials(document).usageStats.get('a:x') ?? {};
	return {
		usage,
		raw: () => structuredClone((document.usageStats as JsonObject)['a:x']) as JsonObject,
		fail(failure: Failure, provider = 'a', cooldowns = config) {
			patchUsage(document, 'a:x', afterFailure(usage(), failure, provider, cooldowns));
			return usage();
		},
		succeed(success: Success) {
			const {patch, isProof} = afterSuccess(usage(), success);
			patchUsage(document, 'a:x', patch);
			return isProof;
		},
		until: (at: number) => setAsideUntil({usage: usage()}, at)?.until,
	};
}

const total = ({failureCounts}: UsageStats) =>
	[...(failureCounts?.values() ?? [])].reduce((sum, count) => sum + count, 0);

describe('how long a profile is set aside', () => {
	test.each([
		[1, 1],
		[2, 5],
		[3, 25],
		[4, 60],
		[5, 60],
		[1000, 60],
	])('after %i failures in a row: %i minutes', (count, minutes) => {
		expect(cooldownMs(count)).toBe(minutes * minute);
	});

	test.each([
		[1, 5],
		[2, 10],
		[3, 20],
		[4, 24],
		[5000, 24],
	])('disabled for the %i. time: %i hours', (count, hours) => {
		expect(disabledMs(count, 'a', config)).toBe(hours * hour);
	});

	test('is as jarvis.json says, for one provider or for all', () => {
		const {cooldowns} = decodeConfig({
			auth: {
				cooldowns: {
					...{billingBackoffHours: 2, billingMaxHours: 12},
					billingBackoffHoursByProvider: {b: 0.5, c: 100},
				},
			},
		});
		const hours = (provider: string) =>
			[1, 2, 3, 9].map(count => disabledMs(count, provider, cooldowns) / hour);
		expect(hours('a')).toEqual([2, 4, 8, 12]);
		expect(hours('b')).toEqual([0.5, 1, 2, 12]);
		expect(hours('c')).toEqual([12, 12, 12, 12]);
	});

	test.each([0, -1, Number.NaN, '5', null])('a setting of %s counts as absent', value => {
		const {cooldowns} = decodeConfig({
			auth: {cooldowns: {billingBackoffHours: value, billingMaxHours: value, failureWindowHours: value}},
		} as JsonObject);
		expect(cooldowns).toEqual(config);
	});
});

describe('a failure', () => {
	test.each(aside)('of the kind %s sets aside, and longer each time', reason => {
		const {fail, until} = openUsage();
		let at = now;
		for (const [index, minutes] of [1, 5, 25, 60, 60].entries()) {
			expect(fail({reason, at})).toMatchObject({
				...{errorCount: index + 1, lastFailureAt: at, lastFailureReason: reason},
				lastProven: {at, outcome: reason},
			});
			expect(until(at)).toBe(at + minutes * minute);
			at += minutes * minute;
			expect(until(at)).toBeUndefined();
		}
	});

	test('of billing disables, for twice as long each time, up to a day', () => {
		const {fail} = openUsage();
		let at = now;
		for (const [index, hours] of [5, 10, 20].entries()) {
			const usage = fail({reason: 'billing', at});
			expect(usage).toMatchObject({disabledReason: 'billing', disabledCount: index + 1});
			expect(usage).toMatchObject({disabledUntil: at + hours * hour, errorCount: index + 1});
			expect(usage).not.toHaveProperty('cooldownUntil');
			at += hours * hour;
		}
		expect(fail({reason: 'billing', at: at - 1 + hour})).toMatchObject({disabledUntil: at - 1 + 25 * hour});
	});

	it('that is permanent disables too', () => {
		const usage = openUsage().fail({reason: 'auth', permanent: true, at: now});
		expect(usage).toMatchObject({disabledReason: 'auth', disabledUntil: now + 5 * hour});
		expect(usage).not.toHaveProperty('cooldownUntil');
	});

	test.each(['rate_limit', 'format'] as const)('of the kind %s is never permanent', reason => {
		expect(openUsage().fail({reason, permanent: true, at: now})).not.toHaveProperty('disabledUntil');
	});

	test.each(['timeout', 'network'] as const)(
		'of the kind %s is counted, and changes nothing else',
		reason => {
			const fresh = openUsage();
			for (let count = 1; count <= 3; count++) {
				fresh.fail({reason, at: now + count, resetAt: now + hour});
				expect(fresh.raw()).toEqual({failureCounts: {[reason]: count}});
			}
			const {fail, raw} = openUsage();
			fail({reason: 'auth', at: now});
			const before = raw();
			fail({reason, at: now + 25 * hour});
			expect(raw()).toEqual({...before, failureCounts: {auth: 1, [reason]: 1}});
		},
	);

	test('of billing during a cooldown disables all the same', () => {
		const {fail, until} = openUsage();
		fail({reason: 'rate_limit', at: now});
		expect(fail({reason: 'billing', at: now + 1})).toMatchObject({
			cooldownUntil: now + minute,
			disabledUntil: now + 1 + 5 * hour,
		});
		expect(until(now + 2)).toBe(now + 1 + 5 * hour);
	});

	test('of another kind while it is disabled starts no cooldown', () => {
		const {fail} = openUsage();
		fail({reason: 'billing', at: now});
		const usage = fail({reason: 'rate_limit', at: now + hour});
		expect(usage).not.toHaveProperty('cooldownUntil');
		expect(usage).toMatchObject({errorCount: 1, disabledUntil: now + 5 * hour, disabledReason: 'billing'});
	});

	test('while it is set aside leaves what set it aside as it was', () => {
		const {fail} = openUsage();
		fail({reason: 'rate_limit', at: now});
		const usage = fail({reason: 'format', at: now + 1});
		expect(usage).toMatchObject({lastFailureReason: 'rate_limit', lastFailureAt: now + 1, errorCount: 1});
		expect(usage.failureCounts).toEqual(
			new Map([
				['rate_limit', 1],
				['format', 1],
			]),
		);
	});

	test('of a request that began before the last one is no news, also once the cooldown is over', () => {
		const {fail, until} = openUsage();
		fail({reason: 'auth', at: now});
		fail({reason: 'auth', at: now + 2 * minute, startedAt: now - 1});
		expect(until(now + 2 * minute)).toBeUndefined();
		expect(fail({reason: 'auth', at: now + 3 * minute, startedAt: now + 2 * minute})).toMatchObject({
			errorCount: 2,
			cooldownUntil: now + 8 * minute,
		});
	});

	test('starts the counting again once the last one is older than the window', () => {
		for (const [gap, errorCount] of [
			[24 * hour, 2],
			[24 * hour + 1, 1],
		] as const) {
			const {fail} = openUsage();
			fail({reason: 'auth', at: now});
			expect(fail({reason: 'auth', at: now + gap})).toMatchObject({errorCount});
		}
		const {fail} = openUsage();
		fail({reason: 'billing', at: now});
		fail({reason: 'timeout', at: now});
		const usage = fail({reason: 'billing', at: now + 24 * hour + 1});
		expect(usage).toMatchObject({errorCount: 1, disabledCount: 1});
		expect(usage.failureCounts).toEqual(new Map([['billing', 1]]));
	});

	test('counts on from what a file holds that does not say when', () => {
		expect(openUsage({errorCount: 2}).fail({reason: 'auth', at: now})).toMatchObject({
			errorCount: 3,
			cooldownUntil: now + 25 * minute,
		});
	});

	test.each(['nothing', 7, JSON.parse('{"auth": "many", " ": -1, "odd": 2, "__proto__": 3}'), null, [1]])(
		'takes counts of %j as far as they are numbers',
		failureCounts => {
			const {fail, raw} = openUsage({failureCounts, lastFailureAt: now - 1} as JsonObject);
			fail({reason: 'auth', at: now});
			const counts = raw().failureCounts as JsonObject;
			expect(counts.auth).toBe(1);
			expect(Object.values(counts).every(count => Number(count) > 0)).toBe(true);
			expect(Object.keys(Object.prototype)).toEqual([]);
		},
	);
});

describe('the provider’s own reset time', () => {
	test.each([
		['later', 3 * hour],
		['sooner', 10_000],
	])('replaces the reckoned one where it is %s', (_, later) => {
		for (const reason of aside) {
			const {fail, until} = openUsage();
			fail({reason, at: now, resetAt: now + later});
			expect(until(now)).toBe(now + later);
		}
		const {fail} = openUsage();
		expect(fail({reason: 'billing', at: now, resetAt: now + later})).toMatchObject({
			disabledUntil: now + later,
		});
	});

	test('counts also while the profile is set aside, and says why it now is', () => {
		for (const resetAt of [now + 10_000, now + 2 * hour]) {
			const {fail, until} = openUsage();
			fail({reason: 'auth', at: now});
			const usage = fail({reason: 'rate_limit', at: now + 1, resetAt});
			expect(usage).toMatchObject({errorCount: 1, lastFailureReason: 'rate_limit'});
			expect(until(now + 1)).toBe(resetAt);
		}
	});

	test('that is past is no reset time', () => {
		for (const resetAt of [now, now - hour, 0]) {
			const {fail, until} = openUsage();
			fail({reason: 'rate_limit', at: now, resetAt});
			expect(until(now)).toBe(now + minute);
			fail({reason: 'rate_limit', at: now + 1, resetAt});
			expect(until(now + 1)).toBe(now + minute);
		}
	});
});

describe('a success', () => {
	test.each(['auth', 'billing'] as const)('forgets the failures (%s), and nothing else', reason => {
		const {fail, succeed, raw} = openUsage({later: 'kept', needsLogin: {fingerprint: 'f'}});
		fail({reason, at: now});
		fail({reason: 'timeout', at: now});
		expect(succeed({at: now + 5, startedAt: now})).toBe(true);
		expect(raw()).toEqual({
			...{later: 'kept', needsLogin: {fingerprint: 'f'}, lastUsed: now + 5},
			lastProven: {at: now + 5, outcome: 'used'},
		});
	});

	test('of a request that began before the failure undoes nothing, and proves nothing', () => {
		const {fail, succeed, raw} = openUsage();
		fail({reason: 'auth', at: now});
		const before = raw();
		expect(succeed({at: now + hour, startedAt: now - 1})).toBe(false);
		expect(raw()).toEqual({...before, lastUsed: now + hour});
	});

	test('that is told late does not turn the last use back', () => {
		const {succeed, raw} = openUsage({lastUsed: now});
		succeed({at: now - 5});
		expect(raw().lastUsed).toBe(now);
	});
});

describe('a clock that was set back', () => {
	const future = {
		...{errorCount: 4, lastFailureAt: now + minute + 1, lastFailureReason: 'billing', disabledCount: 3},
		...{cooldownUntil: now + 48 * hour, disabledUntil: now + 48 * hour, failureCounts: {auth: 4}},
	};

	test('voids what was reckoned from it', () => {
		const {until, fail, usage} = openUsage(future);
		expect(until(now)).toBeUndefined();
		fail({reason: 'auth', at: now});
		expect(usage()).toMatchObject({errorCount: 1, lastFailureAt: now, failureCounts: new Map([['auth', 1]])});
		expect(usage().cooldownUntil).toBe(now + minute);
	});

	test('does not bring back what was reckoned from it, once a failure is noted by the clock as it is now', () => {
		const {fail, until} = openUsage(future);
		fail({reason: 'auth', at: now});
		expect(until(now)).toBe(now + minute);
	});

	test('does not keep a success from counting', () => {
		const {succeed, raw} = openUsage(future);
		expect(succeed({at: now, startedAt: now - 5})).toBe(true);
		for (const name of failureMembers) expect(raw()).not.toHaveProperty(name);
	});

	test('by less than a minute is two processes’ reports out of order', () => {
		const {fail, until, succeed} = openUsage();
		fail({reason: 'auth', at: now + minute});
		expect(until(now)).toBe(now + 2 * minute);
		expect(fail({reason: 'auth', at: now})).toMatchObject({errorCount: 1, lastFailureAt: now + minute});
		expect(succeed({at: now + 1})).toBe(false);
	});
});

describe('whatever the interleaving', () => {
	const reasons = fc.constantFrom(...aside);
	const begun = fc.integer({min: -10 * minute, max: 0});

	test('requests that were under way when the first one failed never extend its cooldown', () => {
		const requests = fc.array(
			fc.record({reason: reasons, startedAt: begun, later: fc.integer({min: 0, max: 3 * hour})}),
			{minLength: 1, maxLength: 40},
		);
		fc.assert(
			fc.property(reasons, requests, (reason, all) => {
				const {fail, usage} = openUsage();
				fail({reason, at: now, startedAt: now - 1});
				for (const {later, ...request} of all.toSorted((a, b) => a.later - b.later)) {
					fail({reason: request.reason, at: now + later, startedAt: now + request.startedAt - 1});
					expect(usage()).toMatchObject({errorCount: 1, cooldownUntil: now + minute});
				}
				expect(total(usage())).toBe(all.length + 1);
			}),
		);
	});

	test('retries during a cooldown never extend it, whenever they began', () => {
		const retries = fc.array(fc.record({reason: reasons, at: fc.integer({min: 0, max: minute - 1})}), {
			maxLength: 40,
		});
		fc.assert(
			fc.property(retries, all => {
				const {fail, usage} = openUsage();
				fail({reason: 'auth', at: now});
				for (const {reason, at} of all) fail({reason, at: now + at});
				expect(usage()).toMatchObject({errorCount: 1, cooldownUntil: now + minute});
				expect(total(usage())).toBe(all.length + 1);
			}),
		);
	});

	const failure = fc.record(
		{
			reason: fc.constantFrom(...failureReasons),
			gap: fc.integer({min: 0, max: 2 * hour}),
			took: fc.integer({min: 0, max: 30 * minute}),
			reset: fc.integer({min: -minute, max: 6 * hour}),
			permanent: fc.boolean(),
		},
		{requiredKeys: ['reason', 'gap', 'took']},
	);
	const success = fc.record({
		reason: fc.constant('ok' as const),
		gap: fc.integer({min: 0, max: 2 * hour}),
		took: fc.integer({min: 0, max: 30 * minute}),
	});

	test('no failure goes uncounted within the window', () => {
		fc.assert(
			fc.property(fc.array(failure, {maxLength: 40}), all => {
				const {fail, usage} = openUsage();
				let at = now;
				for (const [index, {reason, gap, took, reset, permanent}] of all.entries()) {
					at += gap / 10;
					fail({
						...{reason, at, startedAt: at - took, permanent},
						resetAt: reset === undefined ? undefined : at + reset,
					});
					expect(total(usage())).toBe(index + 1);
				}
				for (const reason of failureReasons) {
					const expected = all.filter(entry => entry.reason === reason).length;
					expect(usage().failureCounts?.get(reason) ?? 0).toBe(expected);
				}
			}),
		);
	});

	test('a success that began before a failure never clears it', () => {
		const sequence = fc.array(fc.oneof(failure, success), {maxLength: 30});
		fc.assert(
			fc.property(sequence, success, (all, {took}) => {
				const profile = openUsage();
				let at = now;
				for (const event of all) {
					at += event.gap;
					if (event.reason === 'ok') profile.succeed({at});
					else profile.fail({reason: event.reason, at});
				}
				const before = profile.raw();
				const last = profile.usage().lastFailureAt;
				if (last === undefined) return;
				const until = profile.until(at);
				expect(profile.succeed({at: at + 1, startedAt: last - 1 - took})).toBe(false);
				expect(profile.raw()).toEqual({...before, lastUsed: at + 1});
				expect(profile.until(at)).toBe(until);
			}),
		);
	});

	/** What is true of a profile, told apart from how its file says it. */
	interface Model {
		cooldownUntil: number;
		disabledUntil: number;
		errors: number;
		disabled: number;
		lastFailure: number | undefined;
	}

	test('each event of a sequence does what the rules say, and no more', () => {
		const sequence = fc.array(fc.oneof({weight: 3, arbitrary: failure}, success), {maxLength: 60});
		fc.assert(
			fc.property(sequence, all => {
				const profile = openUsage();
				const none: Model = {
					cooldownUntil: 0,
					disabledUntil: 0,
					errors: 0,
					disabled: 0,
					lastFailure: undefined,
				};
				let model = none;
				let at = now;
				for (const {gap, took, ...event} of all) {
					at += gap;
					const startedAt = at - took;
					if (event.reason === 'ok') {
						const isStale = model.lastFailure !== undefined && startedAt < model.lastFailure;
						expect(profile.succeed({at, startedAt})).toBe(!isStale);
						if (!isStale) model = none;
					} else {
						const resetAt = event.reset === undefined ? undefined : at + event.reset;
						const {reason, permanent = false} = event;
						profile.fail({reason, at, startedAt, resetAt, permanent});
						model = failed(model, {reason, at, startedAt, resetAt, permanent});
					}
					const {cooldownUntil = 0, disabledUntil = 0, ...usage} = profile.usage();
					expect({cooldownUntil, disabledUntil}).toEqual({
						cooldownUntil: model.cooldownUntil,
						disabledUntil: model.disabledUntil,
					});
					expect(usage.errorCount ?? 0).toBe(model.errors);
					expect(usage.disabledCount ?? 0).toBe(model.disabled);
					const until = Math.max(model.cooldownUntil, model.disabledUntil);
					expect(profile.until(at)).toBe(until > at ? until : undefined);
				}
			}),
			{numRuns: 500},
		);
	});

	function failed(model: Model, {reason, at, startedAt = at, resetAt, permanent}: Failure): Model {
		if (reason === 'timeout' || reason === 'network') return model;
		const disables = reason === 'billing' || (reason === 'auth' && permanent === true);
		const isNews = model.lastFailure === undefined || startedAt >= model.lastFailure;
		const isForgotten = model.lastFailure !== undefined && at - model.lastFailure > 24 * hour;
		const isDisabled = model.disabledUntil > at;
		const isAside = isDisabled || (!disables && (model.cooldownUntil > at || !isNews));
		const said = resetAt !== undefined && resetAt > at ? resetAt : undefined;
		const next = {...model, lastFailure: at};
		if (!isAside) {
			next.errors = (isForgotten ? 0 : model.errors) + 1;
			if (disables) next.disabled = (isForgotten ? 0 : model.disabled) + 1;
			const minutes = [1, 5, 25][next.errors - 1] ?? 60;
			const hours = [5, 10, 20][next.disabled - 1] ?? 24;
			if (disables) next.disabledUntil = at + hours * hour;
			else next.cooldownUntil = at + minutes * minute;
		}
		if (said !== undefined && disables) next.disabledUntil = said;
		else if (said !== undefined) next.cooldownUntil = said;
		return next;
	}
});
