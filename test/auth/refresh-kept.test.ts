import {copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, onTestFinished, test} from 'vitest';
import {fingerprint, identityName} from '../../source/auth/identity.ts';
import type {AuthorizationServerOptions} from '../../source/sandbox/authorization-server.ts';
import {readCredentials} from '../../source/store/profiles.ts';
import {readJournal} from '../../source/store/read-journal.ts';
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
	writeStore,
} from '../support/sandbox.ts';
import {assemble} from './crew.ts';
import type {Point} from './points.ts';

const profileId = 'acme:maya';
const profile = {agentId: 'main', profileId, provider: providerId};

async function withGrant(options: Partial<AuthorizationServerOptions> = {}) {
	const sandbox = await openSandbox(options);
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** Has a process refresh main's token and be killed at this point. */
async function killedAt(dieAt: Point, {stateDir}: Sandbox): Promise<void> {
	const crew = await assemble(1);
	onTestFinished(() => crew.dismiss());
	const [answer] = await crew.run([{stateDir, providerId, agentId: 'main', dieAt}]);
	expect(answer).toEqual({code: 'gone', message: 'ended by SIGKILL'});
}

function reasons({server}: Sandbox): string[] {
	return server.events.flatMap(({type, reason}) => (type === 'refused' ? [reason ?? ''] : []));
}

/** Everything in the reply slots, without the zeros. */
function slots({paths}: Sandbox): string {
	const files = readdirSync(paths.journal).filter(name => name.endsWith('.reply'));
	expect(files).not.toEqual([]);
	return files.map(name => readFileSync(join(paths.journal, name), 'utf8').replaceAll('\0', '')).join('');
}

async function identityOf({paths}: Sandbox): Promise<string> {
	const credential = (await readCredentials(paths, 'main')).profiles.get(profileId) as OAuthCredential;
	return identityName(credential, []);
}

/** Refreshes once more: a grant that was ended would be refused. */
async function expectAlive(sandbox: Sandbox): Promise<void> {
	expect(await sandbox.open().refresh(profile, 'always')).toBe('refreshed');
	expect(reasons(sandbox)).toEqual([]);
}

describe('a reply that is kept goes with the last profile that it is for', () => {
	const work = {agentId: 'work', profileId};

	async function withKept() {
		const {sandbox, entry} = await withGrant();
		const jarvis = sandbox.open();
		await jarvis.addAgent({id: 'work'});
		writeStore(sandbox, 'work', {profiles: {[profileId]: entry}});
		await killedAt('kept', sandbox);
		return {sandbox, jarvis};
	}

	test('by its removal, and by the deletion of its agent', async () => {
		const {sandbox, jarvis} = await withKept();
		await jarvis.removeProfile('main', profileId);
		expect(slots(sandbox)).toContain('"refresh"');
		await jarvis.deleteAgent(work.agentId);
		expect(slots(sandbox)).toBe('');
	});

	test('and not before an agent that may have it can be read', async () => {
		const {sandbox, jarvis} = await withKept();
		writeFileSync(sandbox.paths.profiles('work'), '{');
		await jarvis.removeProfile('main', profileId);
		expect(slots(sandbox)).toContain('"refresh"');
		writeStore(sandbox, 'work', {profiles: {}});
		const found = await jarvis.doctor();
		const kept = found.find(({id}) => id === 'reply_kept');
		expect(kept?.mend).toMatchObject({what: 'remove it', asks: true});
		if (kept) await jarvis.mend(kept);
		expect(slots(sandbox)).toBe('');
	});

	test('by logging out, also where nobody knows its provider any more', async () => {
		const {sandbox, jarvis} = await withKept();
		rmSync(sandbox.paths.plugins, {recursive: true});
		for (const agentId of ['main', 'work']) await jarvis.logOut(agentId, profileId);
		expect(slots(sandbox)).toBe('');
	});
});

describe('a process that is killed', () => {
	test('before its request costs nothing', async () => {
		const {sandbox} = await withGrant();
		await killedAt('request', sandbox);
		expect(sandbox.server.refreshRequests).toBe(0);
		await sandbox.open().resolve({providerId});
		await expectAlive(sandbox);
	});

	test('when the reply has arrived costs nothing where the server lets the old token be sent again', async () => {
		const {sandbox} = await withGrant({reuseGraceMs: 60_000});
		await killedAt('reply', sandbox);
		const {secret} = await sandbox.open().resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect(sandbox.server.refreshRequests).toBe(2);
		await expectAlive(sandbox);
	});

	test('when the reply has arrived costs a login where the server does not', async () => {
		const {sandbox} = await withGrant();
		await killedAt('reply', sandbox);
		const error = await refusal(sandbox.open().resolve({providerId}));
		expect(error).toMatchObject({
			code: 'needs_login',
			exitCode: 3,
			message: expect.stringMatching(/A refresh that was cut off at \S+Z may have spent it\.$/),
			next: expect.stringContaining(`--profile-id '${profileId}'`),
		});
	});

	test('when the reply is kept costs nothing: it is stored at the next use, and nothing is asked', async () => {
		const {sandbox, entry} = await withGrant();
		await killedAt('kept', sandbox);
		expect(readStore(sandbox).profiles[profileId]).toEqual(entry);
		const {secret} = await sandbox.open().resolve({providerId});
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(slots(sandbox)).toBe('');
		const stored = readStore(sandbox).profiles[profileId];
		expect(stored).toMatchObject({access: secret, expiresIn: 60, email: 'maya@example.test'});
		expect(readJournal(sandbox.paths, await identityOf(sandbox))).toEqual([
			expect.objectContaining({
				spent: fingerprint(String(entry.refresh)),
				outcome: 'refreshed',
				issued: fingerprint(String(stored?.refresh)),
			}),
		]);
		await expectAlive(sandbox);
	});

	test('the same where no account is known, and for another agent with the same grant', async () => {
		const {sandbox, entry} = await withGrant();
		const {accountId: _, email: __, ...bare} = entry;
		writeStore(sandbox, 'main', {profiles: {[profileId]: bare}});
		writeStore(sandbox, 'work', {profiles: {'acme:copy': bare}});
		await killedAt('kept', sandbox);
		const {secret} = await sandbox.open().resolve({providerId, agentId: 'work'});
		expect(await sandbox.open().resolve({providerId})).toMatchObject({secret});
		expect(sandbox.server.refreshRequests).toBe(1);
		await expectAlive(sandbox);
	});

	test('when its own record is stored leaves the others theirs', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {'acme:copy': entry}});
		await killedAt('stored', sandbox);
		const {secret} = await sandbox.open().resolve({providerId});
		expect(await sandbox.open().resolve({providerId, agentId: 'work'})).toMatchObject({secret});
		expect(readStore(sandbox, 'work').profiles['acme:copy']).toMatchObject({access: secret});
		expect(slots(sandbox)).toBe('');
		await expectAlive(sandbox);
	});
});

