import {readdirSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it, test} from 'vitest';
import {
	canary,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {type Answer, assemble, type Crew} from './crew.ts';

let crew: Crew;
beforeAll(async () => {
	crew = await assemble(32);
}, 120_000);
afterAll(() => crew.dismiss());

type Entry = Record<string, unknown>;

/** Has half of 32 processes ask through either agent (all through main where there is only one). */
async function askTogether({stateDir}: Sandbox, agentIds: readonly string[]): Promise<Answer[]> {
	const jobs = Array.from({length: 32}, (_, index) => ({
		...{stateDir, providerId},
		agentId: agentIds[index % agentIds.length] ?? 'main',
	}));
	return crew.run(jobs);
}

function accessOf(sandbox: Sandbox, agentId: string): unknown {
	return Object.values(readStore(sandbox, agentId).profiles)[0]?.access;
}

/** How often an agent's file was replaced: each time leaves a backup, up to three. */
function writesOf({paths}: Sandbox, agentId: string): number {
	return readdirSync(paths.agentCredentials(agentId)).filter(name => name.includes('.bak')).length;
}

/** Asks together, and expects one request and its token for everybody. */
async function expectOneRefresh(
	sandbox: Sandbox,
	entries: Readonly<Record<string, Entry>>,
	grants = 1,
): Promise<void> {
	const agentIds = Object.keys(entries);
	for (const [agentId, entry] of Object.entries(entries)) {
		writeStore(sandbox, agentId, {profiles: {'acme:maya': entry}});
	}
	sandbox.server.setTokenDelay(50);
	const answers = await askTogether(sandbox, agentIds);
	const access = accessOf(sandbox, 'main');
	expect(new Set(answers.map(answer => JSON.stringify(answer)))).toEqual(
		new Set([JSON.stringify({secret: access})]),
	);
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(sandbox.server.events.filter(event => event.type === 'refused')).toEqual([]);
	const refreshOf = (agentId: string) => readStore(sandbox, agentId).profiles['acme:maya']?.refresh;
	for (const agentId of agentIds) {
		expect(accessOf(sandbox, agentId)).toBe(access);
		expect(writesOf(sandbox, agentId)).toBe(1);
	}
	// Records of one grant all get its new token; another grant's own token is neither spent nor replaced.
	const kept = agentIds.filter(agentId => refreshOf(agentId) === entries[agentId]?.refresh);
	expect(kept).toHaveLength(grants - 1);
	expect(new Set(agentIds.map(refreshOf)).size).toBe(grants);
	// The grant is alive: nobody has used a spent token.
	sandbox.server.setTokenDelay(0);
	await sandbox.open().refresh({agentId: 'main', profileId: 'acme:maya', provider: providerId}, 'always');
	expect(sandbox.server.events.at(-1)?.type).toBe('refreshed');
}

function without(entry: Entry, ...members: readonly string[]): Entry {
	return Object.fromEntries(Object.entries(entry).filter(([name]) => !members.includes(name)));
}

test('32 processes that find one token over send one request', async () => {
	const sandbox = await openSandbox();
	await expectOneRefresh(sandbox, {main: await expiredEntry(sandbox.server)});
});

describe('32 processes over two agents that hold a copy of one grant send one request', () => {
	test('with its account', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		await expectOneRefresh(sandbox, {main: entry, work: entry});
	});

	test('without its account', async () => {
		const sandbox = await openSandbox();
		const entry = without(await expiredEntry(sandbox.server), 'accountId', 'email');
		await expectOneRefresh(sandbox, {main: entry, work: entry});
	});

	test('with its account in one of them only', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		await expectOneRefresh(sandbox, {main: without(entry, 'accountId', 'email'), work: entry});
	});
});

test('32 processes over two agents with a login each of one account send one request', async () => {
	const sandbox = await openSandbox();
	const {server} = sandbox;
	await expectOneRefresh(sandbox, {main: await expiredEntry(server), work: await expiredEntry(server)}, 2);
});

test('two accounts are refreshed apart, each once', async () => {
	const sandbox = await openSandbox();
	const {server} = sandbox;
	writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(server)}});
	writeStore(sandbox, 'work', {profiles: {'acme:wren': await expiredEntry(server, 'wren@example.test')}});
	const answers = await askTogether(sandbox, ['main', 'work']);
	expect(new Set(answers.map(answer => 'secret' in answer && answer.secret))).toEqual(
		new Set([accessOf(sandbox, 'main'), accessOf(sandbox, 'work')]),
	);
	expect(server.refreshRequests).toBe(2);
	expect(server.events.filter(event => event.type === 'refused')).toEqual([]);
});

test('a refused token is sent once, and each of 32 processes is told to log in', async () => {
	const sandbox = await openSandbox();
	const entry = {...(await expiredEntry(sandbox.server)), refresh: canary('refused')};
	writeStore(sandbox, 'main', {profiles: {'acme:maya': entry}});
	sandbox.server.setTokenDelay(50);
	const answers = await askTogether(sandbox, ['main']);
	expect(new Set(answers.map(answer => 'code' in answer && answer.code))).toEqual(new Set(['needs_login']));
	expect(sandbox.server.refreshRequests).toBe(1);
});

test('a request that fails is not repeated by each of 8 that waited for it', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
	sandbox.server.setTokenFailure({status: 500, body: '{"error":"server_error"}'});
	sandbox.server.setTokenDelay(1000);
	const job = {stateDir: sandbox.stateDir, providerId, agentId: 'main'};
	const answers = await crew.run(Array.from({length: 8}, () => job));
	expect(new Set(answers.map(answer => 'code' in answer && answer.code))).toEqual(
		new Set(['refresh_unavailable']),
	);
	expect(sandbox.server.refreshRequests).toBe(1);
	sandbox.server.setTokenFailure(undefined);
	sandbox.server.setTokenDelay(0);
	expect(await sandbox.open().resolve({providerId})).toMatchObject({secret: expect.any(String)});
});

describe('what must not come back', () => {
	it('copies of one grant of which one knows its e-mail only send one request', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		await expectOneRefresh(sandbox, {main: entry, work: without(entry, 'accountId')});
	});
});
