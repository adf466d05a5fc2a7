import {randomUUID} from 'node:crypto';
import {readTextIfThere} from './json.ts';
import type {StatePaths} from './paths.ts';
import {watchState} from './watch.ts';
import {writeDurably} from './write.ts';

/**
 * Asks every process that keeps secrets loaded to load them anew. Whoever stays watches the state folder in any
 * case, and none of them need be known, or answer.
 */
export function askForReload(paths: StatePaths): void {
	writeDurably(paths.secretsStamp, `${randomUUID()}\n`);
}

/**
 * Tells when another process asks for the secrets to be loaded anew.
 * @returns a function that ends it
 */
export function watchForReload(paths: StatePaths, onAsked: () => void): () => void {
	let seen = peek(paths);
	return watchState(paths, () => {
		const stamp = peek(paths);
		if (stamp === seen) return;
		seen = stamp;
		if (stamp !== undefined) onAsked();
	});
}

function peek({secretsStamp}: StatePaths): string | undefined {
	try {
		return readTextIfThere(secretsStamp);
	} catch {
		// What cannot be read now asks for nothing.
		return undefined;
	}
}
