import type {SecretRef} from '../../store/schema.ts';
import {commandFor, type SecretPlace} from './places.ts';
import type {RefFailure} from './refs.ts';

/** What helps where a ref of a profile does not resolve: a new login would put the secret into the file instead. */
export function refAdvice({source}: SecretRef, {code}: RefFailure, place: SecretPlace): string {
	if (code === 'unknown_provider' || code === 'invalid_ref' || code === 'not_allowed') {
		return 'Mend it in jarvis.json or in the ref (docs/secrets.md).';
	}
	if (source === 'env') {
		return code === 'bad_answer'
			? 'Set the variable anew, to one line, where JARVIS runs.'
			: 'Set the variable where JARVIS runs.';
	}
	if (source === 'keychain') {
		if (code === 'not_found' || code === 'bad_answer') {
			const what = code === 'not_found' ? 'The secret is gone' : 'The secret is none that can be sent';
			return `${what}. Remove the profile, and store it anew: ${commandFor(place, 'models auth remove')}`;
		}
		return 'Unlock the keychain, and look again: jarvis secrets audit (docs/keychain.md)';
	}
	return 'See that its provider gives it (docs/secrets.md), and look again: jarvis secrets audit';
}
