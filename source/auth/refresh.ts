import {JarvisError} from '../errors.ts';
import {clearFailures, patchUsage, putCredential} from '../store/edit.ts';
import {
	type JournalEntry,
	type JournalOutcome,
	journalOfSpent,
	readAllJournals,
	readJournal,
	writeJournal,
} from '../store/journal.ts';
import type {JsonObject} from '../store/json.ts';
import {acquireLock, type HeldLock} from '../store/lock.ts';
import type {StatePaths} from '../store/paths.ts';
import {peekCredentials, readCredentials, updateCredentials} from '../store/profiles.ts';
import {type OAuthCredential, optional} from '../store/schema.ts';
import type {AuthorizationServer} from './authorization-server.ts';
import {isExpired} from './expiry.ts';
import {adoptedFrom, freshSibling, isMarked, newestOfGrant} from './grant.ts';
import {type Holder, holdersOf} from './holders.ts';
import {fingerprint, identityName} from './identity.ts';
import type {Network} from './network.ts';
import {type OAuthClient, oauthClientOf, type Provider} from './providers/contract.ts';
import {notRefreshable, refused, unavailable} from './refresh-errors.ts';
import type {TokenFault} from './token-fault.ts';

export interface RefreshContext {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly agentId: string;
	readonly profileId: string;
	readonly network: Network;
	readonly now: () => number;
	/** The access token must be good for at least so long (ms). */
	readonly minTtlMs?: number;
	/** The access token that was found not to work: any other one will do, however long it is good for. */
	readonly rejected?: string;
}

export interface RefreshOutcome {
	readonly credential: OAuthCredential;
	/** `'stored'`: it was good already; `'adopted'`: another process or agent had refreshed it. */
	readonly how: 'stored' | 'adopted' | 'refreshed';
}

/**
 * A credential whose access token is good now, refreshed if need be: in the future → as it is; expired →
 * refresh lock of the identity, read again, adopt what is fresh, journal, request, write, release. No two
 * processes, and no two agents that hold the same account, ever send the same refresh token.
 *
 * @throws `needs_login`, `no_credential`, `refresh_unavailable`, `refresh_refused`, `lock_timeout`,
 * `lock_lost`, `profile_unknown`, and what reading and writing the store throws. After a network failure
 * everything is as it was.
 */
export async function freshCredential(context: RefreshContext): Promise<RefreshOutcome> {
	const first = await ownHolder(context);
	if (isGood(context, first.credential)) return {credential: first.credential, how: 'stored'};
	assertRefreshable(context, first);
	const holders = holdersOf(context.paths, context.provider.id);
	// A record that knows no account may hold a token that was spent for one that does: the journal tells.
	const spent = first.credential.accountId ? undefined : fingerprint(first.credential.refresh ?? '');
	const identity =
		(spent && journalOfSpent(context.paths, spent)) ??
		identityName(
			first.credential,
			holders.map(holder => holder.credential),
		);
	const waitingSince = context.now();
	const lock = await acquireLock(context.paths.locks, `refresh-${identity}`, {
		settled: () => peekGood(context) !== undefined,
	});
	if (!lock) return adopted(context);
	try {
		return await refreshUnderLock(context, identity, lock, waitingSince);
	} finally {
		await lock.release();
	}
}

