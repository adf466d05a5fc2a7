import {expect, test} from 'vitest';
import {factsOf} from '../../source/auth/facts.ts';
import {healthOf} from '../../source/auth/health.ts';
import {refresherOf} from '../../source/auth/providers/contract.ts';
import {findProvider, providersFrom} from '../../source/auth/providers/registry.ts';
import {builtInRenewal, factsWithRenewal, withRenewal} from '../../source/auth/renewable.ts';
import {readSnapshot} from '../../source/auth/snapshot.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {statePaths} from '../../source/store/paths.ts';
import type {Credential} from '../../source/store/schema.ts';
import {fill, hour, noon, oauth} from '../screens/state.ts';
import {temporaryFolder} from '../support/sandbox.ts';

const builtIn = providersFrom(decodeConfig({}), []);

test('the built-in providers that are said to refresh are those that do', () => {
	const able = [...builtIn.values()].filter(provider => refresherOf(provider, {})).map(({id}) => id);
	const said = [...builtInRenewal].filter(([, renews]) => renews).map(([id]) => id);
	expect(said.sort()).toEqual(able.sort());
	expect([...builtIn.keys()]).toEqual(expect.arrayContaining([...builtInRenewal.keys()]));
});

async function snapshotOf(...providers: string[]) {
	const stateDir = temporaryFolder();
	for (const provider of providers)
		await fill(stateDir, 'main', {profiles: {[`${provider}:a`]: oauth(provider, {expires: noon + hour})}});
	return readSnapshot(statePaths(stateDir));
}

test.each([
	['anthropic', false, 'expiring'],
	['gone', false, 'expiring'],
	['openai-codex', true, 'ok'],
])(
	'a profile of %s, with a refresh token and an hour to go, is refreshed: %s',
	async (id, refreshable, status) => {
		const {agents} = await withRenewal(await snapshotOf(id, 'openai-codex'), async () => builtIn);
		const facts = agents[0]?.profiles.find(({provider}) => provider === id);
		if (!facts) expect.fail('It is not there.');
		expect(facts.refreshable).toBe(refreshable);
		expect(healthOf(facts, noon).status).toBe(status);
		expect(healthOf(facts, noon + 2 * hour).status).toBe(refreshable ? 'ok' : 'expired');
	},
);

test('the state of known providers loads none', async () => {
	const snapshot = await snapshotOf('openai-codex', 'github-copilot', 'anthropic');
	const load = async (): Promise<never> => expect.fail('They were loaded.');
	const {agents} = await withRenewal(snapshot, load);
	expect(agents[0]?.profiles.map(({refreshable}) => refreshable)).toEqual([true, true, false]);
});

test('providers that cannot be read say nothing of a profile', async () => {
	const snapshot = await snapshotOf('gone');
	expect(await withRenewal(snapshot, () => Promise.reject(new Error('damaged')))).toEqual(snapshot);
});

test('the profiles of a decision ask for each provider once, and for none that is known', async () => {
	const providers = ['gone', 'gone', 'odd', 'openai-codex', 'anthropic', 'openai-codex'];
	const all = providers.map((provider, index) =>
		factsOf('main', `${provider}:${index}`, oauth(provider) as Credential),
	);
	const asked: string[] = [];
	const judged = await factsWithRenewal(all, async id => {
		asked.push(id);
		if (id === 'odd') throw new Error('damaged');
		return findProvider(builtIn, id);
	});
	expect(judged.map(({refreshable}) => refreshable)).toEqual([false, false, true, true, false, true]);
	expect(asked).toEqual(['gone', 'odd']);
});
