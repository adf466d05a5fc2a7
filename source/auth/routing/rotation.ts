import type {CooldownConfig} from '../../store/config.ts';
import {failureMembers, type UsagePatch} from '../../store/edit.ts';
import type {UsageStats} from '../../store/schema.ts';

/**
 * What a failure in use is about. A timeout and a network failure say nothing of the credential, and set
 * nothing aside.
 */
export const failureReasons = ['auth', 'rate_limit', 'billing', 'format', 'timeout', 'network'] as const;
export type FailureReason = (typeof failureReasons)[number];

export interface Failure {
	readonly reason: FailureReason;
	/** When it was seen (epoch ms). */
	readonly at: number;
	/** When the request began (epoch ms): one that began before an earlier failure tells nothing new. */
	readonly startedAt?: number | undefined;
	/** When the provider says that the profile can be used again (epoch ms): it knows best. */
	readonly resetAt?: number | undefined;
	/** The credential will never work again (a key that was revoked): only with `auth`. */
	readonly permanent?: boolean | undefined;
}

export interface Success {
	/** When it was seen (epoch ms). */
	readonly at: number;
	/** When the request began (epoch ms): one that began before a failure does not undo it. */
	readonly startedAt?: number | undefined;
}

const minute = 60_000;
const hour = 60 * minute;

/** The longest cooldown (ms) that is reckoned here; a provider may ask for a longer one. */
export const longestCooldownMs = hour;

/** The cooldown (ms) after so many failures in a row: 1, 5 and 25 minutes, then an hour. */
export function cooldownMs(errorCount: number): number {
	return Math.min(5 ** (Math.max(1, errorCount) - 1) * minute, longestCooldownMs);
}

/** For how long (ms) a profile is disabled when that happens for the n-th time in a row. */
export function disabledMs(disabledCount: number, provider: string, config: CooldownConfig): number {
	const first = config.billingBackoffHoursByProvider.get(provider) ?? config.billingBackoffHours;
	return Math.min(first * 2 ** (Math.max(1, disabledCount) - 1), config.billingMaxHours) * hour;
}

/**
 * What a failure changes in a profile's usage (docs/routing.md). A profile is set aside once: failures
 * while it is, or of requests that were already under way when it was, are counted and noted, and change
 * nothing else, so that no number of retries keeps it away for longer. Billing counts apart, since a
 * cooldown says nothing of it.
 * @param refusedAccess the mark of the access token that it is about, if a refresh may mend it
 */
export function afterFailure(
	usage: UsageStats,
	failure: Failure,
	provider: string,
	config: CooldownConfig,
	refusedAccess?: string,
): UsagePatch {
	const {reason, at, resetAt} = failure;
	if (reason === 'timeout' || reason === 'network') return counted(usage.failureCounts, reason);

	const isOld =
		usage.lastFailureAt !== undefined && at - lastFailure(usage, at) > config.failureWindowHours * hour;
	const failed = {
		...(isFromFuture(usage, at) ? forgotten : {}),
		...counted(isOld ? undefined : usage.failureCounts, reason),
		lastFailureAt: Math.max(at, lastFailure(usage, at)),
		lastProven: {at, outcome: reason},
	};
	const disables = reason === 'billing' || (reason === 'auth' && failure.permanent === true);
	const until = disables ? 'disabledUntil' : 'cooldownUntil';
	// The provider's own word replaces what was reckoned here, whether that was longer or shorter.
	const reset = resetAt !== undefined && resetAt > at ? resetAt : undefined;
	// Why it is set aside is told by what set it aside, and not by what came after it.
	const because = {...failed, lastFailureReason: reason};
	if (isSetAside(usage, failure, disables))
		return reset === undefined ? failed : {...because, [until]: reset};

	const errorCount = (isOld ? 0 : (usage.errorCount ?? 0)) + 1;
	if (!disables) {
		const mark = refusedAccess === undefined ? {} : {refusedAccess};
		return {...because, ...mark, errorCount, cooldownUntil: reset ?? at + cooldownMs(errorCount)};
	}
	const disabledCount = (isOld ? 0 : (usage.disabledCount ?? 0)) + 1;
	return {
		...because,
		...{errorCount, disabledCount, disabledReason: reason},
		disabledUntil: reset ?? at + disabledMs(disabledCount, provider, config),
	};
}

/**
 * What a success changes: the failures are forgotten, unless the request began before the last of them.
 * `isProof` is false for such a one: it does not make the profile the last good one.
 */
export function afterSuccess(
	usage: UsageStats,
	{at, startedAt = at}: Success,
): {readonly patch: UsagePatch; readonly isProof: boolean} {
	const lastUsed = Math.max(at, usage.lastUsed ?? 0);
	if (startedAt < lastFailure(usage, at)) return {patch: {lastUsed}, isProof: false};
	return {patch: {...forgotten, lastUsed, lastProven: {at, outcome: 'used'}}, isProof: true};
}

/**
 * Whether a failure was noted by a clock that has been set back since: nobody knows when it was, and what
 * was reckoned from it counts for nothing. Two processes' reports may be a little out of order.
 */
export function isFromFuture(usage: UsageStats, now: number): boolean {
	return countsFrom(usage) > now;
}

/** From when on (epoch ms) the last failure is not from the future. */
export function countsFrom({lastFailureAt = 0}: UsageStats): number {
	return lastFailureAt - minute;
}

/** Takes away all that is known of a profile's failures. */
export const forgotten: UsagePatch = Object.fromEntries(failureMembers.map(name => [name, undefined]));

function counted(counts: UsageStats['failureCounts'], reason: FailureReason) {
	return {failureCounts: Object.fromEntries([...(counts ?? []), [reason, (counts?.get(reason) ?? 0) + 1]])};
}

function isSetAside(usage: UsageStats, {at, startedAt = at}: Failure, disables: boolean): boolean {
	if (isFromFuture(usage, at)) return false;
	if ((usage.disabledUntil ?? 0) > at) return true;
	if (disables) return false;
	return (usage.cooldownUntil ?? 0) > at || startedAt < lastFailure(usage, at);
}

function lastFailure(usage: UsageStats, at: number): number {
	return isFromFuture(usage, at) ? 0 : (usage.lastFailureAt ?? 0);
}
