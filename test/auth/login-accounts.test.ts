import {readFileSync, writeFileSync} from 'node:fs';
import {describe, expect, it, test} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	callbackAt,
	canary,
	declareProvider,
	hinted,
	openSandbox,
	readStore,
	refusal,
	type Sandbox,
	type StoredDocument,
	startWaiting,
	writeStore,
} from '../support/sandbox.ts';

const maya = 'maya@example.test';
const tomas = 'tomas@example.test';

/** Logs in as an account, and returns how it ended. */
async function logIn(sandbox: Sandbox, account: string, profileId?: string) {
	const {login, state} = await startWaiting(sandbox, {profileId});
	await visit(hinted(state.url, account));
	return login.finished;
}

function oauth(name: string, members: object = {}): Record<string, unknown> {
	return {
		type: 'oauth',
		provider: 'acme',
		access: canary(`${name}-access`),
		refresh: canary(`${name}-refresh`),
		...members,
	};
}

function bytes({paths}: Sandbox): string {
	return readFileSync(paths.profiles('main'), 'utf8');
}

test('a second login of the account updates its profile, and another account makes a new one', async () => {
	const sandbox = await openSandbox();
	await logIn(sandbox, maya);
	const {refresh} = readStore(sandbox).profiles[`acme:${maya}`] ?? {};
	expect(await logIn(sandbox, maya)).toMatchObject({step: 'done', result: {profileId: `acme:${maya}`}});
	expect(Object.keys(readStore(sandbox).profiles)).toEqual([`acme:${maya}`]);
	expect(readStore(sandbox).profiles[`acme:${maya}`]?.refresh).not.toBe(refresh);
	expect(await logIn(sandbox, tomas)).toMatchObject({step: 'done', result: {profileId: `acme:${tomas}`}});
	expect(Object.keys(readStore(sandbox).profiles)).toEqual([`acme:${maya}`, `acme:${tomas}`]);
});

test('a login renews the profile that the account has, whatever its name', async () => {
	const sandbox = await openSandbox();
	await logIn(sandbox, maya, 'acme:work');
	expect(await logIn(sandbox, maya)).toMatchObject({step: 'done', result: {profileId: 'acme:work'}});
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:work']);
});

test('a login under a given id takes it, and leaves the others alone', async () => {
	const sandbox = await openSandbox();
	await logIn(sandbox, maya);
	const before = readStore(sandbox).profiles[`acme:${maya}`];
	expect(await logIn(sandbox, tomas, 'acme:second')).toMatchObject({result: {profileId: 'acme:second'}});
	expect(readStore(sandbox).profiles).toMatchObject({'acme:second': {email: tomas}});
	expect(readStore(sandbox).profiles[`acme:${maya}`]).toEqual(before);
});

test('a login for the profile of another account is refused, and nothing changes', async () => {
	const sandbox = await openSandbox();
	await logIn(sandbox, maya, 'acme:work');
	const before = bytes(sandbox);
	expect(await logIn(sandbox, tomas, 'acme:work')).toMatchObject({
		step: 'failed',
		error: {code: 'login_other_account', message: expect.stringMatching(`${maya}.*${tomas}`)},
	});
	expect(bytes(sandbox)).toBe(before);
});

test('a login for the profile of another provider is refused, and nothing changes', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {
		profiles: {'acme:work': {type: 'api_key', provider: 'other', key: canary('key')}},
	});
	const before = bytes(sandbox);
	expect(await refusal(logIn(sandbox, maya, 'acme:work'))).toMatchObject({code: 'profile_foreign'});
	expect(bytes(sandbox)).toBe(before);
	expect(sandbox.server.tokenRequests).toEqual([]);
});

describe('a login without a name', () => {
	test.each<[string, StoredDocument['profiles'], string]>([
		[
			'takes the profile of its account id, though the e-mail is not known',
			{'acme:x': oauth('old', {accountId: 'sandbox-account-maya'})},
			'acme:x',
		],
		[
			'takes the profile of its e-mail, though the account id is not known',
			{'acme:x': oauth('old', {email: maya})},
			'acme:x',
		],
		[
			'does not take the profile of another e-mail of the account',
			{'acme:x': oauth('old', {accountId: 'sandbox-account-maya', email: tomas})},
			`acme:${maya}`,
		],
		[
			'does not take the profile of an account that is not known',
			{'acme:default': oauth('old')},
			`acme:${maya}`,
		],
		[
			'does not take an API key of the preferred name',
			{[`acme:${maya}`]: {type: 'api_key', provider: 'acme', key: canary('key')}},
			`acme:${maya}-${fingerprint('sandbox-account-maya').slice(0, 6)}`,
		],
		[
			'does not take another account of the preferred name',
			{[`acme:${maya}`]: oauth('old', {email: tomas})},
			`acme:${maya}-${fingerprint('sandbox-account-maya').slice(0, 6)}`,
		],
		[
			'does not take the account of another provider',
			{'acme:x': oauth('old', {provider: 'other', email: maya})},
			`acme:${maya}`,
		],
	])('%s', async (_, profiles, profileId) => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles});
		expect(await logIn(sandbox, maya)).toMatchObject({step: 'done', result: {profileId}});
		const after = readStore(sandbox).profiles;
		expect(after[profileId]).toMatchObject({type: 'oauth', accountId: 'sandbox-account-maya', email: maya});
		for (const [id, entry] of Object.entries(profiles))
			if (id !== profileId) expect(after[id]).toEqual(entry);
	});
});

