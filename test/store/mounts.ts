import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError} from '../../source/errors.ts';

const mounted: string[] = [];

/** Mounts something, where that is permitted. */
export function mount(place: string, ...args: readonly string[]): boolean {
	try {
		execFileSync('mount', [...args, place], {stdio: 'ignore'});
	} catch {
		return false;
	}
	mounted.push(place);
	return true;
}

/** Mounts a file system of 64 KiB, where that is permitted. */
export function mountSmall(place: string): boolean {
	return mount(place, '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs');
}

/** Makes a folder one that can only be read, also for those who may do everything, where that is permitted. */
export function mountReadOnly(place: string): boolean {
	return mount(place, '--bind', place) && remount(place, 'ro');
}

/** Takes that back. */
export function remountWritable(place: string): boolean {
	return remount(place, 'rw');
}

function remount(place: string, mode: 'ro' | 'rw'): boolean {
	try {
		execFileSync('mount', ['-o', `remount,bind,${mode}`, place], {stdio: 'ignore'});
		return true;
	} catch {
		return false;
	}
}

/** Undoes every mount, also of a place that is still in use. */
export function unmountAll(): void {
	for (const place of mounted.splice(0)) execFileSync('umount', ['--lazy', place]);
}

/** Fills a file system to the last byte. Returns the file that does. */
export function fill(folder: string): string {
	const file = join(folder, 'filler');
	try {
		for (;;) writeFileSync(file, 'x'.repeat(4096), {flag: 'a'});
	} catch (error) {
		if (isSystemError(error, 'ENOSPC')) return file;
		throw error;
	}
}
