import {shellWord} from '../errors.ts';
import {isProviderId} from '../store/paths.ts';
import {clean, type ProfileFacts} from './facts.ts';

/** The commands that help with a profile, as they are typed. */

type Place = Pick<ProfileFacts, 'agentId' | 'profileId'>;

/**
 * Puts a new secret in the place of a profile's: a login, or for a token that is pasted, pasting a new one.
 * @param method the way to log in; the provider's first one if absent
 */
export function renewCommand(
	{agentId, profileId, provider, kind}: Place & Pick<ProfileFacts, 'provider' | 'kind'>,
	method?: string,
): string {
	const command = kind === 'token' ? 'paste-token' : 'login';
	const way = method === undefined ? '' : ` --method ${method}`;
	return `jarvis models auth ${command} --provider ${providerWord(provider)}${way} --agent ${agentId} --profile-id ${shellWord(profileId)}`;
}

/** Logs an agent in to a provider once more. */
export function loginCommand(agentId: string, provider: string): string {
	return `jarvis models auth login --provider ${providerWord(provider)} --agent ${agentId}`;
}

/** Has a profile used again that was set aside after failures. */
export function clearCommand({agentId, profileId}: Place): string {
	return `jarvis models auth cooldown clear ${shellWord(profileId)} --agent ${agentId}`;
}

/** Takes a profile, or an entry that is none, out of an agent's file. */
export function removeCommand({agentId, profileId}: Place): string {
	return `jarvis models auth remove ${shellWord(profileId)} --agent ${agentId}`;
}

/** What helps with the login of another program, which alone renews it. */
export function linkAdvice(program: string): string {
	return `Run ${clean(program)}, which renews its own login.`;
}

/** A provider of a file as it is typed behind `--provider`: it may be called anything there. */
export function providerWord(provider: string): string {
	return isProviderId(provider) ? provider : shellWord(provider);
}
