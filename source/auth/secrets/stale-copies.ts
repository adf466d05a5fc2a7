import {staticSecretMembers} from '../../store/edit.ts';
import {type JsonObject, type JsonValue, member, textMember} from '../../store/json.ts';
import type {JournalEntry} from '../../store/read-journal.ts';
import {type AgentCredentials, entriesOf} from '../../store/schema.ts';
import {handedOutSecret} from '../facts.ts';
import {isSpent} from '../grant.ts';
import {fingerprint} from '../identity.ts';

/** Secrets in a copy of an agent's file which the file has no more. */
export interface StaleSecrets {
	readonly profileId: string;
	readonly secrets: readonly string[];
	/** The refresh token of a profile that has none any more, because it was handed over. It is not known to be spent. */
	readonly handedOver?: string;
}

/**
 * The secrets of a copy that its file has no more: keys and tokens that were replaced or moved, those of profiles that
 * were removed, and refresh tokens that were handed over. Not those that a refresh or a login has replaced.
 */
export function staleIn(
	copy: JsonObject,
	{profiles, problems}: AgentCredentials,
	journal: readonly JournalEntry[],
): StaleSecrets[] {
	const present = new Set(
		[...profiles.values()].flatMap(credential => [
			handedOutSecret(credential),
			credential.type === 'oauth' ? credential.refresh : undefined,
		]),
	);
	const unknown = new Set(problems.map(({profileId}) => profileId));
	return entriesOf(member(copy, 'profiles')).flatMap(([profileId, entry]): StaleSecrets[] => {
		if (unknown.has(profileId)) return [];
		const own = profiles.get(profileId);
		const replaced = Object.values(staticSecretMembers)
			.flatMap(({secret}) => textsOf(entry, secret))
			.filter(secret => !present.has(secret));
		const gone = own ? [] : textsOf(entry, ['access', 'refresh']).filter(secret => !present.has(secret));
		const [refresh] = textsOf(entry, ['refresh']);
		const isGiven = own?.type === 'oauth' && !own.refresh && !own.link;
		const handedOver =
			isGiven && refresh !== undefined && !present.has(refresh) && !isSpent(fingerprint(refresh), journal)
				? refresh
				: undefined;
		const secrets = [...replaced, ...gone, ...(handedOver === undefined ? [] : [handedOver])];
		if (secrets.length === 0) return [];
		return [{profileId, secrets, ...(handedOver === undefined ? {} : {handedOver})}];
	});
}

function textsOf(entry: JsonValue, names: readonly string[]): string[] {
	return names.flatMap(name => textMember(entry, name) ?? []);
}
