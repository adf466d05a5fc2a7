import {describe, expect, it, test} from 'vitest';
import {acquireLock} from '../../source/store/lock.ts';
import {
	canary,
	expiredEntry,
	obtainTokens,
	openSandbox,
	providerId,
	readStore,
	type Sandbox,
	type StoredDocument,
	soon,
	writeStore,
} from '../support/sandbox.ts';

const profileId = 'acme:maya';
type Entry = StoredDocument['profiles'][string];

async function withGrant() {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** Runs `meanwhile` between the server's answer to the refresh and its arrival; returns the token. */
async function duringRefresh(sandbox: Sandbox, meanwhile: () => Promise<unknown>): Promise<string> {
	const late: typeof fetch = async (...request) => {
		const response = await fetch(...request);
		await meanwhile();
		return response;
	};
	const {secret} = await sandbox.open({fetch: late}).resolve({providerId});
	expect(sandbox.server.refreshRequests).toBe(1);
	return secret;
}

describe('while its refresh is under way', () => {
	test('a profile that is renamed gets the new token under its new name', async () => {
		const {sandbox, entry} = await withGrant();
		const secret = await duringRefresh(sandbox, () =>
			sandbox.open().renameProfile('main', profileId, 'acme:work'),
		);
		const {profiles} = readStore(sandbox);
		expect(Object.keys(profiles)).toEqual(['acme:work']);
		expect(profiles['acme:work']).toMatchObject({access: secret, email: 'maya@example.test'});
		expect(profiles['acme:work']?.refresh).not.toBe(entry.refresh);
	});

	test('a profile that is removed does not come back', async () => {
		const {sandbox} = await withGrant();
		await duringRefresh(sandbox, () => sandbox.open().removeProfile('main', profileId));
		expect(readStore(sandbox).profiles).toEqual({});
		expect(readStore(sandbox).usageStats ?? {}).toEqual({});
	});

	test('a profile that is logged in anew keeps the new login', async () => {
		const {sandbox, entry} = await withGrant();
		let login: Entry = {};
		await duringRefresh(sandbox, async () => {
			const {access_token: access, refresh_token: refresh} = await obtainTokens(sandbox.server);
			login = {...entry, access, refresh, expires: Date.now() + 60_000};
			writeStore(sandbox, 'main', {profiles: {[profileId]: login}});
		});
		expect(readStore(sandbox).profiles).toEqual({[profileId]: login});
	});

	test('a profile that another account was logged into is left to it', async () => {
		const {sandbox} = await withGrant();
		const other = await expiredEntry(sandbox.server, 'wren@example.test');
		await duringRefresh(sandbox, async () => writeStore(sandbox, 'main', {profiles: {[profileId]: other}}));
		expect(readStore(sandbox).profiles).toEqual({[profileId]: other});
	});

	test('a profile that was refused and logged in anew is not marked', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...entry, refresh: canary('refused')}}});
		await duringRefresh(sandbox, async () =>
			writeStore(sandbox, 'main', {profiles: {[profileId]: entry}}),
		).catch(() => undefined);
		expect(readStore(sandbox)).toEqual({profiles: {[profileId]: entry}});
	});

	test('a change elsewhere in the file is kept', async () => {
		const {sandbox} = await withGrant();
		await duringRefresh(sandbox, () => sandbox.open().setOrder('main', providerId, [profileId]));
		expect(readStore(sandbox).order).toEqual({acme: [profileId]});
	});

	test('an agent that is deleted stays deleted, and the other one has the token', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		const secret = await duringRefresh(sandbox, () => sandbox.open().deleteAgent('work'));
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect((await sandbox.open().snapshot()).agents.map(agent => agent.id)).toEqual(['main']);
	});
});

