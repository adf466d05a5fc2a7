import {expect, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	askCallback,
	callbackAt,
	declareProvider,
	openSandbox,
	redirectPath,
	startWaiting,
	takePort,
} from '../support/sandbox.ts';

const remote = {offersShortUrl: true};

test('the short address leads to the link, and the login ends by it', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox, remote);
	expect(state.shortUrl).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${sandbox.port}/[a-z2-9]{7}$`));
	const answer = await askCallback(sandbox.port, shortPath(state));
	expect(answer).toMatchObject({
		status: 302,
		headers: {location: state.url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer'},
	});
	expect(answer.body).not.toContain(new URL(state.url).searchParams.get('state'));
	expect(await visit(state.shortUrl ?? '')).toMatchObject({status: 200});
	expect(await login.finished).toMatchObject({step: 'done', result: {profileId: 'acme:maya@example.test'}});
	await expect(askCallback(sandbox.port, shortPath(state))).rejects.toThrow('ECONNREFUSED');
});

test('it cannot be guessed by who else is on the machine', async () => {
	const [one, other] = [
		await startWaiting(await openSandbox(), remote),
		await startWaiting(await openSandbox(), remote),
	];
	expect(shortPath(one.state)).not.toBe(shortPath(other.state));
});

test('it is not there where the browser is not elsewhere', async () => {
	const sandbox = await openSandbox();
	const {state} = await startWaiting(sandbox);
	expect(state).not.toHaveProperty('shortUrl');
	expect(await askCallback(sandbox.port, '/')).toMatchObject({status: 404});
});

test.each<[string, string, {method?: string; host?: string}, number]>([
	['another name', '', {host: 'evil.example.test'}, 400],
	['this machine’s name at another port', '', {host: '127.0.0.1:1'}, 400],
	['another method', '', {method: 'POST'}, 405],
	['HEAD', '', {method: 'HEAD'}, 405],
	['a path below', '/login', {}, 404],
	['the root', '/..', {}, 404],
])('to %s it leads nowhere', async (_what, path, options, status) => {
	const sandbox = await openSandbox();
	const {state, login} = await startWaiting(sandbox, remote);
	const answer = await askCallback(sandbox.port, shortPath(state) + path, options);
	expect(answer.status).toBe(status);
	expect(answer.headers.location).toBeUndefined();
	expect(login.state()).toBe(state);
});

test('by the other name of this machine it leads there too', async () => {
	const sandbox = await openSandbox();
	const {state} = await startWaiting(sandbox, remote);
	const answer = await askCallback(sandbox.port, `${shortPath(state)}?from=elsewhere`, {
		host: `localhost:${sandbox.port}`,
	});
	expect(answer).toMatchObject({status: 302, headers: {location: state.url}});
});

test('it is gone once the login is cancelled, and there is none where the port is taken', async () => {
	const sandbox = await openSandbox();
	const {login} = await startWaiting(sandbox, remote);
	login.cancel();
	await login.finished;
	await expect(askCallback(sandbox.port, '/')).rejects.toThrow('ECONNREFUSED');
	await takePort(sandbox.port);
	const {state} = await startWaiting(sandbox, remote);
	expect(state).toMatchObject({listening: false});
	expect(state).not.toHaveProperty('shortUrl');
});

test('a redirect URI that is that address itself goes on being the redirect URI', async () => {
	const sandbox = await openSandbox();
	const {stateDir, server, port} = sandbox;
	declareProvider(stateDir, server, {redirectUris: [`http://127.0.0.1:${port}/`]});
	const {state} = await startWaiting(sandbox, remote);
	expect(await askCallback(port, '/')).toMatchObject({status: 400});
	expect(await askCallback(port, shortPath(state))).toMatchObject({status: 302});
});

test('a container’s address can be listened on: the redirect URI stays what it is', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox, {...remote, callbackBind: '127.0.0.2'});
	expect(state.redirectUri).toBe(callbackAt(sandbox.port));
	await expect(askCallback(sandbox.port, '/')).rejects.toThrow('ECONNREFUSED');
	// As a published port brings it: to the container's address, by the name that the browser knows.
	const from = {host: `127.0.0.1:${sandbox.port}`, address: '127.0.0.2'};
	expect(await askCallback(sandbox.port, shortPath(state), from)).toMatchObject({status: 302});
	expect(await askCallback(sandbox.port, await redirectPath(state), from)).toMatchObject({status: 200});
	expect(await login.finished).toMatchObject({step: 'done'});
});

function shortPath({shortUrl = ''}: {readonly shortUrl?: string}): string {
	return new URL(shortUrl).pathname;
}
