import {once} from 'node:events';
import {createConnection} from 'node:net';
import {describe, expect, test, vi} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	askCallback,
	callbackAt,
	declareProvider,
	freePort,
	openSandbox,
	redirectPath,
	soon,
	startWaiting,
	takePort,
} from '../support/sandbox.ts';

async function isRefused(port: number): Promise<boolean> {
	const socket = createConnection({host: '127.0.0.1', port});
	const refused = once(socket, 'connect').then(
		() => false,
		(error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
	);
	await refused;
	socket.destroy();
	return refused;
}

test('a redirect with a wrong state is refused, and the good one after it works', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const path = await redirectPath(state);
	const wrong = path.replace(/state=[^&]+/, 'state=canary-wrong');
	for (const bad of [
		wrong,
		`${path}&state=canary-twice`,
		path.replace(/code=[^&]+&/, ''),
		'/auth/callback',
	]) {
		const answer = await askCallback(sandbox.port, bad);
		expect(answer.status).toBe(400);
		expect(answer.body).toContain('JARVIS goes on waiting');
		expect(login.state().step).toBe('waiting');
	}
	expect(sandbox.server.tokenRequests).toHaveLength(0);
	expect((await askCallback(sandbox.port, path)).status).toBe(200);
	expect(await login.finished).toMatchObject({step: 'done'});
});

test('an error with a wrong state does not end the login', async () => {
	const sandbox = await openSandbox();
	const {login} = await startWaiting(sandbox);
	const answer = await askCallback(sandbox.port, '/auth/callback?error=access_denied&state=canary-wrong');
	expect(answer.status).toBe(400);
	expect(login.state().step).toBe('waiting');
});

describe('the callback port', () => {
	test.each([
		{what: 'another path', path: '/', status: 404},
		{what: 'a path below', path: '/auth/callback/', status: 404},
		{what: 'a favicon', path: '/favicon.ico', status: 404},
		{what: 'POST', method: 'POST', status: 405},
		{what: 'HEAD', method: 'HEAD', status: 405},
		{what: 'OPTIONS', method: 'OPTIONS', status: 405},
		{what: 'DELETE', method: 'DELETE', status: 405},
		{what: 'a foreign host', host: 'evil.example.test', status: 400},
		{what: 'a host that only begins like ours', host: '127.0.0.1.evil.example.test', status: 400},
		{what: 'our host with another port', host: '127.0.0.1:1', status: 400},
		{what: 'no port', host: '127.0.0.1', status: 400},
	])('refuses $what', async ({path, method, host, status}) => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const good = await redirectPath(state);
		const answer = await askCallback(sandbox.port, path ?? good, {
			...(method && {method}),
			...(host && {host: host.includes(':') || host === '127.0.0.1' ? host : `${host}:${sandbox.port}`}),
		});
		expect(answer.status).toBe(status);
		if (status === 405) expect(answer.headers.allow).toBe('GET');
		expect(login.state().step).toBe('waiting');
		expect(sandbox.server.tokenRequests).toHaveLength(0);
	});

	test('shows a page that gives nothing away and loads nothing', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const path = await redirectPath(state);
		const {headers, body} = await askCallback(sandbox.port, path);
		expect(headers).toMatchObject({
			'content-type': 'text/html; charset=utf-8',
			'cache-control': 'no-store',
			'referrer-policy': 'no-referrer',
			'content-security-policy': expect.stringContaining("default-src 'none'"),
		});
		const given = new URL(path, 'http://127.0.0.1').searchParams;
		for (const value of given.values()) expect(body).not.toContain(value);
		await login.finished;
	});

	test('is closed after the first good redirect', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		expect(await isRefused(sandbox.port)).toBe(false);
		const path = await redirectPath(state);
		sandbox.server.setTokenDelay(60_000);
		await askCallback(sandbox.port, path);
		await vi.waitFor(async () => expect(await isRefused(sandbox.port)).toBe(true), soon);
		expect(login.state().step).toBe('exchanging');
	});

	test('is closed when the login is cancelled', async () => {
		const sandbox = await openSandbox();
		const {login} = await startWaiting(sandbox);
		login.cancel();
		await vi.waitFor(async () => expect(await isRefused(sandbox.port)).toBe(true), soon);
	});
});

describe('of several redirect URIs', () => {
	async function withPorts(...taken: readonly boolean[]) {
		const sandbox = await openSandbox();
		const ports = await Promise.all(taken.map(freePort));
		for (const [index, port] of ports.entries()) if (taken[index]) await takePort(port);
		declareProvider(sandbox.stateDir, sandbox.server, {redirectUris: ports.map(callbackAt)});
		return {sandbox, ports, ...(await startWaiting(sandbox))};
	}

	test('the first is listened on where its port is free, and no other', async () => {
		const {ports, state} = await withPorts(false, false);
		expect(state).toMatchObject({listening: true, redirectUri: callbackAt(ports[0] ?? 0)});
		expect(await isRefused(ports[1] ?? 0)).toBe(true);
	});

	test('the next one is taken where a port is taken', async () => {
		const {ports, state, login} = await withPorts(true, true, false);
		expect(state).toMatchObject({listening: true, redirectUri: callbackAt(ports[2] ?? 0)});
		expect(new URL(state.url).searchParams.get('redirect_uri')).toBe(callbackAt(ports[2] ?? 0));
		await visit(state.url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('none is listened on where all ports are taken, and a paste ends the login', async () => {
		const {ports, state, login} = await withPorts(true, true);
		expect(state).toMatchObject({listening: false, redirectUri: callbackAt(ports[0] ?? 0)});
		const stopped = await visit(state.url, {stopAt: to => to.port === String(ports[0])});
		await login.paste(stopped.url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('one that is not on this machine is never listened on', async () => {
		const sandbox = await openSandbox();
		const everywhere = `http://0.0.0.0:${sandbox.port}/auth/callback`;
		const elsewhere = `http://192.0.2.1:${sandbox.port}/auth/callback`;
		const https = `https://127.0.0.1:${sandbox.port}/auth/callback`;
		declareProvider(sandbox.stateDir, sandbox.server, {redirectUris: [everywhere, elsewhere, https]});
		const {state} = await startWaiting(sandbox);
		expect(state).toMatchObject({listening: false, redirectUri: everywhere});
		expect(await isRefused(sandbox.port)).toBe(true);
	});

	test('localhost is listened on, and the URI keeps its name', async () => {
		const sandbox = await openSandbox();
		const redirectUri = `http://localhost:${sandbox.port}/auth/callback`;
		declareProvider(sandbox.stateDir, sandbox.server, {redirectUris: [redirectUri]});
		const {login, state} = await startWaiting(sandbox);
		expect(state).toMatchObject({listening: true, redirectUri});
		expect(await isRefused(sandbox.port)).toBe(false);
		const path = `/auth/callback?error=access_denied&state=${new URL(state.url).searchParams.get('state')}`;
		const host = `localhost:${sandbox.port}`;
		expect((await askCallback(sandbox.port, path, {host})).status).toBe(200);
		expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_denied'}});
	});
});

test('two logins of one provider do not share a port', async () => {
	const sandbox = await openSandbox();
	const first = await startWaiting(sandbox);
	const second = await startWaiting(sandbox);
	expect([first.state.listening, second.state.listening]).toEqual([true, false]);
	await visit(first.state.url);
	expect(await first.login.finished).toMatchObject({step: 'done'});
	expect(second.login.state().step).toBe('waiting');
});
