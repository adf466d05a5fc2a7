import {expect, test} from 'vitest';
import {factsOf, type ProfileFacts} from '../../source/auth/facts.ts';
import {effectiveOrder, type OrderInput} from '../../source/auth/routing/order.ts';
import type {Credential, UsageStats} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;
const soon = now + 1000;

function profile(profileId: string, members: object = {}, usage: UsageStats = {}): ProfileFacts {
	const [provider = ''] = profileId.split(':');
	const credential = {type: 'api_key', provider, key: 'canary-key', ...members} as Credential;
	return factsOf('main', profileId, credential, usage);
}

const oauth = {type: 'oauth', access: 'canary-access', refresh: 'canary-refresh', expires: now + 1};
const token = {type: 'token', token: 'canary-token'};

function order(profiles: readonly ProfileFacts[], input: Partial<OrderInput> = {}) {
	return effectiveOrder({agentId: 'main', provider: 'a', profiles, now, ...input});
}

function tried(...given: Parameters<typeof order>): string[] {
	return order(...given)
		.places.filter(place => place.place !== undefined)
		.map(place => place.profileId);
}

const three = [profile('a:x'), profile('a:y'), profile('a:z')];

test.each([
	{
		why: 'the store',
		input: {storeOrder: ['a:z'], configOrder: ['a:y'], configured: ['a:x']},
		ids: ['a:z'],
		source: 'store',
	},
	{
		why: 'jarvis.json',
		input: {configOrder: ['a:y', 'a:x'], configured: ['a:z']},
		ids: ['a:y', 'a:x'],
		source: 'config',
	},
	{
		why: 'the configured profiles',
		input: {configured: ['a:z', 'a:x']},
		ids: ['a:x', 'a:z'],
		source: 'configured profiles',
	},
	{why: 'all', input: {}, ids: ['a:x', 'a:y', 'a:z'], source: 'all profiles'},
	{
		why: 'all, as none of the configured is stored',
		input: {configured: ['a:gone']},
		ids: ['a:x', 'a:y', 'a:z'],
		source: 'all profiles',
	},
	{why: 'the store, which names none', input: {storeOrder: []}, ids: [], source: 'store'},
])('the order is that of $why', ({input, ids, source}) => {
	expect(tried(three, input)).toEqual(ids);
	expect(order(three, input).source).toBe(source);
});

test('an explicit order is a filter, and says what it leaves out', () => {
	const {places, explicit} = order(three, {storeOrder: ['a:z', 'a:x']});
	expect(explicit).toEqual(['a:z', 'a:x']);
	expect(places).toMatchObject([
		{profileId: 'a:z', place: 1, reason: 'ok', why: 'place 1 of the order'},
		{profileId: 'a:x', place: 2, reason: 'ok', why: 'place 2 of the order'},
		{profileId: 'a:y', reason: 'excluded_by_auth_order', why: 'left out by the order'},
	]);
});

test('without an order OAuth goes before tokens before API keys, the least recently used first', () => {
	const profiles = [
		profile('a:key-never'),
		profile('a:token-late', token, {lastUsed: 9}),
		profile('a:oauth-late', oauth, {lastUsed: 9}),
		profile('a:key-used', {}, {lastUsed: 1}),
		profile('a:oauth-early', oauth, {lastUsed: 2}),
		profile('a:token-never', token),
	];
	expect(tried(profiles)).toEqual([
		'a:oauth-early',
		'a:oauth-late',
		'a:token-never',
		'a:token-late',
		'a:key-never',
		'a:key-used',
	]);
	expect(order(profiles).places.map(place => place.why)).toEqual([
		'OAuth, least recently used first',
		'OAuth, least recently used first',
		'token, never used',
		'token, least recently used first',
		'API key, never used',
		'API key, least recently used first',
	]);
});

test('an explicit order goes before kind and use', () => {
	const profiles = [profile('a:oauth', oauth), profile('a:key', {}, {lastUsed: 9})];
	expect(tried(profiles, {configOrder: ['a:key', 'a:oauth']})).toEqual(['a:key', 'a:oauth']);
});

test.each([{storeOrder: ['a:x', 'a:y', 'a:z']}, {}])(
	'those set aside come last, soonest back first: %o',
	input => {
		const profiles = [
			profile('a:x', oauth, {disabledUntil: soon + 2, disabledReason: 'billing'}),
			profile('a:y', oauth, {cooldownUntil: soon}),
			profile('a:z', {}, {cooldownUntil: now}),
		];
		const {places} = order(profiles, input);
		expect(places.map(({profileId, place, reason, until}) => [profileId, place, reason, until])).toEqual([
			['a:z', 1, 'ok', undefined],
			['a:y', 2, 'cooldown', soon],
			['a:x', 3, 'disabled', soon + 2],
		]);
		expect(places.slice(1).map(({why}) => why)).toEqual([
			'cooling down after failures',
			'disabled after a billing failure',
		]);
	},
);

test('each profile that cannot be used has its code', () => {
	const refs = {type: 'api_key', key: undefined, keyRef: {source: 'env', provider: 'default', id: 'GONE'}};
	const profiles = [
		profile('a:empty', {key: undefined}),
		profile('a:over', {...token, expires: now}),
		profile('a:odd', {...token, expires: 'invalid'}),
		{...profile('a:ref', refs), unresolved: {code: 'not_found', message: 'there is none'} as const},
		profile('a:both', {...oauth, hasRef: true}),
		profile('a:good'),
		profile('b:foreign'),
	];
	const storeOrder = [...profiles.map(facts => facts.profileId), 'a:gone'];
	const {places} = order(profiles, {storeOrder});
	expect(places.map(({profileId, reason}) => [profileId, reason])).toEqual([
		['a:good', 'ok'],
		['a:empty', 'missing_credential'],
		['a:over', 'expired'],
		['a:odd', 'invalid_expires'],
		['a:ref', 'unresolved_ref'],
		['a:both', 'ineligible_profile'],
		['b:foreign', 'ineligible_profile'],
		['a:gone', 'unknown_profile'],
	]);
	expect(places.filter(({why}) => why === '')).toEqual([]);
});

test('a ref counts as far as it resolves, and the reason says why it does not', () => {
	const keyRef = {source: 'env', provider: 'default', id: 'ACME_KEY'};
	const ref = profile('a:ref', {key: undefined, keyRef});
	expect(tried([ref])).toEqual(['a:ref']);
	const unresolved = {code: 'not_found', message: 'the environment has no ACME_KEY'} as const;
	const {places} = order([{...ref, unresolved}]);
	expect(places).toMatchObject([{reason: 'unresolved_ref', why: expect.stringContaining('no ACME_KEY')}]);
	expect(places[0]?.place).toBeUndefined();
});

test('an id that is named twice has the place of the first', () => {
	expect(tried(three, {storeOrder: ['a:y', 'a:x', 'a:y']})).toEqual(['a:y', 'a:x']);
});

test('a profile of another provider is not in the order', () => {
	expect(order([profile('b:x'), profile('ab:x')]).places).toEqual([]);
});
