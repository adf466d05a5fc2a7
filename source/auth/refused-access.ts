import type {Credential, UsageStats} from '../store/schema.ts';
import {fingerprint} from './identity.ts';
import type {Failure} from './routing/rotation.ts';

/**
 * An access token that its provider refuses though it has time left: revoked, or ended by a logout elsewhere.
 * Who reports the refusal does not say of which token it is, so the profile is marked with the one that it
 * holds then. One that is marked is refreshed once before it is handed out again; any other token, whoever
 * brought it, is not marked, so that nothing needs to take the mark away.
 */

/**
 * How old (ms) a token must have been when a refused request began. A younger one may have come of the refusal
 * of the one before it, reported by many at once; and where it is refused itself, a third would be as well.
 */
export const settledMs = 60_000;

/** The mark of the access token that a failure is about, if a refresh may mend it. */
export function refusedAccessOf(
	credential: Credential,
	usage: UsageStats,
	{reason, permanent, at, startedAt = at}: Failure,
): string | undefined {
	if (reason !== 'auth' || permanent === true || !canRenew(credential)) return undefined;
	return receivedAt(credential, usage) > startedAt - settledMs ? undefined : fingerprint(credential.access);
}

/** Whether it is the very access token that was reported as refused, and can be refreshed. */
export function isRefusedAccess(credential: Credential, {refusedAccess}: UsageStats): boolean {
	return (
		refusedAccess !== undefined && canRenew(credential) && refusedAccess === fingerprint(credential.access)
	);
}

type Renewable = Extract<Credential, {type: 'oauth'}> & {readonly access: string};

// What another program logs in and refreshes is for that program to renew.
function canRenew(credential: Credential): credential is Renewable {
	if (credential.type !== 'oauth' || credential.link) return false;
	return Boolean(credential.access) && Boolean(credential.refresh);
}

/** When a token came (epoch ms), as far as that is known; else long ago. */
function receivedAt({expires, expiresIn}: Renewable, {lastProven}: UsageStats): number {
	const issued = typeof expires === 'number' && expiresIn !== undefined ? expires - expiresIn * 1000 : 0;
	const isNew = lastProven?.outcome === 'refreshed' || lastProven?.outcome === 'login';
	return Math.max(issued, isNew ? lastProven.at : 0);
}
