import {describe, expect, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	callbackAt,
	declareProvider,
	hinted,
	openSandbox,
	reaches,
	readStore,
	redirectOf,
	refusal,
	startWaiting,
} from '../support/sandbox.ts';

const forms: readonly [string, (redirect: URL) => string, string?][] = [
	['the redirect URL', ({href}) => href],
	['the URL, wrapped and quoted', ({href}) => `"${href.replace(/.{40}/g, '$&\n  ')}"`],
	['the URL in a bracketed paste', ({href}) => `\u001B[200~${href}\u001B[201~`],
	['code#state', ({searchParams}) => `${searchParams.get('code')}#${searchParams.get('state')}`],
	['a query string with ?', ({search}) => search],
	['a query string without ?', ({search}) => search.slice(1)],
	['the URL with a fragment', ({href}) => href.replace('?', '#')],
	[
		'a bare code',
		({searchParams}) => searchParams.get('code') ?? '',
		'The code came alone, so that its state could not be checked.',
	],
];

test.each(forms)('a login by paste of %s stores the credential', async (_, form, note) => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = new URL(await redirectOf(state));
	expect(await login.paste(form(redirect))).toBe(note);
	expect(await login.finished).toMatchObject({step: 'done', result: {profileId: 'acme:maya@example.test'}});
	expect(readStore(sandbox).profiles).toMatchObject({
		'acme:maya@example.test': {type: 'oauth', accountId: 'sandbox-account-maya', clientId: 'jarvis-sandbox'},
	});
	expect(sandbox.server.events.map(event => event.type)).toEqual(['code_exchanged']);
});

describe('a paste that does not end the login leaves it waiting', () => {
	test.each<[string, string, (redirect: string, link: string) => string]>([
		['with a wrong state', 'login_state_mismatch', url => url.replace(/state=[^&]+/, 'state=canary-wrong')],
		['without a state', 'login_state_mismatch', url => url.replace(/&state=[^&]+/, '')],
		['with two states', 'login_state_mismatch', url => `${url}&state=canary-twice`],
		[
			'with an error of another login',
			'login_state_mismatch',
			() => '?error=access_denied&state=canary-wrong',
		],
		['as code#state of another login', 'login_state_mismatch', () => 'canary-code#canary-wrong'],
		['that is the login link itself', 'login_paste_unreadable', (_, link) => link],
		['that is empty', 'login_paste_unreadable', () => ' \n '],
		['that is garbage', 'login_paste_unreadable', () => 'hello, world!'],
		['that is an address without a code', 'login_paste_unreadable', () => 'http://127.0.0.1:1455/'],
	])('%s', async (_, code, form) => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const redirect = await redirectOf(state);
		const error = await refusal(login.paste(form(redirect, state.url)));
		expect(error.code).toBe(code);
		expect(login.state()).toBe(state);
		expect(sandbox.server.tokenRequests).toHaveLength(0);
		await login.paste(redirect);
		expect(await login.finished).toMatchObject({step: 'done'});
	});
});

