import type {StatePaths} from '../../store/paths.ts';
import {type JournalEntry, readAllJournals} from '../../store/read-journal.ts';
import type {Credential, OAuthCredential, UsageStats} from '../../store/schema.ts';
import {handedOutSecret} from '../facts.ts';
import {accountOf, fingerprint} from '../identity.ts';

/** How a credential that comes from elsewhere stands to one that is stored. */

/** Whether two credentials are the same secret, or of the same grant. */
export function isSameSecret(a: Credential, b: Credential): boolean {
	if (a.type !== b.type || a.provider !== b.provider) return false;
	if (a.type === 'oauth' && b.type === 'oauth' && a.refresh !== undefined && b.refresh !== undefined) {
		return a.refresh === b.refresh;
	}
	const secret = handedOutSecret(a);
	return secret !== undefined && secret === handedOutSecret(b);
}

/** Whether two OAuth credentials are known to be of one account. */
export function isSameAccount(a: OAuthCredential, b: OAuthCredential): boolean {
	if (a.provider !== b.provider) return false;
	if (a.accountId && b.accountId)
		return a.accountId === b.accountId && (!a.email || !b.email || a.email === b.email);
	return a.email !== undefined && a.email === b.email;
}

/**
 * Whether what comes in is newer than what is stored: by the time at which the access tokens run out, which
 * is later for the one that was issued later. Of what does not run out nothing is told: that is not newer.
 */
export function isNewer(incoming: Credential, stored: Credential): boolean {
	return timeOf(incoming) > timeOf(stored);
}

/** When JARVIS itself spent a refresh token (epoch ms), if it did: whoever still holds it is behind. */
export function spentAt(
	journal: readonly JournalEntry[],
	{refresh}: Pick<OAuthCredential, 'refresh'>,
): number | undefined {
	if (refresh === undefined) return undefined;
	const spent = fingerprint(refresh);
	return journal.find(entry => entry.spent === spent && entry.outcome === 'refreshed')?.startedAt;
}

/** All that is known here of tokens that were spent. A journal that cannot be read knows nothing. */
export function knownJournal(paths: StatePaths): readonly JournalEntry[] {
	try {
		return readAllJournals(paths);
	} catch {
		return [];
	}
}

/** Whether the server has refused the refresh token that a stored credential has: anything else is better. */
export function isRefused(stored: Credential, usage: UsageStats | undefined): boolean {
	if (stored.type !== 'oauth' || !stored.refresh || !usage?.needsLogin) return false;
	return usage.needsLogin.fingerprint === fingerprint(stored.refresh);
}

/** A credential's account in words for a person. */
export function accountWords(credential: Credential): string | undefined {
	return credential.type === 'oauth' ? (credential.email ?? accountOf(credential)) : credential.email;
}

function timeOf({expires}: Credential): number {
	return typeof expires === 'number' ? expires : 0;
}
