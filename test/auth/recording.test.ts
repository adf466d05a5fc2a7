import {mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {expect, test, vi} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {readAllJournals} from '../../source/store/read-journal.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	reaches,
	readStore,
	redirectOf,
	refusal,
	type Sandbox,
	startWaiting,
	writeStore,
} from '../support/sandbox.ts';
import {text} from '../support/state-folder.ts';
import {finishElsewhere} from './elsewhere.ts';

const profileId = 'acme:maya';

/** The log so far: of each entry what matters to the test. */
async function logged(sandbox: Sandbox): Promise<(string | undefined)[][]> {
	const entries = await sandbox.open().auditLog({}, 1000);
	return entries.map(({event, agentId, profileId: of, note, count}) =>
		[event, agentId, of, note, count?.toString()].filter(part => part !== undefined),
	);
}

async function withExpired(...agents: readonly string[]): Promise<Sandbox> {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	for (const agentId of agents) writeStore(sandbox, agentId, {profiles: {[profileId]: entry}});
	return sandbox;
}

test('a login is noted once, by whoever stored it', async () => {
	const sandbox = await openSandbox();
	const pasted = await startWaiting(sandbox, {profileId: 'acme:pasted'});
	await pasted.login.paste(await redirectOf(pasted.state));
	await pasted.login.finished;
	const here = await startWaiting(sandbox, {profileId: 'acme:here'});
	await sandbox.open().finishLogin(await redirectOf(here.state));
	await here.login.finished;
	const elsewhere = await startWaiting(sandbox, {profileId: 'acme:elsewhere'});
	await finishElsewhere(sandbox.stateDir, await redirectOf(elsewhere.state));
	await elsewhere.login.finished;
	const denied = await startWaiting(sandbox);
	await denied.login.paste(await redirectOf(denied.state, 'deny'));
	await denied.login.finished;
	expect(await logged(sandbox)).toEqual([
		['login', 'main', 'acme:pasted', 'oauth'],
		['login', 'main', 'acme:here', 'oauth'],
		['login', 'main', 'acme:elsewhere', 'oauth'],
		['login_failed', 'main', 'login_denied'],
	]);
	const pids = (await sandbox.open().auditLog({}, 10)).map(({pid}) => pid);
	expect(pids.filter(pid => pid === process.pid)).toHaveLength(3);
});

test('a pasted secret is a login, of the kind that it is', async () => {
	const sandbox = await openSandbox();
	const login = await sandbox.open().startLogin({providerId: 'openai', agentId: 'main', method: 'api_key'});
	await reaches(login, 'asking');
	await login.paste(`sk-${canary('key')}`);
	await login.finished;
	expect(await logged(sandbox)).toEqual([['login', 'main', 'openai:default', 'api_key']]);
});

test('a refresh is noted once, by the one that did it; those that take its token over only get it', async () => {
	const sandbox = await withExpired('main', 'work');
	sandbox.server.setTokenDelay(50);
	const all = Array.from({length: 6}, (_, index) =>
		sandbox
			.open({by: `program ${index}`})
			.resolve({providerId: 'acme', agentId: index % 2 ? 'main' : 'work'}),
	);
	await Promise.all(all);
	const events = (await logged(sandbox)).map(([event]) => event);
	expect(events.filter(event => event === 'refreshed')).toHaveLength(1);
	expect(events.filter(event => event === 'handed_out')).toHaveLength(6);
	expect(sandbox.server.refreshRequests).toBe(1);
	// What the dashboard does by itself, and a token that is good, is none.
	expect(await sandbox.open().refresh({agentId: 'main', profileId, provider: 'acme'}, 'expired')).toBe(
		'stored',
	);
	expect(await sandbox.open().refresh({agentId: 'main', profileId, provider: 'acme'}, 'always')).toBe(
		'refreshed',
	);
	expect((await logged(sandbox)).filter(([event]) => event === 'refreshed')).toHaveLength(2);
});

test('a reply that an earlier process had kept is a refresh when it is stored, and no second one later', async () => {
	const sandbox = await withExpired('main');
	const {refresh} = readStore(sandbox).profiles[profileId] ?? {};
	const jarvis = sandbox.open();
	// Its store cannot be written while the request is under way: the reply stays in its slot.
	const file = sandbox.paths.profiles('main');
	const before = text(file);
	sandbox.server.setTokenDelay(200);
	const failing = jarvis.resolve({providerId: 'acme'});
	await expect.poll(() => sandbox.server.refreshRequests).toBe(1);
	writeFileSync(file, 'not json');
	await refusal(failing);
	writeFileSync(file, before);
	expect(await logged(sandbox)).toEqual([
		['refresh_failed', 'main', profileId, 'the new token is kept, but not stored'],
	]);
	await jarvis.resolve({providerId: 'acme'});
	await jarvis.resolve({providerId: 'acme', minTtlMs: 1});
	expect(sandbox.server.refreshRequests).toBe(1);
	expect((await logged(sandbox)).slice(1)).toEqual([
		['refreshed', 'main', profileId],
		['handed_out', 'main', profileId],
	]);
	expect(readAllJournals(sandbox.paths).at(-1)).toMatchObject({spent: fingerprint(String(refresh))});
});

