import stringWidth from 'string-width';
import {describe, expect, test} from 'vitest';
import type {LoginState} from '../../source/auth/login/contract.ts';
import {qrLines} from '../../source/qr-code.ts';
import {statePaths} from '../../source/store/paths.ts';
import {patch} from '../../source/ui/state.ts';
import {canary, readStore, temporaryFolder} from '../support/sandbox.ts';
import {askingLogin, deviceLogin, viewOf} from '../ui/state-of.ts';
import {loginState} from './login-screen.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, noon, token} from './state.ts';

const setupToken = `sk-ant-oat01-${canary('setup')}${'x'.repeat(60)}`;
const groqKey = `gsk_${canary('groq')}`;

/** A login that asks for a pasted secret of a provider. */
async function openAsking(provider: string, options: AppOptions = {}): Promise<RenderedApp> {
	const app = await renderApp(options);
	await app.press('5', '/');
	await app.type(provider);
	await app.press(keys.enter, keys.enter);
	if (provider === 'anthropic') await app.press(keys.enter);
	await app.waitFor('  > ');
	return app;
}

async function openAt(state: LoginState, options: AppOptions = {}): Promise<RenderedApp> {
	const app = await renderApp(options);
	await app.press('5');
	patch(app.context.store, {login: viewOf(state)});
	await app.waitFor('Acme for the agent main');
	return app;
}

const profilesOf = ({stateDir}: RenderedApp) => readStore({paths: statePaths(stateDir)}).profiles;

describe('a secret that is asked for', () => {
	test('is shown as dots, and what can be told of it beside', async () => {
		const app = await openAsking('anthropic');
		await app.waitFor('Paste the setup token of a subscription of Anthropic (Claude)');
		await app.waitFor('Run `claude setup-token` on any machine');
		await app.type('sk-ant-oat01-can');
		await app.waitFor('16 characters: shorter than usual (16 of 80 characters): it may have been cut');
		expect(app.frame()).toContain(`> ${'•'.repeat(16)}`);
		await app.press('\u0015');
		await app.waitFor('paste it, then Enter');
		await app.paste(setupToken);
		await app.waitFor(`${setupToken.length} characters: looks complete`);
		await app.press(keys.enter);
		await app.waitFor('✓ anthropic:default is stored.');
		await app.waitFor('✓ Stored: anthropic:default of the agent main.');
		expect(profilesOf(app)).toMatchObject({'anthropic:default': {type: 'token', token: setupToken}});
		const written = app.frames.join('\n');
		for (const part of ['sk-ant-oat01-can', 'canary']) expect(written).not.toContain(part);
	});

	test('is taken with the quotes and the line breaks of a terminal', async () => {
		const app = await openAsking('groq');
		await app.paste(` "${groqKey.slice(0, 20)}\r\n  ${groqKey.slice(20)}"\n`);
		await app.waitFor(`${groqKey.length} characters`);
		// How long they are is not known of these.
		expect(app.frame()).not.toContain('looks complete');
		await app.press(keys.enter);
		await app.waitFor('✓ groq:default is stored.');
		expect(profilesOf(app)).toMatchObject({'groq:default': {type: 'api_key', key: groqKey}});
	});

	test('that cannot be one is refused, and stays in its field to be mended', async () => {
		const app = await openAsking('anthropic');
		await app.type('not-a-setup-token');
		await app.press(keys.enter);
		await app.waitFor('! That is no setup token of a subscription: those begin with sk-ant-oat01-.');
		expect(app.frame()).toContain(`> ${'•'.repeat(17)}`);
		expect(loginState(app)?.step).toBe('asking');
		await app.press('\u0015');
		await app.paste(setupToken);
		await app.press(keys.enter);
		await app.waitFor('✓ anthropic:default is stored.');
	});

	test('that looks odd is stored, and said to', async () => {
		const app = await openAsking('groq');
		await app.paste(canary('odd'));
		await app.press(keys.enter);
		await app.waitFor('! The secret is not like others: it does not begin with gsk_.');
		expect(profilesOf(app)).toMatchObject({'groq:default': {key: canary('odd')}});
	});

	test('is asked for again when Enter comes without one', async () => {
		const app = await openAsking('groq');
		await app.press(keys.enter);
		await app.waitFor('! Nothing was pasted. It is made at: https://console.groq.com/keys');
		expect(loginState(app)?.step).toBe('asking');
	});

	test('takes letters that are keys elsewhere, and Esc cancels', async () => {
		const app = await openAsking('groq');
		await app.type('qy?15 R');
		await app.waitFor(`> ${'•'.repeat(7)}`);
		expect([app.quits(), app.copied]).toEqual([0, []]);
		await app.press(keys.esc);
		await app.waitFor('Cancelled. Nothing was stored.');
		expect((await app.context.jarvis.snapshot()).agents[0]?.profiles).toEqual([]);
	});

	test('shows its cursor where the next character goes, however long it is', async () => {
		const app = await openAsking('anthropic', {columns: 60, rows: 16});
		await app.paste(setupToken);
		await app.waitFor('looks complete');
		for (const line of app.lines()) expect(stringWidth(line)).toBeLessThanOrEqual(60);
		expect(app.lines().length).toBeLessThanOrEqual(16);
	});
});

