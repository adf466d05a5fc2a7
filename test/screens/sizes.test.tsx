import stringWidth from 'string-width';
import {describe, expect, test} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, manyKeys, noon, oauth, token} from './state.ts';

const sizes = [
	[60, 16],
	[80, 24],
	[100, 30],
	[120, 40],
	[300, 100],
] as const;

const screenKeys = ['1', '2', '3', '4', '5', '6', '?'] as const;

const longNames = [
	'n'.repeat(60),
	'漢字かな'.repeat(15),
	`👩‍👩‍👧‍👦🇩🇪⚠️👍🏽${'🎉'.repeat(56)}`,
	'שלום-עולם-مرحبا-بالعالم'.repeat(3).slice(0, 60),
	'e\u0301\u0323'.repeat(60),
];

const oddSeed: AgentSeed = {
	profiles: Object.fromEntries(
		longNames.map(name => [
			`acme:${name}`,
			oauth('acme', {email: `${name}@example.test`, accountId: name, expires: noon + 5 * hour}),
		]),
	),
	usage: {[`acme:${longNames[1]}`]: {disabledUntil: noon + hour, disabledReason: longNames[1] ?? ''}},
	order: {acme: longNames.map(name => `acme:${name}`)},
};

/** Sessions of keys, models and pins of every kind. */
const oddSessions = Object.fromEntries(
	longNames.map((name, index) => [
		name,
		{
			...{providerOverride: 'acme', modelOverride: `${name}/${name}`, updatedAt: noon - index * hour},
			...{authProfileOverride: `acme:${name}`, authProfileOverrideSource: index % 2 === 0 ? 'user' : 'auto'},
			authProfileOverrideCompactionCount: 0,
		},
	]),
);

/** Fails unless what is on the screen fits it. */
function expectToFit(app: RenderedApp, columns: number, rows: number): void {
	const lines = app.lines();
	expect(lines.length).toBeLessThanOrEqual(rows);
	const wide = lines.filter(line => stringWidth(line) > columns);
	expect(wide).toEqual([]);
}

async function stateWith(seed: AgentSeed): Promise<string> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', seed);
	return stateDir;
}

describe.each(sizes)('at %d columns and %d rows', (columns, rows) => {
	test.each([
		['no profile', {}, 'No credentials yet'],
		['one profile', {profiles: {'acme:only': apiKey('acme')}}, 'acme:only'],
		['500 profiles', {profiles: manyKeys(500)}, 'acme:001'],
		['names of every kind', oddSeed, 'disabled'],
	] as const)('every screen fits with %s', async (_what, seed, seen) => {
		const app = await renderApp({stateDir: await stateWith(seed), columns, rows});
		await app.press('4');
		await app.waitFor(seen);
		for (const key of [...screenKeys, keys.esc]) {
			await app.press(key);
			await app.waitFor(() => expectToFit(app, columns, rows));
		}
		for (const frame of app.frames) expect(frame.split('\n').length).toBeLessThanOrEqual(rows);
	});

	test('the cursor is in view wherever it goes among 500 profiles', async () => {
		const app = await renderApp({stateDir: await stateWith({profiles: manyKeys(500)}), columns, rows});
		await app.press('2', 'G');
		await app.waitFor('/500');
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:500'));
		await app.press('g', keys.down, keys.pageDown, keys.down);
		const wanted = app.state().cursors.profiles?.id ?? '';
		expect(wanted).not.toBe('acme:001');
		await app.waitFor(() => expect(app.cursorLine()).toContain(wanted));
		expectToFit(app, columns, rows);
	});
});

// Where there is more room, they are no wider.
describe.each(sizes.slice(0, 2))(
	'questions, fields, filters and messages at %d columns and %d rows',
	(columns, rows) => {
		test('fit with names of every kind', async () => {
			const app = await renderApp({stateDir: await stateWith(oddSeed), columns, rows});
			await app.press('2');
			for (const _ of longNames) {
				for (const [key, seen] of [
					['D', 'Remove acme:'],
					['e', 'Rename acme:'],
					['Y', 'Copy the'],
				] as const) {
					await app.press(key);
					await app.waitFor(seen);
					expectToFit(app, columns, rows);
					await app.press(keys.esc);
				}
				await app.press('D', 'x', keys.enter);
				await app.waitFor('That is not');
				expectToFit(app, columns, rows);
				await app.press(keys.esc, '/', '漢', keys.enter, 'r');
				await app.waitFor(/✗|Filter|漢/);
				expectToFit(app, columns, rows);
				await app.press(keys.esc, 'j');
			}
		});
	},
);

