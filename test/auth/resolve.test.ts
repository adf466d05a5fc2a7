import {describe, expect, it, test} from 'vitest';
import {
	canary,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	type StoredDocument,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';

const now = 1_900_000_000_000;
const key = (name: string, members: object = {}) => ({
	type: 'api_key',
	provider: 'acme',
	key: canary(name),
	...members,
});
const token = (name: string, members: object = {}) => ({
	type: 'token',
	provider: 'acme',
	token: canary(name),
	...members,
});
const envRef = {source: 'env', provider: 'default', id: 'ACME_KEY'};

async function withStore(document: StoredDocument): Promise<Sandbox> {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', document);
	return sandbox;
}

function tokenOf(sandbox: Sandbox, profileId?: string, env: NodeJS.ProcessEnv = {}) {
	return sandbox.open({env, now: () => now}).resolve({providerId, profileId});
}

const two = {'acme:a': key('a'), 'acme:b': key('b')};

describe('the first of the effective order is handed out', () => {
	test.each<[string, Omit<StoredDocument, 'profiles'>, object, string]>([
		['without an order, by name', {}, {}, 'acme:a'],
		['the least recently used', {usageStats: {'acme:a': {lastUsed: 5}}}, {}, 'acme:b'],
		['by the store', {order: {acme: ['acme:b', 'acme:a']}}, {auth: {order: {acme: ['acme:a']}}}, 'acme:b'],
		['by jarvis.json', {}, {auth: {order: {acme: ['acme:b']}}}, 'acme:b'],
		[
			'by what is configured',
			{},
			{auth: {profiles: {'acme:b': {provider: 'acme', mode: 'api_key'}}}},
			'acme:b',
		],
		['not one that cools down', {usageStats: {'acme:a': {cooldownUntil: now + 1}}}, {}, 'acme:b'],
		['one that has cooled down', {usageStats: {'acme:a': {cooldownUntil: now}}}, {}, 'acme:a'],
		['not one that is disabled', {usageStats: {'acme:a': {disabledUntil: now + 1}}}, {}, 'acme:b'],
		[
			'the soonest back, where all are set aside',
			{usageStats: {'acme:a': {disabledUntil: now + 2}, 'acme:b': {cooldownUntil: now + 1}}},
			{},
			'acme:b',
		],
	])('%s', async (_, document, config, profileId) => {
		const sandbox = await withStore({...document, profiles: two});
		writeJson(sandbox.paths.config, config);
		expect(await tokenOf(sandbox)).toMatchObject({
			...{agentId: 'main', provider: 'acme', kind: 'api_key'},
			profileId,
			secret: canary(profileId.slice(-1)),
		});
	});
});

test('one that is over is passed over, and an expiry is told', async () => {
	const sandbox = await withStore({
		profiles: {'acme:a': token('a', {expires: now}), 'acme:b': token('b', {expires: now + 1})},
	});
	expect(await tokenOf(sandbox)).toMatchObject({profileId: 'acme:b', kind: 'token', expires: now + 1});
});

test('a profile that is asked for is handed out, whatever the order says', async () => {
	const sandbox = await withStore({
		profiles: two,
		order: {acme: ['acme:a']},
		usageStats: {'acme:b': {cooldownUntil: now + 1}},
	});
	expect(await tokenOf(sandbox, 'acme:b')).toMatchObject({profileId: 'acme:b', secret: canary('b')});
});

test('the default agent is the one of jarvis.json, and another one can be asked', async () => {
	const sandbox = await withStore({profiles: two});
	writeStore(sandbox, 'work', {profiles: {'acme:w': key('w')}});
	writeJson(sandbox.paths.config, {agents: {list: [{id: 'work', default: true}]}});
	expect(await tokenOf(sandbox)).toMatchObject({agentId: 'work', secret: canary('w')});
	const jarvis = sandbox.open();
	expect(await jarvis.resolve({providerId, agentId: 'main'})).toMatchObject({agentId: 'main'});
	expect(await refusal(jarvis.resolve({providerId, agentId: 'nobody'}))).toMatchObject({
		code: 'agent_unknown',
	});
	expect(await refusal(jarvis.resolve({providerId, agentId: '../main'}))).toMatchObject({
		code: 'agent_invalid_id',
	});
});

describe('an env ref', () => {
	test.each([
		['of a key', {type: 'api_key', provider: 'acme', keyRef: envRef}],
		['of a token', {type: 'token', provider: 'acme', tokenRef: envRef}],
	])('%s is read from the environment', async (_, entry) => {
		const sandbox = await withStore({profiles: {'acme:ref': entry}});
		expect(await tokenOf(sandbox, undefined, {ACME_KEY: canary('env')})).toMatchObject({
			secret: canary('env'),
		});
		const error = await refusal(tokenOf(sandbox));
		expect(error).toMatchObject({
			...{code: 'unresolved_ref', exitCode: 1},
			message: expect.stringContaining('(unresolved_ref)'),
		});
	});

	test('that does not resolve is passed over', async () => {
		const sandbox = await withStore({
			profiles: {'acme:a': {type: 'api_key', provider: 'acme', keyRef: envRef}, 'acme:b': key('b')},
		});
		expect(await tokenOf(sandbox)).toMatchObject({profileId: 'acme:b'});
	});
});

describe('where nothing can be used', () => {
	test('each profile is named with its reason', async () => {
		const sandbox = await withStore({
			profiles: {
				'acme:empty': key('', {key: undefined}),
				'acme:left-out': key('l'),
				'acme:odd': token('o', {expires: 'tomorrow'}),
				'acme:over': token('t', {expires: now - 1}),
				'acme:ref': {type: 'api_key', provider: 'acme', keyRef: envRef},
				'acme:both': {type: 'oauth', provider: 'acme', access: canary('x'), keyRef: envRef},
				'acme:foreign': {...key('f'), provider: 'other'},
			},
			order: {
				acme: ['acme:empty', 'acme:odd', 'acme:over', 'acme:ref', 'acme:both', 'acme:foreign', 'acme:gone'],
			},
		});
		const error = await refusal(tokenOf(sandbox));
		expect(error).toMatchObject({
			code: 'no_credential',
			exitCode: 3,
			next: 'Log in: jarvis models auth login --provider acme --agent main',
		});
		const named = [...error.message.matchAll(/(acme:[\w-]+): [^;]*? \((\w+)\)/g)].map(([, id, code]) => [
			id,
			code,
		]);
		expect(named).toEqual([
			['acme:empty', 'missing_credential'],
			['acme:odd', 'invalid_expires'],
			['acme:over', 'expired'],
			['acme:ref', 'unresolved_ref'],
			['acme:both', 'ineligible_profile'],
			['acme:foreign', 'ineligible_profile'],
			['acme:gone', 'unknown_profile'],
			['acme:left-out', 'excluded_by_auth_order'],
		]);
		expect(JSON.stringify(error)).not.toContain('canary');
	});

	test('an agent without a profile of the provider is told so', async () => {
		const sandbox = await withStore({profiles: {}});
		const error = await refusal(tokenOf(sandbox));
		expect(error).toMatchObject({code: 'no_credential', message: 'The agent main has no profile of acme.'});
	});

	test('a profile that is asked for is the only one that is named', async () => {
		const sandbox = await withStore({profiles: {...two, 'acme:over': token('t', {expires: now - 1})}});
		const error = await refusal(tokenOf(sandbox, 'acme:over'));
		expect(error).toMatchObject({code: 'no_credential', message: expect.stringContaining('acme:over')});
		expect(error.message).toContain('(expired)');
	});

	test.each([
		['acme:gone', 'profile_unknown', 'acme:gone'],
		['other:x', 'profile_foreign', 'other'],
	])('asking for %s is %s', async (profileId, code, words) => {
		const sandbox = await withStore({profiles: {...two, 'other:x': {...key('o'), provider: 'other'}}});
		const error = await refusal(tokenOf(sandbox, profileId));
		expect(error).toMatchObject({code, message: expect.stringContaining(words)});
	});
});

describe('a refused refresh token', () => {
	const refused = async ({server}: Sandbox, name: string) => ({
		...(await expiredEntry(server)),
		...{refresh: canary(name), accountId: name, email: undefined},
	});

	test('falls to the next profile, and is not tried again', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:a': await refused(sandbox, 'a'), 'acme:b': key('b')}});
		for (let count = 0; count < 2; count++) {
			expect(await sandbox.open().resolve({providerId})).toMatchObject({
				profileId: 'acme:b',
				kind: 'api_key',
			});
			expect(sandbox.server.refreshRequests).toBe(1);
		}
		expect(readStore(sandbox).usageStats?.['acme:a']).toHaveProperty('needsLogin');
	});

	test('falls to the next profile that is refreshed', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {
			profiles: {'acme:a': await refused(sandbox, 'a'), 'acme:b': await expiredEntry(sandbox.server)},
		});
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId: 'acme:b', kind: 'oauth'});
		expect(sandbox.server.refreshRequests).toBe(2);
	});

	test('falls to no other where the profile was asked for', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:a': await refused(sandbox, 'a'), 'acme:b': key('b')}});
		for (const words of ['Acme refused the refresh token of acme:a.', '(needs_login)']) {
			const error = await refusal(sandbox.open().resolve({providerId, profileId: 'acme:a'}));
			expect(error).toMatchObject({
				code: 'needs_login',
				exitCode: 3,
				message: expect.stringContaining(words),
			});
		}
	});

	test('is what is told where nothing else is left, also the second time', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {
			profiles: {'acme:a': await refused(sandbox, 'a'), 'acme:b': key('', {key: undefined})},
		});
		for (let count = 0; count < 2; count++) {
			expect(await refusal(sandbox.open().resolve({providerId}))).toMatchObject({code: 'needs_login'});
		}
		expect(sandbox.server.refreshRequests).toBe(1);
	});
});