async function refreshUnderLock(
	context: RefreshContext,
	identity: string,
	lock: HeldLock,
	waitingSince: number,
): Promise<RefreshOutcome> {
	const {paths} = context;
	const own = await ownHolder(context);
	if (isGood(context, own.credential)) return {credential: own.credential, how: 'adopted'};
	const holders = holdersOf(paths, context.provider.id);
	const journal = own.credential.accountId ? readJournal(paths, identity) : readAllJournals(paths);
	const fresh = freshSibling(
		own,
		holders,
		journal,
		credential => isGood(context, credential),
		credential => clientOf(context, credential),
	);
	if (fresh) {
		const credential = adoptedFrom(own, fresh, journal);
		await keep(context, [own], credential, lock);
		return {credential, how: 'adopted'};
	}

	// This record's token may be one that was spent when another agent's record was written.
	const newest = newestOfGrant(own, holders, journal);
	assertRefreshable(context, newest);
	const refresh = newest.credential.refresh ?? '';
	const entry: JournalEntry = {spent: fingerprint(refresh), startedAt: context.now()};
	// Many that waited for one request that failed must not each wait for the same failure.
	const last = journal.findLast(other => other.spent === entry.spent);
	if (
		(last?.outcome === 'unknown' || last?.outcome === 'rejected') &&
		(last.finishedAt ?? 0) > waitingSince
	) {
		const kind = last.outcome === 'rejected' ? 'refused' : 'unreachable';
		throw unavailable(context, {kind, details: 'the same as to another process just now'});
	}
	const clientId = clientOf(context, newest.credential);
	const server = await serverOf(context, clientId);
	const interrupted = journal.find(other => other.spent === entry.spent && other.finishedAt === undefined);
	await lock.commit(() => writeJournal(paths, identity, entry));
	const finish = (outcome: JournalOutcome, issued?: string) => {
		// Whoever took the lock meanwhile writes this journal now.
		if (!lock.isHeld()) return;
		writeJournal(paths, identity, {
			...entry,
			finishedAt: context.now(),
			outcome,
			...optional('issued', issued),
		});
	};

	const {requestRefresh} = await import('./refresh-request.ts');
	const reply = await requestRefresh(context.provider, server, newest.credential, context);
	const sharing = [own, ...holders].filter(
		holder => holder.credential.refresh === refresh || isSame(holder, own),
	);
	if ('fault' in reply) {
		finish(outcomeOf(reply.fault));
		if (reply.fault.kind !== 'invalid_grant') throw unavailable(context, reply.fault);
		await markNeedsLogin(context, sharing, refresh, lock);
		throw refused(context, interrupted);
	}
	const {credential} = reply;
	const issued = credential.refresh ? fingerprint(credential.refresh) : undefined;
	// Its own record first: until then the new token is nowhere but here. Should this process die before
	// the others' records are written, they find their successor by the journal.
	const [mine, others] = partition(sharing, holder => holder.agentId === own.agentId);
	await keepRotated(context, identity, mine, refresh, credential, lock);
	finish('refreshed', issued);
	await keep(context, others, credential, lock);
	return {credential, how: 'refreshed'};
}

/**
 * Writes a rotated credential. A process that was stopped after its request finds its lock taken: it then
 * takes the lock again as everybody does, and writes only where nobody has written since.
 */
async function keepRotated(
	context: RefreshContext,
	identity: string,
	sharing: readonly Holder[],
	spent: string,
	credential: OAuthCredential,
	lock: HeldLock,
): Promise<void> {
	try {
		await keep(context, sharing, credential, lock);
	} catch (error) {
		if (!(error instanceof JarvisError) || error.code !== 'lock_lost') throw error;
		const again = await acquireLock(context.paths.locks, `refresh-${identity}`);
		if (!again) throw error;
		try {
			const untouched = holdersOf(context.paths, context.provider.id).filter(
				holder => holder.credential.refresh === spent && !isMarked(holder),
			);
			if (untouched.length === 0) throw error;
			await keep(context, untouched, credential, again);
		} finally {
			await again.release();
		}
	}
}

/**
 * Writes a credential over every record of the holders' agents that holds one of their refresh tokens:
 * also one that a person renamed meanwhile, but none that was removed or logged in anew.
 */
async function keep(
	context: RefreshContext,
	holders: readonly Holder[],
	credential: OAuthCredential,
	lock: HeldLock,
): Promise<void> {
	await editGrant(context, holders, lock, (document, profileId, present) => {
		putCredential(document, profileId, {...credential, ...keptLabels(present)});
		clearFailures(document, profileId);
		patchUsage(document, profileId, {lastProven: {at: context.now(), outcome: 'refreshed'}});
	});
}

async function markNeedsLogin(
	context: RefreshContext,
	holders: readonly Holder[],
	refresh: string,
	lock: HeldLock,
): Promise<void> {
	const since = context.now();
	const needsLogin = {since, fingerprint: fingerprint(refresh), reason: 'invalid_grant'};
	await editGrant(context, holders, lock, (document, profileId, present) => {
		if (present.refresh !== refresh) return;
		patchUsage(document, profileId, {needsLogin, lastProven: {at: since, outcome: 'refused'}});
	});
}

