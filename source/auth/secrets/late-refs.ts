import {ownFacts, type Snapshot} from '../snapshot.ts';

/**
 * The refs that came since the secrets were loaded, as one text that changes with them; empty where there are
 * none. No secret.
 */
export function lateRefs({agents}: Pick<Snapshot, 'agents'>): string {
	return agents
		.flatMap(ownFacts)
		.filter(({unresolved}) => unresolved?.code === 'not_loaded')
		.map(({agentId, profileId, ref}) => `${agentId} ${profileId} ${JSON.stringify(ref)}`)
		.join('\n');
}
