import {readdirSync, type Stats, statSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, shellWord} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {SecretFinding} from './findings.ts';

/** Folders that hold no secrets, by their path below the state folder. */
const passedOver = new Set(['plugins', 'locks']);

/** The files and folders of a state folder that others could read, or that are another user's. */
export function auditModes({root}: StatePaths): SecretFinding[] {
	// Windows has neither; a state folder in a profile is private there by what it inherits.
	const user = process.getuid?.();
	const stats = statIfThere(root);
	if (user === undefined || !stats) return [];
	const found: SecretFinding[] = [];
	if (stats.uid !== user) found.push(badOwner(root, stats.uid, user));
	look(root, '', stats.uid, found);
	return found;
}

function look(root: string, below: string, owner: number, found: SecretFinding[]): void {
	const path = join(root, below);
	const stats = statIfThere(path);
	if (!stats || passedOver.has(below)) return;
	if (stats.uid !== owner) found.push(badOwner(path, stats.uid, owner));
	if ((stats.mode & 0o077) !== 0) found.push(badMode(path, stats));
	if (!stats.isDirectory()) return;
	let names: string[] = [];
	try {
		names = readdirSync(path).sort();
	} catch (error) {
		if (!isSystemError(error, 'EACCES', 'ENOENT')) throw error;
	}
	for (const name of names) look(root, join(below, name), owner, found);
}

function badMode(path: string, stats: Stats): SecretFinding {
	const mode = stats.isDirectory() ? '700' : '600';
	return {
		code: 'bad_mode',
		file: path,
		message: `${path} can be used by others (${(stats.mode & 0o777).toString(8)}).`,
		next: `chmod ${mode} ${shellWord(path)}`,
	};
}

function badOwner(path: string, owner: number, user: number): SecretFinding {
	return {
		code: 'bad_owner',
		file: path,
		message: `${path} belongs to another user (uid ${owner}).`,
		next: `sudo chown ${user} ${shellWord(path)}`,
	};
}

function statIfThere(path: string): Stats | undefined {
	try {
		return statSync(path);
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'EACCES', 'ELOOP', 'ENOTDIR')) return undefined;
		throw error;
	}
}
