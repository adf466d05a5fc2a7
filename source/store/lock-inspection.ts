import {readdirSync, rmSync, statSync} from 'node:fs';
import {isSystemError} from '../errors.ts';
import {openGuard} from './guard.ts';
import {type LockOwner, lockPaths, readOwner} from './lock.ts';
import {livenessOf} from './process-identity.ts';

/** A lock that is held, or was left behind. */
export interface FoundLock {
	readonly name: string;
	/** The folder that is the lock. */
	readonly held: string;
	readonly owner?: LockOwner;
	readonly liveness: 'dead' | 'alive' | 'unknown';
	/** The holder's last sign of life (epoch ms, by the file system's clock). */
	readonly beatAt: number;
}

/** All locks of a folder. Throws system errors. */
export function listLocks(folder: string): FoundLock[] {
	return namesIn(folder).flatMap(name => {
		const {held, owner: file} = lockPaths(folder, name);
		const beatAt = statSync(held, {throwIfNoEntry: false})?.mtimeMs;
		if (beatAt === undefined) return [];
		const owner = readOwner({owner: file});
		// Without a record its taker died while taking it, or is just writing it: the guard tells.
		return [{name, held, beatAt, liveness: owner ? livenessOf(owner) : 'unknown', ...(owner ? {owner} : {})}];
	});
}

/**
 * Removes a lock if its owner is dead beyond doubt, or died while taking it. Returns whether it did. Throws system
 * errors.
 */
export function removeDeadLock(folder: string, name: string): boolean {
	const paths = lockPaths(folder, name);
	const guard = openGuard(paths.guard);
	try {
		const removed = guard.tryRun(() => {
			const owner = readOwner(paths);
			if (owner && livenessOf(owner) !== 'dead') return false;
			rmSync(paths.held, {recursive: true, force: true});
			return true;
		});
		return removed?.value ?? false;
	} finally {
		guard.close();
	}
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder)
			.filter(name => name.endsWith('.held'))
			.map(name => name.slice(0, -'.held'.length))
			.sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
}
