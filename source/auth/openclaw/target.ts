import {existsSync, readdirSync, statSync} from 'node:fs';
import {basename, dirname, isAbsolute, join, relative} from 'node:path';
import {isSystemError, JarvisError} from '../../errors.ts';
import type {JsonObject} from '../../store/json.ts';
import {
	assertFilesStore,
	isOpenclawFolder,
	listedAgents,
	openclawAgentFiles,
	openclawConfigFile,
} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';
import {followLink} from '../../store/write.ts';

/**
 * Makes sure that a folder may be exported to.
 * @param merge an openclaw state may be there already
 * @throws `export_refused`, `openclaw_unsupported`
 */
export function assertTarget(paths: StatePaths, root: string, merge: boolean): void {
	const next = 'Name an empty folder, or one that is not there yet.';
	if (isWithin(paths.root, root) || isState(root)) {
		throw new JarvisError('export_refused', `${root} is a state folder of JARVIS itself.`, next);
	}
	if (!holdsSomething(root)) return;
	if (!isOpenclawFolder(root)) {
		const message = `${root} is not empty, and holds no openclaw state. Nothing was written.`;
		throw new JarvisError('export_refused', message, next);
	}
	assertFilesStore(root);
	if (merge) return;
	throw new JarvisError(
		'export_refused',
		`${root} holds an openclaw state already. Nothing was written.`,
		'Stop openclaw and add --merge to write into it: what is there and not here stays.',
	);
}

/**
 * Makes sure that all credentials of openclaw's configuration are in its folder: a copy of a state still names
 * the places of the original.
 * @throws `export_refused`
 */
export function assertAllWithin(root: string, theirs: JsonObject): void {
	for (const {id} of listedAgents(theirs)) {
		const {credentials} = openclawAgentFiles(root, theirs, id);
		if (isWithin(root, dirname(credentials))) continue;
		throw new JarvisError(
			'export_refused',
			`agents.list in ${openclawConfigFile(root)} puts the credentials of ${id} outside of the folder, into ${dirname(credentials)}. Nothing was written.`,
			'Take agentDir out of that entry, or name the folder that it is in.',
		);
	}
}

/** Whether a path is a folder or below it, whatever links lead there. */
function isWithin(folder: string, path: string): boolean {
	const between = relative(realFolder(folder), realFolder(path));
	return !between.startsWith('..') && !isAbsolute(between);
}

function realFolder(path: string): string {
	return existsSync(path) || dirname(path) === path
		? followLink(path)
		: join(realFolder(dirname(path)), basename(path));
}

function isState(root: string): boolean {
	return existsSync(join(root, 'jarvis.json'));
}

function holdsSomething(root: string): boolean {
	try {
		return readdirSync(root).length > 0;
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return false;
		if (isSystemError(error, 'ENOTDIR')) return statSync(root).isFile();
		throw error;
	}
}
