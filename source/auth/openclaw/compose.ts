import {putEntry} from '../../store/edit.ts';
import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
	textMember,
} from '../../store/json.ts';
import {
	type Credential,
	decodeCredential,
	entriesOf,
	type OAuthCredential,
	optional,
} from '../../store/schema.ts';
import {isExpired} from '../expiry.ts';
import {leadsTo, tokenOf} from '../grant.ts';
import {accountOf} from '../identity.ts';
import {isSameAccount} from '../import/compare.ts';
import {type Here, knownSections} from './merge.ts';
import {endOf, isSameStatic, readThere} from './one-owner.ts';

/** What became of a profile that was to be written for openclaw. Stable: scripts may rely on them. */
export type ExportOutcome =
	/** With its secret, which does not rotate. */
	| 'written'
	/** With its access token; JARVIS goes on refreshing it. */
	| 'access_only'
	/** With its access token, which is over: it could not be refreshed. */
	| 'over'
	/** With its refresh token, which is no longer here. */
	| 'handed_over'
	/** With its access token: openclaw changed it meanwhile, or a refresh came between. The refresh token is here. */
	| 'not_handed_over'
	/** What is there has the refresh token, and JARVIS has none: left. */
	| 'refreshed_there'
	/** What is there is of the same account and runs out later: left. */
	| 'fresher_there'
	/** What is there is of another account or kind, or a login that may be of another account: left. */
	| 'other_account'
	/** What is there is another key or token, and nothing says which one is newer: left. */
	| 'other_secret'
	/** openclaw has no such secret store. */
	| 'ref_unknown_there'
	/** It is the login of another program, read where that keeps it: there is nothing here to write. */
	| 'linked';

export interface ExportedProfile {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly outcome: ExportOutcome;
	/** When the written access token or secret runs out (epoch ms). */
	readonly expires?: number;
}

/** An agent's file here, and the orders that openclaw needs to use the same profiles. */
export interface Source {
	readonly agentId: string;
	readonly document: JsonObject;
	readonly orders: ReadonlyMap<string, readonly string[]>;
}

const knownSources = ['env', 'file', 'exec'];

/**
 * Puts an agent's profiles into its document of openclaw, without refresh tokens. What is there and not
 * here stays.
 * @param here what tells which logins there are JARVIS's
 * @param now epoch ms
 */
export function composeAgent(target: JsonObject, source: Source, here: Here, now: number): ExportedProfile[] {
	const exported = entriesOf(member(source.document, 'profiles')).flatMap(([profileId, entry]) => {
		const credential = decodeCredential(entry);
		if (!isObject(entry)) return [];
		if (typeof credential === 'string') {
			if (!Object.hasOwn(objectMember(target, 'profiles'), profileId)) putEntry(target, profileId, entry);
			return [];
		}
		const outcome = composeProfile(target, profileId, entry, credential, here, now);
		const {provider, expires} = credential;
		const told = typeof expires === 'number' ? expires : undefined;
		return [{agentId: source.agentId, profileId, provider, outcome, ...optional('expires', told)}];
	});
	for (const [key, value] of Object.entries(source.document)) {
		if (!knownSections.includes(key) && !Object.hasOwn(target, key)) setMember(target, key, value);
	}
	composeBeside(target, source, new Set(exported.filter(isWritten).map(({profileId}) => profileId)));
	return exported;
}

/** Whether a profile is there now as it is here. */
export function isWritten({outcome}: ExportedProfile): boolean {
	return ['written', 'access_only', 'over', 'handed_over'].includes(outcome);
}

function composeProfile(
	target: JsonObject,
	profileId: string,
	entry: JsonObject,
	credential: Credential,
	here: Here,
	now: number,
): ExportOutcome {
	if (credential.link) return 'linked';
	const raw = member(member(target, 'profiles'), profileId);
	const present = isObject(raw) ? readThere(raw) : undefined;
	// One of a kind that is not known here is a newer openclaw's.
	const isOther =
		typeof present === 'string' ||
		(present && (present.type !== credential.type || present.provider !== credential.provider));
	if (isOther) return 'other_account';
	if (credential.type === 'oauth') {
		const left = present?.type === 'oauth' ? whyLeft(present, credential, here) : undefined;
		if (left) return left;
		const {refresh: _, ...fields} = entry;
		putEntry(target, profileId, fields);
		return isExpired(credential, now) ? 'over' : 'access_only';
	}
	const ref = member(entry, 'keyRef') ?? member(entry, 'tokenRef');
	if (isObject(ref) && !knownSources.includes(textMember(ref, 'source') ?? '')) return 'ref_unknown_there';
	if (present && holdsSecret(raw) && !isSameStatic(present, credential)) {
		// As for an import, nothing but the account says that one took the place of the other.
		const isNewer = present.email && present.email === credential.email && endOf(credential) > endOf(present);
		if (!isNewer) return 'other_secret';
	}
	putEntry(target, profileId, entry);
	return 'written';
}

