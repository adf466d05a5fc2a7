import fc from 'fast-check';
import {expect, test} from 'vitest';
import {factsOf, type ProfileFacts} from '../../source/auth/facts.ts';
import {eligibility, setAsideUntil} from '../../source/auth/health.ts';
import {effectiveOrder, type OrderInput, type Pin} from '../../source/auth/routing/order.ts';
import type {Credential} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;

const time = fc.integer({min: now - 3, max: now + 3});
/** As likely there as not. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, {nil: undefined, freq: 2});
const ref = fc.constantFrom('THERE', 'GONE').map(id => ({source: 'env', provider: 'default', id}) as const);

const good = fc.constantFrom<Credential>(
	{type: 'oauth', provider: 'a', access: 'canary-access', refresh: 'canary-refresh', expires: now - 1},
	{type: 'token', provider: 'a', token: 'canary-token'},
	{type: 'api_key', provider: 'a', key: 'canary-key'},
);

const odd = fc
	.record({
		type: fc.constantFrom('oauth', 'token', 'api_key'),
		provider: fc.constantFrom('a', 'a', 'a', 'b'),
		access: maybe(fc.constant('canary-access')),
		refresh: maybe(fc.constant('canary-refresh')),
		token: maybe(fc.constant('canary-token')),
		key: maybe(fc.constant('canary-key')),
		tokenRef: maybe(ref),
		keyRef: maybe(ref),
		expires: maybe(fc.oneof(time, fc.constant('invalid'))),
		hasRef: fc.constantFrom(undefined, undefined, undefined, true),
	})
	.map(members => members as Credential);

/** Those that can be used must be the most, or hardly any order holds two of them. */
const credential = fc.oneof({weight: 3, arbitrary: good}, odd);

const usage = fc.record(
	{lastUsed: fc.integer({min: 1, max: 3}), cooldownUntil: time, disabledUntil: time},
	{requiredKeys: []},
);

/** The facts of a profile whose ref was looked at: those to GONE do not resolve. */
function looked(facts: ProfileFacts): ProfileFacts {
	const isGone = facts.ref?.id === 'GONE';
	return isGone ? {...facts, unresolved: {code: 'not_found', message: 'there is none'}} : facts;
}

const ids = ['a:1', 'a:2', 'a:3', 'a:4', 'a:5', 'a:6'];
const profiles: fc.Arbitrary<ProfileFacts[]> = fc
	.shuffledSubarray(ids)
	.chain(chosen =>
		fc.tuple(
			...chosen.map(id => fc.tuple(credential, usage).map(([c, u]) => looked(factsOf('main', id, c, u)))),
		),
	);
const namedOrder = fc.option(fc.array(fc.constantFrom(...ids, 'a:gone')), {nil: undefined, freq: 2});

const pin: fc.Arbitrary<Pin> = fc.record({
	profileId: fc.constantFrom(...ids, 'a:gone'),
	source: fc.constantFrom('auto', 'user', 'request'),
});

const plain: fc.Arbitrary<OrderInput> = fc.record({
	agentId: fc.constant('main'),
	provider: fc.constant('a'),
	profiles,
	storeOrder: namedOrder,
	configOrder: namedOrder,
	configured: fc.oneof(fc.constant([]), fc.array(fc.constantFrom(...ids))),
	now: fc.constant(now),
});

/** With a pin, profiles that were tried, and a wish for how long it must be good, each as likely as not. */
const input: fc.Arbitrary<OrderInput> = fc
	.tuple(
		plain,
		fc.record({
			pin: maybe(pin),
			tried: maybe(fc.subarray(ids, {maxLength: 2})),
			minTtlMs: maybe(fc.constantFrom(0, 1, 2)),
		}),
	)
	.map(([given, more]) => ({...given, ...more}));

/** The pin that leaves no other profile. */
function lockedBy({pin: given}: OrderInput): string | undefined {
	return given && given.source !== 'auto' ? given.profileId : undefined;
}

/** The profiles that the order is taken from, and those of them that are tried, in this order. */
function parts(given: OrderInput) {
	const {places, ...about} = effectiveOrder(given);
	return {...about, places, tried: places.filter(place => place.place !== undefined)};
}