describe.each([
	[60, 16],
	[80, 24],
	[120, 40],
] as const)('sessions at %d columns and %d rows', (columns, rows) => {
	async function withOddSessions(): Promise<RenderedApp> {
		const stateDir = await stateWith(oddSeed);
		writeJson(statePaths(stateDir).sessions('main'), oddSessions);
		const app = await renderApp({stateDir, columns, rows});
		await app.press('6');
		await app.waitFor('Sessions of main');
		return app;
	}

	test('fit with their answers, faults, questions and lines, whatever they are called', async () => {
		const app = await withOddSessions();
		for (const name of longNames) {
			await app.waitFor(() => expect(app.cursorLine()).toContain([...name].slice(0, 3).join('')));
			expectToFit(app, columns, rows);
			await app.press(':');
			await app.type('漢字/漢字@acme:漢');
			await app.waitFor('> ');
			expectToFit(app, columns, rows);
			await app.press(keys.enter);
			await app.waitFor(() => expect(app.state().commandLine?.fault).toBeDefined());
			expectToFit(app, columns, rows);
			await app.press('\u0015');
			await app.type('/help');
			await app.press(keys.enter);
			// A key that nobody can type is read, and not written.
			await app.waitFor(() => expect(app.state().commandLine?.fault ?? app.state().answer).toBeDefined());
			await app.waitFor(/\/model, \/model status|cannot be seen/);
			expectToFit(app, columns, rows);
			await app.press(keys.esc, keys.esc, 'x');
			await app.waitFor('Begin ');
			expectToFit(app, columns, rows);
			await app.press(keys.esc, 'j');
		}
		for (const frame of app.frames) expect(frame.split('\n').length).toBeLessThanOrEqual(rows);
	});

	test('the line shows the end of what is typed, and the footer stays', async () => {
		const app = await withOddSessions();
		await app.press('j', ':');
		await app.paste(`${'字'.repeat(100)}Z`);
		await app.waitFor(/ > .*字Z/);
		expectToFit(app, columns, rows);
		expect(app.lines().at(-1)).toContain('Esc cancel');
		// A key of wide letters is told as far as one of narrow ones.
		expect(app.lines().find(line => line.includes('字Z'))).toMatch(/^ {2}漢字かな漢字かな漢字… +> /);
	});

	test('the cursor is in view among 300 of them', async () => {
		const stateDir = await stateWith({profiles: {'acme:a': apiKey('acme')}});
		const many = Array.from({length: 300}, (_, index) => [`chat:${index}`, {updatedAt: noon - index}]);
		writeJson(statePaths(stateDir).sessions('main'), Object.fromEntries(many));
		const app = await renderApp({stateDir, columns, rows});
		await app.press('6', 'G');
		await app.waitFor('/300');
		await app.waitFor(() => expect(app.cursorLine()).toContain('chat:299'));
		await app.press(keys.pageUp, keys.up);
		const wanted = app.state().cursors.sessions?.id ?? '';
		await app.waitFor(() => expect(app.cursorLine()).toContain(wanted));
		expectToFit(app, columns, rows);
	});
});

test('how many profiles need a person is told whole beside the names of the screens', async () => {
	const expired = Array.from({length: 12}, (_, index) => [
		`acme:${index}`,
		token('acme', {expires: noon - hour}),
	]);
	const app = await renderApp({stateDir: await stateWith({profiles: Object.fromEntries(expired)})});
	for (const [columns, shown] of [
		[60, /6 Sessions ✗12$/],
		[80, /6 Sessions +✗ 12$/],
		[100, /6 Sessions +✗ 12$/],
	] as const) {
		app.resize(columns, 16);
		await app.waitFor(() => expect(app.lines()[0]?.trimEnd()).toMatch(shown));
	}
});

describe('a window that is too small', () => {
	test('says so and how large it must be, and shows the screen again when it is', async () => {
		const app = await renderApp({columns: 59, rows: 15});
		await app.waitFor('JARVIS needs 60x16, this is 59x15.');
		expect(app.lines()).toHaveLength(15);
		app.resize(60, 16);
		await app.waitFor('Health');
		app.resize(300, 15);
		await app.waitFor('this is 300x15');
		app.resize(59, 100);
		await app.waitFor('this is 59x100');
	});

	test('of hardly any size still fits', async () => {
		const app = await renderApp({columns: 10, rows: 2});
		await app.waitFor('JARVIS');
		expectToFit(app, 10, 2);
	});

	test('can be left', async () => {
		const app = await renderApp({columns: 30, rows: 5});
		await app.press('q');
		expect(app.quits()).toBe(1);
	});
});

test('the cursor stays on its profile when the window changes its size', async () => {
	const app = await renderApp({stateDir: await stateWith({profiles: manyKeys(500)}), columns: 100, rows: 30});
	await app.press('2', 'G', 'k'.repeat(90));
	await app.waitFor(() => expect(app.cursorLine()).toContain('acme:410'));
	for (const [columns, rows] of [
		[60, 16],
		[59, 15],
		[300, 100],
		[80, 24],
	] as const) {
		app.resize(columns, rows);
		await app.waitFor(() => expect(app.state().size).toEqual({columns, rows}));
		if (columns >= 60) await app.waitFor(() => expect(app.cursorLine()).toContain('acme:410'));
		expectToFit(app, columns, rows);
	}
});
