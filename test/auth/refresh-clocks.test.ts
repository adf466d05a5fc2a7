import {readdirSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it, test} from 'vitest';
import {identityName} from '../../source/auth/identity.ts';
import {readJournal} from '../../source/store/read-journal.ts';
import type {OAuthCredential} from '../../source/store/schema.ts';
import {
	declareProvider,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {type Answer, assemble, type Crew, type Job} from './crew.ts';

let crew: Crew;
beforeAll(async () => {
	crew = await assemble(8);
}, 60_000);
afterAll(() => crew.dismiss());

const profileId = 'acme:maya';
const hours = 3_600_000;

async function withGrant() {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** Has eight processes ask together, at a server that takes so long (ms). */
async function askTogether(
	sandbox: Sandbox,
	jobOf: (index: number) => Partial<Job>,
	delayMs = 300,
): Promise<Answer[]> {
	sandbox.server.setTokenDelay(delayMs);
	const job = {stateDir: sandbox.stateDir, providerId, agentId: 'main', profileId};
	return crew.run(Array.from({length: 8}, (_, index) => ({...job, ...jobOf(index)})));
}

/** No refresh token was sent twice, and the grant of main's record is alive. */
async function expectIntact(sandbox: Sandbox): Promise<void> {
	const sent = sandbox.server.tokenRequests.flatMap(({body}) => body.refresh_token ?? []);
	expect(new Set(sent).size).toBe(sent.length);
	sandbox.server.setTokenDelay(0);
	await sandbox.open().refresh({agentId: 'main', profileId, provider: providerId}, 'always');
	expect(sandbox.server.events.filter(({type}) => type === 'refused')).toEqual([]);
}

test('8 processes that want a token to be good for longer than any is send one request', async () => {
	const {sandbox} = await withGrant();
	const answers = await askTogether(sandbox, () => ({minTtlMs: hours}));
	const secret = readStore(sandbox).profiles[profileId]?.access;
	expect(answers).toEqual(Array(8).fill({secret}));
	expect(sandbox.server.refreshRequests).toBe(1);
	await expectIntact(sandbox);
});

describe('clocks that are hours apart', () => {
	test('8 processes that find one token over send one request', async () => {
		const {sandbox} = await withGrant();
		const answers = await askTogether(sandbox, index => ({clockOffsetMs: (index % 3) * 5 * hours}));
		const secret = readStore(sandbox).profiles[profileId]?.access;
		expect(answers).toEqual(Array(8).fill({secret}));
		expect(sandbox.server.refreshRequests).toBe(1);
		await expectIntact(sandbox);
	});

	test('processes that ask one after another never send a token twice', async () => {
		const {sandbox} = await withGrant();
		for (const offset of [0, 5, -5, 5, 0, -5]) {
			await sandbox.open({now: () => Date.now() + offset * hours}).resolve({providerId});
		}
		await expectIntact(sandbox);
	});

	test('a failure that a clock ahead has put into the journal keeps nobody from asking', async () => {
		const {sandbox} = await withGrant();
		sandbox.server.setTokenFailure({status: 500, body: ''});
		await refusal(sandbox.open({now: () => Date.now() + 5 * hours}).resolve({providerId}));
		sandbox.server.setTokenFailure(undefined);
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
		expect(sandbox.server.events.at(-1)?.type).toBe('refreshed');
	});

	test('a line of tokens is followed though the journal is not in the order of its times', async () => {
		const {sandbox, entry} = await withGrant();
		const identity = identityName(entry as unknown as OAuthCredential, []);
		for (const offset of [5, 0, -5]) {
			const jarvis = sandbox.open({now: () => Date.now() + offset * hours});
			await jarvis.refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		}
		expect(readJournal(sandbox.paths, identity)).toHaveLength(3);
		// Another agent has a copy of the very first one.
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		await sandbox.open().refresh({agentId: 'work', profileId, provider: providerId}, 'always');
		await expectIntact(sandbox);
	});
});

describe('what must not come back', () => {
	it('a copy that knows no account is refreshed apart from the record that has moved on and does', async () => {
		const {sandbox, entry} = await withGrant();
		const {accountId: _, email: __, ...bare} = entry;
		const jarvis = sandbox.open();
		await jarvis.refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		const {profiles} = readStore(sandbox);
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...profiles[profileId], expires: 1}}});
		writeStore(sandbox, 'work', {profiles: {[profileId]: bare}});
		// The journal as of a time when nobody knew the account.
		const {journal} = sandbox.paths;
		const identity = identityName(entry as unknown as OAuthCredential, []);
		renameSync(join(journal, `${identity}.json`), join(journal, 'another.json'));
		const answers = await askTogether(sandbox, index => ({agentId: index % 2 === 0 ? 'main' : 'work'}));
		expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1);
		expect(sandbox.server.refreshRequests).toBe(2);
		await expectIntact(sandbox);
	});

	it('a grant of which nobody knows the account gets a journal for each refresh', async () => {
		const {sandbox, entry} = await withGrant();
		const {accountId: _, email: __, ...bare} = entry;
		declareProvider(sandbox.stateDir, sandbox.server, {accountIdClaim: undefined, emailClaim: undefined});
		writeStore(sandbox, 'main', {profiles: {[profileId]: bare}});
		for (let turn = 0; turn < 3; turn++) {
			await sandbox.open().refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		}
		expect(readdirSync(sandbox.paths.journal)).toHaveLength(2);
		await expectIntact(sandbox);
	});
});
