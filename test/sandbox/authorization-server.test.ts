import * as oauth from 'oauth4webapi';
import {afterEach, expect, test, vi} from 'vitest';
import {
	type AuthorizationServer,
	type AuthorizationServerOptions,
	startAuthorizationServer,
} from '../../source/sandbox/authorization-server.ts';
import {
	authorize,
	claimsOf,
	discover,
	insecure,
	login,
	redirectParameters,
	redirectUri,
	refresh,
} from './client.ts';

const running: AuthorizationServer[] = [];

afterEach(async () => {
	await Promise.all(running.splice(0).map(server => server.close()));
});

async function start(options: Partial<AuthorizationServerOptions> = {}): Promise<AuthorizationServer> {
	const server = await startAuthorizationServer({redirectUris: [redirectUri], consent: 'auto', ...options});
	running.push(server);
	return server;
}

const invalidGrant = expect.objectContaining({error: 'invalid_grant', status: 400});

test('describes itself', async () => {
	const server = await start();
	expect(await discover(server)).toMatchObject({
		issuer: server.issuer,
		authorization_endpoint: server.authorizationEndpoint,
		token_endpoint: server.tokenEndpoint,
		revocation_endpoint: server.revocationEndpoint,
		code_challenge_methods_supported: ['S256'],
		grant_types_supported: [
			'authorization_code',
			'refresh_token',
			'urn:ietf:params:oauth:grant-type:device_code',
		],
		device_authorization_endpoint: server.deviceAuthorizationEndpoint,
		token_endpoint_auth_methods_supported: ['none'],
	});
});

test('logs the hinted account in and puts its claims into the tokens', async () => {
	const accounts = [
		{email: 'first@example.test', accountId: 'account-1', name: 'First'},
		{email: 'søren@example.test', accountId: 'account-ø', name: 'Søren'},
	];
	const server = await start({accounts, accessTokenSeconds: 5});
	const parameters = {
		login_hint: 'søren@example.test',
		id_token_add_organizations: 'true',
		codex_cli_simplified_flow: 'true',
		originator: 'pi',
	};
	const tokens = await login(server, {parameters});
	expect(tokens).toMatchObject({token_type: 'bearer', expires_in: 5, refresh_token: expect.any(String)});
	expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({email: 'søren@example.test', name: 'Søren'});
	const claims = await claimsOf(server, tokens.access_token);
	expect(claims).toMatchObject({
		email: 'søren@example.test',
		'https://api.openai.com/auth': {chatgpt_account_id: 'account-ø'},
		'https://api.openai.com/profile': {email: 'søren@example.test'},
	});
	expect(claims.exp - claims.iat).toBe(5);
});

test('without a hint logs the first account in, for every client and without offline_access', async () => {
	const server = await start({extraClientIds: ['codex-client']});
	const parameters = {scope: 'openid email user:inference'};
	const tokens = await login(server, {clientId: 'codex-client', parameters});
	expect(tokens.scope).toBe('openid email user:inference');
	expect(tokens.refresh_token).toBeTypeOf('string');
	expect(await claimsOf(server, tokens.access_token)).toMatchObject({email: 'maya@example.test'});
});

test('asks a person, who chooses an account', async () => {
	const name = '<b>Robin</b> & "Co"';
	const server = await start({
		consent: 'ask',
		accounts: [
			{email: 'first@example.test', accountId: 'account-1', name: 'First'},
			{email: 'robin@example.test', accountId: 'account-2', name},
		],
	});
	const page = await authorize(server, oauth.generateRandomCodeVerifier());
	expect(page.status).toBe(200);
	expect(page.body).toContain('no real account is touched');
	expect(page.body).toContain('&lt;b&gt;Robin&lt;/b&gt; &amp; &quot;Co&quot;');
	expect(page.body).not.toContain(name);
	for (const choose of ['robin@example.test', name]) {
		const tokens = await login(server, {choose});
		expect(await claimsOf(server, tokens.access_token)).toMatchObject({email: 'robin@example.test'});
	}
	await expect(login(server, {choose: 'nobody@example.test'})).rejects.toThrow('No link or button');
	const hinted = await login(server, {parameters: {login_hint: 'first@example.test'}});
	expect(await claimsOf(server, hinted.access_token)).toMatchObject({email: 'first@example.test'});
});

test.each([
	{consent: 'auto', parameters: {login_hint: 'deny'}},
	{consent: 'ask', parameters: {login_hint: 'deny'}},
	{consent: 'ask', choose: 'Deny'},
] as const)('tells the client of a denial: %o', async ({consent, ...options}) => {
	const server = await start({consent});
	const denied = await authorize(server, oauth.generateRandomCodeVerifier(), options);
	expect(redirectParameters(denied)).toEqual({
		error: 'access_denied',
		error_description: 'The person denied the request.',
		state: 'the-state',
		iss: server.issuer,
	});
});

test('rotates the refresh token at each refresh', async () => {
	const server = await start();
	const first = await login(server);
	const second = await refresh(server, first.refresh_token);
	const third = await refresh(server, second.refresh_token);
	expect(new Set([first, second, third].map(tokens => tokens.refresh_token)).size).toBe(3);
	expect(await claimsOf(server, third.access_token)).toMatchObject({email: 'maya@example.test'});
	expect(server.refreshRequests).toBe(2);
	expect(server.tokenRequests[1]).toEqual({
		contentType: expect.stringContaining('application/x-www-form-urlencoded'),
		body: {grant_type: 'refresh_token', client_id: server.clientId, refresh_token: first.refresh_token},
	});
	expect(server.events.map(event => event.type)).toEqual(['code_exchanged', 'refreshed', 'refreshed']);
	expect(new Set(server.events.map(event => event.grantId)).size).toBe(1);
});