test('each stored profile of the provider appears once, and nothing appears twice', () => {
	fc.assert(
		fc.property(input, given => {
			const named = parts(given).places.map(place => place.profileId);
			expect(new Set(named).size).toBe(named.length);
			const stored = given.profiles.filter(facts => facts.provider === 'a').map(facts => facts.profileId);
			expect(named).toEqual(expect.arrayContaining(stored));
			const locked = lockedBy(given);
			const known = new Set([
				...stored,
				...(given.storeOrder ?? given.configOrder ?? []),
				...(locked ? [locked] : []),
			]);
			expect(named.filter(id => !known.has(id))).toEqual([]);
		}),
	);
});

test('places count from 1, and what is not tried stands behind what is', () => {
	fc.assert(
		fc.property(input, given => {
			const {places, tried} = parts(given);
			expect(places.slice(0, tried.length).map(place => place.place)).toEqual(tried.map((_, i) => i + 1));
			expect(places.slice(tried.length).every(place => place.place === undefined)).toBe(true);
		}),
	);
});

test('exactly the eligible ones of the base list are tried, or of a pin that leaves no other', () => {
	fc.assert(
		fc.property(input, given => {
			const {explicit, tried, places} = parts(given);
			const locked = lockedBy(given);
			for (const facts of given.profiles.filter(({provider}) => provider === 'a')) {
				const {profileId} = facts;
				const reason = places.find(place => place.profileId === profileId)?.reason;
				const isNamed = profileId === locked;
				const excluded = reason === 'excluded_by_auth_order';
				if (locked !== undefined && !isNamed) expect(reason).toBe('excluded_by_pin');
				else if (explicit) expect(excluded).toBe(!isNamed && !explicit.includes(profileId));
				const isOut = (locked !== undefined && !isNamed) || excluded || given.tried?.includes(profileId);
				const expected = !isOut && eligibility(facts, now, given.minTtlMs) === 'ok';
				expect(tried.some(place => place.profileId === profileId)).toBe(expected);
			}
		}),
	);
});

test('no usable profile stands behind one that is not, and those set aside come back in their order', () => {
	fc.assert(
		fc.property(input, given => {
			const {tried, places} = parts(given);
			const until = tried.map(({profileId}) => {
				const facts = given.profiles.find(other => other.profileId === profileId);
				return (facts && setAsideUntil(facts, now)?.until) ?? 0;
			});
			expect(until).toEqual(until.toSorted((a, b) => a - b));
			expect(tried.map(place => place.until ?? 0)).toEqual(until);
			const isOut = places.map(
				({reason}) => reason !== 'ok' && reason !== 'cooldown' && reason !== 'disabled',
			);
			expect(isOut).toEqual(isOut.toSorted((a, b) => Number(a) - Number(b)));
		}),
	);
});

test('an explicit order is honoured among those ready, behind a pin', () => {
	fc.assert(
		fc.property(input, given => {
			const {explicit, tried} = parts(given);
			if (!explicit) return;
			const places = tried
				.filter(({reason, profileId}) => reason === 'ok' && profileId !== given.pin?.profileId)
				.map(({profileId}) => explicit.indexOf(profileId));
			expect(places).not.toContain(-1);
			expect(places).toEqual(places.toSorted((a, b) => a - b));
		}),
	);
});

test('a pin moves its own profile to the front, if that is ready, and no other', () => {
	fc.assert(
		fc.property(input, given => {
			const {tried} = parts(given);
			const {pin: _, ...unpinned} = given;
			const without = parts({...unpinned, pin: undefined}).tried;
			if (lockedBy(given)) {
				expect(tried.length).toBeLessThanOrEqual(1);
				return;
			}
			const pinned = without.find(
				({profileId, reason}) => profileId === given.pin?.profileId && reason === 'ok',
			);
			const order = without.map(({profileId}) => profileId);
			const expected = pinned ? [pinned.profileId, ...order.filter(id => id !== pinned.profileId)] : order;
			expect(tried.map(({profileId}) => profileId)).toEqual(expected);
		}),
	);
});

test('the same profiles make the same order, however the file lists them', () => {
	const shuffled = input.chain(given =>
		fc
			.shuffledSubarray([...given.profiles], {minLength: given.profiles.length})
			.map(other => [given, {...given, profiles: other}] as const),
	);
	fc.assert(
		fc.property(shuffled, ([given, other]) => {
			expect(parts(other).tried).toEqual(parts(given).tried);
			expect(effectiveOrder(given)).toEqual(effectiveOrder(given));
		}),
		{numRuns: 1000},
	);
});

test('the input is left as it is', () => {
	fc.assert(
		fc.property(input, given => {
			const before = structuredClone(given);
			effectiveOrder(given);
			expect(given).toEqual(before);
		}),
	);
});
