import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {dirname} from 'node:path';
import {describe, expect, it, onTestFinished, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	callbackAt,
	declareProvider,
	openSandbox,
	providerId,
	readStore,
	type Sandbox,
	startWaiting,
} from '../support/sandbox.ts';

/** Declares the provider anew, with other members than it had. */
function redeclare({stateDir, server, port}: Sandbox, changes: Record<string, unknown>): void {
	declareProvider(stateDir, server, {redirectUris: [callbackAt(port)], ...changes});
}

const discovered = {authorizationEndpoint: undefined, tokenEndpoint: undefined};

async function failureOf(sandbox: Sandbox) {
	const login = await sandbox.open().startLogin({providerId, agentId: 'main'});
	return login.finished;
}

/** A server that answers every request with this JSON. */
async function serveJson(body: (issuer: string) => object): Promise<string> {
	const server = createServer((_request, response) => {
		response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(body(issuer)));
	}).listen(0, '127.0.0.1');
	onTestFinished(() => void server.close());
	await once(server, 'listening');
	const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return issuer;
}

test('a login whose tokens could not be stored does not begin', async () => {
	const sandbox = await openSandbox();
	const file = sandbox.paths.profiles('main');
	mkdirSync(dirname(file), {recursive: true});
	writeFileSync(file, '{');
	const started = sandbox.open().startLogin({providerId, agentId: 'main'});
	await expect(started).rejects.toMatchObject({code: 'store_damaged'});
	expect(sandbox.server.tokenRequests).toHaveLength(0);
});

test('an issuer alone is enough: its endpoints are found by its metadata', async () => {
	const sandbox = await openSandbox();
	redeclare(sandbox, {...discovered, issuer: sandbox.server.issuer});
	const {login, state} = await startWaiting(sandbox);
	await visit(state.url);
	expect(await login.finished).toMatchObject({step: 'done', result: {email: 'maya@example.test'}});
	expect(readStore(sandbox).profiles).toHaveProperty(['acme:maya@example.test']);
});

describe('plain http is accepted on this machine only', () => {
	test.each<[string, Record<string, unknown>]>([
		['an issuer', {...discovered, issuer: 'http://auth.example.test'}],
		['an authorization endpoint', {authorizationEndpoint: 'http://auth.example.test/authorize'}],
		['a token endpoint', {tokenEndpoint: 'http://auth.example.test/token'}],
		['a revocation endpoint', {revocationEndpoint: 'http://auth.example.test/revoke'}],
		['a name that begins like ours', {tokenEndpoint: 'http://127.0.0.1.example.test/token'}],
		['a name that begins with localhost', {tokenEndpoint: 'http://localhost.example.test/token'}],
		['another scheme', {tokenEndpoint: 'ftp://127.0.0.1/token'}],
	])('%s', async (_, changes) => {
		const sandbox = await openSandbox();
		redeclare(sandbox, changes);
		expect(await failureOf(sandbox)).toMatchObject({step: 'failed', error: {code: 'insecure_endpoint'}});
		expect(sandbox.server.tokenRequests).toHaveLength(0);
	});

	test('endpoints that the metadata names', async () => {
		const sandbox = await openSandbox();
		const issuer = await serveJson(own => ({
			issuer: own,
			authorization_endpoint: `${own}/authorize`,
			token_endpoint: 'http://elsewhere.example.test/token',
		}));
		redeclare(sandbox, {...discovered, issuer});
		expect(await failureOf(sandbox)).toMatchObject({step: 'failed', error: {code: 'insecure_endpoint'}});
	});
});

describe('metadata that cannot be used fails the login before a browser is opened', () => {
	test('of a server that is not there', async () => {
		const sandbox = await openSandbox();
		redeclare(sandbox, {...discovered, issuer: `http://127.0.0.1:${sandbox.port}`});
		expect(await failureOf(sandbox)).toMatchObject({step: 'failed', error: {code: 'discovery_failed'}});
	});

	test.each<[string, (issuer: string) => object]>([
		['of another issuer', () => ({issuer: 'https://other.example.test'})],
		['without endpoints', issuer => ({issuer})],
		['that is no metadata', () => ({})],
	])('%s', async (_, body) => {
		const sandbox = await openSandbox();
		redeclare(sandbox, {...discovered, issuer: await serveJson(body)});
		expect(await failureOf(sandbox)).toMatchObject({step: 'failed', error: {code: 'discovery_failed'}});
	});
});

describe('what must not come back', () => {
	it('an issuer beside endpoints takes the ID tokens that the issuer signs', async () => {
		const sandbox = await openSandbox();
		redeclare(sandbox, {issuer: sandbox.server.issuer});
		const {login, state} = await startWaiting(sandbox);
		await visit(state.url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	it('without an issuer the one that the redirect names is not held against it', async () => {
		const sandbox = await openSandbox();
		const {authorizationEndpoint, tokenEndpoint} = sandbox.server;
		const byName = (endpoint: string) => endpoint.replace('127.0.0.1', 'localhost');
		redeclare(sandbox, {authorizationEndpoint, tokenEndpoint: byName(tokenEndpoint)});
		const {login, state} = await startWaiting(sandbox);
		await visit(state.url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});
});
