import {expect, test} from 'vitest';
import {usableFacts} from '../../source/auth/snapshot.ts';
import type {JarvisOptions} from '../../source/core.ts';
import {type Answer, type LocalServer, serve, silence} from '../support/local-server.ts';
import {
	callbackAt,
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	type StoredDocument,
	writeStore,
} from '../support/sandbox.ts';

type ProbeFlags = Partial<Parameters<ReturnType<Sandbox['open']>['probe']>[1]>;

interface Probing extends Sandbox {
	readonly probed: LocalServer;
	probe(
		flags?: ProbeFlags,
		options?: Omit<JarvisOptions, 'stateDir'>,
	): ReturnType<ReturnType<Sandbox['open']>['probe']>;
	usage(profileId: string): Record<string, unknown> | undefined;
}

const keyOf = (name: string) => ({type: 'api_key', provider: 'acme', key: canary(name)});

/** A provider whose probe goes to a local server, with one API key unless told. */
async function openProbing(
	answer: Parameters<typeof serve>[0],
	document: StoredDocument = {profiles: {'acme:default': keyOf('key')}},
	probe: Record<string, unknown> = {},
): Promise<Probing> {
	const probed = await serve(answer);
	const sandbox = await openSandbox();
	const {stateDir, server, port} = sandbox;
	const probes = [{url: `${probed.origin}/models`, ...probe}];
	declareProvider(stateDir, server, {redirectUris: [callbackAt(port)]}, {probes});
	writeStore(sandbox, 'main', document);
	return {
		...{...sandbox, probed},
		async probe(flags = {}, options = {}) {
			const jarvis = sandbox.open(options);
			const {agents} = await jarvis.snapshot();
			const [main] = agents;
			const usual = {agentId: 'main', timeoutMs: 5000, concurrency: 4, report: false};
			return jarvis.probe(main ? usableFacts(main) : [], {...usual, ...flags});
		},
		usage: profileId => readStore(sandbox).usageStats?.[profileId],
	};
}

const words = (text: string): Partial<Answer> => ({body: {error: {message: `${text} ${canary('key')}`}}});

test.each<[string, Answer, string, number | undefined]>([
	['200', {body: {data: []}}, 'ok', undefined],
	['204', {status: 204}, 'ok', undefined],
	['401', {status: 401, ...words('bad key')}, 'auth', undefined],
	['403', {status: 403, ...words('forbidden')}, 'auth', undefined],
	['402', {status: 402, ...words('pay')}, 'billing', undefined],
	['403 about money', {status: 403, ...words('Billing is not set up')}, 'billing', undefined],
	[
		'400 about money',
		{status: 400, ...words('Your credit is over: insufficient_credits')},
		'billing',
		undefined,
	],
	['429', {status: 429, ...words('slower')}, 'rate_limit', undefined],
	['429 with Retry-After', {status: 429, headers: {'retry-after': '120'}}, 'rate_limit', 120_000],
	[
		'429 insufficient_quota',
		{status: 429, body: {error: {code: 'insufficient_quota'}}},
		'billing',
		undefined,
	],
	['408', {status: 408}, 'timeout', undefined],
	['504', {status: 504, body: `<html>${canary('page')}</html>`}, 'timeout', undefined],
	['500', {status: 500, ...words('oops')}, 'unknown', undefined],
	['404', {status: 404}, 'unknown', undefined],
	['a redirect', {status: 302, headers: {location: 'http://127.0.0.1:1/elsewhere'}}, 'unknown', undefined],
])('%s is %s', async (_what, answer, outcome, resetAfter) => {
	const now = Date.now();
	const probing = await openProbing(() => answer);
	const [result, ...others] = await probing.probe({}, {now: () => now});
	expect(others).toEqual([]);
	expect(result).toEqual({
		...{profileId: 'acme:default', provider: 'acme', outcome, why: expect.any(String)},
		...{latencyMs: expect.any(Number), status: answer.status ?? 200},
		...(resetAfter === undefined ? {} : {resetAt: now + resetAfter}),
	});
	expect(probing.probed.asked).toHaveLength(1);
	expect(JSON.stringify(result)).not.toContain('canary');
	const proven = {at: now, outcome: outcome === 'ok' ? 'probed' : outcome};
	// A bad one sets nothing aside by itself, and what says nothing of the secret is not noted.
	const isNoted = outcome !== 'unknown' && outcome !== 'timeout';
	expect(probing.usage('acme:default')).toEqual(isNoted ? {lastProven: proven} : undefined);
});

