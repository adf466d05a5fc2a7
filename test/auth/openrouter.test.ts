import {createHash} from 'node:crypto';
import {expect, onTestFinished, test} from 'vitest';
import type {Login, WaitingState} from '../../source/auth/login/contract.ts';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {type Answer, fetchVia, type LocalServer, serve} from '../support/local-server.ts';
import {
	askCallback,
	canary,
	reaches,
	readStore,
	refusal,
	takePort,
	temporaryFolder,
} from '../support/sandbox.ts';

/** The only port of this machine that OpenRouter comes back to: another program may have it. */
const port = 3000;
const isFree = await portIsFree();

async function portIsFree(): Promise<boolean> {
	const {createServer} = await import('node:net');
	const server = createServer();
	return new Promise(resolve => {
		server.once('error', () => resolve(false));
		server.listen({port, host: '127.0.0.1', exclusive: true}, () => server.close(() => resolve(true)));
	});
}

interface OpenRouter {
	readonly router: LocalServer;
	readonly login: Login;
	readonly state: WaitingState;
	readonly paths: ReturnType<typeof statePaths>;
	/** What OpenRouter sends the browser back to, once the person has allowed it. */
	readonly back: (params?: Record<string, string>) => URL;
}

const code = canary('code');

/** A login that waits, and a server that gives a key for the code and its verifier, once. */
async function startOpenRouter(answer?: Answer): Promise<OpenRouter> {
	let challenge = '';
	const router: LocalServer = await serve(({path, body}) => {
		if (path !== '/api/v1/auth/keys') return {status: 404};
		if (answer) return answer;
		const given = JSON.parse(body);
		const isRight = createHash('sha256').update(given.code_verifier).digest('base64url') === challenge;
		if (given.code !== code || !isRight) return {status: 403, body: {error: {message: canary('no')}}};
		return {body: {key: `sk-or-v1-${canary('key')}`, user_id: 'user_canary'}};
	});
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}, fetch: fetchVia({'openrouter.ai': router})});
	const login = await jarvis.startLogin({providerId: 'openrouter', agentId: 'main'});
	onTestFinished(() => login.cancel());
	const state = await reaches(login, 'waiting');
	const {searchParams} = new URL(state.url);
	challenge = searchParams.get('code_challenge') ?? '';
	const back = (params: Record<string, string> = {code}) => {
		// As the real one does: what the address carries already stays.
		const url = new URL(searchParams.get('callback_url') ?? '');
		for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
		return url;
	};
	return {router, login, state, back, paths: statePaths(stateDir)};
}

const done = {
	step: 'done',
	result: {profileId: 'openrouter:default', provider: 'openrouter', agentId: 'main', kind: 'api_key'},
};

test('the link has a challenge, and the callback’s address a state', async () => {
	const {state} = await startOpenRouter();
	const url = new URL(state.url);
	expect(`${url.origin}${url.pathname}`).toBe('https://openrouter.ai/auth');
	expect(Object.fromEntries(url.searchParams)).toEqual({
		callback_url: expect.stringMatching(/^http:\/\/localhost:3000\/callback\?state=[0-9a-f]{32}$/),
		code_challenge: expect.stringMatching(/^[\w-]{43}$/),
		code_challenge_method: 'S256',
	});
	expect(state.redirectUri).toBe('http://localhost:3000/callback');
	const another = await startOpenRouter();
	expect(another.back().searchParams.get('state')).not.toBe(
		new URL(url.searchParams.get('callback_url') ?? '').searchParams.get('state'),
	);
});

test.skipIf(!isFree)('a redirect ends the login with a key', async () => {
	const opened = await startOpenRouter();
	const {login, state, router, back} = opened;
	expect(state.listening).toBe(true);
	const wrong = back({code, state: 'another'});
	expect(await askCallback(port, wrong.pathname + wrong.search)).toMatchObject({status: 400});
	expect(login.state()).toBe(state);
	const {pathname, search} = back();
	expect(await askCallback(port, pathname + search)).toMatchObject({status: 200});
	expect(await login.finished).toEqual(done);
	expect(readStore(opened).profiles).toEqual({
		'openrouter:default': {type: 'api_key', provider: 'openrouter', key: `sk-or-v1-${canary('key')}`},
	});
	expect(
		router.asked.map(({method, path, headers, body}) => [
			method,
			path,
			headers['content-type'],
			JSON.parse(body),
		]),
	).toEqual([
		[
			...['POST', '/api/v1/auth/keys', 'application/json'],
			{code, code_verifier: expect.stringMatching(/^[\w-]{64}$/), code_challenge_method: 'S256'},
		],
	]);
	await expect(askCallback(port, pathname + search)).rejects.toThrow('ECONNREFUSED');
});

