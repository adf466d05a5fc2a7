import {isObject, type JsonObject, type JsonValue, member, setMember, textMember} from '../../store/json.ts';
import type {OpenclawAgent} from '../../store/openclaw/folder.ts';
import {mainAgentId} from '../../store/paths.ts';
import {type Credential, decodeCredential, entriesOf, type OAuthCredential} from '../../store/schema.ts';
import {handedOutSecret} from '../facts.ts';
import {accountOf} from '../identity.ts';
import {isSameAccount} from '../import/compare.ts';

/**
 * openclaw copies the main agent's profiles into the file of another agent when that is first used, refresh
 * tokens included, and each agent then refreshes its own copy. Here every grant has one owner: a copy is not
 * taken, and its agent reads the main agent's (docs/agents.md).
 */

/** A profile as an agent of openclaw has it. */
export interface Incoming {
	readonly agentId: string;
	readonly profileId: string;
	readonly entry: JsonObject;
	/** A text says why the entry is none that can be used; it is kept all the same. */
	readonly credential: Credential | string;
}

/** A profile that is not taken because another agent's record is the grant's owner. */
export interface Copy {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly owner: string;
	/** The id that the owner has it under. */
	readonly ownerProfileId: string;
	/** The agent reads the owner's record, as it has no profile of the provider itself. */
	readonly isRead: boolean;
}

export interface Settled {
	readonly taken: readonly Incoming[];
	readonly copies: readonly Copy[];
	/** Profiles whose refresh token is left, as it may be an older one of the same grant: `agent/profile`. */
	readonly doubtful: readonly string[];
}

/** Finds the one owner of every grant. Pure. */
export function settleOwners(agents: readonly OpenclawAgent[]): Settled {
	const taken: Incoming[] = [];
	const copies: Omit<Copy, 'isRead'>[] = [];
	const doubtful: string[] = [];
	for (const incoming of agents.flatMap(profilesOf)) {
		const related = taken.filter(other => relation(other, incoming) !== undefined);
		// One of the same id may be of the same account; one of the same token is of the same grant.
		const twin = related.find(other => sharesToken(other, incoming)) ?? related[0];
		const how = twin && relation(twin, incoming);
		if (!twin || how === undefined) {
			taken.push(incoming);
			continue;
		}
		if (how === 'doubtful') {
			// Of one grant the younger token is the one that is good; of two, nothing but a login is lost.
			const [older, younger] = isYounger(incoming, twin) ? [twin, incoming] : [incoming, twin];
			if (older === twin) replace(taken, twin, withoutRefresh(twin));
			taken.push(older === twin ? younger : withoutRefresh(incoming));
			doubtful.push(`${older.agentId}/${older.profileId}`);
			continue;
		}
		if (isYounger(incoming, twin)) replace(taken, twin, withSecretsOf(twin, incoming));
		const {agentId, profileId, credential} = incoming;
		const {provider} = credential as Credential;
		copies.push({agentId, profileId, provider, owner: twin.agentId, ownerProfileId: twin.profileId});
	}
	return keepSeen(agents, taken, copies, doubtful);
}

// An agent with a profile of its own reads none of the main agent's of that provider. A key that it had a
// copy of stays its own then: nothing rotates it.
function keepSeen(
	agents: readonly OpenclawAgent[],
	taken: Incoming[],
	found: readonly Omit<Copy, 'isRead'>[],
	doubtful: readonly string[],
): Settled {
	const hasOwn = (agentId: string, provider: string) =>
		taken.some(other => other.agentId === agentId && providerOf(other) === provider);
	const copies: Copy[] = [];
	for (const copy of found) {
		const isHidden = hasOwn(copy.agentId, copy.provider);
		const incoming = agents
			.flatMap(profilesOf)
			.find(({agentId, profileId}) => agentId === copy.agentId && profileId === copy.profileId);
		const rotates = typeof incoming?.credential === 'object' && incoming.credential.type === 'oauth';
		if (isHidden && incoming && !rotates) taken.push(incoming);
		else copies.push({...copy, isRead: copy.owner === mainAgentId && !isHidden});
	}
	return {taken, copies, doubtful};
}

function profilesOf({id, credentials}: OpenclawAgent): Incoming[] {
	return entriesOf(member(credentials, 'profiles')).flatMap(([profileId, raw]) => {
		if (!isObject(raw)) return [];
		const entry = adapted(raw);
		return [{agentId: id, profileId, entry, credential: decodeCredential(entry)}];
	});
}

