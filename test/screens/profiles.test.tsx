import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {JarvisError} from '../../source/errors.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, readStore, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, noon, oauth, token} from './state.ts';

const seed: AgentSeed = {
	profiles: {
		'acme:work': apiKey('acme'),
		'acme:home': token('acme', {expires: noon + 50 * hour}),
		'openai-codex:maya': oauth('openai-codex', {email: 'maya@example.test', accountId: 'account-maya'}),
	},
	usage: {'acme:work': {lastUsed: noon - 60_000}},
};

async function withProfiles(options: AppOptions = {}, of: AgentSeed = seed): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', of);
	const app = await renderApp({stateDir, ...options});
	await app.press('2');
	await app.waitFor('Profiles of main');
	return app;
}

const stored = ({stateDir}: RenderedApp) => Object.keys(readStore({paths: statePaths(stateDir)}).profiles);

describe('the details', () => {
	test('are those of the profile under the cursor, and hide and show on Enter', async () => {
		const app = await withProfiles();
		await app.waitFor('none: it is replaced by hand');
		await app.press('G');
		await app.waitFor('maya@example.test · account-maya');
		await app.waitFor('refreshed when it runs out');
		await app.press(keys.enter);
		await app.waitFor(() => expect(app.frame()).not.toContain('account-maya'));
		await app.press(keys.enter);
		await app.waitFor('account-maya');
	});

	test('say which program is kept in step with it, and when that ended', async () => {
		const app = await withProfiles();
		const link = {
			program: 'codex',
			home: '/home/maya/.codex',
			agentId: 'main',
			profileId: 'openai-codex:maya',
		};
		const {writeBack} = statePaths(app.stateDir);
		writeJson(writeBack, {version: 1, writeBacks: [link]});
		await app.press('G');
		await app.waitFor(/write-back .* · codex in \/home\/maya\/\.codex/);
		writeJson(writeBack, {version: 1, writeBacks: [{...link, stopped: {at: noon, reason: 'logged_in'}}]});
		await app.waitFor('✗ stopped: it was logged in by itself');
	});

	test('of a key of jarvis.json say whose it is, and what is to be done to it is done there', async () => {
		const app = await withProfiles({}, {profiles: {'acme:work': apiKey('acme')}});
		const providers = {groq: {apiKey: canary('configured')}};
		writeJson(statePaths(app.stateDir).config, {models: {providers}});
		await app.waitFor('groq:jarvis.json ← jarvis.json');
		await app.press('G');
		await app.waitFor(/owner +jarvis\.json/);
		for (const key of ['e', 'l', 'Y', 'L']) {
			await app.press('r');
			await app.waitFor('groq:jarvis.json is an API key: it is never refreshed.');
			await app.press(key);
			await app.waitFor('groq:jarvis.json belongs to jarvis.json: do it there.');
		}
		expect(app.frame()).not.toContain(canary('configured'));
	});

	test('show no more of a secret than its end', async () => {
		const app = await withProfiles();
		await app.waitFor(`••••••••${canary('acme key').slice(-4)}`);
	});
});

describe('renaming a profile', () => {
	test('gives it the new name, keeps its usage, and the cursor goes along', async () => {
		const app = await withProfiles();
		await app.press('e');
		await app.waitFor('Rename acme:work');
		await app.press(keys.backspace.repeat(4));
		await app.type('zoo');
		await app.press(keys.enter);
		await app.waitFor('✓ acme:work is called acme:zoo now.');
		await app.waitFor(() => expect(app.cursorLine()).toMatch(/acme:zoo .* 1m 0s ago/));
		expect(stored(app)).toEqual(['acme:zoo', 'acme:home', 'openai-codex:maya']);
	});

	test.each([
		['acme:home', 'There is a profile of that id already.'],
		['other:work', 'The id begins with acme:'],
		['acme:', 'Use <provider>:<name>, for example openai-codex:work'],
		['acme:a b', 'Use <provider>:<name>, for example openai-codex:work'],
		['acme:a/b', 'Use <provider>:<name>, for example openai-codex:work'],
		['', 'Use <provider>:<name>, for example openai-codex:work'],
	])('to %j says what is wrong, and renames nothing', async (name, fault) => {
		const app = await withProfiles();
		await app.press('e', '\u0015');
		await app.type(name);
		await app.press(keys.enter);
		await app.waitFor(fault);
		expect(stored(app)).toEqual(['acme:work', 'acme:home', 'openai-codex:maya']);
	});

	test('to the name that it has does nothing', async () => {
		const app = await withProfiles();
		await app.press('e', keys.enter);
		await app.waitFor(() => expect(app.state().dialog).toBeUndefined());
		await app.waitFor(() => expect(app.state().tasks.size).toBe(0));
		expect(app.state().toast).toBeUndefined();
		expect(stored(app)).toEqual(['acme:work', 'acme:home', 'openai-codex:maya']);
	});
});

