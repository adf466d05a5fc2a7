import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {factsOf, type ProfileFacts} from '../../source/auth/facts.ts';
import {
	type DecisionInput,
	decide,
	namedModel,
	optionsOf,
	type Target,
} from '../../source/auth/routing/decision.ts';
import {decodeConfig} from '../../source/store/config.ts';
import type {JsonObject} from '../../source/store/json.ts';
import type {Credential, UsageStats} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;
const soon = now + 1000;
const later = now + 2000;

function profile(profileId: string, usage: UsageStats = {}, members: object = {}): ProfileFacts {
	const [provider = ''] = profileId.split(':');
	const credential = {type: 'api_key', provider, key: 'canary-key', ...members} as Credential;
	return factsOf('main', profileId, credential, usage);
}

const cooling = (lastFailureReason = 'rate_limit', until = soon): UsageStats => ({
	...{cooldownUntil: until, lastFailureReason, lastFailureAt: now},
});

const asked = (model: string): Target => {
	const [provider = '', name = ''] = model.split('/');
	return {kind: 'model', origin: 'request', model: {provider, model: name}};
};

/** `agents.defaults` of `jarvis.json`: a/one is wanted, and b/two and c/three stand behind it. */
const defaults = {model: {primary: 'a/one', fallbacks: ['b/two', 'c/three']}};

function configWith(members: JsonObject = {}) {
	return decodeConfig({agents: {defaults}, ...members});
}

function decided(profiles: readonly ProfileFacts[], input: Partial<DecisionInput> = {}) {
	const decision = decide({
		...{agentId: 'main', target: asked('a/one'), profiles, storeOrder: new Map(), config: configWith()},
		...{mainOrder: new Map(), now, ...input},
	});
	return {
		...decision,
		/** `model@profile` in the order in which they are tried. */
		turns: decision.candidates.map(({option, place}) => `${option.model ?? '-'}@${place.profileId}`),
		reasons: Object.fromEntries(
			decision.options.flatMap(({order}) => order.places).map(({profileId, reason}) => [profileId, reason]),
		),
	};
}

const pinned = (profileId: string, source: 'auto' | 'user' | 'request') => ({
	pin: {profileId, source, provider: profileId.split(':')[0] ?? ''},
});

describe('the models that are tried', () => {
	const names = (target: Target, model: JsonObject, models: JsonObject = {}) =>
		optionsOf(target, decodeConfig({agents: {defaults: {model, models}}}).models).map(
			option => `${option.provider}/${option.model} ${option.origin}`,
		);

	test('are the wanted one, the fallbacks in their order, and the primary one, each once', () => {
		const model = {primary: 'a/one', fallbacks: ['b/two', 'a/one', 'b/two', 'd/x']};
		expect(names(asked('c/three'), model)).toEqual([
			'c/three request',
			'b/two fallback',
			'a/one fallback',
			'd/x fallback',
		]);
		expect(names(asked('b/two'), {primary: 'a/one', fallbacks: ['d/x']})).toEqual([
			'b/two request',
			'd/x fallback',
			'a/one primary',
		]);
	});

	test('are found by their aliases, in any case, and hold any number of slashes', () => {
		const models = {'b/org/two@2026': {alias: 'Opus'}};
		const model = {primary: 'a/one', fallbacks: ['opus', ' OPUS ', 'c/d/e']};
		expect(names(asked('a/one'), model, models)).toEqual([
			'a/one request',
			'b/org/two@2026 fallback',
			'c/d/e fallback',
		]);
	});

	test.each(['', 'bare', '/x', 'a/', '/'])('leave out %j, which names none', ref => {
		expect(namedModel(ref, {aliases: new Map()})).toBeUndefined();
		expect(names(asked('a/one'), {primary: ref, fallbacks: [ref]})).toEqual(['a/one request']);
	});

	test('are none where a provider was asked for', () => {
		const {options, turns} = decided([profile('a:x'), profile('b:x')], {
			target: {kind: 'provider', provider: 'a'},
		});
		expect(options).toHaveLength(1);
		expect(turns).toEqual(['-@a:x']);
	});

	test('each say why', () => {
		const {options} = decided([], {target: {...asked('d/x'), origin: 'session'} as Target});
		expect(options.map(({why}) => why)).toEqual([
			'the session’s model',
			'fallback 1',
			'fallback 2',
			'the primary model',
		]);
	});
});

