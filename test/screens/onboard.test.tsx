import {join} from 'node:path';
import stringWidth from 'string-width';
import {afterEach, describe, expect, test, vi} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, openSandbox, readStore, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {loginState, waiting} from './login-screen.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill} from './state.ts';

const groqKey = `gsk_${canary('groq')}`;

/** The wizard over a state folder, at its first step. */
async function openWizard(seed: AgentSeed = {}, options: AppOptions = {}): Promise<RenderedApp> {
	const stateDir = options.stateDir ?? temporaryFolder();
	await fill(stateDir, 'main', seed);
	const app = await renderApp({...options, stateDir});
	await app.press('1', 'w');
	await app.waitFor('[1 agent]');
	return app;
}

/** Goes on to the step at which a key of Groq's is asked for. */
async function goToKey(app: RenderedApp): Promise<void> {
	await app.press(keys.enter, '/');
	await app.type('groq');
	await app.press(keys.enter, keys.enter);
}

async function pasteKey(app: RenderedApp): Promise<void> {
	await app.waitFor('Paste the API key of Groq');
	await app.paste(groqKey);
	await app.press(keys.enter);
	await app.waitFor('is stored.');
}

const storeOf = ({stateDir}: RenderedApp, agentId = 'main') =>
	readStore({paths: statePaths(stateDir)}, agentId);

afterEach(() => {
	vi.unstubAllEnvs();
});

describe('from nothing to a credential', () => {
	test('the wizard is what is shown where there is no profile at all', async () => {
		const app = await renderApp();
		await app.waitFor('Which agent is it for?');
		expect(app.frame()).toContain('[1 agent] · 2 provider · 3 method · 4 login · 5 order · 6 done');
		expect(app.cursorLine()).toContain('main (the default one, no credentials yet)');
	});

	test('by a login in the browser: its account has a name, and it is the only one', async () => {
		const sandbox = await openSandbox();
		const app = await renderApp({stateDir: sandbox.stateDir, now: Date.now});
		await app.press(keys.enter);
		await app.waitFor('1 agent · [2 provider]');
		expect(app.cursorLine()).toContain('Acme');
		await app.press(keys.enter);
		const {url} = await waiting(app);
		expect(app.frame()).toContain('[4 login]');
		await visit(url);
		await app.waitFor('✓ Logged in. acme:maya@example.test is stored');
		await app.press(keys.enter);
		await app.waitFor('[6 done]');
		await app.waitFor('✓ acme:maya@example.test of the agent main is ready.');
		expect(app.frame()).toContain('    jarvis models auth token --provider acme\n');
		await app.press(keys.enter);
		await app.waitFor('Profiles of main');
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:maya'));
	});

	test('by a pasted key, which keeps the name that it has', async () => {
		const app = await openWizard();
		await goToKey(app);
		await pasteKey(app);
		await app.press(keys.enter);
		await app.waitFor('Stored. Under which name?');
		expect(app.cursorLine()).toContain('keep the name groq:default');
		await app.press(keys.enter);
		await app.waitFor('[6 done]');
		expect(storeOf(app).profiles).toEqual({
			'groq:default': {type: 'api_key', provider: 'groq', key: groqKey},
		});
		expect(app.frames.join('\n')).not.toContain('canary');
	});

	test('by a pasted key, under a name that is free', async () => {
		const app = await openWizard({profiles: {'groq:taken': {...apiKey('groq'), key: groqKey}}});
		await goToKey(app);
		await app.waitFor('Groq: where does the new one go?');
		await app.press('j', keys.enter);
		await app.waitFor('> default');
		await app.press(keys.enter);
		await pasteKey(app);
		await app.press(keys.enter);
		// The person has named it already.
		await app.waitFor('[5 order]');
	});

	test('under another name, which may not be one that there is', async () => {
		const app = await openWizard({profiles: {'groq:taken': {type: 'token', provider: 'groq', token: 'x'}}});
		await goToKey(app);
		await pasteKey(app);
		await app.press(keys.enter, 'j', keys.enter);
		await app.waitFor('Another name for groq:default');
		await app.type('taken');
		await app.press(keys.enter);
		await app.waitFor('There is a profile of that id already.');
		await app.type('-not');
		await app.press(keys.enter);
		await app.waitFor('[5 order]');
		expect(Object.keys(storeOf(app).profiles)).toEqual(['groq:taken', 'groq:taken-not']);
	});

	test('for a new agent', async () => {
		const app = await openWizard();
		await app.press('j', keys.enter);
		await app.waitFor('Add an agent');
		await app.type('work');
		await app.press(keys.enter);
		await app.waitFor('Log an account in for the agent work');
		await app.press('/');
		await app.type('groq');
		await app.press(keys.enter, keys.enter);
		await pasteKey(app);
		await app.press(keys.enter, keys.enter);
		await app.waitFor('    jarvis models auth token --provider groq --agent work');
		expect(Object.keys(storeOf(app, 'work').profiles)).toEqual(['groq:default']);
	});
});

