import {clearRefusal, putEntry, setLastGood, setOrder} from '../../store/edit.ts';
import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
} from '../../store/json.ts';
import {assertProfileId} from '../../store/paths.ts';
import type {JournalEntry} from '../../store/read-journal.ts';
import {
	type AgentCredentials,
	type Credential,
	decodeOrder,
	entriesOf,
	type OAuthCredential,
	optional,
} from '../../store/schema.ts';
import {handedOutSecret} from '../facts.ts';
import {leadsTo, tokenOf} from '../grant.ts';
import type {Holder} from '../holders.ts';
import {isSameAccount} from '../import/compare.ts';
import {endOf, type Incoming, isOtherAccount} from './one-owner.ts';

/** What became of a profile of openclaw. Stable: scripts may rely on them. */
export type ImportOutcome =
	/** It is here now. */
	| 'added'
	/** Of the same account, and fresher than what was here. */
	| 'renewed'
	/** It was here already, or what is here is as fresh. */
	| 'same'
	| 'fresher_here'
	/** The grant is here already, under another id or agent. */
	| 'held_here'
	/** Its refresh token was spent by JARVIS, and what came of it is gone. */
	| 'spent'
	/** Of another account, or another secret, than the profile of that id here: left. */
	| 'other_account'
	| 'other_secret'
	/** The profile of that id here is another program's login, read where that keeps it: left. */
	| 'linked'
	/** Another agent's record is the grant's owner: this agent reads it, or cannot, as it has its own. */
	| 'read_of_main'
	| 'copy_left'
	/** Without its refresh token, which may be an older one of the same grant. */
	| 'access_only'
	/** It is kept in the file and out of use. */
	| 'not_understood'
	/** Its id cannot be one here. */
	| 'id_refused';

export interface ImportedProfile {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider?: string;
	readonly outcome: ImportOutcome;
	/** `<agent>/<profile>` that has it. */
	readonly heldBy?: string;
	/** JARVIS refreshes it from now on: nobody else may. */
	readonly rotates?: true;
}

/** What is here already, in all agents. */
export interface Here {
	readonly holders: readonly Holder[];
	readonly journal: readonly JournalEntry[];
}

export interface Merged {
	readonly profiles: readonly ImportedProfile[];
	/** Parts that were not taken, in words. */
	readonly notes: readonly string[];
}

/**
 * Merges what an agent of openclaw has into the agent's document here. What is here stays unless openclaw's
 * is of the same account and runs out later. Doing it again changes nothing.
 * @param incoming the profiles that are to be taken
 * @param theirs the agent's document of openclaw, for what is beside them
 */
export function mergeAgent(
	document: JsonObject,
	current: AgentCredentials,
	agentId: string,
	incoming: readonly Incoming[],
	theirs: JsonObject,
	here: Here,
): Merged {
	const present = new Set([...current.profiles.keys(), ...current.problems.map(({profileId}) => profileId)]);
	const profiles = incoming.map(profile => mergeProfile(document, current, present, profile, here));
	const notes = mergeOrders(document, current, agentId, decodeOrder(member(theirs, 'order')));
	const foreign = new Set(profiles.filter(({outcome}) => isForeign(outcome)).map(({profileId}) => profileId));
	mergeUsage(document, current, member(theirs, 'usageStats'), foreign);
	for (const [provider, id] of entriesOf(member(theirs, 'lastGood'))) {
		const isThere = isObject(member(member(document, 'profiles'), String(id)));
		if (typeof id === 'string' && isThere && !current.lastGood.has(provider))
			setLastGood(document, provider, id);
	}
	// What neither program knows is for a newer one.
	for (const [key, value] of Object.entries(theirs)) {
		if (!knownSections.includes(key) && !Object.hasOwn(document, key)) setMember(document, key, value);
	}
	return {profiles, notes};
}

/** The members of an `auth-profiles.json` that both programs know. */
export const knownSections: readonly string[] = ['version', 'profiles', 'order', 'lastGood', 'usageStats'];

function mergeProfile(
	document: JsonObject,
	current: AgentCredentials,
	present: ReadonlySet<string>,
	{agentId, profileId, entry, credential}: Incoming,
	here: Here,
): ImportedProfile {
	const told = (outcome: ImportOutcome, heldBy?: Holder): ImportedProfile => ({
		...{agentId, profileId, outcome},
		...optional('provider', typeof credential === 'object' ? credential.provider : undefined),
		...optional('heldBy', heldBy && `${heldBy.agentId}/${heldBy.profileId}`),
		...((outcome === 'added' || outcome === 'renewed') && rotates(credential)
			? {rotates: true as const}
			: {}),
	});
	if (!isProfileId(profileId)) return told('id_refused');
	const own = current.profiles.get(profileId);
	if (typeof credential === 'string') {
		if (!present.has(profileId)) putEntry(document, profileId, entry);
		return told(own ? 'same' : 'not_understood');
	}
	if (own) return told(mergeOverOwn(document, profileId, entry, credential, own, here));
	// What is not understood here may be a newer program's.
	if (present.has(profileId)) return told('not_understood');
	if (credential.type === 'oauth') {
		const holder =
			here.holders.find(other => isOfGrant(credential, other.credential, here)) ??
			here.holders.find(other => isLinkTo(credential, other.credential));
		if (holder) return told('held_here', holder);
		if (isSpent(credential, here)) return told('spent');
	}
	putEntry(document, profileId, entry);
	return told('added');
}

