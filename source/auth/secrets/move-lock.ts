import {type HeldLock, withLock} from '../../store/lock.ts';
import type {StatePaths} from '../../store/paths.ts';

/**
 * How long (ms) to wait for another process that moves secrets: it asks the keychain several times, which may
 * keep it waiting for a person each time. Its lock is not taken from it for that, as it shows signs of life.
 */
export const movesWaitMs = 180_000;

/**
 * Runs `work` while no other process moves secrets or takes sealed ones away: between the moment at which a secret
 * is sealed and the one at which its file names it, nothing else tells that it is needed. Taken before the locks of
 * `sealed.json` and of the stores, and after the plan's.
 * @throws `lock_timeout`, and what `work` throws
 */
export function whileMoving<T>(paths: StatePaths, work: (lock: HeldLock) => Promise<T>): Promise<T> {
	return withLock(paths.locks, 'secrets-move', work, {waitMs: movesWaitMs});
}
