import type {StatePaths} from './paths.ts';
import {type JournalEntry, journalFile, readJournal} from './read-journal.ts';
import {writeDurably} from './write.ts';

/** Enough to follow a token that was spent several refreshes ago. */
const keptEntries = 20;

/** Adds or replaces (same `spent` and `startedAt`) an entry, durably. */
export function writeJournal(paths: StatePaths, name: string, entry: JournalEntry): void {
	const others = readJournal(paths, name).filter(
		other => other.spent !== entry.spent || other.startedAt !== entry.startedAt,
	);
	const entries = [...others, entry].slice(-keptEntries);
	writeDurably(journalFile(paths, name), `${JSON.stringify({version: 1, entries}, undefined, 2)}\n`);
}
