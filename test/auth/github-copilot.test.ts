import {expect, onTestFinished, test} from 'vitest';
import type {Login} from '../../source/auth/login/contract.ts';
import {isCodeMethod, type ProviderIo} from '../../source/auth/providers/contract.ts';
import {githubCopilot} from '../../source/auth/providers/github-copilot.ts';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import type {OAuthCredential} from '../../source/store/schema.ts';
import {
	type Answer,
	type Asked,
	fetchVia,
	type LocalServer,
	serve,
	silence,
} from '../support/local-server.ts';
import {canary, reaches, readStore, refusal, temporaryFolder} from '../support/sandbox.ts';

const clientId = 'Iv1.b507a08c87ecfe98';
const profileId = 'github-copilot:maya';
const paths = {
	device: '/login/device/code',
	token: '/login/oauth/access_token',
	copilot: '/copilot_internal/v2/token',
	user: '/user',
};
/** When (s since 1970) the Copilot token ends. */
const endsAt = Math.floor(Date.now() / 1000) + 1800;

type Answers = Partial<Record<keyof typeof paths, (asked: Asked, count: number) => Answer | typeof silence>>;

/** What GitHub answers to an account that has Copilot, once its code was typed. */
const usual: Required<Answers> = {
	device: () => ({
		body: {
			...{device_code: canary('device code'), user_code: 'WXYZ-0123', expires_in: 899, interval: 0.02},
			verification_uri: 'https://github.com/login/device',
		},
	}),
	// GitHub's own form: errors with status 200, and an empty scope for such clients.
	token: (_asked, count) =>
		count === 1
			? {body: {error: 'authorization_pending', error_description: 'The request is still pending.'}}
			: {body: {access_token: canary('github token'), token_type: 'bearer', scope: ''}},
	copilot: () => ({
		body: {token: canary('copilot token'), expires_at: endsAt, refresh_in: 1500, chat_enabled: true},
	}),
	user: () => ({body: {id: 583, login: 'maya', email: null}}),
};

interface GitHub {
	readonly github: LocalServer;
	readonly jarvis: Jarvis;
	readonly stateDir: string;
	readonly paths: ReturnType<typeof statePaths>;
	readonly io: ProviderIo;
}

async function openGitHub(answers: Answers = {}, host = 'github.com'): Promise<GitHub> {
	const github: LocalServer = await serve(asked => {
		for (const [name, path] of Object.entries(paths) as [keyof typeof paths, string][]) {
			if (asked.path === path) return (answers[name] ?? usual[name])(asked, github.on(path).length);
		}
		return {status: 404};
	});
	const stateDir = temporaryFolder();
	const fetchThere = fetchVia({[host]: github, [`api.${host}`]: github});
	return {
		...{github, stateDir, paths: statePaths(stateDir)},
		jarvis: openJarvis({stateDir, env: {}, fetch: fetchThere}),
		io: {fetch: fetchThere, now: Date.now, signal: new AbortController().signal},
	};
}

async function start({jarvis}: GitHub, method = 'device_code'): Promise<Login> {
	const login = await jarvis.startLogin({providerId: 'copilot', agentId: 'main', method});
	onTestFinished(() => login.cancel());
	return login;
}

test('a code, a GitHub token for it, and a Copilot token for that', async () => {
	const opened = await openGitHub();
	const {github} = opened;
	const login = await start(opened);
	expect(await reaches(login, 'device')).toMatchObject({
		...{userCode: 'WXYZ-0123', verificationUri: 'https://github.com/login/device'},
	});
	expect(await login.finished).toEqual({
		step: 'done',
		result: {
			...{profileId, provider: 'github-copilot', agentId: 'main', kind: 'oauth', accountId: '583'},
			expires: endsAt * 1000 - 5 * 60_000,
		},
	});
	expect(readStore(opened).profiles).toEqual({
		[profileId]: {
			...{type: 'oauth', provider: 'github-copilot', accountId: '583', metadata: {host: 'github.com'}},
			...{access: canary('copilot token'), refresh: canary('github token'), method: 'device_code'},
			expires: endsAt * 1000 - 5 * 60_000,
		},
	});
	const form = (path: string) =>
		github.on(path).map(({body}) => Object.fromEntries(new URLSearchParams(body)));
	expect(form(paths.device)).toEqual([{client_id: clientId, scope: 'read:user'}]);
	expect(form(paths.token)).toEqual(
		Array(2).fill({
			client_id: clientId,
			device_code: canary('device code'),
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
		}),
	);
	expect(github.asked.map(({headers, path}) => [headers['x-asked-host'], path])).toEqual([
		['github.com', paths.device],
		['github.com', paths.token],
		['github.com', paths.token],
		['api.github.com', paths.copilot],
		['api.github.com', paths.user],
	]);
	for (const {headers} of github.asked) expect(headers.accept).toBe('application/json');
	for (const path of [paths.copilot, paths.user]) {
		expect(github.on(path)[0]?.headers.authorization).toBe(`Bearer ${canary('github token')}`);
	}
});

