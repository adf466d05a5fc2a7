import {expect, test} from 'vitest';
import {type Answer, serve} from '../support/local-server.ts';
import {
	callbackAt,
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';

const maya = 'acme:maya@example.test';

interface Opened {
	readonly app: RenderedApp;
	readonly sandbox: Sandbox;
}

/** The profiles screen over one OAuth profile of the real server, whose probe a local one answers. */
async function openProfiles(answer: Answer = {}, changes?: Record<string, unknown>): Promise<Opened> {
	const probed = await serve(() => answer);
	const sandbox = await openSandbox();
	const {server, stateDir, port} = sandbox;
	const oauth = {redirectUris: [callbackAt(port)], revocationEndpoint: server.revocationEndpoint, ...changes};
	declareProvider(stateDir, server, oauth, {probes: [{url: `${probed.origin}/`}]});
	writeStore(sandbox, 'main', {
		profiles: {
			[maya]: {...(await expiredEntry(server)), expires: Date.now() + 3_600_000},
			'acme:default': {type: 'api_key', provider: 'acme', key: canary('key')},
		},
	});
	const app = await renderApp({stateDir, now: Date.now});
	await app.press('2');
	await app.waitFor('Profiles of main');
	await app.waitFor(() => expect(app.cursorLine()).toContain(maya));
	return {app, sandbox};
}

test.each<[string, Answer, RegExp]>([
	['works', {}, /✓ acme:default: it works, \d+ ms\./],
	[
		'is refused',
		{status: 401, body: canary('body')},
		/✗ acme:default: the provider refuses it \(status 401\), \d+ ms\./,
	],
	['is told nothing of', {status: 500}, /! acme:default: the provider answered with status 500/],
])('p tells that a profile %s, and notes it', async (_how, answer, told) => {
	const {app, sandbox} = await openProfiles(answer);
	await app.press('j', 'p');
	await app.waitFor(told);
	const {lastProven} = readStore(sandbox).usageStats?.['acme:default'] ?? {};
	if (answer.status === 500) expect(lastProven).toBeUndefined();
	else expect(lastProven).toMatchObject({outcome: answer.status ? 'auth' : 'probed'});
	expect(app.frames.join('')).not.toContain(canary('body'));
	expect(app.frames.join('')).not.toContain(canary('key'));
});

test('L asks for the name, ends the login at the server, and removes it here and nothing else', async () => {
	const {app, sandbox} = await openProfiles();
	await app.press('L');
	await app.waitFor(`Log ${maya} out`);
	await app.type('somebody');
	await app.press(keys.enter);
	await app.waitFor('That is not maya@example.test. Nothing was changed.');
	expect(Object.keys(readStore(sandbox).profiles)).toHaveLength(2);
	await app.press('\u0015');
	await app.type('maya@example.test');
	await app.press(keys.enter);
	await app.waitFor(`✓ Removed ${maya} from the agent main, and ended it at its server.`);
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:default']);
	expect(app.frame()).not.toMatch(/^.*acme:maya@example\.test.*✓ ok/m);
});

test('L tells that a server could not be told, and Esc leaves all as it was', async () => {
	const {app, sandbox} = await openProfiles({}, {revocationEndpoint: 'http://127.0.0.1:1/revoke'});
	await app.press('L', keys.esc);
	await app.waitFor(() => expect(app.state().dialog).toBeUndefined());
	expect(Object.keys(readStore(sandbox).profiles)).toHaveLength(2);
	await app.press('L');
	await app.type('maya@example.test');
	await app.press(keys.enter);
	await app.waitFor(`! Removed ${maya} from the agent main, but its server did not end it`);
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:default']);
});
