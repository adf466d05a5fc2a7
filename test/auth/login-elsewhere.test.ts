import {readdirSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openSandbox, readStore, redirectOf, refusal, soon, startWaiting} from '../support/sandbox.ts';
import {finishElsewhere} from './elsewhere.ts';

test('a login is finished from another object, and the waiting one is done', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const result = await sandbox.open().finishLogin(await redirectOf(state));
	expect(result).toMatchObject({
		profileId: 'acme:maya@example.test',
		provider: 'acme',
		agentId: 'main',
		email: 'maya@example.test',
		accountId: 'sandbox-account-maya',
	});
	expect(await login.finished).toMatchObject({
		step: 'done',
		result: {profileId: 'acme:maya@example.test', provider: 'acme', agentId: 'main'},
	});
	expect(readStore(sandbox).profiles).toHaveProperty(['acme:maya@example.test', 'refresh']);
	expect(sandbox.server.tokenRequests).toHaveLength(1);
	await expect.poll(() => readdirSync(sandbox.paths.pendingLogins), soon).toEqual([]);
});

test('a login is finished from another process', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox, {profileId: 'acme:work'});
	const finished = finishElsewhere(sandbox.stateDir, await redirectOf(state));
	expect(await login.finished).toMatchObject({step: 'done', result: {profileId: 'acme:work'}});
	expect(await finished).toMatchObject({profileId: 'acme:work', email: 'maya@example.test'});
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:work']);
});

test('a login keeps its agent and its profile id, wherever it is finished', async () => {
	const sandbox = await openSandbox();
	await sandbox.open().addAgent({id: 'work'});
	const {state} = await startWaiting(sandbox, {agentId: 'work', profileId: 'acme:named'});
	const result = await sandbox.open().finishLogin(await redirectOf(state));
	expect(result).toMatchObject({agentId: 'work', profileId: 'acme:named'});
	expect(Object.keys(readStore(sandbox, 'work').profiles)).toEqual(['acme:named']);
});

test('a login whose process is gone can still be finished', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	// What a killed process leaves behind is its pending file, which `cancel` would remove.
	const {cpSync, rmSync} = await import('node:fs');
	cpSync(sandbox.paths.pendingLogins, `${sandbox.paths.pendingLogins}-kept`, {recursive: true});
	login.cancel();
	rmSync(sandbox.paths.pendingLogins, {recursive: true});
	cpSync(`${sandbox.paths.pendingLogins}-kept`, sandbox.paths.pendingLogins, {recursive: true});
	expect(await sandbox.open().finishLogin(redirect)).toMatchObject({profileId: 'acme:maya@example.test'});
});

test('the link of another waiting login ends that one, and says so', async () => {
	const sandbox = await openSandbox();
	await sandbox.open().addAgent({id: 'work'});
	const mine = await startWaiting(sandbox);
	const other = await startWaiting(sandbox, {agentId: 'work'});
	const note = await mine.login.paste(await redirectOf(other.state));
	expect(note).toBe('That link ended another login, of acme: stored acme:maya@example.test (agent work).');
	expect(await other.login.finished).toMatchObject({step: 'done', result: {agentId: 'work'}});
	expect(mine.login.state()).toBe(mine.state);
	await mine.login.paste(await redirectOf(mine.state));
	expect(await mine.login.finished).toMatchObject({step: 'done', result: {agentId: 'main'}});
});

describe('what cannot be finished', () => {
	test.each<[string, string, string]>([
		['a link that nobody waits for', '?code=canary-code&state=canary-state', 'login_state_mismatch'],
		['code#state that nobody waits for', 'canary-code#canary-state', 'login_state_mismatch'],
		['a bare code, which names no login', 'canary-code', 'login_paste_unreadable'],
		['nothing', '', 'login_paste_unreadable'],
		['garbage', 'hello, world!', 'login_paste_unreadable'],
	])('%s', async (_, pasted, code) => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		expect(await refusal(sandbox.open().finishLogin(pasted))).toMatchObject({code});
		expect(login.state()).toBe(state);
	});

	test('the login link itself', async () => {
		const sandbox = await openSandbox();
		const {state} = await startWaiting(sandbox);
		const error = await refusal(sandbox.open().finishLogin(state.url));
		expect(error).toMatchObject({code: 'login_paste_unreadable', message: 'That is the login link itself.'});
	});

	test('a login that is over', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const redirect = await redirectOf(state);
		login.cancel();
		expect(await refusal(sandbox.open().finishLogin(redirect))).toMatchObject({code: 'login_state_mismatch'});
	});

	test('a login that was finished already', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const redirect = await redirectOf(state);
		await sandbox.open().finishLogin(redirect);
		await login.finished;
		expect(await refusal(sandbox.open().finishLogin(redirect))).toMatchObject({code: 'login_state_mismatch'});
		expect(sandbox.server.tokenRequests).toHaveLength(1);
	});
});

test('an exchange that fails elsewhere leaves the login waiting', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	sandbox.server.setTokenFailure({status: 503, body: ''});
	expect(await refusal(sandbox.open().finishLogin(redirect))).toMatchObject({code: 'login_server_error'});
	expect(login.state()).toBe(state);
	sandbox.server.setTokenFailure(undefined);
	await login.paste(redirect);
	expect(await login.finished).toMatchObject({step: 'done'});
});

test('a denial that is finished elsewhere is told there', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const error = await refusal(sandbox.open().finishLogin(await redirectOf(state, 'deny')));
	expect(error.code).toBe('login_denied');
	expect(login.state()).toBe(state);
});

test('many that finish one login at once exchange once', async () => {
	const sandbox = await openSandbox();
	sandbox.server.setTokenDelay(50);
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	const results = await Promise.allSettled(
		Array.from({length: 6}, () => sandbox.open().finishLogin(redirect)),
	);
	expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1);
	expect(await login.finished).toMatchObject({step: 'done'});
	expect(sandbox.server.tokenRequests).toHaveLength(1);
});
