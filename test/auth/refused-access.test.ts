import {afterAll, beforeAll, describe, expect, it, test} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {isRefusedAccess, refusedAccessOf, settledMs} from '../../source/auth/refused-access.ts';
import type {Failure} from '../../source/auth/routing/rotation.ts';
import type {Credential, UsageStats} from '../../source/store/schema.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {assemble, type Crew} from './crew.ts';

const hour = 3_600_000;
const profileId = 'acme:maya';

describe('the mark of a refused access token', () => {
	const now = 1_900_000_000_000;
	const received = now - hour;
	const credential: Credential = {
		...{type: 'oauth', provider: 'acme', access: 'not-a-token', refresh: 'not-a-refresh-token'},
		...{expires: received + 2 * hour, expiresIn: 7200},
	};
	const young: Credential = {...credential, expires: now - settledMs + 1 + 2 * hour};
	const unknown: Credential = {...credential, expires: undefined, expiresIn: undefined} as never;
	const failure: Failure = {reason: 'auth', at: now};
	const mark = fingerprint('not-a-token');

	it.each<[string, Credential, Partial<Failure>, UsageStats, string | undefined]>([
		['is made', credential, {}, {}, mark],
		['is made where nobody knows how old the token is', unknown, {}, {}, mark],
		['is not made for good', credential, {permanent: true}, {}, undefined],
		['is not made of a rate limit', credential, {reason: 'rate_limit'}, {}, undefined],
		['is not made of a token that has just come', young, {}, {}, undefined],
		[
			'is not made of one that came after the request began',
			credential,
			{startedAt: received - 1},
			{},
			undefined,
		],
		[
			'is not made of one that was refreshed just now',
			unknown,
			{},
			{lastProven: {at: now - 1, outcome: 'refreshed'}},
			undefined,
		],
		[
			'is made of one that was used just now',
			unknown,
			{},
			{lastProven: {at: now - 1, outcome: 'used'}},
			mark,
		],
		['is not made without a refresh token', {...credential, refresh: undefined} as never, {}, {}, undefined],
		[
			'is not made of another program’s login',
			{...credential, link: {program: 'codex', file: '/f', entry: ''}},
			{},
			{},
			undefined,
		],
		['is not made of a key', {type: 'api_key', provider: 'acme', key: 'not-a-token'}, {}, {}, undefined],
	])('%s', (_what, of, more, usage, expected) => {
		expect(refusedAccessOf(of, usage, {...failure, ...more})).toBe(expected);
	});

	it('is of that token and no other', () => {
		expect(isRefusedAccess(credential, {refusedAccess: mark})).toBe(true);
		expect(isRefusedAccess({...credential, access: 'another'}, {refusedAccess: mark})).toBe(false);
		expect(isRefusedAccess(credential, {})).toBe(false);
	});
});

/** A token with time left, received an hour ago. */
async function goodEntry(sandbox: Sandbox): Promise<Record<string, unknown>> {
	return {...(await expiredEntry(sandbox.server)), expires: Date.now() + hour, expiresIn: 7200};
}

async function reported(profiles: Record<string, Record<string, unknown>> = {}) {
	const sandbox = await openSandbox();
	const entry = await goodEntry(sandbox);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry, ...profiles}});
	const jarvis = sandbox.open();
	const ask = () => jarvis.resolve({providerId, profileId});
	const report = () => jarvis.reportFailure({profileId}, {reason: 'auth'});
	await report();
	return {...sandbox, sandbox, entry, jarvis, ask, report};
}

const usageOf = (sandbox: Pick<Sandbox, 'paths'>, agentId = 'main') =>
	readStore(sandbox, agentId).usageStats?.[profileId] ?? {};

