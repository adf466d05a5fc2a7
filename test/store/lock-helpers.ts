import {utimesSync} from 'node:fs';
import {acquireLock, type HeldLock, type LockOptions} from '../../source/store/lock.ts';
import {startWorker, type Worker} from '../support/workers.ts';
import type {LockWorker} from './lock-worker.ts';

/** As long as a lock that is free or stale may take on a busy machine, and shorter than any limit. */
export const soon = {waitMs: 2000};

/** A process that can be told to take and release a lock. */
export function lockWorker(): Promise<Worker<LockWorker>> {
	return startWorker<LockWorker>(new URL('lock-worker.ts', import.meta.url));
}

/** A process that holds the lock `x` of a folder. */
export async function holdingWorker(
	folder: string,
	options: Parameters<LockWorker['acquire']>[2] = {},
): Promise<Worker<LockWorker>> {
	const worker = await lockWorker();
	await worker.call('acquire', folder, 'x', options);
	return worker;
}

/** Takes the lock `x` of a folder in this process. */
export async function take(folder: string, options: LockOptions = {}): Promise<HeldLock> {
	const lock = await acquireLock(folder, 'x', options);
	if (!lock) throw new Error('The lock was not taken.');
	return lock;
}

/** Sets a file's or folder's time to one before or after now. */
export function touch(path: string, byMs: number): void {
	const time = (Date.now() + byMs) / 1000;
	utimesSync(path, time, time);
}