test('without an e-mail the profile is the default one, which a second login renews', async () => {
	const sandbox = await openSandbox();
	declareProvider(sandbox.stateDir, sandbox.server, {
		...{accountIdClaim: undefined, emailClaim: undefined},
		redirectUris: [callbackAt(sandbox.port)],
	});
	expect(await logIn(sandbox, maya)).toMatchObject({result: {profileId: 'acme:default'}});
	expect(await logIn(sandbox, maya)).toMatchObject({result: {profileId: 'acme:default'}});
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:default']);
});

test('a new login forgets the failures of its profile, and no other one', async () => {
	const sandbox = await openSandbox();
	const failed = {
		errorCount: 3,
		cooldownUntil: Date.now() + 3_600_000,
		disabledUntil: Date.now() + 3_600_000,
		disabledReason: 'billing',
		failureCounts: {auth: 3},
		lastFailureAt: Date.now(),
		needsLogin: {since: 1, fingerprint: 'f', reason: 'invalid_grant'},
	};
	writeStore(sandbox, 'main', {
		profiles: {[`acme:${maya}`]: oauth('old', {email: maya}), 'acme:other': oauth('other', {email: tomas})},
		usageStats: {[`acme:${maya}`]: {lastUsed: 5, ...failed, later: 'kept'}, 'acme:other': failed},
	});
	await logIn(sandbox, maya);
	expect(readStore(sandbox).usageStats).toEqual({
		[`acme:${maya}`]: {lastUsed: 5, later: 'kept', lastProven: {at: expect.any(Number), outcome: 'login'}},
		'acme:other': failed,
	});
});

test('a new login keeps what a newer program has written', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {
		profiles: {
			'acme:work': oauth('old', {email: maya, colour: 'blue', expires: 1}),
			'acme:odd': {type: 'passkey'},
		},
		order: {acme: ['acme:work']},
		future: {deep: [1]},
	});
	await logIn(sandbox, maya);
	const after = readStore(sandbox);
	expect(after).toMatchObject({order: {acme: ['acme:work']}, future: {deep: [1]}});
	expect(after.profiles['acme:odd']).toEqual({type: 'passkey'});
	expect(after.profiles['acme:work']).toMatchObject({
		colour: 'blue',
		email: maya,
		expires: expect.any(Number),
	});
	expect(after.profiles['acme:work']?.expires).toBeGreaterThan(Date.now());
	expect(bytes(sandbox)).not.toContain('canary');
});

test('a file that is damaged while a login waits is left as it is, and the login says so', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {}});
	const {login, state} = await startWaiting(sandbox);
	writeFileSync(sandbox.paths.profiles('main'), '{"profiles": {');
	await visit(state.url);
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'store_damaged'}});
	expect(bytes(sandbox)).toBe('{"profiles": {');
	const {code} = await refusal(sandbox.open().resolve({providerId: 'acme'}));
	expect(code).toBe('store_damaged');
});

describe('what must not come back', () => {
	it('a login does not take the id of an entry that is kept for a newer program', async () => {
		const sandbox = await openSandbox();
		const entry = {type: 'passkey', provider: 'acme', access: canary('passkey')};
		writeStore(sandbox, 'main', {profiles: {[`acme:${maya}`]: entry}});
		await logIn(sandbox, maya);
		expect(readStore(sandbox).profiles[`acme:${maya}`]).toEqual(entry);
	});

	it('a login is not stored under an id that names another provider', async () => {
		const sandbox = await openSandbox();
		const error = await logIn(sandbox, maya, 'anthropic:work').catch((thrown: unknown) => ({error: thrown}));
		expect(error).toMatchObject({error: {code: 'profile_foreign'}});
	});
});
