import {shellWord} from '../../errors.ts';
import {decodeConfig, readConfigFile} from '../../store/config.ts';
import {staticSecretMembers} from '../../store/edit.ts';
import {isObject, type JsonObject, type JsonValue, member, textMember} from '../../store/json.ts';
import type {StatePaths} from '../../store/paths.ts';
import {decodeRef, entriesOf, optional, type SecretRef} from '../../store/schema.ts';
import {readJsonFile} from '../../store/update-json.ts';
import {agentIds} from '../snapshot.ts';
import {refKey} from './refs.ts';

/** A place that may hold a secret, or a ref instead of it: a profile in an agent's own file. */
export interface SecretPlace {
	readonly agentId: string;
	readonly profileId: string;
}

/** What is in a place. */
export interface HeldSecret {
	readonly place: SecretPlace;
	readonly provider: string;
	/** The file that it is in. */
	readonly file: string;
	readonly type: 'api_key' | 'token' | 'oauth';
	/** The secret, where it is in the file and a ref could stand for it. */
	readonly secret?: string;
	readonly ref?: SecretRef;
	/** It is the login of another program, which alone holds its secrets. */
	readonly isLinked: boolean;
	/** Something stands where a ref belongs, and is none. */
	readonly isMalformed: boolean;
}

/** What may be shown of a place. */
export interface PlaceFacts extends Omit<HeldSecret, 'secret'> {
	/** The secret is in the file as it is. */
	readonly isPlain: boolean;
}

/** What may be shown of a place: everything but the secret. */
export function placeFacts({secret, ...facts}: HeldSecret): PlaceFacts {
	return {...facts, isPlain: secret !== undefined};
}

/**
 * What the profiles of some agents hold, or of all.
 * @throws `config_damaged`, `store_damaged`, system errors
 */
export async function readPlaces(paths: StatePaths, agents?: Iterable<string>): Promise<HeldSecret[]> {
	const held: HeldSecret[] = [];
	const all = agents ?? agentIds(paths, decodeConfig(await readConfigFile(paths.config)));
	for (const agentId of new Set(all)) held.push(...(await readPlacesOf(paths, agentId)));
	return held;
}

/** What the profiles of an agent hold. Throws `store_damaged`, system errors. */
export async function readPlacesOf(paths: StatePaths, agentId: string): Promise<HeldSecret[]> {
	const file = paths.profiles(agentId);
	return entriesOf(member(await readJsonFile(file), 'profiles')).flatMap(([profileId, entry]) => {
		const provider = textMember(entry, 'provider');
		const type = kindOf(entry);
		if (!provider || !type) return [];
		const isLinked = member(entry, 'link') !== undefined;
		return [{...{place: {agentId, profileId}, provider, file, type, isLinked}, ...heldIn(entry, type)}];
	});
}

/** Whether an entry still holds what was read of it: the same secret and the same ref, as the same kind. */
export function isStillHeld(entry: JsonObject, {type, secret, ref}: HeldSecret): boolean {
	if (kindOf(entry) !== type) return false;
	const now = heldIn(entry, type);
	return now.secret === secret && (now.ref && refKey(now.ref)) === (ref && refKey(ref));
}

/** The agents in whose files some places are. */
export function agentsOf(places: readonly SecretPlace[]): string[] {
	return [...new Set(places.map(({agentId}) => agentId))];
}

export function isSamePlace(a: SecretPlace, b: SecretPlace): boolean {
	return a.agentId === b.agentId && a.profileId === b.profileId;
}

/** A command for a place. */
export function commandFor({agentId, profileId}: SecretPlace, words: string): string {
	return `jarvis ${words} ${shellWord(profileId)} --agent ${agentId}`;
}

/** The entry of a profile in a store's document. */
export function entryAt(document: JsonObject, profileId: string): JsonObject | undefined {
	const entry = member(member(document, 'profiles'), profileId);
	return isObject(entry) ? entry : undefined;
}

function kindOf(entry: JsonValue): HeldSecret['type'] | undefined {
	const type = member(entry, 'type') ?? member(entry, 'mode');
	return type === 'api_key' || type === 'token' || type === 'oauth' ? type : undefined;
}

function heldIn(
	entry: JsonValue,
	type: HeldSecret['type'],
): Pick<HeldSecret, 'secret' | 'ref' | 'isMalformed'> {
	if (type === 'oauth') {
		const value = member(entry, 'keyRef') ?? member(entry, 'tokenRef');
		return {...optional('ref', decodeRef(value)), isMalformed: isObject(value) && !decodeRef(value)};
	}
	const members = staticSecretMembers[type];
	const written = member(entry, members.ref);
	const [secret] = members.secret.flatMap(name => textMember(entry, name) ?? []);
	const ref = decodeRef(written);
	return {
		...optional('secret', secret),
		...optional('ref', ref),
		isMalformed: written !== undefined && written !== null && !ref,
	};
}
