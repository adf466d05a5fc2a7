import {mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, onTestFinished, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {asJarvisError, type JarvisError} from '../../source/errors.ts';
import {acquireLock} from '../../source/store/lock.ts';
import {statePaths} from '../../source/store/paths.ts';
import {fill, mountReadOnly, mountSmall, remountWritable, unmountAll} from '../store/mounts.ts';
import {
	canary,
	declareProvider,
	expiredEntry,
	obtainTokens,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';

afterEach(unmountAll);

const profileId = 'acme:maya';
const profile = {agentId: 'main', profileId, provider: providerId};

async function withGrant() {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** The same in a state folder on a disk of 64 KiB; `undefined` where mounting is not permitted. */
async function onSmallDisk(): Promise<Sandbox | undefined> {
	const sandbox = await openSandbox();
	const stateDir = join(sandbox.stateDir, 'disk');
	mkdirSync(stateDir);
	if (!mountSmall(stateDir)) return undefined;
	// Before the folder is removed.
	onTestFinished(unmountAll);
	const paths = statePaths(stateDir);
	declareProvider(stateDir, sandbox.server);
	writeStore({paths}, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
	return {...sandbox, paths, stateDir, open: (more = {}) => openJarvis({env: {}, ...more, stateDir})};
}

/** Asks for a token, and runs `meanwhile` between the server's answer and its arrival. */
function asked(sandbox: Sandbox, meanwhile: () => unknown): Promise<unknown> {
	const late: typeof fetch = async (...request) => {
		const response = await fetch(...request);
		await meanwhile();
		return response;
	};
	return sandbox.open({fetch: late}).resolve({providerId});
}

function expectKept(error: JarvisError, code: string): void {
	expect(error).toMatchObject({code, exitCode: 1, next: expect.stringMatching(/./)});
	expect(error.message).toMatch(/ The new token of acme:maya is kept, and is stored at its next use\.$/);
	expect(JSON.stringify(error)).not.toMatch(/eyJ|canary/);
}

/** The kept token is taken without another request, its slot is blank, and the grant is alive. */
async function expectRecovered(sandbox: Sandbox): Promise<void> {
	const {server, paths} = sandbox;
	const before = server.refreshRequests;
	const {secret} = await sandbox.open().resolve({providerId});
	expect(server.refreshRequests).toBe(before);
	expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
	const slots = readdirSync(paths.journal).filter(name => name.endsWith('.reply'));
	for (const name of slots) {
		expect(readFileSync(join(paths.journal, name)).every(byte => byte === 0)).toBe(true);
	}
	await expectAlive(sandbox);
}

async function expectAlive(sandbox: Sandbox): Promise<void> {
	expect(await sandbox.open().refresh(profile, 'always')).toBe('refreshed');
	expect(sandbox.server.events.filter(({type}) => type === 'refused')).toEqual([]);
}

function bytes({paths}: Sandbox): string {
	return readFileSync(paths.profiles('main'), 'utf8');
}

describe('a disk that is full', () => {
	test('before the request: nothing is sent', async context => {
		const {sandbox} = await withGrant();
		const {journal} = sandbox.paths;
		mkdirSync(journal);
		if (!mountSmall(journal)) context.skip('Mounting is not permitted here.');
		onTestFinished(unmountAll);
		const filler = fill(journal);
		const before = bytes(sandbox);
		const error = await failure(sandbox.open().resolve({providerId}));
		expect(error).toMatchObject({code: 'store_full', exitCode: 1});
		expect(sandbox.server.refreshRequests).toBe(0);
		expect(bytes(sandbox)).toBe(before);
		rmSync(filler);
		await sandbox.open().resolve({providerId});
		await expectAlive(sandbox);
	});

	test('before the request, so full that there is no room for a lock: nothing is sent', async context => {
		const sandbox = await onSmallDisk();
		if (!sandbox) return context.skip('Mounting is not permitted here.');
		fill(sandbox.stateDir);
		const error = await failure(sandbox.open().resolve({providerId}));
		expect(error).toMatchObject({code: 'store_full', exitCode: 1});
		expect(sandbox.server.refreshRequests).toBe(0);
	});

	test('after the request: the reply is kept', async context => {
		const sandbox = await onSmallDisk();
		if (!sandbox) return context.skip('Mounting is not permitted here.');
		const before = bytes(sandbox);
		let filler = '';
		const error = await failure(
			asked(sandbox, () => {
				filler = fill(sandbox.stateDir);
			}),
		);
		expectKept(error, 'store_full');
		expect(bytes(sandbox)).toBe(before);
		expect(await failure(sandbox.open().resolve({providerId}))).toMatchObject({code: 'store_full'});
		expect(sandbox.server.refreshRequests).toBe(1);
		rmSync(filler);
		await expectRecovered(sandbox);
	});

	test('after the request, with a reply that is larger than its room: says that it may be lost', async context => {
		const sandbox = await onSmallDisk();
		if (!sandbox) return context.skip('Mounting is not permitted here.');
		const body = {access_token: canary('long').repeat(400), refresh_token: canary('new'), expires_in: 60};
		sandbox.server.setTokenFailure({status: 200, body: JSON.stringify(body)});
		const error = await failure(asked(sandbox, () => fill(sandbox.stateDir)));
		expect(error).toMatchObject({code: 'store_full', exitCode: 1});
		expect(error.message).toMatch(/ could not be kept: its next use may ask for a new login\.$/);
		expect(JSON.stringify(error)).not.toContain('canary');
	});
});

test('an agent’s folder that is read-only after the request: the reply is kept', async context => {
	const {sandbox} = await withGrant();
	const folder = sandbox.paths.agentCredentials('main');
	let isMounted = false;
	const error = await failure(
		asked(sandbox, () => {
			isMounted = mountReadOnly(folder);
		}),
	);
	if (!isMounted) context.skip('Mounting is not permitted here.');
	onTestFinished(unmountAll);
	expectKept(error, 'store_inaccessible');
	// Still so: nothing is sent again.
	expectKept(await failure(sandbox.open().resolve({providerId})), 'store_inaccessible');
	expect(sandbox.server.refreshRequests).toBe(1);
	remountWritable(folder);
	await expectRecovered(sandbox);
});

test('another agent’s folder that is read-only: who asked has its token, and the other finds it', async context => {
	const {sandbox, entry} = await withGrant();
	writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
	const folder = sandbox.paths.agentCredentials('work');
	if (!mountReadOnly(folder)) context.skip('Mounting is not permitted here.');
	onTestFinished(unmountAll);
	const {secret} = await sandbox.open().resolve({providerId});
	expect(readStore(sandbox, 'work').profiles[profileId]).toEqual(entry);
	remountWritable(folder);
	expect(await sandbox.open().resolve({providerId, agentId: 'work'})).toMatchObject({secret});
	expect(sandbox.server.refreshRequests).toBe(1);
	await expectAlive(sandbox);
});

test('a journal’s folder that is read-only before the request: nothing is sent', async context => {
	const {sandbox} = await withGrant();
	mkdirSync(sandbox.paths.journal);
	if (!mountReadOnly(sandbox.paths.journal)) context.skip('Mounting is not permitted here.');
	onTestFinished(unmountAll);
	expect(await failure(sandbox.open().resolve({providerId}))).toMatchObject({code: 'store_inaccessible'});
	expect(sandbox.server.refreshRequests).toBe(0);
});

describe('a file that another program changes between the request and the write', () => {
	test('damaged: it is left as it is, the reply is kept, and is stored once the file is mended', async () => {
		const {sandbox} = await withGrant();
		const before = bytes(sandbox);
		const damaged = before.slice(0, -20);
		const error = await refusal(asked(sandbox, () => writeFileSync(sandbox.paths.profiles('main'), damaged)));
		expectKept(error, 'store_damaged');
		expect(bytes(sandbox)).toBe(damaged);
		expect(await refusal(sandbox.open().resolve({providerId}))).toMatchObject({code: 'store_damaged'});
		expect(sandbox.server.refreshRequests).toBe(1);
		writeFileSync(sandbox.paths.profiles('main'), before);
		await expectRecovered(sandbox);
	});

	test('replaced: what is newer stays, and the token is stored where the spent one is still held', async () => {
		const {sandbox, entry} = await withGrant();
		const {access_token: access, refresh_token: refresh} = await obtainTokens(sandbox.server);
		const login = {...entry, access, refresh, expires: Date.now() + 60_000};
		const newer = {
			profiles: {[profileId]: login, 'acme:copy': entry},
			order: {acme: [profileId]},
			later: [1],
		};
		await asked(sandbox, () => {
			const file = sandbox.paths.profiles('main');
			writeFileSync(`${file}.new`, JSON.stringify(newer));
			renameSync(`${file}.new`, file);
		});
		const {profiles, order, later} = readStore(sandbox);
		expect({order, later}).toEqual({order: newer.order, later: [1]});
		expect(profiles[profileId]).toEqual(login);
		expect(profiles['acme:copy']?.refresh).not.toBe(entry.refresh);
		await sandbox.open().refresh({...profile, profileId: 'acme:copy'}, 'always');
		await expectAlive(sandbox);
	});

	test('of another agent, damaged: who asked has its token', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		await asked(sandbox, () => writeFileSync(sandbox.paths.profiles('work'), '{'));
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		const {secret} = await sandbox.open().resolve({providerId});
		expect(await sandbox.open().resolve({providerId, agentId: 'work'})).toMatchObject({secret});
		expect(sandbox.server.refreshRequests).toBe(1);
		await expectAlive(sandbox);
	});
});

test('a store that is locked for longer than anybody waits: the reply is kept', async () => {
	const {sandbox} = await withGrant();
	let release = async () => {};
	const error = await refusal(
		asked(sandbox, async () => {
			const lock = await acquireLock(sandbox.paths.locks, 'store-main');
			release = async () => lock?.release();
		}),
	);
	expectKept(error, 'lock_timeout');
	await release();
	await expectRecovered(sandbox);
}, 60_000);

/** The error that a person would be told. */
async function failure(promise: Promise<unknown>): Promise<JarvisError> {
	return promise.then(() => expect.fail('expected an error'), asJarvisError);
}
