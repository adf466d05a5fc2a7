import {describe, expect, it, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {readStore, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, noon, token} from './state.ts';

const acme = {'acme:a': apiKey('acme'), 'acme:b': apiKey('acme'), 'acme:c': apiKey('acme')};
const both = {...acme, 'beta:x': apiKey('beta'), 'beta:y': apiKey('beta')};

async function withOrder(seed: AgentSeed = {profiles: both}): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', seed);
	const app = await renderApp({stateDir});
	await app.press('3');
	await app.waitFor('WHY HERE');
	return app;
}

const stored = ({stateDir}: RenderedApp) => readStore({paths: statePaths(stateDir)}).order;

/** The profiles of the shown order, top to bottom. */
function shown({lines}: RenderedApp): string[] {
	return lines().flatMap(line => /^[▸ ] +(?:\d+|–) {2}(\S+)/.exec(line)?.[1] ?? []);
}

const unsaved = '! not saved yet: s saves, Esc drops it';

describe('an order that is made', () => {
	test('is not dropped by leaving before that was asked', async () => {
		const app = await withOrder();
		await app.press('G', 'K');
		await app.waitFor(unsaved);
		for (const leave of [
			['q', keys.esc],
			['q', 'n'],
		]) {
			await app.press(leave[0] ?? '');
			await app.waitFor('Leave without saving?');
			await app.press(leave[1] ?? '');
			await app.waitFor(() => expect(app.frame()).not.toContain('Leave without saving?'));
			expect(app.quits()).toBe(0);
		}
		await app.press('q', 'y');
		expect(app.quits()).toBe(1);
		// Whoever presses Ctrl-C twice means it.
		await app.press(keys.ctrlC);
		await app.waitFor('Leave without saving?');
		await app.press(keys.ctrlC);
		expect(app.quits()).toBe(2);
	});

	test('is shown as it would be, and saved by s', async () => {
		const app = await withOrder();
		expect(shown(app)).toEqual(['acme:a', 'acme:b', 'acme:c']);
		await app.press('G', 'K', 'K');
		await app.waitFor(unsaved);
		await app.waitFor(() => expect(shown(app)).toEqual(['acme:c', 'acme:a', 'acme:b']));
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:c'));
		expect(stored(app)).toBeUndefined();
		await app.press('s');
		await app.waitFor('✓ Saved the order of acme.');
		await app.waitFor('from: the agent’s own order');
		expect(stored(app)).toEqual({acme: ['acme:c', 'acme:a', 'acme:b']});
	});

	test('can be made with the shifted arrows, and saved by Enter', async () => {
		const app = await withOrder();
		await app.press('j', keys.shiftDown, keys.shiftUp, keys.shiftUp, keys.enter);
		await app.waitFor('✓ Saved');
		expect(stored(app)).toEqual({acme: ['acme:b', 'acme:a', 'acme:c']});
	});

	test('of profiles that the agent reads of the main agent is its own', async () => {
		const app = await withOrder({profiles: acme});
		await openJarvis({stateDir: app.stateDir, env: {}}).addAgent({id: 'reader'});
		await app.waitFor(() => expect(app.state().snapshot.agents).toHaveLength(2));
		await app.press('2', ']', '3', 'G', 'K', 's');
		await app.waitFor('✓ Saved the order of acme.');
		const paths = statePaths(app.stateDir);
		expect(readStore({paths}, 'reader')).toMatchObject({order: {acme: ['acme:a', 'acme:c', 'acme:b']}});
		expect(readStore({paths}, 'reader').profiles).toEqual({});
		expect(stored(app)).toBeUndefined();
	});

	test('is dropped by Esc, with nothing written', async () => {
		const app = await withOrder();
		await app.press('G', 'K', keys.esc);
		await app.waitFor('! The order that was being made is dropped.');
		await app.waitFor(() => expect(shown(app)).toEqual(['acme:a', 'acme:b', 'acme:c']));
		expect(app.frame()).not.toContain(unsaved);
		await app.press('s');
		await app.waitFor('! Nothing to save: move a profile with K and J first.');
		expect(stored(app)).toBeUndefined();
	});

	test('does not go over the ends', async () => {
		const app = await withOrder();
		await app.press('K');
		expect(app.state().draft).toBeUndefined();
		await app.press('G', 'J');
		expect(app.state().draft).toBeUndefined();
	});

	test('takes in what an explicit order left out, behind the others', async () => {
		const app = await withOrder({profiles: acme, order: {acme: ['acme:b']}});
		await app.waitFor('left out by the order');
		await app.press('G', 'K');
		await app.waitFor(unsaved);
		await app.press('s');
		await app.waitFor('✓ Saved');
		expect(stored(app)).toEqual({acme: ['acme:b', 'acme:c']});
	});

	test('that names a profile which is gone meanwhile is refused, and kept to be mended', async () => {
		const app = await withOrder();
		await app.press('G', 'K');
		await openJarvis({stateDir: app.stateDir, env: {}}).removeProfile('main', 'acme:a');
		await app.waitFor('no such profile is stored');
		await app.press('s');
		await app.waitFor('✗ The agent main has no profile acme:a.');
		expect(stored(app)).toBeUndefined();
		expect(app.state().draft).toBeDefined();
	});

	test('is for the agent that it was made for: another one drops it', async () => {
		const app = await withOrder();
		await openJarvis({stateDir: app.stateDir, env: {}}).addAgent({id: 'work'});
		await app.waitFor(() => expect(app.state().snapshot.agents).toHaveLength(2));
		await app.press('G', 'K', '2', keys.right);
		await app.waitFor('Profiles of work');
		expect(app.state().draft).toBeUndefined();
	});

	// The cursor has no id before it moves for the first time, and so stays on the first row.
	it('follows the first profile down', async () => {
		const app = await withOrder();
		await app.press('J', 'J', 's');
		await app.waitFor('✓ Saved');
		expect(stored(app)).toEqual({acme: ['acme:b', 'acme:c', 'acme:a']});
	});

	// The draft of the other provider is taken for the present order, of which nothing is left then.
	it('of one provider has no say in that of another', async () => {
		const app = await withOrder();
		await app.press('G', 'K', '2', 'G', 'o');
		await app.waitFor('[beta]');
		await app.press('G', 'K', 's');
		await app.waitFor('✓ Saved');
		expect(stored(app)?.beta).toEqual(['beta:y', 'beta:x']);
	});

	it('of one provider is not told of while another one is shown', async () => {
		const app = await withOrder();
		await app.press('G', 'K', '2', 'G', 'o');
		await app.waitFor('[beta]');
		expect(app.frame()).not.toContain(unsaved);
	});
});

