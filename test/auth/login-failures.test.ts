import {existsSync, readdirSync} from 'node:fs';
import {inspect} from 'node:util';
import {describe, expect, it, test} from 'vitest';
import {startLogin} from '../../source/auth/login/login.ts';
import {openJarvis} from '../../source/core.ts';
import type {TokenFailure} from '../../source/sandbox/authorization-server.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	canary,
	openSandbox,
	providerId,
	reaches,
	redirectOf,
	type Sandbox,
	soon,
	startWaiting,
	waiting,
} from '../support/sandbox.ts';

function storedNothing({paths}: Sandbox): boolean {
	return !existsSync(paths.profiles('main'));
}

function pendingLogins({paths}: Sandbox): string[] {
	return readdirSync(paths.pendingLogins);
}

describe('an error of the server at the exchange ends the login', () => {
	const html = '<html><body>Bad gateway</body></html>';
	test.each<[string, TokenFailure, string, RegExp]>([
		['500', {status: 500, body: '{"error":"server_error"}'}, 'login_server_error', /status 500/],
		[
			'502 with HTML',
			{status: 502, body: html, contentType: 'text/html'},
			'login_server_error',
			/status 502/,
		],
		[
			'200 with HTML',
			{status: 200, body: html, contentType: 'text/html'},
			'login_server_error',
			/text\/html/,
		],
		[
			'404 with HTML',
			{status: 404, body: html, contentType: 'text/html'},
			'login_server_error',
			/status 404/,
		],
		['429', {status: 429, body: '{"error":"slow_down"}'}, 'login_server_error', /slow_down \(429\)/],
		[
			'429 without a body',
			{status: 429, body: '', contentType: 'text/plain'},
			'login_server_error',
			/status 429/,
		],
		[
			'an unknown client',
			{status: 401, body: '{"error":"invalid_client"}'},
			'login_server_error',
			/invalid_client/,
		],
		[
			'a redirect',
			{status: 302, body: '', headers: {location: 'https://example.test/'}},
			'login_server_error',
			/302/,
		],
		['JSON without a token', {status: 200, body: '{}'}, 'login_server_error', /standard form/],
		['a JSON array', {status: 200, body: '[]'}, 'login_server_error', /./],
		['nothing', {status: 200, body: ''}, 'login_server_error', /./],
		[
			'a refused code',
			{status: 400, body: '{"error":"invalid_grant"}'},
			'login_code_refused',
			/refused the code/,
		],
	])('%s', async (_, failure, code, words) => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		sandbox.server.setTokenFailure(failure);
		await visit(state.url);
		const outcome = await login.finished;
		expect(outcome).toMatchObject({step: 'failed', error: {code, message: expect.stringMatching(words)}});
		expect(storedNothing(sandbox)).toBe(true);
		expect(pendingLogins(sandbox)).toEqual([]);
	});

	test('its words are freed of control codes and cut short', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const description = `\u001B[2J${'long '.repeat(200)}`;
		const body = JSON.stringify({error: 'invalid_request', error_description: description});
		sandbox.server.setTokenFailure({status: 400, body});
		await visit(state.url);
		const outcome = await login.finished;
		const message = outcome.step === 'failed' ? outcome.error.message : '';
		expect(message).toContain('invalid_request: long long');
		expect(message).not.toMatch(/\p{Cc}/u);
		expect(message.length).toBeLessThan(300);
	});
});

test('a server that is gone at the exchange is unreachable', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	await sandbox.server.close();
	await login.paste(redirect);
	expect(await login.finished).toMatchObject({
		step: 'failed',
		error: {code: 'login_unreachable', message: expect.stringMatching(/\((ECONN|UND_ERR_)\w+\)/)},
	});
	expect(storedNothing(sandbox)).toBe(true);
});

test('a server that hangs up during the exchange is unreachable', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	sandbox.server.setTokenDelay(60_000);
	const pasted = login.paste(redirect);
	await reaches(login, 'exchanging');
	await expect.poll(() => sandbox.server.tokenRequests.length, soon).toBe(1);
	await sandbox.server.close();
	await pasted;
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_unreachable'}});
});

