import {lstatSync, readdirSync, type Stats, statSync} from 'node:fs';
import {join, sep} from 'node:path';
import {isSystemError} from '../errors.ts';
import type {StatePaths} from './paths.ts';

/** A file or folder of the state folder; of a link, what it leads to. */
export interface StateFile {
	readonly path: string;
	readonly stats: Stats;
}

/**
 * All that is in the state folder, itself first. Code that was installed, and what is in a folder that a link leads
 * to, is not the program's own; a lock that is held is looked at by whoever knows locks. What cannot be looked at is
 * passed over.
 */
export function* stateFiles({root}: StatePaths): Generator<StateFile> {
	const stats = statIfThere(root);
	if (!stats) return;
	yield {path: root, stats};
	// The state folder itself may be a link.
	if (stats.isDirectory()) yield* filesIn(root);
}

function* filesIn(folder: string): Generator<StateFile> {
	for (const name of namesIn(folder)) {
		const path = join(folder, name);
		const stats = name.endsWith('.held') ? undefined : statIfThere(path);
		if (!stats) continue;
		yield {path, stats};
		const isOwn = name !== '.packages' && !lstatSync(path, {throwIfNoEntry: false})?.isSymbolicLink();
		if (stats.isDirectory() && isOwn) yield* filesIn(path);
	}
}

/** The rights (bits of a mode) that others have to a file or folder and are not to have; 0 where all is well. */
export function rightsTooMany({plugins}: StatePaths, {path, stats}: StateFile): number {
	if (!stats.isDirectory() && !stats.isFile()) return 0;
	// A plugin may be read by all; that others may change it is another matter.
	const isPlugin = path === plugins || path.startsWith(join(plugins, sep));
	return stats.mode & (isPlugin ? 0o022 : 0o077);
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch (error) {
		if (isSystemError(error, 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR')) return [];
		throw error;
	}
}

function statIfThere(path: string): Stats | undefined {
	try {
		return statSync(path);
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'ELOOP', 'ENOTDIR')) return undefined;
		throw error;
	}
}