test('an e-mail that is public names the profile, and an account that is not told one is the default', async () => {
	const opened = await openGitHub({user: () => ({body: {id: 1, login: 'wren', email: 'wren@example.test'}})});
	expect(await (await start(opened)).finished).toMatchObject({
		result: {profileId: 'github-copilot:wren@example.test', email: 'wren@example.test'},
	});
	const unknown = await openGitHub({user: () => ({status: 500})});
	expect(await (await start(unknown)).finished).toMatchObject({
		result: {profileId: 'github-copilot:default'},
	});
});

test('a second login of the account renews its profile; another account has its own', async () => {
	let user = {id: 583, login: 'maya'};
	let token = 'first';
	const opened = await openGitHub({
		token: () => ({body: {access_token: canary(token), token_type: 'bearer'}}),
		user: () => ({body: user}),
	});
	await (await start(opened)).finished;
	token = 'second';
	await (await start(opened)).finished;
	user = {id: 584, login: 'tomas'};
	await (await start(opened)).finished;
	const {profiles} = readStore(opened);
	expect(Object.keys(profiles)).toEqual([profileId, 'github-copilot:tomas']);
	expect(profiles[profileId]?.refresh).toBe(canary('second'));
});

test('a GitHub Enterprise is asked for, and everything goes there', async () => {
	const opened = await openGitHub({}, 'company.ghe.com');
	const login = await start(opened, 'custom');
	const question = await reaches(login, 'asking');
	expect(question).toMatchObject({message: 'The host of your GitHub Enterprise', secret: false});
	expect(await refusal(login.paste('no host'))).toMatchObject({code: 'secret_malformed'});
	expect(login.state()).toBe(question);
	await login.paste('https://company.ghe.com/login');
	expect(await login.finished).toMatchObject({result: {profileId}});
	expect(readStore(opened).profiles[profileId]?.metadata).toEqual({host: 'company.ghe.com'});
	const hosts = new Set(opened.github.asked.map(({headers}) => headers['x-asked-host']));
	expect([...hosts]).toEqual(['company.ghe.com', 'api.company.ghe.com']);
});

test('the same number at two hosts is two accounts', async () => {
	const opened = await openGitHub();
	await (await start(opened)).finished;
	const {github, stateDir} = opened;
	const fetchThere = fetchVia({'company.ghe.com': github, 'api.company.ghe.com': github});
	const login = await openJarvis({stateDir, env: {}, fetch: fetchThere}).startLogin({
		...{providerId: 'github-copilot', agentId: 'main', method: 'custom'},
	});
	await reaches(login, 'asking');
	await login.paste('company.ghe.com');
	await login.finished;
	const {profiles} = readStore(opened);
	expect(Object.values(profiles).map(({metadata}) => metadata)).toEqual([
		{host: 'github.com'},
		{host: 'company.ghe.com'},
	]);
});