test('no answer in time is a timeout, and no server a network failure', async () => {
	const hanging = await openProbing(() => silence);
	expect(await hanging.probe({timeoutMs: 50})).toEqual([
		{profileId: 'acme:default', provider: 'acme', outcome: 'timeout', why: 'no answer in time'},
	]);
	const down = await openProbing(() => silence, undefined, {url: 'http://127.0.0.1:1/'});
	expect(await down.probe()).toMatchObject([
		{outcome: 'network', why: expect.stringMatching(/could not be reached/)},
	]);
	for (const probing of [hanging, down]) expect(probing.usage('acme:default')).toBeUndefined();
});

test('the secret goes where the provider wants it, with what else it wants', async () => {
	const plain = await openProbing(() => ({}));
	await plain.probe();
	expect(plain.probed.asked[0]).toMatchObject({
		...{method: 'GET', path: '/models', body: ''},
		headers: {authorization: `Bearer ${canary('key')}`, accept: 'application/json'},
	});
	const special = await openProbing(
		() => ({}),
		{
			profiles: {
				'acme:oauth': {
					...{type: 'oauth', provider: 'acme', access: canary('access'), refresh: canary('refresh')},
					...{expires: Date.now() + 3_600_000, accountId: 'account-maya'},
				},
			},
		},
		{method: 'POST', secretHeader: 'x-api-key', headers: {'x-version': '7'}, accountHeader: 'x-account'},
	);
	await special.probe();
	expect(special.probed.asked[0]).toMatchObject({
		method: 'POST',
		headers: {'x-api-key': canary('access'), 'x-version': '7', 'x-account': 'account-maya'},
	});
	expect(special.probed.asked[0]?.headers.authorization).toBeUndefined();
});

test('a kind for which there is no probe is told, and nothing is asked', async () => {
	const probing = await openProbing(() => ({}), undefined, {kinds: ['oauth']});
	expect(await probing.probe()).toMatchObject([{outcome: 'unknown', why: 'there is no probe for it'}]);
	expect(probing.probed.asked).toEqual([]);
	expect(probing.usage('acme:default')).toBeUndefined();
});

test('a token that is over is refreshed at the real server first, and one that cannot be is told', async () => {
	const probing = await openProbing(() => ({}));
	const {server} = probing;
	writeStore(probing, 'main', {
		profiles: {
			'acme:maya@example.test': await expiredEntry(server),
			'acme:spent': {...(await expiredEntry(server, 'wren@example.test')), refresh: canary('spent')},
		},
	});
	const results = await probing.probe();
	expect(results).toMatchObject([
		{profileId: 'acme:maya@example.test', outcome: 'ok'},
		{profileId: 'acme:spent', outcome: 'auth', why: expect.stringContaining('refused the refresh token')},
	]);
	expect(probing.probed.asked.map(({headers}) => headers.authorization)).toEqual([
		`Bearer ${readStore(probing).profiles['acme:maya@example.test']?.access}`,
	]);
	expect(server.refreshRequests).toBe(2);
	expect(JSON.stringify(results)).not.toContain('canary');
	expect(probing.usage('acme:spent')).toMatchObject({needsLogin: {reason: 'invalid_grant'}});
});

test('a token server that is down is a network failure, and nothing is noted against the profile', async () => {
	const probing = await openProbing(() => ({}));
	const {server} = probing;
	writeStore(probing, 'main', {profiles: {'acme:maya@example.test': await expiredEntry(server)}});
	server.setTokenFailure({status: 503, body: 'busy', contentType: 'text/plain'});
	expect(await probing.probe()).toMatchObject([{outcome: 'network'}]);
	expect(probing.probed.asked).toEqual([]);
	expect(probing.usage('acme:maya@example.test')).toBeUndefined();
});

const many = Array.from({length: 9}, (_, index) => `acme:${index + 1}`);

test('so many at once as is allowed, told in the order of the profiles', async () => {
	let under = 0;
	let most = 0;
	const waiting: (() => void)[] = [];
	const probing = await openProbing(
		async ({headers}) => {
			most = Math.max(most, ++under);
			// Those that are under way end in the other order than they began.
			await new Promise<void>(resolve => {
				waiting.unshift(resolve);
				if (waiting.length === 3) for (const go of waiting.splice(0)) go();
			});
			under -= 1;
			return {status: String(headers.authorization).includes(canary('acme:5')) ? 401 : 200};
		},
		{profiles: Object.fromEntries(many.map(id => [id, keyOf(id)]))},
	);
	const results = await probing.probe({concurrency: 3});
	expect(most).toBe(3);
	expect(results.map(({profileId}) => profileId)).toEqual(many);
	expect(results.map(({outcome}) => outcome)).toEqual(many.map(id => (id === 'acme:5' ? 'auth' : 'ok')));
});

