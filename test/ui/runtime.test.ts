import {execFile} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterEach, beforeEach, describe, expect, it, onTestFinished, test, vi} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {say} from '../../source/ui/context.ts';
import {type Runtime, startRuntime} from '../../source/ui/runtime.ts';
import {createUiStore, patch, type UiStore} from '../../source/ui/state.ts';
import {soon} from '../screens/render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, minute, second, token} from '../screens/state.ts';
import {writeCodex} from '../support/other-programs.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {put} from '../support/state-folder.ts';

interface Running {
	readonly store: UiStore;
	readonly runtime: Runtime;
	readonly jarvis: ReturnType<typeof openJarvis>;
	readonly stateDir: string;
	/** Starts to count the changes of the state. */
	readonly count: () => () => number;
}

async function start(seed: AgentSeed = {}): Promise<Running> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', seed);
	// Nobody is logged in with other programs.
	const env = {HOME: stateDir};
	const jarvis = openJarvis({stateDir, env});
	const store = createUiStore({
		...{snapshot: await jarvis.snapshot(), providers: [], env, now: jarvis.now(), sandbox: false},
		surroundings: {browser: false},
	});
	const runtime = startRuntime({store, jarvis});
	onTestFinished(runtime.stop);
	await runtime.reload();
	return {
		...{store, runtime, jarvis, stateDir},
		count() {
			let changes = 0;
			onTestFinished(store.subscribe(() => (changes += 1)));
			return () => changes;
		},
	};
}

const idsOf = (store: UiStore, agentId = 'main') =>
	store
		.getState()
		.snapshot.agents.find(agent => agent.id === agentId)
		?.profiles.map(facts => facts.profileId);

/** Runs a line of the store's own code in a process of its own. */
async function elsewhere(stateDir: string, line: string): Promise<void> {
	const source = new URL('../../source/', import.meta.url);
	const script = `
		import {openJarvis} from ${JSON.stringify(new URL('core.ts', source).href)};
		import {putCredential} from ${JSON.stringify(new URL('store/edit.ts', source).href)};
		import {updateCredentials} from ${JSON.stringify(new URL('store/profiles.ts', source).href)};
		const jarvis = openJarvis({stateDir: ${JSON.stringify(stateDir)}});
		const put = (agentId, id) => updateCredentials(jarvis.paths, agentId, document =>
			putCredential(document, id, {type: 'api_key', provider: 'acme', key: 'canary-elsewhere'}));
		${line}`;
	await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
}

describe('what another process does', () => {
	test('to a plugin that is then left out is among the problems, until it is mended', async () => {
		const {store, jarvis} = await start();
		const problems = () => store.getState().snapshot.problems.map(({code}) => code);
		put(jarvis.paths.plugin('badm'), {id: 'badm', label: 'Bad', auth: []});
		await soon(() => expect(problems()).toEqual(['manifest_invalid']));
		put(jarvis.paths.plugin('badm'), {id: 'badm', label: 'Good', auth: [{method: 'api_key'}]});
		await soon(() => expect(problems()).toEqual([]));
	});

	test('to a file shows up', async () => {
		const {store, stateDir} = await start({profiles: {'acme:here': apiKey('acme')}});
		await elsewhere(stateDir, `await put('main', 'acme:there');`);
		await soon(() => expect(idsOf(store)).toEqual(['acme:here', 'acme:there']));
		await elsewhere(stateDir, `await jarvis.removeProfile('main', 'acme:here');`);
		await soon(() => expect(idsOf(store)).toEqual(['acme:there']));
	});

	test('to an agent that was added meanwhile shows up too', async () => {
		const {store, stateDir} = await start();
		await elsewhere(stateDir, `await jarvis.addAgent({id: 'work'});`);
		await soon(() => expect(idsOf(store, 'work')).toEqual([]));
		await elsewhere(stateDir, `await put('work', 'acme:there');`);
		await soon(() => expect(idsOf(store, 'work')).toEqual(['acme:there']));
	});

	test('to the plugins shows up as a provider', async () => {
		const {store, stateDir} = await start();
		expect(store.getState().providers.map(provider => provider.origin)).not.toContain('plugin');
		const oauth = {
			method: 'oauth',
			issuer: 'https://acme.test',
			clientId: 'x',
			redirectUris: ['http://127.0.0.1/cb'],
		};
		const manifest = {id: 'acme', label: 'Acme', auth: [oauth]};
		writeJson(join(stateDir, 'plugins', 'acme', 'jarvis.plugin.json'), manifest);
		await soon(() => expect(store.getState().providers[0]?.label).toBe('Acme'));
	});

	// The watch of the folder that is gone stays in the list, so that the new one is never watched.
	it('to an agent that was deleted and added again shows up', async () => {
		const {store, stateDir} = await start();
		await elsewhere(stateDir, `await jarvis.addAgent({id: 'work'});`);
		await soon(() => expect(idsOf(store, 'work')).toEqual([]));
		await elsewhere(stateDir, `await jarvis.deleteAgent('work');`);
		await soon(() => expect(idsOf(store, 'work')).toBeUndefined());
		await elsewhere(stateDir, `await jarvis.addAgent({id: 'work'});`);
		await soon(() => expect(idsOf(store, 'work')).toEqual([]));
		await elsewhere(stateDir, `await put('work', 'acme:there');`);
		await vi.waitFor(() => expect(idsOf(store, 'work')).toEqual(['acme:there']), {timeout: 1500});
	});

	test('that damages a file is told, and the rest is shown', async () => {
		const {store, stateDir} = await start({profiles: {'acme:here': apiKey('acme')}});
		writeFileSync(join(stateDir, 'jarvis.json'), '{ "agents": ');
		await soon(() =>
			expect(store.getState().snapshot.problems.map(({code}) => code)).toEqual(['config_damaged']),
		);
		expect(idsOf(store)).toEqual(['acme:here']);
		expect(store.getState().providers.map(provider => provider.id)).toContain('openai-codex');
	});
});