test('a server that is down is no reason to stop while another profile can be used', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {'acme:a': await expiredEntry(sandbox.server), 'acme:b': key('b')}});
	await sandbox.server.close();
	expect(await sandbox.open().resolve({providerId})).toMatchObject({
		profileId: 'acme:b',
		passedOver: [{profileId: 'acme:a', reason: 'refresh_unavailable'}],
	});
	expect(await refusal(sandbox.open().resolve({providerId, profileId: 'acme:a'}))).toMatchObject({
		code: 'refresh_unavailable',
	});
});

test('a good token is handed out though nobody knows its provider, and one that is over is not', async () => {
	const sandbox = await withStore({
		profiles: {
			'gone:x': {
				type: 'oauth',
				provider: 'gone',
				access: canary('x'),
				refresh: canary('r'),
				expires: now + 1,
			},
		},
	});
	const ask = (at: number) => sandbox.open({now: () => at}).resolve({providerId: 'gone'});
	expect(await ask(now)).toMatchObject({secret: canary('x')});
	expect(await refusal(ask(now + 1))).toMatchObject({code: 'provider_unknown'});
});

describe('what must not come back', () => {
	it('each profile is named with its reason also where one is refused just now', async () => {
		const sandbox = await openSandbox();
		const entry = {...(await expiredEntry(sandbox.server)), refresh: canary('refused')};
		writeStore(sandbox, 'main', {profiles: {'acme:a': entry, 'acme:b': key('', {key: undefined})}});
		const {message} = await refusal(sandbox.open().resolve({providerId}));
		expect(message).toContain('acme:a');
		expect(message).toContain('acme:b');
	});
});

