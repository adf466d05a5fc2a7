import {closeSync, fstatSync, openSync, readSync, statSync, watch} from 'node:fs';
import {basename} from 'node:path';
import {isSystemError} from '../errors.ts';
import {type AuditEntry, auditLimits} from './audit-log.ts';
import {asideLog} from './audit-rotation.ts';
import {member, textMember, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {optional} from './schema.ts';
import {ensurePrivateFolder} from './write.ts';

/** An entry as it stands in the log; a newer version may know further events. */
export interface LoggedEntry extends Omit<AuditEntry, 'event'> {
	readonly event: string;
}

/** Which entries are wanted; what is absent leaves none out. */
export interface AuditFilter {
	/** Not before this (epoch ms). */
	readonly since?: number | undefined;
	readonly events?: readonly string[] | undefined;
	readonly agentId?: string | undefined;
	readonly profileId?: string | undefined;
}

/** A place in the log: so far was it read. */
interface Place {
	readonly inode: number;
	readonly offset: number;
}

interface OpenLog {
	readonly descriptor: number;
	readonly inode: number;
	offset: number;
	/** The beginning of a line whose end is not there yet. */
	rest: Buffer;
}

const chunkBytes = 64 * 1024;

/** A line longer than this (bytes) is none of ours. */
const longestLine = 1024 * 1024;

/** By so much (ms) may entries of several processes stand in another order than their times. */
const disorderMs = 60_000;

/** Whether an entry is one of those that are wanted. */
export function isWanted(entry: LoggedEntry, {since, events, agentId, profileId}: AuditFilter): boolean {
	return (
		(since === undefined || entry.at >= since) &&
		(events === undefined || events.includes(entry.event)) &&
		(agentId === undefined || entry.agentId === agentId) &&
		(profileId === undefined || entry.profileId === profileId)
	);
}

/**
 * The newest entries that are wanted, the newest last; only so much of the log is read as they take.
 * @param limit how many at most
 * @param until where to begin, going back; the end of the log if absent
 * @throws system errors
 */
export function readAuditLog(
	paths: StatePaths,
	filter: AuditFilter,
	limit: number,
	until?: Place,
): LoggedEntry[] {
	const entries: LoggedEntry[] = [];
	for (const entry of entriesBackwards(paths, until)) {
		if (entries.length >= limit) break;
		if (filter.since !== undefined && entry.at < filter.since - disorderMs) break;
		if (isWanted(entry, filter)) entries.push(entry);
	}
	return entries.reverse();
}

/** A reading of the log that goes on. */
export interface AuditFollower {
	/** The newest entries from before it began, the newest last. */
	before(filter: AuditFilter, limit: number): LoggedEntry[];
	stop(): void;
}

/**
 * Calls `onEntries` with what is appended from now on, by whichever process, across rotation. It is woken by the
 * file system and looks at nothing in between.
 * @throws system errors
 */
export function followAuditLog(
	paths: StatePaths,
	onEntries: (entries: readonly LoggedEntry[]) => void,
): AuditFollower {
	ensurePrivateFolder(paths.root);
	// The newest is last. Those that were put aside stay open: a line may still be on its way to them.
	let logs: OpenLog[] = [];
	const look = () => {
		const entries: LoggedEntry[] = [];
		try {
			for (const log of logs) readOn(log, entries);
			const newer = openNewer(paths, logs.at(-1)?.inode);
			logs = [...logs, ...newer];
			for (const log of newer) readOn(log, entries);
			for (const log of logs.splice(0, Math.max(0, logs.length - auditLimits.kept)))
				closeSync(log.descriptor);
		} catch (error) {
			// What cannot be read now may be at the next event; nobody waits here to be told.
			if (!isSystemError(error, 'EACCES', 'EPERM', 'EIO', 'EMFILE', 'ENFILE', 'EISDIR')) throw error;
		}
		if (entries.length > 0) onEntries(entries);
	};
	const name = basename(paths.auditLog);
	const watcher = watch(paths.root, (_, changed) => {
		if (changed === null || changed.startsWith(name)) look();
	});
	watcher.on('error', () => {});
	let newest: OpenLog | undefined;
	try {
		[newest] = openNewer(paths, undefined, 0);
	} catch (error) {
		watcher.close();
		throw error;
	}
	if (newest) {
		newest.offset = fstatSync(newest.descriptor).size;
		logs = [newest];
	}
	const start = newest && {inode: newest.inode, offset: newest.offset};
	return {
		before: (filter, limit) => (start ? readAuditLog(paths, filter, limit, start) : []),
		stop() {
			watcher.close();
			for (const {descriptor} of logs.splice(0)) closeSync(descriptor);
		},
	};
}

/**
 * Opens the logs that came after one, the oldest of them first. They only ever move to higher numbers, so that
 * going up finds each; one that moved meanwhile is found twice, and counted once.
 */
function openNewer(paths: StatePaths, than: number | undefined, upTo = auditLimits.kept): OpenLog[] {
	const found: OpenLog[] = [];
	for (let number = 0; number <= upTo; number++) {
		const log = openIfThere(number === 0 ? paths.auditLog : asideLog(paths, number));
		if (!log) continue;
		const isKnown = log.inode === than;
		if (isKnown || found.some(({inode}) => inode === log.inode)) closeSync(log.descriptor);
		else found.push(log);
		if (isKnown) break;
	}
	return found.reverse();
}

function openIfThere(file: string): OpenLog | undefined {
	let descriptor: number;
	try {
		descriptor = openSync(file, 'r');
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return undefined;
		throw error;
	}
	return {descriptor, inode: fstatSync(descriptor).ino, offset: 0, rest: Buffer.alloc(0)};
}

function readOn(log: OpenLog, entries: LoggedEntry[]): void {
	const buffer = Buffer.alloc(chunkBytes);
	for (;;) {
		const read = readSync(log.descriptor, buffer, 0, chunkBytes, log.offset);
		if (read === 0) return;
		log.offset += read;
		const text = Buffer.concat([log.rest, buffer.subarray(0, read)]);
		const end = text.lastIndexOf(0x0a) + 1;
		log.rest = text.length - end > longestLine ? Buffer.alloc(0) : Buffer.from(text.subarray(end));
		for (const line of text.toString('utf8', 0, end).split('\n')) entries.push(...decodeLine(line));
	}
}

/** All entries, the newest first. */
function* entriesBackwards(paths: StatePaths, until: Place | undefined): Generator<LoggedEntry> {
	const seen = new Set<number>();
	let isBegun = until === undefined;
	for (let number = 0; number <= auditLimits.kept; number++) {
		const log = openIfThere(number === 0 ? paths.auditLog : asideLog(paths, number));
		if (!log) continue;
		try {
			isBegun ||= log.inode === until?.inode;
			if (!isBegun || seen.has(log.inode)) continue;
			seen.add(log.inode);
			const end = log.inode === until?.inode ? until.offset : fstatSync(log.descriptor).size;
			for (const line of linesBackwards(log.descriptor, end)) yield* decodeLine(line);
		} finally {
			closeSync(log.descriptor);
		}
	}
}

function* linesBackwards(descriptor: number, end: number): Generator<string> {
	let position = end;
	let rest = Buffer.alloc(0);
	while (position > 0) {
		const size = Math.min(chunkBytes, position);
		position -= size;
		const chunk = Buffer.alloc(size);
		const read = readSync(descriptor, chunk, 0, size, position);
		const text = Buffer.concat([chunk.subarray(0, read), rest]);
		// What stands before the first end of a line goes on in the chunk before.
		const begin = position === 0 ? 0 : text.indexOf(0x0a) + 1;
		const isWhole = position === 0 || begin > 0;
		if (isWhole) yield* text.toString('utf8', begin).split('\n').reverse();
		rest = isWhole ? Buffer.from(text.subarray(0, Math.max(0, begin - 1))) : text;
		if (rest.length > longestLine) rest = Buffer.alloc(0);
	}
}

// A full disk may leave the beginning of a line, behind which the next one stands: that one is whole.
function decodeLine(line: string): LoggedEntry[] {
	if (line === '') return [];
	const document = tryParseJson(line) ?? tryParseJson(line.slice(Math.max(0, line.lastIndexOf('{"at":'))));
	const at = member(document, 'at');
	const event = textMember(document, 'event');
	const by = textMember(document, 'by');
	const pid = member(document, 'pid');
	if (typeof at !== 'number' || !event || !by || typeof pid !== 'number') return [];
	const count = member(document, 'count');
	return [
		{
			...{at, event},
			...optional('agentId', textMember(document, 'agentId')),
			...optional('profileId', textMember(document, 'profileId')),
			...optional('provider', textMember(document, 'provider')),
			...optional('note', textMember(document, 'note')),
			...optional('count', typeof count === 'number' ? count : undefined),
			...{by, pid},
			...optional('parent', textMember(document, 'parent')),
		},
	];
}

/** The files of the log that there are, the newest first. */
export function auditFiles(paths: StatePaths): string[] {
	const all = Array.from({length: auditLimits.kept + 1}, (_, number) =>
		number === 0 ? paths.auditLog : asideLog(paths, number),
	);
	return all.filter(file => statSync(file, {throwIfNoEntry: false}));
}
