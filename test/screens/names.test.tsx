import {join} from 'node:path';
import {describe, expect, it, test} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {apiKey, fill, hour, noon, oauth} from './state.ts';

/** Texts that a terminal would act on, each with what of them must never come out. */
const hostile = [
	['a colour', '\u001b[31mred', '\u001b[31m'],
	['a link', '\u001b]8;;http://evil.test\u0007link\u001b]8;;\u0007', 'evil.test'],
	['a title', '\u001b]0;owned\u0007name', '\u001b]0;'],
	['a bell', 'be\u0007ll', '\u0007'],
	['an eight-bit code', '\u009b31mcode', '\u009b'],
	['a carriage return', 'over\rwritten', '\r'],
	['a tabulator', 'ta\tb', '\t'],
] as const;

/** Shows every screen; returns all that was written. */
async function lookAtScreens(app: RenderedApp): Promise<string> {
	for (const key of ['4', '1', '3', '5', '6', '2']) await app.press(key);
	return app.frames.join('\n');
}

/** Shows every question about a profile, and a message; returns all that was written. */
async function askEverything(app: RenderedApp): Promise<string> {
	for (const key of ['D', 'e', 'Y']) {
		await app.press(key);
		await app.waitFor(() => expect(app.state().dialog).toBeDefined());
		await app.press(keys.esc);
	}
	await app.press('r');
	await app.waitFor(/never refreshed|cannot|no |not /);
	return app.frames.join('\n');
}

/** Whether every frame has as many lines as the screen has, so that nothing broke one in two. */
function expectWholeLines(app: RenderedApp): void {
	for (const frame of app.frames) expect(frame.split('\n')).toHaveLength(30);
}

describe.each(hostile)('%s', (_what, text, forbidden) => {
	test('in an e-mail address or an account id stays out of the screen', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', {
			profiles: {'acme:a': oauth('acme', {email: `${text}@example.test`, accountId: text})},
		});
		const app = await renderApp({stateDir});
		await app.press('2');
		await app.waitFor('@example.test');
		expect(await lookAtScreens(app)).not.toContain(forbidden);
		expectWholeLines(app);
	});

	// Ids are shown as the file has them, and Ink leaves out all but colours and links.
	const check = forbidden === '\u001b[31m' || forbidden === 'evil.test' ? it : it;
	check('in the name of a profile stays out of the screen', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', {profiles: {[`acme:${text}`]: apiKey('acme')}});
		const app = await renderApp({stateDir});
		expect(await lookAtScreens(app)).not.toContain(forbidden);
		expect(await askEverything(app)).not.toContain(forbidden);
	});
});

describe.each(hostile)('%s', (_what, text, forbidden) => {
	test('in the key, the model or the pin of a session stays out of the screen', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', {profiles: {'acme:a': apiKey('acme'), [`acme:${text}`]: apiKey('acme')}});
		const pin = {authProfileOverride: `acme:${text}`, authProfileOverrideSource: 'user'};
		const model = {providerOverride: 'acme', modelOverride: text};
		const sessions = {[text]: {...model, ...pin}, gone: {...model, authProfileOverride: `acme:x${text}`}};
		writeJson(statePaths(stateDir).sessions('main'), sessions);
		const app = await renderApp({stateDir});
		await app.press('6', 'g');
		await app.waitFor('model      acme/');
		for (const line of ['/model list', '/model status', '/model default']) {
			await app.press(':', '\u0015');
			await app.type(line);
			await app.press(keys.enter);
			await app.waitFor(() => expect(app.state().commandLine?.fault ?? app.state().answer).toBeDefined());
			await app.press(keys.esc, keys.esc, 'j');
		}
		await app.press('x');
		await app.waitFor('Begin ');
		await app.press(keys.esc, ':');
		await app.waitFor(' > /model');
		const written = app.frames.join('\n');
		expect(written).not.toContain(forbidden);
		expectWholeLines(app);
	});
});

// Names, labels and reasons are shown as the files have them.
it('a colour in the name or workspace of an agent stays out of the screen', async () => {
	const stateDir = temporaryFolder();
	const agents = {list: [{id: 'work', name: '\u001b[31mWork', workspace: '/tmp/\u001b[32mgreen'}]};
	writeJson(join(stateDir, 'jarvis.json'), {agents});
	const app = await renderApp({stateDir});
	await app.press('1');
	await app.waitFor('Work');
	for (const colour of ['\u001b[31m', '\u001b[32m']) expect(app.frames.join('\n')).not.toContain(colour);
});

it('a plugin with a colour in its label is none, and the colour stays out of the screen', async () => {
	const stateDir = temporaryFolder();
	const auth = [
		{method: 'oauth', issuer: 'https://acme.test', clientId: 'x', redirectUris: ['http://127.0.0.1/cb']},
	];
	const manifest = {id: 'acme', label: '\u001b[33mAcme', auth};
	writeJson(join(stateDir, 'plugins', 'acme', 'jarvis.plugin.json'), manifest);
	const app = await renderApp({stateDir});
	await app.press('5');
	await app.waitFor('OpenAI Codex');
	expect(app.state().providers.map(({id}) => id)).not.toContain('acme');
	expect(app.frames.join('\n')).not.toContain('\u001b[33m');
});

it('a colour in a reason, a ref or an order stays out of the screen', async () => {
	const stateDir = temporaryFolder();
	const keyRef = {source: 'env', provider: 'default', id: '\u001b[36mKEY'} as const;
	await fill(stateDir, 'main', {
		profiles: {'acme:a': apiKey('acme'), 'acme:b': {type: 'api_key', provider: 'acme', keyRef}},
		usage: {'acme:a': {disabledUntil: noon + hour, disabledReason: '\u001b[31mbilling'}},
		order: {acme: ['acme:a', 'acme:\u001b[32mghost']},
	});
	const app = await renderApp({stateDir});
	await app.press('3');
	await app.waitFor('ghost');
	await app.press('2', 'j');
	await app.waitFor('KEY');
	for (const code of ['31', '32', '36']) expect(app.frames.join('\n')).not.toContain(`\u001b[${code}m`);
});

it('a line break in a name does not break the screen', async () => {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:two\nlines': apiKey('acme'), 'acme:b': apiKey('acme')}});
	const app = await renderApp({stateDir});
	await app.press('4');
	await app.waitFor('lines');
	expect(app.lines().filter(line => line.includes('two') && line.includes('lines'))).toHaveLength(1);
});

// What is typed never holds control characters, and so never is such a name.
it('a profile with a control character in its name can be removed', async () => {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:be\u0007ll': apiKey('acme')}});
	const app = await renderApp({stateDir});
	await app.press('2', 'D');
	await app.paste('acme:be\u0007ll');
	await app.press(keys.enter);
	expect(app.state().dialog).toBeUndefined();
});
