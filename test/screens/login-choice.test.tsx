import {join} from 'node:path';
import stringWidth from 'string-width';
import {describe, expect, test} from 'vitest';
import {isSecretMethod} from '../../source/auth/providers/contract.ts';
import {providersFrom} from '../../source/auth/providers/registry.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, readStore, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, noon, oauth, token} from './state.ts';

const sizes = [
	[60, 16],
	[80, 24],
	[120, 40],
] as const;

const builtIn = [...providersFrom(decodeConfig({}), []).values()];
const lastLabel = builtIn.at(-1)?.label ?? '';
/** With the forty plugins. */
const total = 40 + builtIn.length;

const groqKey = `gsk_${canary('groq')}`;

async function openChooser(seed: AgentSeed = {}, options: AppOptions = {}): Promise<RenderedApp> {
	const stateDir = options.stateDir ?? temporaryFolder();
	await fill(stateDir, 'main', seed);
	const app = await renderApp({...options, stateDir});
	await app.press('5');
	await app.waitFor('Log an account in');
	return app;
}

function declare(stateDir: string, id: string, label: string, method: object = {method: 'api_key'}): void {
	const auth = [method];
	writeJson(join(stateDir, 'plugins', id, 'jarvis.plugin.json'), {id, label, auth});
}

function withPlugins(): string {
	const stateDir = temporaryFolder();
	for (let index = 10; index < 50; index++) declare(stateDir, `plugin-${index}`, `漢字 plugin ${index}`);
	return stateDir;
}

/** Filters the providers, and chooses the first that is left. */
async function choose(app: RenderedApp, name: string): Promise<void> {
	await app.press('/');
	await app.type(name);
	await app.press(keys.enter, keys.enter);
}

const keysOf = ({stateDir}: RenderedApp) =>
	Object.fromEntries(
		Object.entries(readStore({paths: statePaths(stateDir)}).profiles).map(([id, {key}]) => [id, key]),
	);

describe.each(sizes)('forty plugins at %d columns and %d rows', (columns, rows) => {
	test('fit, and the chosen one is in view wherever the cursor goes', async () => {
		const app = await openChooser({}, {stateDir: withPlugins(), columns, rows});
		for (const [key, label] of [
			['G', lastLabel],
			['k'.repeat(builtIn.length), 'plugin 49'],
			[keys.pageUp, 'plugin'],
			['g', 'plugin 10'],
			[keys.up, 'plugin 10'],
		] as const) {
			await app.press(key);
			await app.waitFor(() => expect(app.cursorLine()).toContain(label));
			expect(app.lines().length).toBeLessThanOrEqual(rows);
			for (const line of app.lines()) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
		}
	});

	test('are counted, those that are shown and all', async () => {
		const app = await openChooser({}, {stateDir: withPlugins(), columns, rows});
		const [, first, last, all] = /^ +(\d+)–(\d+)\/(\d+)$/m.exec(app.frame()) ?? [];
		const shown = app.lines().filter(line => /plugin \d|OpenAI|^ {5}\w/.test(line));
		expect([first, Number(last), Number(all)]).toEqual(['1', shown.length, total]);
		await app.press('G');
		await app.waitFor(new RegExp(String.raw`^ +\d+–${total}/${total}$`, 'm'));
		await app.press('/');
		await app.type('plugin 33');
		await app.waitFor(() => expect(app.frame()).not.toContain(`/${total}`));
		await app.waitFor(() => expect(app.cursorLine()).toContain('plugin 33'));
	});
});

describe('a filter of the providers', () => {
	test.each([
		['its name', 'gemini', 'Google (Gemini)'],
		['its id', 'openai-codex', 'OpenAI Codex (ChatGPT)'],
		['another name that it has', 'claude', 'Anthropic (Claude)'],
	])('finds one by %s', async (_what, text, label) => {
		const app = await openChooser();
		await app.press('/');
		await app.type(text);
		await app.waitFor(() => expect(app.cursorLine()).toContain(label));
		expect(app.lines().filter(line => /^ {2}( {2}|▸) {2}\S/.test(line))).toHaveLength(1);
	});

	test('leaves the cursor on a provider that can be chosen, wherever it stood', async () => {
		const app = await openChooser();
		await app.press('G');
		await choose(app, 'groq');
		await app.waitFor('Paste the API key of Groq');
	});

	test('says so where nothing holds it, and Enter chooses nothing then', async () => {
		const app = await openChooser();
		await choose(app, 'nowhere');
		await app.waitFor('Nothing holds that. Esc shows all.');
		expect(app.state().login).toEqual({stage: 'choosing'});
		await app.press(keys.esc);
		await app.waitFor('Groq');
	});

	test('is over when a provider is chosen, and Esc leads back to that one', async () => {
		const app = await openChooser();
		await choose(app, 'anth');
		await app.waitFor('Log in to Anthropic (Claude) for the agent main:');
		expect(app.frame()).not.toContain('/ anth');
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.cursorLine()).toContain('Anthropic (Claude)'));
		expect(app.frame()).toContain('Groq');
	});
});

