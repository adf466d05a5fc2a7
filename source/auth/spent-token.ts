import {findToken} from '../store/find-token.ts';
import type {HeldLock} from '../store/lock.ts';
import type {StatePaths} from '../store/paths.ts';
import type {JournalEntry} from '../store/read-journal.ts';
import type {OAuthCredential} from '../store/schema.ts';
import {lastSuccessor, leadsTo, spentReason, tokenOf} from './grant.ts';
import {type AskedPlace, keep, keepElsewhere, markNeedsLogin} from './grant-records.ts';
import type {Holder} from './holders.ts';

/**
 * What is done where a record holds a refresh token that was spent (`isSpent`), because a backup was put back: the one
 * that was issued for it last is looked for in all that is kept, and stored. Where it is nowhere, the record is marked:
 * a person must log in, and nothing may be sent.
 *
 * @param spent the holder, of which `holders` are all that there are
 * @param lock the identity's refresh lock
 * @returns the holder with the token that is good, or `undefined`
 * @throws what reading and writing the asking agent's store throws; `lock_lost`
 */
export async function takeLiveToken(
	place: AskedPlace,
	spent: Holder,
	holders: readonly Holder[],
	journal: readonly JournalEntry[],
	lock: HeldLock,
): Promise<Holder | undefined> {
	const token = tokenOf(spent.credential) ?? '';
	const credential = liveCredential(place.paths, spent.credential, journal);
	const sharing = holders.filter(holder => leadsTo(tokenOf(holder.credential), token, journal));
	const {agentId, profileId, provider, record} = place;
	if (!credential) {
		await markNeedsLogin(place, sharing, spent.credential.refresh ?? '', lock, spentReason);
		const note = 'its refresh token was spent before, and was not sent again';
		record?.('refresh_failed', {agentId, profileId, provider: provider.id, note});
		return undefined;
	}
	const isOwn = (holder: Holder) => holder.agentId === agentId;
	await keep(place, sharing.filter(isOwn), credential, lock);
	await keepElsewhere(
		place,
		sharing.filter(holder => !isOwn(holder)),
		credential,
		lock,
	);
	const note = 'its newest refresh token was taken from a copy of its file';
	record?.('repaired', {agentId, profileId, provider: provider.id, note});
	return {...spent, credential};
}

/**
 * A credential whose refresh token was spent, with the one that was issued last, if that can be found.
 * @param text what is looked into first: a damaged file
 */
export function liveCredential(
	paths: StatePaths,
	credential: OAuthCredential,
	journal: readonly JournalEntry[],
	text?: string,
): OAuthCredential | undefined {
	const live = lastSuccessor(tokenOf(credential) ?? '', journal);
	const found = live === undefined ? undefined : findToken(paths, live, text);
	if (!found) return undefined;
	const {access: _, expires: __, expiresIn: ___, ...kept} = credential;
	return {...kept, ...found};
}
