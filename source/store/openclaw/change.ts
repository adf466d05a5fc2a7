import {existsSync, lstatSync} from 'node:fs';
import {basename, dirname, isAbsolute, join, relative} from 'node:path';
import {JarvisError} from '../../errors.ts';
import {digest} from '../digest.ts';
import {serializeDocument} from '../edit.ts';
import {isObject, type JsonObject, member, readTextIfThere, textMember, tryParseJson} from '../json.ts';
import {type HeldLock, withLock} from '../lock.ts';
import type {StatePaths} from '../paths.ts';
import {entriesOf} from '../schema.ts';
import {readJsonFile} from '../update-json.ts';
import {backupPaths, followLink, makePrivate, writeDurably} from '../write.ts';
import {withOpenclawLock} from './lock.ts';

/** The state folder of openclaw that is written to, and JARVIS's own. */
export interface OpenclawTarget {
	readonly paths: StatePaths;
	readonly root: string;
}

export interface OpenclawChange {
	readonly serialize?: (document: JsonObject) => string;
	/** Takes refresh tokens out of an earlier version too, which is kept beside the file. */
	readonly cleanse?: (document: JsonObject) => void;
}

/**
 * Changes a file of openclaw, under its own lock and JARVIS's. The version that is replaced is kept beside it
 * as `.bak`, unless a refresh token is taken out: that must be in no version then, or openclaw would have it
 * again from there.
 * @throws `store_damaged` (the file is left as it is), `lock_lost`, system errors, what `assertOpenclawFile`
 * and `withOpenclawLock` throw, and what `edit` throws
 */
export function changeOpenclawFile<T>(
	target: OpenclawTarget,
	file: string,
	edit: (document: JsonObject) => T,
	{serialize = serializeDocument, cleanse}: OpenclawChange = {},
): Promise<T> {
	// Before the lock, which makes a file and folders beside it; and again when it is written.
	assertOpenclawFile(target, file);
	const lockName = `openclaw-${digest(file)}`;
	const change = async (lock: HeldLock) => {
		const document = await readJsonFile(file, 'hand');
		const before = serialize(document);
		const had = refreshTokensIn(document);
		const result = edit(document);
		const after = serialize(document);
		const kept = refreshTokensIn(document);
		const taken = had.filter(token => !kept.includes(token));
		await lock.commit(() => {
			assertOpenclawFile(target, file);
			// First, so that a write that fails is done again with all that belongs to it.
			cleanseBackups(file, taken, cleanse);
			if (after === before) return;
			writeDurably(file, after, {backup: taken.length === 0});
			// A folder that another program made, or a person opened up, held what others could read.
			makePrivate(dirname(file));
		});
		return result;
	};
	return withOpenclawLock(file, () => withLock(target.paths.locks, lockName, change));
}

function refreshTokensIn(document: JsonObject): string[] {
	return entriesOf(member(document, 'profiles')).flatMap(([, entry]) => textMember(entry, 'refresh') ?? []);
}

function cleanseBackups(file: string, taken: readonly string[], cleanse: OpenclawChange['cleanse']): void {
	for (const backup of backupPaths(followLink(file))) {
		const document = tryParseJson(readTextIfThere(backup) ?? '');
		if (!isObject(document)) continue;
		const had = refreshTokensIn(document);
		cleanse?.(document);
		for (const [, entry] of entriesOf(member(document, 'profiles'))) {
			if (isObject(entry) && taken.includes(textMember(entry, 'refresh') ?? '')) delete entry.refresh;
		}
		if (refreshTokensIn(document).length < had.length) writeDurably(backup, serializeDocument(document));
	}
}

/**
 * Makes sure that a file of openclaw, and its earlier versions, are in its folder, whatever links lead there,
 * and none of JARVIS's own: taking the refresh tokens out of it would take them out of the store.
 * @throws `export_refused`, system errors
 */
export function assertOpenclawFile({paths, root}: OpenclawTarget, file: string): void {
	for (const path of [file, ...backupPaths(realPath(file))]) {
		const isOurs = isWithin(paths.root, path);
		if (!isOurs && isWithin(root, path)) continue;
		throw new JarvisError(
			'export_refused',
			`${path} is outside of ${root}: it is ${realPath(path)}${isOurs ? ', in the state folder of JARVIS itself' : ''}. It was not written.`,
			'Take away the link that leads there, or agentDir in agents.list of openclaw.json; or name the folder that it is in.',
		);
	}
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
