import {putEntry} from '../../store/edit.ts';
import {isObject, type JsonObject, member, objectMember, setMember, textMember} from '../../store/json.ts';
import {decodeCredential, entriesOf, type OAuthCredential, optional} from '../../store/schema.ts';
import {leadsTo, tokenOf} from '../grant.ts';
import {accountOf} from '../identity.ts';
import {isSameAccount} from '../import/compare.ts';
import {type Here, knownSections} from './merge.ts';
import {endOf} from './one-owner.ts';

/** What became of a profile that was to be written for openclaw. Stable: scripts may rely on them. */
export type ExportOutcome =
	/** With its secret, which does not rotate. */
	| 'written'
	/** With its access token; JARVIS goes on refreshing it. */
	| 'access_only'
	/** With its refresh token, which is no longer here. */
	| 'handed_over'
	/** With its access token: openclaw changed it meanwhile, or a refresh came between. The refresh token is here. */
	| 'not_handed_over'
	/** What is there has the refresh token, and JARVIS has none: left. */
	| 'refreshed_there'
	/** What is there is of the same account and runs out later: left. */
	| 'fresher_there'
	/** What is there is of another account: left. */
	| 'other_account'
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
 */
export function composeAgent(target: JsonObject, source: Source): ExportedProfile[] {
	const exported = entriesOf(member(source.document, 'profiles')).flatMap(([profileId, entry]) => {
		const credential = decodeCredential(entry);
		if (!isObject(entry)) return [];
		if (typeof credential === 'string') {
			if (!Object.hasOwn(objectMember(target, 'profiles'), profileId)) putEntry(target, profileId, entry);
			return [];
		}
		const outcome = composeProfile(target, profileId, entry);
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
	return outcome === 'written' || outcome === 'access_only' || outcome === 'handed_over';
}

function composeProfile(target: JsonObject, profileId: string, entry: JsonObject): ExportOutcome {
	const credential = decodeCredential(entry);
	if (typeof credential === 'object' && credential.link) return 'linked';
	const present = decodeCredential(member(member(target, 'profiles'), profileId) ?? null);
	if (typeof credential === 'object' && credential.type === 'oauth') {
		if (typeof present === 'object' && present.type === 'oauth') {
			const isSame = present.access === credential.access || isSameAccount(present, credential);
			if (!isSame && accountOf(present) && accountOf(credential)) return 'other_account';
			if (present.refresh && !credential.refresh) return 'refreshed_there';
			if (endOf(present) > endOf(credential)) return 'fresher_there';
		}
		const {refresh: _, ...fields} = entry;
		putEntry(target, profileId, fields);
		return 'access_only';
	}
	const ref = member(entry, 'keyRef') ?? member(entry, 'tokenRef');
	if (isObject(ref) && !knownSources.includes(textMember(ref, 'source') ?? '')) return 'ref_unknown_there';
	putEntry(target, profileId, entry);
	return 'written';
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
