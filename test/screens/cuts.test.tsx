import {describe, expect, it, test} from 'vitest';
import {patch} from '../../source/ui/state.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {askingLogin, viewOf, waitingLogin} from '../ui/state-of.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, manyKeys, oauth} from './state.ts';

/** What does not fit says so, and can be read all the same. */

const small = {columns: 60, rows: 16} as const;

async function at(key: string, seed: AgentSeed, options: AppOptions = {}): Promise<RenderedApp> {
	const stateDir = options.stateDir ?? temporaryFolder();
	await fill(stateDir, 'main', seed);
	const app = await renderApp({stateDir, ...small, ...options});
	await app.press(key);
	return app;
}

const more = /\d+–(\d+)\/(\d+) {3}Space: more/;
const ofQuestion = /\d+–(\d+)\/(\d+) {3}PgDn: more/;

/** The lines within the frame, in all parts of it, as one text. */
async function readAll(app: RenderedApp, key = ' '): Promise<string> {
	const parts: string[] = [];
	for (;;) {
		const inside = app
			.lines()
			.flatMap(line => [...line.matchAll(/│ ([^│]*?) *(?=│)/g)].map(([, text]) => text ?? ''));
		parts.push(...inside);
		const [, last, all] = (key === ' ' ? more : ofQuestion).exec(app.frame()) ?? [];
		if (last === all) return parts.join(' ').replace(/ +/g, ' ');
		const before = app.frame();
		await app.press(key);
		await app.waitFor(() => expect(app.frame()).not.toBe(before));
	}
}

describe('details that do not fit', () => {
	const long = `acme:${'long-'.repeat(12)}name`;
	const maya = oauth('acme', {email: `${'maya.'.repeat(14)}@example.test`, accountId: 'account-maya'});
	const seed = {profiles: {[long]: maya, 'acme:short': apiKey('acme')}};

	test('say which part is shown, and Space shows the next, and after the last the first', async () => {
		const app = await at('2', seed);
		await app.waitFor(more);
		const first = app.frame();
		const words = await readAll(app);
		// Neither the list nor a line has room for these.
		expect(words.replaceAll(' ', '')).toContain(long);
		expect(words.replaceAll(' ', '')).toContain(`${maya.email}·account-maya`);
		expect(words).toContain('renewal only by a new login');
		await app.press(' ');
		await app.waitFor(() => expect(app.frame()).toBe(first));
	});

	it('begin at the first part for another row, and have no sign where all fits', async () => {
		const app = await at('2', seed);
		await app.waitFor(more);
		await app.press(' ', 'j');
		await app.waitFor(/│ state/);
		app.resize(120, 40);
		await app.waitFor(() => expect(app.frame()).not.toMatch(more));
		expect(app.frame()).not.toContain(long.slice(0, 60).concat('…'));
	});

	test('name the profile only where the list has no room for it', async () => {
		const app = await at('2', seed, {columns: 300, rows: 40});
		await app.waitFor('acme:short');
		expect(app.frame()).not.toMatch(/│ profile/);
		app.resize(60, 40);
		await app.waitFor(/│ profile/);
	});

	test('are told whole of a place in an order', async () => {
		const app = await at('3', {...seed, order: {acme: [long, 'acme:short']}});
		await app.waitFor('WHY HERE');
		expect((await readAll(app)).replaceAll(' ', '')).toContain(`${long}place1oftheorder`);
	});
});

test('the provider whose order is shown is in view however many there are', async () => {
	const ids = Array.from({length: 12}, (_, index) => `provider-${index}`);
	const app = await at('3', {profiles: Object.fromEntries(ids.map(id => [`${id}:a`, apiKey(id)]))});
	for (let turn = 0; turn < ids.length; turn += 1) {
		await app.waitFor(new RegExp(`\\[${app.state().orderProvider ?? 'provider-0'}\\]`));
		await app.press(keys.right);
	}
});

test('what is broken and has no line is counted, with where it is told', async () => {
	const stateDir = temporaryFolder();
	const broken = Object.fromEntries(['a', 'b', 'c', 'd'].map(name => [`acme:${name}`, {type: 'future'}]));
	writeJson(`${stateDir}/agents/main/agent/auth-profiles.json`, {version: 1, profiles: broken});
	const app = await renderApp({stateDir, ...small});
	await app.press('4');
	await app.waitFor('… and 2 more: d shows them');
	await app.press('2');
	await app.waitFor('… and 3 more: 4 d shows them');
});

describe('a question', () => {
	const long = `acme:${'漢字'.repeat(120)}`;

	it('that does not fit keeps its title and its answers in view, and is read on by PgDn', async () => {
		const app = await at('2', {profiles: {[long]: apiKey('acme')}});
		await app.waitFor('acme:');
		await app.press('D');
		await app.waitFor(ofQuestion);
		expect(app.lines()).toHaveLength(16);
		expect(app.frame()).toContain('⏎ done   Esc cancel');
		const words = await readAll(app, keys.pageDown);
		expect(words).toContain('to do it:');
	});
});

