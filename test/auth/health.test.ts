import fc from 'fast-check';
import {expect, test} from 'vitest';
import {factsOf, type ProfileFacts} from '../../source/auth/facts.ts';
import {
	attentionRank,
	eligibility,
	type Health,
	healthOf,
	needsPerson,
	nextHealthChange,
	type ReasonCode,
	setAsideUntil,
} from '../../source/auth/health.ts';
import {fingerprint} from '../../source/auth/identity.ts';
import type {Credential, UsageStats} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const day = 24 * hour;
const provider = 'acme';
const keyRef = {source: 'env', provider: 'default', id: 'ACME_KEY'} as const;
const unresolved = {code: 'not_found', message: 'the environment has no ELSE'} as const;
const refused: UsageStats = {
	needsLogin: {since: now - hour, fingerprint: fingerprint('canary-refresh'), reason: 'invalid_grant'},
};

const oauth = (members: object): Credential => ({type: 'oauth', provider, ...members});
const token = (members: object): Credential => ({type: 'token', provider, ...members});
const key = (members: object): Credential => ({type: 'api_key', provider, ...members});
const both = {access: 'canary-access', refresh: 'canary-refresh'};

/** The facts of a profile whose ref resolves unless it is one to ELSE. */
function looked(credential: Credential, usage?: UsageStats): ProfileFacts {
	const facts = factsOf('main', 'acme:x', credential, usage);
	return facts.ref?.id === 'ELSE' ? {...facts, unresolved} : facts;
}

function judge(credential: Credential, usage?: UsageStats): Health {
	return healthOf(looked(credential, usage), now);
}

test.each<[string, Credential, UsageStats, ReasonCode]>([
	['OAuth that is good', oauth({...both, expires: now + hour}), {}, 'ok'],
	['OAuth that is over, with a refresh token', oauth({...both, expires: now - day}), {}, 'ok'],
	['OAuth with a refresh token alone', oauth({refresh: 'canary-refresh'}), {}, 'ok'],
	['OAuth without an expiry', oauth({access: 'canary-access'}), {}, 'ok'],
	['OAuth that is over, without one', oauth({access: 'canary-access', expires: now}), {}, 'expired'],
	['OAuth without any token', oauth({expires: now + hour}), {}, 'missing_credential'],
	['OAuth whose refresh token was refused', oauth({...both, expires: now - 1}), refused, 'needs_login'],
	['OAuth beside a ref', oauth({...both, expires: now + hour, hasRef: true}), {}, 'ineligible_profile'],
	['OAuth whose expiry is no time', oauth({...both, expires: 'invalid'}), {}, 'invalid_expires'],
	['a token', token({token: 'canary-token'}), {}, 'ok'],
	['a token, 1 ms before its end', token({token: 'canary-token', expires: now + 1}), {}, 'ok'],
	['a token at its end', token({token: 'canary-token', expires: now}), {}, 'expired'],
	[
		'a token whose expiry is no time',
		token({token: 'canary-token', expires: 'invalid'}),
		{},
		'invalid_expires',
	],
	['no token', token({}), {}, 'missing_credential'],
	['an API key', key({key: 'canary-key'}), {}, 'ok'],
	['no API key', key({}), {}, 'missing_credential'],
	['an env ref that resolves', key({keyRef}), {}, 'ok'],
	['an env ref to nothing', key({keyRef: {...keyRef, id: 'ELSE'}}), {}, 'unresolved_ref'],
	['a file ref', token({tokenRef: {...keyRef, source: 'file'}}), {}, 'ok'],
	[
		'an exec ref to nothing',
		token({tokenRef: {...keyRef, source: 'exec', id: 'ELSE'}}),
		{},
		'unresolved_ref',
	],
	['a ref that is over', token({tokenRef: keyRef, expires: now - 1}), {}, 'expired'],
	['a ref whose expiry is no time', token({tokenRef: keyRef, expires: 'invalid'}), {}, 'invalid_expires'],
	[
		'a value beside a ref to nothing',
		key({key: 'canary-key', keyRef: {...keyRef, id: 'ELSE'}}),
		{},
		'unresolved_ref',
	],
	['one in cooldown, failures aside', key({key: 'canary-key'}), {cooldownUntil: now + 1}, 'ok'],
])('eligibility of %s', (_, credential, usage, reason) => {
	expect(eligibility(looked(credential, usage), now)).toBe(reason);
});

test.each<[string, Credential, Partial<Health>]>([
	['static', key({key: 'canary-key'}), {status: 'static', reason: 'ok', renewsOnUse: false}],
	['ok by ref', key({keyRef}), {status: 'static', reason: 'ok'}],
	['ok', oauth({...both, expires: now + hour}), {status: 'ok', remainingMs: hour, renewsOnUse: false}],
	[
		'ok though over: renewed on use',
		oauth({...both, expires: now - hour}),
		{status: 'ok', reason: 'ok', renewsOnUse: true, remainingMs: -hour},
	],
	['ok, a day and 1 ms left', token({token: 'canary-token', expires: now + day + 1}), {status: 'ok'}],
	[
		'expiring, a day left',
		token({token: 'canary-token', expires: now + day}),
		{status: 'expiring', reason: 'ok', remainingMs: day},
	],
	[
		'expiring, OAuth without refresh token',
		oauth({access: 'canary-access', expires: now + 1}),
		{status: 'expiring', renewsOnUse: false},
	],
	[
		'expired',
		token({token: 'canary-token', expires: now - 1}),
		{status: 'expired', reason: 'expired', remainingMs: -1},
	],
	['missing', key({}), {status: 'missing', reason: 'missing_credential'}],
	[
		'missing: unresolved',
		key({keyRef: {...keyRef, id: 'ELSE'}}),
		{status: 'missing', reason: 'unresolved_ref'},
	],
	[
		'missing: no time',
		token({token: 'canary-token', expires: 'invalid'}),
		{status: 'missing', reason: 'invalid_expires'},
	],
	['missing: form', oauth({...both, hasRef: true}), {status: 'missing', reason: 'ineligible_profile'}],
])('health is %s', (_, credential, health) => {
	expect(judge(credential)).toMatchObject(health);
});

