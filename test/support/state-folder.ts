import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterAll} from 'vitest';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';

const made: string[] = [];

afterAll(() => {
	for (const folder of made.splice(0)) rmSync(folder, {recursive: true, force: true});
});

/** A folder of its own on the real file system, removed after the last test of the file. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'jarvis-test-'));
	made.push(folder);
	return folder;
}

/** The paths of an empty state folder. */
export function emptyState(): StatePaths {
	return statePaths(join(temporaryFolder(), 'state'));
}

/** Puts a text, or a value as JSON, into a file, and makes the folders above it. */
export function put(file: string, content: unknown): void {
	mkdirSync(dirname(file), {recursive: true, mode: 0o700});
	const text = typeof content === 'string' ? content : `${JSON.stringify(content, undefined, 2)}\n`;
	writeFileSync(file, text, {mode: 0o600});
}

/** A file's text. */
export function text(file: string): string {
	return readFileSync(file, 'utf8');
}

/** The names in a folder, sorted. */
export function names(folder: string): string[] {
	return readdirSync(folder).sort();
}

/** The permissions of a file or folder, as `ls` groups them: `'600'`. */
export function modeOf(path: string): string {
	return (statSync(path).mode & 0o777).toString(8);
}

/** The paths below a folder, itself included, that group or others have any right to. */
export function exposed(folder: string): string[] {
	const paths = [folder, ...readdirSync(folder, {recursive: true}).map(name => join(folder, String(name)))];
	return paths.filter(path => ((statSync(path, {throwIfNoEntry: false})?.mode ?? 0) & 0o077) !== 0);
}