function mergeOverOwn(
	document: JsonObject,
	profileId: string,
	entry: JsonObject,
	credential: Credential,
	own: Credential,
	here: Here,
): ImportOutcome {
	// Its program refreshes it, with the very token that openclaw may have a copy of.
	if (own.link) return 'linked';
	if (own.provider !== credential.provider || own.type !== credential.type) return 'other_secret';
	if (own.type === 'oauth' && credential.type === 'oauth') {
		const isSame = own.access === credential.access && own.refresh === credential.refresh;
		if (isSame) return 'same';
		if (isOtherAccount(own, credential)) return 'other_account';
		// A fresher access token is not worth a refresh token.
		if (own.refresh && !credential.refresh) return 'fresher_here';
		if (isOfGrant(credential, own, here)) {
			if (endOf(credential) <= endOf(own) || credential.refresh !== own.refresh) return 'fresher_here';
		} else if (own.access !== credential.access && !isSameAccount(own, credential)) {
			return 'other_secret';
		}
		// It was handed over, and comes back.
		const comesBack = !own.refresh && credential.refresh !== undefined;
		if (endOf(credential) < endOf(own) || (endOf(credential) === endOf(own) && !comesBack))
			return 'fresher_here';
		if (credential.refresh !== own.refresh && isSpent(credential, here)) return 'spent';
	} else {
		if (handedOutSecret(own) === handedOutSecret(credential)) return 'same';
		// Nothing but the account says that one of two keys took the place of the other.
		if (!own.email || own.email !== credential.email) return 'other_secret';
		if (endOf(credential) <= endOf(own)) return 'fresher_here';
	}
	putEntry(document, profileId, entry);
	clearRefusal(document, profileId);
	return 'renewed';
}

/** Whether a credential's refresh token is that of another one, or has become it here. */
function isOfGrant(credential: OAuthCredential, other: OAuthCredential, {journal}: Here): boolean {
	const token = tokenOf(other);
	return token !== undefined && leadsTo(tokenOf(credential), token, journal);
}

/** Whether a record here stands for the same account's login of another program, which refreshes that. */
function isLinkTo(credential: OAuthCredential, other: OAuthCredential): boolean {
	return other.link !== undefined && isSameAccount(credential, other);
}

// A server that does not rotate gives the same token again.
function isSpent(credential: OAuthCredential, {journal}: Here): boolean {
	const token = tokenOf(credential);
	return journal.some(
		({spent, issued, outcome}) =>
			spent === token && issued !== token && (outcome === 'refreshed' || outcome === 'refused'),
	);
}

// An order is a filter: one that was made without knowing of a profile here would keep it out.
function mergeOrders(
	document: JsonObject,
	current: AgentCredentials,
	agentId: string,
	orders: ReadonlyMap<string, readonly string[]>,
): string[] {
	const notes: string[] = [];
	for (const [provider, ids] of orders) {
		// openclaw takes an empty order for none.
		if (ids.length === 0) continue;
		const own = current.order.get(provider);
		if (own) {
			if (JSON.stringify(own) !== JSON.stringify(ids)) {
				notes.push(`${agentId} has an order of ${provider} here already; openclaw’s was left.`);
			}
			continue;
		}
		const out = [...current.profiles].filter(([id, of]) => of.provider === provider && !ids.includes(id));
		if (out.length > 0) {
			const names = out.map(([id]) => id).join(', ');
			notes.push(`openclaw’s order of ${provider} for ${agentId} was left: it would keep out ${names}.`);
		} else setOrder(document, provider, ids);
	}
	return notes;
}

/** Whether the profile of that id here is now the one of openclaw, or a fresher one of its account. */
export function isHere({outcome}: ImportedProfile): boolean {
	return ['added', 'renewed', 'access_only', 'same', 'fresher_here'].includes(outcome);
}

function rotates(credential: Credential | string): boolean {
	return typeof credential === 'object' && credential.type === 'oauth' && credential.refresh !== undefined;
}

/** Whether the profile of that id here, if there is one, is not the one of openclaw. */
function isForeign(outcome: ImportOutcome): boolean {
	return ['other_account', 'other_secret', 'linked', 'held_here', 'spent', 'id_refused'].includes(outcome);
}

// What is known here of a profile's use is newer.
function mergeUsage(
	document: JsonObject,
	current: AgentCredentials,
	usage: JsonValue | undefined,
	foreign: ReadonlySet<string>,
): void {
	for (const [profileId, entry] of entriesOf(usage)) {
		if (!isObject(entry) || current.usageStats.has(profileId) || foreign.has(profileId)) continue;
		setMember(objectMember(document, 'usageStats'), profileId, entry);
	}
}

function isProfileId(id: string): boolean {
	try {
		assertProfileId(id);
		return true;
	} catch {
		return false;
	}
}
