import {randomBytes} from 'node:crypto';
import {
	chmodSync,
	closeSync,
	fchmodSync,
	fsyncSync,
	linkSync,
	lstatSync,
	openSync,
	readdirSync,
	readlinkSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import {isSystemError} from '../errors.ts';
import {makeFolder} from './folder.ts';

/** How many earlier versions of a file are kept beside it. */
export const backupCount = 3;

/** Temporary files older than this (ms) belong to no write that is still under way. */
export const abandonedAfterMs = 60_000;

export interface WriteOptions {
	/** Keep the version that is replaced in the ring of backups. */
	readonly backup?: boolean;
	/** Who may read the file; its owner alone (0600) if absent. */
	readonly mode?: number;
	/** Called right before the file is replaced: throws when it must not be. */
	readonly beforeReplacing?: () => void;
}

/**
 * Replaces a file so that a reader, or a crash at any moment, finds the old content or the new one and
 * never a part: temporary file (0600 unless asked otherwise) in the same folder, fsync, rename, fsync of the folder. A symbolic
 * link is written through. Throws system errors; the old file is then unchanged.
 *
 * Written here and not taken from write-file-atomic, because that puts a file in place after a short write
 * (a nearly full disk would leave a truncated one), creates the temporary file with whatever mode the old
 * file has, and does not flush the folder.
 */
export function writeDurably(file: string, content: string, options: WriteOptions = {}): void {
	const target = followLink(file);
	const folder = dirname(target);
	ensurePrivateFolder(folder);
	removeAbandoned(target);
	const temporary = `${target}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
	try {
		const descriptor = openSync(temporary, 'wx', 0o600);
		try {
			fchmodSync(descriptor, options.mode ?? 0o600);
			writeFileSync(descriptor, content);
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
		options.beforeReplacing?.();
		if (options.backup) keepBackup(target);
		renameSync(temporary, target);
	} catch (error) {
		rmSync(temporary, {force: true});
		throw error;
	}
	syncFolder(folder);
}

/** Makes a folder, and those above it that are missing, readable by nobody else (0700). Throws as `makeFolder` does. */
export function ensurePrivateFolder(folder: string): void {
	if (makeFolder(folder)) syncFolder(dirname(folder));
}

/** Takes away every right of group and others from a file or folder. Returns whether there were any. */
export function makePrivate(path: string): boolean {
	const mode = statSync(path).mode;
	if ((mode & 0o077) === 0) return false;
	chmodSync(path, mode & 0o700);
	return true;
}

/** The backups of a file, newest first, whether or not they exist. */
export function backupPaths(file: string): string[] {
	return Array.from({length: backupCount}, (_, index) => `${file}.bak${index === 0 ? '' : `.${index}`}`);
}

/** Makes a rename, or the making of a file, survive a power cut. */
export function syncFolder(folder: string): void {
	let descriptor: number;
	try {
		descriptor = openSync(folder, 'r');
	} catch (error) {
		// Windows cannot open a folder; its rename is durable by itself.
		if (isSystemError(error, 'EISDIR', 'EPERM', 'EACCES')) return;
		throw error;
	}
	try {
		fsyncSync(descriptor);
	} catch (error) {
		if (!isSystemError(error, 'EINVAL', 'EPERM', 'ENOTSUP')) throw error;
	} finally {
		closeSync(descriptor);
	}
}

/** The file that is meant by a path that may be a symbolic link. */
export function followLink(file: string): string {
	try {
		return realpathSync(file);
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
	}
	// A link that leads to nothing yet: the file is made where it leads.
	const link = lstatSync(file, {throwIfNoEntry: false})?.isSymbolicLink();
	return link ? followLink(resolve(dirname(file), readlinkSync(file))) : file;
}

// A hard link costs no copy, and the version it names stays whole when the rename replaces the file.
function keepBackup(target: string): void {
	const ring = backupPaths(target);
	for (let index = ring.length - 1; index > 0; index--) {
		moveIfThere(ring[index - 1] as string, ring[index] as string);
	}
	try {
		linkSync(target, ring[0] as string);
		makePrivate(ring[0] as string);
	} catch (error) {
		// Nothing to keep yet, or a file system without links: a write must not fail for want of a backup.
		if (!isSystemError(error, 'ENOENT', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EXDEV')) throw error;
	}
}

/** Gives a file another name; `false` where there is none. Throws system errors. */
export function moveIfThere(from: string, to: string): boolean {
	try {
		renameSync(from, to);
		return true;
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return false;
		throw error;
	}
}

// A process that was killed in the middle of a write leaves its temporary file, secrets included.
function removeAbandoned(target: string): void {
	const folder = dirname(target);
	const prefix = `${basename(target)}.`;
	for (const name of readdirSync(folder)) {
		if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
		const path = join(folder, name);
		const age = Date.now() - (statSync(path, {throwIfNoEntry: false})?.mtimeMs ?? Date.now());
		if (age > abandonedAfterMs) rmSync(path, {force: true});
	}
}
