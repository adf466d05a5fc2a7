import type {NameKind, namesOf} from '../auth/names.ts';
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
			const snapshot = await withRenewal(read, async () => (await providers()).providers);
			return {...snapshot, problems: [...snapshot.problems, ...unread]};
		},
	};
}
