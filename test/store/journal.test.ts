import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {writeJournal} from '../../source/store/journal.ts';
import {type JournalEntry, journalOfToken, readJournal} from '../../source/store/read-journal.ts';
import {emptyState, exposed, names, put} from '../support/state-folder.ts';

const started: JournalEntry = {spent: 'fingerprint-1', startedAt: 5};
const finished: JournalEntry = {...started, finishedAt: 6, outcome: 'refreshed', issued: 'fingerprint-2'};

describe('a journal', () => {
	it('that is not there is empty', () => {
		expect(readJournal(emptyState(), 'identity')).toEqual([]);
	});

	it('gives back what was written, oldest first, one for each identity', () => {
		const paths = emptyState();
		const next: JournalEntry = {spent: 'fingerprint-2', startedAt: 7, finishedAt: 8, outcome: 'unknown'};
		writeJournal(paths, 'identity', finished);
		writeJournal(paths, 'identity', next);
		writeJournal(paths, 'other', started);
		expect(readJournal(paths, 'identity')).toEqual([finished, next]);
		expect(readJournal(paths, 'other')).toEqual([started]);
	});

	it('tells a refresh that was begun from one that came to an end', () => {
		const paths = emptyState();
		writeJournal(paths, 'identity', started);
		expect(readJournal(paths, 'identity')).toEqual([started]);
		writeJournal(paths, 'identity', finished);
		expect(readJournal(paths, 'identity')).toEqual([finished]);
	});

	it('keeps until when the server asked to be left alone', () => {
		const paths = emptyState();
		const busy: JournalEntry = {...started, finishedAt: 6, outcome: 'unknown', retryAt: 9};
		writeJournal(paths, 'identity', busy);
		expect(readJournal(paths, 'identity')).toEqual([busy]);
	});

	it('is found by a token that was spent or issued in it', () => {
		const paths = emptyState();
		writeJournal(paths, 'identity', finished);
		expect(journalOfToken(paths, 'fingerprint-1')).toBe('identity');
		expect(journalOfToken(paths, 'fingerprint-2')).toBe('identity');
		expect(journalOfToken(paths, 'fingerprint-3')).toBeUndefined();
	});

	it('keeps two attempts with the same token apart', () => {
		const paths = emptyState();
		writeJournal(paths, 'identity', started);
		writeJournal(paths, 'identity', {...started, startedAt: 9});
		expect(readJournal(paths, 'identity').map(({startedAt}) => startedAt)).toEqual([5, 9]);
	});

	it('keeps the newest twenty attempts and two hundred refreshes, neither at the cost of the other', () => {
		const paths = emptyState();
		const turns = (from: number, count: number) => Array.from({length: count}, (_, index) => from + index);
		// Written as it is, since each entry by itself is flushed to the disk.
		const refreshes = turns(1, 200).map(turn => ({...finished, spent: `f-${turn}`, startedAt: turn}));
		put(join(paths.journal, 'identity.json'), {version: 1, entries: refreshes});
		for (const turn of turns(201, 25)) writeJournal(paths, 'identity', {spent: 'away', startedAt: turn});
		writeJournal(paths, 'identity', {...finished, spent: 'f-last', startedAt: 300});
		const kept = readJournal(paths, 'identity').map(({startedAt}) => startedAt);
		expect(kept).toEqual([...turns(2, 199), ...turns(206, 20), 300]);
	});

	it('is private, and leaves nothing else behind', () => {
		const paths = emptyState();
		writeJournal(paths, 'identity', started);
		writeJournal(paths, 'identity', finished);
		expect(names(paths.journal)).toEqual(['identity.json']);
		expect(exposed(paths.root)).toEqual([]);
	});

	it.each([
		['damaged', '{"entries": [{"spent": "f"'],
		['empty', ''],
		['of another form', '{"entries": {"spent": "f"}}'],
	])('that is %s counts as empty, and is written anew', (_, content) => {
		const paths = emptyState();
		put(join(paths.journal, 'identity.json'), content);
		expect(readJournal(paths, 'identity')).toEqual([]);
		writeJournal(paths, 'identity', started);
		expect(readJournal(paths, 'identity')).toEqual([started]);
	});

	it('leaves out entries that say nothing', () => {
		const paths = emptyState();
		const odd = [
			null,
			{spent: 'f'},
			{startedAt: 5},
			{spent: 5, startedAt: 5},
			{...started, outcome: 'magic'},
		];
		put(join(paths.journal, 'identity.json'), {version: 1, entries: [...odd, finished]});
		expect(readJournal(paths, 'identity')).toEqual([started, finished]);
	});
});
