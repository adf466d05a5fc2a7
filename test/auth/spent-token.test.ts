import {copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import type {Jarvis} from '../../source/core.ts';
import {findTokenIn} from '../../source/store/find-token.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {journalOfToken, readAllJournals} from '../../source/store/read-journal.ts';
import {backupPaths} from '../../source/store/write.ts';
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

/** A profile that was refreshed twice, and whose file has one backup: of before the second time. */
async function refreshedTwice() {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {
		profiles: {
			[profileId]: await expiredEntry(sandbox.server),
			'openai:key': {type: 'api_key', provider: 'openai', key: canary('beside')},
		},
	});
	await refreshed(sandbox);
	const file = sandbox.paths.profiles('main');
	const before = readFileSync(file, 'utf8');
	await refreshed(sandbox);
	const after = readStore(sandbox);
	for (const path of backupPaths(file)) rmSync(path, {force: true});
	writeFileSync(`${file}.bak`, before, {mode: 0o600});
	return {sandbox, file, live: String(after.profiles[profileId]?.refresh)};
}

async function refreshed(sandbox: Sandbox): Promise<void> {
	expect(await sandbox.open().refresh(profile, 'always')).toBe('refreshed');
}

/** Refreshes once more; no token has come to the server twice, and it has refused none. */
async function expectAlive(sandbox: Sandbox): Promise<void> {
	await refreshed(sandbox);
	expectNoneSentTwice(sandbox);
}

/** What doctor finds in the state folder: who holds a port of the machine is no part of that. */
async function findings(jarvis: Pick<Jarvis, 'doctor'>) {
	return (await jarvis.doctor()).filter(({id}) => id !== 'port_taken');
}

function expectNoneSentTwice({server}: Sandbox): void {
	const sent = server.tokenRequests.flatMap(({body}) => body.refresh_token ?? []);
	expect(sent).toEqual([...new Set(sent)]);
	expect(server.events.filter(({type}) => type === 'refused')).toEqual([]);
}

/** Takes the first comma behind a text away. */
const withoutComma = (text: string, behind: string) => {
	const at = text.indexOf(',', text.indexOf(behind));
	return text.slice(0, at) + text.slice(at + 1);
};

describe('a damaged file', () => {
	test.each<[string, (text: string) => string, boolean]>([
		['with a comma too few in the entry', text => withoutComma(text, '"type": "oauth"'), false],
		['with a comma too few elsewhere', text => withoutComma(text, '"type": "api_key"'), true],
		['with a quote too few', text => text.replace('"accountId"', '"accountId'), false],
		['that was cut off', text => text.slice(0, -12), true],
	])('%s has its newest token in the version that doctor puts back', async (_, damage, isWhole) => {
		const {sandbox, file, live} = await refreshedTwice();
		const {access} = readStore(sandbox).profiles[profileId] ?? {};
		writeFileSync(file, damage(readFileSync(file, 'utf8')));
		const jarvis = sandbox.open();
		const [found] = await findings(jarvis);
		expect(found).toMatchObject({id: 'file_damaged', next: 'jarvis doctor --fix'});
		expect(found?.what).toContain(`The newer tokens of ${profileId} are carried over.`);
		expect(found?.what).not.toContain(live);
		if (found) await jarvis.mend(found);
		const stored = readStore(sandbox).profiles[profileId];
		expect(stored?.refresh).toBe(live);
		// With its access token where that is surely the one that came with it.
		expect(stored?.access).toBe(isWhole ? access : undefined);
		expect(await findings(jarvis)).toEqual([]);
		await expectAlive(sandbox);
	});

	test('that has lost its newest token: it is said before, and the old one is never sent', async () => {
		const {sandbox, file, live} = await refreshedTwice();
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.slice(0, text.indexOf(live) + 10));
		const requests = sandbox.server.refreshRequests;
		const jarvis = sandbox.open();
		const [found] = await findings(jarvis);
		expect(found?.what).toContain(
			`only spent refresh tokens of ${profileId}, and the newer ones are nowhere`,
		);
		if (found) await jarvis.mend(found);
		expect(Object.keys(readStore(sandbox).profiles)).toEqual([profileId, 'openai:key']);
		expect((await findings(jarvis)).map(({id, what}) => [id, what])).toEqual([
			['needs_login', 'Its refresh token was spent before, and the newer one is gone.'],
		]);
		expect((await refusal(jarvis.refresh(profile, 'always').then(() => undefined))).code).toBe('needs_login');
		expect(sandbox.server.refreshRequests).toBe(requests);
	});
});