describe('of two agents with one grant', () => {
	test('each keeps the labels of its own record', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {
			profiles: {'acme:copy': {...entry, email: 'alias@example.test', colour: 'red'}},
		});
		const {secret} = await sandbox.open().resolve({providerId});
		expect(readStore(sandbox, 'work').profiles['acme:copy']).toMatchObject({
			...{access: secret, email: 'alias@example.test', colour: 'red'},
		});
	});

	test('one whose process died before it wrote the other record finds the new token', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		const {secret} = await sandbox.open().resolve({providerId});
		// The other record as it would be: still with the spent token.
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		const {secret: adopted} = await sandbox.open().resolve({providerId, agentId: 'work'});
		expect(adopted).toBe(secret);
		const later = sandbox.open({now: () => Date.now() + 120_000});
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		await later.resolve({providerId, agentId: 'work'});
		expect(sandbox.server.events.filter(({type}) => type === 'refused')).toEqual([]);
		expect(sandbox.server.refreshRequests).toBe(2);
	});

	test('the same is found by the journal where no account is known', async () => {
		const {sandbox, entry} = await withGrant();
		const {accountId: _, email: __, ...bare} = entry;
		writeStore(sandbox, 'main', {profiles: {[profileId]: bare}});
		const {secret} = await sandbox.open().resolve({providerId});
		writeStore(sandbox, 'work', {profiles: {[profileId]: bare}});
		expect(await sandbox.open().resolve({providerId, agentId: 'work'})).toMatchObject({secret});
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	test('a damaged file of the other one is in nobody’s way', async () => {
		const {sandbox} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {}});
		const {writeFileSync} = await import('node:fs');
		writeFileSync(sandbox.paths.profiles('work'), '{');
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
	});
});

describe('what must not come back', () => {
	/** Two agents with a login each of one account: main's is over, work's has these members. */
	async function withTwoLogins(members: Entry) {
		const {sandbox, entry} = await withGrant();
		const other = {...(await expiredEntry(sandbox.server)), expires: Date.now() + 60_000, ...members};
		writeStore(sandbox, 'work', {profiles: {[profileId]: other}});
		return {sandbox, entry, other};
	}

	it('a login whose refresh token was refused is not adopted over one that is good', async () => {
		const {sandbox} = await withTwoLogins({refresh: canary('refused')});
		const work = {agentId: 'work', profileId, provider: providerId};
		await sandbox
			.open()
			.refresh(work, 'always')
			.catch(() => undefined);
		expect(readStore(sandbox, 'work').usageStats?.[profileId]).toHaveProperty('needsLogin');
		await sandbox.open().resolve({providerId});
		const later = sandbox.open({now: () => Date.now() + 120_000});
		expect(await later.resolve({providerId})).toMatchObject({profileId});
	});

	it('a login without a refresh token is not adopted over one that has one', async () => {
		const {sandbox} = await withTwoLogins({refresh: undefined});
		await sandbox.open().resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]).toHaveProperty('refresh');
	});

	it('a record without its account follows a refresh that has written one record of two', async () => {
		const {sandbox, entry} = await withGrant();
		const {accountId: _, email: __, ...bare} = entry;
		writeStore(sandbox, 'work', {profiles: {[profileId]: bare}});
		const lock = await acquireLock(sandbox.paths.locks, 'store-work');
		const asked = sandbox.open().resolve({providerId});
		await expect.poll(() => readStore(sandbox).profiles[profileId]?.access, soon).not.toBe(entry.access);
		const following = sandbox.open().resolve({providerId, agentId: 'work'});
		await expect
			.poll(() => sandbox.server.refreshRequests, {timeout: 500})
			.toBe(2)
			.catch(() => undefined);
		await lock?.release();
		const [{secret}, followed] = await Promise.all([asked, following]);
		expect(followed.secret).toBe(secret);
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	it('those that waited for a request that was refused are told so, too', async () => {
		const {sandbox} = await withGrant();
		sandbox.server.setTokenFailure({status: 401, body: '{"error":"invalid_client"}'});
		sandbox.server.setTokenDelay(100);
		const asked = [sandbox.open().resolve({providerId}), sandbox.open().resolve({providerId})];
		const codes = await Promise.all(asked.map(each => each.catch((error: {code: string}) => error.code)));
		expect(codes).toEqual(['refresh_refused', 'refresh_refused']);
	});
});
