import type {ChildProcess} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import {describe, expect, onTestFinished, test} from 'vitest';
import {fingerprint, identityName} from '../../source/auth/identity.ts';
import {acquireLock, holderLimitMs} from '../../source/store/lock.ts';
import {readCredentials} from '../../source/store/profiles.ts';
import {openReplySlot} from '../../source/store/reply-slot.ts';
import type {OAuthCredential} from '../../source/store/schema.ts';
import {
	canary,
	expiredEntry,
	obtainTokens,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	soon,
	writeStore,
} from '../support/sandbox.ts';
import {type Answer, assemble, type Crew} from './crew.ts';

const profileId = 'acme:maya';

async function withGrant(): Promise<Sandbox> {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
	return sandbox;
}

/** Has so many workers ask for a token, and returns once the first request is at the server. */
async function underWay(
	sandbox: Sandbox,
	count: number,
	delayMs = 60_000,
): Promise<{readonly holder: ChildProcess; readonly answers: Promise<Answer[]>}> {
	const crew = await assemble(count);
	onTestFinished(() => crew.dismiss());
	sandbox.server.setTokenDelay(delayMs);
	const job = {stateDir: sandbox.stateDir, providerId, agentId: 'main'};
	const answers = crew.run(Array.from({length: count}, () => job));
	await expect.poll(() => sandbox.server.refreshRequests, soon).toBe(1);
	return {answers, holder: await holderOf(sandbox, crew)};
}

function bytes({paths}: Sandbox): string {
	return readFileSync(paths.profiles('main'), 'utf8');
}

async function refreshLockOf({paths}: Sandbox): Promise<string> {
	const credential = (await readCredentials(paths, 'main')).profiles.get(profileId) as OAuthCredential;
	return `refresh-${identityName(credential, [credential])}`;
}

/** The worker that holds the refresh lock. */
async function holderOf(sandbox: Sandbox, crew: Crew): Promise<ChildProcess> {
	const file = `${sandbox.paths.locks}/${await refreshLockOf(sandbox)}.held/owner.json`;
	const {pid} = JSON.parse(readFileSync(file, 'utf8'));
	const holder = crew.members.find(member => member.pid === pid);
	if (!holder) throw new Error(`the lock's holder ${pid} is none of the workers`);
	return holder;
}

describe('a holder that is killed in the middle of its request', () => {
	test('is followed by the next one, which is told of the refresh that was cut off', async () => {
		const sandbox = await withGrant();
		const before = sandbox.server.tokenRequests.length;
		const startedAt = Date.now();
		const {answers, holder} = await underWay(sandbox, 1);
		holder.kill('SIGKILL');
		expect(await answers).toEqual([{code: 'gone', message: 'ended by SIGKILL'}]);
		sandbox.server.setTokenDelay(0);
		const killedAt = Date.now();
		const error = await refusal(sandbox.open().resolve({providerId}));
		expect(Date.now() - killedAt).toBeLessThan(holderLimitMs);
		expect(error.code).toBe('needs_login');
		const [, cutOffAt = ''] =
			/A refresh that was cut off at (\S+) may have spent it\.$/.exec(error.message) ?? [];
		expect(Date.parse(cutOffAt)).toBeGreaterThanOrEqual(startedAt);
		expect(Date.parse(cutOffAt)).toBeLessThanOrEqual(killedAt);
		expect(sandbox.server.tokenRequests.length - before).toBe(2);
		expect(readStore(sandbox).usageStats?.[profileId]).toHaveProperty('needsLogin');
	});

	test('costs nothing where the server had done nothing yet', async () => {
		const sandbox = await withGrant();
		sandbox.server.setTokenFailure({status: 200, body: ''});
		const {answers, holder} = await underWay(sandbox, 1);
		holder.kill('SIGKILL');
		await answers;
		sandbox.server.setTokenDelay(0);
		sandbox.server.setTokenFailure(undefined);
		const {secret} = await sandbox.open().resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
	});

	test('is followed by one of those that waited, at once', async () => {
		const sandbox = await withGrant();
		sandbox.server.setTokenFailure({status: 200, body: ''});
		const {answers, holder} = await underWay(sandbox, 4);
		sandbox.server.setTokenDelay(0);
		sandbox.server.setTokenFailure(undefined);
		holder.kill('SIGKILL');
		const got = await answers;
		const {access} = readStore(sandbox).profiles[profileId] ?? {};
		expect(got.filter(answer => 'code' in answer && answer.code === 'gone')).toHaveLength(1);
		expect(got.filter(answer => 'secret' in answer && answer.secret === access)).toHaveLength(3);
		expect(sandbox.server.refreshRequests).toBe(2);
	});
});

