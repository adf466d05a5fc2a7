import type {StatePaths} from './paths.ts';
import {type JournalEntry, journalFile, readJournal} from './read-journal.ts';
import {writeDurably} from './write.ts';

/** So many attempts are kept that came to nothing, or are under way: a server that is away must not push out what follows. */
const keptAttempts = 20;

/**
 * So many refreshes are kept: a token that was spent in one of them is known when a backup brings it back. Those of an
 * agent that refreshes seldom stand among those of all that hold the same account.
 */
const keptRefreshes = 200;

/** Adds or replaces (same `spent` and `startedAt`) an entry, durably. */
export function writeJournal(paths: StatePaths, name: string, entry: JournalEntry): void {
	const others = readJournal(paths, name).filter(
		other => other.spent !== entry.spent || other.startedAt !== entry.startedAt,
	);
	const entries = newest([...others, entry]);
	writeDurably(journalFile(paths, name), `${JSON.stringify({version: 1, entries}, undefined, 2)}\n`);
}

function newest(entries: readonly JournalEntry[]): JournalEntry[] {
	const isRefresh = ({outcome}: JournalEntry) => outcome === 'refreshed';
	const kept = new Set([
		...entries.filter(isRefresh).slice(-keptRefreshes),
		...entries.filter(entry => !isRefresh(entry)).slice(-keptAttempts),
	]);
	return entries.filter(entry => kept.has(entry));
}