describe('a reply that was kept', () => {
	test('whose access token is over by now is stored, and refreshed with the refresh token that it brought', async () => {
		const {sandbox, entry} = await withGrant();
		await killedAt('kept', sandbox);
		const later = sandbox.open({now: () => Date.now() + 120_000});
		await later.resolve({providerId});
		const sent = sandbox.server.tokenRequests.map(({body}) => body.refresh_token).filter(Boolean);
		expect(sent).toEqual([entry.refresh, expect.not.stringMatching(String(entry.refresh))]);
		expect(reasons(sandbox)).toEqual([]);
		expect(slots(sandbox)).toBe('');
	});

	test('is worth nothing after a login, and is overwritten at the next refresh', async () => {
		const {sandbox, entry} = await withGrant();
		await killedAt('kept', sandbox);
		const {access_token: access, refresh_token: refresh} = await obtainTokens(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...entry, access, refresh}}});
		expect(slots(sandbox)).not.toBe('');
		const {secret} = await sandbox.open().resolve({providerId});
		expect(sandbox.server.tokenRequests.at(-1)?.body.refresh_token).toBe(refresh);
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect(slots(sandbox)).toBe('');
		await expectAlive(sandbox);
	});

	test('is stored over an older version of the file, too, that a person has put back', async () => {
		const {sandbox} = await withGrant();
		await sandbox.open().resolve({providerId});
		const file = sandbox.paths.profiles('main');
		const {profiles} = readStore(sandbox);
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...profiles[profileId], expires: 1}}});
		await killedAt('kept', sandbox);
		// The backup holds the token before the one that was spent last.
		copyFileSync(`${file}.bak`, file);
		const {secret} = await sandbox.open().resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect(sandbox.server.refreshRequests).toBe(2);
		await expectAlive(sandbox);
	});

	test('stays while the file that it belongs to cannot be read, whoever refreshes the account meanwhile', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'work', {profiles: {'acme:own': await expiredEntry(sandbox.server)}});
		await killedAt('kept', sandbox);
		const file = sandbox.paths.profiles('main');
		writeFileSync(file, '{"profiles": {');
		const work = {agentId: 'work', profileId: 'acme:own', provider: providerId};
		expect(await sandbox.open().refresh(work, 'expired')).toBe('refreshed');
		expect(await refusal(sandbox.open().resolve({providerId}))).toMatchObject({code: 'store_damaged'});
		writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
		// Both are of one account: what is stored for main serves work as well.
		expect(await sandbox.open().refresh(work, 'always')).toBe('adopted');
		expect(readStore(sandbox).profiles[profileId]?.refresh).not.toBe(entry.refresh);
		expect(slots(sandbox)).toBe('');
		expect(sandbox.server.refreshRequests).toBe(2);
		await expectAlive(sandbox);
	});

	test('that is torn counts as none', async () => {
		const {sandbox} = await withGrant({reuseGraceMs: 60_000});
		await killedAt('kept', sandbox);
		const [name = ''] = readdirSync(sandbox.paths.journal).filter(file => file.endsWith('.reply'));
		const slot = join(sandbox.paths.journal, name);
		writeFileSync(slot, readFileSync(slot).fill(0, 100));
		await sandbox.open().resolve({providerId});
		expect(sandbox.server.refreshRequests).toBe(2);
		expect(slots(sandbox)).toBe('');
	});

	test('for a token that was refused meanwhile does not take its mark away', async () => {
		const {sandbox, entry} = await withGrant();
		const identity = await identityOf(sandbox);
		const slot = openReplySlot(sandbox.paths, identity);
		const spent = fingerprint(String(entry.refresh));
		slot.keep({
			...{spent, startedAt: 1},
			credential: {
				type: 'oauth',
				provider: providerId,
				access: canary('late'),
				refresh: canary('late-refresh'),
			},
		});
		slot.close();
		const needsLogin = {since: 5, fingerprint: spent, reason: 'invalid_grant'};
		const other = await expiredEntry(sandbox.server);
		const document = {
			profiles: {[profileId]: entry, 'acme:other': other},
			usageStats: {[profileId]: {needsLogin}},
		};
		writeStore(sandbox, 'main', document);
		await sandbox.open().refresh({...profile, profileId: 'acme:other'}, 'expired');
		expect(readStore(sandbox).profiles[profileId]).toEqual(entry);
		expect(readStore(sandbox).usageStats?.[profileId]).toEqual({needsLogin});
		expect(slots(sandbox)).toBe('');
	});
});

test('after a refresh nothing secret is left beside the store', async () => {
	const {sandbox} = await withGrant();
	const {secret} = await sandbox.open().resolve({providerId});
	const {refresh} = readStore(sandbox).profiles[profileId] ?? {};
	for (const name of readdirSync(sandbox.paths.journal)) {
		const text = readFileSync(join(sandbox.paths.journal, name), 'utf8');
		expect(text).not.toContain(secret);
		expect(text).not.toContain(String(refresh));
	}
});