describe('which profile has which turn', () => {
	test('those ready of all models go before those set aside of any', () => {
		const profiles = [
			profile('a:x', cooling('auth', later)),
			profile('a:y', cooling('auth', soon)),
			profile('b:x', cooling('auth', now + 1)),
			profile('b:y'),
			profile('c:x'),
		];
		const {turns, candidates} = decided(profiles);
		expect(turns).toEqual(['two@b:y', 'three@c:x', 'one@a:y', 'one@a:x', 'two@b:x']);
		expect(candidates.map(({isLastResort}) => isLastResort)).toEqual([false, false, true, true, true]);
	});

	test('a fallback is behind every profile of the wanted model that is ready', () => {
		expect(decided([profile('a:x'), profile('a:y'), profile('b:x')]).turns).toEqual([
			'one@a:x',
			'one@a:y',
			'two@b:x',
		]);
	});

	test('an explicit order is that of its own provider alone', () => {
		const {turns} = decided([profile('a:x'), profile('a:y'), profile('b:x'), profile('b:y')], {
			storeOrder: new Map([['b', ['b:y', 'b:x']]]),
			config: configWith({auth: {order: {a: ['a:y'], b: ['b:x']}}}),
		});
		expect(turns).toEqual(['one@a:y', 'two@b:y', 'two@b:x']);
	});

	test('an order that names nobody leaves the fallbacks', () => {
		const {turns, reasons} = decided([profile('a:x'), profile('b:x')], {storeOrder: new Map([['a', []]])});
		expect(turns).toEqual(['two@b:x']);
		expect(reasons['a:x']).toBe('excluded_by_auth_order');
	});
});

describe('a pin', () => {
	const three = [profile('a:x'), profile('a:y'), profile('a:z'), profile('b:x')];

	test('that was made automatically goes first, and the others follow', () => {
		const {turns, options} = decided(three, pinned('a:z', 'auto'));
		expect(turns).toEqual(['one@a:z', 'one@a:x', 'one@a:y', 'two@b:x']);
		expect(options[0]?.isLocked).toBe(false);
		expect(options[0]?.order.places[0]?.why).toBe('kept for the session');
	});

	test('that was made automatically goes before an explicit order, and has no say if left out by it', () => {
		const storeOrder = new Map([['a', ['a:x', 'a:z']]]);
		expect(decided(three, {...pinned('a:z', 'auto'), storeOrder}).turns[0]).toBe('one@a:z');
		const {turns, reasons} = decided(three, {...pinned('a:y', 'auto'), storeOrder});
		expect(turns).toEqual(['one@a:x', 'one@a:z', 'two@b:x']);
		expect(reasons['a:y']).toBe('excluded_by_auth_order');
	});

	test.each([
		['is set aside', [profile('a:x'), profile('a:y', cooling()), profile('b:x')]],
		['is gone', [profile('a:x'), profile('b:x')]],
	])('that was made automatically has no say where its profile %s', (_, profiles) => {
		const {turns} = decided(profiles, pinned('a:y', 'auto'));
		expect(turns[0]).toBe('one@a:x');
	});

	test.each(['user', 'request'] as const)('of the source %s leaves no other profile', source => {
		const {turns, reasons, options} = decided(three, pinned('a:y', source));
		expect(turns[0]).toBe('one@a:y');
		expect(turns.filter(turn => turn.includes('@a:'))).toEqual(['one@a:y']);
		expect(reasons).toMatchObject({'a:x': 'excluded_by_pin', 'a:z': 'excluded_by_pin'});
		expect(options[0]).toMatchObject({isLocked: true});
	});

	test.each(['user', 'request'] as const)('of the source %s may name what the order leaves out', source => {
		const storeOrder = new Map([['a', ['a:x']]]);
		expect(decided(three, {...pinned('a:y', source), storeOrder}).turns[0]).toBe('one@a:y');
	});

	test.each(['user', 'request'] as const)(
		'of the source %s is handed out though it is set aside, before any fallback',
		source => {
			const profiles = [profile('a:x'), profile('a:y', cooling()), profile('b:x')];
			const {turns, candidates} = decided(profiles, pinned('a:y', source));
			expect(turns[0]).toBe('one@a:y');
			expect(candidates[0]).toMatchObject({isLastResort: true, place: {reason: 'cooldown', until: soon}});
		},
	);

	test('of a person does not keep the fallback models out once its profile cannot be used', () => {
		const profiles = [profile('a:x'), profile('a:y', {}, {key: undefined}), profile('b:x')];
		expect(decided(profiles, pinned('a:y', 'user')).turns).toEqual(['two@b:x']);
		expect(decided(three, {...pinned('a:y', 'user'), tried: ['a:y']}).turns).toEqual(['two@b:x']);
		const {turns, reasons} = decided(three, pinned('a:gone', 'user'));
		expect(turns).toEqual(['two@b:x']);
		expect(reasons).toMatchObject({'a:gone': 'unknown_profile', 'a:x': 'excluded_by_pin'});
	});

	test('of a request leaves no other, not of a fallback model either', () => {
		for (const members of [{}, {key: undefined}]) {
			const profiles = [profile('a:x'), profile('a:y', {}, members), profile('b:x')];
			const {turns, options} = decided(profiles, pinned('a:y', 'request'));
			expect(turns).toEqual('key' in members ? [] : ['one@a:y']);
			expect(options).toHaveLength(1);
			expect(options[0]?.endsHere).toContain('asked for');
		}
	});

	test('holds for a fallback model of its provider too', () => {
		const config = configWith({agents: {defaults: {model: {primary: 'a/one', fallbacks: ['a/small']}}}});
		expect(decided(three, {...pinned('a:y', 'user'), config}).turns).toEqual(['one@a:y', 'small@a:y']);
	});

	test.each(['auto', 'user', 'request'] as const)(
		'of the source %s has no say for another provider',
		source => {
			const {turns, options} = decided(three, pinned('d:x', source));
			expect(turns).toEqual(['one@a:x', 'one@a:y', 'one@a:z', 'two@b:x']);
			expect(options.every(({isLocked}) => !isLocked)).toBe(true);
		},
	);
});