describe('a token that was reported as refused', () => {
	test('is refreshed once before it is handed out, and the profile is back in its place', async () => {
		const {sandbox, server, entry, jarvis} = await reported();
		const first = await jarvis.resolve({providerId});
		expect(first.secret).not.toBe(entry.access);
		expect(first).toMatchObject({profileId, reason: 'ok', passedOver: []});
		expect(usageOf(sandbox)).toEqual({lastProven: {at: expect.any(Number), outcome: 'refreshed'}});
		expect(await jarvis.resolve({providerId})).toMatchObject({secret: first.secret});
		expect(server.refreshRequests).toBe(1);
	});

	test('is refreshed no second time by the reports of others who had the same one', async () => {
		const {server, ask, report} = await reported();
		const {secret} = await ask();
		await report();
		expect(await ask()).toMatchObject({secret, reason: 'cooldown'});
		expect(server.refreshRequests).toBe(1);
	});

	test('is not refreshed where it was renewed since', async () => {
		const {jarvis, server, ask} = await reported();
		await jarvis.refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		await ask();
		expect(server.refreshRequests).toBe(1);
	});

	test('waits while another profile is ready, and is explained without being refreshed', async () => {
		const other = {type: 'api_key', provider: providerId, key: canary('other')};
		const {jarvis, server} = await reported({'acme:other': other});
		expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'acme:other'});
		expect((await jarvis.which({providerId})).options[0]?.candidates[1]).toMatchObject({
			...{profileId, reason: 'cooldown', why: 'cooling down after a refusal'},
		});
		expect(server.refreshRequests).toBe(0);
	});

	test('that cannot be refreshed now is not handed out; its refresh is tried again', async () => {
		const {server, sandbox, ask, entry} = await reported();
		server.setTokenFailure({status: 503, body: 'not now', contentType: 'text/plain'});
		const error = await refusal(ask());
		expect(error.code).toBe('refresh_unavailable');
		expect(error.message).toMatch(/^The access token of acme:maya was reported as refused\. /);
		expect(usageOf(sandbox)).toMatchObject({refusedAccess: expect.any(String)});
		server.setTokenFailure(undefined);
		expect((await ask()).secret).not.toBe(entry.access);
	});

	test('whose refresh token is refused as well needs a login', async () => {
		const {sandbox, jarvis} = await reported();
		const entry = {...(await goodEntry(sandbox)), refresh: 'not-a-refresh-token'};
		writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
		await jarvis.reportFailure({profileId}, {reason: 'auth'});
		expect((await refusal(jarvis.resolve({providerId}))).code).toBe('needs_login');
	});

	test('whose provider has no way to refresh is handed out as it is', async () => {
		const sandbox = await openSandbox();
		const entry = await goodEntry(sandbox);
		writeStore(sandbox, 'main', {profiles: {'gone:x': {...entry, provider: 'gone'}}});
		const jarvis = sandbox.open();
		await jarvis.reportFailure({profileId: 'gone:x'}, {reason: 'auth'});
		expect(await jarvis.resolve({providerId: 'gone'})).toMatchObject({
			...{secret: entry.access, reason: 'cooldown'},
		});
	});

	test('that the server gives again is handed out, and not asked for again', async () => {
		const {sandbox, entry} = await reported();
		let requests = 0;
		const jarvis = sandbox.open({
			fetch: async (url, init) => {
				if (init?.method !== 'POST') return fetch(url, init);
				requests += 1;
				const same = {access_token: entry.access, token_type: 'Bearer', expires_in: 7200};
				return Response.json({...same, refresh_token: entry.refresh});
			},
		});
		expect(await jarvis.resolve({providerId})).toMatchObject({secret: entry.access, reason: 'ok'});
		expect(await jarvis.resolve({providerId})).toMatchObject({secret: entry.access});
		expect(requests).toBe(1);
	});
});

describe('of two agents', () => {
	test('the one that reads the main agent’s has the main agent’s renewed, and uses it again at once', async () => {
		const sandbox = await openSandbox();
		const entry = await goodEntry(sandbox);
		writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
		const jarvis = sandbox.open();
		await jarvis.addAgent({id: 'work'});
		await jarvis.reportFailure({agentId: 'work', profileId}, {reason: 'auth'});
		expect(usageOf(sandbox)).toEqual({});
		const {secret, reason} = await jarvis.resolve({providerId, agentId: 'work'});
		expect(secret).not.toBe(entry.access);
		expect(reason).toBe('ok');
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect(await jarvis.resolve({providerId})).toMatchObject({secret});
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	test('the copy of one gets the new token of the other, and spends nothing', async () => {
		const {sandbox, jarvis, entry} = await reported();
		writeStore(sandbox, 'copy', {profiles: {[profileId]: entry}});
		const {secret} = await jarvis.resolve({providerId});
		await jarvis.reportFailure({agentId: 'copy', profileId}, {reason: 'auth'});
		expect(await jarvis.resolve({providerId, agentId: 'copy'})).toMatchObject({secret});
		expect(sandbox.server.refreshRequests).toBe(1);
	});
});

describe('for many processes at once', () => {
	let crew: Crew;
	beforeAll(async () => {
		crew = await assemble(10);
	}, 60_000);
	afterAll(() => crew.dismiss());

	test('one request renews it', async () => {
		const {sandbox, stateDir, server, entry} = await reported();
		server.setTokenDelay(50);
		const answers = await crew.run(Array(10).fill({stateDir, providerId, agentId: 'main'}));
		const {access} = readStore(sandbox).profiles[profileId] ?? {};
		expect(access).not.toBe(entry.access);
		expect(answers).toEqual(Array(10).fill({secret: access}));
		expect(server.refreshRequests).toBe(1);
	});
});