/** How two profiles of different agents belong together: one secret, one account, or perhaps one grant. */
function relation(owner: Incoming, other: Incoming): 'copy' | 'doubtful' | undefined {
	const [a, b] = [owner.credential, other.credential];
	if (typeof a === 'string' || typeof b === 'string' || owner.agentId === other.agentId) return undefined;
	if (a.provider !== b.provider || a.type !== b.type) return undefined;
	const isSameId = owner.profileId === other.profileId;
	if (a.type !== 'oauth' || b.type !== 'oauth') {
		if (!isSameId || owner.agentId !== mainAgentId) return undefined;
		return isSameStatic(a, b) ? 'copy' : undefined;
	}
	if (!a.refresh || !b.refresh) return isSameId && a.access === b.access && a.access ? 'copy' : undefined;
	if (a.refresh === b.refresh) return 'copy';
	if (!isSameId) return undefined;
	const accounts = [accountOf(a), accountOf(b)];
	if (accounts.includes(undefined)) return 'doubtful';
	return isSameAccount(a, b) ? 'copy' : undefined;
}

/** A profile of openclaw, as JARVIS understands it; a text says why it does not. */
export function readThere(raw: JsonObject): Credential | string {
	return decodeCredential(adapted(raw));
}

/** Whether two keys or tokens are the same secret, or the same reference to one. */
export function isSameStatic(a: Credential, b: Credential): boolean {
	return JSON.stringify(secretOf(a)) === JSON.stringify(secretOf(b));
}

/** Whether two accounts are known to differ. */
export function isOtherAccount(a: OAuthCredential, b: OAuthCredential): boolean {
	const areComparable = Boolean((a.accountId && b.accountId) || (a.email && b.email));
	return areComparable && !isSameAccount(a, b);
}

/** When an access token runs out (epoch ms); 0 where that is not known. */
export function endOf(credential: Credential | string): number {
	return typeof credential === 'object' && typeof credential.expires === 'number' ? credential.expires : 0;
}

function sharesToken({credential: a}: Incoming, {credential: b}: Incoming): boolean {
	if (typeof a === 'string' || typeof b === 'string' || a.type !== 'oauth' || b.type !== 'oauth')
		return false;
	return a.refresh !== undefined && a.refresh === b.refresh;
}

function isYounger(a: Incoming, b: Incoming): boolean {
	return endOf(a.credential) > endOf(b.credential);
}

function providerOf({credential}: Incoming): string | undefined {
	return typeof credential === 'object' ? credential.provider : undefined;
}

function secretOf(credential: Credential): unknown {
	if (credential.type === 'oauth') return undefined;
	return [handedOutSecret(credential), credential.type === 'token' ? credential.tokenRef : credential.keyRef];
}

function withSecretsOf(owner: Incoming, other: Incoming): Incoming {
	const entry = {...owner.entry};
	for (const key of ['access', 'refresh', 'expires']) {
		const value = member(other.entry, key);
		if (value !== undefined) setMember(entry, key, value);
	}
	delete entry.expiresIn;
	return {...owner, entry, credential: decodeCredential(entry)};
}

function withoutRefresh(incoming: Incoming): Incoming {
	const {refresh: _, ...entry} = incoming.entry;
	return {...incoming, entry, credential: decodeCredential(entry)};
}

function replace(taken: Incoming[], present: Incoming, by: Incoming): void {
	taken.splice(taken.indexOf(present), 1, by);
}

// openclaw takes a reference in the place of a secret; here it has a member of its own.
function adapted(raw: JsonObject): JsonObject {
	const type = member(raw, 'type') ?? member(raw, 'mode');
	const name = type === 'api_key' ? 'key' : type === 'token' ? 'token' : undefined;
	if (name === undefined) return raw;
	const ref = referenceIn(member(raw, name) ?? (name === 'key' ? member(raw, 'apiKey') : undefined));
	if (!ref) return raw;
	const {[name]: _, apiKey: __, ...entry} = raw;
	return {...entry, [`${name}Ref`]: member(raw, `${name}Ref`) ?? ref};
}

function referenceIn(value: JsonValue | undefined): JsonObject | undefined {
	if (isObject(value)) return textMember(value, 'source') && textMember(value, 'id') ? value : undefined;
	const [, id] =
		typeof value === 'string' ? (/^\$\{([A-Z][A-Z0-9_]{0,127})\}$/.exec(value.trim()) ?? []) : [];
	return id === undefined ? undefined : {source: 'env', provider: 'default', id};
}
