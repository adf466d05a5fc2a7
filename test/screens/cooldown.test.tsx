import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {readStore, temporaryFolder} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, minute, noon, token} from './state.ts';

const cooling = {
	...{cooldownUntil: noon + 4 * minute, errorCount: 2, lastFailureAt: noon - minute},
	...{lastFailureReason: 'rate_limit', failureCounts: {rate_limit: 3, timeout: 1}},
};
const disabled = {
	...{disabledUntil: noon + 5 * hour, disabledReason: 'billing', errorCount: 1},
	...{lastFailureAt: noon, lastFailureReason: 'billing', failureCounts: {billing: 1}},
};

const seed: AgentSeed = {
	profiles: {
		'acme:cooling': apiKey('acme'),
		'acme:disabled': apiKey('acme'),
		'acme:good': apiKey('acme'),
		'acme:over': token('acme', {expires: noon - hour}),
	},
	usage: {'acme:cooling': cooling, 'acme:disabled': disabled},
};

interface CooldownOptions extends AppOptions {
	readonly main?: AgentSeed;
	/** What an agent that reads of main has noted itself. */
	readonly reader?: AgentSeed;
}

async function withFailures({main = seed, reader, ...options}: CooldownOptions = {}): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', main);
	if (reader) {
		await openJarvis({stateDir, env: {}}).addAgent({id: 'reader'});
		await fill(stateDir, 'reader', reader);
	}
	return renderApp({stateDir, ...options});
}

const usage = ({stateDir}: RenderedApp, agentId = 'main') =>
	readStore({paths: statePaths(stateDir)}, agentId).usageStats ?? {};

/** Puts the cursor of the present screen on a row. */
async function standOn(app: RenderedApp, wanted: string): Promise<void> {
	await app.press('g');
	for (let row = 0; row < 8 && !app.cursorLine().includes(wanted); row++) {
		const before = app.cursorLine();
		await app.press('j');
		await app.waitFor(() => expect(app.cursorLine()).not.toBe(before));
	}
}

describe.each([
	['2', 'profiles'],
	['3', 'order'],
	['4', 'health'],
] as const)('on the screen of key %s, %s', (key, screen) => {
	test('c asks, and has a profile that cools down used again', async () => {
		const app = await withFailures();
		await app.press(key);
		await app.waitFor(() => expect(app.state().screen).toBe(screen));
		await standOn(app, 'acme:cooling');
		expect(app.lines().at(-1)).toContain('c use again');
		await app.press('c');
		await app.waitFor('Use acme:cooling again?');
		await app.waitFor('It would come back by itself in 4m.');
		await app.press('n');
		await app.waitFor(() => expect(app.state().dialog).toBeUndefined());
		expect(usage(app)).toEqual({'acme:cooling': cooling, 'acme:disabled': disabled});

		await app.press('c', 'y');
		await app.waitFor('✓ acme:cooling is used again.');
		await app.waitFor(() => expect(app.frame()).not.toMatch(/cooling 4m|cooling down/));
		expect(usage(app)['acme:cooling'] ?? {}).toEqual({});
		expect(usage(app)['acme:disabled']).toEqual(disabled);
		expect(app.lines().at(-1)).not.toContain('use again');
	});

	test('c does nothing, and is not offered, where nothing is set aside', async () => {
		const app = await withFailures();
		await app.press(key);
		for (const profileId of ['acme:good', 'acme:over']) {
			await standOn(app, profileId);
			await app.waitFor(() => expect(app.lines().at(-1)).not.toContain('use again'));
			await app.press('c');
			expect(app.state().dialog).toBeUndefined();
		}
		expect(usage(app)).toEqual({'acme:cooling': cooling, 'acme:disabled': disabled});
	});
});

test('c has a disabled profile used again too, and the details forget its failures', async () => {
	const app = await withFailures();
	await app.press('2');
	await standOn(app, 'acme:disabled');
	await app.waitFor('set aside  for 5h (billing)');
	await app.waitFor('failures   1 × billing');
	await app.press('c', 'y');
	await app.waitFor('✓ acme:disabled is used again.');
	await app.waitFor(() => expect(app.frame()).not.toMatch(/set aside|failures {3}/));
});

test('the details tell why a profile is set aside and what it met, on the smallest screen too', async () => {
	for (const [columns, rows] of [
		[60, 16],
		[80, 24],
		[120, 40],
	] as const) {
		const app = await withFailures({columns, rows});
		await app.press('2');
		await standOn(app, 'acme:cooling');
		await app.waitFor('set aside  for 4m (rate_limit, 2 times in a row)');
		await app.waitFor('failures   3 × rate_limit, 1 × timeout');
		expect(app.lines().at(-1)).toContain('c use again');
		if (rows > 16) await app.waitFor('none: it is replaced by hand');
	}
});

test('one that comes back while the question is open is no fault', async () => {
	let now = noon;
	const app = await withFailures({now: () => now});
	await app.press('2');
	await standOn(app, 'acme:cooling');
	await app.press('c');
	await app.waitFor('Use acme:cooling again?');
	now = noon + 10 * minute;
	await app.press('y');
	await app.waitFor('✓ acme:cooling is used again.');
});

