import {readFileSync, writeFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, minute, noon} from './state.ts';

const models = {'anthropic/opus': {alias: 'Opus'}, 'openai/gpt': {alias: 'Gpt'}};

const seed: AgentSeed = {
	profiles: {
		'anthropic:work': apiKey('anthropic'),
		'anthropic:me@example.test': apiKey('anthropic'),
		'openai:default': apiKey('openai'),
	},
	order: {anthropic: ['anthropic:work', 'anthropic:me@example.test']},
};

const pinned = (profileId: string, source: 'auto' | 'user') => ({
	...{providerOverride: 'anthropic', modelOverride: 'opus'},
	...{authProfileOverride: profileId, authProfileOverrideSource: source},
	...(source === 'auto' ? {authProfileOverrideCompactionCount: 0} : {}),
});

const sessions = {
	'chat:42': {...pinned('anthropic:me@example.test', 'auto'), updatedAt: noon - minute},
	review: {...pinned('anthropic:me@example.test', 'user'), updatedAt: noon - 2 * minute},
	nightly: {providerOverride: 'openai', modelOverride: 'gpt', updatedAt: noon - 3 * minute},
	plain: {updatedAt: noon - 4 * minute},
};

interface SessionsOptions extends AppOptions {
	readonly sessions?: Readonly<Record<string, object>>;
	readonly main?: AgentSeed;
}

async function withSessions({sessions: of = sessions, main = seed, ...options}: SessionsOptions = {}) {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	writeJson(paths.config, {agents: {defaults: {model: {primary: 'anthropic/opus'}, models}}});
	await fill(stateDir, 'main', main);
	await openJarvis({stateDir, env: {}}).addAgent({id: 'work'});
	writeJson(paths.sessions('main'), of);
	const app = await renderApp({stateDir, ...options});
	await app.press('6');
	await app.waitFor('Sessions of main');
	return app;
}

/** The rows of the table, each with single spaces. */
const rows = (app: RenderedApp) =>
	app
		.lines()
		.filter(line => /(?:ago|just now|never)$/.test(line))
		.map(line => line.slice(2).replace(/ +/g, ' '));

const stored = ({stateDir}: RenderedApp, agentId = 'main') =>
	JSON.parse(readFileSync(statePaths(stateDir).sessions(agentId), 'utf8'));

/** Replaces what is in the line, which a key opened. */
async function command(app: RenderedApp, line: string): Promise<void> {
	await app.press(':', '\u0015');
	await app.type(line);
	await app.waitFor(`> ${line}`);
}

describe('the list', () => {
	test('tells of each session its model, what it would use now, and who chose that, the newest first', async () => {
		const app = await withSessions();
		expect(rows(app)).toEqual([
			'chat:42 anthropic/opus anthropic:me@example.test kept 1m 0s ago',
			'review anthropic/opus anthropic:me@example.test pinned 2m ago',
			'nightly openai/gpt openai:default – 3m ago',
			'plain default anthropic:work – 4m ago',
		]);
	});

	test('tells of a pin that cannot be used, and of nothing that can', async () => {
		const app = await withSessions({
			sessions: {
				ghost: {...pinned('anthropic:gone', 'user'), updatedAt: noon - minute},
				nobody: {providerOverride: 'mistral', modelOverride: 'small', updatedAt: noon - 2 * minute},
			},
		});
		expect(rows(app)).toEqual([
			'ghost anthropic/opus ✗ anthropic:gone pinned 1m 0s ago',
			'nobody mistral/small anthropic:work – 2m ago',
		]);
		await app.waitFor('pin        anthropic:gone (pinned), which cannot be used now');
	});

	test('is filtered by key, profile and model, and Esc shows all again', async () => {
		const app = await withSessions();
		for (const [text, found] of [
			['CHAT', ['chat:42']],
			['gpt', ['nightly']],
			['me@', ['chat:42', 'review']],
		] as const) {
			await app.press('/');
			await app.type(text);
			await app.press(keys.enter);
			await app.waitFor(() => expect(rows(app).map(row => row.split(' ')[0])).toEqual(found));
			await app.press(keys.esc);
			await app.waitFor(() => expect(rows(app)).toHaveLength(4));
		}
		await app.press('/', 'z');
		await app.waitFor('Nothing holds that. Esc shows all.');
	});

	test('is of one agent, and the arrows show those of the others', async () => {
		const app = await withSessions();
		await app.press(keys.right);
		await app.waitFor('Sessions of work');
		await app.waitFor('No sessions. Press n to add one.');
		await app.press('[');
		await app.waitFor('chat:42');
	});

	test('says that there is nothing where a key needs a session', async () => {
		const app = await withSessions({sessions: {}});
		for (const [key, said] of [
			[keys.enter, '! There is no session here. Press n to add one.'],
			['x', '! There is no session here.'],
			['y', '! There is no session here.'],
		] as const) {
			await app.press(key);
			await app.waitFor(said);
		}
	});

	test('y copies the key', async () => {
		const app = await withSessions();
		await app.press('j', 'y');
		await app.waitFor('✓ Copied the session key');
		expect(app.copied).toEqual(['review']);
	});
});