describe('l on a profile with a pasted secret replaces the secret of that one', () => {
	const seed: AgentSeed = {
		profiles: {
			'groq:work': apiKey('groq'),
			'anthropic:old': token('anthropic', {expires: noon - hour}),
		},
	};

	test.each([
		['an API key', 'groq:work', 'Paste the API key of Groq', groqKey, {type: 'api_key', key: groqKey}],
		[
			'a token',
			'anthropic:old',
			'Paste the setup token of a subscription',
			setupToken,
			{type: 'token', token: setupToken},
		],
	] as const)('%s', async (_what, id, question, secret, stored) => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', seed);
		const app = await renderApp({stateDir});
		await app.press('2', '/');
		await app.type(id);
		await app.press(keys.enter, 'l');
		await app.waitFor(question);
		await app.waitFor(`for the agent main as ${id}`);
		await app.paste(secret);
		await app.press(keys.enter);
		await app.waitFor(`✓ ${id} is stored`);
		expect(profilesOf(app)[id]).toEqual({...stored, provider: id.split(':')[0]});
		expect(Object.keys(profilesOf(app))).toHaveLength(2);
	});
});

describe('a question of a provider’s own', () => {
	test('shows what there is to choose from, and what it is answered is no secret', async () => {
		const options = [
			{id: 'eu', label: 'Europe'},
			{id: 'us', label: '\u001b[31mAmerica'},
		];
		const app = await openAt({
			...{step: 'asking', message: 'Which region?', options, secret: false, mayBeEmpty: false},
		});
		await app.waitFor('1. Europe');
		await app.waitFor('2. America');
		expect(app.frames.join('')).not.toContain('\u001b[31mAmerica');
	});

	test('says that it may be left empty', async () => {
		const app = await openAt({...askingLogin, secret: false, mayBeEmpty: true});
		await app.waitFor('Enter leaves it empty');
	});
});

describe('a code that is typed on another device', () => {
	const shownCode = 'W D J B - M J H T';

	test.each([
		[60, 16],
		[80, 24],
		[120, 40],
	])('is shown with its address and its countdown at %dx%d', async (columns, rows) => {
		const app = await openAt(deviceLogin, {columns, rows});
		await app.waitFor(shownCode);
		for (const text of [deviceLogin.verificationUri, '… 10m 0s until the code runs out'])
			expect(app.frame()).toContain(text);
		patch(app.context.store, {now: noon + 65_000});
		await app.waitFor('… 8m 55s until the code runs out');
		expect(app.lines().length).toBeLessThanOrEqual(rows);
	});

	test('is a QR code too where there is room for all of it, and nowhere else', async () => {
		const verificationUriComplete = `${deviceLogin.verificationUri}?user_code=${deviceLogin.userCode}`;
		const [, first = ''] = (await qrLines(verificationUriComplete)).map(line => line.trimEnd());
		const state = {...deviceLogin, verificationUriComplete};
		const large = await openAt(state, {columns: 120, rows: 40});
		await large.waitFor(first);
		const code = await qrLines(verificationUriComplete);
		const shown = large.lines().filter(line => /[█▀▄]/.test(line));
		expect(shown).toEqual(code.map(line => line.trimEnd()).filter(line => line !== ''));
		large.resize(80, 24);
		await large.waitFor(() => expect(large.frame()).not.toMatch(/[█▀▄]/));
		expect(large.frame()).toContain(shownCode);
	});

	test('is copied by c, its address by y, and both can be had outside of the dashboard', async () => {
		const app = await openAt(deviceLogin);
		await app.press('c');
		await app.waitFor('✓ Copied the code.');
		await app.press('y');
		await app.waitFor('✓ Copied the login link.');
		await app.press('Q');
		await app.waitFor(() => expect(app.printed).toHaveLength(1));
		expect(app.copied).toEqual([deviceLogin.userCode, deviceLogin.verificationUri]);
		expect(app.printed[0]).toContain(deviceLogin.verificationUri);
	});
});