test.each<[string, (back: URL) => string]>([
	['the address', ({href}) => href],
	['the address, wrapped', ({href}) => href.replace(/.{30}/g, '$&\n')],
	['the query alone', ({search}) => search],
	['an address that lost its state', ({href}) => href.replace(/state=\w+&/, '')],
	['the code alone', () => code],
])('a paste of %s does too', async (_form, form) => {
	const {login, back, paths} = await startOpenRouter();
	await login.paste(form(back()));
	expect(await login.finished).toEqual(done);
	expect(Object.keys(readStore({paths}).profiles)).toEqual(['openrouter:default']);
});

test('a paste of another login’s address is refused, and it goes on waiting', async () => {
	const {login, back, router, state} = await startOpenRouter();
	const error = await refusal(login.paste(back({code, state: 'another'}).href));
	expect(error.code).toBe('login_state_mismatch');
	expect(await refusal(login.paste('https://openrouter.ai/'))).toMatchObject({
		code: 'login_paste_unreadable',
	});
	expect(await refusal(login.paste(state.url))).toMatchObject({code: 'login_paste_unreadable'});
	expect(login.state()).toBe(state);
	expect(router.asked).toEqual([]);
	await login.paste(back().href);
	expect(await login.finished).toEqual(done);
});

test('a denial ends it', async () => {
	const {login, back, router, paths} = await startOpenRouter();
	await login.paste(back({error: 'access_denied'}).href);
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_denied'}});
	expect(router.asked).toEqual([]);
	expect(() => readStore({paths})).toThrow('ENOENT');
});

test('a port that is taken leaves the paste', async () => {
	// `localhost` has two addresses, and one of them is enough; they may be taken already, or not be there.
	for (const host of ['127.0.0.1', '::1']) await takePort(port, host).catch(() => {});
	const {login, state, back} = await startOpenRouter();
	expect(state).toMatchObject({listening: false, redirectUri: 'http://localhost:3000/callback'});
	await login.paste(back().href);
	expect(await login.finished).toEqual(done);
});

test.each<[string, Answer, string]>([
	['a code that is refused', {status: 403, body: {error: canary('no')}}, 'login_server_error'],
	['too many', {status: 429}, 'login_server_error'],
	['a server that is down', {status: 502, body: `<html>${canary('page')}</html>`}, 'login_server_error'],
	['a page', {body: `<html>${canary('page')}</html>`}, 'login_server_error'],
	['no key', {body: {user_id: canary('user')}}, 'login_server_error'],
	['a key that is none', {body: {key: {secret: canary('key')}}}, 'login_server_error'],
])('%s stores nothing, and quotes nothing', async (_what, answer, expected) => {
	const {login, back, paths} = await startOpenRouter(answer);
	await login.paste(back().href);
	const outcome = await login.finished;
	expect(outcome).toMatchObject({step: 'failed', error: {code: expected}});
	expect(JSON.stringify(outcome)).not.toContain('canary');
	expect(() => readStore({paths})).toThrow('ENOENT');
});

test('a second login takes the place of the first key, and of no pasted token', async () => {
	const {login, back, paths} = await startOpenRouter();
	await login.paste(back().href);
	await login.finished;
	const jarvis = openJarvis({stateDir: paths.root, env: {}});
	const token = await jarvis.startLogin({providerId: 'openrouter', agentId: 'main', method: 'token'});
	await reaches(token, 'asking');
	await token.paste(canary('token'));
	expect(await token.finished).toMatchObject({result: {profileId: 'openrouter:token'}});
	expect(Object.keys(readStore({paths}).profiles)).toEqual(['openrouter:default', 'openrouter:token']);
});