describe('the place in the order', () => {
	const profiles = {'groq:a': apiKey('groq'), 'groq:b': apiKey('groq')};

	async function toOrder(): Promise<RenderedApp> {
		const app = await openWizard({profiles});
		await goToKey(app);
		await app.press(keys.enter);
		await pasteKey(app);
		await app.press(keys.enter);
		await app.waitFor('When is groq:a tried, of those of the agent main?');
		return app;
	}

	test.each([
		['where it is', [], undefined],
		['first', ['j'], {groq: ['groq:a', 'groq:b']}],
		['last', ['j', 'j'], {groq: ['groq:b', 'groq:a']}],
	])('is %s', async (label, moves, order) => {
		const app = await toOrder();
		await app.press(...moves);
		await app.waitFor(() => expect(app.cursorLine()).toContain(label));
		await app.press(keys.enter);
		await app.waitFor('[6 done]');
		expect(storeOf(app).order).toEqual(order);
	});

	test('is left as it is by Esc', async () => {
		const app = await toOrder();
		await app.press('j', keys.esc);
		await app.waitFor('[6 done]');
		expect(storeOf(app).order).toBeUndefined();
	});
});

describe('Esc', () => {
	test('goes a step back, and leaves at the first', async () => {
		const app = await openWizard();
		await app.press(keys.enter, 'jj', keys.enter);
		await app.waitFor('[3 method]');
		await app.press(keys.esc);
		await app.waitFor('[2 provider]');
		expect(app.cursorLine()).toContain('GitHub Copilot');
		await app.press(keys.esc);
		await app.waitFor('[1 agent]');
		await app.press(keys.esc);
		await app.waitFor('▸1 Agents');
	});

	test('drops a filter before it goes back', async () => {
		const app = await openWizard();
		await app.press(keys.enter, '/', 'x', 'a', keys.enter);
		await app.waitFor(() => expect(app.frame()).not.toContain('Mistral'));
		await app.press(keys.esc);
		await app.waitFor('Mistral');
		expect(app.frame()).toContain('[2 provider]');
	});

	test('cancels a login, stores nothing, and leads back to the providers', async () => {
		const app = await openWizard();
		await goToKey(app);
		await app.waitFor('Paste the API key of Groq');
		await app.press(keys.esc);
		await app.waitFor('Cancelled. Nothing was stored.');
		await app.press(keys.esc);
		await app.waitFor('[2 provider]');
		expect(app.cursorLine()).toContain('Groq');
		expect((await openJarvis({stateDir: app.stateDir, env: {}}).snapshot()).agents[0]?.profiles).toEqual([]);
	});

	test('leaves what is stored as it is', async () => {
		const app = await openWizard();
		await goToKey(app);
		await pasteKey(app);
		await app.press(keys.esc);
		await app.waitFor('Under which name?');
		await app.press(keys.esc);
		await app.waitFor('[6 done]');
		await app.press(keys.esc);
		await app.waitFor('▸1 Agents');
		expect(Object.keys(storeOf(app).profiles)).toEqual(['groq:default']);
		await app.press('w');
		await app.waitFor('[1 agent]');
	});
});

describe('the key w', () => {
	test('begins with the agent that the cursor stands on', async () => {
		const stateDir = temporaryFolder();
		await openJarvis({stateDir, env: {}}).addAgent({id: 'work'});
		const app = await renderApp({stateDir});
		await app.press('1', 'j', 'w');
		await app.waitFor('[1 agent]');
		expect(app.cursorLine()).toContain('work (no credentials yet)');
	});

	test('shows a login that waits, and does not end it', async () => {
		const sandbox = await openSandbox();
		const app = await renderApp({stateDir: sandbox.stateDir, now: Date.now});
		await app.press('5', keys.enter);
		const {url} = await waiting(app);
		await app.press('1', 'w');
		await app.waitFor('[4 login]');
		await visit(url);
		await app.waitFor('✓ Logged in.');
		expect(loginState(app)?.step).toBe('done');
	});
});

