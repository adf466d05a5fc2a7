import {describe, expect, test} from 'vitest';
import {assertUnattended, authChoice} from '../../source/auth/auth-choice.ts';
import type {LoginResult} from '../../source/auth/login/contract.ts';
import {
	asksForName,
	freeSecretId,
	idNamed,
	nextCommands,
	onboardingSteps,
	orderWith,
	placeChoices,
	sameKind,
	stepWords,
} from '../../source/auth/onboarding.ts';
import {codexLogin, openaiCodex} from '../../source/auth/providers/openai-codex.ts';
import {findMethod, findProvider, providersFrom} from '../../source/auth/providers/registry.ts';
import type {EffectiveOrder} from '../../source/auth/routing/order.ts';
import {orderOf} from '../../source/auth/snapshot.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {type AgentSeed, apiKey, noon, oauth, token} from '../screens/state.ts';
import {refusal} from '../support/sandbox.ts';
import {agentOf} from '../ui/state-of.ts';

const acme = {
	id: 'acme',
	label: 'Acme',
	auth: [{method: 'setup_token' as const}, {method: 'device_code' as const, clientId: 'x', scopes: []}],
};
const providers = providersFrom(decodeConfig({}), [acme]);

/** What the rules refuse. */
const refused = (act: () => unknown) => refusal(Promise.resolve().then(act));

describe('the login that a script’s words mean', () => {
	test.each([
		[{choice: 'setup-token'}, {providerId: 'anthropic', method: 'setup_token'}],
		[{choice: 'setup_token'}, {providerId: 'anthropic', method: 'setup_token'}],
		[
			{choice: 'setup-token', provider: 'acme'},
			{providerId: 'acme', method: 'setup_token'},
		],
		[{choice: 'openai-codex'}, {providerId: 'openai-codex'}],
		[{choice: 'chatgpt'}, {providerId: 'openai-codex'}],
		[{choice: 'openai-api-key'}, {providerId: 'openai', method: 'api_key'}],
		[{choice: 'claude-api-key'}, {providerId: 'anthropic', method: 'api_key'}],
		[
			{choice: 'api-key', provider: 'claude'},
			{providerId: 'anthropic', method: 'api_key'},
		],
		[
			{choice: 'device-code', provider: 'acme'},
			{providerId: 'acme', method: 'device_code'},
		],
		[{provider: 'groq'}, {providerId: 'groq'}],
		[
			{provider: 'anthropic', method: 'setup-token'},
			{providerId: 'anthropic', method: 'setup_token'},
		],
		[
			{choice: 'anthropic', provider: 'claude', method: 'api_key'},
			{providerId: 'anthropic', method: 'api_key'},
		],
		[{method: 'api_key'}, undefined],
		[{}, undefined],
	])('%o is %o', (words, meant) => {
		expect(authChoice(providers, words)).toEqual(meant);
	});

	test.each([
		[{choice: 'nowhere'}, 'provider_unknown', 'There is no provider "nowhere".'],
		[{choice: 'nowhere-api-key'}, 'provider_unknown', 'There is no provider "nowhere".'],
		[{provider: 'nowhere'}, 'provider_unknown', 'There is no provider "nowhere".'],
		[{choice: 'device-code'}, 'usage', '--auth-choice device-code names a way to log in, and no provider.'],
		[
			{choice: 'groq', provider: 'openai'},
			'usage',
			'--auth-choice means the provider groq, and --provider says openai.',
		],
		[
			{choice: 'setup-token', method: 'api_key'},
			'usage',
			'--auth-choice means the method setup_token, and --method says api_key.',
		],
	])('%o is refused', async (words, code, message) => {
		expect(await refused(() => authChoice(providers, words))).toMatchObject({code, message});
	});

	test('a provider whose id ends like that of a key is meant by its whole id', () => {
		const named = providersFrom(decodeConfig({}), [{...acme, id: 'groq-api-key', label: 'Other'}]);
		expect(authChoice(named, {choice: 'groq-api-key'})).toEqual({providerId: 'groq-api-key'});
	});
});

