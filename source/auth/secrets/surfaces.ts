import type {JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {optional, type SecretRef} from '../../store/schema.ts';
import type {PlaceReason} from '../routing/order.ts';
import {orderOf, providersInUse, readSnapshot, usableFacts} from '../snapshot.ts';

/** A place where a secret ref stands: a profile of an agent that there is. */
export interface Surface {
	readonly agentId: string;
	readonly profileId: string;
	/** Absent for an OAuth profile that holds a ref, which no store may (docs/files.md). */
	readonly ref?: SecretRef;
	/** Why it is out of use; absent for one that an agent's order of its provider leads to. */
	readonly inactive?: PlaceReason;
}

/**
 * The surfaces of a state folder. One is active when an agent's resolved order holds its profile: of the agent
 * itself, or of one that reads it of the main agent. Those in a file that cannot be read are not known.
 */
export async function surfacesOf(
	paths: StatePaths,
	now: number,
): Promise<{readonly surfaces: readonly Surface[]; readonly unreadable: readonly JarvisError[]}> {
	const {agents, config, problems} = await readSnapshot(paths);
	const surfaces = new Map<string, Surface>();
	for (const agent of agents) {
		const usable = usableFacts(agent);
		for (const provider of providersInUse(agent)) {
			for (const {profileId, place, reason} of orderOf({agent, config}, provider, now).places) {
				const facts = usable.find(other => other.profileId === profileId && other.provider === provider);
				if (!facts || !(facts.ref || facts.malformed)) continue;
				const key = `${facts.agentId} ${profileId}`;
				const isActive = place !== undefined || reason === 'ineligible_profile';
				if (isActive || !surfaces.has(key)) {
					surfaces.set(key, {
						...{agentId: facts.agentId, profileId, ...optional('ref', facts.ref)},
						...(isActive ? {} : {inactive: reason}),
					});
				}
			}
		}
	}
	return {surfaces: [...surfaces.values()], unreadable: problems};
}