describe('an explicit order', () => {
	test('is cleared by x, after asking', async () => {
		const app = await withOrder({profiles: both, order: {acme: ['acme:c', 'acme:a']}});
		await app.press('x');
		await app.waitFor('Clear the order of acme?');
		await app.press('n');
		await app.waitFor(() => expect(app.frame()).not.toContain('Clear the order'));
		expect(stored(app)).toEqual({acme: ['acme:c', 'acme:a']});
		await app.press('x', 'y');
		await app.waitFor('✓ main has no order of its own for acme any more.');
		await app.waitFor('from: no explicit order');
		expect(stored(app)).toBeUndefined();
	});

	test('that is not there cannot be cleared, which is told', async () => {
		const app = await withOrder();
		await app.press('x');
		await app.waitFor('! main has no order of its own for acme.');
	});

	test('of jarvis.json is named as the source', async () => {
		const stateDir = temporaryFolder();
		await fill(stateDir, 'main', {profiles: acme});
		writeJson(statePaths(stateDir).config, {auth: {order: {acme: ['acme:c', 'acme:ghost']}}});
		const app = await renderApp({stateDir});
		await app.press('3');
		await app.waitFor('from: auth.order in jarvis.json');
		expect(shown(app)).toEqual(['acme:c', 'acme:ghost', 'acme:a', 'acme:b']);
		expect(app.frame()).toContain('no such profile is stored');
	});

	test('that is changed by another process is shown at once, with the cursor on its profile', async () => {
		const app = await withOrder();
		await app.press('j');
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:b'));
		await openJarvis({stateDir: app.stateDir, env: {}}).setOrder('main', 'acme', [
			'acme:c',
			'acme:a',
			'acme:b',
		]);
		await app.waitFor(() => expect(shown(app)).toEqual(['acme:c', 'acme:a', 'acme:b']));
		expect(app.cursorLine()).toContain('acme:b');
	});
});

test('profiles that cannot be used stand at the end, with the reason', async () => {
	const app = await withOrder({
		profiles: {...acme, 'acme:over': token('acme', {expires: noon - hour})},
		usage: {'acme:a': {cooldownUntil: noon + 10 * 60_000}},
	});
	expect(shown(app)).toEqual(['acme:b', 'acme:c', 'acme:a', 'acme:over']);
	expect(app.frame()).toMatch(/acme:a .* cooling down after failures, back …? .*cooldown/);
	expect(app.frame()).toMatch(/– {2}acme:over .* expired, and cannot be refresh.*expired/);
});

test('arrows show the other providers', async () => {
	const app = await withOrder();
	await app.press(keys.right);
	await app.waitFor('[beta]');
	expect(shown(app)).toEqual(['beta:x', 'beta:y']);
	await app.press(']');
	await app.waitFor('[acme]');
	await app.press(keys.left);
	await app.waitFor('[beta]');
	await app.press('[');
	await app.waitFor('[acme]');
});

test('without profiles it says how to get one', async () => {
	const app = await withOrder({});
	await app.waitFor('No profiles. Press 5 to log an account in.');
	await app.press('K', 'J', keys.right, 'x');
	await app.press('s');
	await app.waitFor('! Nothing to save');
});
