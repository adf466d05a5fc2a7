import {expect, it} from 'vitest';
import {factsOf} from '../../source/auth/facts.ts';
import {renewCommand} from '../../source/auth/profile-commands.ts';
import type {AuthMethod} from '../../source/auth/providers/contract.ts';
import {changeOf} from '../../source/auth/routing/change.ts';
import {renewAdvice} from '../../source/doctor/advice.ts';

const setupToken: AuthMethod = {method: 'setup_token', label: 'setup token'};
const apiKey: AuthMethod = {method: 'api_key', label: 'API key'};
const providers = new Map([
	['both', {auth: [setupToken, apiKey] as const}],
	['tokens', {auth: [setupToken] as const}],
]);

it.each([
	['api_key', 'both', 'login --provider both --method api_key'],
	['api_key', 'tokens', 'login --provider tokens'],
	['token', 'both', 'paste-token --provider both'],
	['oauth', 'both', 'login --provider both'],
] as const)('a secret of the kind %s of the provider %s is renewed by %s', (type, provider, words) => {
	expect(renewAdvice(providers, {agentId: 'work', profileId: "it's", credential: {type, provider}})).toBe(
		String.raw`jarvis models auth ${words} --agent work --profile-id 'it'\''s'`,
	);
});

it('an API key is renewed alike by doctor, which, and watch', () => {
	const [agentId, profileId, provider, kind] = ['main', 'both:a', 'both', 'api_key'] as const;
	const command = renewAdvice(providers, {agentId, profileId, credential: {type: kind, provider}});
	const place = {...{profileId, kind, why: ''}, reason: 'missing_credential'} as const;
	const order = {provider, source: 'all profiles', places: [place]} as const;
	expect(changeOf(agentId, {provider, order}, place).command).toBe(command);
	const facts = factsOf(agentId, profileId, {type: kind, provider});
	expect(renewCommand(facts)).toBe(command);
});

it('that of a provider that nobody knows is not: it can be removed', () => {
	const credential = {type: 'token', provider: 'gone; x'} as const;
	expect(renewAdvice(providers, {agentId: 'work', profileId: 'a', credential})).toMatch(
		/docs\/plugins\.md.*: jarvis models auth remove 'a' --agent work$/,
	);
});
