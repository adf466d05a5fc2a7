import type {Expires} from '../store/schema.ts';

/** How long (ms) before its end a token counts as expired at most: it must outlive the way to the server. */
export const longestSkewMs = 30_000;

/**
 * How long (ms) before `expires` a token counts as expired: half a minute, or a tenth of its lifetime if
 * that is less; nothing where the lifetime is not known (seed, "Refresh + expiry", with room for the way
 * to the provider).
 */
export function skewMs(expiresIn: number | undefined): number {
	return expiresIn === undefined ? 0 : Math.min(longestSkewMs, expiresIn * 100);
}

/** Whether a credential of this expiry is over at `now` (epoch ms), or will be within `minTtlMs`. */
export function isExpired(
	credential: {readonly expires?: Expires; readonly expiresIn?: number},
	now: number,
	minTtlMs = 0,
): boolean {
	if (credential.expires === undefined) return false;
	if (credential.expires === 'invalid') return true;
	return now >= credential.expires - Math.max(skewMs(credential.expiresIn), minTtlMs);
}
