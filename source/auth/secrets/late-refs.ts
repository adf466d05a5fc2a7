import {ownFacts, type Snapshot} from '../snapshot.ts';

/**
 * Tells of each look whether refs are in it that came since the secrets were loaded, and others than at the look before:
 * then the secrets are to be loaded again, and not once more for those that did not resolve.
 */
export function lateRefsNoticed(): (snapshot: Pick<Snapshot, 'agents'>) => boolean {
	let known = '';
	return snapshot => {
		const late = lateRefs(snapshot);
		if (late === known) return false;
		known = late;
		return late !== '';
	};
}

/**
 * The refs that came since the secrets were loaded, as one text that changes with them; empty where there are
 * none. No secret.
 */
function lateRefs({agents}: Pick<Snapshot, 'agents'>): string {
	return agents
		.flatMap(ownFacts)
		.filter(({unresolved}) => unresolved?.code === 'not_loaded')
		.map(({agentId, profileId, ref}) => `${agentId} ${profileId} ${JSON.stringify(ref)}`)
		.join('\n');
}
