import {describe, expect, it} from 'vitest';
import {factsOf, type ProfileFacts} from '../../source/auth/facts.ts';
import {missingProviders, providerHealths, providersWithOAuth} from '../../source/auth/overview.ts';
import {fullName} from '../../source/auth/routing/decision.ts';
import {decodeConfig} from '../../source/store/config.ts';
import type {JsonValue} from '../../source/store/json.ts';
import type {Credential} from '../../source/store/schema.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;

function profile(profileId: string, members: object): ProfileFacts {
	const [provider = ''] = profileId.split(':');
	return factsOf('main', profileId, {provider, ...members} as Credential);
}

const oauth = (ms: number) => ({
	...{type: 'oauth', access: 'canary-access', refresh: 'canary-refresh'},
	expires: now + ms,
});
const token = (ms?: number) => ({
	...{type: 'token', token: 'canary-token'},
	...(ms === undefined ? {} : {expires: now + ms}),
});
const key = {type: 'api_key', key: 'canary-key'};
const keyless = {type: 'api_key'};

function modelsOf(model: JsonValue, models: JsonValue = {}) {
	return decodeConfig({agents: {defaults: {model, models}}}).models;
}

describe('the providers of which there is no credential', () => {
	it.each<[string, JsonValue, string[]]>([
		['none where no model is configured', {}, []],
		['none where all are there', {primary: 'a/one', fallbacks: ['b/two']}, []],
		['the primary model’s', {primary: 'absent/one'}, ['absent primary absent/one']],
		['an alias’s, in any case', {primary: 'opus'}, ['far primary opus']],
		['a fallback’s', {primary: 'a/one', fallbacks: ['absent/two']}, ['absent fallback absent/two']],
		['each once', {primary: 'absent/one', fallbacks: ['absent/two']}, ['absent primary absent/one']],
		['none for what names no provider', {primary: 'x'}, []],
	])('%s', (_what, model, expected) => {
		const found = missingProviders(modelsOf(model, {'far/opus-4': {alias: 'Opus'}}), [
			profile('a:x', key),
			profile('b:x', key),
		]);
		const told = found.map(
			({provider, ref, isPrimary}) => `${provider} ${isPrimary ? 'primary' : 'fallback'} ${ref}`,
		);
		expect(told).toEqual(expected);
	});
});

it('a model that is meant by an alias is told in full, whatever the case of either', () => {
	const models = modelsOf({}, {'far/opus-4': {alias: 'Opus'}});
	expect(['opus', 'OPUS', 'b/two', 'x'].map(ref => fullName(ref, models))).toEqual([
		...['far/opus-4', 'far/opus-4', 'b/two', undefined],
	]);
});

it('providers with OAuth are those with logins or tokens, and their number is of those', () => {
	const profiles = [
		...[profile('b:1', token()), profile('b:2', oauth(hour)), profile('b:3', key)],
		...[profile('c:1', key), profile('a:1', token(hour))],
	];
	expect(providersWithOAuth(profiles)).toEqual(['a (1)', 'b (2)']);
});

describe('the state of a provider', () => {
	it.each<[string, object[], string]>([
		['nothing', [], 'missing'],
		['a key', [key], 'static'],
		['a key without a secret', [key, keyless], 'missing'],
		['a token without an end', [token()], 'ok'],
		['a key beside a login', [keyless, oauth(hour)], 'ok'],
		['a login that is over and renews', [oauth(-hour)], 'ok'],
		['a token that ends within a day', [token(hour), oauth(hour)], 'expiring'],
		['a token that is over', [token(hour), token(-hour)], 'expired'],
		['a token without a secret', [{type: 'token'}, oauth(hour)], 'expired'],
	])('of %s', (_what, entries, status) => {
		const profiles = entries.map((entry, index) => profile(`a:${index}`, entry));
		expect(providerHealths(modelsOf({primary: 'a/one'}), profiles, now)).toMatchObject([
			{provider: 'a', status, profiles},
		]);
	});

	it('tells the first end, and of models’ providers that have nothing', () => {
		const profiles = [profile('b:y', token(2 * hour)), profile('b:x', oauth(hour)), profile('b:z', key)];
		const models = modelsOf({primary: 'absent/one'}, {'c/three': {}});
		expect(providerHealths(models, profiles, now)).toEqual([
			{provider: 'absent', status: 'missing', profiles: []},
			{
				...{provider: 'b', status: 'expiring', expiresAt: now + hour, remainingMs: hour},
				profiles: [profiles[1], profiles[0], profiles[2]],
			},
			{provider: 'c', status: 'missing', profiles: []},
		]);
	});
});
