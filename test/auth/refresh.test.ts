import {readFileSync, statSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {freshCredential, type RefreshContext} from '../../source/auth/refresh.ts';
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

const profileId = 'acme:maya';
const profile = {agentId: 'main', profileId, provider: providerId};

/** A sandbox whose main agent holds one profile: a real grant, with these members. */
async function withGrant(members: Record<string, unknown> = {}) {
	const sandbox = await openSandbox();
	const entry: Record<string, unknown> = {...(await expiredEntry(sandbox.server)), ...members};
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

async function fresh(sandbox: Sandbox, more: Partial<RefreshContext> = {}) {
	const {providers} = await sandbox.open().providers();
	const provider = providers.get(providerId);
	if (!provider) throw new Error('the provider is declared');
	const {paths} = sandbox;
	return freshCredential({
		paths,
		provider,
		agentId: 'main',
		profileId,
		network: {fetch},
		now: Date.now,
		...more,
	});
}

function bytes({paths}: Sandbox): string {
	return readFileSync(paths.profiles('main'), 'utf8');
}

test('a token that is over is refreshed once and written', async () => {
	const before = Date.now();
	const {sandbox, entry} = await withGrant({colour: 'blue', future: {deep: [1]}});
	const {secret, expires, kind} = await sandbox.open().resolve({providerId});
	const stored = readStore(sandbox).profiles[profileId];
	expect(stored).toEqual({
		...{type: 'oauth', provider: providerId, accountId: 'sandbox-account-maya', email: 'maya@example.test'},
		...{access: secret, refresh: expect.any(String), expires, expiresIn: 60},
		...{colour: 'blue', future: {deep: [1]}},
	});
	expect(kind).toBe('oauth');
	expect(secret).not.toBe(entry.access);
	expect(stored?.refresh).not.toBe(entry.refresh);
	expect(expires).toBeGreaterThanOrEqual(before + 60_000);
	expect(expires).toBeLessThanOrEqual(Date.now() + 60_000);
	expect(statSync(sandbox.paths.profiles('main')).mode & 0o777).toBe(0o600);
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(await sandbox.open().resolve({providerId})).toMatchObject({secret});
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(sandbox.server.tokenRequests.at(-1)).toEqual({
		contentType: expect.stringContaining('application/x-www-form-urlencoded'),
		body: {grant_type: 'refresh_token', refresh_token: entry.refresh, client_id: 'jarvis-sandbox'},
	});
});

test('the rest of the file is kept, unknown keys included', async () => {
	const {sandbox, entry} = await withGrant();
	const others = {
		'acme:other': {type: 'passkey'},
		'openai:x': {type: 'api_key', provider: 'openai', key: canary('k')},
	};
	writeStore(sandbox, 'main', {
		version: 1,
		profiles: {[profileId]: entry, ...others},
		order: {acme: [profileId]},
		lastGood: {acme: profileId},
		usageStats: {[profileId]: {lastUsed: 5, errorCount: 2, cooldownUntil: 7, later: 'kept'}},
		future: {deep: [1]},
	});
	await sandbox.open().resolve({providerId});
	const stored = readStore(sandbox);
	expect(stored).toEqual({
		version: 1,
		profiles: {[profileId]: expect.objectContaining({type: 'oauth'}), ...others},
		order: {acme: [profileId]},
		lastGood: {acme: profileId},
		usageStats: {
			[profileId]: {
				...{lastUsed: 5, errorCount: 2, cooldownUntil: 7, later: 'kept'},
				lastProven: {at: expect.any(Number), outcome: 'refreshed'},
			},
		},
		future: {deep: [1]},
	});
	expect(Object.keys(stored)).toEqual(['version', 'profiles', 'order', 'lastGood', 'usageStats', 'future']);
});

test.each([
	['a refusal', 'auth', false],
	['a rate limit', 'rate_limit', true],
	['a bill', 'billing', true],
])('a new token and %s that had set the profile aside', async (_, lastFailureReason, stays) => {
	const {sandbox, entry} = await withGrant();
	const failures = {errorCount: 1, cooldownUntil: Date.now() + 60_000, lastFailureAt: Date.now()};
	writeStore(sandbox, 'main', {
		profiles: {[profileId]: entry},
		usageStats: {[profileId]: {...failures, lastFailureReason}},
	});
	await sandbox.open().resolve({providerId});
	expect('cooldownUntil' in (readStore(sandbox).usageStats?.[profileId] ?? {})).toBe(stays);
});

describe('whether a token is refreshed', () => {
	// A busy machine takes longer than some of these tokens last.
	const at = Date.now();
	test.each<[string, Record<string, unknown>, number]>([
		['in the future: not', {expires: at + 3_600_000, expiresIn: 3600}, 0],
		['without an expiry: not', {expires: undefined}, 0],
		['before the skew: not', {expires: at + 3_600_000, expiresIn: 7200}, 0],
		['within the skew: yes', {expires: at + 15_000, expiresIn: 3600}, 1],
		['so short that the skew is a tenth of it: not', {expires: at + 15_000, expiresIn: 100}, 0],
		['of an unknown lifetime, in the future: not', {expires: at + 15_000, expiresIn: undefined}, 0],
		['over: yes', {expires: at - 1}, 1],
		['without an access token: yes', {access: undefined, expires: at + 3_600_000}, 1],
	])('%s', async (_, members, requests) => {
		const {sandbox, entry} = await withGrant(members);
		const before = bytes(sandbox);
		const {secret} = await sandbox.open({now: () => at}).resolve({providerId});
		expect(sandbox.server.refreshRequests).toBe(requests);
		expect(secret === entry.access).toBe(requests === 0);
		expect(bytes(sandbox) === before).toBe(requests === 0);
	});

	test('the clock is the one that was given', async () => {
		const {sandbox} = await withGrant({expires: 1_000_000_000_000, expiresIn: undefined});
		const early = sandbox.open({now: () => 999_999_999_999});
		await early.resolve({providerId});
		expect(sandbox.server.refreshRequests).toBe(0);
		const {expires} = await sandbox.open({now: () => 1_000_000_000_000}).resolve({providerId});
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(expires).toBe(1_000_000_060_000);
	});

	test('one that must be good for longer is refreshed before its end', async () => {
		const {sandbox} = await withGrant({expires: Date.now() + 50_000, expiresIn: 60});
		expect(await fresh(sandbox, {minTtlMs: 30_000})).toMatchObject({how: 'stored'});
		expect(await fresh(sandbox, {minTtlMs: 55_000})).toMatchObject({how: 'refreshed'});
		expect(sandbox.server.refreshRequests).toBe(1);
	});
});

test('a person refreshes a token that is still good, and one that is over', async () => {
	const {sandbox, entry} = await withGrant({expires: Date.now() + 3_600_000, expiresIn: 3600});
	const jarvis = sandbox.open();
	expect(await jarvis.refresh(profile, 'expired')).toBe('stored');
	expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
	expect(readStore(sandbox).profiles[profileId]?.access).not.toBe(entry.access);
	expect(sandbox.server.refreshRequests).toBe(1);
});

test('a token that another process has refreshed is adopted, also when the old one was rejected', async () => {
	const {sandbox, entry} = await withGrant({expires: Date.now() + 3_600_000, expiresIn: 3600});
	const rejected = String(entry.access);
	const outcomes = await Promise.all([fresh(sandbox, {rejected}), fresh(sandbox, {rejected})]);
	expect(outcomes.map(({how}) => how).sort()).toEqual(['adopted', 'refreshed']);
	expect(outcomes[0].credential.access).toBe(outcomes[1].credential.access);
	expect(sandbox.server.refreshRequests).toBe(1);
});

test('the client that the grant was made for is the one that refreshes it', async () => {
	const {sandbox} = await withGrant({clientId: 'canary-other-client'});
	const error = await refusal(sandbox.open().resolve({providerId}));
	expect(error.code).toBe('refresh_refused');
	expect(sandbox.server.tokenRequests.at(-1)?.body.client_id).toBe('canary-other-client');
});

describe('a refused refresh token', () => {
	test('is marked with reason, time and fingerprint, and the record is left as it is', async () => {
		const refresh = canary('refused');
		const {sandbox, entry} = await withGrant({refresh});
		const now = Date.now();
		const error = await refusal(sandbox.open({now: () => now}).resolve({providerId}));
		expect(error).toMatchObject({
			code: 'needs_login',
			exitCode: 3,
			message: `Acme refused the refresh token of ${profileId}.`,
			next: expect.stringContaining(`--provider acme --agent main --profile-id '${profileId}'`),
		});
		const stored = readStore(sandbox);
		expect(stored.profiles).toEqual({[profileId]: entry});
		expect(stored.usageStats).toEqual({
			[profileId]: {
				needsLogin: {since: now, fingerprint: fingerprint(refresh), reason: 'invalid_grant'},
				lastProven: {at: now, outcome: 'refused'},
			},
		});
		expect(statSync(sandbox.paths.profiles('main')).mode & 0o777).toBe(0o600);
	});

	test('is not sent again', async () => {
		const {sandbox} = await withGrant({refresh: canary('refused')});
		const jarvis = sandbox.open();
		await refusal(jarvis.resolve({providerId}));
		const before = bytes(sandbox);
		expect(await refusal(jarvis.resolve({providerId}))).toMatchObject({code: 'needs_login'});
		expect(await refusal(jarvis.refresh(profile, 'expired'))).toMatchObject({code: 'needs_login'});
		expect(await refusal(jarvis.refresh(profile, 'always'))).toMatchObject({code: 'needs_login'});
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(bytes(sandbox)).toBe(before);
	});

	test('is marked wherever a copy of it is held', async () => {
		const {sandbox, entry} = await withGrant({refresh: canary('refused')});
		writeStore(sandbox, 'work', {
			profiles: {'acme:copy': entry, 'acme:else': {...entry, refresh: canary('else')}},
		});
		await refusal(sandbox.open().resolve({providerId}));
		expect(Object.keys(readStore(sandbox, 'work').usageStats ?? {})).toEqual(['acme:copy']);
		const {code} = await refusal(
			sandbox.open().resolve({providerId, agentId: 'work', profileId: 'acme:copy'}),
		);
		expect(code).toBe('needs_login');
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	test('is forgotten once another one is stored', async () => {
		const {sandbox} = await withGrant({refresh: canary('refused')});
		await refusal(sandbox.open().resolve({providerId}));
		const {usageStats} = readStore(sandbox);
		const entry = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {[profileId]: entry}, usageStats: usageStats ?? {}});
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
		expect(readStore(sandbox).usageStats?.[profileId]).not.toHaveProperty('needsLogin');
	});
});

test('without a refresh token nothing is asked of the server', async () => {
	const {sandbox} = await withGrant({refresh: undefined});
	expect(await refusal(fresh(sandbox))).toMatchObject({code: 'no_credential', exitCode: 3});
	expect(sandbox.server.refreshRequests).toBe(0);
});

test.each([
	['that is not there', 'acme:gone'],
	['that is no OAuth one', 'acme:key'],
])('a profile %s cannot be refreshed', async (_, id) => {
	const {sandbox, entry} = await withGrant();
	const key = {type: 'api_key', provider: providerId, key: canary('key')};
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry, 'acme:key': key}});
	expect(await refusal(fresh(sandbox, {profileId: id}))).toMatchObject({code: 'profile_unknown'});
});

test('a damaged file is not written over', async () => {
	const {sandbox} = await withGrant();
	const {writeFileSync} = await import('node:fs');
	writeFileSync(sandbox.paths.profiles('main'), '{"profiles": {"canary-id": ');
	const error = await refusal(fresh(sandbox));
	expect(error).toMatchObject({code: 'store_damaged', message: expect.stringMatching(/line 1, column \d+/)});
	expect(JSON.stringify(error)).not.toContain('canary');
	expect(bytes(sandbox)).toBe('{"profiles": {"canary-id": ');
});