test('a provider is found by its other names too, and an unknown one is not', async () => {
	const sandbox = await withStore({
		profiles: {'anthropic:a': {type: 'api_key', provider: 'anthropic', key: canary('claude')}},
	});
	const jarvis = sandbox.open();
	expect(await jarvis.resolve({providerId: 'Claude'})).toMatchObject({provider: 'anthropic'});
	expect(await jarvis.targetNamed('claude')).toEqual({providerId: 'anthropic'});
	expect(await refusal(jarvis.resolve({providerId: 'clod'}))).toMatchObject({code: 'provider_unknown'});
});

test('a profile that its provider cannot refresh is passed over', async () => {
	const oauth = {type: 'oauth', access: canary('a'), refresh: canary('r'), expires: now - 1};
	const sandbox = await withStore({
		profiles: {
			'anthropic:o': {...oauth, provider: 'anthropic'},
			'anthropic:k': {type: 'api_key', provider: 'anthropic', key: canary('k')},
		},
	});
	expect(await sandbox.open({now: () => now}).resolve({providerId: 'anthropic'})).toMatchObject({
		profileId: 'anthropic:k',
		passedOver: [{profileId: 'anthropic:o', reason: 'login_unsupported'}],
	});
});

test('a profile that is named with another name of its provider is found', async () => {
	const sandbox = await withStore({
		profiles: {'anthropic:a': {type: 'api_key', provider: 'anthropic', key: canary('claude')}},
	});
	const jarvis = sandbox.open();
	expect(await jarvis.resolve({providerId: 'claude', profileId: 'anthropic:a'})).toMatchObject({
		profileId: 'anthropic:a',
	});
	expect(await refusal(jarvis.resolve({providerId: 'openai', profileId: 'anthropic:a'}))).toMatchObject({
		code: 'profile_foreign',
	});
});