test('an end that is asked for leaves those that were not begun', async () => {
	const stop = new AbortController();
	const probing = await openProbing(
		() => {
			stop.abort();
			return silence;
		},
		{profiles: Object.fromEntries(many.map(id => [id, keyOf(id)]))},
	);
	const results = await probing.probe({concurrency: 1, signal: stop.signal});
	expect(probing.probed.asked).toHaveLength(1);
	expect(results.map(({profileId}) => profileId)).toEqual(many.slice(0, 1));
});

const setAside = {
	...{errorCount: 2, cooldownUntil: Date.now() + 3_600_000, lastFailureAt: Date.now() - 1000},
	...{failureCounts: {rate_limit: 2}, lastFailureReason: 'rate_limit', lastUsed: 5},
};
const asideDocument = {profiles: {'acme:default': keyOf('key')}, usageStats: {'acme:default': setAside}};

test('a good one brings a profile back that was set aside', async () => {
	const probing = await openProbing(() => ({}), asideDocument);
	expect(await probing.probe()).toMatchObject([{outcome: 'ok'}]);
	expect(probing.usage('acme:default')).toEqual({
		lastUsed: 5,
		lastProven: {at: expect.any(Number), outcome: 'probed'},
	});
});

test.each([
	['auth', 401, 'cooldownUntil'],
	['rate_limit', 429, 'cooldownUntil'],
	['billing', 402, 'disabledUntil'],
])('a bad one (%s) sets a profile aside only where that is asked for', async (outcome, status, member) => {
	const probing = await openProbing(() => ({status}));
	await probing.probe();
	expect(probing.usage('acme:default')).toEqual({lastProven: {at: expect.any(Number), outcome}});
	await probing.probe({report: true});
	expect(probing.usage('acme:default')).toMatchObject({[member]: expect.any(Number), errorCount: 1});
	const left = Number(probing.usage('acme:default')?.[member]) - Date.now();
	expect(left).toBeGreaterThan(50_000);
});

test('a time that the server names is when the profile comes back, where it is set aside', async () => {
	const now = Date.now();
	const probing = await openProbing(() => ({status: 429, headers: {'retry-after': '1800'}}));
	await probing.probe({report: true}, {now: () => now});
	expect(probing.usage('acme:default')).toMatchObject({cooldownUntil: now + 1_800_000});
});

test('one that is removed while it is probed leaves nothing behind', async () => {
	const probing = await openProbing(async () => {
		await probing.open().removeProfile('main', 'acme:default');
		return {status: 401};
	});
	expect(await probing.probe()).toMatchObject([{outcome: 'auth'}]);
	expect(readStore(probing)).toMatchObject({profiles: {}});
	expect(probing.usage('acme:default')).toBeUndefined();
});

test('one that is logged in anew while it is probed is not judged by its old secret', async () => {
	const probing = await openProbing(async () => {
		const {profiles} = readStore(probing);
		writeStore(probing, 'main', {
			profiles: {...profiles, 'acme:default': keyOf('new')},
			usageStats: {'acme:default': {lastProven: {at: Date.now(), outcome: 'login'}}},
		});
		return {status: 401};
	});
	await probing.probe({report: true});
	expect(probing.usage('acme:default')).toMatchObject({lastProven: {outcome: 'login'}});
	expect(probing.usage('acme:default')).not.toHaveProperty('cooldownUntil');
});

test('one that failed in use while it was probed is not brought back', async () => {
	const began = Date.now();
	let now = began;
	const probing = await openProbing(async () => {
		now = began + 2000;
		const failure = {reason: 'rate_limit', at: began + 1000} as const;
		await probing.open({now: () => now}).reportFailure({profileId: 'acme:default'}, failure);
		return {};
	});
	expect(await probing.probe({}, {now: () => now})).toMatchObject([{outcome: 'ok'}]);
	expect(probing.usage('acme:default')).toMatchObject({
		cooldownUntil: expect.any(Number),
		lastProven: {at: now, outcome: 'probed'},
	});
});
