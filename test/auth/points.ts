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
 * functions, so that what is measured and killed is the program as it is. A store that is written for another
 * reason is no step. Returns the fetch to use.
 */
export function watchRefreshes(reached: (point: Point) => void): typeof fetch {
	const {fdatasyncSync, renameSync, fsyncSync} = fs;
	let isRenamed = false;
	let last = -1;
	const take = (point: Point) => {
		const step = points.indexOf(point);
		if (step > 0 && step !== last + 1) return;
		last = step;
		reached(point);
	};
	fs.fdatasyncSync = descriptor => {
		fdatasyncSync(descriptor);
		take('kept');
	};
	fs.renameSync = (from, to) => {
		renameSync(from, to);
		if (String(to).endsWith('auth-profiles.json')) isRenamed = true;
	};
	fs.fsyncSync = descriptor => {
		fsyncSync(descriptor);
		// The first flush after the rename is the folder's.
		if (isRenamed) take('stored');
		isRenamed = false;
	};
	syncBuiltinESMExports();
	return async (...request) => {
		take('request');
		const response = await fetch(...request);
		take('reply');
		return response;
	};
}
