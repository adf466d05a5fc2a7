import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {runExportOpenclaw} from '../../source/commands/openclaw.ts';
import type {Jarvis} from '../../source/core.ts';
import {
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';

/** The real authorization server ends a grant when one of its refresh tokens comes a second time. */

const profileId = 'acme:maya@example.test';

function fileOf(folder: string, agentId = 'main'): string {
	return join(folder, 'agents', agentId, 'agent', 'auth-profiles.json');
}

function profileIn(folder: string, agentId = 'main'): Record<string, unknown> {
	return JSON.parse(readFileSync(fileOf(folder, agentId), 'utf8')).profiles[profileId];
}

async function runExport(jarvis: Jarvis, folder: string) {
	const printed: string[] = [];
	const told: string[] = [];
	const code = await runExportOpenclaw({
		...{jarvis, arguments: [folder], flags: {}, stdin: process.stdin},
		print: text => printed.push(text),
		tell: text => told.push(text),
	});
	return {printed: printed.join('\n'), told, code};
}

test('two agents with copies of one grant refresh it once after an import, and both get the token', async () => {
	const sandbox = await openSandbox();
	const folder = temporaryFolder();
	const entry = await expiredEntry(sandbox.server);
	for (const agentId of ['main', 'work']) {
		writeJson(fileOf(folder, agentId), {version: 1, profiles: {[profileId]: entry}});
	}
	const jarvis = sandbox.open();
	await jarvis.importOpenclaw(folder, {dryRun: false});
	const resolved = await Promise.all(
		['work', 'main', 'work'].map(agentId => sandbox.open().resolve({providerId, agentId})),
	);
	expect(new Set(resolved.map(({secret}) => secret)).size).toBe(1);
	expect(sandbox.server.events.filter(({type}) => type === 'refreshed')).toHaveLength(1);
	// What openclaw still holds is spent now: a second import must not bring it back.
	const before = readStore(sandbox);
	const again = await jarvis.importOpenclaw(folder, {dryRun: false});
	expect(again.profiles.map(({outcome}) => outcome)).toEqual(['fresher_here', 'read_of_main']);
	expect(readStore(sandbox)).toEqual(before);
	expect((await jarvis.resolve({providerId, agentId: 'work'})).secret).toBe(resolved[0]?.secret);
});

test('an export hands out a token that is good, and no means to refresh it', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
	const folder = join(temporaryFolder(), 'exported');
	const jarvis = sandbox.open();
	const {notes} = await jarvis.exportOpenclaw(folder, {merge: false, withRefreshTokens: false});
	expect(notes).toEqual([]);
	const {access, expires} = readStore(sandbox).profiles[profileId] ?? {};
	expect(profileIn(folder)).toMatchObject({access, expires});
	expect(expires).toBeGreaterThan(Date.now());
	expect(profileIn(folder)).not.toHaveProperty('refresh');
});

test('a grant that is handed over works there, and is not refreshed here any more', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
	const folder = join(temporaryFolder(), 'exported');
	const jarvis = sandbox.open();
	const {profiles} = await jarvis.exportOpenclaw(folder, {merge: false, withRefreshTokens: true});
	expect(profiles).toMatchObject([{profileId, outcome: 'handed_over'}]);
	expect(readStore(sandbox).profiles[profileId]).not.toHaveProperty('refresh');
	const refresh = {agentId: 'main', profileId, provider: providerId};
	expect(await refusal(jarvis.refresh(refresh, 'always'))).toMatchObject({code: 'no_credential'});

	// openclaw refreshes as any client does.
	const {clientId, tokenEndpoint} = sandbox.server;
	const body = new URLSearchParams({
		...{grant_type: 'refresh_token', client_id: clientId},
		refresh_token: String(profileIn(folder).refresh),
	});
	const reply = await fetch(tokenEndpoint, {method: 'POST', body});
	expect(reply.status).toBe(200);
});

test('one that cannot be refreshed is exported as it is, which is told', async () => {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: {...entry, refresh: 'not-a-secret-refresh-unknown'}}});
	const folder = join(temporaryFolder(), 'exported');
	const {printed, told, code} = await runExport(sandbox.open(), folder);
	expect(code).toBe(1);
	expect(printed).toMatch(/acme:maya@example\.test +✗ access token only, and that is over/);
	expect(told).toContainEqual(expect.stringContaining(`main/${profileId} is over and was not refreshed`));
	expect(printed + told.join()).not.toContain('not-a-secret');
	expect(profileIn(folder)).toMatchObject({access: entry.access});
});
