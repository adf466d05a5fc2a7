import {readdirSync, rmSync, statSync, watch} from 'node:fs';
import {join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {type JsonObject, readTextIfThere, textMember, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {optional} from './schema.ts';
import {ensurePrivateFolder, moveIfThere, writeDurably} from './write.ts';

/** How long (ms) a login may wait for its redirect. */
export const loginWaitMs = 10 * 60 * 1000;

/** A login that waits, as another process on this machine needs it to finish it. Private (0600). */
export interface PendingLogin {
	readonly id: string;
	readonly state: string;
	readonly verifier: string;
	readonly redirectUri: string;
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId?: string;
}

/** How another process ended a login. */
export interface FinishedElsewhere {
	readonly profileId: string;
}

/** Makes a login known to the other processes of this machine, until `dropPending`. */
export function addPending(paths: StatePaths, login: PendingLogin): void {
	ensurePrivateFolder(paths.pendingLogins);
	removeOutdated(paths);
	writeDurably(file(paths, login.id, 'waiting'), JSON.stringify(login));
}

/** All logins that wait. */
export function listPending(paths: StatePaths): PendingLogin[] {
	removeOutdated(paths);
	return peekPending(paths);
}

/** The same, and those too that nobody waits for any more: nothing is changed. */
export function peekPending(paths: StatePaths): PendingLogin[] {
	return fileNames(paths)
		.filter(name => name.endsWith('.waiting'))
		.flatMap(name => decodePending(tryParseJson(readTextIfThere(join(paths.pendingLogins, name)) ?? '')));
}

/**
 * Takes a waiting login for this process, which alone may then exchange its code. Returns false when
 * another process has it already, or it waits no more.
 */
export function claimPending(paths: StatePaths, id: string): boolean {
	return moveIfThere(file(paths, id, 'waiting'), file(paths, id, 'claimed'));
}

/** Gives a claimed login back: it waits again. */
export function unclaimPending(paths: StatePaths, id: string): void {
	moveIfThere(file(paths, id, 'claimed'), file(paths, id, 'waiting'));
}

/** Tells the process that waits that its login was finished here. */
export function completePending(paths: StatePaths, id: string, outcome: FinishedElsewhere): void {
	writeDurably(file(paths, id, 'done'), JSON.stringify(outcome));
	rmSync(file(paths, id, 'claimed'), {force: true});
}

/** How another process finished a login, if one did. */
export function readCompletion(paths: StatePaths, id: string): FinishedElsewhere | undefined {
	const profileId = textMember(tryParseJson(readTextIfThere(file(paths, id, 'done')) ?? ''), 'profileId');
	return profileId ? {profileId} : undefined;
}

/** Forgets a login. */
export function dropPending(paths: StatePaths, id: string): void {
	for (const stage of ['waiting', 'claimed', 'done'] as const) rmSync(file(paths, id, stage), {force: true});
}

/** Calls `onChange` whenever a login of any process may have moved on. Returns a function that ends it. */
export function watchPending(paths: StatePaths, onChange: () => void): () => void {
	const watcher = watch(paths.pendingLogins, onChange);
	watcher.on('error', () => {});
	return () => watcher.close();
}

function decodePending(document: JsonObject | undefined): PendingLogin[] {
	const id = textMember(document, 'id');
	const state = textMember(document, 'state');
	const verifier = textMember(document, 'verifier');
	const redirectUri = textMember(document, 'redirectUri');
	const providerId = textMember(document, 'providerId');
	const agentId = textMember(document, 'agentId');
	if (!id || !state || !verifier || !redirectUri || !providerId || !agentId) return [];
	const profileId = optional('profileId', textMember(document, 'profileId'));
	return [{id, state, verifier, redirectUri, providerId, agentId, ...profileId}];
}

function file(paths: StatePaths, id: string, stage: 'waiting' | 'claimed' | 'done'): string {
	return join(paths.pendingLogins, `${id}.${stage}`);
}

function fileNames(paths: StatePaths): string[] {
	try {
		return readdirSync(paths.pendingLogins);
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
}

// A process that was killed leaves its login behind, with a verifier in it that nobody needs any more.
function removeOutdated(paths: StatePaths): void {
	for (const name of fileNames(paths)) {
		const path = join(paths.pendingLogins, name);
		const made = statSync(path, {throwIfNoEntry: false})?.mtimeMs;
		if (made !== undefined && Date.now() - made > loginWaitMs) rmSync(path, {force: true});
	}
}
