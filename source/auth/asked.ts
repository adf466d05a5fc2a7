import {JarvisError} from '../errors.ts';
import type {ResolveRequest} from './resolve.ts';
import {type Failure, failureReasons, type Success} from './routing/rotation.ts';

/**
 * What programs ask and report, checked where it comes in: types hold for those alone who compile with them,
 * and what is not understood must neither set a profile aside nor get into a file.
 */

/** No time lies so far ahead (ms) that it was not written in another unit. */
const longestAheadMs = 100 * 365 * 24 * 3_600_000;

const texts = ['providerId', 'model', 'agentId', 'sessionKey', 'profileId'] as const;

/** @throws `usage` for a member of another form than documented */
export function assertRequest(request: Partial<ResolveRequest>): void {
	const {minTtlMs, tried} = request;
	for (const name of texts) {
		const value: unknown = request[name];
		if (value !== undefined && typeof value !== 'string') throw unfit(name, value, 'a text');
	}
	assertSpan('minTtlMs', minTtlMs);
	const isList = Array.isArray(tried) && tried.every(id => typeof id === 'string');
	if (tried !== undefined && !isList) throw unfit('tried', tried, 'a list of profile ids');
}

/**
 * @param now epoch ms
 * @throws `usage` for a member of another form than documented
 */
export function assertFailure(failure: Partial<Failure>, now: number): void {
	const {reason, permanent} = failure;
	if (!failureReasons.some(known => known === reason)) {
		throw unfit('reason', reason, `one of ${failureReasons.join(', ')}`);
	}
	if (permanent !== undefined && typeof permanent !== 'boolean') {
		throw unfit('permanent', permanent, 'true or false');
	}
	assertTime('resetAt', failure.resetAt, now);
	assertSuccess(failure, now);
}

/** The same for what is told of a success. */
export function assertSuccess({at, startedAt}: Partial<Success>, now: number): void {
	assertTime('at', at, now);
	assertTime('startedAt', startedAt, now);
}

/** @throws `usage` unless it is absent or a span of time (ms) */
export function assertSpan(name: string, value: unknown): void {
	if (value === undefined) return;
	if (typeof value === 'number' && value >= 0 && value <= longestAheadMs) return;
	throw unfit(name, value, 'a number of milliseconds, at most those of a hundred years');
}

function assertTime(name: string, value: unknown, now: number): void {
	if (value === undefined) return;
	if (typeof value === 'number' && value >= 0 && value <= now + longestAheadMs) return;
	throw unfit(name, value, 'a time in milliseconds since 1970, at most a hundred years from now');
}

// What was given is told by its form alone where it is no number: it might be a secret in the wrong place.
function unfit(name: string, value: unknown, wanted: string): JarvisError {
	const given = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
	return new JarvisError('usage', `${name} is ${given}, which is not ${wanted}.`, 'See docs/library.md.');
}
