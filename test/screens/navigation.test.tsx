import {writeFileSync} from 'node:fs';
import {afterEach, describe, expect, it, test, vi} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {say} from '../../source/ui/context.ts';
import {patch} from '../../source/ui/state.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {apiKey, fill, manyKeys, noon, second, token} from './state.ts';

const profiles = {'acme:work': apiKey('acme'), 'acme:home': apiKey('acme'), 'openai:key': apiKey('openai')};

async function withProfiles(options: AppOptions = {}): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles});
	return renderApp({stateDir, ...options});
}

/** The title of the screen that is shown, as the header has it. */
const title = ({lines}: RenderedApp) => /▸\d (\w+)/.exec(lines()[0] ?? '')?.[1];

async function expectScreen(app: RenderedApp, name: string): Promise<void> {
	await app.waitFor(() => expect(title(app)).toBe(name));
}

afterEach(() => {
	vi.useRealTimers();
});

describe('the screens', () => {
	test('begin with health where there are credentials, and with the wizard where there are none', async () => {
		await expectScreen(await withProfiles(), 'Health');
		await (await renderApp()).waitFor('[1 agent]');
	});

	test('begin with the agents where a file cannot be read, or holds what is not understood', async () => {
		const stateDir = temporaryFolder();
		const file = statePaths(stateDir).profiles('main');
		writeJson(file, {version: 1, profiles: {'acme:future': {type: 'passkey', provider: 'acme'}}});
		await expectScreen(await renderApp({stateDir}), 'Agents');
		writeFileSync(file, '{');
		await expectScreen(await renderApp({stateDir}), 'Agents');
	});

	test('are shown by their digits', async () => {
		const app = await withProfiles();
		for (const [key, name] of [
			['1', 'Agents'],
			['2', 'Profiles'],
			['3', 'Order'],
			['4', 'Health'],
			['5', 'Login'],
			['6', 'Sessions'],
			['7', 'Import'],
			['8', 'Log'],
			['9', 'Broker'],
		] as const) {
			await app.press(key);
			await expectScreen(app, name);
		}
	});

	test('are shown one after the other by Tab, and back by Shift+Tab, around in a circle', async () => {
		const app = await withProfiles();
		await app.press('1');
		const inTurn = ['Profiles', 'Order', 'Health', 'Login', 'Sessions', 'Import', 'Log', 'Broker'];
		for (const name of [...inTurn, 'Agents']) {
			await app.press(keys.tab);
			await expectScreen(app, name);
		}
		for (const name of [...inTurn.reverse(), 'Agents']) {
			await app.press(keys.shiftTab);
			await expectScreen(app, name);
		}
	});

	test('go back by Esc: order, profiles, agents', async () => {
		const app = await withProfiles();
		await app.press('3', keys.esc);
		await expectScreen(app, 'Profiles');
		await app.press(keys.esc);
		await expectScreen(app, 'Agents');
		await app.press(keys.esc);
		await expectScreen(app, 'Agents');
	});
});

describe('help', () => {
	test.each(['?', keys.esc, 'q'])('is shown by ?, and left by %j to where one was', async key => {
		const app = await withProfiles();
		await app.press('3', '?');
		await app.waitFor('show the profiles of the agent');
		await app.press(key);
		await app.waitFor('WHY HERE');
		expect(app.quits()).toBe(0);
	});

	test('scrolls to its end and no further', async () => {
		const app = await withProfiles({columns: 80, rows: 16});
		await app.press('?');
		await app.waitFor('Agents');
		await app.press(' '.repeat(20));
		await app.waitFor('leave it as it is');
		const end = app.frame();
		await app.press('j', keys.down, keys.pageDown);
		expect(app.frame()).toBe(end);
		await app.press('k');
		await app.waitFor(() => expect(app.frame()).not.toBe(end));
		await app.press(keys.pageUp.repeat(20));
		await app.waitFor('show the profiles of the agent');
	});

	test('shows a cut line whole where there is room', async () => {
		const app = await withProfiles({columns: 60, rows: 24});
		await app.press('?');
		await app.waitFor('make it the agent that is meant when');
		app.resize(100, 24);
		await app.waitFor('make it the agent that is meant when none is named');
	});

	// Help is no screen of the circle, so that it goes on from the first.
	it('is left by Tab to the screen after the one that it was opened from', async () => {
		const app = await withProfiles();
		await app.press('2', '?', keys.tab);
		expect(app.state().screen).toBe('order');
	});
});

describe('a filter', () => {
	test('leaves the rows that hold a text, while it is typed', async () => {
		const app = await withProfiles();
		await app.press('2', '/');
		await app.waitFor('type to filter');
		await app.type('home');
		await app.waitFor(() => expect(app.frame()).not.toContain('acme:work'));
		await app.waitFor('acme:home');
		await app.press(keys.enter);
		await app.waitFor('home   (Esc shows all)');
		await app.press('D');
		await app.waitFor('Remove acme:home');
		await app.press(keys.esc, keys.esc);
		await app.waitFor('acme:work');
	});

	test('that nothing holds says so', async () => {
		const app = await withProfiles();
		await app.press('/');
		await app.type('nothing');
		await app.waitFor('Nothing holds that. Esc shows all.');
		await app.press(keys.esc);
		await app.waitFor('acme:work');
		expect(app.state().filtering).toBe(false);
	});

	test('keeps the cursor on its profile where that is left, and gives it back where it is not', async () => {
		const app = await withProfiles();
		await app.press('2', 'j', '/');
		await app.type('acme');
		await app.press(keys.down);
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:home'));
		await app.press('/', '\u0015');
		await app.type('openai');
		await app.press(keys.enter);
		await app.waitFor(() => expect(app.cursorLine()).toContain('openai:key'));
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:home'));
	});

	test('is of one screen only', async () => {
		const app = await withProfiles();
		await app.press('2', '/');
		await app.type('home');
		await app.press(keys.enter, '4');
		await app.waitFor('openai:key');
	});

	// Its footer shows the key, which does nothing there.
	it('is offered on the login screen only while there is a list to filter', async () => {
		const app = await withProfiles();
		await app.press('5');
		await app.waitFor('/ filter');
		await app.press('/');
		await app.type('groq');
		await app.press(keys.enter, keys.enter);
		await app.waitFor('Paste the API key of Groq');
		expect(app.frame()).not.toContain('/ filter');
		expect(app.state().filter.text).toBe('');
	});
});

