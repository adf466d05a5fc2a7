import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';

/**
 * The steps of a refresh that can be told from outside: its request is about to be sent; the reply has
 * arrived; it is durable in the reply slot; it is durable in the asking agent's store.
 */
export const points = ['request', 'reply', 'kept', 'stored'] as const;
export type Point = (typeof points)[number];

/**
 * Tells of each step of this process's refreshes, when it has just been taken: by the file system's own
 * functions, so that what is measured and killed is the program as it is. Returns the fetch to use.
 */
export function watchRefreshes(reached: (point: Point) => void): typeof fetch {
	const {fdatasyncSync, renameSync, fsyncSync} = fs;
	let isRenamed = false;
	fs.fdatasyncSync = descriptor => {
		fdatasyncSync(descriptor);
		reached('kept');
	};
	fs.renameSync = (from, to) => {
		renameSync(from, to);
		if (String(to).endsWith('auth-profiles.json')) isRenamed = true;
	};
	fs.fsyncSync = descriptor => {
		fsyncSync(descriptor);
		// The first flush after the rename is the folder's.
		if (isRenamed) reached('stored');
		isRenamed = false;
	};
	syncBuiltinESMExports();
	return async (...request) => {
		reached('request');
		const response = await fetch(...request);
		reached('reply');
		return response;
	};
}
