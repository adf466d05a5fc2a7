import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import * as edit from '../store/edit.ts';
import type {StatePaths} from '../store/paths.ts';
import {readCredentials, updateCredentials} from '../store/profiles.ts';
import {handedOutSecret, refOf} from './facts.ts';
import {foreignProfile, unknownProfile, unresolvedRef} from './profile-errors.ts';
import type {SecretReader} from './secrets/secrets.ts';
import {usableProfiles, withLinkedLogins} from './usable.ts';

/**
 * Removes a profile with its secrets, its usage and its places in orders.
 * @throws `profile_unknown`, and what `updateCredentials` throws
 */
export async function removeProfile(paths: StatePaths, agentId: string, profileId: string): Promise<void> {
	await updateCredentials(paths, agentId, (document, current) => {
		const isBroken = current.problems.some(problem => problem.profileId === profileId);
		if (!current.profiles.has(profileId) && !isBroken) throw unknownProfile(agentId, profileId);
		edit.removeProfile(document, profileId);
	});
}

/**
 * Sets an agent's explicit order of a provider, or takes it away (`undefined`). It may name what the agent
 * reads of the main agent, too.
 * @throws `profile_unknown`, `profile_foreign`, and what `readConfig` and `updateCredentials` throw
 */
export async function changeOrder(
	paths: StatePaths,
	agentId: string,
	providerId: string,
	ids: readonly string[] | undefined,
): Promise<void> {
	const {profiles} = await usableProfiles(paths, await readConfig(paths), agentId);
	const inherited = new Map(
		profiles.flatMap(({owner, profileId, credential}) =>
			owner === agentId ? [] : [[profileId, credential] as const],
		),
	);
	await updateCredentials(paths, agentId, (document, current) => {
		for (const id of ids ?? []) {
			const profile = current.profiles.get(id) ?? inherited.get(id);
			if (!profile) throw unknownProfile(agentId, id);
			if (profile.provider !== providerId) throw foreignProfile(id, profile.provider, providerId);
		}
		edit.setOrder(document, providerId, ids && [...new Set(ids)]);
	});
}

/**
 * The secret that a profile hands out, or that its ref leads to.
 * @throws `profile_unknown`, `no_credential`, `unresolved_ref`, and what `readConfig` throws
 */
export async function revealSecret(
	paths: StatePaths,
	secrets: SecretReader,
	agentId: string,
	profileId: string,
): Promise<string> {
	const {profiles} = await withLinkedLogins(await readCredentials(paths, agentId));
	const credential = profiles.get(profileId);
	if (!credential) throw unknownProfile(agentId, profileId);
	const ref = refOf(credential);
	if (ref) {
		const resolution = await secrets.valueOf(ref, await readConfig(paths));
		if ('failure' in resolution) throw unresolvedRef(profileId, resolution.failure);
		return resolution.value;
	}
	const secret = handedOutSecret(credential);
	if (secret) return secret;
	throw new JarvisError(
		'no_credential',
		`${profileId} holds no secret in the file.`,
		'Log in, or give it a key.',
	);
}
