/** How long (ms) to leave alone what could not be refreshed, doubling up to the longest. */
const firstPauseMs = 30_000;
const longestPauseMs = 15 * 60_000;

/** How long (ms) to wait after so many failures in a row. */
export function pauseAfter(failures: number): number {
	return Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
}

/** The longest (ms) that is slept at once: so far may a clock that was set, or a machine that slept, be off. */
export const longestSleepMs = 60_000;
