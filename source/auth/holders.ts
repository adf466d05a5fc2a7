import type {StatePaths} from '../store/paths.ts';
import {listAgentIds, peekCredentials} from '../store/profiles.ts';
import type {OAuthCredential, UsageStats} from '../store/schema.ts';

/** An OAuth credential, and where it is held. */
export interface Holder {
	readonly agentId: string;
	readonly profileId: string;
	readonly credential: OAuthCredential;
	readonly usage: UsageStats;
}

/**
 * All OAuth credentials of a provider in all agents, as they are on the disk now. An agent whose file
 * cannot be read is passed over: its own use will say so.
 */
export function holdersOf(paths: StatePaths, provider: string): Holder[] {
	return listAgentIds(paths).flatMap(agentId => {
		const current = peekCredentials(paths, agentId);
		if (!current) return [];
		return [...current.profiles].flatMap(([profileId, credential]) =>
			credential.type === 'oauth' && credential.provider === provider
				? [{agentId, profileId, credential, usage: current.usageStats.get(profileId) ?? {}}]
				: [],
		);
	});
}