async function editGrant(
	context: RefreshContext,
	holders: readonly Holder[],
	lock: HeldLock,
	change: (document: JsonObject, profileId: string, present: OAuthCredential) => void,
): Promise<void> {
	const tokens = new Set(holders.map(holder => holder.credential.refresh));
	for (const agentId of new Set(holders.map(holder => holder.agentId))) {
		await updateCredentials(
			context.paths,
			agentId,
			(document, current) => {
				for (const [profileId, present] of current.profiles) {
					if (present.type !== 'oauth' || present.provider !== context.provider.id) continue;
					if (present.refresh && tokens.has(present.refresh)) change(document, profileId, present);
				}
			},
			{onlyWhile: lock},
		);
	}
}

async function ownHolder({paths, agentId, profileId, provider}: RefreshContext): Promise<Holder> {
	const current = await readCredentials(paths, agentId);
	const credential = current.profiles.get(profileId);
	if (credential?.type === 'oauth' && credential.provider === provider.id) {
		return {agentId, profileId, credential, usage: current.usageStats.get(profileId) ?? {}};
	}
	throw new JarvisError(
		'profile_unknown',
		`The agent ${agentId} has no OAuth profile ${profileId} of ${provider.id}.`,
		`See those that it has: jarvis models auth list --agent ${agentId}`,
	);
}

function isGood(context: RefreshContext, credential: OAuthCredential): boolean {
	if (!credential.access || credential.access === context.rejected) return false;
	return !isExpired(credential, context.now(), context.minTtlMs);
}

function peekGood(context: RefreshContext): OAuthCredential | undefined {
	const credential = peekCredentials(context.paths, context.agentId)?.profiles.get(context.profileId);
	return credential?.type === 'oauth' && isGood(context, credential) ? credential : undefined;
}

async function adopted(context: RefreshContext): Promise<RefreshOutcome> {
	const {credential} = await ownHolder(context);
	return {credential, how: 'adopted'};
}

function isSame(a: Holder, b: Holder): boolean {
	return a.agentId === b.agentId && a.profileId === b.profileId;
}

// Two records of one account may each know a label that the other lacks.
function keptLabels(present: OAuthCredential): {accountId?: string; email?: string} {
	return {
		...(present.accountId ? {accountId: present.accountId} : {}),
		...(present.email ? {email: present.email} : {}),
	};
}

function partition<T>(all: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
	return [all.filter(belongs), all.filter(item => !belongs(item))];
}

function outcomeOf({kind}: TokenFault): JournalOutcome {
	return kind === 'invalid_grant' ? 'refused' : kind === 'refused' ? 'rejected' : 'unknown';
}

async function serverOf(context: RefreshContext, clientId: string): Promise<AuthorizationServer> {
	// Most of those that find a token over get it from the one that asks: only that one needs the protocol.
	const {authorizationServerOf} = await import('./authorization-server.ts');
	try {
		return await authorizationServerOf({...clientFor(context), clientId}, context.network, 'refresh');
	} catch (error) {
		if (!(error instanceof JarvisError) || error.code !== 'discovery_failed') throw error;
		throw unavailable(context, {kind: 'unreachable', details: 'no metadata'});
	}
}

function clientOf(context: RefreshContext, credential: OAuthCredential): string {
	return credential.clientId ?? clientFor(context).clientId;
}

function clientFor({provider, profileId}: RefreshContext): OAuthClient {
	const client = oauthClientOf(provider);
	if (client) return client;
	throw new JarvisError(
		'login_unsupported',
		`${provider.label} has no way to refresh ${profileId}.`,
		`Remove it, and use another kind of credential: jarvis models auth remove '${profileId}'`,
	);
}

function assertRefreshable(context: RefreshContext, holder: Holder): void {
	if (!holder.credential.refresh) {
		throw notRefreshable(context);
	}
	if (isMarked(holder)) throw refused(context);
}