describe('removing a profile', () => {
	test.each(['home', 'acme:home'])('takes its name, here %j', async typed => {
		const app = await withProfiles();
		await app.press('j', 'D');
		await app.waitFor('Type home to do it:');
		await app.type(typed);
		await app.press(keys.enter);
		await app.waitFor('✓ Removed acme:home.');
		expect(stored(app)).toEqual(['acme:work', 'openai-codex:maya']);
	});

	test('does nothing when anything else is typed, and says so', async () => {
		const app = await withProfiles();
		await app.press('j', 'D');
		await app.type('work');
		await app.press(keys.enter);
		await app.waitFor('That is not home. Nothing was removed.');
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.frame()).not.toContain('Remove acme:home'));
		expect(stored(app)).toEqual(['acme:work', 'acme:home', 'openai-codex:maya']);
	});

	test('removes the one that was asked about, also when rows moved meanwhile', async () => {
		const app = await withProfiles({}, {profiles: {...seed.profiles, 'zeta:last': apiKey('zeta')}});
		const elsewhere = openJarvis({stateDir: app.stateDir, env: {}});
		await app.press('j');
		await elsewhere.removeProfile('main', 'acme:home');
		await app.waitFor(() => expect(app.cursorLine()).toContain('openai-codex:maya'));
		await app.press('D');
		await app.waitFor('Remove openai-codex:maya');
		await elsewhere.removeProfile('main', 'acme:work');
		await app.waitFor(() => expect(app.frame()).not.toContain('acme:work'));
		await app.type('maya');
		await app.press(keys.enter);
		await app.waitFor('✓ Removed openai-codex:maya.');
		expect(stored(app)).toEqual(['zeta:last']);
	});

	test('that is gone already is told', async () => {
		const app = await withProfiles();
		await app.press('D');
		await app.type('work');
		await openJarvis({stateDir: app.stateDir, env: {}}).removeProfile('main', 'acme:work');
		await app.press(keys.enter);
		await app.waitFor('✗ The agent main has no profile acme:work.');
	});
});

