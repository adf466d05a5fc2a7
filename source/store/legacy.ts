import {statSync} from 'node:fs';
import {JarvisError, shellWord} from '../errors.ts';
import {type JsonObject, parseJsonFile, readTextIfThere, setMember} from './json.ts';
import {mainAgentId, type StatePaths} from './paths.ts';

/**
 * The files of older programs: `credentials/oauth.json`, and `auth.json` beside an agent's profiles
 * (seed, "Storage"). What they hold is brought in once; a mark beside a file that stays tells which version
 * of it was looked at, so that it is not read again for every token.
 */

/**
 * Of some agents those for whom there is something that was not looked at yet. Costs one look for each file,
 * which mostly is not there: this is on the way to every token.
 */
export function agentsWithLegacy(paths: StatePaths, agentIds: readonly string[]): readonly string[] {
	// What these hold may be for any of them.
	if (isUnseen(paths.legacyOAuth) || isUnseen(paths.legacyAuth(mainAgentId))) return agentIds;
	return agentIds.filter(id => id !== mainAgentId && isUnseen(paths.legacyAuth(id)));
}

/** Whether a file is there, and no mark says that this version of it was looked at. */
export function isUnseen(file: string): boolean {
	try {
		const version = versionOf(file);
		return version !== undefined && readTextIfThere(markOf(file)) !== version;
	} catch {
		// Looking at it in earnest tells what is wrong.
		return true;
	}
}

/**
 * Notes that the present version of a file was looked at.
 * @param text what was seen there, where it could be read: another one is left for the next time
 */
export async function markSeen(file: string, text?: string): Promise<void> {
	const version = versionOf(file);
	if (version === undefined || (text !== undefined && readTextIfThere(file) !== text)) return;
	const {writeDurably} = await import('./write.ts');
	writeDurably(markOf(file), version);
}

/**
 * Sets a file aside under a name by which nobody reads it. Returns `false`, and leaves it, where one was set
 * aside already, or where another program has written it since.
 * @param text what was seen there
 */
export async function setAside(file: string, text: string): Promise<boolean> {
	const [{renameSync}, {dirname}, {makePrivate, syncFolder}] = await Promise.all([
		import('node:fs'),
		import('node:path'),
		import('./write.ts'),
	]);
	if (wasSetAside(file) || readTextIfThere(file) !== text) return false;
	renameSync(file, asideOf(file));
	syncFolder(dirname(file));
	makePrivate(asideOf(file));
	makePrivate(dirname(file));
	return true;
}

/** Whether a file of this name was brought in and set aside before. */
export function wasSetAside(file: string): boolean {
	return statSync(asideOf(file), {throwIfNoEntry: false}) !== undefined;
}

/** What helps with a legacy file that cannot be read, or not as what it is. */
export const mendLegacy = 'Mend it: it is looked at again when it has changed.';

/** The error of a file that is there although one of its name was set aside before. */
export function broughtInBefore(file: string): JarvisError {
	const aside = asideOf(file);
	return new JarvisError(
		'import_refused',
		`${file} was brought in before, and is not read again.`,
		// What was set aside may be the last copy of a login; the new time has the file looked at again.
		`To have it read all the same: mv -n ${shellWord(aside)} ${shellWord(`${aside}.1`)} && touch ${shellWord(file)} – else remove it.`,
	);
}

/** What a legacy file holds: provider → entry. */
export interface LegacyFile {
	readonly text: string;
	readonly entries: JsonObject;
}

/**
 * Reads a legacy file; `undefined` where there is none.
 * @throws `store_damaged`, system errors
 */
export async function readLegacy(file: string): Promise<LegacyFile | undefined> {
	const text = readTextIfThere(file);
	return text === undefined ? undefined : {text, entries: await parseJsonFile(file, text, 'hand')};
}

/**
 * Takes entries out of a legacy file and leaves all else as it is. No backup is kept: it would hold what is
 * to go. What another program wrote meanwhile is not written over: the next time is early enough.
 * @returns the text that is there now, or `undefined` where another program wrote
 */
export async function scrub(
	file: string,
	{text, entries}: LegacyFile,
	names: readonly string[],
): Promise<string | undefined> {
	if (names.length === 0) return text;
	const kept: JsonObject = {};
	for (const [name, entry] of Object.entries(entries))
		if (!names.includes(name)) setMember(kept, name, entry);
	const {writeDurably} = await import('./write.ts');
	const after = `${JSON.stringify(kept, undefined, 2)}\n`;
	try {
		writeDurably(file, after, {
			beforeReplacing() {
				if (readTextIfThere(file) !== text) throw new ChangedMeanwhile();
			},
		});
		return after;
	} catch (error) {
		if (error instanceof ChangedMeanwhile) return undefined;
		throw error;
	}
}

class ChangedMeanwhile extends Error {}

// The time of the last change counts new permissions too.
function versionOf(file: string): string | undefined {
	const stats = statSync(file, {throwIfNoEntry: false});
	return stats && `${stats.size} ${stats.ctimeMs} ${stats.ino}`;
}

/** The mark beside a legacy file that tells which version of it was looked at. */
export function markOf(file: string): string {
	return `${file}.seen`;
}

/** What a legacy file is called that was brought in and set aside. */
export function asideOf(file: string): string {
	return `${file}.imported`;
}