test('ends the grant when a rotated refresh token is used again, and no other grant', async () => {
	const server = await start();
	const [stolen, other] = [await login(server), await login(server)];
	const newest = await refresh(server, stolen.refresh_token);
	await expect(refresh(server, stolen.refresh_token)).rejects.toEqual(invalidGrant);
	await expect(refresh(server, newest.refresh_token)).rejects.toEqual(invalidGrant);
	await expect(refresh(server, other.refresh_token)).resolves.toHaveProperty('refresh_token');
	const reasons = server.events.flatMap(event => event.reason ?? []);
	expect(reasons).toEqual(['refresh token already used', 'refresh token not found']);
	expect(server.refreshRequests).toBe(4);
});

test('lets a rotated refresh token be used again for as long as it is told to', async () => {
	const server = await start({reuseGraceMs: 60_000});
	const first = await login(server);
	const [second, again] = [
		await refresh(server, first.refresh_token),
		await refresh(server, first.refresh_token),
	];
	expect(again.refresh_token).not.toBe(second.refresh_token);
	await refresh(server, second.refresh_token);
	vi.useFakeTimers({now: Date.now() + 60_000, toFake: ['Date']});
	try {
		await expect(refresh(server, first.refresh_token)).rejects.toEqual(invalidGrant);
	} finally {
		vi.useRealTimers();
	}
	await expect(refresh(server, again.refresh_token)).rejects.toEqual(invalidGrant);
});

test('lets one of two parallel refreshes win and ends the grant', async () => {
	const server = await start();
	const {refresh_token: token} = await login(server);
	const results = await Promise.allSettled([refresh(server, token), refresh(server, token)]);
	const won = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
	const lost = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
	expect(lost).toEqual([invalidGrant]);
	expect(won).toHaveLength(1);
	await expect(refresh(server, won[0]?.refresh_token)).rejects.toEqual(invalidGrant);
});

test('revokes a grant', async () => {
	const server = await start();
	const as = await discover(server);
	const {refresh_token: token = ''} = await login(server);
	const client = {client_id: server.clientId};
	await oauth.processRevocationResponse(
		await oauth.revocationRequest(as, client, oauth.None(), token, insecure),
	);
	await expect(refresh(server, token)).rejects.toEqual(invalidGrant);
});

test('refuses a wrong verifier, and takes no method but S256', async () => {
	const server = await start();
	const wrongVerifier = oauth.generateRandomCodeVerifier();
	await expect(login(server, {wrongVerifier})).rejects.toEqual(invalidGrant);
	const plain = await authorize(server, wrongVerifier, {parameters: {code_challenge_method: 'plain'}});
	expect(redirectParameters(plain)).toMatchObject({error: 'invalid_request'});
});

test('refuses a redirect URI that is not registered, without going there', async () => {
	const server = await start();
	const parameters = {redirect_uri: 'http://127.0.0.1:1455/elsewhere'};
	const page = await authorize(server, oauth.generateRandomCodeVerifier(), {parameters});
	expect(page).toMatchObject({status: 400, body: expect.stringContaining('invalid_redirect_uri')});
	const elsewhere = start({redirectUris: ['http://example.test/callback']});
	await expect(elsewhere).rejects.toThrow('invalid_redirect_uri');
});

test('fails as it is told to, without touching the grant', async () => {
	const server = await start();
	const {refresh_token: token} = await login(server);
	server.setTokenFailure({
		status: 503,
		body: 'busy',
		contentType: 'text/plain',
		headers: {'retry-after': '7'},
	});
	const body = new URLSearchParams({grant_type: 'refresh_token', refresh_token: token ?? ''});
	const response = await fetch(server.tokenEndpoint, {method: 'POST', body});
	expect(response.status).toBe(503);
	expect(response.headers.get('retry-after')).toBe('7');
	expect(response.headers.get('content-type')).toMatch('text/plain');
	expect(await response.text()).toBe('busy');
	server.setTokenFailure({status: 400, body: '{"error":"invalid_grant"}'});
	await expect(refresh(server, token)).rejects.toEqual(invalidGrant);
	server.setTokenFailure(undefined);
	await expect(refresh(server, token)).resolves.toHaveProperty('refresh_token');
	expect(server.refreshRequests).toBe(3);
});

test('answers late as it is told to', async () => {
	const server = await start();
	const {refresh_token: token} = await login(server);
	server.setTokenDelay(50);
	const started = performance.now();
	const {refresh_token: next} = await refresh(server, token);
	expect(performance.now() - started).toBeGreaterThan(45);
	server.setTokenDelay(60_000);
	const unanswered = expect(refresh(server, next)).rejects.toThrow('fetch failed');
	await vi.waitFor(() => expect(server.refreshRequests).toBe(2), {interval: 5});
	await server.close();
	await unanswered;
});

test('prints nothing, and frees its port', async () => {
	const print = (['log', 'info', 'warn', 'error'] as const).map(name => vi.spyOn(console, name));
	const server = await start();
	await refresh(server, (await login(server)).refresh_token);
	await fetch(`${server.issuer}/nowhere`);
	await server.close();
	await server.close();
	expect(print.flatMap(spy => spy.mock.calls)).toEqual([]);
	vi.restoreAllMocks();
	const port = Number(new URL(server.issuer).port);
	const again = await start({port});
	expect(again.issuer).toBe(server.issuer);
	await expect(start({port})).rejects.toThrow('EADDRINUSE');
});
