import {type CooldownConfig, readConfig} from '../store/config.ts';
import {patchUsage, setLastGood} from '../store/edit.ts';
import type {StatePaths} from '../store/paths.ts';
import {updateCredentials} from '../store/profiles.ts';
import type {AgentCredentials, Credential, UsageStats} from '../store/schema.ts';
import {setAsideUntil} from './health.ts';
import {unknownProfile} from './profile-errors.ts';
import {refusedAccessOf} from './refused-access.ts';
import {afterFailure, afterSuccess, type Failure, forgotten, type Success} from './routing/rotation.ts';
import {usableProfiles} from './usable.ts';

/**
 * What callers learn of profiles in use, noted in the file of the agent that used them: also of one that it
 * reads of the main agent, into whose file it never writes.
 */

export interface ReportedProfile {
	readonly agentId: string;
	readonly profileId: string;
}

/**
 * Notes that a profile worked: its failures are forgotten, unless the request began before the last of
 * them.
 * @throws `profile_unknown`, and what `updateCredentials` throws
 */
export async function reportSuccess(
	paths: StatePaths,
	profile: ReportedProfile,
	success: Success,
): Promise<void> {
	const {provider} = await ownerOf(paths, profile);
	await updateCredentials(paths, profile.agentId, (document, current) => {
		const {patch, isProof} = afterSuccess(usageOf(current, profile), success);
		patchUsage(document, profile.profileId, patch);
		if (isProof) setLastGood(document, provider, profile.profileId);
	});
}

/**
 * Notes that a profile failed, and sets it aside as `auth.cooldowns` says. Processes that report at once
 * are each counted, and the profile is set aside once.
 * @throws `profile_unknown`, and what `updateCredentials` and `readConfig` throw
 */
export async function reportFailure(
	paths: StatePaths,
	profile: ReportedProfile,
	failure: Failure,
): Promise<void> {
	const [{provider, credential, usage}, {cooldowns}] = await Promise.all([
		ownerOf(paths, profile),
		readConfig(paths),
	]);
	const limits = await cooldownsOf(provider, cooldowns);
	await updateCredentials(paths, profile.agentId, (document, current) => {
		const present = current.profiles.get(profile.profileId) ?? credential;
		const refused = refusedAccessOf(present, usage, failure);
		const patch = afterFailure(usageOf(current, profile), failure, provider, limits, refused);
		patchUsage(document, profile.profileId, patch);
		const isGone = failure.reason === 'auth' && failure.permanent === true;
		if (isGone && current.lastGood.get(provider) === profile.profileId)
			setLastGood(document, provider, undefined);
	});
}

/** What came of clearing a cooldown. */
export interface ClearedCooldown {
	/** There was something to forget. */
	readonly cleared: boolean;
	/** The agent whose profile it is, and which has set it aside itself. */
	readonly heldBy?: string;
}

/**
 * Forgets the failures of a profile, so that it is used again at once.
 * @param now epoch ms
 * @throws `profile_unknown`, and what `updateCredentials` throws
 */
export async function clearCooldown(
	paths: StatePaths,
	profile: ReportedProfile,
	now: number,
): Promise<ClearedCooldown> {
	await ownerOf(paths, profile);
	const cleared = await updateCredentials(paths, profile.agentId, (document, current) => {
		const usage = current.usageStats.get(profile.profileId);
		if (!usage || !Object.keys(forgotten).some(name => Object.hasOwn(usage, name))) return false;
		patchUsage(document, profile.profileId, forgotten);
		return true;
	});
	const {owner, usage} = await ownerOf(paths, profile);
	const isHeld = owner !== profile.agentId && setAsideUntil({usage}, now) !== undefined;
	return {cleared, ...(isHeld ? {heldBy: owner} : {})};
}

/**
 * Forgets that the access token of a profile was reported as refused: its server gave the same one again.
 * @throws what `updateCredentials` throws
 */
export async function forgetRefusedAccess(
	paths: StatePaths,
	{agentId, profileId}: ReportedProfile,
): Promise<void> {
	await updateCredentials(paths, agentId, (document, current) => {
		if (current.usageStats.get(profileId)?.refusedAccess === undefined) return;
		patchUsage(document, profileId, {refusedAccess: undefined});
	});
}

// A provider's own term may stand under another name of it.
async function cooldownsOf(provider: string, cooldowns: CooldownConfig): Promise<CooldownConfig> {
	const terms = cooldowns.billingBackoffHoursByProvider;
	if (terms.size === 0 || terms.has(provider)) return cooldowns;
	const {builtInNamed} = await import('./providers/registry.ts');
	const [, own] = [...terms].find(([name]) => builtInNamed(name)?.id === provider) ?? [];
	return own === undefined ? cooldowns : {...cooldowns, billingBackoffHours: own};
}

function usageOf(current: AgentCredentials, {profileId}: ReportedProfile): UsageStats {
	return current.usageStats.get(profileId) ?? {};
}

async function ownerOf(
	paths: StatePaths,
	{agentId, profileId}: ReportedProfile,
): Promise<{
	readonly owner: string;
	readonly provider: string;
	readonly credential: Credential;
	readonly usage: UsageStats;
}> {
	const config = await readConfig(paths);
	const {profiles} = await usableProfiles(paths, config, agentId);
	const found = profiles.find(profile => profile.profileId === profileId);
	if (!found) throw unknownProfile(agentId, profileId);
	const {owner, credential, usage} = found;
	return {owner, provider: credential.provider, credential, usage};
}