describe('a login without anybody at a terminal', () => {
	const check = (id: string, method?: string) => {
		const provider = findProvider(providers, id);
		assertUnattended(provider, findMethod(provider, method));
	};

	test.each([
		['groq', 'api_key'],
		['anthropic', 'setup_token'],
		['acme', 'device_code'],
		['github-copilot', 'device_code'],
	])('of %s by %s can be', (id, method) => {
		expect(() => check(id, method)).not.toThrow();
	});

	test.each([
		['openrouter', 'jarvis onboard --non-interactive --provider openrouter --method api_key'],
		['openai-codex', 'jarvis onboard --non-interactive --provider openai-codex --method device_code'],
	])('of %s in a browser cannot be, and it says what can', async (id, command) => {
		const error = await refused(() => check(id));
		expect(error.code).toBe('terminal_required');
		expect(error.next.endsWith(command)).toBe(true);
	});

	test('of a provider that offers a browser alone cannot be, and it says how a person does it', async () => {
		const only = {...openaiCodex, auth: [codexLogin]};
		const error = await refused(() => assertUnattended(only, codexLogin));
		expect(error.next.endsWith('jarvis models auth login --provider openai-codex --no-browser')).toBe(true);
	});

	test('is by a code rather than by a secret where there are both', async () => {
		const [browser] = findProvider(providers, 'openai-codex').auth;
		if (!browser) expect.fail('Codex has no login.');
		const all = {
			...findProvider(providers, 'acme'),
			auth: [browser, ...findProvider(providers, 'acme').auth],
		};
		expect((await refused(() => assertUnattended(all, browser))).next).toContain('--method device_code');
	});
});

describe('where a pasted secret goes', () => {
	const {profiles} = agentOf('main', {
		profiles: {
			'anthropic:default': apiKey('anthropic'),
			'anthropic:work': token('anthropic'),
			'anthropic:maya': oauth('anthropic'),
			'groq:default': apiKey('groq'),
		},
	});

	test.each([
		['anthropic', 'api_key', ['anthropic:default']],
		['anthropic', 'setup_token', ['anthropic:work']],
		['anthropic', 'token', ['anthropic:work']],
		['groq', 'token', []],
		['groq', 'api_key', ['groq:default']],
		['anthropic', 'oauth', []],
		['anthropic', 'device_code', []],
		['openai', 'api_key', []],
	])('%s by %s could be in the place of %o', (provider, method, ids) => {
		expect(sameKind(profiles, provider, method)).toEqual(ids);
	});

	test('is an id that is free beside the others', () => {
		expect(freeSecretId(profiles, 'openai', 'api_key')).toBe('openai:default');
		expect(freeSecretId(profiles, 'groq', 'api_key')).toBe('groq:api_key');
		const more = agentOf('main', {
			profiles: {'groq:default': apiKey('groq'), 'groq:api_key': apiKey('groq')},
		});
		expect(freeSecretId(more.profiles, 'groq', 'api_key')).toBe('groq:api_key-2');
		expect(freeSecretId(profiles, 'anthropic', 'setup_token')).toBe('anthropic:token');
	});

	test.each([
		['work', 'groq:work'],
		[' groq:work ', 'groq:work'],
		['a:b', 'groq:a:b'],
	])('%j names %s', (typed, id) => {
		expect(idNamed('groq', typed)).toBe(id);
	});
});

describe('a name is asked for', () => {
	const result = (profileId: string, email?: string): LoginResult => ({
		...{profileId, provider: 'groq', agentId: 'main'},
		...(email === undefined ? {} : {email}),
	});

	test.each([
		'groq:default',
		'groq:api_key',
		'groq:token',
		'groq:oauth',
		'groq:api_key-2',
		'groq:default-0a1b2c',
	])('of %s, which nothing gave one', id => {
		expect(asksForName(result(id), [])).toBe(true);
	});

	test.each([
		['whose account has an e-mail', result('groq:default', 'maya@example.test'), []],
		['that was there before', result('groq:default'), ['groq:default']],
		['that its account gave a name', result('groq:maya'), []],
	])('of none %s', (_what, stored, before) => {
		expect(asksForName(stored, before)).toBe(false);
	});
});