describe('copying', () => {
	test('an id copies exactly the id', async () => {
		const app = await withProfiles();
		await app.press('j', 'y');
		await app.waitFor('✓ Copied the profile id.');
		expect(app.copied).toEqual(['acme:home']);
	});

	test.each([
		['k', 'API key', 'acme key'],
		['j', 'token', 'acme token'],
		['G', 'access token', 'openai-codex access'],
	])('a secret asks first, after %s for the %s', async (move, name, secret) => {
		const app = await withProfiles();
		await app.press(move, 'Y');
		await app.waitFor(`Copy the ${name}?`);
		expect(app.copied).toEqual([]);
		await app.press('y');
		await app.waitFor(`✓ Copied the ${name}.`);
		expect(app.copied).toEqual([canary(secret)]);
	});

	test.each(['n', 'q', keys.esc])('a secret that is refused with %j copies nothing', async key => {
		const app = await withProfiles();
		await app.press('Y', key);
		await app.waitFor(() => expect(app.frame()).not.toContain('Copy the API key?'));
		expect(app.copied).toEqual([]);
		expect(app.quits()).toBe(0);
	});

	test('a profile without a secret says so', async () => {
		const app = await withProfiles({}, {profiles: {'acme:none': {type: 'api_key', provider: 'acme'}}});
		await app.press('Y');
		await app.waitFor('! acme:none holds no secret.');
	});

	test('a secret that is kept elsewhere is copied from there, or the reason is told', async () => {
		const keyRef = {source: 'env', provider: 'default', id: 'ACME_KEY'} as const;
		const of = {profiles: {'acme:ref': {type: 'api_key', provider: 'acme', keyRef}}} as const;
		const app = await withProfiles({env: {ACME_KEY: canary('elsewhere')}}, of);
		await app.press('Y', 'y');
		await app.waitFor('✓ Copied the API key.');
		expect(app.copied).toEqual([canary('elsewhere')]);

		const without = await withProfiles({env: {}}, of);
		await without.waitFor(/because +the environment has no ACME_KEY/);
		await without.press('Y', 'y');
		await without.waitFor('The secret ref of acme:ref does not resolve: the environment has no ACME_KEY.');
		expect(without.copied).toEqual([]);
	});

	test('tells when only the terminal could be asked, and what tmux needs for it', async () => {
		const app = await withProfiles({copy: async () => 'sent to terminal', env: {TMUX: '/tmp/tmux'}});
		await app.press('y');
		await app.waitFor(
			"Sent the profile id to your terminal's clipboard; it cannot confirm. In tmux this needs:",
		);
	});

	test('that fails says what to do instead', async () => {
		const app = await withProfiles({
			copy: () => Promise.reject(new JarvisError('unexpected', 'no xsel', 'install it')),
		});
		await app.press('y');
		await app.waitFor('✗ The profile id could not be copied. Select it on the screen.');
	});
});

describe('refreshing', () => {
	test.each([
		['k', '! acme:work is an API key: it is never refreshed.'],
		['j', '! acme:home is a pasted token: it is never refreshed.'],
	])('what cannot be refreshed says why not, after %s: %s', async (move, words) => {
		const app = await withProfiles();
		await app.press(move, 'r');
		await app.waitFor(words);
	});

	test('a profile of a provider that is not known says so', async () => {
		const app = await withProfiles({}, {profiles: {'nowhere:maya': oauth('nowhere')}});
		await app.press('r');
		await app.waitFor('✗ There is no provider "nowhere".');
	});
});

test('logging in again for a key of a provider that is not known says so', async () => {
	const app = await withProfiles();
	await app.press('l');
	await app.waitFor('! acme:work is an API key, and its provider is not known here.');
});

test('the keys of a profile say so where there is none', async () => {
	const app = await withProfiles({}, {});
	for (const key of ['r', 'y', 'Y', 'e', 'o', 'D']) {
		await app.press('R', key);
		await app.waitFor('! There is no profile here. Press l to log an account in.');
	}
	await app.press('l');
	await app.waitFor('Log an account in for the agent main');
});

test('arrows show the other agents, around in a circle', async () => {
	const stateDir = temporaryFolder();
	for (const id of ['alpha', 'beta']) await openJarvis({stateDir, env: {}}).addAgent({id});
	const app = await renderApp({stateDir});
	await app.press('2');
	for (const [key, agent] of [
		[keys.right, 'alpha'],
		[']', 'beta'],
		[keys.right, 'main'],
		[keys.left, 'beta'],
		['[', 'alpha'],
	] as const) {
		await app.press(key);
		await app.waitFor(`Profiles of ${agent}`);
	}
});

test('o shows the order of the provider of the profile', async () => {
	const app = await withProfiles();
	await app.press('G', 'o');
	await app.waitFor('[openai-codex]');
});

test('health leads to the profile among those of its agent', async () => {
	const stateDir = temporaryFolder();
	await openJarvis({stateDir, env: {}}).addAgent({id: 'work'});
	await fill(stateDir, 'main', seed);
	await fill(stateDir, 'work', {
		profiles: {'acme:a': apiKey('acme'), 'acme:old': token('acme', {expires: noon - hour})},
	});
	const app = await renderApp({stateDir});
	await app.waitFor(() => expect(app.cursorLine()).toContain('acme:old'));
	await app.press(keys.enter);
	await app.waitFor('Profiles of work');
	await app.waitFor(() => expect(app.cursorLine()).toContain('acme:old'));
});
