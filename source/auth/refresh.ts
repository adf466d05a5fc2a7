import {JarvisError} from '../errors.ts';
import type {Recorder} from '../store/audit-log.ts';
import {writeJournal} from '../store/journal.ts';
import {acquireLock, type HeldLock, withLock} from '../store/lock.ts';
import type {StatePaths} from '../store/paths.ts';
import {peekCredentials, readCredentials} from '../store/profiles.ts';
import {
	type JournalEntry,
	type JournalOutcome,
	journalOfToken,
	readAllJournals,
	readJournal,
} from '../store/read-journal.ts';
import {type KeptReply, openReplySlot, type ReplySlot, readKeptReplies} from '../store/reply-slot.ts';
import {type OAuthCredential, optional} from '../store/schema.ts';
import {isExpired, skewMs} from './expiry.ts';
import {adoptedFrom, freshSibling, isMarked, isSpent, newestOfGrant, spentReason, tokenOf} from './grant.ts';
import {keep, markNeedsLogin} from './grant-records.ts';
import {type Holder, holdersOf} from './holders.ts';
import {accountOfGrant, fingerprint, identityName} from './identity.ts';
import {storeKeptReplies, storeReply} from './kept-replies.ts';
import type {Network} from './network.ts';
import {oauthClientOf, type Provider} from './providers/contract.ts';
import {
	alreadySpent,
	linkedElsewhere,
	notRefreshable,
	notStored,
	refused,
	unavailable,
} from './refresh-errors.ts';
import {stillWaiting} from './retry-after.ts';
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
	/** Hands a new token on to programs with login files of their own (write-back.ts). Never throws. */
	readonly keepInStep?: () => Promise<void>;
	readonly record?: Recorder;
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
	const identity = identityOf(context, first, holders);
	const before = whatIsKnown(context, identity, first, holders);
	const lock = await acquireLock(context.paths.locks, `refresh-${identity}`, {
		settled: () => peekGood(context, before),
	});
	if (!lock) return adopted(context);
	try {
		const outcome = await refreshUnderLock(context, identity, lock, before);
		await context.keepInStep?.();
		return outcome;
	} finally {
		await lock.release();
	}
}

/**
 * Runs `work` while nobody refreshes a profile, with all that its server has issued in the store: to end its
 * grant, and nothing that is older or newer. A token that was spent is marked, if the newest is nowhere.
 * @throws `profile_unknown`, `lock_timeout`, what `work` throws, and what storing a kept reply throws
 */
export async function whileNotRefreshed<T>(
	context: Omit<RefreshContext, 'minTtlMs' | 'rejected'>,
	work: (credential: OAuthCredential, lock: HeldLock) => Promise<T>,
): Promise<T> {
	const {paths, provider} = context;
	const identity = identityOf(context, await ownHolder(context), holdersOf(paths, provider.id));
	return withLock(paths.locks, `refresh-${identity}`, async lock => {
		await storeKeptReplies(context, identity, lock);
		const own = await ownHolder(context);
		const [holders, journal] = [holdersOf(paths, provider.id), journalFor(context, identity, own)];
		const newest = newestOfGrant(own, holders, journal);
		if (!isMarked(newest)) await liveHolder(context, newest, holders, journal, lock);
		return work((await ownHolder(context)).credential, lock);
	});
}

/**
 * The identity under whose lock a record is refreshed. One that knows no account may hold a token that was
 * spent, or issued, for one that does: the journals tell.
 */
function identityOf(context: RefreshContext, own: Holder, holders: readonly Holder[]): string {
	const credentials = holders.map(holder => holder.credential);
	if (accountOfGrant(own.credential, credentials)) return identityName(own.credential, credentials);
	const {credential} = newestOfGrant(own, holders, readAllJournals(context.paths));
	const known = accountOfGrant(credential, credentials)
		? undefined
		: journalOfToken(context.paths, tokenOf(own.credential) ?? '');
	return known ?? identityName(credential, credentials);
}

/** What a process knows before it waits: anything else has come of a refresh meanwhile. */
interface Known {
	readonly accessTokens: ReadonlySet<string | undefined>;
	readonly failures: ReadonlySet<string>;
	/** By the clock that only goes forward (ms). */
	readonly waitingSince: number;
}

function whatIsKnown(
	context: RefreshContext,
	identity: string,
	first: Holder,
	holders: readonly Holder[],
): Known {
	const waitingSince = performance.now();
	const failures = journalFor(context, identity, first).filter(isUndecided).map(asText);
	const kept = readKeptReplies(context.paths, identity).map(({credential}) => credential);
	const known = [first, ...holders].map(({credential}) => credential);
	// Read last: a kept reply is stored before it leaves its slot.
	const present = peekOwn(context);
	const accessTokens = new Set([...kept, ...known, ...(present ? [present] : [])].map(({access}) => access));
	return {accessTokens, failures: new Set(failures), waitingSince};
}