test('a provider tells the accounts that there are, and how each is', async () => {
	const app = await openChooser({
		profiles: {
			'openai-codex:maya@example.test': oauth('openai-codex', {email: 'maya@example.test'}),
			'anthropic:old': token('anthropic', {expires: noon - hour}),
			'anthropic:default': apiKey('anthropic'),
		},
	});
	expect(app.frame()).toMatch(/OpenAI Codex \(ChatGPT\) +✓ maya@example\.test\n/);
	expect(app.frame()).toMatch(/Anthropic \(Claude\) +✗ old, • default\n/);
});

test('a provider tells what its login takes', async () => {
	const app = await openChooser();
	await app.waitFor('Ways: ChatGPT account, in the browser, ChatGPT account, by a code');
	await app.press('j');
	await app.waitFor('Ways: setup token of a subscription, API key.');
	await app.press('G');
	const madeAt = builtIn.at(-1)?.auth.find(isSecretMethod)?.madeAt;
	await app.waitFor(`Made at ${madeAt}.`);
	const browser = {method: 'oauth', issuer: 'https://acme.test', clientId: 'x'};
	const redirectUris = ['http://127.0.0.1:14550/callback'];
	declare(app.stateDir, 'acme', 'Acme', {...browser, redirectUris});
	await app.waitFor('Acme');
	await app.press('g');
	await app.waitFor('No browser opens: this is a test.');
});

test('the cursor stays on its provider when a plugin comes to stand before it, though it was never moved', async () => {
	const app = await openChooser();
	expect(app.cursorLine()).toContain('OpenAI Codex');
	declare(app.stateDir, 'acme', 'Acme');
	await app.waitFor('Acme');
	expect(app.cursorLine()).toContain('OpenAI Codex');
});

describe('the choice of a method', () => {
	test('tells what each takes, and starts the one that is chosen', async () => {
		const app = await openChooser();
		await choose(app, 'anthropic');
		await app.waitFor('Run `claude setup-token` on any machine');
		await app.press('j');
		await app.waitFor('Made in the console, under API keys.');
		await app.press(keys.enter);
		await app.waitFor('Paste the API key of Anthropic (Claude)');
	});

	test('is not asked where there is one', async () => {
		const app = await openChooser();
		await choose(app, 'groq');
		await app.waitFor('Paste the API key of Groq');
	});

	test.each(sizes)('fits at %dx%d', async (columns, rows) => {
		const app = await openChooser({}, {columns, rows});
		await choose(app, 'anthropic');
		await app.waitFor('anthropic.com/legal');
		expect(app.lines().length).toBeLessThanOrEqual(rows);
		expect(app.frame()).toContain('q quit');
	});
});

describe('a further secret of a kind that there is', () => {
	const profiles = {'groq:default': apiKey('groq', {key: canary('first')})};

	async function pasteKey(app: RenderedApp): Promise<void> {
		await app.waitFor('Paste the API key of Groq');
		await app.paste(groqKey);
		await app.press(keys.enter);
		await app.waitFor('is stored');
	}

	test('takes the place of one only if the person says so', async () => {
		const app = await openChooser({profiles});
		await choose(app, 'groq');
		await app.waitFor('Groq: where does the new one go?');
		expect(app.cursorLine()).toContain('in the place of groq:default');
		await app.press(keys.enter);
		await pasteKey(app);
		expect(keysOf(app)).toEqual({'groq:default': groqKey});
	});

	test('is stored beside it under a name that is free', async () => {
		const app = await openChooser({profiles});
		await choose(app, 'groq');
		await app.press('j', keys.enter);
		await app.waitFor('> api_key');
		await app.press('\u0015');
		await app.type('default');
		await app.press(keys.enter);
		await app.waitFor('There is a profile of that id already.');
		await app.press('\u0015');
		await app.type('work');
		await app.press(keys.enter);
		await pasteKey(app);
		expect(keysOf(app)).toEqual({'groq:default': canary('first'), 'groq:work': groqKey});
	});

	test('is given up by Esc, a step at a time', async () => {
		const app = await openChooser({profiles: {'anthropic:default': apiKey('anthropic')}});
		await choose(app, 'anthropic');
		await app.press('j', keys.enter);
		await app.waitFor('Anthropic (Claude): where does the new one go?');
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.cursorLine()).toContain('API key'));
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.cursorLine()).toContain('Anthropic (Claude)'));
	});

	test('of another kind is no question', async () => {
		const app = await openChooser({profiles: {'anthropic:default': apiKey('anthropic')}});
		await choose(app, 'anthropic');
		await app.press(keys.enter);
		await app.waitFor('Paste the setup token of a subscription of Anthropic (Claude)');
	});
});
