import {JarvisError, shellWord} from '../errors.ts';
import {makePrivate} from './write.ts';

type Sqlite = typeof import('node:sqlite');
let sqlite: Sqlite | undefined;

/** A short section that one process at a time is in; the kernel ends it when the process dies. */
export interface Guard {
	/**
	 * Runs `section` if no other process is in one of the same guard file, and returns its result; returns
	 * `undefined` at once, without waiting, when one is.
	 */
	tryRun<T>(section: () => T): {readonly value: T} | undefined;
	/** The same, waiting without blocking the event loop. Throws `lock_timeout` after `timeoutMs`. */
	run<T>(section: () => T, timeoutMs: number): Promise<T>;
	/** Stays in the section until `close`, or the process's end; `false` at once when another process is in it. */
	tryHold(): boolean;
	/** Gives the file handle back. */
	close(): void;
}

/**
 * Opens a guard. The section is a write transaction of SQLite on an empty file: it is never written to,
 * but the kernel's file lock under it vanishes with the process, however that ends, so that a guard is
 * never stale. Sections must be synchronous and short.
 */
export function openGuard(file: string): Guard {
	sqlite ??= loadSqlite();
	let database: import('node:sqlite').DatabaseSync;
	try {
		database = new sqlite.DatabaseSync(file, {timeout: 0});
	} catch (error) {
		throw inaccessible(file, error);
	}
	makePrivate(file);
	// A transaction on an empty file makes its first page, and a journal for that: not on the disk.
	database.exec('PRAGMA journal_mode = MEMORY');
	const tryHold = () => {
		try {
			database.exec('BEGIN IMMEDIATE');
			return true;
		} catch (error) {
			if (isBusy(error)) return false;
			throw inaccessible(file, error);
		}
	};
	const tryRun = <T>(section: () => T): {readonly value: T} | undefined => {
		if (!tryHold()) return undefined;
		try {
			return {value: section()};
		} finally {
			database.exec('ROLLBACK');
		}
	};
	return {
		tryRun,
		tryHold,
		async run(section, timeoutMs) {
			const giveUpAt = performance.now() + timeoutMs;
			for (;;) {
				const result = tryRun(section);
				if (result) return result.value;
				if (performance.now() > giveUpAt) {
					throw new JarvisError(
						'lock_timeout',
						`Another process has been holding ${file} for over ${Math.round(timeoutMs / 1000)} s.`,
						`Find it with: fuser -v ${shellWord(file)}`,
					);
				}
				await new Promise(resume => setTimeout(resume, 1 + Math.random() * 3));
			}
		},
		close: () => database.close(),
	};
}

function inaccessible(file: string, cause: unknown): JarvisError {
	return new JarvisError(
		'store_inaccessible',
		`${file} cannot be used as a lock.`,
		`Check who owns it: ls -ld ${shellWord(file)}`,
		{cause},
	);
}

function isBusy(error: unknown): boolean {
	return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
}

// Node 22 prints a warning at the first use of node:sqlite, into the middle of whatever is on the screen.
function loadSqlite(): Sqlite {
	const emitWarning = process.emitWarning;
	process.emitWarning = () => {};
	try {
		return process.getBuiltinModule('node:sqlite');
	} finally {
		process.emitWarning = emitWarning;
	}
}