describe('a malformed request', () => {
	const ends = (profiles: readonly ProfileFacts[], input: Partial<DecisionInput> = {}) =>
		decided([...profiles, profile('b:x')], input);

	test('is tried with no other model', () => {
		const {options, turns} = ends([profile('a:x', cooling('format'))]);
		expect(options).toHaveLength(1);
		expect(options[0]?.endsHere).toContain('form');
		expect(turns).toEqual(['one@a:x']);
	});

	test.each(['auth', 'rate_limit', 'timeout', 'network', 'anything', undefined])(
		'is not what %s is',
		reason => {
			const usage = {cooldownUntil: soon, ...(reason ? {lastFailureReason: reason} : {})};
			expect(ends([profile('a:x', usage)]).turns).toEqual(['two@b:x', 'one@a:x']);
		},
	);

	test('of one profile of several ends it all the same, once no other is ready', () => {
		const one = profile('a:x', cooling('format'));
		expect(ends([one, profile('a:y')]).turns).toEqual(['one@a:y', 'two@b:x', 'one@a:x']);
		expect(ends([one, profile('a:y', cooling('auth'))]).options).toHaveLength(1);
		expect(ends([one, profile('a:y', {}, {key: undefined})]).options).toHaveLength(1);
	});

	test('is one also where the caller names its profile among those that it has tried', () => {
		const {options, turns} = ends([profile('a:x', cooling('format'))], {tried: ['a:x']});
		expect(turns).toEqual([]);
		expect(options[0]?.endsHere).toContain('form');
	});

	test('of before the cooldown was over is forgotten', () => {
		const {turns} = ends([profile('a:x', cooling('format', now))], {tried: ['a:x']});
		expect(turns).toEqual(['two@b:x']);
	});

	test('of a fallback ends the chain there', () => {
		const {options} = decided([profile('b:x', cooling('format')), profile('c:x')]);
		expect(options.map(({model}) => model)).toEqual(['one', 'two']);
	});

	test('does not end it where billing disabled the profile since', () => {
		const usage = {...cooling('format'), disabledUntil: later, disabledReason: 'billing'};
		expect(ends([profile('a:x', usage)]).options).toHaveLength(3);
	});
});

describe('what was tried', () => {
	test('is not tried again', () => {
		const profiles = [profile('a:x'), profile('a:y'), profile('b:x')];
		expect(decided(profiles, {tried: ['a:x']})).toMatchObject({
			turns: ['one@a:y', 'two@b:x'],
			reasons: {'a:x': 'already_tried'},
		});
		expect(decided(profiles, {tried: ['a:x', 'a:y']}).turns).toEqual(['two@b:x']);
		expect(decided(profiles, {tried: ['a:x', 'a:y', 'b:x', 'c:gone']}).turns).toEqual([]);
	});

	test('is not tried either where it is pinned', () => {
		for (const source of ['auto', 'user', 'request'] as const) {
			const {turns} = decided([profile('a:x')], {...pinned('a:x', source), tried: ['a:x']});
			expect(turns).toEqual([]);
		}
	});
});

