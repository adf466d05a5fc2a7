import {readdirSync, rmSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {replaceSecret, serializeDocument, staticSecretMembers} from './edit.ts';
import {isObject, type JsonObject, type JsonValue, member, readTextIfThere, tryParseJson} from './json.ts';
import {type HeldLock, withLock} from './lock.ts';
import type {StatePaths} from './paths.ts';
import {damagedMark, salvagedFolder} from './restore.ts';
import {entriesOf, type SecretRef} from './schema.ts';
import {readJsonFile} from './update-json.ts';
import {backupPaths, followLink, makePrivate, syncFolder, writeDurably} from './write.ts';

/** Secrets that are to be in no file any more, each with the ref that takes its place, or `undefined` for nothing. */
export type Scrubbed = ReadonlyMap<string, SecretRef | undefined>;

/**
 * What became of the copies of a file: its backups, what a write that was cut off had left, and what was kept of it
 * when it was mended.
 */
export interface ScrubbedCopies {
	/** Written anew, with the ref in the secret's place. */
	readonly rewritten: readonly string[];
	/** Removed: the secret stood where no ref can stand, or the copy could not be understood. */
	readonly removed: readonly string[];
}

/**
 * Changes an agent's credentials so that secrets are gone from them: store lock, read again, `edit`, durable
 * write, then the same for every copy of the file. The version before is not kept beside it, as each other change
 * does: it is the one with the secrets. What a process that died in between has left is done by the next call.
 *
 * @param edit changes the document in place, and says which secrets are to be gone
 * @param onlyWhile a further lock without which nothing may be written
 * @param which of the copies: those that were kept for what may be in no other file can be left alone
 * @throws as `updateCredentials` does
 */
export async function scrubCredentials(
	paths: StatePaths,
	agentId: string,
	edit: (document: JsonObject) => Scrubbed,
	onlyWhile?: HeldLock,
	which: 'all' | 'backups' = 'all',
): Promise<ScrubbedCopies> {
	const file = paths.profiles(agentId);
	return withLock(paths.locks, `store-${agentId}`, async lock => {
		const document = await readJsonFile(file);
		const before = serializeDocument(document);
		const scrubbed = edit(document);
		const after = serializeDocument(document);
		return lock.commit(() => {
			onlyWhile?.assertHeld();
			if (after !== before) {
				writeDurably(file, after);
				makePrivate(dirname(file));
			}
			return scrubCopies(paths, file, scrubbed, which);
		});
	});
}

/** The copies of a file that are there. */
export interface Copies {
	/** The ring of versions before. */
	readonly backups: readonly string[];
	/** What writes that were cut off have left. */
	readonly abandoned: readonly string[];
	/** What else is called like it: a damaged version that was kept, or another program's, an editor's say. */
	readonly others: readonly string[];
	/** What is called like it in `salvaged/`, of whichever agent it was. */
	readonly salvaged: readonly string[];
}

/**
 * Finds the copies of a file.
 * @param root the state folder, whose `salvaged/` is looked into, too
 */
export function copiesOf(file: string, root?: string): Copies {
	const target = followLink(file);
	const folder = dirname(target);
	const names = namesLike(folder, basename(target));
	const salvaged = root === undefined ? undefined : salvagedFolder(root);
	const backups = backupPaths(target).filter(path => names.includes(basename(path)));
	const rest = names.map(name => join(folder, name)).filter(path => !backups.includes(path));
	const isAbandoned = (path: string) => path.endsWith('.tmp');
	return {
		backups,
		abandoned: rest.filter(isAbandoned),
		others: rest.filter(path => !isAbandoned(path)),
		salvaged: salvaged ? namesLike(salvaged, basename(target)).map(name => join(salvaged, name)) : [],
	};
}

function namesLike(folder: string, own: string): string[] {
	try {
		return readdirSync(folder).filter(name => name !== own && name.startsWith(own));
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
}

/** Whether a text holds one of some secrets: as a value where it is JSON, anywhere where it is not. */
export function holdsSecret(text: string, secrets: Iterable<string>): boolean {
	const wanted = [...secrets];
	const document = tryParseJson(text);
	if (document && hasValue(document, wanted)) return true;
	// A short one may stand in a text by chance; where it is all that is known, that is no reason to keep the text.
	const found = wanted.filter(secret => text.includes(secret) || text.includes(inJson(secret)));
	return found.some(secret => !document || secret.length >= 8);
}

function hasValue(value: JsonValue, wanted: readonly string[]): boolean {
	if (typeof value === 'string') return wanted.includes(value);
	if (typeof value !== 'object' || value === null) return false;
	return Object.values(value).some(inner => hasValue(inner, wanted));
}

// Under the lock of the file nobody else writes it: what looks like a write under way is one that was cut off.
function scrubCopies(
	{root}: Pick<StatePaths, 'root'>,
	file: string,
	scrubbed: Scrubbed,
	which: 'all' | 'backups',
): ScrubbedCopies {
	const rewritten: string[] = [];
	const removed: string[] = [];
	const {backups, abandoned, others, salvaged} = copiesOf(file, root);
	const kept = [...others.filter(path => path.startsWith(`${followLink(file)}${damagedMark}`)), ...salvaged];
	for (const path of which === 'all' ? [...backups, ...abandoned, ...kept] : backups) {
		const text = readTextIfThere(path);
		if (text === undefined || !holdsSecret(text, scrubbed.keys())) continue;
		let without = abandoned.includes(path) ? undefined : scrubbedStore(text, scrubbed);
		// It was kept for what may be in no other file: all else stays.
		if (kept.includes(path)) without = withoutText(without ?? text, scrubbed);
		if (without === undefined || holdsSecret(without, scrubbed.keys())) {
			rmSync(path, {force: true});
			removed.push(path);
		} else {
			writeDurably(path, without);
			rewritten.push(path);
		}
	}
	if (removed.length > 0) syncFolder(dirname(followLink(file)));
	return {rewritten, removed};
}

/** The members of an entry that hold a secret. */
const secretNames = [
	...Object.values(staticSecretMembers).flatMap(({secret}) => secret),
	'access',
	'refresh',
];

function scrubbedStore(text: string, scrubbed: Scrubbed): string | undefined {
	const document = tryParseJson(text);
	if (!document) return undefined;
	for (const [, entry] of entriesOf(member(document, 'profiles'))) {
		if (!isObject(entry)) continue;
		for (const [kind, {secret}] of Object.entries(staticSecretMembers)) {
			const refs = secret.map(name => scrubbed.get(String(member(entry, name) ?? '')));
			const ref = refs.find(found => found !== undefined);
			if (ref) replaceSecret(entry, kind as keyof typeof staticSecretMembers, ref);
		}
		for (const [name, value] of Object.entries(entry)) {
			const isGone = typeof value === 'string' && scrubbed.has(value) && !scrubbed.get(value);
			if (isGone && secretNames.includes(name)) delete entry[name];
		}
	}
	return serializeDocument(document);
}

function withoutText(text: string, scrubbed: Scrubbed): string {
	if (!holdsSecret(text, scrubbed.keys())) return text;
	let rest = text;
	for (const [secret, ref] of scrubbed) {
		const by = ref ? `${ref.source}:${ref.provider}:${ref.id}` : '';
		for (const written of [inJson(secret), secret]) rest = rest.replaceAll(written, () => by);
	}
	return rest;
}

function inJson(secret: string): string {
	return JSON.stringify(secret).slice(1, -1);
}
