import {JarvisError} from '../errors.ts';
import {providerFlag} from './profile-commands.ts';
import type {RefFailure} from './secrets/refs.ts';

/** The error of a profile that an agent does not have. */
export function unknownProfile(agentId: string, profileId: string): JarvisError {
	return new JarvisError(
		'profile_unknown',
		`The agent ${agentId} has no profile ${profileId}.`,
		`See those that it has: jarvis models auth list --agent ${agentId}`,
	);
}

/** The error of a new name that another profile of the agent has. */
export function takenProfileId(agentId: string, profileId: string): JarvisError {
	return new JarvisError(
		'profile_exists',
		`The agent ${agentId} has a profile ${profileId} already.`,
		'Choose another name.',
	);
}

/** The error of a profile that is of another provider than was asked for. */
export function foreignProfile(profileId: string, provider: string, wanted: string): JarvisError {
	return new JarvisError(
		'profile_foreign',
		`${profileId} belongs to ${provider}, not to ${wanted}.`,
		`Name a profile of ${wanted}, or ask for ${providerFlag(provider)}.`,
	);
}

/** The error of a profile whose secret ref leads to no secret. */
export function unresolvedRef(profileId: string, {code, message}: RefFailure): JarvisError {
	return new JarvisError(
		'unresolved_ref',
		`The secret ref of ${profileId} does not resolve: ${message}.`,
		'See what is wrong with each ref: jarvis secrets reload',
		{details: {refFailure: code}},
	);
}
