import {shellWord} from '../errors.ts';
import {isProviderId} from '../store/paths.ts';
import type {CredentialKind} from '../store/schema.ts';
import {clean, type ProfileFacts} from './facts.ts';

/** The commands that help with a profile, or with a provider's, as they are typed. */

type Place = Pick<ProfileFacts, 'agentId' | 'profileId'>;

/**
 * Puts a new secret of its kind in the place of a profile's: programs look for a key and a token in different places.
 * @param kind absent where it is not known, or where the provider has no login for it: then it is the provider's
 * first way to log in
 */
export function renewCommand({
	agentId,
	profileId,
	provider,
	kind,
}: Place & {readonly provider: string; readonly kind?: CredentialKind | undefined}): string {
	const command = kind === 'token' ? 'paste-token' : 'login';
	const way = kind === 'api_key' ? ' --method api_key' : '';
	return `jarvis models auth ${command} ${providerFlag(provider)}${way} --agent ${agentId} --profile-id ${shellWord(profileId)}`;
}

/** Logs an agent in to a provider once more; without one it is left for the person to name. */
export function loginCommand(agentId: string, provider?: string): string {
	const flag = provider === undefined ? '--provider <id>' : providerFlag(provider);
	return `jarvis models auth login ${flag} --agent ${agentId}`;
}

/** Has a profile used again that was set aside after failures. */
export function clearCommand({agentId, profileId}: Place): string {
	return `jarvis models auth cooldown clear ${shellWord(profileId)} --agent ${agentId}`;
}

/** Takes a profile, or an entry that is none, out of an agent's file. */
export function removeCommand({agentId, profileId}: Place): string {
	return `jarvis models auth remove ${shellWord(profileId)} --agent ${agentId}`;
}

/** Makes an agent's order of a provider explicit; without profile ids they are left for the person to name. */
export function orderSetCommand(agentId: string, provider: string, profileIds?: readonly string[]): string {
	const ids = profileIds?.map(shellWord).join(' ') ?? '<profile-id…>';
	return `jarvis models auth order set ${providerFlag(provider)} --agent ${agentId} ${ids}`;
}

/** Takes an agent's explicit order of a provider away. */
export function orderClearCommand(agentId: string, provider: string): string {
	return `jarvis models auth order clear ${providerFlag(provider)} --agent ${agentId}`;
}

/** What helps with the login of another program, which alone renews it: words that stand in a sentence. */
export function linkWords(program: string): string {
	return `run ${clean(program)}, which renews its own login`;
}

/** The same as a sentence. */
export function linkAdvice(program: string): string {
	return `${linkWords(program).replace(/^./, first => first.toUpperCase())}.`;
}

/** The flag that names a provider of a file: it may be called anything there. */
export function providerFlag(provider: string): string {
	return `--provider ${isProviderId(provider) ? provider : shellWord(provider)}`;
}