describe('a pasted code that the server refuses', () => {
	test.each<[string, (state: string) => string]>([
		['alone', () => 'canary-made-up-code'],
		['with the state of the login', state => `canary-made-up-code#${state}`],
	])('%s, is told, and the login waits on, for a paste as for the browser', async (_, form) => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		const redirect = await redirectOf(state);
		const own = new URL(state.url).searchParams.get('state') ?? '';
		for (const _time of [1, 2]) {
			const error = await refusal(login.paste(form(own)));
			expect(error).toMatchObject({code: 'login_code_refused'});
			expect(JSON.stringify(error)).not.toContain('canary');
			expect(login.state()).toBe(state);
		}
		await login.paste(redirect);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('leaves the browser its way back', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		await refusal(login.paste('canary-made-up-code'));
		await visit(state.url);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('does not lose what the browser brings while the server is asked', async () => {
		const sandbox = await openSandbox();
		const {login, state} = await startWaiting(sandbox);
		sandbox.server.setTokenDelay(200);
		const pasted = login.paste('canary-made-up-code');
		await reaches(login, 'exchanging');
		await visit(state.url);
		// It was wrong, and nobody has to know: the right one has come.
		expect(await pasted).toBeUndefined();
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('is refused in an own login only: another one of this machine goes on as well', async () => {
		const sandbox = await openSandbox();
		const [first, second] = [await startWaiting(sandbox), await startWaiting(sandbox)];
		const foreign = new URL(await redirectOf(first.state)).searchParams.get('code') ?? '';
		const error = await refusal(second.login.paste(foreign));
		expect(error.code).toBe('login_code_refused');
		expect([first.login.state().step, second.login.state().step]).toEqual(['waiting', 'waiting']);
	});

	test('changes nothing of a login that is cancelled meanwhile', async () => {
		const sandbox = await openSandbox();
		const {login} = await startWaiting(sandbox);
		sandbox.server.setTokenDelay(200);
		const pasted = login.paste('canary-made-up-code');
		await reaches(login, 'exchanging');
		login.cancel();
		await pasted;
		expect(login.state().step).toBe('cancelled');
	});
});

test('what was pasted is quoted in no error', async () => {
	const sandbox = await openSandbox();
	const {login} = await startWaiting(sandbox);
	for (const pasted of [
		'canary-code#canary-state',
		'canary, canary!',
		'?code=canary-code&state=canary-state',
	]) {
		expect(JSON.stringify(await refusal(login.paste(pasted)))).not.toContain('canary');
	}
});

test('a denial that is pasted ends the login', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	await login.paste(await redirectOf(state, 'deny'));
	expect(await login.finished).toMatchObject({
		step: 'failed',
		error: {code: 'login_denied', message: expect.stringContaining('The person denied the request.')},
	});
	expect(sandbox.server.tokenRequests).toHaveLength(0);
});

test('an error of the server that is pasted is shown, freed of control codes', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const own = new URL(state.url).searchParams.get('state') ?? '';
	const params = {
		error: 'invalid_scope',
		error_description: 'No \u001B[31mscope\u001B[0m\u0007.',
		state: own,
	};
	await login.paste(`?${new URLSearchParams(params)}`);
	const outcome = await login.finished;
	expect(outcome).toMatchObject({
		step: 'failed',
		error: {code: 'login_server_error', message: 'Acme answered with an error: invalid_scope: No scope..'},
	});
});

test('a redirect that names another issuer is not acted on', async () => {
	const sandbox = await openSandbox();
	const {stateDir, server, port} = sandbox;
	const discovered = {issuer: server.issuer, authorizationEndpoint: undefined, tokenEndpoint: undefined};
	declareProvider(stateDir, server, {...discovered, redirectUris: [callbackAt(port)]});
	const {login, state} = await startWaiting(sandbox);
	const redirect = new URL(await redirectOf(state));
	redirect.searchParams.set('iss', 'https://other.example.test');
	await login.paste(redirect.href);
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_server_error'}});
	expect(sandbox.server.tokenRequests).toHaveLength(0);
});

test('a paste after the end does nothing', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	await login.paste(redirect);
	const outcome = await login.finished;
	expect(await login.paste(redirect)).toBeUndefined();
	expect(login.state()).toBe(outcome);
	expect(sandbox.server.tokenRequests).toHaveLength(1);
});

test('two pastes at once exchange once', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	const redirect = await redirectOf(state);
	await Promise.all([login.paste(redirect), login.paste(redirect), login.paste(redirect)]);
	expect(await login.finished).toMatchObject({step: 'done'});
	expect(sandbox.server.tokenRequests).toHaveLength(1);
});

test('the account that the browser chose is the one that is stored', async () => {
	const sandbox = await openSandbox();
	const {login, state} = await startWaiting(sandbox);
	await login.paste(await redirectOf({...state, url: hinted(state.url, 'wren@example.test')}));
	expect(await login.finished).toMatchObject({
		step: 'done',
		result: {
			profileId: 'acme:wren@example.test',
			accountId: 'sandbox-account-wren',
			email: 'wren@example.test',
		},
	});
});
