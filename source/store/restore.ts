import {constants, copyFileSync, readFileSync, renameSync} from 'node:fs';
import {basename, join} from 'node:path';
import {readTextIfThere} from './json.ts';
import {withLock} from './lock.ts';
import type {StatePaths} from './paths.ts';
import {backupPaths, ensurePrivateFolder, followLink, makePrivate, writeDurably} from './write.ts';

/** What stands after a file's name where a damaged version of it is kept beside it. */
export const damagedMark = '.damaged-';

/** The folder of a state folder to which is moved what may hold the only copy of a secret. */
export const salvagedFolder = (root: string) => join(root, 'salvaged');

/** The newest backup of a file that can be read as what it should be. */
export function goodBackup(file: string, isGood: (text: string) => boolean): string | undefined {
	return backupPaths(followLink(file)).find(backup => {
		try {
			const text = readTextIfThere(backup);
			return text !== undefined && isGood(text);
		} catch {
			return false;
		}
	});
}

/**
 * Puts a backup in the place of a damaged file, which is kept beside it. A file that is good again is left alone.
 * @param locks the folder of locks, and `lockName` the one of the file
 * @param carry the text to put there, of the backup's and the damaged file's
 * @throws `lock_timeout`, `lock_lost`, system errors
 */
export async function restoreBackup(
	{locks, lockName}: {readonly locks: string; readonly lockName: string},
	file: string,
	backup: string,
	isGood: (text: string) => boolean,
	carry: (backup: string, damaged: string) => string = text => text,
): Promise<void> {
	await withLock(locks, lockName, lock =>
		lock.commit(() => {
			const damaged = readTextIfThere(file) ?? '';
			if (isGood(damaged)) return;
			const target = followLink(file);
			const kept = `${target}${damagedMark}${new Date().toISOString().replaceAll(':', '-')}`;
			copyFileSync(target, kept, constants.COPYFILE_EXCL);
			makePrivate(kept);
			writeDurably(file, carry(readFileSync(backup, 'utf8'), damaged));
		}),
	);
}

/** Moves a file to `salvaged/` in the state folder, under a name of its own. Throws system errors. */
export function salvage({root}: Pick<StatePaths, 'root'>, file: string): void {
	const folder = salvagedFolder(root);
	ensurePrivateFolder(folder);
	const name = basename(file).replace(/\.tmp$/, '');
	const target = join(folder, `${name}-${new Date().toISOString().replaceAll(':', '-')}`);
	renameSync(file, target);
	makePrivate(target);
}
