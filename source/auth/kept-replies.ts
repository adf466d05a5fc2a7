import {writeJournal} from '../store/journal.ts';
import {type HeldLock, withLock} from '../store/lock.ts';
import type {StatePaths} from '../store/paths.ts';
import {listAgentIds, peekCredentials, readCredentials} from '../store/profiles.ts';
import {readAllJournals, readJournal} from '../store/read-journal.ts';
import {type KeptReply, openReplySlot, readKeptReplies, slotNames} from '../store/reply-slot.ts';
import {optional} from '../store/schema.ts';
import {isMarked, leadsTo, tokenOf} from './grant.ts';
import {type AskedPlace, keep, keepElsewhere} from './grant-records.ts';
import {holdersOf} from './holders.ts';
import {notStored} from './refresh-errors.ts';

/**
 * Stores what the server issued and the store does not have: who asked for it has died, or could not write.
 *
 * @param lock the identity's refresh lock
 * @throws `lock_lost`, and what `storeReply` throws, saying that the token is kept
 */
export async function storeKeptReplies(place: AskedPlace, identity: string, lock: HeldLock): Promise<void> {
	if (readKeptReplies(place.paths, identity).length === 0) return;
	const slot = await lock.commit(() => openReplySlot(place.paths, identity));
	try {
		for (const reply of slot.kept) {
			const isDone = await storeReply(place, identity, lock, reply).catch((error: unknown) => {
				throw notStored(place, error, true);
			});
			if (isDone) await lock.commit(() => slot.clear(reply));
		}
	} finally {
		slot.close();
	}
}

/**
 * Stores a reply in every record that holds the token that was spent for it, or one before that: the asking
 * agent's first, until then the new token is in no record. The journal then tells the other records their
 * successor. Where a login has replaced them all, the reply is worth nothing any more.
 *
 * @returns whether the reply is done with; not while a store that may want it cannot be read or written
 * @throws what reading and writing the asking agent's store throws; `lock_lost`
 */
export async function storeReply(
	place: AskedPlace,
	identity: string,
	lock: HeldLock,
	{spent, startedAt, credential}: KeptReply,
): Promise<boolean> {
	const {paths, provider, agentId} = place;
	await readCredentials(paths, agentId);
	const issued = tokenOf(credential);
	const journal = credential.accountId ? readJournal(paths, identity) : readAllJournals(paths);
	const isKnown = journal.some(
		entry => entry.spent === spent && entry.startedAt === startedAt && entry.outcome === 'refreshed',
	);
	const isStored = () =>
		holdersOf(paths, provider.id).some(holder => leadsTo(issued, tokenOf(holder.credential) ?? '', journal));
	const waiting = holdersOf(paths, provider.id).filter(
		holder => leadsTo(tokenOf(holder.credential), spent, journal) && !isMarked(holder),
	);
	if (waiting.length === 0 && !isStored()) {
		if (listAgentIds(paths).some(id => !peekCredentials(paths, id))) return false;
	}
	await keep(
		place,
		waiting.filter(holder => holder.agentId === agentId),
		credential,
		lock,
	);
	await lock.commit(() =>
		writeJournal(paths, identity, {
			...{spent, startedAt, finishedAt: place.now(), outcome: 'refreshed'},
			// A token that nobody holds must not be taken for the end of the grant's line.
			...optional(waiting.length > 0 || isStored() ? 'issued' : 'dropped', issued),
		}),
	);
	// Storing may take several tries, by several processes; the refresh was one.
	if (!isKnown) noteRefresh(place, waiting[0] ?? place);
	await keepElsewhere(
		place,
		waiting.filter(holder => holder.agentId !== agentId),
		credential,
		lock,
	);
	return waiting.length === 0 || isStored();
}

/**
 * Removes the kept replies that no profile waits for: those that did were removed. What an agent's file that cannot be
 * read may wait for stays.
 * @throws `lock_timeout`, `lock_lost`, system errors
 */
export async function dropOrphanedReplies(paths: StatePaths): Promise<void> {
	const isOrphaned = (reply: KeptReply) => !mayBeWanted(paths, reply);
	for (const identity of slotNames(paths)) {
		if (!readKeptReplies(paths, identity).some(isOrphaned)) continue;
		await withLock(paths.locks, `refresh-${identity}`, lock =>
			lock.commit(() => {
				const slot = openReplySlot(paths, identity);
				try {
					for (const reply of slot.kept.filter(isOrphaned)) slot.clear(reply);
				} finally {
					slot.close();
				}
			}),
		);
	}
}

function mayBeWanted(paths: StatePaths, {spent, credential}: KeptReply): boolean {
	if (listAgentIds(paths).some(id => !peekCredentials(paths, id))) return true;
	const journal = readAllJournals(paths);
	return holdersOf(paths, credential.provider).some(holder =>
		leadsTo(tokenOf(holder.credential), spent, journal),
	);
}

function noteRefresh(
	{record, provider}: AskedPlace,
	{agentId, profileId}: Pick<AskedPlace, 'agentId' | 'profileId'>,
): void {
	record?.('refreshed', {agentId, profileId, provider: provider.id});
}
