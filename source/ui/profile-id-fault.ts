import {JarvisError} from '../errors.ts';
import {assertProfileId} from '../store/paths.ts';
import type {UiState} from './state.ts';

/** Why a profile of a provider cannot have an id, if so. */
export function profileIdFault(
	{snapshot}: UiState,
	agentId: string,
	provider: string,
	to: string,
): string | undefined {
	try {
		assertProfileId(to);
	} catch (error) {
		return error instanceof JarvisError ? error.next : 'That cannot be a profile id.';
	}
	if (!to.startsWith(`${provider}:`)) return `The id begins with ${provider}:`;
	const {profiles = [], broken = []} = snapshot.agents.find(({id}) => id === agentId) ?? {};
	const isTaken = [...profiles, ...broken].some(({profileId}) => profileId === to);
	return isTaken ? 'There is a profile of that id already.' : undefined;
}