describe('how long it is good for', () => {
	const minTtlMs = 10 * 60_000;
	const oauth = (members: object) => ({type: 'oauth', access: 'canary-a', refresh: 'canary-r', ...members});

	it.each<[string, object, string]>([
		['a key without an end', {}, 'ok'],
		['a token that ends later', {type: 'token', token: 'canary-t', expires: now + minTtlMs + 1}, 'ok'],
		[
			'a token that ends just then',
			{type: 'token', token: 'canary-t', expires: now + minTtlMs},
			'short_lived',
		],
		['a token that is over', {type: 'token', token: 'canary-t', expires: now}, 'expired'],
		['one that can be refreshed', oauth({expires: now, expiresIn: 3600}), 'ok'],
		['one of an unknown lifetime', oauth({expires: now}), 'ok'],
		['one that never lives so long', oauth({expires: now + 1, expiresIn: 600}), 'short_lived'],
		['one that does, just now', oauth({expires: now + minTtlMs + 1, expiresIn: 600}), 'ok'],
		[
			'one that cannot be refreshed',
			oauth({refresh: undefined, expires: now + minTtlMs, expiresIn: 3600}),
			'short_lived',
		],
	])('%s: %s is %s', (_, members, reason) => {
		expect(decided([profile('a:x', {}, members)], {minTtlMs}).reasons['a:x']).toBe(reason);
	});

	test('one that is not is passed over, for a fallback model too', () => {
		const short = {type: 'token', token: 'canary-t', expires: now + 1};
		const profiles = [profile('a:x', {}, short), profile('b:x')];
		expect(decided(profiles, {minTtlMs}).turns).toEqual(['two@b:x']);
		expect(decided(profiles).turns).toEqual(['one@a:x', 'two@b:x']);
	});
});

test.each(['constructor', '__proto__', 'toString'])('%s is a failure like any other', name => {
	const {candidates} = decided([profile('a:x', cooling(name))]);
	expect(candidates[0]?.place).toMatchObject({failure: name, why: `cooling down after ${name}`});
});

describe('whatever is stored', () => {
	const ids = ['a:1', 'a:2', 'a:3', 'b:1', 'b:2', 'c:1'];
	const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, {nil: undefined});
	const usage = fc.record(
		{
			cooldownUntil: fc.integer({min: now - 2, max: now + 3}),
			disabledUntil: fc.integer({min: now - 2, max: now + 3}),
			lastFailureReason: fc.constantFrom('auth', 'format', 'rate_limit'),
			lastUsed: fc.integer({min: 1, max: 3}),
		},
		{requiredKeys: []},
	);
	const profiles = fc
		.shuffledSubarray(ids)
		.chain(chosen =>
			fc.tuple(
				...chosen.map(id =>
					usage.chain(of => fc.boolean().map(has => profile(id, of, has ? {} : {key: undefined}))),
				),
			),
		);
	const input = fc.record({
		profiles,
		pin: maybe(
			fc.record({
				...{profileId: fc.constantFrom(...ids, 'a:gone'), provider: fc.constantFrom('a', 'a', 'b')},
				source: fc.constantFrom('auto' as const, 'user' as const, 'request' as const),
			}),
		),
		tried: maybe(fc.subarray(ids)),
		storeOrder: maybe(fc.subarray(ids)).map(
			order => new Map<string, readonly string[]>(order ? [['a', order]] : []),
		),
	});

	test('nothing has two turns, and every turn is of what the orders try', () => {
		fc.assert(
			fc.property(input, ({profiles: all, pin, ...given}) => {
				const {turns, options, candidates} = decided(all, {...given, ...(pin ? {pin} : {})});
				expect(new Set(turns).size).toBe(turns.length);
				const tried = options.flatMap(({order}) => order.places.filter(({place}) => place !== undefined));
				expect(candidates).toHaveLength(tried.length);
			}),
		);
	});

	test('one that is ready never stands behind one set aside, unless that one was named', () => {
		fc.assert(
			fc.property(input, ({profiles: all, pin, ...given}) => {
				const {candidates} = decided(all, {...given, ...(pin ? {pin} : {})});
				const ranks = candidates.map(({isLastResort, option}) => (isLastResort && !option.isLocked ? 1 : 0));
				expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
			}),
		);
	});

	test('the same store makes the same decision', () => {
		fc.assert(
			fc.property(input, ({profiles: all, pin, ...given}) => {
				const more = {...given, ...(pin ? {pin} : {})};
				expect(decided([...all].reverse(), more).turns).toEqual(decided(all, more).turns);
			}),
		);
	});
});
