import {expect, it} from 'vitest';
import type {AuthMethod} from '../../source/auth/providers/contract.ts';
import {renewAdvice} from '../../source/doctor/advice.ts';

const setupToken: AuthMethod = {method: 'setup_token', label: 'setup token'};
const apiKey: AuthMethod = {method: 'api_key', label: 'API key'};
const providers = new Map([
	['both', {auth: [setupToken, apiKey] as const}],
	['tokens', {auth: [setupToken] as const}],
]);

it.each([
	['api_key', 'both', 'login --provider both --method api-key'],
	['api_key', 'tokens', 'login --provider tokens'],
	['token', 'both', 'paste-token --provider both'],
	['oauth', 'both', 'login --provider both'],
] as const)('a secret of the kind %s of the provider %s is renewed by %s', (type, provider, words) => {
	expect(renewAdvice(providers, {agentId: 'work', profileId: "it's", credential: {type, provider}})).toBe(
		String.raw`jarvis models auth ${words} --agent work --profile-id 'it'\''s'`,
	);
});

it('that of a provider that nobody knows is not: it can be removed', () => {
	const credential = {type: 'token', provider: 'gone; x'} as const;
	expect(renewAdvice(providers, {agentId: 'work', profileId: 'a', credential})).toMatch(
		/docs\/plugins\.md.*: jarvis models auth remove 'a' --agent work$/,
	);
});
