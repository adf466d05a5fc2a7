import {mkdirSync, statSync} from 'node:fs';
import {dirname} from 'node:path';
import {isSystemError, JarvisError, shellWord} from '../errors.ts';

/**
 * Makes a folder, and those above it that are missing, for its owner alone (0700). Returns whether it was not there.
 *
 * Level by level, and not by `recursive`: that tries for ever where the system has no such folder although the one
 * above is there, as below `/proc`.
 * @throws `store_inaccessible` there, and where something else stands in its place; system errors
 */
export function makeFolder(folder: string): boolean {
	const outcome = tryToMake(folder);
	if (outcome !== 'ENOENT') return outcome;
	const above = dirname(folder);
	if (above !== folder && !isFolder(above)) makeFolder(above);
	// Another process may have made the one above just now, too.
	const again = tryToMake(folder);
	if (again !== 'ENOENT') return again;
	throw inaccessible(folder, 'cannot be made');
}

function tryToMake(folder: string): boolean | 'ENOENT' {
	try {
		mkdirSync(folder, 0o700);
		return true;
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return 'ENOENT';
		if (!isSystemError(error, 'EEXIST')) throw error;
		if (isFolder(folder)) return false;
		throw inaccessible(folder, 'is no folder');
	}
}

function isFolder(path: string): boolean {
	return statSync(path, {throwIfNoEntry: false})?.isDirectory() ?? false;
}

function inaccessible(folder: string, what: string): JarvisError {
	return new JarvisError(
		'store_inaccessible',
		`The folder ${folder} ${what}.`,
		`See what is there: ls -ld ${shellWord(folder)} ${shellWord(dirname(folder))}`,
	);
}
