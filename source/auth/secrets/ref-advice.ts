import {type SecretRef, secretSources} from '../../store/schema.ts';
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
	if (source === 'keychain') return keychainAdvice(code, place);
	return 'See that its provider gives it (docs/secrets.md), and look again: jarvis secrets audit';
}

/** What helps where an OAuth profile has a ref, which cannot be: its tokens are good without. */
export function takeRefsOut(file: string): string {
	return `Take keyRef and tokenRef out of it in ${file}.`;
}

/** What helps where something that is no ref stands in the place of one. */
export function mendRef(file: string): string {
	return `Give it a source (${secretSources.join(', ')}) and an id in ${file} (docs/secrets.md).`;
}

function keychainAdvice(code: RefFailure['code'], place: SecretPlace): string {
	switch (code) {
		case 'damaged':
			return 'jarvis doctor --fix';
		case 'not_found':
			return `The secret is gone. Remove the profile, and store it anew: ${commandFor(place, 'models auth remove')}`;
		case 'bad_answer':
			return `The secret is none that can be sent. Remove the profile, and store it anew: ${commandFor(place, 'models auth remove')}`;
		case 'unreadable':
			return 'Use the keychain of the user and the machine that sealed it; without it the secret is gone (docs/keychain.md).';
		default:
			return 'Unlock the keychain, and look again: jarvis secrets audit (docs/keychain.md)';
	}
}
