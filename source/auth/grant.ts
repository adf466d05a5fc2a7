import type {JournalEntry} from '../store/journal.ts';
import type {OAuthCredential} from '../store/schema.ts';
import type {Holder} from './holders.ts';
import {accountOf, fingerprint} from './identity.ts';

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
	const successors = successorsOf(own.credential, journal);
	return holders
		.filter(({credential}) => {
			if (!isGood(credential)) return false;
			if (credential.refresh && successors.has(fingerprint(credential.refresh))) return true;
			const sameClient = clientOf(credential) === clientOf(own.credential);
			return account !== undefined && accountOf(credential) === account && sameClient;
		})
		.sort((a, b) => Number(b.credential.expires ?? 0) - Number(a.credential.expires ?? 0))[0];
}

/** The holder of the newest token of the record's grant, as the journal tells: mostly the record itself. */
export function newestOfGrant(
	own: Holder,
	holders: readonly Holder[],
	journal: readonly JournalEntry[],
): Holder {
	const successors = [...successorsOf(own.credential, journal)].reverse();
	for (const successor of successors) {
		const holder = holders.find(
			({credential}) => credential.refresh && fingerprint(credential.refresh) === successor,
		);
		if (holder) return holder;
	}
	return own;
}

/** Fingerprints of the refresh tokens that came of this one, oldest first. */
function successorsOf(credential: OAuthCredential, journal: readonly JournalEntry[]): Set<string> {
	const successors = new Set<string>();
	let spent: string | undefined = credential.refresh && fingerprint(credential.refresh);
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

/** Whether the server has refused the very refresh token that a record holds. */
export function isMarked({credential, usage}: Holder): boolean {
	return (
		Boolean(credential.refresh) && usage.needsLogin?.fingerprint === fingerprint(credential.refresh ?? '')
	);
}
