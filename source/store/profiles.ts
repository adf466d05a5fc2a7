import {readdirSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, JarvisError} from '../errors.ts';
import {serializeDocument} from './edit.ts';
import {type JsonObject, readTextIfThere, tryParseJson} from './json.ts';
import type {HeldLock} from './lock.ts';
import {isAgentId, mainAgentId, type StatePaths} from './paths.ts';
import {type AgentCredentials, decodeAgentCredentials} from './schema.ts';
import {readJsonFile, updateJsonFile} from './update-json.ts';

/**
 * An agent's credentials as they are on the disk now. Takes no lock: writes are atomic.
 * @throws `store_damaged`, system errors
 */
export async function readCredentials(paths: StatePaths, agentId: string): Promise<AgentCredentials> {
	return decodeAgentCredentials(await readJsonFile(paths.profiles(agentId)));
}

/** The same at once, or `undefined` when the file cannot be read: for looking again and again. */
export function peekCredentials(paths: StatePaths, agentId: string): AgentCredentials | undefined {
	try {
		const document = tryParseJson(readTextIfThere(paths.profiles(agentId)) ?? '{}');
		return document && decodeAgentCredentials(document);
	} catch {
		return undefined;
	}
}

export interface UpdateOptions {
	/** A further lock without which nothing may be written: a refresh's. */
	readonly onlyWhile?: HeldLock;
}

/**
 * Changes an agent's credentials: store lock, read again, `edit`, durable write, release. Nothing is
 * written when `edit` changes nothing. The lock is held for milliseconds: `edit` is synchronous.
 *
 * @throws `store_damaged` (the file is left as it is), `lock_timeout`, `lock_lost`, system errors, and
 * whatever `edit` throws
 */
export async function updateCredentials<T>(
	paths: StatePaths,
	agentId: string,
	edit: (document: JsonObject, current: AgentCredentials) => T,
	options: UpdateOptions = {},
): Promise<T> {
	return updateJsonFile({
		file: paths.profiles(agentId),
		locks: paths.locks,
		lockName: `store-${agentId}`,
		serialize: serializeDocument,
		edit: document => edit(document, decodeAgentCredentials(document)),
		beforeWrite: () => {
			if (options.onlyWhile && !options.onlyWhile.isHeld()) throw lostRefreshLock();
		},
	});
}

/** The ids of all agents that have a folder, the main agent first, whether or not it has one. */
export function listAgentIds(paths: StatePaths): string[] {
	let names: string[] = [];
	try {
		names = readdirSync(paths.agents, {withFileTypes: true})
			.filter(entry => !entry.isFile() && isAgentId(entry.name))
			.map(entry => entry.name);
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
	}
	return [mainAgentId, ...names.filter(name => name !== mainAgentId).sort()];
}

/** Removes an agent's folder with everything in it. Another process sees it whole or not at all. */
export async function removeAgentFolder(paths: StatePaths, agentId: string): Promise<void> {
	const {withLock} = await import('./lock.ts');
	await withLock(paths.locks, `store-${agentId}`, lock =>
		// A session that is being written must not lose its folder in the middle.
		withLock(paths.locks, `sessions-${agentId}`, async () => {
			try {
				const leaving = join(paths.root, `${leavingPrefix}${agentId}-${process.pid}`);
				await lock.commit(() => renameSync(paths.agent(agentId), leaving));
			} catch (error) {
				if (!isSystemError(error, 'ENOENT')) throw error;
			}
			// Those too that a process left which was killed while it removed them.
			for (const name of readdirSync(paths.root)) {
				if (name.startsWith(leavingPrefix)) rmSync(join(paths.root, name), {recursive: true, force: true});
			}
		}),
	);
}

/** How the folder of an agent is called while it is deleted. */
export const leavingPrefix = '.deleting-';

function lostRefreshLock(): JarvisError {
	return new JarvisError(
		'lock_lost',
		'This process was stopped for so long that another one took over its refresh. It has written nothing.',
		'Run the command again.',
	);
}
