import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	askCallback,
	hinted,
	openSandbox,
	providerId,
	reaches,
	readStore,
	redirectPath,
	refusal,
	startServer,
	startWaiting,
	temporaryFolder,
	waiting,
	writeJson,
} from '../support/sandbox.ts';

test('a login by callback stores the credential', async () => {
	const before = Date.now();
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	expect(state).toMatchObject({
		listening: true,
		browser: 'not asked',
		redirectUri: `http://127.0.0.1:${sandbox.port}/auth/callback`,
	});
	expect(state.until).toBeGreaterThan(before + 9 * 60_000);
	const page = await visit(state.url);
	expect(page.status).toBe(200);
	expect(page.body).toContain('You may close this page');
	const outcome = await login.finished;
	expect(outcome).toEqual({
		step: 'done',
		result: {
			profileId: 'acme:maya@example.test',
			provider: 'acme',
			agentId: 'main',
			kind: 'oauth',
			accountId: 'sandbox-account-maya',
			email: 'maya@example.test',
			expires: expect.any(Number),
		},
	});
	expect(login.state()).toBe(outcome);
	const stored = readStore(sandbox);
	expect(stored.profiles).toEqual({
		'acme:maya@example.test': {
			type: 'oauth',
			provider: 'acme',
			access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
			refresh: expect.any(String),
			expires: expect.any(Number),
			expiresIn: 60,
			accountId: 'sandbox-account-maya',
			email: 'maya@example.test',
			clientId: 'jarvis-sandbox',
		},
	});
	const {expires} = stored.profiles['acme:maya@example.test'] ?? {};
	expect(expires).toBeGreaterThanOrEqual(before + 60_000);
	expect(expires).toBeLessThanOrEqual(Date.now() + 60_000);
	const file = sandbox.paths.profiles('main');
	expect(statSync(file).mode & 0o777).toBe(0o600);
	expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
});

test('the authorize URL asks for what the standards want, anew for each login', async () => {
	const sandbox = await openSandbox();
	const first = new URL((await startWaiting(sandbox)).state.url);
	const second = new URL((await startWaiting(sandbox)).state.url);
	expect(`${first.origin}${first.pathname}`).toBe(sandbox.server.authorizationEndpoint);
	expect(Object.fromEntries(first.searchParams)).toEqual({
		response_type: 'code',
		client_id: 'jarvis-sandbox',
		redirect_uri: `http://127.0.0.1:${sandbox.port}/auth/callback`,
		scope: 'openid profile email offline_access',
		code_challenge: expect.stringMatching(/^[\w-]{43}$/),
		code_challenge_method: 'S256',
		state: expect.stringMatching(/^[\w-]{32,}$/),
	});
	for (const name of ['state', 'code_challenge']) {
		expect(first.searchParams.get(name)).not.toBe(second.searchParams.get(name));
	}
});

test('Codex is logged in through the endpoints that jarvis.json gives', async () => {
	const clientId = 'app_EMoamEEZ73f0CkXaXp7hrann';
	const [server, stateDir] = [await startServer({extraClientIds: [clientId]}), temporaryFolder()];
	const auth = {issuer: server.issuer, clientId};
	writeJson(join(stateDir, 'jarvis.json'), {models: {providers: {'openai-codex': {auth}}}});
	const jarvis = openJarvis({stateDir, env: {}});
	const login = await jarvis.startLogin({providerId: 'openai-codex', agentId: 'main'});
	const {url, redirectUri} = await waiting(login);
	expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
		client_id: clientId,
		id_token_add_organizations: 'true',
		codex_cli_simplified_flow: 'true',
		originator: expect.any(String),
	});
	expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:145[57]\/auth\/callback$/);
	// By paste, since the two ports may be somebody else's on this machine.
	const stopped = await visit(url, {stopAt: to => /^145[57]$/.test(to.port)});
	await login.paste(stopped.url);
	expect(await login.finished).toMatchObject({step: 'done', result: {accountId: 'sandbox-account-maya'}});
	expect(readStore(jarvis).profiles).toMatchObject({'openai-codex:maya@example.test': {clientId}});
	expect(server.tokenRequests.map(({body}) => body)).toEqual([
		{
			grant_type: 'authorization_code',
			client_id: clientId,
			code: expect.any(String),
			code_verifier: expect.any(String),
			redirect_uri: redirectUri,
		},
	]);
});

test('a denial comes through the callback', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const page = await visit(hinted(state.url, 'deny'));
	expect(page.status).toBe(200);
	expect(page.body).toContain('The login was not granted');
	const outcome = await login.finished;
	expect(outcome).toMatchObject({step: 'failed', error: {code: 'login_denied'}});
	expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
	expect(sandbox.server.tokenRequests).toHaveLength(0);
});

test('two callbacks at once exchange once', async () => {
	const sandbox = await openSandbox();
	sandbox.server.setTokenDelay(50);
	const {login, state} = await startWaiting(sandbox);
	const path = await redirectPath(state);
	await Promise.allSettled(Array.from({length: 8}, () => askCallback(sandbox.port, path)));
	expect(await login.finished).toMatchObject({step: 'done'});
	expect(sandbox.server.tokenRequests).toHaveLength(1);
	expect(sandbox.server.events.map(event => event.type)).toEqual(['code_exchanged']);
});

test('a callback and a paste at once exchange once', async () => {
	const sandbox = await openSandbox();
	sandbox.server.setTokenDelay(50);
	const {login, state} = await startWaiting(sandbox);
	const path = await redirectPath(state);
	await Promise.allSettled([
		askCallback(sandbox.port, path),
		login.paste(`http://127.0.0.1:${sandbox.port}${path}`),
		sandbox.open().finishLogin(`http://127.0.0.1:${sandbox.port}${path}`),
	]);
	expect(await login.finished).toMatchObject({step: 'done'});
	expect(sandbox.server.tokenRequests).toHaveLength(1);
});

test('the waiting login is known to other processes in a private file, gone afterwards', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const folder = sandbox.paths.pendingLogins;
	const [name = '', ...others] = readdirSync(folder);
	expect(others).toEqual([]);
	expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
	expect(statSync(folder).mode & 0o777).toBe(0o700);
	const {searchParams} = new URL(state.url);
	expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toMatchObject({
		state: searchParams.get('state'),
	});
	await visit(state.url);
	await login.finished;
	expect(readdirSync(folder)).toEqual([]);
});

test('listeners hear of each step, until they stop listening', async () => {
	const sandbox = await openSandbox();
	const login = await sandbox.open().startLogin({providerId, agentId: 'main'});
	const [steps, early]: [string[], string[]] = [[], []];
	login.subscribe(() => steps.push(login.state().step));
	const stop = login.subscribe(() => early.push(login.state().step));
	const {url} = await reaches(login, 'waiting');
	stop();
	await visit(url);
	await login.finished;
	expect(steps).toEqual(['waiting', 'exchanging', 'done']);
	expect(early).toEqual(['waiting']);
	login.cancel();
	expect(login.state().step).toBe('done');
});

test('a provider that is not known, and a profile id of a wrong form, are refused at once', async () => {
	const jarvis = (await openSandbox()).open();
	const unknown = await refusal(jarvis.startLogin({providerId: 'nobody', agentId: 'main'}));
	expect(unknown).toMatchObject({code: 'provider_unknown', next: expect.stringContaining('acme')});
	const badId = await refusal(jarvis.startLogin({providerId, agentId: 'main', profileId: 'acme:a/b'}));
	expect(badId.code).toBe('profile_invalid_id');
});