describe('the cursor', () => {
	test('moves by rows, by pages and to the ends', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', {profiles: manyKeys(100)});
		const app = await renderApp({stateDir});
		await app.press('2');
		const steps = [
			...[
				['j', 2],
				[keys.down, 3],
				['k', 2],
				[keys.up, 1],
				[keys.up, 1],
				['G', 100],
				[keys.down, 100],
			],
			...[
				['g', 1],
				[keys.end, 100],
				[keys.home, 1],
				[keys.pageDown, 14],
				['\u0004', 27],
				['\u0015', 14],
				[keys.pageUp, 1],
			],
		] as const;
		for (const [key, row] of steps) {
			await app.press(String(key));
			await app.waitFor(() => expect(app.cursorLine()).toContain(`acme:${String(row).padStart(3, '0')}`));
		}
	});

	test('stays on its profile when another process adds and removes others', async () => {
		const app = await withProfiles();
		await app.press('2', 'j');
		await fill(app.stateDir, 'main', {profiles: manyKeys(50)});
		await app.waitFor(() => expect(app.state().snapshot.agents[0]?.profiles).toHaveLength(53));
		await openJarvis({stateDir: app.stateDir, env: {}}).removeProfile('main', 'acme:work');
		await app.waitFor(() => expect(app.frame()).not.toContain('acme:work'));
		expect(app.cursorLine()).toContain('acme:home');
	});
});

describe('leaving', () => {
	test.each(['q', keys.ctrlC])('takes %j', async key => {
		const app = await withProfiles();
		await app.press(key);
		expect(app.quits()).toBe(1);
	});

	test('takes Ctrl+C also in a field and in a question', async () => {
		const app = await withProfiles();
		await app.press('2', 'e', 'q', keys.ctrlC);
		expect(app.quits()).toBe(1);
		await app.press(keys.esc, 'Y', keys.ctrlC);
		expect(app.quits()).toBe(2);
	});
});

describe('a message', () => {
	test('goes away when its time is over', async () => {
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date']});
		const app = await withProfiles({now: Date.now});
		await app.press('R');
		await app.waitFor('✓ Tokens are left as they are while you look.');
		await vi.advanceTimersByTimeAsync(2 * second);
		expect(app.frame()).toContain('✓ Tokens are left');
		await vi.advanceTimersByTimeAsync(2 * second);
		await app.waitFor(() => expect(app.frame()).not.toContain('Tokens are left'));
	});

	// The line that is kept for it is empty, and an empty text has no height.
	it('moves nothing when it comes', async () => {
		const app = await withProfiles();
		const keysAt = () => app.lines().findIndex(line => line.includes('q quit'));
		const before = keysAt();
		await app.press('R');
		await app.waitFor('✓ Tokens are left as they are');
		expect(keysAt()).toBe(before);
	});

	test.each([
		['good', 3],
		['bad', 5],
	] as const)(
		'that is long and %s takes %d lines at most, and moves nothing off the screen',
		async (tone, most) => {
			const app = await withProfiles({columns: 60, rows: 16});
			const {store, jarvis} = app.context;
			say({store, jarvis}, tone, `${'word '.repeat(60)}end`);
			await app.waitFor(/[✓✗] word/);
			expect(app.lines()).toHaveLength(16);
			expect(app.lines().filter(line => line.includes('word'))).toHaveLength(most);
			expect(app.frame()).toMatch(/word …$/m);
			expect(app.lines().at(-1)).toContain('q quit');
		},
	);
});

test('work in passing leaves the number of those that need a person in a narrow header', async () => {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:old': token('acme', {expires: noon - second})}});
	const app = await renderApp({stateDir, columns: 80, rows: 24});
	patch(app.context.store, {tasks: new Map([['refresh', 'refreshing acme:work']])});
	await app.waitFor(() => expect(app.lines()[0]).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ✗ 1$/));
});

test('a message goes with the next key that does something, and stays while one looks around', async () => {
	const app = await withProfiles();
	const {store, jarvis} = app.context;
	say({store, jarvis}, 'good', 'Done with it.');
	await app.press('2', 'j', 'k');
	await app.waitFor(() => expect(app.frame()).not.toContain('Done with it.'));
	say({store, jarvis}, 'good', 'Done again.');
	await app.press('j', keys.pageDown, ' ');
	await app.waitFor('Done again.');
	say({store, jarvis}, 'bad', 'That went wrong.');
	await app.press('4', '?');
	await app.waitFor('That went wrong.');
});

test('R turns the refreshing of tokens off and on again, which the header tells', async () => {
	const app = await withProfiles();
	await app.press('R');
	await app.waitFor('auto-refresh off');
	await app.press('R');
	await app.waitFor(() => expect(app.frame()).not.toContain('auto-refresh off'));
});

test('a paste where there is nothing to paste into says so, and does nothing', async () => {
	const app = await withProfiles();
	await app.paste('Dwork\r');
	await app.waitFor('! There is nothing to paste into here.');
	expect(app.state().dialog).toBeUndefined();
});