test('a failed refresh says why in words of our own', async () => {
	const sandbox = await withExpired('main');
	const sent = String(readStore(sandbox).profiles[profileId]?.refresh);
	const body = (error: string) => JSON.stringify({error, error_description: sent});
	for (const [status, error] of [
		[503, 'busy'],
		[400, sent.slice(0, 60)],
		[400, 'invalid_grant'],
	] as const) {
		sandbox.server.setTokenFailure({status, body: body(error)});
		await refusal(sandbox.open().resolve({providerId: 'acme'}));
	}
	expect(await logged(sandbox)).toEqual([
		['refresh_failed', 'main', profileId, 'the server was too busy'],
		['refresh_failed', 'main', profileId, 'the server refused the request'],
		['refresh_failed', 'main', profileId, 'the server refused the refresh token for good'],
	]);
	expect(text(sandbox.paths.auditLog)).not.toContain(sent.slice(0, 16));
});

test('what is given again and again is noted once a minute, with how often it was', async () => {
	const sandbox = await openSandbox();
	vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']});
	writeStore(sandbox, 'main', {profiles: {'k:a': {type: 'api_key', provider: 'k', key: canary('k')}}});
	const jarvis = sandbox.open();
	const ask = (by?: string) => jarvis.resolve({providerId: 'k', by});
	for (let turn = 0; turn < 5; turn++) await ask();
	await ask('client 7');
	await jarvis.resolve({providerId: 'k', unrecorded: true});
	vi.advanceTimersByTime(60_000);
	await ask();
	await ask('client 7');
	expect(await logged(sandbox)).toEqual([
		['handed_out', 'main', 'k:a'],
		['handed_out', 'main', 'k:a'],
		['handed_out', 'main', 'k:a', '4'],
		['handed_out', 'main', 'k:a'],
	]);
	const entries = await jarvis.auditLog({}, 10);
	expect(entries.map(({by}) => by)).toEqual(['library', 'client 7', 'library', 'client 7']);
	expect(entries[0]).toMatchObject({
		pid: process.pid,
		parent: expect.stringMatching(new RegExp(` ${process.ppid}$`)),
	});
});

test('all else that is done with credentials is noted', async () => {
	const sandbox = await openSandbox();
	const key = {type: 'api_key', provider: 'k', key: canary('k')};
	writeStore(sandbox, 'main', {profiles: {'k:a': key, 'k:b': key, 'k:c': key}});
	const jarvis = sandbox.open({by: 'a test'});
	await jarvis.reportFailure({profileId: 'k:a'}, {reason: 'billing'});
	await jarvis.reportSuccess({profileId: 'k:b'});
	await jarvis.clearCooldown({profileId: 'k:a'});
	await jarvis.setOrder('main', 'k', ['k:b', 'k:a']);
	await jarvis.setOrder('main', 'k', undefined);
	await jarvis.renameProfile('main', 'k:c', 'k:d');
	await jarvis.revealSecret('main', 'k:d');
	await jarvis.removeProfile('main', 'k:d');
	await jarvis.logOut('main', 'k:b');
	await jarvis.addAgent({id: 'work'});
	await jarvis.deleteAgent('work');
	await jarvis.removePlugin('acme');
	expect(await logged(sandbox)).toEqual([
		['failure_reported', 'main', 'k:a', 'billing'],
		['cooldown_cleared', 'main', 'k:a'],
		['order_changed', 'main', 'k:b, k:a'],
		['order_changed', 'main', 'taken away'],
		['renamed', 'main', 'k:c', 'to k:d'],
		['handed_out', 'main', 'k:d', 'to a person'],
		['removed', 'main', 'k:d'],
		['logout', 'main', 'k:b', 'at its server: failed'],
		['agent_added', 'work'],
		['agent_deleted', 'work'],
		['plugin_removed'],
	]);
	expect((await jarvis.auditLog({}, 20)).every(({by}) => by === 'a test')).toBe(true);
	// What failed was not done.
	await refusal(jarvis.removeProfile('main', 'k:nobody'));
	expect(await logged(sandbox)).toHaveLength(11);
	expect(text(sandbox.paths.auditLog)).not.toContain(canary('k').slice(0, -4));
});

test('a token is handed out also where nothing can be noted', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {'k:a': {type: 'api_key', provider: 'k', key: canary('k')}}});
	// A full disk, and a folder in the way.
	symlinkSync('/dev/full', sandbox.paths.auditLog);
	expect((await sandbox.open().resolve({providerId: 'k'})).secret).toBe(canary('k'));
	rmSync(sandbox.paths.auditLog);
	mkdirSync(sandbox.paths.auditLog);
	expect((await sandbox.open().resolve({providerId: 'k'})).secret).toBe(canary('k'));
});
