import type {SecretRef, SecretSource} from '../../store/schema.ts';

/** Why a ref does not resolve, as a stable code, and in words that hold no secret. */
export interface RefFailure {
	readonly code: RefFailureCode;
	/** Goes on with "…, because". No secret, and nothing that a program or a file said. */
	readonly message: string;
}

export type RefFailureCode =
	| 'invalid_ref'
	| 'unknown_provider'
	| 'not_found'
	| 'not_allowed'
	| 'insecure'
	| 'unreadable'
	| 'damaged'
	| 'timed_out'
	| 'too_large'
	| 'bad_answer'
	| 'unavailable'
	| 'not_loaded';

/** What came of resolving a ref. The value is a secret. */
export type Resolution = {readonly value: string} | {readonly failure: RefFailure};

/** A ref as a key of maps, and as it is told: no secret. */
export function refKey({source, provider, id}: SecretRef): string {
	return `${source}:${provider}:${id}`;
}

export function failed(code: RefFailureCode, message: string): {readonly failure: RefFailure} {
	return {failure: {code, message}};
}

/** Whether a text is free of line breaks and other control characters, as a secret that goes into a header must be. */
export function isOneLine(text: string): boolean {
	return !/\p{Cc}/u.test(text);
}

/**
 * What came of a ref, unless it is more than one line: whoever is given that takes the rest for something else, such as
 * a further header or a further line of a protocol.
 */
export function asOneLine(outcome: Resolution, {source}: Pick<SecretRef, 'source'>): Resolution {
	if ('failure' in outcome || isOneLine(outcome.value)) return outcome;
	const how =
		source === 'exec' ? 'give the first line alone, as by pass show … | head -n 1' : 'keep one there';
	return failed(
		'bad_answer',
		`its value has line breaks or other control characters, and a secret is one line (${how})`,
	);
}

const jsonPointer = /^(?:\/(?:[^~/]|~[01])*)+$/;
const programId = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/;

const idForms: Readonly<Record<SecretSource, (id: string) => boolean>> = {
	env: id => /^[A-Z][A-Z0-9_]{0,127}$/.test(id),
	file: id => id === 'value' || (id.length <= 1024 && jsonPointer.test(id)),
	exec: isProgramId,
	// Accounts are often e-mail addresses.
	keychain: id => /^[^\p{C}\p{Z}]{1,256}$/u.test(id),
};

/** Whether the id of a ref is of the form that its source knows. */
export function isRefId({source, id}: Pick<SecretRef, 'source' | 'id'>): boolean {
	return idForms[source](id);
}

// Programs make paths of ids.
function isProgramId(id: string): boolean {
	return programId.test(id) && !id.split('/').some(segment => segment === '.' || segment === '..');
}
