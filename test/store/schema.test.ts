import {describe, expect, it} from 'vitest';
import type {JsonObject, JsonValue} from '../../source/store/json.ts';
import {decodeAgentCredentials} from '../../source/store/schema.ts';

function decodeEntry(entry: JsonValue) {
	const {profiles, problems} = decodeAgentCredentials({profiles: {'acme:a': entry}});
	return profiles.get('acme:a') ?? problems[0]?.problem;
}

const ref = {source: 'env', provider: 'default', id: 'ACME_KEY'} as const;

describe('an entry', () => {
	it.each<[string, JsonObject, object]>([
		['an API key', {type: 'api_key', key: 'canary'}, {type: 'api_key', key: 'canary'}],
		['a token', {type: 'token', token: 'canary', expires: 5}, {type: 'token', token: 'canary', expires: 5}],
		['one with mode for type', {mode: 'token', token: 'canary'}, {type: 'token', token: 'canary'}],
		['one with apiKey for key', {type: 'api_key', apiKey: 'canary'}, {type: 'api_key', key: 'canary'}],
		[
			'one with both names',
			{mode: 'token', type: 'api_key', apiKey: 'canary-old', key: 'canary'},
			{type: 'api_key', key: 'canary'},
		],
		['a ref', {type: 'api_key', keyRef: {...ref}}, {type: 'api_key', keyRef: ref}],
		[
			'a ref without a provider',
			{type: 'token', tokenRef: {source: 'file', id: '/a'}},
			{
				type: 'token',
				tokenRef: {source: 'file', provider: 'default', id: '/a'},
			},
		],
		['a ref of no known source', {type: 'token', tokenRef: {source: 'sky', id: 'a'}}, {type: 'token'}],
		[
			'null for nothing',
			{type: 'token', token: 'canary', tokenRef: null, expires: null},
			{
				type: 'token',
				token: 'canary',
			},
		],
		['texts that are none', {type: 'api_key', key: 5, email: ''}, {type: 'api_key'}],
		[
			'OAuth beside a ref',
			{type: 'oauth', access: 'canary', keyRef: {...ref}},
			{
				type: 'oauth',
				access: 'canary',
				hasRef: true,
			},
		],
	])('is read: %s', (_, entry, expected) => {
		expect(decodeEntry({provider: 'acme', ...entry})).toEqual({provider: 'acme', ...expected});
	});

	it('of OAuth is read whole', () => {
		const entry = {
			...{type: 'oauth', provider: 'acme', access: 'canary-a', refresh: 'canary-r', expires: 7},
			...{expiresIn: 3600, accountId: 'acct', email: 'a@example.test', clientId: 'client'},
		} as const;
		expect(decodeEntry({...entry, metadata: {}})).toEqual(entry);
	});

	it.each<[JsonValue, unknown]>([
		[1, 1],
		[8_640_000_000_000_000, 8_640_000_000_000_000],
		[8_640_000_000_000_001, 'invalid'],
		[0, 'invalid'],
		[-1, 'invalid'],
		['1795500000000', 'invalid'],
		[{}, 'invalid'],
	])('whose expiry is %j has it as %j', (expires, expected) => {
		expect(decodeEntry({type: 'token', provider: 'acme', expires})).toMatchObject({expires: expected});
	});

	it.each<[JsonValue, string]>([
		[{type: 'hologram', provider: 'acme', beam: 'canary'}, 'is of a type that is not known here'],
		[{provider: 'acme', key: 'canary'}, 'has no type'],
		[{type: 'api_key', key: 'canary'}, 'names no provider'],
		[{type: 'api_key', provider: 5, key: 'canary'}, 'names no provider'],
		['canary', 'is not an object'],
		[null, 'is not an object'],
		[['canary'], 'is not an object'],
	])('that is not understood is named with the reason: %j', (entry, problem) => {
		expect(decodeEntry(entry)).toBe(problem);
	});

	it('that is not understood takes no other one down', () => {
		const {profiles, problems} = decodeAgentCredentials({
			profiles: {'acme:bad': null, 'acme:good': {type: 'api_key', provider: 'acme', key: 'canary'}},
		});
		expect([...profiles.keys()]).toEqual(['acme:good']);
		expect(problems).toEqual([{profileId: 'acme:bad', problem: 'is not an object'}]);
	});
});

describe('the other sections', () => {
	it('are read leniently, one member at a time', () => {
		const current = decodeAgentCredentials({
			order: {acme: ['a', 5, 'b', 'a'], odd: 'a', none: []},
			lastGood: {acme: 'acme:a', odd: 5},
			usageStats: {'acme:a': {lastUsed: 5, errorCount: 'x', cooldownUntil: -1, quirk: 1}, odd: 'x'},
		});
		expect([...current.order]).toEqual([
			['acme', ['a', 'b']],
			['none', []],
		]);
		expect([...current.lastGood]).toEqual([['acme', 'acme:a']]);
		expect([...current.usageStats]).toEqual([
			['acme:a', {lastUsed: 5}],
			['odd', {}],
		]);
	});

	it('tell what was proven, and what was refused', () => {
		const usage = {
			lastProven: {at: 5, outcome: 'login'},
			needsLogin: {fingerprint: 'f', since: 6, reason: 'invalid_grant'},
		};
		const current = decodeAgentCredentials({
			usageStats: {'acme:a': usage, 'acme:b': {needsLogin: {since: 6}}},
		});
		expect(current.usageStats.get('acme:a')).toEqual(usage);
		expect(current.usageStats.get('acme:b')).toEqual({});
	});

	it.each<[string, JsonObject]>([
		['absent', {}],
		['null', {profiles: null, order: null, lastGood: null, usageStats: null}],
		['lists', {profiles: [], order: [], lastGood: [], usageStats: []}],
		['texts', {profiles: 'x', order: 'x', lastGood: 'x', usageStats: 'x'}],
	])('and the profiles may be %s', (_, document) => {
		const {profiles, problems, order, lastGood, usageStats} = decodeAgentCredentials(document);
		expect([profiles.size, problems.length, order.size, lastGood.size, usageStats.size]).toEqual([
			0, 0, 0, 0, 0,
		]);
	});
});
