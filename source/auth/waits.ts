import type {StatePaths} from '../store/paths.ts';
import {type JournalEntry, journalsIfReadable} from '../store/read-journal.ts';
import type {Wait} from './facts.ts';

/** The waits that servers asked for, by the fingerprint of the refresh token that they were asked with. */
export type Waits = ReadonlyMap<string, Wait>;

/** The waits that journals know of, oldest entry first: the last reply to a token is the one that holds. */
export function waitsIn(entries: readonly JournalEntry[]): Waits {
	const waits = new Map<string, Wait>();
	for (const {spent, finishedAt, retryAt, outcome} of entries) {
		const isOver = outcome === 'refreshed' || outcome === 'refused';
		if (isOver || finishedAt === undefined || retryAt === undefined) waits.delete(spent);
		else waits.set(spent, {finishedAt, retryAt});
	}
	return waits;
}

/** The same of a state folder. Never throws: journals that cannot be read tell of none. */
export function readWaits(paths: StatePaths): Waits {
	return waitsIn(journalsIfReadable(paths));
}