describe('below the list', () => {
	test('stands what the session under the cursor uses, and why', async () => {
		const app = await withSessions();
		await app.waitFor('model      anthropic/opus (the session’s model)');
		await app.waitFor('profile    anthropic:me@example.test (kept for the session)');
		await app.waitFor('turn 2     anthropic:work: place 1 of the order');
		await app.press('j');
		await app.waitFor('profile    anthropic:me@example.test (the session is pinned to it)');
		await app.waitFor('not tried  anthropic:work: the session is pinned to anthropic:me@example.test');
		await app.press('G');
		await app.waitFor('model      anthropic/opus (the primary model)');
	});

	test('stands how to choose a model where none is configured', async () => {
		const stateDir = temporaryFolder();
		writeJson(statePaths(stateDir).sessions('main'), {plain: {}});
		const app = await renderApp({stateDir});
		await app.press('6');
		await app.waitFor('model      none configured. Set one: jarvis models set <provider>/<model>');
		expect(app.lines().join('\n')).toMatch(/plain +default +by the order +–/);
	});

	test('stands the profile that it keeps to where it never had a model', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', seed);
		writeJson(statePaths(stateDir).sessions('main'), {
			zz: {authProfileOverride: 'openai:default', authProfileOverrideCompactionCount: 0},
		});
		const app = await renderApp({stateDir});
		await app.press('6');
		await app.waitFor('profile    openai:default (kept for the session)');
		expect(app.lines().join('\n')).toMatch(/zz +default +openai:default +kept/);
	});

	test('a countdown goes on, and ends with the profile in use again, while a filter is on', async () => {
		const since = Date.now();
		const app = await withSessions({
			now: () => noon + Date.now() - since,
			main: {...seed, usage: {'anthropic:work': {cooldownUntil: noon + 2500}}},
		});
		await app.press('/');
		await app.type('plain');
		await app.press(keys.enter);
		await app.waitFor('anthropic:me@example.test (place 2 of the order)');
		await app.waitFor('anthropic:work (place 1 of the order)');
	});
});

