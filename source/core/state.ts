import type {NameKind, namesOf} from '../auth/names.ts';
import {configWordsOf, withProviderIds} from '../auth/routing/provider-names.ts';
import type {Snapshot, SnapshotWishes} from '../auth/snapshot.ts';
import type {World} from './world.ts';

/** The configuration of a snapshot, in which providers go by their ids. */
async function configWithIds(
	{config, agents}: Snapshot,
	idOf: (name: string) => Promise<string>,
): Promise<Snapshot['config']> {
	const stored = new Set(agents.flatMap(agent => agent.profiles.map(({provider}) => provider)));
	const ofSessions = agents.flatMap(agent =>
		agent.sessions.map(({session}) => session.providerOverride ?? ''),
	);
	const words = [...configWordsOf(config), ...ofSessions.filter(word => word !== '')];
	return withProviderIds(config, words, word => stored.has(word), idOf);
}

/** Where the state is, and what is in it. */
export function stateOf(world: World) {
	const {
		paths,
		env,
		now,
		record,
		tell,
		providers,
		providersOnce,
		provider,
		providerIdOf,
		providerIdAmong,
		assertNotLeftOut,
		agent,
		secrets,
		bringInAll,
		unread,
	} = world;
	return {
		...{paths, env, now, record, tell, providers, providerIdOf, assertNotLeftOut, agent},
		/** Throws `provider_unknown` unless there is a provider of this name. */
		async assertProvider(name: string) {
			await provider(name);
		},

		/** The names of agents or profiles. Throws as `namesOf` does. */
		async namesOf(...wanted: [kind: NameKind, of: Parameters<typeof namesOf>[2]]): Promise<string[]> {
			const {namesOf} = await import('../auth/names.ts');
			return namesOf(paths, ...wanted);
		},

		/** All agents as they are on the disk, without any secret; what is wished besides. */
		async snapshot(wanted: SnapshotWishes = {}): Promise<Snapshot> {
			const [{readSnapshot}, {withRenewal}] = await Promise.all([
				import('../auth/snapshot.ts'),
				import('../auth/renewable.ts'),
			]);
			await bringInAll();
			const read = await readSnapshot(paths, wanted, secrets);
			const listed = providersOnce();
			const snapshot = await withRenewal(read, async () => (await listed()).providers);
			// A fault of what declares providers must not take those away that are known without it.
			const idOf = (name: string) => providerIdAmong(listed, name).catch(() => name);
			const config = await configWithIds(snapshot, idOf);
			return {...snapshot, config, problems: [...snapshot.problems, ...unread]};
		},
	};
}
