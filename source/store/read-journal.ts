import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {member, readTextIfThere, textMember, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {optional} from './schema.ts';

/**
 * What is known of the refreshes of one credential identity: which refresh token was about to be spent
 * and which one came of it, as fingerprints. After a crash it tells which token may have been spent.
 * Read and written by the holder of the identity's refresh lock only.
 */
export interface JournalEntry {
	/** Fingerprint of the refresh token that was sent. */
	readonly spent: string;
	readonly startedAt: number;
	/** Absent while the request is under way, and for ever if the process died. */
	readonly finishedAt?: number;
	readonly outcome?: JournalOutcome;
	/** Fingerprint of the refresh token that the server issued for it. */
	readonly issued?: string;
	/** The same where nobody held the spent token any more, and so nobody took it: a login had replaced it. */
	readonly dropped?: string;
	/** Until when (epoch ms) the server asked to be left alone. */
	readonly retryAt?: number;
}

/**
 * `refused`: the server will never take the token again; `rejected`: it did not take the request, which
 * says nothing of the token; `unknown`: no answer came that tells.
 */
const outcomes = ['refreshed', 'refused', 'rejected', 'unknown'] as const;
export type JournalOutcome = (typeof outcomes)[number];

/** The entries, oldest first. A journal that cannot be read counts as empty: it only adds knowledge. */
export function readJournal(paths: StatePaths, name: string): JournalEntry[] {
	const document = tryParseJson(readTextIfThere(journalFile(paths, name)) ?? '{}');
	const entries = member(document, 'entries');
	return (Array.isArray(entries) ? entries : []).flatMap(entry => {
		const spent = textMember(entry, 'spent');
		const startedAt = member(entry, 'startedAt');
		if (!spent || typeof startedAt !== 'number') return [];
		const finishedAt = member(entry, 'finishedAt');
		const outcome = member(entry, 'outcome');
		const retryAt = member(entry, 'retryAt');
		return [
			{
				spent,
				startedAt,
				...(typeof finishedAt === 'number' ? {finishedAt} : {}),
				...optional(
					'outcome',
					outcomes.find(known => known === outcome),
				),
				...optional('issued', textMember(entry, 'issued')),
				...optional('dropped', textMember(entry, 'dropped')),
				...(typeof retryAt === 'number' ? {retryAt} : {}),
			},
		];
	});
}

/** The entries of all journals, oldest first: for a record that knows no account, and so not which is its. */
export function readAllJournals(paths: StatePaths): JournalEntry[] {
	const entries = journalNames(paths).flatMap(name => readJournal(paths, name));
	return entries.sort((a, b) => a.startedAt - b.startedAt);
}

/** The same; none where they cannot be read, which somebody else says. */
export function journalsIfReadable(paths: StatePaths): JournalEntry[] {
	try {
		return readAllJournals(paths);
	} catch {
		return [];
	}
}

/** The journal that knows a refresh token, by its fingerprint: it was spent or issued there. */
export function journalOfToken(paths: StatePaths, token: string): string | undefined {
	return journalNames(paths).find(name =>
		readJournal(paths, name).some(entry => entry.spent === token || entry.issued === token),
	);
}

function journalNames(paths: StatePaths): string[] {
	try {
		return readdirSync(paths.journal)
			.filter(name => name.endsWith('.json'))
			.map(name => name.slice(0, -'.json'.length));
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
}

/** The file of a journal. */
export function journalFile(paths: StatePaths, name: string): string {
	return join(paths.journal, `${name}.json`);
}
