import {readdirSync, renameSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {isSystemError, JarvisError} from '../errors.ts';
import {serializeDocument} from './edit.ts';
import {type JsonObject, parseJsonFile, readTextIfThere, tryParseJson} from './json.ts';
import type {HeldLock} from './lock.ts';
import {isAgentId, mainAgentId, type StatePaths} from './paths.ts';
import {type AgentCredentials, decodeAgentCredentials} from './schema.ts';

/**
 * An agent's credentials as they are on the disk now. Takes no lock: writes are atomic.
 * @throws `store_damaged`, system errors
 */
export async function readCredentials(paths: StatePaths, agentId: string): Promise<AgentCredentials> {
	return decodeAgentCredentials(await readDocument(paths.profiles(agentId)));
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
	const [{withLock}, {makePrivate, writeDurably}] = await Promise.all([
		import('./lock.ts'),
		import('./write.ts'),
	]);
	const file = paths.profiles(agentId);
	return withLock(paths.locks, `store-${agentId}`, async lock => {
		const document = await readDocument(file);
		const before = serializeDocument(document);
		const result = edit(document, decodeAgentCredentials(document));
		const after = serializeDocument(document);
		if (after === before) return result;
		await lock.commit(() => {
			if (options.onlyWhile && !options.onlyWhile.isHeld()) throw lostRefreshLock();
			writeDurably(file, after, {backup: true});
			// A folder that another program made, or a person opened up, held secrets that others could read.
			makePrivate(dirname(file));
		});
		return result;
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
	await withLock(paths.locks, `store-${agentId}`, async lock => {
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
	});
}

const leavingPrefix = '.deleting-';

async function readDocument(file: string): Promise<JsonObject> {
	const text = readTextIfThere(file);
	return text === undefined ? {} : parseJsonFile(file, text);
}

function lostRefreshLock(): JarvisError {
	return new JarvisError(
		'lock_lost',
		'This process was stopped for so long that another one took over its refresh. It has written nothing.',
		'Run the command again.',
	);
}
