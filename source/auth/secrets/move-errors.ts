import {JarvisError} from '../../errors.ts';
import type {SecretRef} from '../../store/schema.ts';
import {commandFor, type HeldSecret, type SecretPlace} from './places.ts';
import {type Resolution, refKey} from './refs.ts';

const seeAll = 'See where secrets are: jarvis secrets audit';

/** The error of a place that there is not. */
export function unknownPlace({agentId, profileId}: SecretPlace): JarvisError {
	return new JarvisError(
		'profile_unknown',
		`The agent ${agentId} has no profile ${profileId}.`,
		`See those that it has: jarvis models auth list --agent ${agentId}`,
	);
}

/** The error of OAuth tokens, which a refresh writes. */
export function oauthStays({place, file}: HeldSecret): JarvisError {
	return new JarvisError(
		'secret_unmovable',
		`${place.profileId} is an OAuth profile: each refresh writes new tokens, which stay in ${file} (0600).`,
		'Seal API keys and tokens: jarvis secrets seal --all',
	);
}

export function holdsNone({place}: HeldSecret): JarvisError {
	return new JarvisError(
		'secret_unmovable',
		`${place.profileId} holds no secret that could be moved.`,
		seeAll,
	);
}

export function notSealed({place}: HeldSecret): JarvisError {
	return new JarvisError('secret_unmovable', `${place.profileId} has no ref to a sealed secret.`, seeAll);
}

/** The error of a `jarvis.json` by whose providers no ref could mean a sealed secret. */
export function noSealer(): JarvisError {
	return new JarvisError(
		'secret_unmovable',
		'jarvis.json gives the name "default" to another provider of secrets, and names none for sealed ones.',
		'Add one to secrets.providers: "sealed": {"source": "keychain"}',
	);
}

/**
 * The secret that a ref gives.
 * @throws `secret_mismatch`
 */
export function secretGiven(
	{place}: HeldSecret,
	ref: SecretRef | undefined,
	resolved: ReadonlyMap<string, Resolution>,
): string {
	const outcome = ref && resolved.get(refKey(ref));
	if (outcome && 'value' in outcome) return outcome.value;
	const why = outcome?.failure.message ?? 'it was not asked for';
	throw new JarvisError(
		'secret_mismatch',
		`${ref ? refKey(ref) : 'The ref'} for ${place.profileId} does not resolve: ${why}. Nothing was taken away.`,
		'See all refs that do not: jarvis secrets audit',
	);
}

export function mismatch({place}: HeldSecret, ref: SecretRef): JarvisError {
	return new JarvisError(
		'secret_mismatch',
		`${refKey(ref)} gives another secret than ${place.profileId} has. Nothing was taken away.`,
		'Make them the same, or name another ref: jarvis secrets configure',
	);
}

export function changed({place}: HeldSecret, words: 'secrets seal' | 'secrets unseal'): JarvisError {
	return new JarvisError(
		'secret_mismatch',
		`${place.profileId} was changed meanwhile. It is left as it is.`,
		`Try again: ${commandFor(place, words)}`,
	);
}