describe('a slash command', () => {
	test('is typed behind /model, carried out by Enter, and answered below the list', async () => {
		const app = await withSessions();
		await app.press('G', keys.enter);
		await app.waitFor(/ {2}plain > \/model/);
		await app.type('Opus@anthropic:work');
		await app.press(keys.enter);
		await app.waitFor(
			'This session uses anthropic/opus from now on, with the profile anthropic:work and no other of',
		);
		expect(app.state().commandLine).toBeUndefined();
		// What changed last goes to the top, and the cursor goes along.
		await app.waitFor(() => expect(rows(app)[0]).toBe('plain anthropic/opus anthropic:work pinned just now'));
		await app.waitFor(() => expect(app.cursorLine()).toContain('plain'));
		expect(stored(app).plain).toMatchObject({authProfileOverride: 'anthropic:work', updatedAt: noon});
		await app.press('j');
		await app.waitFor('kept for the session');
		expect(app.frame()).not.toContain('from now on');
	});

	test('shows its answer until Esc', async () => {
		const app = await withSessions();
		await command(app, '/model list');
		await app.press(keys.enter);
		await app.waitFor('▸ anthropic/opus (Opus): anthropic:work, anthropic:me@example.test');
		await app.waitFor('openai/gpt (Gpt): openai:default');
		await app.press(keys.esc);
		await app.waitFor('kept for the session');
	});

	test('is answered in whole sentences where there is little room', async () => {
		const app = await withSessions({columns: 60, rows: 16});
		await app.press('j');
		await command(app, '/model Gpt');
		await app.press(keys.enter);
		await app.waitFor(/│ This session uses openai\/gpt from now on\. It no longer +│/);
		await app.waitFor(/belongs to anthropic\. +│/);
	});

	test.each([
		['/modle', 'There is no such slash command. Those that there are: /model,'],
		['/reset now', '/reset takes no further words.'],
		['hello', 'There is no such slash command.'],
		['/model Opus@anthropic:wrok', 'The agent main has no profile anthropic:wrok.'],
		['/model Opus@openai:default', 'openai:default belongs to openai, not to anthropic.'],
		['/model mistral/small', 'The agent main has no profile of mistral'],
	])('%j says in the line what is wrong, and what is typed stays to be mended', async (line, fault) => {
		const app = await withSessions();
		const before = stored(app);
		await command(app, line);
		await app.press(keys.enter);
		await app.waitFor(fault);
		expect(app.frame()).toContain(`> ${line}`);
		expect(stored(app)).toEqual(before);
		await app.press(keys.backspace);
		await app.waitFor(() => expect(app.frame()).not.toContain(fault));
		expect(app.state().commandLine?.field.text).toBe(line.slice(0, -1));
	});

	test('that is mended is carried out', async () => {
		const app = await withSessions();
		await command(app, '/model Opsu');
		await app.press(':');
		await app.press(keys.backspace, keys.backspace, keys.backspace);
		await app.type('us');
		await app.press(keys.enter);
		await app.waitFor('This session uses anthropic/opus from now on');
	});

	test('takes every key for itself, and is closed by Esc with nothing done', async () => {
		const app = await withSessions();
		const before = stored(app);
		await app.press(':');
		await app.type('q1?xjn');
		await app.waitFor('> /model q1?xjn');
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.frame()).not.toContain('> /model'));
		expect(app.state().screen).toBe('sessions');
		expect(app.quits()).toBe(0);
		expect(stored(app)).toEqual(before);
	});

	test('can be pasted, also with a line break at its end', async () => {
		const app = await withSessions();
		await app.press(':', '\u0015');
		await app.paste('/model Gpt\n');
		await app.waitFor('> /model Gpt');
		await app.press(keys.enter);
		await app.waitFor('This session uses openai/gpt from now on');
	});

	test('Tab goes through what it may become, and begins again behind the last', async () => {
		const app = await withSessions();
		await app.press(':');
		await app.type('Opus@');
		for (const id of ['anthropic:work', 'anthropic:me@example.test', 'anthropic:work']) {
			await app.press(keys.tab);
			await app.waitFor(() => expect(app.state().commandLine?.field.text).toBe(`/model Opus@${id}`));
			await app.waitFor(`> /model Opus@${id}`);
		}
		// What is typed then is completed anew.
		await app.press('\u0015');
		await app.type('/re');
		await app.press(keys.tab);
		await app.waitFor('> /reset');
		await app.press('x', keys.tab);
		await app.waitFor('> /resetx');
		expect(app.state().screen).toBe('sessions');
	});

	test('is of the session that it was opened for, whatever another process does meanwhile', async () => {
		const app = await withSessions();
		await app.press('j', ':');
		await app.waitFor('review > /model');
		await openJarvis({stateDir: app.stateDir, env: {}}).sendToSession('main', 'newer', '/model Gpt');
		await app.waitFor(() => expect(rows(app)).toHaveLength(5));
		await app.type('Gpt');
		await app.press(keys.enter);
		await app.waitFor('This session uses openai/gpt from now on. It no longer keeps to the profile');
		expect(stored(app).review).toMatchObject({providerOverride: 'openai', modelOverride: 'gpt'});
	});

	test('that fails after the line was closed is told at the foot, and opens nothing', async () => {
		const app = await withSessions();
		const {promise, reject} = Promise.withResolvers<never>();
		app.context.jarvis.sendToSession = () => promise;
		await app.press(':');
		await app.type('Opus');
		await app.press(keys.enter, keys.esc);
		await app.waitFor(() => expect(app.state().commandLine).toBeUndefined());
		reject(new Error('canary-fault'));
		await app.waitFor('✗ JARVIS met a fault of its own (Error).');
		expect(app.state().commandLine).toBeUndefined();
	});

	test('that fails leaves what was typed while it ran', async () => {
		const app = await withSessions();
		const {promise, reject} = Promise.withResolvers<never>();
		app.context.jarvis.sendToSession = () => promise;
		await app.press(':');
		await app.type('Opus');
		await app.press(keys.enter);
		await app.type('@anthr');
		reject(new Error('canary-fault'));
		await app.waitFor('JARVIS met a fault of its own (Error).');
		await app.waitFor('> /model Opus@anthr');
	});
});

describe('a new session', () => {
	test('is made with the model that is typed for it, and the cursor goes to it', async () => {
		const app = await withSessions();
		await app.press('n');
		await app.waitFor('A session of main');
		await app.type('chat:7');
		await app.press(keys.enter);
		await app.waitFor('chat:7 > /model');
		expect(stored(app)).not.toHaveProperty('chat:7');
		await app.type('Gpt');
		await app.press(keys.enter);
		await app.waitFor(() => expect(app.cursorLine()).toContain('chat:7'));
		await app.waitFor('This session uses openai/gpt from now on.');
		expect(stored(app)['chat:7']).toMatchObject({providerOverride: 'openai', modelOverride: 'gpt'});
	});

	test('that is left with Esc is none', async () => {
		const app = await withSessions();
		await app.press('n');
		await app.type('chat:7');
		await app.press(keys.enter, keys.esc);
		await app.waitFor(() => expect(app.frame()).not.toContain('chat:7'));
		expect(stored(app)).toEqual(sessions);
	});

	test.each([
		['', 'The session key is empty.'],
		['review', 'There is a session of that key already.'],
		[' chat', 'begins or ends with white space'],
	])('of the key %j is refused with the reason', async (key, fault) => {
		const app = await withSessions();
		await app.press('n');
		await app.type(key);
		await app.press(keys.enter);
		await app.waitFor(fault);
		expect(app.state().dialog).toBeDefined();
	});

	test('of an agent without any is shown, with a profile that the agent reads of main', async () => {
		const app = await withSessions();
		await app.press(']');
		await app.waitFor('Sessions of work');
		await app.press('n');
		await app.type('support');
		await app.press(keys.enter);
		await app.type('Opus@anthropic:work');
		await app.press(keys.enter);
		await app.waitFor(() =>
			expect(rows(app)).toEqual(['support anthropic/opus anthropic:work pinned just now']),
		);
		expect(stored(app, 'work')).toHaveProperty('support');
	});
});