/** Why openclaw's own login is left, if it is. */
function whyLeft(
	present: OAuthCredential,
	credential: OAuthCredential,
	here: Here,
): ExportOutcome | undefined {
	const isSameToken = present.access !== undefined && present.access === credential.access;
	const isSame = isSameToken || isSameAccount(present, credential) || isOfGrant(present, credential, here);
	if (!isSame && accountOf(present) && accountOf(credential)) return 'other_account';
	if (present.refresh && !credential.refresh) return 'refreshed_there';
	// What cannot be told to be of this account may be a login that only openclaw has.
	if (present.refresh && !isSame) return 'other_account';
	if (endOf(present) > endOf(credential)) return 'fresher_there';
	return undefined;
}

function holdsSecret(entry: JsonValue | undefined): boolean {
	return ['key', 'apiKey', 'keyRef', 'token', 'tokenRef'].some(name => member(entry, name) !== undefined);
}

function composeBeside(target: JsonObject, {document, orders}: Source, written: ReadonlySet<string>): void {
	for (const [profileId, usage] of entriesOf(member(document, 'usageStats'))) {
		if (!isObject(usage) || !written.has(profileId)) continue;
		const all = objectMember(target, 'usageStats');
		setMember(all, profileId, {...objectMember(all, profileId), ...usage});
	}
	for (const [provider, id] of entriesOf(member(document, 'lastGood'))) {
		if (written.has(String(id))) setMember(objectMember(target, 'lastGood'), provider, id);
	}
	const providers = entriesOf(member(document, 'profiles')).map(([, entry]) => textMember(entry, 'provider'));
	for (const provider of new Set([...providers, ...orders.keys()])) {
		if (provider === undefined) continue;
		const ids = orders.get(provider);
		const all = objectMember(target, 'order');
		if (ids) setMember(all, provider, [...ids]);
		else delete all[provider];
	}
	if (Object.keys(objectMember(target, 'order')).length === 0) delete target.order;
}

/**
 * Takes the refresh tokens of grants that JARVIS holds out of a document of openclaw: also copies under other
 * agents, and older tokens of the same grant. Each would end the grant once openclaw sent it.
 * @returns the ids of the profiles that had one
 */
export function detachGrants(target: JsonObject, agentId: string, here: Here): string[] {
	return entriesOf(member(target, 'profiles')).flatMap(([profileId, entry]) => {
		const credential = decodeCredential(entry);
		if (!isObject(entry) || typeof credential === 'string' || credential.type !== 'oauth') return [];
		if (!credential.refresh) return [];
		const holder = here.holders.find(other => {
			// Of a login that was handed over the token there is the only one.
			if (other.credential.provider !== credential.provider || !other.credential.refresh) return false;
			if (isOfGrant(credential, other.credential, here)) return true;
			const isCopy = other.profileId === profileId && (other.agentId === agentId || other.agentId === 'main');
			return (
				isCopy && isSameAccount(credential, other.credential) && endOf(other.credential) >= endOf(credential)
			);
		});
		if (!holder) return [];
		const {access, expires} = holder.credential;
		if (access !== undefined && endOf(holder.credential) > endOf(credential)) {
			setMember(entry, 'access', access);
			if (typeof expires === 'number') setMember(entry, 'expires', expires);
		}
		delete entry.refresh;
		return [profileId];
	});
}

function isOfGrant(credential: OAuthCredential, holder: OAuthCredential, {journal}: Here): boolean {
	const token = tokenOf(holder);
	return token !== undefined && leadsTo(tokenOf(credential), token, journal);
}