test('without a time to come back or a time to end, health names neither', () => {
	expect(Object.keys(judge(key({key: 'canary-key'}))).sort()).toEqual(['reason', 'renewsOnUse', 'status']);
	expect(judge(token({token: 'canary-token', expires: 'invalid'}))).not.toHaveProperty('remainingMs');
});

test('a refused refresh token shows as expired, whatever time is left', () => {
	const health = judge(oauth({...both, expires: now - 1}), refused);
	expect(health).toMatchObject({status: 'expired', reason: 'needs_login', renewsOnUse: false});
});

test.each<[string, UsageStats, ReturnType<typeof setAsideUntil>]>([
	['never failed', {}, undefined],
	['cooling down', {cooldownUntil: now + 5}, {reason: 'cooldown', until: now + 5}],
	['disabled', {disabledUntil: now + 5}, {reason: 'disabled', until: now + 5}],
	[
		'both, disabled for longer',
		{cooldownUntil: now + 5, disabledUntil: now + 9},
		{reason: 'disabled', until: now + 9},
	],
	[
		'both, cooling down for longer',
		{cooldownUntil: now + 9, disabledUntil: now + 5},
		{reason: 'cooldown', until: now + 9},
	],
	['back since now', {cooldownUntil: now, disabledUntil: now - 1}, undefined],
])('set aside: %s', (_, usage, aside) => {
	const facts = factsOf('main', 'acme:x', key({key: 'canary-key'}), usage);
	expect(setAsideUntil(facts, now)).toEqual(aside);
	const health = healthOf(facts, now);
	expect(health.reason).toBe(aside?.reason ?? 'ok');
	expect(health.until).toBe(aside?.until);
	expect(health.status).toBe('static');
});

test('what is wrong with the credential goes before a cooldown', () => {
	const health = judge(token({token: 'canary-token', expires: now - 1}), {cooldownUntil: now + 5});
	expect(health).toMatchObject({status: 'expired', reason: 'expired', until: now + 5});
});

test('what needs a person comes first, then what is set aside, then what runs out', () => {
	const byUrgency = [
		judge(oauth({...both, expires: now - 1}), refused),
		judge(token({token: 'canary-token', expires: now - 1})),
		judge(key({})),
		judge(key({key: 'canary-key'}), {disabledUntil: now + 1}),
		judge(key({key: 'canary-key'}), {cooldownUntil: now + 1}),
		judge(token({token: 'canary-token', expires: now + hour})),
		judge(oauth({...both, expires: now + hour})),
		judge(key({key: 'canary-key'})),
	];
	expect(byUrgency.map(attentionRank)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
	expect(byUrgency.map(needsPerson)).toEqual([true, true, true, false, false, false, false, false]);
});

test('a profile’s health stays as it is until the moment that is told, whatever is stored', () => {
	const minute = 60_000;
	const time = fc.oneof(
		fc.constantFrom(-2 * day, -1, 0, 1, minute, 2 * minute, hour, day, 2 * day).map(ms => now + ms),
		fc.integer({min: now - 2 * hour, max: now + 2 * day}),
	);
	const timeOr = <Other>(other: Other) => fc.option(time, {nil: other, freq: 3});
	const stored = fc.record({
		expires: timeOr(undefined),
		expiresIn: fc.constantFrom(undefined, 60, 3600),
		refresh: fc.constantFrom('', 'canary-refresh'),
		usage: fc.record({
			cooldownUntil: timeOr(0),
			disabledUntil: timeOr(0),
			lastFailureAt: timeOr(0),
		}),
		wait: fc.option(fc.record({finishedAt: time, ms: fc.constantFrom(1, minute, hour, 2 * hour)})),
		between: fc.nat({max: 999}),
	});
	const reached = {changes: 0, waits: 0};
	fc.assert(
		fc.property(stored, ({expires, expiresIn, refresh, usage, wait, between}) => {
			const ends = {...(expires === undefined ? {} : {expires}), ...(expiresIn ? {expiresIn} : {})};
			const facts: ProfileFacts = {
				...factsOf('main', 'acme:x', oauth({access: 'canary-access', refresh, ...ends}), usage),
				...(wait ? {wait: {finishedAt: wait.finishedAt, retryAt: wait.finishedAt + wait.ms}} : {}),
			};
			const at = (when: number) => ({...healthOf(facts, when), remainingMs: undefined});
			for (let from = now, steps = 0; steps < 20; steps++) {
				const before = at(from);
				if (before.waitsUntil !== undefined) reached.waits += 1;
				const next = nextHealthChange(facts, from);
				const last = Math.min(next, from + 10 * day) - 1;
				expect(at(last)).toEqual(before);
				expect(at(from + Math.floor(((last - from) * between) / 1000))).toEqual(before);
				if (next === Number.POSITIVE_INFINITY) return;
				reached.changes += 1;
				from = next;
			}
			expect.fail('It changes without an end.');
		}),
		{numRuns: 500},
	);
	expect(Math.min(reached.changes, reached.waits)).toBeGreaterThan(50);
});