test('keys that are typed ahead go where the ones before them led', async () => {
	const app = await renderApp();
	await app.press('\r/groq\r\r');
	await app.waitFor('Paste the API key of Groq');
	await app.paste(groqKey);
	await app.press('\r');
	await app.waitFor('is stored.');
	await app.press('\r\r\r');
	await app.waitFor('Stored. Under which name?');
	await app.press('\r');
	await app.waitFor('[6 done]');
	expect(Object.keys(storeOf(app).profiles)).toEqual(['groq:default']);
});

test('a paste where there is nothing to paste into changes nothing, and says so', async () => {
	const app = await openWizard();
	await app.paste(groqKey);
	await app.waitFor('! There is nothing to paste into here.');
	expect(app.frames.join('\n')).not.toContain('canary');
});

test('the cursor stays on its agent when another process adds one', async () => {
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}});
	await jarvis.addAgent({id: 'work'});
	const app = await renderApp({stateDir});
	await app.press('j');
	await app.waitFor(() => expect(app.cursorLine()).toContain('work'));
	await jarvis.addAgent({id: 'alpha'});
	await app.waitFor('alpha (no credentials yet)');
	expect(app.cursorLine()).toContain('work');
});

test('a machine without a browser is told how to log in again', async () => {
	const sandbox = await openSandbox();
	const forward = (port: string) => `ssh -N -L ${port}:127.0.0.1:${port} maya@host`;
	const surroundings = {browser: false, whyNot: 'this is an SSH session', forward};
	const app = await renderApp({stateDir: sandbox.stateDir, now: Date.now, surroundings});
	await app.press(keys.enter, keys.enter);
	await visit((await waiting(app)).url);
	await app.waitFor('✓ Logged in.');
	await app.press(keys.enter);
	await app.waitFor('jarvis models auth login --provider acme --profile-id acme:maya@example.test');
	expect(app.frame()).toContain(forward(String(sandbox.port)));
});

test('help is shown over every step, and leads back to it', async () => {
	const app = await openWizard();
	await app.press(keys.enter, '?');
	await app.waitFor('show the profiles of the agent');
	await app.press('?');
	await app.waitFor('[2 provider]');
	await app.press(keys.esc, keys.esc);
	await app.waitFor('▸1 Agents');
});

describe.each([
	[60, 16],
	[80, 24],
	[120, 40],
])('at %d columns and %d rows', (columns, rows) => {
	test('every step fits, and tells where one is and how to leave', async () => {
		const stateDir = temporaryFolder();
		const wide = '漢字かな'.repeat(15);
		writeJson(join(stateDir, 'jarvis.json'), {agents: {list: [{id: 'work', name: wide}]}});
		const profiles = {[`groq:${wide}`]: apiKey('groq'), 'groq:b': apiKey('groq')};
		const app = await openWizard({profiles}, {stateDir, columns, rows});
		const expectToFit = async (step: string) => {
			await app.waitFor(`[${step}]`);
			expect(app.lines().length).toBeLessThanOrEqual(rows);
			for (const line of app.lines()) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
			expect(app.frame()).toMatch(/Esc (leave|back|cancel)/);
		};
		await expectToFit('1 agent');
		await app.press(keys.enter);
		await expectToFit('2 provider');
		await app.press('/');
		await app.type('groq');
		await app.press(keys.enter, keys.enter);
		await app.waitFor('Groq: where does the new one go?');
		await expectToFit('3 method');
		await app.press(keys.enter);
		await app.waitFor('Paste the API key');
		await expectToFit('4 login');
		await pasteKey(app);
		await app.press(keys.enter);
		await app.waitFor('When is');
		await expectToFit('5 order');
		await app.press(keys.enter);
		await expectToFit('6 done');
		await app.waitFor('jarvis models auth token --provider groq');
	});
});

test('a screen reader is told the step in words, and which row is selected', async () => {
	vi.stubEnv('INK_SCREEN_READER', 'true');
	const app = await renderApp();
	await app.waitFor('Step 1 of 6: agent');
	await app.waitFor(/listitem: \(selected\) .*main/);
	await app.press('j');
	await app.waitFor(/listitem: \(selected\) .*a new one/);
	expect(app.frame().match(/\(selected\)/g)).toHaveLength(1);
});
