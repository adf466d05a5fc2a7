import {dirname} from 'node:path';
import type {MendedBy} from './damaged.ts';
import {type JsonObject, parseJsonFile, readTextIfThere} from './json.ts';

export interface JsonFileUpdate<T> {
	readonly file: string;
	/** The folder of the locks, and the name of the file's own. */
	readonly locks: string;
	readonly lockName: string;
	/** The text of a document. It must not depend on anything else: what changed is seen by it. */
	serialize(document: JsonObject): string;
	/** Changes the document in place. */
	edit(document: JsonObject): T;
	/** Called when the write is about to happen: throws when it may not. */
	beforeWrite?(): void;
}

/**
 * A JSON file as it is on the disk now; one that is missing is an empty object. Takes no lock.
 * @param mendedBy as `parseJsonFile` has it
 * @throws `store_damaged`, system errors
 */
export async function readJsonFile(file: string, mendedBy?: MendedBy): Promise<JsonObject> {
	const text = readTextIfThere(file);
	return text === undefined ? {} : parseJsonFile(file, text, mendedBy);
}

/**
 * Changes a JSON file: lock, read again, `edit`, durable write with a backup, release. Nothing is written
 * when `edit` changes nothing. The lock is held for milliseconds: `edit` is synchronous.
 *
 * @throws `store_damaged` (the file is left as it is), `lock_timeout`, `lock_lost`, system errors, and
 * whatever `edit` throws
 */
export async function updateJsonFile<T>(update: JsonFileUpdate<T>): Promise<T> {
	const [{withLock}, {makePrivate, writeDurably}] = await Promise.all([
		import('./lock.ts'),
		import('./write.ts'),
	]);
	const {file} = update;
	return withLock(update.locks, update.lockName, async lock => {
		const document = await readJsonFile(file);
		const before = update.serialize(document);
		const result = update.edit(document);
		const after = update.serialize(document);
		if (after === before) return result;
		await lock.commit(() => {
			update.beforeWrite?.();
			writeDurably(file, after, {backup: true});
			// A folder that another program made, or a person opened up, held what others could read.
			makePrivate(dirname(file));
		});
		return result;
	});
}
