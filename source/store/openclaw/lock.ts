import {closeSync, openSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {isSystemError, JarvisError} from '../../errors.ts';
import {member, readTextIfThere, tryParseJson} from '../json.ts';
import {ensurePrivateFolder} from '../write.ts';

/** openclaw takes a lock that is older than this (ms) for one that was left behind. */
const staleAfterMs = 30_000;
const waitMs = 10_000;

/**
 * Runs `work` under the lock that openclaw itself takes on one of its files: a file `<file>.lock` with the
 * pid of its holder.
 * @throws `lock_timeout`, system errors, and what `work` throws
 */
export async function withOpenclawLock<T>(file: string, work: () => Promise<T>): Promise<T> {
	const lock = `${file}.lock`;
	ensurePrivateFolder(dirname(file));
	const until = performance.now() + waitMs;
	while (!take(lock)) {
		if (isLeftBehind(lock)) rmSync(lock, {force: true});
		else if (performance.now() > until) throw busy(file);
		else await sleep(50);
	}
	try {
		return await work();
	} finally {
		rmSync(lock, {force: true});
	}
}

function take(lock: string): boolean {
	try {
		const descriptor = openSync(lock, 'wx', 0o600);
		try {
			const holder = {pid: process.pid, createdAt: new Date().toISOString()};
			writeFileSync(descriptor, JSON.stringify(holder, undefined, 2));
		} finally {
			closeSync(descriptor);
		}
		return true;
	} catch (error) {
		if (isSystemError(error, 'EEXIST')) return false;
		throw error;
	}
}

function isLeftBehind(lock: string): boolean {
	const takenAt = statSync(lock, {throwIfNoEntry: false})?.mtimeMs;
	if (takenAt === undefined) return false;
	const pid = member(tryParseJson(readTextIfThere(lock) ?? ''), 'pid');
	if (typeof pid === 'number' && !isAlive(pid)) return true;
	return Date.now() - takenAt > staleAfterMs;
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return isSystemError(error, 'EPERM');
	}
}

function busy(file: string): JarvisError {
	return new JarvisError(
		'lock_timeout',
		`openclaw holds its lock on ${file}. Nothing more was written.`,
		'Stop openclaw, or wait until it is done, and run the command again: what is there already stays.',
	);
}