test('one that is removed while the question is open is told', async () => {
	const app = await withFailures();
	await app.press('2');
	await standOn(app, 'acme:cooling');
	await app.press('c');
	await app.waitFor('Use acme:cooling again?');
	await openJarvis({stateDir: app.stateDir, env: {}}).removeProfile('main', 'acme:cooling');
	await app.press('y');
	await app.waitFor('✗ The agent main has no profile acme:cooling.');
});

describe('a profile that an agent reads of the main agent', () => {
	const healthy: AgentSeed = {profiles: {'acme:shared': apiKey('acme')}};

	async function shownOfReader(app: RenderedApp): Promise<void> {
		await app.press('2', keys.right);
		await app.waitFor('Profiles of reader');
		await standOn(app, 'acme:shared ← main');
	}

	test('is shown as such, whatever the length of its id, with its owner in the details', async () => {
		const long = `acme:${'long-name-'.repeat(8)}@example.test`;
		for (const [columns, rows] of [
			[60, 16],
			[100, 30],
		] as const) {
			const app = await withFailures({
				main: {profiles: {...healthy.profiles, [long]: apiKey('acme')}},
				reader: {},
				columns,
				rows,
			});
			await shownOfReader(app);
			await app.waitFor(/acme:long-na\S*… ← main/);
			await app.waitFor('owner      the agent main');
			// The main agent sees them as its own.
			await app.press(keys.left);
			await app.waitFor('Profiles of main');
			expect(app.frame()).not.toContain('← main');
		}
	});

	test('that the agent has set aside is used again by the agent, and the owner’s file is left alone', async () => {
		const app = await withFailures({main: healthy, reader: {usage: {'acme:shared': cooling}}});
		const before = readStore({paths: statePaths(app.stateDir)});
		await shownOfReader(app);
		await app.waitFor('~ cooling 4m');
		await app.press('c', 'y');
		await app.waitFor('✓ acme:shared is used again.');
		await app.waitFor(() => expect(app.frame()).not.toContain('cooling 4m'));
		expect(usage(app, 'reader')['acme:shared'] ?? {}).toEqual({});
		expect(readStore({paths: statePaths(app.stateDir)})).toEqual(before);
	});

	test('that its owner has set aside can be cleared there only, which is said', async () => {
		const app = await withFailures({main: {...healthy, usage: {'acme:shared': cooling}}, reader: {}});
		await shownOfReader(app);
		await app.press('c', 'y');
		await app.waitFor('The agent main, whose profile it is, has set it aside itself: clear it there.');
		expect(usage(app)['acme:shared']).toEqual(cooling);
		await app.waitFor('~ cooling 4m');
		await app.press(keys.left);
		await app.waitFor('Profiles of main');
		await app.press('c', 'y');
		await app.waitFor('✓ acme:shared is used again.');
		expect(usage(app)['acme:shared'] ?? {}).toEqual({});
	});

	test('is not renamed and not removed there', async () => {
		const app = await withFailures({main: healthy, reader: {}});
		await shownOfReader(app);
		for (const key of ['e', 'D']) {
			await app.press(key);
			await app.waitFor('! acme:shared belongs to the agent main: do it there.');
			expect(app.state().dialog).toBeUndefined();
		}
	});
});

describe('a failure that another process reports', () => {
	test('shows by itself, counts down, and goes when its time is over', async () => {
		const since = Date.now();
		const now = () => noon + Date.now() - since;
		const app = await withFailures({main: {profiles: {'acme:good': apiKey('acme')}}, now});
		await app.press('2');
		await app.waitFor('• static');
		const other = openJarvis({stateDir: app.stateDir, env: {}, now});
		const resetAt = now() + 4000;
		await other.reportFailure({profileId: 'acme:good'}, {reason: 'rate_limit', resetAt});
		await app.waitFor(/~ cooling \d+s/);
		await app.waitFor('• static');
		expect(app.frame()).not.toContain('set aside');
		// A busy machine may draw a second late, or not at all.
		const told = app.frames.flatMap(frame => /~ cooling (\d+)s/.exec(frame)?.[1] ?? []).map(Number);
		expect(new Set(told).size).toBeGreaterThan(1);
		expect(told).toEqual(told.toSorted((a, b) => b - a));
		// What it met is still known.
		await app.waitFor('failures   1 × rate_limit');
	});

	test('shows on the order screen with its reason, and the success after it is seen too', async () => {
		const app = await withFailures({main: {profiles: {'acme:a': apiKey('acme'), 'acme:b': apiKey('acme')}}});
		await app.press('3');
		await app.waitFor(/1 +acme:a/);
		const other = openJarvis({stateDir: app.stateDir, env: {}, now: () => noon});
		await other.reportFailure({profileId: 'acme:a'}, {reason: 'billing'});
		await app.waitFor(/1 +acme:b[\s\S]*2 +acme:a +disabled after a billing/);
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:a'));
		await other.reportSuccess({profileId: 'acme:a'}, {startedAt: noon + 1, at: noon + 1});
		await app.waitFor(/1 +acme:b[\s\S]*2 +acme:a +API key, least recently used first +ok/);
	});
});