describe('a holder that is stopped during its request and woken later', () => {
	/** Stops the holder, takes its lock as a rival does, runs `meanwhile`, wakes it. Returns its answer. */
	async function overtake(sandbox: Sandbox, meanwhile: () => Promise<void>): Promise<Answer | undefined> {
		const {answers, holder} = await underWay(sandbox, 1, 1500);
		holder.kill('SIGSTOP');
		const name = await refreshLockOf(sandbox);
		const rival = await acquireLock(sandbox.paths.locks, name, {holderLimitMs: 2000});
		await meanwhile();
		await rival?.release();
		holder.kill('SIGCONT');
		return (await answers)[0];
	}

	test('does not write over the newer token of a login', async () => {
		const sandbox = await withGrant();
		let after = '';
		await overtake(sandbox, async () => {
			const {access_token: access, refresh_token: refresh} = await obtainTokens(sandbox.server);
			const present = readStore(sandbox).profiles[profileId];
			const expires = Date.now() + 60_000;
			writeStore(sandbox, 'main', {profiles: {[profileId]: {...present, access, refresh, expires}}});
			after = bytes(sandbox);
		});
		expect(bytes(sandbox)).toBe(after);
	});

	test('does not write over a newer reply that is kept, and stores that one', async () => {
		const sandbox = await withGrant();
		const {refresh, expires: _, ...entry} = readStore(sandbox).profiles[profileId] ?? {};
		const newer = {access: canary('newer'), refresh: canary('newer-refresh'), expires: Date.now() + 60_000};
		const answer = await overtake(sandbox, async () => {
			const name = (await refreshLockOf(sandbox)).slice('refresh-'.length);
			const slot = openReplySlot(sandbox.paths, name);
			slot.keep({
				...{spent: fingerprint(String(refresh)), startedAt: Date.now()},
				credential: {...(entry as unknown as OAuthCredential), ...newer},
			});
			slot.close();
		});
		expect(answer).toEqual({secret: newer.access});
		expect(readStore(sandbox).profiles[profileId]).toMatchObject(newer);
		for (const name of readdirSync(sandbox.paths.journal).filter(file => file.endsWith('.reply'))) {
			expect(readFileSync(`${sandbox.paths.journal}/${name}`).every(byte => byte === 0)).toBe(true);
		}
	});

	test('does not take away the mark of one that was refused meanwhile', async () => {
		const sandbox = await withGrant();
		const {refresh, ...entry} = readStore(sandbox).profiles[profileId] ?? {};
		const needsLogin = {
			since: Date.now(),
			fingerprint: fingerprint(String(refresh)),
			reason: 'invalid_grant',
		};
		const marked = {profiles: {[profileId]: {...entry, refresh}}, usageStats: {[profileId]: {needsLogin}}};
		const answer = await overtake(sandbox, async () => writeStore(sandbox, 'main', marked));
		expect(answer).toMatchObject({code: 'lock_lost'});
		expect(readStore(sandbox)).toEqual(marked);
	});

	test('does not bring back a profile that was removed', async () => {
		const sandbox = await withGrant();
		await overtake(sandbox, () => sandbox.open().removeProfile('main', profileId));
		expect(readStore(sandbox).profiles).toEqual({});
	});

	test('still saves its token where nobody has written since', async () => {
		const sandbox = await withGrant();
		const answer = await overtake(sandbox, async () => {});
		const stored = readStore(sandbox).profiles[profileId];
		expect(answer).toEqual({secret: stored?.access});
		expect(sandbox.server.refreshRequests).toBe(1);
		await sandbox.open().refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		expect(sandbox.server.events.at(-1)?.type).toBe('refreshed');
	});
});
