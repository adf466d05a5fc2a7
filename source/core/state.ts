import type {Snapshot, SnapshotWishes} from '../auth/snapshot.ts';
import type {World} from './world.ts';

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

		/** All agents as they are on the disk, without any secret; what is wished besides. */
		async snapshot(wanted: SnapshotWishes = {}): Promise<Snapshot> {
			const {readSnapshot} = await import('../auth/snapshot.ts');
			await bringInAll();
			const snapshot = await readSnapshot(paths, wanted, secrets);
			return {...snapshot, problems: [...snapshot.problems, ...unread]};
		},
	};
}