describe('as time goes by', () => {
	beforeEach(() => {
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date']});
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	test('nothing is drawn while nothing changes, but for a look at the clock each minute', async () => {
		const {count} = await start({profiles: {'acme:a': apiKey('acme')}});
		const changes = count();
		await vi.advanceTimersByTimeAsync(59 * second);
		expect(changes()).toBe(0);
		await vi.advanceTimersByTimeAsync(10 * minute);
		expect(changes()).toBeLessThanOrEqual(10);
	});

	test('a linked login that is over is found again once its own program has renewed it', async () => {
		const home = temporaryFolder();
		const {file} = writeCodex(home, {expires: Date.now() - second});
		const link = {program: 'codex', file, entry: 'tokens'};
		const {store} = await start({
			profiles: {'openai-codex:me': {type: 'oauth', provider: 'openai-codex', link}},
		});
		const expires = () => store.getState().snapshot.agents[0]?.profiles[0]?.expires;
		await vi.advanceTimersByTimeAsync(5 * minute);
		expect(expires()).toBeLessThan(Date.now());
		writeCodex(home, {expires: Date.now() + hour});
		await vi.advanceTimersByTimeAsync(minute + second);
		await soon(() => expect(expires()).toBeGreaterThan(Date.now()));
	});

	test('a countdown is drawn once for each step that is seen', async () => {
		const {store, count} = await start({
			profiles: {'acme:a': token('acme', {expires: Date.now() + 5 * hour + 500})},
		});
		patch(store, {screen: 'profiles'});
		const changes = count();
		await vi.advanceTimersByTimeAsync(5 * minute);
		expect(changes()).toBe(5);
		patch(store, {screen: 'health', now: Date.now()});
		await vi.advanceTimersByTimeAsync(4 * hour);
		const before = changes();
		await vi.advanceTimersByTimeAsync(20 * second);
		expect(changes() - before).toBe(20);
	});

	test('the time that is drawn is the true one', async () => {
		const {store} = await start({profiles: {'acme:a': token('acme', {expires: Date.now() + 90 * second})}});
		for (let step = 0; step < 20; step++) {
			await vi.advanceTimersByTimeAsync(1700);
			expect(Date.now() - store.getState().now).toBeLessThan(1050);
		}
	});

	test('a toast goes away', async () => {
		const {store, jarvis} = await start();
		say({store, jarvis}, 'good', 'Done.');
		await vi.advanceTimersByTimeAsync(3900);
		expect(store.getState().toast?.text).toBe('Done.');
		await vi.advanceTimersByTimeAsync(150);
		expect(store.getState().toast).toBeUndefined();
	});

	// The sleep is reckoned from the time of the last tick, not from the present.
	it('a toast that comes long after the last tick goes away in time too', async () => {
		const {store, jarvis} = await start();
		await vi.advanceTimersByTimeAsync(30 * second);
		say({store, jarvis}, 'good', 'Done.');
		await vi.advanceTimersByTimeAsync(5 * second);
		expect(store.getState().toast).toBeUndefined();
	});

	// Each key begins the sleep anew, so that it never ends while keys come faster.
	it('the countdown goes on while keys are pressed', async () => {
		const {store} = await start({profiles: {'acme:a': token('acme', {expires: Date.now() + 90 * second})}});
		for (let key = 0; key < 30; key++) {
			await vi.advanceTimersByTimeAsync(400);
			patch(store, {cursors: {health: {id: 'main acme:a', index: 0}}});
		}
		expect(Date.now() - store.getState().now).toBeLessThan(2 * second);
	});

	test('after the end no timer is left, and nothing changes any more', async () => {
		const {store, runtime, count} = await start({
			profiles: {'acme:a': token('acme', {expires: Date.now() + 90 * second})},
		});
		await vi.advanceTimersByTimeAsync(5 * second);
		runtime.stop();
		const changes = count();
		expect(vi.getTimerCount()).toBe(0);
		await runtime.reload();
		await vi.advanceTimersByTimeAsync(5 * minute);
		expect(changes()).toBe(0);
		patch(store, {autoRefresh: false});
		expect(vi.getTimerCount()).toBe(0);
	});
});

test('after the end no folder is watched', async () => {
	const watched = () => process.getActiveResourcesInfo().filter(name => name === 'FSEventWrap').length;
	const before = watched();
	const {runtime} = await start({profiles: {'acme:a': apiKey('acme')}});
	expect(watched()).toBeGreaterThan(before);
	runtime.stop();
	await soon(() => expect(watched()).toBe(before));
});

test('readings that are asked for during one are served by a single further one', async () => {
	const {runtime, count} = await start({profiles: {'acme:a': apiKey('acme')}});
	const changes = count();
	await Promise.all(Array.from({length: 10}, () => runtime.reload()));
	expect(changes()).toBe(2);
});
