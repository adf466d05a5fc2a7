import {describe, expect, it, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	declareProvider,
	expiredEntry,
	hinted,
	openSandbox,
	readStore,
	redirectOf,
	writeStore,
} from '../support/sandbox.ts';
import {loginState, openLogin, openWaiting, waiting} from './login-screen.ts';
import {keys, renderApp} from './render-app.tsx';

describe('a paste that cannot be taken is told, and the login goes on waiting', () => {
	test.each([
		['an address of another login', '! That link belongs to another login attempt'],
		['a text', '! The pasted text holds no code.'],
		['the link itself', '! That is the login link itself.'],
	])('%s', async (what, sentence) => {
		const app = await openWaiting();
		const state = await waiting(app);
		const address = await redirectOf(state);
		const other = new URL(address);
		other.searchParams.set('state', 'of-another-login');
		await app.paste(
			{'an address of another login': other.href, 'the link itself': state.url}[what] ?? 'no address at all!',
		);
		await app.waitFor(sentence);
		expect(loginState(app)?.step).toBe('waiting');
		await app.paste(address);
		await app.waitFor('✓ Logged in.');
	});

	test('an empty field', async () => {
		const app = await openWaiting();
		await app.press('p', keys.enter);
		await app.waitFor('! The pasted text holds no code.');
		expect(loginState(app)?.step).toBe('waiting');
	});
});

describe('the field', () => {
	test('is closed by Esc, with the login still waiting', async () => {
		const app = await openWaiting();
		await app.press('p');
		await app.type('http');
		await app.waitFor('> http');
		await app.press(keys.esc);
		await app.waitFor('or paste the address that the browser ends at');
		expect(loginState(app)?.step).toBe('waiting');
	});

	test('takes letters that are keys elsewhere', async () => {
		const app = await openWaiting();
		await app.press('p');
		await app.type('qy?15 R');
		await app.waitFor('> qy?15 R');
		expect([app.quits(), app.copied]).toEqual([0, []]);
	});

	// It stays open, unseen, when the browser ends the login meanwhile.
	it('is closed by the end of the login, so that keys are keys again', async () => {
		const app = await openWaiting();
		await app.press('p', 'h');
		await visit((await waiting(app)).url);
		await app.waitFor('✓ Logged in.');
		await app.press('q');
		expect(app.quits()).toBe(1);
	});
});

describe('a login that fails', () => {
	test('because it was denied says so, stores nothing, and r tries again', async () => {
		const app = await openWaiting();
		const {url} = await waiting(app);
		await visit(hinted(url, 'deny'));
		await app.waitFor('✗ Acme did not grant the login (access_denied: The person denied the request.).');
		await app.waitFor('r try again');
		await app.press('r');
		const again = await waiting(app);
		expect(again.url).not.toBe(url);
		await app.paste(await redirectOf(again));
		await app.waitFor('✓ Logged in.');
	});

	test('because the answer of a pasted address was a denial says so', async () => {
		const app = await openWaiting();
		await app.paste(await redirectOf(await waiting(app), 'deny'));
		await app.waitFor('✗ Acme did not grant the login');
	});

	test('because the server breaks says so', async () => {
		const app = await openWaiting();
		app.sandbox.server.setTokenFailure({
			status: 500,
			body: 'canary-body-of-a-fault',
			contentType: 'text/html',
		});
		await app.paste(await redirectOf(await waiting(app)));
		await app.waitFor('✗ Acme answered with an error: status 500.');
		await app.waitFor('r try again');
		expect(app.frames.join('\n')).not.toContain('canary-body');
	});

	test('because the server cannot be asked says so', async () => {
		const sandbox = await openSandbox();
		const gone = {authorizationEndpoint: undefined, tokenEndpoint: undefined, issuer: 'http://127.0.0.1:1'};
		declareProvider(sandbox.stateDir, sandbox.server, gone);
		const app = await openLogin({}, sandbox);
		await app.press(keys.enter);
		await app.waitFor('✗ ');
		await app.press(keys.esc);
		await app.waitFor('Log an account in for the agent main');
	});

	test('because it was of another account than the profile says so, and changes nothing', async () => {
		const sandbox = await openSandbox();
		const profiles = {
			'acme:work': {...(await expiredEntry(sandbox.server)), expires: Date.now() + 3_600_000},
		};
		writeStore(sandbox, 'main', {profiles});
		const app = await renderApp({stateDir: sandbox.stateDir, now: Date.now});
		await app.press('2', 'l');
		await app.waitFor('Acme for the agent main as acme:work');
		await visit(hinted((await waiting(app)).url, 'wren@example.test'));
		await app.waitFor(
			'✗ acme:work is of maya@example.test, but the browser was logged in as wren@example.test.',
		);
		expect(readStore(sandbox).profiles).toEqual(profiles);
	});
});

describe('a login that is cancelled', () => {
	test('stores nothing, and another provider can be chosen', async () => {
		const app = await openWaiting();
		await app.press(keys.esc);
		await app.waitFor('Cancelled. Nothing was stored.');
		await app.press(keys.esc);
		await app.waitFor('Log an account in for the agent main');
	});

	test('while its code is exchanged stores nothing', async () => {
		const app = await openWaiting();
		app.sandbox.server.setTokenDelay(10_000);
		await app.paste(await redirectOf(await waiting(app)));
		await app.waitFor('Finishing the login…');
		await app.press(keys.esc);
		await app.waitFor('Cancelled. Nothing was stored.');
		expect((await app.sandbox.open().snapshot()).agents[0]?.profiles).toEqual([]);
	});
});

test('a link that is too long for a small window breaks nothing, and can still be copied', async () => {
	const sandbox = await openSandbox();
	declareProvider(sandbox.stateDir, sandbox.server, {authorizeParams: {audience: 'a'.repeat(900)}});
	const app = await openWaiting({columns: 60, rows: 16}, sandbox);
	const {url} = await waiting(app);
	expect(app.lines().length).toBeLessThanOrEqual(16);
	await app.press('y');
	await app.waitFor('✓ Copied the login link.');
	expect(app.copied).toEqual([url]);
});

// Its rows are pressed together until they lie over each other, so that what is copied off the screen is wrong.
it('a link that is too long for a small window is never shown otherwise than it is', async () => {
	const sandbox = await openSandbox();
	declareProvider(sandbox.stateDir, sandbox.server, {authorizeParams: {audience: 'a'.repeat(300)}});
	const app = await openWaiting({columns: 60, rows: 16}, sandbox);
	const {url} = await waiting(app);
	const rows = app.lines().filter(line => line.length === 60 && !/[ ─]/.test(line));
	expect(url).toContain(rows.join(''));
});