describe('a reset', () => {
	test('is asked for, and begins the session anew', async () => {
		const app = await withSessions();
		await app.press('j', 'x');
		await app.waitFor('Begin review anew?');
		await app.press('n');
		await app.waitFor(() => expect(app.state().dialog).toBeUndefined());
		expect(stored(app)).toEqual(sessions);
		await app.press('x', 'y');
		await app.waitFor('✓ review begins anew.');
		await app.waitFor(() => expect(rows(app)[0]).toBe('review default anthropic:work – just now'));
		await app.waitFor(() => expect(app.cursorLine()).toContain('review'));
		expect(stored(app).review).not.toHaveProperty('authProfileOverride');
	});

	test('is of the session that was asked about, though it is gone from under the cursor', async () => {
		const app = await withSessions();
		await app.press('x');
		await app.waitFor('Begin chat:42 anew?');
		const {'chat:42': _, ...others} = sessions;
		writeJson(statePaths(app.stateDir).sessions('main'), others);
		await app.waitFor(() => expect(app.state().snapshot.agents[0]?.sessions).toHaveLength(3));
		await app.press('y');
		await app.waitFor('✓ chat:42 is gone: there was nothing to reset.');
		expect(stored(app)).toEqual(others);
	});
});

describe('sessions.json', () => {
	test('that another process changes is shown at once, with the cursor on its session', async () => {
		const app = await withSessions();
		await app.press('j', 'j');
		await app.waitFor(() => expect(app.cursorLine()).toContain('nightly'));
		const other = openJarvis({stateDir: app.stateDir, env: {}, now: () => noon});
		await other.sendToSession('main', 'plain', '/model Gpt@openai:default');
		await app.waitFor(() => expect(rows(app)[0]).toBe('plain openai/gpt openai:default pinned just now'));
		expect(app.cursorLine()).toContain('nightly');
	});

	test('that is damaged is a problem with the place, until it is mended', async () => {
		const app = await withSessions();
		const file = statePaths(app.stateDir).sessions('main');
		const damaged = '{\n  "chat:42": {"authProfileOverride": "canary" oops\n';
		writeFileSync(file, damaged);
		await app.waitFor('is not valid JSON (line 2, column');
		expect(app.frame()).not.toContain('canary');
		await app.press('n');
		await app.type('chat:8');
		await app.press(keys.enter);
		await app.type('Opus');
		await app.press(keys.enter);
		await app.waitFor(() => expect(app.state().commandLine?.fault).toContain('is not valid JSON'));
		await app.press(keys.esc);
		expect(readFileSync(file, 'utf8')).toBe(damaged);
		// The other screens are not concerned.
		await app.press('2');
		await app.waitFor('anthropic:work');
		writeJson(file, sessions);
		await app.press('6');
		await app.waitFor('chat:42');
	});

	test('that is damaged in the folder of another agent leaves these as they are', async () => {
		const app = await withSessions();
		writeJson(statePaths(app.stateDir).sessions('work'), {});
		writeFileSync(statePaths(app.stateDir).sessions('work'), '{');
		await app.press(']');
		await app.waitFor('is not valid JSON');
		await app.press('[');
		await app.waitFor('chat:42');
	});
});

test('a pin of a profile that is set aside is told with the time that it is out', async () => {
	const app = await withSessions({
		main: {...seed, usage: {'anthropic:me@example.test': {cooldownUntil: noon + hour}}},
	});
	// JARVIS leaves the one that it chose itself; a person’s choice stays.
	expect(rows(app).slice(0, 2)).toEqual([
		'chat:42 anthropic/opus anthropic:work kept 1m 0s ago',
		'review anthropic/opus anthropic:me@example.test pinned 2m ago',
	]);
	await app.waitFor('pin        anthropic:me@example.test (kept), which cannot be used now');
	await app.press('j');
	await app.waitFor('anthropic:me@example.test (cooling down after failures, back in 1h)');
});
