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
		provider,
		providerIdOf,
		agent,
		secrets,
		bringInAll,
		unread,
	} = world;
	return {
		...{paths, env, now, record, tell, providers, providerIdOf, agent},
		/** Throws `provider_unknown` unless there is a provider of this name. */
		async assertProvider(name: string) {
			await provider(name);
		},

		/** All agents as they are on the disk, without any secret; what is wished besides. */
		async snapshot(wanted: SnapshotWishes = {}): Promise<Snapshot> {
			const {readSnapshot} = await import('../auth/snapshot.ts');
			await bringInAll();
			const snapshot = await readSnapshot(paths, wanted, secrets);
			const config = await configWithIds(snapshot, world.resolveContext.providerIdOf);
			return {...snapshot, config, problems: [...snapshot.problems, ...unread]};
		},
	};
}