test('choices that do not fit leave the field in view, and PgDn shows the others', async () => {
	const app = await renderApp(small);
	await app.press('5');
	const options = Array.from({length: 20}, (_, index) => ({id: `r${index}`, label: `region ${index + 1}`}));
	const asking = {...askingLogin, secret: false, message: 'In which region?', options};
	patch(app.context.store, {login: viewOf(asking, {field: {text: '', cursor: 0}})});
	const seen = new Set<string>();
	for (let turn = 0; turn < 4; turn += 1) {
		await app.waitFor(/^ {2}> paste it, then Enter/m);
		for (const [, name = ''] of app.frame().matchAll(/^ {2}\d+\. (region \d+)$/gm)) seen.add(name);
		await app.press(keys.pageDown);
	}
	expect([...seen]).toEqual(options.map(({label}) => label));
});

test.each(['ssh', 'container'] as const)(
	'how a browser comes back (%s) is shown whole, or where it is',
	async where => {
		const host = '6.7.8.9-a-rather-long-name-of-a-host.example.test';
		const ways =
			where === 'ssh'
				? {forward: (port: string) => `ssh -N -L ${port}:127.0.0.1:${port} ${host}`}
				: {publish: (port: string) => `-p 127.0.0.1:${port}:${port}`};
		const surroundings = {browser: false, whyNot: 'this is a test', ...ways};
		const app = await renderApp({...small, surroundings});
		await app.press('5');
		patch(app.context.store, {login: viewOf({...waitingLogin, url: `https://acme.test/${'x'.repeat(400)}`})});
		await app.waitFor('… u shows how a browser elsewhere comes back to here');
		expect(app.frame()).not.toMatch(/ssh -N|In a container/);
		await app.press('u');
		await app.waitFor(() =>
			expect(app.printed[0]).toMatch(where === 'ssh' ? `example.test` : /In a container/),
		);
	},
);

test('a page is what is in view, wherever the details leave less of it', async () => {
	const app = await at('2', {profiles: manyKeys(30)});
	await app.waitFor(/PROFILE {2}1–(\d+)\/30/);
	const [, shown = ''] = /PROFILE {2}1–(\d+)\/30/.exec(app.frame()) ?? [];
	await app.press(keys.pageDown);
	await app.waitFor(new RegExp(`PROFILE {2}${Number(shown) + 1}–${Number(shown) * 2}/30`));
	expect(app.cursorLine()).toContain(`acme:${String(Number(shown) + 1).padStart(3, '0')}`);
	await app.press(keys.enter);
	await app.waitFor(/PROFILE {2}1–(?!3\/)\d+\/30/);
	await app.press('g', keys.pageDown, keys.pageUp);
	await app.waitFor(() => expect(app.cursorLine()).toContain('acme:001'));
});

describe('help', () => {
	it('begins with the screen that it was opened from, and says which lines are shown', async () => {
		const app = await at('3', {profiles: {'acme:a': apiKey('acme')}});
		await app.press('?');
		await app.waitFor(/^ Order$/m);
		const [range = '', last, all] = more.exec(app.frame()) ?? [];
		expect([range[0], Number(last) < Number(all)]).toEqual(['1', true]);
	});

	it('cuts no line, and skips none by the page while something is told at the foot', async () => {
		const app = await at('3', {profiles: {'acme:a': apiKey('acme')}});
		await app.press('?');
		await app.paste('nothing to paste it into');
		await app.waitFor('There is nothing to paste into here.');
		let [, last, all] = more.exec(app.frame()) ?? [];
		while (last !== all) {
			expect(app.frame()).not.toContain('…');
			const before = last;
			await app.press(' ');
			await app.waitFor(() => expect(more.exec(app.frame())?.[1]).not.toBe(before));
			const [range = ''] = more.exec(app.frame()) ?? [];
			expect(Number.parseInt(range, 10)).toBeLessThanOrEqual(Number(before) + 1);
			[, last, all] = more.exec(app.frame()) ?? [];
		}
	});
});

describe('the footer', () => {
	it('keeps the way back, help and quit, and says that there are more keys', async () => {
		const app = await at('4', {profiles: manyKeys(3)});
		await app.press('d');
		await app.waitFor(/Esc back.*\? help {2}q quit/);
		await app.press(keys.esc, '2');
		await app.waitFor(/… {2}\? help {2}q quit/);
		app.resize(200, 30);
		await app.waitFor(() => expect(app.lines().at(-1)).not.toContain('…'));
	});
});