describe('a backup that was copied over the file', () => {
	test.each<[string, (file: string, sandbox: Sandbox) => void]>([
		['another backup', file => renameSync(file, `${file}.bak.1`)],
		['a damaged version that was kept', file => renameSync(file, `${file}.damaged-2026-01-01`)],
		[
			'what was set aside',
			(file, {stateDir}) => {
				mkdirSync(join(stateDir, 'salvaged'));
				writeFileSync(
					join(stateDir, 'salvaged', 'auth-profiles.json.1'),
					readFileSync(file, 'utf8').slice(0, -9),
				);
			},
		],
		[
			'a damaged file of another agent',
			(file, {paths}) => {
				mkdirSync(paths.agentCredentials('work'), {recursive: true});
				writeFileSync(paths.profiles('work'), readFileSync(file, 'utf8').slice(0, -9));
			},
		],
	])('goes on with the newest token, where that is in %s', async (_, keep) => {
		for (const [isOver, how] of [
			[false, 'adopted'],
			[true, 'refreshed'],
		] as const) {
			const {sandbox, file, live} = await refreshedTwice();
			if (isOver) {
				const {profiles} = readStore(sandbox);
				writeStore(sandbox, 'main', {profiles: {[profileId]: {...profiles[profileId], expires: 1}}});
			}
			keep(file, sandbox);
			copyFileSync(`${file}.bak`, file);
			expect(await sandbox.open().refresh(profile, 'always')).toBe(how);
			expect(readStore(sandbox).profiles[profileId]?.refresh === live).toBe(!isOver);
			await expectAlive(sandbox);
		}
	});

	test('and a server that cannot be reached cost nothing: the newest token is stored before it is sent', async () => {
		const {sandbox, file, live} = await refreshedTwice();
		const damaged = `${file}.damaged-2026-01-01`;
		writeFileSync(damaged, readFileSync(file, 'utf8').replace('"accountId"', '"accountId'));
		copyFileSync(`${file}.bak`, file);
		sandbox.server.setTokenFailure({status: 503, body: ''});
		expect((await refusal(sandbox.open().resolve({providerId, minTtlMs: 59_990}))).code).toBe(
			'refresh_unavailable',
		);
		rmSync(damaged);
		expect(readStore(sandbox).profiles[profileId]?.refresh).toBe(live);
		sandbox.server.setTokenFailure(undefined);
		expect(await sandbox.open().refresh(profile, 'always')).toBe('refreshed');
	});

	test('is told by doctor before the access token is over, and mended by it', async () => {
		const {sandbox, file, live} = await refreshedTwice();
		renameSync(file, `${file}.bak.1`);
		copyFileSync(`${file}.bak`, file);
		const jarvis = sandbox.open();
		const [found] = await findings(jarvis);
		expect(found?.id).toBe('refresh_spent');
		if (found) await jarvis.mend(found);
		expect(readStore(sandbox).profiles[profileId]?.refresh).toBe(live);
		await expectAlive(sandbox);
	});

	test('with the newest token gone asks for a login, says why, and sends nothing', async () => {
		const {sandbox, file} = await refreshedTwice();
		copyFileSync(`${file}.bak`, file);
		const requests = sandbox.server.tokenRequests.length;
		const ask = () => refusal(sandbox.open().resolve({providerId, minTtlMs: 59_990}));
		const error = await ask();
		expect(error.code).toBe('needs_login');
		expect(error.message).toContain('was spent before: an older version of its file was put back');
		expect(error.next).toContain('jarvis models auth login --provider acme');
		expect((await ask()).message).toContain('its refresh token was spent before');
		expect(readStore(sandbox).usageStats?.[profileId]?.needsLogin).toMatchObject({reason: 'token_spent'});
		expect(sandbox.server.tokenRequests).toHaveLength(requests);
		const [noted] = await sandbox.open().auditLog({events: ['refresh_failed']}, 1);
		expect(noted?.note).toBe('its refresh token was spent before, and was not sent again');
	});

	test('is known for one behind attempts that came to nothing, too', async () => {
		const {sandbox, file} = await refreshedTwice();
		const [last] = readAllJournals(sandbox.paths).slice(-1);
		for (let turn = 1; turn <= 25; turn++) {
			const startedAt = Date.now() + turn;
			writeJournal(sandbox.paths, journalOfToken(sandbox.paths, last?.spent ?? '') ?? '', {
				...{spent: last?.issued ?? '', startedAt, finishedAt: startedAt, outcome: 'unknown'},
			});
		}
		copyFileSync(`${file}.bak`, file);
		expect((await refusal(sandbox.open().resolve({providerId, minTtlMs: 59_990}))).code).toBe('needs_login');
		expectNoneSentTwice(sandbox);
	});

	test('is known where a login had replaced the profile while it was refreshed, so that nobody took the newer one', async () => {
		const {sandbox, file} = await refreshedTwice();
		const before = readFileSync(file, 'utf8');
		const late: typeof fetch = async (...request) => {
			const response = await fetch(...request);
			writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
			return response;
		};
		await sandbox.open({fetch: late}).refresh(profile, 'always');
		await expectAlive(sandbox);
		writeFileSync(file, before);
		expect((await refusal(sandbox.open().resolve({providerId, minTtlMs: 59_990}))).code).toBe('needs_login');
		expectNoneSentTwice(sandbox);
	});
});

test('a provider that gives no new refresh token has the same one sent again and again', async () => {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	for (const turn of [1, 2, 3]) {
		const body = JSON.stringify({access_token: canary(`${turn}`), token_type: 'bearer', expires_in: 60});
		sandbox.server.setTokenFailure({status: 200, body});
		await refreshed(sandbox);
		expect(sandbox.server.refreshRequests).toBe(turn);
	}
	expect(readStore(sandbox).profiles[profileId]).toMatchObject({refresh: entry.refresh, access: canary('3')});
	expect(await findings(sandbox.open())).toEqual([]);
	// It is still good, also for a server that rotates from now on.
	sandbox.server.setTokenFailure(undefined);
	await refreshed(sandbox);
});

test('an access token is taken along only from an object that is one by itself', () => {
	const wanted = fingerprint('wanted-token');
	const entry = {type: 'oauth', provider: providerId, access: 'one', refresh: 'wanted-token', expires: 5};
	expect(findTokenIn(`{oops ${JSON.stringify(entry)}`, wanted)).toEqual({
		...{refresh: 'wanted-token', access: 'one', expires: 5},
	});
	const merged = `{oops {"type": "oauth", "access": "one", "refresh": "wanted-token", "access": "two"}`;
	expect(findTokenIn(merged, wanted)).toEqual({refresh: 'wanted-token'});
	expect(findTokenIn('{"profiles": {"a": "wanted-token"}}', wanted)).toBeUndefined();
	expect(findTokenIn('', wanted)).toBeUndefined();
});