describe('a place in the order', () => {
	const profiles = {'groq:a': apiKey('groq'), 'groq:b': apiKey('groq'), 'groq:c': apiKey('groq')};

	function orderIn(seed: AgentSeed): {readonly order: EffectiveOrder; readonly own: readonly string[]} {
		const agent = agentOf('main', seed);
		return {
			order: orderOf({agent, config: decodeConfig({})}, 'groq', noon),
			own: agent.profiles.filter(({provider}) => provider === 'groq').map(({profileId}) => profileId),
		};
	}

	const labels = (seed: AgentSeed, id: string) => {
		const {order, own} = orderIn(seed);
		return placeChoices(order, own, id).map(({label}) => label);
	};

	test('is asked for only where there are several', () => {
		expect(labels({profiles: {'groq:a': apiKey('groq'), 'openai:b': apiKey('openai')}}, 'groq:a')).toEqual(
			[],
		);
		expect(labels({profiles}, 'groq:b')).toEqual([
			'where it is: number 2 of 3, by kind and last use',
			'first',
			'last',
		]);
		expect(labels({profiles, order: {groq: ['groq:b', 'groq:a', 'groq:c']}}, 'groq:b')[0]).toBe(
			'where it is: number 1 of 3',
		);
	});

	test('is asked for too where an order leaves it out', () => {
		const order = {groq: ['groq:gone']};
		expect(labels({profiles: {'groq:a': apiKey('groq')}, order}, 'groq:a')[0]).toBe(
			'where it is: not tried, for the order leaves it out',
		);
	});

	test.each([
		['first', {}, ['groq:b', 'groq:a', 'groq:c']],
		['last', {}, ['groq:a', 'groq:c', 'groq:b']],
		['first', {groq: ['groq:c', 'groq:a']}, ['groq:b', 'groq:c', 'groq:a']],
		['last', {groq: ['groq:b', 'groq:gone', 'groq:a']}, ['groq:a', 'groq:b']],
	] as const)('that is %s changes no other, with the order %o before', (place, order, ids) => {
		const {order: before, own} = orderIn({profiles, order});
		expect(orderWith(before, own, 'groq:b', place)).toEqual(ids);
	});
});

describe('the commands that are told at the end', () => {
	const result = {profileId: 'openai-codex:maya@example.test', provider: 'openai-codex', agentId: 'work'};
	const forward = (port: string) => `ssh -N -L ${port}:127.0.0.1:${port} maya@host`;
	const commandsOf = (...[stored, isDefault, world]: Parameters<typeof nextCommands>) =>
		nextCommands(stored, isDefault, world).map(({command}) => command);

	test('name the agent only if it is not the default one', () => {
		expect(commandsOf(result, true, {browser: true})).toEqual([
			'jarvis models auth token --provider openai-codex',
			'jarvis models status',
			'jarvis',
		]);
		expect(commandsOf(result, false, {browser: true})).toEqual([
			'jarvis models auth token --provider openai-codex --agent work',
			'jarvis models status --agent work',
			'jarvis',
		]);
	});

	test('tell how to log in again on a machine without a browser, for what runs out', () => {
		const again =
			'jarvis models auth login --provider openai-codex --profile-id openai-codex:maya@example.test';
		expect(commandsOf(result, true, {browser: false}).slice(3)).toEqual([again]);
		expect(commandsOf(result, true, {browser: false, forward, port: '1455'}).slice(3)).toEqual([
			again,
			forward('1455'),
		]);
		expect(commandsOf({...result, kind: 'api_key'}, true, {browser: false, forward, port: '1'})).toHaveLength(
			3,
		);
	});

	test('are each one line for a shell, whatever the profile is called', () => {
		const odd = {...result, profileId: 'openai-codex:a;b'};
		expect(commandsOf(odd, true, {browser: false})[3]).toContain(`--profile-id 'openai-codex:a;b'`);
	});
});

test('the steps tell where one is', () => {
	expect(onboardingSteps.map(stepWords)).toEqual([
		'Step 1 of 6: agent',
		'Step 2 of 6: provider',
		'Step 3 of 6: method',
		'Step 4 of 6: login',
		'Step 5 of 6: order',
		'Step 6 of 6: done',
	]);
});