async function refreshUnderLock(
	context: RefreshContext,
	identity: string,
	lock: HeldLock,
	before: Known,
): Promise<RefreshOutcome> {
	const {paths} = context;
	await storeKeptReplies(context, identity, lock);
	const own = await ownHolder(context);
	if (isGoodNow(context, own.credential, before)) return {credential: own.credential, how: 'adopted'};
	const holders = holdersOf(paths, context.provider.id);
	const journal = journalFor(context, identity, own);
	const fresh = freshSibling(
		own,
		holders,
		journal,
		credential => isGoodNow(context, credential, before),
		credential => clientOf(context, credential),
	);
	if (fresh) {
		const credential = adoptedFrom(own, fresh, journal);
		await keep(context, [own], credential, lock);
		return {credential, how: 'adopted'};
	}

	// This record's token may be one that was spent when another agent's record was written.
	const stored = newestOfGrant(own, holders, journal);
	assertRefreshable(context, stored);
	const newest = await liveHolder(context, stored, holders, journal, lock);
	if (!newest) throw alreadySpent(context);
	if (newest !== stored && isGood(context, newest.credential)) {
		return {credential: newest.credential, how: 'adopted'};
	}
	const refresh = newest.credential.refresh ?? '';
	const entry: JournalEntry = {spent: fingerprint(refresh), startedAt: context.now()};
	assertMayAsk(
		context,
		journal.findLast(({spent}) => spent === entry.spent),
		before,
	);
	// Most of those that find a token over get it from the one that asks: only that one needs the protocol.
	const {prepareRefresh} = await import('./refresh-request.ts');
	const request = await prepareRefresh(context, newest.credential).catch((error: unknown) => {
		noteFailure(context, error instanceof JarvisError ? error.code : 'unexpected');
		throw error;
	});
	const interrupted = journal.find(other => other.spent === entry.spent && other.finishedAt === undefined);
	// Whether there is room for the reply is found out before there is one.
	const slot = await lock.commit(() => {
		const opened = openReplySlot(paths, identity);
		try {
			writeJournal(paths, identity, entry);
		} catch (error) {
			opened.close();
			throw error;
		}
		return opened;
	});
	try {
		const reply = await request();
		if ('credential' in reply) {
			return await keepAndStore(context, identity, lock, slot, {...entry, credential: reply.credential});
		}
		const {fault} = reply;
		noteFailure(context, faultWords[fault.kind]);
		// Whoever took the lock meanwhile writes this journal now.
		if (lock.isHeld()) {
			writeJournal(paths, identity, {
				...entry,
				finishedAt: context.now(),
				outcome: outcomeOf(fault),
				...optional('retryAt', fault.retryAt),
			});
		}
		if (fault.kind !== 'invalid_grant') throw unavailable(context, fault);
		const sharing = [own, ...holders].filter(
			holder => holder.credential.refresh === refresh || isSame(holder, own),
		);
		await markNeedsLogin(context, sharing, refresh, lock);
		throw refused(context, interrupted);
	} finally {
		slot.close();
	}
}

/**
 * The same holder, unless its token was spent already, which a backup that was put back has: then with the newest one.
 * `undefined` where that is nowhere; the record is marked then.
 */
async function liveHolder(
	context: Omit<RefreshContext, 'minTtlMs' | 'rejected'>,
	holder: Holder,
	holders: readonly Holder[],
	journal: readonly JournalEntry[],
	lock: HeldLock,
): Promise<Holder | undefined> {
	const token = tokenOf(holder.credential) ?? '';
	// One that this journal does not know may have been spent before its account was known.
	const isKnown = journal.some(({spent, issued}) => spent === token || issued === token);
	const knowing = isKnown ? journal : readAllJournals(context.paths);
	if (!isSpent(token, knowing)) return holder;
	const {takeLiveToken} = await import('./spent-token.ts');
	return takeLiveToken(context, holder, holders, knowing, lock);
}

/**
 * Puts a reply where nothing can be in its way, at once, and then into the store. A process that was stopped
 * after its request finds its lock taken: it then takes the lock again as everybody does, and writes only
 * where nobody has written since.
 */
async function keepAndStore(
	context: RefreshContext,
	identity: string,
	lock: HeldLock,
	slot: ReplySlot,
	reply: KeptReply,
): Promise<RefreshOutcome> {
	const isKept = await isCommitted(lock, () => slot.keep(reply));
	try {
		const isDone = await storeReply(context, identity, lock, reply);
		if (isKept && isDone) await lock.commit(() => slot.clear(reply));
		return {credential: reply.credential, how: 'refreshed'};
	} catch (error) {
		if (!isLockLost(error)) {
			noteFailure(context, isKept ? 'the new token is kept, but not stored' : 'the new token was not stored');
			throw notStored(context, error, isKept);
		}
		const late = await storeLate(context, identity, reply);
		if (!late) throw error;
		return late;
	}
}

