import {type Config, readConfig, updateConfig} from '../store/config.ts';
import {profileIdEdits} from '../store/config-profile-ids.ts';
import * as edit from '../store/edit.ts';
import {assertProfileId, mainAgentId, providerOfProfileId, type StatePaths} from '../store/paths.ts';
import {peekCredentials, readCredentials, updateCredentials} from '../store/profiles.ts';
import type {AgentCredentials} from '../store/schema.ts';
import {renamePins, updateSessions} from '../store/sessions.ts';
import {renameInWriteBacks} from '../store/write-back.ts';
import {foreignProfile, takenProfileId, unknownProfile} from './profile-errors.ts';
import {agentIds} from './snapshot.ts';
import {readsMain} from './usable.ts';

/**
 * Gives a profile another id, wherever it is named: in the agent's own files, in those of the agents that read it of
 * the main agent, in `jarvis.json`, in the plan for secrets and in write-backs. Whatever may say no is asked before
 * anything is changed.
 * @throws `profile_unknown`, `profile_invalid_id`, `profile_exists`, `profile_foreign` when the new id
 * names another provider, and what `updateConfig` and `updateCredentials` throw
 */
export async function renameProfile(
	paths: StatePaths,
	agentId: string,
	from: string,
	to: string,
): Promise<void> {
	assertProfileId(to);
	if (from === to) return;
	const provider = providerToRename(await readCredentials(paths, agentId), {agentId, from, to});
	const config = await readConfig(paths);
	const others = agentIds(paths, config).filter(id => id !== agentId);
	const isShared = others.some(id => isHeldBy(paths, id, from));
	await updateConfig(paths, (_, document) => profileIdEdits(document, from, to, isShared));
	try {
		await updateCredentials(paths, agentId, (document, current) => {
			providerToRename(current, {agentId, from, to});
			edit.renameProfile(document, from, to);
		});
	} catch (error) {
		await updateConfig(paths, (_, document) => profileIdEdits(document, to, from, false));
		throw error;
	}
	await updateSessions(paths, agentId, document => renamePins(document, from, to));
	const readers = agentId === mainAgentId ? others.filter(id => isReader(paths, config, id, provider)) : [];
	for (const id of readers) {
		// What they have learned of it, and where they put it, is in their own files.
		await updateCredentials(paths, id, document => edit.renameProfile(document, from, to));
		await updateSessions(paths, id, document => renamePins(document, from, to));
	}
	const {renameInPlan} = await import('./secrets/plan.ts');
	await renameInPlan(paths, {agentId, profileId: from}, to);
	await renameInWriteBacks(paths, agentId, from, to);
}

interface Renaming {
	readonly agentId: string;
	readonly from: string;
	readonly to: string;
}

/** The provider of a profile that can be given the new id. */
function providerToRename(current: AgentCredentials, {agentId, from, to}: Renaming): string {
	const profile = current.profiles.get(from);
	if (!profile) throw unknownProfile(agentId, from);
	if (current.profiles.has(to) || current.problems.some(problem => problem.profileId === to)) {
		throw takenProfileId(agentId, to);
	}
	if (providerOfProfileId(to) !== profile.provider) {
		throw foreignProfile(from, profile.provider, providerOfProfileId(to));
	}
	return profile.provider;
}

// Of a file that cannot be read nobody knows: what names the old id stays.
function isHeldBy(paths: StatePaths, agentId: string, profileId: string): boolean {
	const credentials = peekCredentials(paths, agentId);
	return credentials === undefined || credentials.profiles.has(profileId);
}

/** Whether an agent uses the main agent's profiles of a provider. */
function isReader(paths: StatePaths, config: Config, agentId: string, provider: string): boolean {
	const credentials = peekCredentials(paths, agentId);
	if (!credentials || !readsMain(config.agents, agentId)) return false;
	return [...credentials.profiles.values()].every(credential => credential.provider !== provider);
}