test.each<[string, Answers, string, RegExp, RegExp]>([
	[
		'the person denies it',
		{token: () => ({body: {error: 'access_denied'}})},
		'login_denied',
		/denied/,
		/Try again/,
	],
	[
		'the code runs out',
		{token: () => ({body: {error: 'expired_token'}})},
		'login_timed_out',
		/ran out/,
		/new code/,
	],
	[
		'the device flow is off',
		{device: () => ({body: {error: 'device_flow_disabled'}})},
		'login_server_error',
		/device_flow_disabled/,
		/--method/,
	],
	[
		'the GitHub token is refused',
		{copilot: () => ({status: 401, body: {message: canary('github token')}})},
		'login_server_error',
		/api\.github\.com answered with status 401/,
		/Log in again/,
	],
	[
		'the account has no subscription',
		{copilot: () => ({status: 403, body: {message: canary('no subscription')}})},
		'login_server_error',
		/no Copilot token \(status 403\)/,
		/subscription/,
	],
	[
		'there are too many',
		{copilot: () => ({status: 429, headers: {'retry-after': '60'}})},
		'login_server_error',
		/status 429/,
		/Try again/,
	],
	['GitHub is down', {copilot: () => ({status: 500})}, 'login_server_error', /status 500/, /Try again/],
	[
		'a page comes in place of the token',
		{copilot: () => ({body: `<html>${canary('page')}</html>`})},
		'login_server_error',
		/no JSON object/,
		/Try again/,
	],
	[
		'the reply has another form',
		{copilot: () => ({body: {token: canary('copilot token'), expires_at: 'soon'}})},
		'login_server_error',
		/another form/,
		/subscription/,
	],
	[
		'it is sent elsewhere',
		{copilot: () => ({status: 302, headers: {location: 'https://elsewhere.example.test/'}})},
		'login_unreachable',
		/could not be reached/,
		/network/,
	],
])('nothing is stored when %s', async (_why, answers, code, message, next) => {
	const opened = await openGitHub(answers);
	const outcome = await (await start(opened)).finished;
	expect(outcome).toMatchObject({
		step: 'failed',
		error: {code, message: expect.stringMatching(message), next: expect.stringMatching(next)},
	});
	expect(JSON.stringify(outcome)).not.toContain('canary');
	expect(() => readStore(opened)).toThrow('ENOENT');
});

test('cancelling ends a request that hangs, and stores nothing', async () => {
	const asked = Promise.withResolvers<void>();
	const opened = await openGitHub({
		copilot() {
			asked.resolve();
			return silence;
		},
	});
	const login = await start(opened);
	await asked.promise;
	login.cancel();
	expect(await login.finished).toEqual({step: 'cancelled'});
	expect(() => readStore(opened)).toThrow('ENOENT');
});

/** The credential that a login stored, as the refresh is given it. */
const stored: OAuthCredential = {
	...{type: 'oauth', provider: 'github-copilot', access: canary('old'), refresh: canary('github token')},
	...{expires: 1, accountId: '583', metadata: {host: 'github.com'}},
};

async function refreshed(answers: Answers, credential = stored, host?: string) {
	const {io, github} = await openGitHub(answers, host);
	const method = githubCopilot.auth.find(isCodeMethod);
	if (!method?.refresh) expect.fail('it has no refresh');
	return {github, ...(await method.refresh(credential, io))};
}

test('a refresh buys a new Copilot token with the GitHub token, which stays', async () => {
	const {github, ...issued} = await refreshed({});
	expect(issued).toEqual({
		...{type: 'oauth', access: canary('copilot token'), refresh: canary('github token')},
		...{expires: endsAt * 1000 - 5 * 60_000, metadata: {host: 'github.com'}},
	});
	expect(github.asked.map(({path, headers}) => [path, headers.authorization])).toEqual([
		[paths.copilot, `Bearer ${canary('github token')}`],
	]);
});

test('a refresh goes to the host that the login was at, and to github.com where none is noted', async () => {
	const hosted = {...stored, metadata: {host: 'company.ghe.com'}};
	const {github, metadata} = await refreshed({}, hosted, 'company.ghe.com');
	expect(metadata).toEqual({host: 'company.ghe.com'});
	expect(github.asked[0]?.headers['x-asked-host']).toBe('api.company.ghe.com');
	const {metadata: _, ...plain} = stored;
	expect((await refreshed({}, plain)).metadata).toEqual({host: 'github.com'});
});

test.each<[string, Answer, Record<string, unknown>]>([
	['a GitHub token that was revoked', {status: 401}, {status: 401}],
	['a subscription that is over', {status: 403}, {status: 403}],
	['a limit', {status: 429, headers: {'retry-after': '60'}}, {status: 429, retryAfter: '60'}],
	['a server that is down', {status: 503}, {status: 503}],
])('a refresh tells %s by its status, so that it can be judged', async (_what, answer, details) => {
	const error = await refusal(refreshed({copilot: () => ({...answer, body: {message: canary('body')}})}));
	expect(error).toMatchObject({code: 'login_server_error', details});
	expect(`${JSON.stringify(error)}${error.stack}`).not.toContain('canary');
});
