import {createHash} from 'node:crypto';
import {serializeDocument} from '../edit.ts';
import type {JsonObject} from '../json.ts';
import type {StatePaths} from '../paths.ts';
import {updateJsonFile} from '../update-json.ts';
import {withOpenclawLock} from './lock.ts';

/**
 * Changes a file of openclaw, under its own lock and JARVIS's.
 * @throws what `withOpenclawLock` and `updateJsonFile` throw, and what `edit` throws
 */
export function changeOpenclawFile<T>(
	paths: StatePaths,
	file: string,
	edit: (document: JsonObject) => T,
	serialize: (document: JsonObject) => string = serializeDocument,
): Promise<T> {
	return withOpenclawLock(file, () =>
		updateJsonFile({
			...{file, serialize, edit},
			locks: paths.locks,
			lockName: `openclaw-${createHash('sha256').update(file).digest('hex').slice(0, 32)}`,
		}),
	);
}
