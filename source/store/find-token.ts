import {digest} from './digest.ts';
import {type JsonValue, member, readTextIfThere, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {listAgentIds} from './profiles.ts';
import {readKeptReplies, slotNames} from './reply-slot.ts';
import {decodeCredential, entriesOf, type OAuthCredential, optional} from './schema.ts';
import {copiesOf} from './scrub.ts';

/** A refresh token, with the access token that came with it where that can be told for sure. */
export type FoundToken = Pick<OAuthCredential, 'refresh' | 'access' | 'expires' | 'expiresIn'>;

/**
 * Looks for a refresh token of which only the fingerprint is known: in replies that are kept, in the agents' files, and
 * in all copies of these that are there.
 * @param text what is looked into first
 * @throws system errors, where not even the agents can be listed
 */
export function findToken(paths: StatePaths, fingerprint: string, text = ''): FoundToken | undefined {
	const there = findTokenIn(text, fingerprint);
	if (there) return there;
	const replies = slotNames(paths).flatMap(name => readKeptReplies(paths, name));
	const kept = replies.find(({credential}) => digest(credential.refresh ?? '') === fingerprint);
	if (kept) return tokensOf(kept.credential);
	for (const file of listAgentIds(paths).map(paths.profiles)) {
		const copies = Object.values(copiesOf(file, paths.root)).flat();
		for (const path of [file, ...copies]) {
			const found = findTokenIn(textOf(path), fingerprint);
			if (found) return found;
		}
	}
	return undefined;
}

/**
 * The same in one text, whether or not it is whole. Whatever stands between two quotes, or by itself, may be the token:
 * the fingerprint is the proof, also where a quote is missing.
 */
export function findTokenIn(text: string, fingerprint: string): FoundToken | undefined {
	const isWanted = (token: string | undefined) => token !== undefined && digest(token) === fingerprint;
	const document = tryParseJson(text);
	if (document) {
		const entries = entriesOf(member(document, 'profiles')).map(([, entry]) => oauthIn(entry));
		const entry = entries.find(credential => isWanted(credential?.refresh));
		return entry && tokensOf(entry);
	}
	for (const {0: written, index} of [...text.matchAll(/(?<=")[^"]+(?=")/g), ...text.matchAll(/[^"\s,]+/g)]) {
		const refresh = unquoted(written);
		if (!isWanted(refresh)) continue;
		const entry = oauthIn(objectAround(text, index));
		return entry?.refresh === refresh ? tokensOf(entry) : {...optional('refresh', refresh)};
	}
	return undefined;
}

function tokensOf({refresh, access, expires, expiresIn}: OAuthCredential): FoundToken {
	return {
		...optional('refresh', refresh),
		...optional('access', access),
		...optional('expires', expires),
		...optional('expiresIn', expiresIn),
	};
}

function oauthIn(value: JsonValue | undefined): OAuthCredential | undefined {
	const credential = value === undefined ? undefined : decodeCredential(value);
	return typeof credential === 'object' && credential.type === 'oauth' ? credential : undefined;
}

// Only what is an object by itself, from its brace to its brace: two entries that have run into one are none.
function objectAround(text: string, at: number): JsonValue | undefined {
	const [start, end] = [text.lastIndexOf('{', at), text.indexOf('}', at)];
	const slice = text.slice(start, end + 1);
	const isOne = start >= 0 && end >= 0 && slice.split('"access"').length === 2;
	return isOne ? tryParseJson(slice) : undefined;
}

function unquoted(written: string): string {
	try {
		return String(JSON.parse(`"${written}"`));
	} catch {
		return written;
	}
}

function textOf(path: string): string {
	try {
		return readTextIfThere(path) ?? '';
	} catch {
		// A folder, or what may not be read: it is looked into elsewhere.
		return '';
	}
}
