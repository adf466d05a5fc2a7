import {createCipheriv, createDecipheriv, randomBytes} from 'node:crypto';
import {type JsonObject, member, objectMember, setMember, textMember, tryParseJson} from './json.ts';
import {withLock} from './lock.ts';
import type {StatePaths} from './paths.ts';
import {entriesOf} from './schema.ts';
import {readJsonFile} from './update-json.ts';
import {writeDurably} from './write.ts';

/**
 * `sealed.json`: secrets, each encrypted (AES-256-GCM) under the one data key of the state folder, which is not in
 * the folder. An entry is bound to its id and to the key's: one that was put in another's place does not open.
 */
export interface SealedFile {
	/** Which data key it is, by the name that it has where it is kept. */
	readonly keyId: string;
	/** Encrypted secrets by id. */
	readonly entries: ReadonlyMap<string, string>;
}

/** The bytes of a data key. */
export const dataKeyBytes = 32;

const nonceBytes = 12;
const tagBytes = 16;

/**
 * The sealed secrets as they are on the disk now; `undefined` when nothing was ever sealed.
 * @throws `store_damaged`, system errors
 */
export async function readSealed(paths: StatePaths): Promise<SealedFile | undefined> {
	return decodeSealed(await readJsonFile(paths.sealed));
}

function decodeSealed(document: JsonObject): SealedFile | undefined {
	const keyId = textMember(document, 'keyId');
	if (!keyId) return undefined;
	const entries = entriesOf(member(document, 'entries')).filter(
		(entry): entry is [string, string] => typeof entry[1] === 'string',
	);
	return {keyId, entries: new Map(entries)};
}

/** What a change of the sealed secrets may do, all of it under their lock. */
export interface SealedChange {
	/** As it is on the disk. */
	readonly file: SealedFile;
	/** Adds entries and takes some away, durably. */
	write(change: {
		readonly add?: ReadonlyMap<string, string>;
		readonly remove?: readonly string[];
	}): Promise<void>;
}

/**
 * Changes the sealed secrets under their lock. The first change gives the data key its name, durably, before there
 * is such a key: one that was made and not used is so found again.
 * @throws `store_damaged`, `lock_timeout`, `lock_lost`, system errors, and what `work` throws
 */
export async function changeSealed<T>(
	paths: StatePaths,
	work: (change: SealedChange) => Promise<T>,
): Promise<T> {
	return withLock(paths.locks, 'sealed', async lock => {
		const document = await readJsonFile(paths.sealed);
		const write = () => lock.commit(() => writeDurably(paths.sealed, textOf(document), {backup: true}));
		if (!decodeSealed(document)) {
			setMember(document, 'version', 1);
			setMember(document, 'keyId', randomBytes(12).toString('base64url'));
			objectMember(document, 'entries');
			await write();
		}
		return work({
			file: decodeSealed(document) ?? {keyId: '', entries: new Map()},
			async write({add = new Map<string, string>(), remove = []}) {
				const entries = objectMember(document, 'entries');
				for (const [id, sealed] of add) setMember(entries, id, sealed);
				for (const id of remove) delete entries[id];
				await write();
			},
		});
	});
}

/** Whether an id is of the form of those that `seal` gives. */
export function isSealedId(id: string): boolean {
	return /^[^"\s]+\/[0-9a-f]{12}$/.test(id);
}

/**
 * The text of a backup, with the entries that a damaged version still shows besides. Any text may stand where one does:
 * an entry opens only under its own id, with the key of the state folder.
 */
export function withEntriesOf(backup: string, damaged: string): string {
	const document = tryParseJson(backup);
	if (!document) return backup;
	const entries = objectMember(document, 'entries');
	for (const [, id = '', sealed = ''] of damaged.matchAll(/"([^"\s]+)"\s*:\s*"([\w+/]{38,}={0,2})"/g)) {
		if (isSealedId(id) && !Object.hasOwn(entries, id)) setMember(entries, id, sealed);
	}
	return textOf(document);
}

function textOf(document: JsonObject): string {
	return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Encrypts a secret. */
export function sealSecret(key: Uint8Array, keyId: string, id: string, secret: string): string {
	const nonce = randomBytes(nonceBytes);
	const cipher = createCipheriv('aes-256-gcm', key, nonce, {authTagLength: tagBytes});
	cipher.setAAD(boundTo(keyId, id));
	const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
	return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
}

/** The secret, or `undefined` for what this key did not seal under this id. */
export function openSealed(key: Uint8Array, keyId: string, id: string, sealed: string): string | undefined {
	const bytes = Buffer.from(sealed, 'base64');
	if (bytes.length < nonceBytes + tagBytes) return undefined;
	const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), {
		authTagLength: tagBytes,
	});
	decipher.setAAD(boundTo(keyId, id));
	decipher.setAuthTag(bytes.subarray(-tagBytes));
	try {
		return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString(
			'utf8',
		);
	} catch {
		return undefined;
	}
}

function boundTo(keyId: string, id: string): Buffer {
	return Buffer.from(JSON.stringify(['jarvis', keyId, id]));
}
