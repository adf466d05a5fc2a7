import {existsSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, JarvisError} from '../../errors.ts';
import type {JsonObject} from '../../store/json.ts';
import {assertOpenclawFile, isWithin, type OpenclawTarget} from '../../store/openclaw/change.ts';
import {
	assertFilesStore,
	isOpenclawFolder,
	openclawAgentFiles,
	openclawConfigFile,
} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';

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
 * Makes sure that every file that would be written is in the folder: a copy of a state still names the places
 * of the original, and a link may lead anywhere, even to JARVIS's own files.
 * @param agentIds the agents that are written, and those there whose grants are taken out
 * @throws `export_refused`, system errors
 */
export function assertAllWithin(
	target: OpenclawTarget,
	theirs: JsonObject,
	agentIds: Iterable<string>,
): void {
	const {paths, root} = target;
	for (const id of agentIds) {
		const {credentials, sessions} = openclawAgentFiles(root, theirs, id);
		assertOpenclawFile(target, credentials);
		assertOpenclawFile(target, sessions);
	}
	const config = openclawConfigFile(root);
	if (!isWithin(paths.root, config)) return;
	throw new JarvisError(
		'export_refused',
		`${config} leads to the state folder of JARVIS itself. Nothing was written.`,
		'Take that link away, or name another folder.',
	);
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
