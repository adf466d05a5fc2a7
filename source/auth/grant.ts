import type {JournalEntry} from '../store/read-journal.ts';
import {type OAuthCredential, optional} from '../store/schema.ts';
import type {Holder} from './holders.ts';
import {accountOf, fingerprint} from './identity.ts';
import {isRefusedAccess} from './refused-access.ts';

/**
 * Which records belong to one grant or one account, when several agents hold it (design: one identity,
 * one refresh).
 */

/** A credential of the same account and client, or of the same grant, that is good now. */
export function freshSibling(
	own: Holder,
	holders: readonly Holder[],
	journal: readonly JournalEntry[],
	isGood: (credential: OAuthCredential) => boolean,
	clientOf: (credential: OAuthCredential) => string,
): Holder | undefined {
	const account = accountOf(own.credential);
	const successors = successorsOf(tokenOf(own.credential), journal);
	return holders
		.filter(holder => {
			const {credential} = holder;
			// A server that refused its refresh token may have ended its access token as well.
			if (!isGood(credential) || isMarked(holder) || isRefusedAccess(credential, holder.usage)) return false;
			if (credential.refresh && successors.has(fingerprint(credential.refresh))) return true;
			const sameClient = clientOf(credential) === clientOf(own.credential);
			return account !== undefined && accountOf(credential) === account && sameClient;
		})
		.sort((a, b) => Number(b.credential.expires ?? 0) - Number(a.credential.expires ?? 0))[0];
}

/**
 * The record as it is after it has taken over what another one has. Of its own grant that is everything:
 * its refresh token is spent. Of another login of the same account it is the access token alone; each
 * agent keeps its own grant, and no refresh token is copied.
 */
export function adoptedFrom(own: Holder, fresh: Holder, journal: readonly JournalEntry[]): OAuthCredential {
	const {credential} = fresh;
	const successors = successorsOf(tokenOf(own.credential), journal);
	if (credential.refresh && successors.has(fingerprint(credential.refresh))) return credential;
	const {access, expires, expiresIn} = credential;
	const {expires: _, expiresIn: __, ...kept} = own.credential;
	return {
		...kept,
		...optional('access', access),
		...optional('expires', expires),
		...optional('expiresIn', expiresIn),
	};
}

/** The holder of the newest token of the record's grant, as the journal tells: mostly the record itself. */
export function newestOfGrant(
	own: Holder,
	holders: readonly Holder[],
	journal: readonly JournalEntry[],
): Holder {
	const successors = [...successorsOf(tokenOf(own.credential), journal)].reverse();
	for (const successor of successors) {
		const holder = holders.find(
			({credential}) => credential.refresh && fingerprint(credential.refresh) === successor,
		);
		if (holder) return holder;
	}
	return own;
}

/** Whether one refresh token is another, or what came of it, both by their fingerprints. */
export function leadsTo(from: string | undefined, to: string, journal: readonly JournalEntry[]): boolean {
	return from !== undefined && (from === to || successorsOf(from, journal).has(to));
}

/** Why a profile needs a login whose refresh token was spent already, and whose newer one is gone. */
export const spentReason = 'token_spent';

/**
 * Whether the journal has a refresh token as spent, and another one issued for it: a server that rotates ends the grant
 * when it comes again. One that gives no new token has the same one issued, which is spent by nothing.
 */
export function isSpent(token: string, journal: readonly JournalEntry[]): boolean {
	const last = journal.findLast(
		({spent, issued, outcome}) => issued === token || (spent === token && outcome === 'refreshed'),
	);
	const successor = last?.issued ?? last?.dropped;
	return successor !== undefined && successor !== token;
}

/** The last of the refresh tokens that came of this one, unless it was spent or refused itself. */
export function lastSuccessor(token: string, journal: readonly JournalEntry[]): string | undefined {
	const last = [...successorsOf(token, journal)].at(-1);
	if (last === undefined || isSpent(last, journal)) return undefined;
	return journal.some(({spent, outcome}) => spent === last && outcome === 'refused') ? undefined : last;
}

/** Fingerprints of the refresh tokens that came of this one, oldest first. */
function successorsOf(token: string | undefined, journal: readonly JournalEntry[]): Set<string> {
	const successors = new Set<string>();
	let spent = token;
	while (spent) {
		const issued: string | undefined = journal.findLast(
			entry => entry.spent === spent && entry.issued,
		)?.issued;
		if (!issued || successors.has(issued)) break;
		successors.add(issued);
		spent = issued;
	}
	return successors;
}

/** The fingerprint of a credential's refresh token. */
export function tokenOf({refresh}: OAuthCredential): string | undefined {
	return refresh && fingerprint(refresh);
}

/** Whether the server has refused the very refresh token that a record holds. */
export function isMarked({credential, usage}: Holder): boolean {
	return (
		Boolean(credential.refresh) && usage.needsLogin?.fingerprint === fingerprint(credential.refresh ?? '')
	);
}