/** Stores a reply whose lock was lost, unless the one who took it has one; what is good then is taken. */
async function storeLate(
	context: RefreshContext,
	identity: string,
	reply: KeptReply,
): Promise<RefreshOutcome | undefined> {
	return withLock(context.paths.locks, `refresh-${identity}`, async lock => {
		// Behind the one of whoever took the lock, if that is kept as well: the first is the one that is stored.
		const isKept = await isCommitted(lock, () => keepInSlot(context.paths, identity, reply));
		try {
			if (isKept) await storeKeptReplies(context, identity, lock);
			else await storeReply(context, identity, lock, reply);
		} catch (error) {
			throw notStored(context, error, isKept);
		}
		const {credential} = await ownHolder(context);
		if (!isGood(context, credential)) return undefined;
		return {credential, how: credential.access === reply.credential.access ? 'refreshed' : 'adopted'};
	});
}

// Whatever is wrong with the slot, the store may take it.
function isCommitted(lock: HeldLock, keepReply: () => void): Promise<boolean> {
	return lock.commit(keepReply).then(
		() => true,
		() => false,
	);
}

function keepInSlot(paths: StatePaths, identity: string, reply: KeptReply): void {
	const slot = openReplySlot(paths, identity);
	try {
		slot.keep(reply);
	} finally {
		slot.close();
	}
}

/** Those that waited for a request to no avail must not each wait for the same, nor press a busy server. */
function assertMayAsk(context: RefreshContext, last: JournalEntry | undefined, before: Known): void {
	if (!last || !isUndecided(last)) return;
	const retryAt = stillWaiting(last, context.now());
	if (retryAt !== undefined) {
		throw unavailable(context, {kind: 'busy', details: 'it is too busy', retryAt});
	}
	if (before.failures.has(asText(last))) return;
	const kind = last.outcome === 'rejected' ? 'refused' : 'unreachable';
	throw unavailable(context, {kind, details: 'the same as to another process just now'});
}

function isUndecided({outcome}: JournalEntry): boolean {
	return outcome === 'unknown' || outcome === 'rejected';
}

function asText(entry: JournalEntry): string {
	return JSON.stringify(entry);
}

function journalFor({paths}: RefreshContext, identity: string, own: Holder): JournalEntry[] {
	return own.credential.accountId ? readJournal(paths, identity) : readAllJournals(paths);
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

/**
 * The same for a token that came while this process waited: it is good enough however short its life is, or
 * each of many that ask for a longer one would refresh in turn. And it is no older than the waiting, which
 * says that it is good without any clock.
 */
function isGoodNow(context: RefreshContext, credential: OAuthCredential, before: Known): boolean {
	if (isGood(context, credential)) return true;
	const {access, expiresIn} = credential;
	if (!access || access === context.rejected || before.accessTokens.has(access)) return false;
	const waitedMs = performance.now() - before.waitingSince;
	if (expiresIn !== undefined && waitedMs < expiresIn * 1000 - skewMs(expiresIn)) return true;
	return !isExpired(credential, context.now());
}

function peekGood(context: RefreshContext, before: Known): boolean {
	const credential = peekOwn(context);
	return credential !== undefined && isGoodNow(context, credential, before);
}

function peekOwn({paths, agentId, profileId}: RefreshContext): OAuthCredential | undefined {
	const credential = peekCredentials(paths, agentId)?.profiles.get(profileId);
	return credential?.type === 'oauth' ? credential : undefined;
}

async function adopted(context: RefreshContext): Promise<RefreshOutcome> {
	const {credential} = await ownHolder(context);
	return {credential, how: 'adopted'};
}

function isSame(a: Holder, b: Holder): boolean {
	return a.agentId === b.agentId && a.profileId === b.profileId;
}

function outcomeOf({kind}: TokenFault): JournalOutcome {
	return kind === 'invalid_grant' ? 'refused' : kind === 'refused' ? 'rejected' : 'unknown';
}

function clientOf({provider}: RefreshContext, credential: OAuthCredential): string {
	return credential.clientId ?? oauthClientOf(provider)?.clientId ?? '';
}

function isLockLost(error: unknown): boolean {
	return error instanceof JarvisError && error.code === 'lock_lost';
}

/** What the audit log says of a fault: a server's own words might quote what it was sent. */
const faultWords: Readonly<Record<TokenFault['kind'], string>> = {
	invalid_grant: 'the server refused the refresh token for good',
	refused: 'the server refused the request',
	busy: 'the server was too busy',
	unreachable: 'no answer came',
	unreadable: 'the answer could not be read',
};

function noteFailure({record, agentId, profileId, provider}: RefreshContext, note: string): void {
	record?.('refresh_failed', {agentId, profileId, provider: provider.id, note});
}

function assertRefreshable(context: RefreshContext, holder: Holder): void {
	const {link} = holder.credential;
	if (link) throw linkedElsewhere(context, link);
	if (!holder.credential.refresh) {
		throw notRefreshable(context);
	}
	if (!isMarked(holder)) return;
	throw holder.usage.needsLogin?.reason === spentReason ? alreadySpent(context) : refused(context);
}
