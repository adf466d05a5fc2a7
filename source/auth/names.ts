import {isAgentId, isProfileId, type StatePaths} from '../store/paths.ts';
import {readSnapshot, usableFacts} from './snapshot.ts';

/** What has names that a person may want to choose one of. Those of providers are the registry's. */
export type NameKind = 'agent' | 'profile';

/**
 * The names of a kind, as the files have them now: nothing is brought in, refreshed or noted for it. One that has not the
 * form of such a name is left out: a shell is to be handed them.
 * @param of the agent whose profiles are meant, the default one if absent, and the provider, any if absent
 */
export async function namesOf(
	paths: StatePaths,
	kind: NameKind,
	of: {readonly agentId?: string | undefined; readonly providerId?: string | undefined},
): Promise<string[]> {
	const {agents, defaultAgent} = await readSnapshot(paths);
	if (kind === 'agent') return agents.map(({id}) => id).filter(isAgentId);
	const agent = agents.find(({id}) => id === (of.agentId ?? defaultAgent));
	return (agent ? usableFacts(agent) : [])
		.filter(({provider}) => of.providerId === undefined || provider === of.providerId)
		.map(({profileId}) => profileId)
		.filter(isProfileId);
}
