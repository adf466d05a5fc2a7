import {closeSync, openSync, readSync, writeSync} from 'node:fs';
import type {Point} from '../test/auth/points.ts';

/**
 * Where a process of the soak is: in a file of its own, which tells it still when the process is dead. A
 * message to the parent would be lost with the process that was to send it.
 */
export interface Status {
	/** The last step of the refresh that is under way; `undefined` while none is. */
	readonly at: Point | undefined;
	/** Fingerprint of the refresh token that it sends. */
	readonly spent: string;
	/** How many tokens it was handed out, and how many of these it had found over. */
	readonly tokens: number;
	readonly expiries: number;
}

const letters = {request: 'q', reply: 'r', kept: 'k', stored: 's'} as const satisfies Record<Point, string>;
const bytes = 48;

/** Opens a process's own file; returns what writes to it. */
export function writeStatusTo(file: string): (status: Status) => void {
	const descriptor = openSync(file, 'w', 0o600);
	return ({at, spent, tokens, expiries}) => {
		const record = Buffer.alloc(bytes);
		record.write((at ? letters[at] : '-') + spent, 'latin1');
		record.writeUInt32LE(tokens, 40);
		record.writeUInt32LE(expiries, 44);
		writeSync(descriptor, record, 0, bytes, 0);
	};
}

/** Reads another process's file; all is nothing as long as it has not written. */
export function readStatus(file: string): Status {
	const record = Buffer.alloc(bytes);
	try {
		const descriptor = openSync(file, 'r');
		readSync(descriptor, record, 0, bytes, 0);
		closeSync(descriptor);
	} catch {
		// It has not come so far.
	}
	const letter = record.toString('latin1', 0, 1);
	return {
		at: (Object.keys(letters) as Point[]).find(point => letters[point] === letter),
		spent: record.toString('latin1', 1, 33),
		tokens: record.readUInt32LE(40),
		expiries: record.readUInt32LE(44),
	};
}
