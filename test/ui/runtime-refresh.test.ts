import {afterEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import {healthOf} from '../../source/auth/health.ts';
import {ensurePrivateFolder} from '../../source/store/write.ts';
import {startRuntime} from '../../source/ui/runtime.ts';
import {createUiStore, patch, type UiStore} from '../../source/ui/state.ts';
import {soon} from '../screens/render-app.tsx';
import {second} from '../screens/state.ts';
import {
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	type StoredDocument,
	writeStore,
} from '../support/sandbox.ts';

const profileId = 'acme:maya';

afterEach(() => {
	vi.useRealTimers();
});

/** A dashboard's runtime over a profile whose token is over. */
async function start(
	sandbox: Sandbox,
	document: StoredDocument,
	more: {readonly autoRefresh?: boolean} = {},
) {
	writeStore(sandbox, 'main', document);
	const jarvis = sandbox.open();
	const store = createUiStore({
		...{snapshot: await jarvis.snapshot(), providers: [], env: {}, now: jarvis.now(), sandbox: false},
		surroundings: {browser: false},
	});
	patch(store, more);
	const runtime = startRuntime({store, jarvis});
	onTestFinished(runtime.stop);
	return {store, runtime};
}

function expiresOf(store: UiStore): unknown {
	return store.getState().snapshot.agents[0]?.profiles[0]?.expires;
}

function isIdle(store: UiStore): void {
	expect(store.getState().tasks.size).toBe(0);
}

describe('a token that is over', () => {
	test('is refreshed once, which is shown while it lasts and after it', async () => {
		const sandbox = await openSandbox();
		sandbox.server.setTokenDelay(100);
		const {store, runtime} = await start(sandbox, {
			profiles: {[profileId]: await expiredEntry(sandbox.server)},
		});
		expect([...store.getState().tasks.values()]).toEqual([`refreshing ${profileId}`]);
		await runtime.reload();
		await soon(() => expect(expiresOf(store)).toBeGreaterThan(Date.now() + 50 * second));
		await soon(() => isIdle(store));
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(store.getState().toast).toBeUndefined();
		expect(readStore(sandbox).profiles[profileId]?.expires).toBe(expiresOf(store));
	});

	test('is left alone where the person switched that off, and refreshed when it is on again', async () => {
		const sandbox = await openSandbox();
		const profiles = {[profileId]: await expiredEntry(sandbox.server)};
		const {store, runtime} = await start(sandbox, {profiles}, {autoRefresh: false});
		await runtime.reload();
		writeStore(sandbox, 'main', {profiles: {...profiles, 'acme:other': {type: 'api_key', provider: 'acme'}}});
		await soon(() => expect(store.getState().snapshot.agents[0]?.profiles).toHaveLength(2));
		expect(sandbox.server.refreshRequests).toBe(0);
		patch(store, {autoRefresh: true});
		writeStore(sandbox, 'main', {profiles});
		await soon(() => expect(sandbox.server.refreshRequests).toBe(1));
		await soon(() => isIdle(store));
	});

	test('of a profile that is set aside is left alone', async () => {
		const sandbox = await openSandbox();
		const profiles = {[profileId]: await expiredEntry(sandbox.server)};
		const usageStats = {[profileId]: {cooldownUntil: Date.now() + 60 * second}};
		const {store, runtime} = await start(sandbox, {profiles, usageStats});
		await runtime.reload();
		isIdle(store);
		expect(sandbox.server.refreshRequests).toBe(0);
	});

	test('that comes to its end while somebody looks is refreshed then', async () => {
		const sandbox = await openSandbox();
		const entry = {...(await expiredEntry(sandbox.server)), expires: Date.now() + 6400};
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date']});
		const {store} = await start(sandbox, {profiles: {[profileId]: entry}});
		isIdle(store);
		// It counts as over a tenth of its minute before its end.
		await vi.advanceTimersByTimeAsync(300);
		expect(sandbox.server.refreshRequests).toBe(0);
		await vi.advanceTimersByTimeAsync(200);
		await soon(() => expect(sandbox.server.refreshRequests).toBe(1));
		await soon(() => isIdle(store));
	});
});

describe('a refresh that fails', () => {
	test('because the server asks to wait shows the wait, though no file that is watched has it', async () => {
		const sandbox = await openSandbox();
		const profiles = {[profileId]: await expiredEntry(sandbox.server)};
		// Folders that come are seen, and so is what stands in the store: both long before the answer.
		for (const folder of ['journal', 'locks'] as const) ensurePrivateFolder(sandbox.paths[folder]);
		sandbox.server.setTokenFailure({status: 429, body: '{}', headers: {'Retry-After': '300'}});
		sandbox.server.setTokenDelay(300);
		const {store} = await start(sandbox, {profiles});
		await soon(() => {
			const {snapshot, now} = store.getState();
			const [facts] = snapshot.agents[0]?.profiles ?? [];
			const until = facts && healthOf(facts, now).waitsUntil;
			expect((until ?? 0) - now).toBeGreaterThan(290 * second);
		});
	});

	test('is told, and the server is left alone for half a minute, and then for a whole one', async () => {
		const sandbox = await openSandbox();
		const profiles = {[profileId]: await expiredEntry(sandbox.server)};
		sandbox.server.setTokenFailure({status: 503, body: '{"error":"temporarily_unavailable"}'});
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date']});
		const {store, runtime} = await start(sandbox, {profiles});
		await soon(() => expect(store.getState().toast?.tone).toBe('bad'));
		expect(store.getState().toast?.text).toMatch(/Acme/);
		await soon(() => isIdle(store));
		const first = sandbox.server.refreshRequests;
		expect(first).toBe(1);

		await runtime.reload();
		for (let key = 0; key < 20; key++) patch(store, {helpOffset: key});
		await vi.advanceTimersByTimeAsync(25 * second);
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(store.getState().toast).toBeUndefined();
		await vi.advanceTimersByTimeAsync(6 * second);
		await soon(() => expect(sandbox.server.refreshRequests).toBe(2));
		await soon(() => isIdle(store));

		await vi.advanceTimersByTimeAsync(50 * second);
		expect(sandbox.server.refreshRequests).toBe(2);
		sandbox.server.setTokenFailure(undefined);
		await vi.advanceTimersByTimeAsync(11 * second);
		await soon(() => expect(sandbox.server.refreshRequests).toBe(3));
		await soon(() => expect(expiresOf(store)).toBeGreaterThan(Date.now() + 40 * second));
	});

	test('because the server refused it for good is not tried again, and the profile asks for a login', async () => {
		const sandbox = await openSandbox();
		const entry = {...(await expiredEntry(sandbox.server)), refresh: 'canary-spent-refresh'};
		const {store, runtime} = await start(sandbox, {profiles: {[profileId]: entry}});
		await soon(() => expect(store.getState().snapshot.agents[0]?.profiles[0]?.needsLogin).toBeDefined());
		await soon(() => isIdle(store));
		await runtime.reload();
		patch(store, {helpOffset: 1});
		expect(sandbox.server.refreshRequests).toBe(1);
	});
});
