import {JarvisError, shellWord} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import type {StatePaths} from '../store/paths.ts';
import {usableProfiles} from './usable.ts';

/**
 * Has what is done to an agent's own profile fail, where it is one that the agent only reads, with whose it is:
 * it is in that agent's lists, so that to say that there is none would be no answer.
 * @param command what does the same to the owner's, as words behind `jarvis`, without the agent
 * @throws what `work` throws, or that error
 */
export async function onOwnProfile<T>(
	{paths, agentId, profileId, command}: OwnProfile,
	work: () => Promise<T>,
): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof JarvisError) || error.code !== 'profile_unknown') throw error;
		const {profiles} = await usableProfiles(paths, await readConfig(paths), agentId);
		const found = profiles.find(profile => profile.profileId === profileId);
		if (!found || found.owner === agentId) throw error;
		throw new JarvisError(
			error.code,
			`${profileId} is the profile of the agent ${found.owner}; ${agentId} only reads it, and has none of that name.`,
			`For all that use it: jarvis ${command} ${shellWord(profileId)} --agent ${found.owner}`,
			{cause: error},
		);
	}
}

interface OwnProfile {
	readonly paths: StatePaths;
	readonly agentId: string;
	readonly profileId: string;
	readonly command: string;
}
