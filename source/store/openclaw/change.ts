import {createHash} from 'node:crypto';
import {existsSync, lstatSync} from 'node:fs';
import {basename, dirname, isAbsolute, join, relative} from 'node:path';
import {JarvisError} from '../../errors.ts';
import {serializeDocument} from '../edit.ts';
import type {JsonObject} from '../json.ts';
import type {StatePaths} from '../paths.ts';
import {updateJsonFile} from '../update-json.ts';
import {followLink} from '../write.ts';
import {withOpenclawLock} from './lock.ts';

/** The state folder of openclaw that is written to, and JARVIS's own. */
export interface OpenclawTarget {
	readonly paths: StatePaths;
	readonly root: string;
}

/**
 * Changes a file of openclaw, under its own lock and JARVIS's.
 * @throws what `assertOpenclawFile`, `withOpenclawLock` and `updateJsonFile` throw, and what `edit` throws
 */
export function changeOpenclawFile<T>(
	target: OpenclawTarget,
	file: string,
	edit: (document: JsonObject) => T,
	serialize: (document: JsonObject) => string = serializeDocument,
): Promise<T> {
	// Before the lock, which makes a file and folders beside it; and again when it is written.
	assertOpenclawFile(target, file);
	return withOpenclawLock(file, () =>
		updateJsonFile({
			...{file, serialize, edit},
			locks: target.paths.locks,
			lockName: `openclaw-${createHash('sha256').update(file).digest('hex').slice(0, 32)}`,
			beforeWrite: () => assertOpenclawFile(target, file),
		}),
	);
}

/**
 * Makes sure that a file of openclaw is in its folder, whatever links lead there, and is none of JARVIS's own:
 * taking the refresh tokens out of it would take them out of the store.
 * @throws `export_refused`, system errors
 */
export function assertOpenclawFile({paths, root}: OpenclawTarget, file: string): void {
	const isOurs = isWithin(paths.root, file);
	if (!isOurs && isWithin(root, file)) return;
	throw new JarvisError(
		'export_refused',
		`${file} is outside of ${root}: it is ${realPath(file)}${isOurs ? ', in the state folder of JARVIS itself' : ''}. It was not written.`,
		'Take away the link that leads there, or agentDir in agents.list of openclaw.json; or name the folder that it is in.',
	);
}

/** Whether a path is a folder or below it, whatever links lead there. */
export function isWithin(folder: string, path: string): boolean {
	const between = relative(realPath(folder), realPath(path));
	return !/^\.\.(?=[\\/]|$)/.test(between) && !isAbsolute(between);
}

// Also of what is not there yet, and of a link that leads to nothing yet.
function realPath(path: string): string {
	const target = lstatSync(path, {throwIfNoEntry: false}) ? followLink(path) : path;
	if (existsSync(target) || dirname(target) === target) return target;
	return join(realPath(dirname(target)), basename(target));
}
