import {readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {canary, expiredEntry, openSandbox, readStore, writeStore} from '../support/sandbox.ts';
import {emptyState, errorIn, run, runJson, start, stored, until} from './support.ts';

const token = ['models', 'auth', 'token', '--provider'];

async function withExpired(...agents: readonly string[]): ReturnType<typeof openSandbox> {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	for (const agentId of agents) {
		writeStore(sandbox, agentId, {version: 1, profiles: {'acme:maya': entry}});
	}
	return sandbox;
}

it('prints the token alone, whatever kind it is of', async () => {
	const state = emptyState();
	const [key, setup, fromEnv] = [canary('key'), canary('setup'), canary('env')];
	writeStore(state, 'main', {
		profiles: {
			'a:default': {type: 'api_key', provider: 'a', key},
			'b:default': {type: 'token', provider: 'b', token: setup, expires: Date.now() + 60_000},
			'c:default': {
				type: 'api_key',
				provider: 'c',
				keyRef: {source: 'env', provider: 'default', id: 'CANARY_KEY'},
			},
		},
	});
	const env = {CANARY_KEY: fromEnv};
	for (const [provider, secret] of [
		['a', key],
		['b', setup],
		['c', fromEnv],
	] as const) {
		const outcome = await run(state, [...token, provider], {env});
		expect(outcome).toEqual({code: 0, stdout: `${secret}\n`, stderr: ''});
	}
	expect(await runJson(state, [...token, 'b'])).toEqual({
		...{agentId: 'main', profileId: 'b:default', provider: 'b', kind: 'token', token: setup},
		expires: stored(state, 'b:default').expires,
		...{reason: 'ok', why: 'token, never used', passedOver: []},
	});
});

it('refreshes a token that is over, once, and leaves a good one as it is', async () => {
	const sandbox = await withExpired('main');
	const old = stored(sandbox, 'acme:maya');
	const first = await run(sandbox, [...token, 'acme']);
	const renewed = stored(sandbox, 'acme:maya');
	expect(first).toEqual({code: 0, stdout: `${renewed.access}\n`, stderr: ''});
	expect([renewed.access, renewed.refresh]).not.toContain(old.access);
	expect(renewed.refresh).not.toBe(old.refresh);
	expect(await run(sandbox, [...token, 'acme'])).toEqual(first);
	expect(await runJson(sandbox, [...token, 'acme', '--agent', 'main', '--profile', 'acme:maya'])).toEqual({
		...{agentId: 'main', profileId: 'acme:maya', provider: 'acme', kind: 'oauth'},
		token: renewed.access,
		expires: renewed.expires,
		...{reason: 'ok', why: 'asked for', passedOver: []},
	});
	expect(sandbox.server.refreshRequests).toBe(1);
});

it.each([
	['in one agent', ['main']],
	['in two agents that hold the same account', ['main', 'work']],
])('32 processes that want one token that is over, %s, make one request', async (_where, agents) => {
	const sandbox = await withExpired(...agents);
	const old = stored(sandbox, 'acme:maya').access;
	sandbox.server.setTokenDelay(50);
	const outcomes = await Promise.all(
		Array.from({length: 32}, (_, index) =>
			run(sandbox, [...token, 'acme', '--agent', agents[index % agents.length] ?? '']),
		),
	);
	const renewed = String(stored(sandbox, 'acme:maya').access);
	expect(renewed).not.toBe(old);
	expect(outcomes).toEqual(Array(32).fill({code: 0, stdout: `${renewed}\n`, stderr: ''}));
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(sandbox.server.events.map(event => event.type)).toEqual(['code_exchanged', 'refreshed']);
	for (const agentId of agents) expect(stored(sandbox, 'acme:maya', agentId).access).toBe(renewed);
});

it('exits with 3 when the refresh token was refused, and does not ask again', async () => {
	const sandbox = await withExpired('main');
	const refresh = canary('spent');
	writeStore(sandbox, 'main', {profiles: {'acme:maya': {...stored(sandbox, 'acme:maya'), refresh}}});
	for (const _ of ['first', 'second']) {
		const outcome = await run(sandbox, [...token, 'acme', '--json']);
		expect(outcome).toMatchObject({code: 3, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({
			code: 'needs_login',
			next: expect.stringContaining('jarvis models auth login --provider acme'),
		});
	}
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(stored(sandbox, 'acme:maya').refresh).toBe(refresh);
});

it('passes over a refused profile for the next one of the order', async () => {
	const sandbox = await withExpired('main');
	const {refresh: _, ...rest} = stored(sandbox, 'acme:maya');
	const key = canary('key');
	writeStore(sandbox, 'main', {
		profiles: {
			'acme:maya': {...rest, refresh: canary('spent')},
			'acme:key': {type: 'api_key', provider: 'acme', key},
		},
		order: {acme: ['acme:maya', 'acme:key']},
	});
	expect(await run(sandbox, [...token, 'acme'])).toEqual({code: 0, stdout: `${key}\n`, stderr: ''});
	expect(sandbox.server.refreshRequests).toBe(1);
});

it('exits with 1 when the network is down, and the file is byte for byte as it was', async () => {
	const sandbox = await withExpired('main');
	const before = readFileSync(sandbox.paths.profiles('main'));
	await sandbox.server.close();
	const outcome = await run(sandbox, [...token, 'acme', '--json']);
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(errorIn(outcome).code).toBe('refresh_unavailable');
	expect(readFileSync(sandbox.paths.profiles('main'))).toEqual(before);
});

it.each([
	['fails', {status: 503, body: 'canary-reply is down for maintenance'}],
	['sends no token reply', {status: 200, body: '<html>canary-reply</html>', contentType: 'text/html'}],
	['is asked too often', {status: 429, body: '{"error":"slow_down"}'}],
])('exits with 1 when the server %s, and nothing is changed', async (_what, failure) => {
	const sandbox = await withExpired('main');
	const before = readFileSync(sandbox.paths.profiles('main'));
	sandbox.server.setTokenFailure(failure);
	const {code, stdout, stderr} = await run(sandbox, [...token, 'acme']);
	expect({code, stdout}).toEqual({code: 1, stdout: ''});
	expect(stderr).not.toContain('canary-reply');
	expect(readFileSync(sandbox.paths.profiles('main'))).toEqual(before);
	sandbox.server.setTokenFailure(undefined);
	expect(await run(sandbox, [...token, 'acme'])).toMatchObject({code: 0});
});

it('a server that asks for patience is left alone by the next one, too, which says until when', async () => {
	const sandbox = await withExpired('main');
	const headers = {'Retry-After': '3600'};
	sandbox.server.setTokenFailure({status: 429, body: '{"error":"slow_down"}', headers});
	const first = await run(sandbox, [...token, 'acme']);
	sandbox.server.setTokenFailure(undefined);
	const next = await run(sandbox, [...token, 'acme']);
	for (const {code, stdout, stderr} of [first, next]) {
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toMatch(/asked to wait until \S+Z/);
	}
	expect(sandbox.server.refreshRequests).toBe(1);
});

it('a process that is killed during its request locks nobody out', async () => {
	const sandbox = await withExpired('main');
	sandbox.server.setTokenDelay(60_000);
	const killed = start(sandbox, [...token, 'acme']);
	await until(() => expect(sandbox.server.refreshRequests).toBe(1));
	killed.signal('SIGKILL');
	await killed.ended;
	sandbox.server.setTokenDelay(0);
	// Its refresh token may be spent, and is: that is said, and no second request of it can help.
	const {code, stderr} = await run(sandbox, [...token, 'acme', '--json']);
	expect(code).toBe(3);
	expect(errorIn({stderr}).code).toBe('needs_login');
	expect(sandbox.server.refreshRequests).toBe(2);
});

async function expectError(args: readonly string[], exit: number, code: string): Promise<void> {
	const sandbox = await withExpired('main');
	const {profiles} = readStore(sandbox);
	writeStore(sandbox, 'main', {
		profiles: {
			...profiles,
			'key:default': {type: 'api_key', provider: 'key', key: canary('key')},
			'gone:default': {...profiles['acme:maya'], provider: 'gone'},
			'setup:old': {type: 'token', provider: 'setup', token: canary('old'), expires: 1_700_000_000_000},
		},
	});
	const json = await run(sandbox, [...token, ...args, '--json']);
	expect(json).toMatchObject({code: exit, stdout: ''});
	expect(errorIn(json).code).toBe(code);
	const plain = await run(sandbox, [...token, ...args]);
	expect(plain).toMatchObject({code: exit, stdout: ''});
	expect(plain.stderr).toBe(`jarvis: ${errorIn(json).message}\n${errorIn(json).next}\n`);
	expect(sandbox.server.refreshRequests).toBe(0);
}

it.each([
	['no profile of the provider', ['openai'], 3, 'no_credential'],
	['a provider that nobody knows', ['nobody'], 1, 'provider_unknown'],
	['an impossible agent id', ['acme', '--agent', '../main'], 2, 'agent_invalid_id'],
	['an unknown profile', ['acme', '--profile', 'acme:nobody'], 1, 'profile_unknown'],
	['a profile of another provider', ['acme', '--profile', 'key:default'], 1, 'profile_foreign'],
	['an expired token', ['setup'], 3, 'no_credential'],
])('says what is wrong with %s', async (_what, args, exit, code) => {
	await expectError(args, exit, code);
});

it.each([
	['an unknown agent', ['acme', '--agent', 'nobody'], 1, 'agent_unknown'],
	['a provider that nobody declares any more', ['gone'], 1, 'provider_unknown'],
])('says what is wrong with %s', async (_what, args, exit, code) => {
	await expectError(args, exit, code);
});
