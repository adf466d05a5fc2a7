import {optional} from '../store/schema.ts';
import {isExpired, skewMs} from './expiry.ts';
import type {ProfileFacts} from './facts.ts';
import {stillWaiting} from './retry-after.ts';
import {countsFrom, isFromFuture} from './routing/rotation.ts';

/** Why a profile can or cannot be used now. Stable: scripts may rely on them. */
export type ReasonCode =
	| 'ok'
	| 'missing_credential'
	| 'expired'
	| 'invalid_expires'
	| 'unresolved_ref'
	| 'ineligible_profile'
	| 'excluded_by_auth_order'
	| 'cooldown'
	| 'disabled'
	| 'needs_login'
	| 'short_lived';

export type HealthStatus = 'ok' | 'expiring' | 'expired' | 'missing' | 'static';

export interface Health {
	readonly status: HealthStatus;
	readonly reason: ReasonCode;
	/** How long (ms) the present token is good for; negative once it is over. Absent without an expiry. */
	readonly remainingMs?: number;
	/** The token is over, and is refreshed when it is next used: nothing that a person need do. */
	readonly renewsOnUse: boolean;
	/** Set aside after failures, until (epoch ms). */
	readonly until?: number;
	/** It is over, and its server asked not to be asked for a new token before then (epoch ms). */
	readonly waitsUntil?: number;
	/** The program that alone can renew it, where it is linked. */
	readonly renewedBy?: string;
}

/** A token that cannot be refreshed is `expiring` in its last day. */
export const expiringWithinMs = 24 * 60 * 60 * 1000;

/** What state a profile is in at `now` (epoch ms), and why. */
export function healthOf(facts: ProfileFacts, now: number): Health {
	const reason = eligibility(facts, now);
	const remainingMs = typeof facts.expires === 'number' ? facts.expires - now : undefined;
	const until = setAsideUntil(facts, now);
	return {
		status: statusOf(facts, reason, remainingMs),
		reason: reason === 'ok' && until ? until.reason : reason,
		renewsOnUse: reason === 'ok' && facts.refreshable && isExpired(facts, now),
		...optional('remainingMs', remainingMs),
		...optional('until', until?.until),
		...optional('waitsUntil', reason === 'ok' ? waitsUntil(facts, now) : undefined),
		...optional('renewedBy', facts.link?.program),
	};
}

/**
 * Whether a profile is eligible, failures aside, and the reason if not.
 * @param minTtlMs how long (ms) what it hands out must be good for: `short_lived` where that cannot be had
 */
export function eligibility(facts: ProfileFacts, now: number, minTtlMs = 0): ReasonCode {
	if (facts.malformed) return 'ineligible_profile';
	if (!facts.hasValue && !facts.ref) return 'missing_credential';
	if (facts.expires === 'invalid') return 'invalid_expires';
	if (facts.needsLogin) return 'needs_login';
	if (!facts.refreshable && isExpired(facts, now)) return 'expired';
	if (facts.unresolved) return 'unresolved_ref';
	return minTtlMs > 0 && isShortLived(facts, now, minTtlMs) ? 'short_lived' : 'ok';
}

// Refreshing a token again and again does not make it live longer than its server lets it.
function isShortLived(facts: ProfileFacts, now: number, minTtlMs: number): boolean {
	if (!isExpired(facts, now, minTtlMs)) return false;
	return !facts.refreshable || (facts.expiresIn !== undefined && facts.expiresIn * 1000 <= minTtlMs);
}

/** The later of a profile's cooldown and its disablement, if it is in one at `now` (epoch ms). */
export function setAsideUntil(
	facts: Pick<ProfileFacts, 'usage'>,
	now: number,
): {readonly reason: 'cooldown' | 'disabled'; readonly until: number} | undefined {
	const {cooldownUntil = 0, disabledUntil = 0} = facts.usage;
	const until = Math.max(cooldownUntil, disabledUntil);
	if (until <= now || isFromFuture(facts.usage, now)) return undefined;
	return {reason: disabledUntil >= cooldownUntil ? 'disabled' : 'cooldown', until};
}

/**
 * Until when (epoch ms) a token that is over stays so, because its server asked not to be asked before.
 * @param minTtlMs how long (ms) what it hands out must be good for
 */
export function waitsUntil(facts: ProfileFacts, now: number, minTtlMs = 0): number | undefined {
	if (!facts.wait || !facts.refreshable || !isExpired(facts, now, minTtlMs)) return undefined;
	return stillWaiting(facts.wait, now);
}

/**
 * When time alone next changes a profile's health (epoch ms), but for how long its token is good, which always does;
 * infinite where it never does.
 */
export function nextHealthChange(facts: ProfileFacts, now: number): number {
	const {expires, expiresIn, usage, wait} = facts;
	const ends =
		typeof expires === 'number' ? [0, skewMs(expiresIn), expiringWithinMs].map(ms => expires - ms) : [];
	const returns = [setAsideUntil(facts, now)?.until, waitsUntil(facts, now)].flatMap(at => at ?? []);
	// What a clock that was ahead has noted counts later.
	const begins = [countsFrom(usage), ...(wait ? [wait.finishedAt] : [])];
	let next = Number.POSITIVE_INFINITY;
	for (const at of [...ends, ...returns, ...begins]) if (at > now && at < next) next = at;
	return next;
}

/** How much a profile wants a person's eye: the lower, the sooner it is shown. */
export function attentionRank(health: Health): number {
	if (health.reason === 'needs_login') return 0;
	if (health.status === 'expired') return 1;
	if (health.status === 'missing') return 2;
	if (health.reason === 'disabled') return 3;
	if (health.reason === 'cooldown' || health.waitsUntil !== undefined) return 4;
	if (health.status === 'expiring') return 5;
	return health.status === 'ok' ? 6 : 7;
}

/** Whether only a person can make the profile usable again. */
export function needsPerson(health: Health): boolean {
	return attentionRank(health) <= 2;
}

function statusOf(facts: ProfileFacts, reason: ReasonCode, remainingMs: number | undefined): HealthStatus {
	switch (reason) {
		case 'missing_credential':
		case 'unresolved_ref':
		case 'ineligible_profile':
		case 'invalid_expires':
			return 'missing';
		case 'expired':
		case 'needs_login':
			return 'expired';
		default:
			if (remainingMs === undefined) return 'static';
			return isLeftToPerson(facts) && remainingMs <= expiringWithinMs ? 'expiring' : 'ok';
	}
}

/**
 * Whether only a person keeps a token from running out: its own program renews a linked one before its end, as a
 * refresh does here.
 */
export function isLeftToPerson({refreshable, link}: Pick<ProfileFacts, 'refreshable' | 'link'>): boolean {
	return !refreshable && !link;
}
