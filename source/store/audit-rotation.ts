import {rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {AuditLimits} from './audit-log.ts';
import {openGuard} from './guard.ts';
import type {StatePaths} from './paths.ts';
import {ensurePrivateFolder, moveIfThere} from './write.ts';

/** A log that was put aside: 1 is the newest. */
export function asideLog({auditLog}: StatePaths, number: number): string {
	return `${auditLog}.${number}`;
}

/**
 * Puts the log aside if it has grown to its limit, and drops the oldest beyond those that are kept. Of several
 * processes that find it too long one does it, in a guard that ends with its process. Only names change: a line
 * that is being written meanwhile goes to the end of the file that it was begun in. Killed in the middle, it
 * leaves a number free, up to which the next one moves.
 * @throws system errors
 */
export function rotateAuditLog(paths: StatePaths, {bytes, kept}: AuditLimits): void {
	ensurePrivateFolder(paths.locks);
	const guard = openGuard(join(paths.locks, 'audit.guard'));
	try {
		guard.tryRun(() => {
			const size = statSync(paths.auditLog, {throwIfNoEntry: false})?.size ?? 0;
			if (size < bytes) return;
			const free = firstFree(paths, kept);
			if (free > kept) rmSync(asideLog(paths, kept), {force: true});
			for (let number = Math.min(free, kept); number > 1; number--) {
				moveIfThere(asideLog(paths, number - 1), asideLog(paths, number));
			}
			moveIfThere(paths.auditLog, asideLog(paths, 1));
		});
	} finally {
		guard.close();
	}
}

function firstFree(paths: StatePaths, kept: number): number {
	let number = 1;
	while (number <= kept && statSync(asideLog(paths, number), {throwIfNoEntry: false})) number += 1;
	return number;
}