async function startShort(sandbox: Sandbox, waitMs: number) {
	const jarvis = sandbox.open();
	const {providers} = await jarvis.providers();
	const provider = providers.get(providerId);
	const method = provider?.auth[0];
	if (!provider || !method) throw new Error('the provider is declared');
	const network = {fetch};
	return startLogin({
		...{paths: sandbox.paths, provider, method, agentId: 'main'},
		...{network, now: Date.now, waitMs},
	});
}

test('a login that nobody finishes times out', async () => {
	const sandbox = await openSandbox();
	const login = await startShort(sandbox, 30);
	const {url} = await waiting(login);
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_timed_out'}});
	expect(pendingLogins(sandbox)).toEqual([]);
	await expect(visit(url)).rejects.toThrow('fetch failed');
	expect(sandbox.server.tokenRequests).toHaveLength(0);
});

test('a login that is cancelled stores nothing and frees its port', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	login.cancel();
	expect(await login.finished).toEqual({step: 'cancelled'});
	expect(pendingLogins(sandbox)).toEqual([]);
	await expect(visit(state.url)).rejects.toThrow('fetch failed');
	const {state: next} = await startWaiting(sandbox);
	expect(next).toMatchObject({listening: true, redirectUri: state.redirectUri});
});

test('a login that is cancelled before it waits never waits', async () => {
	const sandbox = await openSandbox();
	const login = await sandbox.open().startLogin({providerId, agentId: 'main'});
	login.cancel();
	expect(login.state()).toEqual({step: 'cancelled'});
	const {state} = await startWaiting(sandbox);
	expect(pendingLogins(sandbox)).toHaveLength(1);
	expect(state.step).toBe('waiting');
	expect(login.state()).toEqual({step: 'cancelled'});
});

test('a login that is cancelled during the exchange stores nothing', async () => {
	const sandbox = await openSandbox();
	sandbox.server.setTokenDelay(60_000);
	const {login, state} = await startWaiting(sandbox);
	const pasted = login.paste(await redirectOf(state));
	await reaches(login, 'exchanging');
	login.cancel();
	await pasted;
	expect(login.state()).toEqual({step: 'cancelled'});
	expect(storedNothing(sandbox)).toBe(true);
});

describe('the browser', () => {
	test('is opened at the authorize URL', async () => {
		const sandbox = await openSandbox();
		const opened: string[] = [];
		const jarvis = sandbox.open({openBrowser: async url => void opened.push(url)});
		const login = await jarvis.startLogin({providerId, agentId: 'main'});
		const {url, browser} = await waiting(login);
		expect(browser).toBe('opening');
		await expect.poll(() => login.state(), soon).toMatchObject({step: 'waiting', browser: 'opened'});
		expect(opened).toEqual([url]);
	});

	test('that cannot be opened is told of, and the login still completes', async () => {
		const sandbox = await openSandbox();
		const jarvis = sandbox.open({openBrowser: () => Promise.reject(new Error('no browser'))});
		const login = await jarvis.startLogin({providerId, agentId: 'main'});
		const {url} = await waiting(login);
		await expect.poll(() => login.state(), soon).toMatchObject({step: 'waiting', browser: 'failed'});
		await visit(url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('is left alone where none is wanted', async () => {
		const sandbox = await openSandbox();
		const openBrowser = () => expect.fail('a browser was opened');
		const login = await sandbox
			.open({openBrowser})
			.startLogin({providerId, agentId: 'main', noBrowser: true});
		expect(await waiting(login)).toMatchObject({browser: 'not asked'});
	});

	test('finishes the login all by itself', async () => {
		const sandbox = await openSandbox();
		const openBrowser = async (url: string) => void (await visit(url));
		const login = await openJarvis({stateDir: sandbox.stateDir, env: {}, openBrowser}).startLogin({
			providerId,
			agentId: 'main',
		});
		expect(await login.finished).toMatchObject({step: 'done'});
	});
});

describe('what must not come back', () => {
	it('an error keeps no token of the reply, however deep', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const body = JSON.stringify({
			access_token: canary('access'),
			token_type: 'mac',
			refresh_token: canary('refresh'),
		});
		sandbox.server.setTokenFailure({status: 200, body});
		await visit(state.url);
		const outcome = await login.finished;
		expect(outcome).toMatchObject({step: 'failed', error: {code: 'login_server_error'}});
		expect(inspect(outcome, {depth: Infinity})).not.toContain('canary');
	});
});
