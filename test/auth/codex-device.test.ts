import {expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {type Answer, fetchVia, serve} from '../support/local-server.ts';
import {
	canary,
	obtainTokens,
	openSandbox,
	reaches,
	readStore,
	soon,
	temporaryFolder,
} from '../support/sandbox.ts';

const device = {device_auth_id: 'device-1', user_code: 'ABCD-EFGH', interval: '0.02'};
const granted = {authorization_code: canary('code'), code_verifier: canary('verifier'), code_challenge: 'x'};

/** A server that speaks as ChatGPT's does; the tokens are the sandbox's. */
async function start(replies: {readonly usercode?: Answer; readonly polls?: readonly Answer[]} = {}) {
	const sandbox = await openSandbox();
	const tokens = await obtainTokens(sandbox.server);
	const polls = [...(replies.polls ?? [{status: 403}, {body: granted}])];
	const server = await serve(({path}) => {
		switch (path) {
			case '/api/accounts/deviceauth/usercode':
				return replies.usercode ?? {body: device};
			case '/api/accounts/deviceauth/token':
				return polls.length > 1 ? (polls.shift() ?? {status: 500}) : (polls[0] ?? {status: 500});
			case '/oauth/token':
				return {body: tokens};
			default:
				return {status: 404};
		}
	});
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}, fetch: fetchVia({'auth.openai.com': server})});
	const login = await jarvis.startLogin({providerId: 'codex', agentId: 'main', method: 'device_code'});
	return {server, login, paths: statePaths(stateDir)};
}

test('the code is shown, asked for until it is typed in, and exchanged', async () => {
	const {server, login, paths} = await start({
		polls: [{status: 403}, {status: 404}, {status: 502}, {body: granted}],
	});
	expect(await reaches(login, 'device')).toMatchObject({
		userCode: 'ABCD-EFGH',
		verificationUri: 'https://auth.openai.com/codex/device',
	});
	expect(await login.finished).toMatchObject({
		step: 'done',
		result: {provider: 'openai-codex', kind: 'oauth'},
	});
	const [begun] = server.on('/api/accounts/deviceauth/usercode');
	expect(JSON.parse(begun?.body ?? '')).toEqual({client_id: 'app_EMoamEEZ73f0CkXaXp7hrann'});
	const polls = server.on('/api/accounts/deviceauth/token');
	expect(polls).toHaveLength(4);
	expect(JSON.parse(polls[0]?.body ?? '')).toEqual({device_auth_id: 'device-1', user_code: 'ABCD-EFGH'});
	const [exchange] = server.on('/oauth/token');
	expect(Object.fromEntries(new URLSearchParams(exchange?.body))).toEqual({
		grant_type: 'authorization_code',
		client_id: 'app_EMoamEEZ73f0CkXaXp7hrann',
		code: granted.authorization_code,
		code_verifier: granted.code_verifier,
		redirect_uri: 'https://auth.openai.com/deviceauth/callback',
	});
	const [entry] = Object.values(readStore({paths}).profiles);
	expect(entry).toMatchObject({type: 'oauth', provider: 'openai-codex', accountId: 'sandbox-account-maya'});
});

test.each<[string, Answer, string]>([
	['is not allowed', {status: 404}, 'login_unsupported'],
	['is broken', {status: 500}, 'login_server_error'],
	['says something else', {body: {}}, 'login_server_error'],
])('a server where it %s is told of, and nothing is stored', async (_, usercode, code) => {
	const {login, paths} = await start({usercode});
	expect(await login.finished).toMatchObject({step: 'failed', error: {code}});
	expect(() => readStore({paths})).toThrow('ENOENT');
});

test('a login that is refused ends, and so does one that is cancelled', async () => {
	const refused = await start({polls: [{status: 400, body: {error: canary('why')}}]});
	expect(await refused.login.finished).toMatchObject({step: 'failed', error: {code: 'login_server_error'}});
	const {server, login} = await start({polls: [{status: 403}]});
	await expect.poll(() => server.on('/api/accounts/deviceauth/token').length, soon).toBeGreaterThan(1);
	login.cancel();
	expect(await login.finished).toEqual({step: 'cancelled'});
});
