import {randomBytes} from 'node:crypto';
import {JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {
	changeSealed,
	dataKeyBytes,
	openSealed,
	readSealed,
	type SealedFile,
	sealSecret,
} from '../../store/sealed.ts';
import {getFromKeychain, type Keychain, setInKeychain} from './keychain.ts';
import type {KeychainItem} from './keychain-protocol.ts';

/** The name under which the keychain shows what is ours. */
export const keychainService = 'jarvis';

/** What came of opening a sealed secret: the secret, or why not. */
export type Opened = {readonly secret: string} | {readonly why: 'unknown' | 'unreadable'};

/**
 * Encrypts secrets under the state folder's data key, which is made with the first of them, and makes sure that
 * what is on the disk opens again with what is in the keychain.
 * @param secrets of a provider each, which the id begins with so that a person knows it
 * @returns the ids, in the order of the secrets. None that was ever given is given again.
 * @throws `keychain_unavailable`, `sealed_unreadable`, and as `changeSealed` does
 */
export async function seal(
	paths: StatePaths,
	keychain: Keychain,
	secrets: readonly {readonly provider: string; readonly secret: string}[],
): Promise<string[]> {
	return changeSealed(paths, async ({file, write}) => {
		const key = await dataKeyOf(paths, keychain, file);
		const named = secrets.map(({provider, secret}) => ({
			id: `${provider}/${randomBytes(6).toString('hex')}`,
			secret,
		}));
		await write({
			add: new Map(named.map(({id, secret}) => [id, sealSecret(key, file.keyId, id, secret)])),
		});
		// Nothing is taken away elsewhere for what was only in memory.
		const written = await readSealed(paths);
		for (const {id, secret} of named) {
			const sealed = written?.entries.get(id);
			if (sealed === undefined || openSealed(key, file.keyId, id, sealed) !== secret) throw unreadable(paths);
		}
		return named.map(({id}) => id);
	});
}

/**
 * Opens sealed secrets, by one call to the keychain however many they are.
 * @throws `keychain_unavailable`, `store_damaged`, system errors
 */
export async function unseal(
	paths: StatePaths,
	keychain: Keychain,
	ids: readonly string[],
): Promise<ReadonlyMap<string, Opened>> {
	const file = await readSealed(paths);
	const known = ids.some(id => file?.entries.has(id));
	const key = file && known ? await storedKey(keychain, file) : undefined;
	return new Map(
		ids.map((id): [string, Opened] => {
			const sealed = file?.entries.get(id);
			if (!file || sealed === undefined) return [id, {why: 'unknown'}];
			const secret = key && openSealed(key, file.keyId, id, sealed);
			return [id, secret === undefined ? {why: 'unreadable'} : {secret}];
		}),
	);
}

/** Takes sealed secrets away. Throws as `changeSealed` does. */
export async function forgetSealed(paths: StatePaths, ids: readonly string[]): Promise<void> {
	if (ids.length > 0) await changeSealed(paths, ({write}) => write({remove: ids}));
}

/** The error of secrets whose key is not in the keychain, or that were changed. */
export function unreadable(paths: StatePaths): JarvisError {
	return new JarvisError(
		'sealed_unreadable',
		`What is in ${paths.sealed} does not open with the key that this keychain has for it.`,
		'Use the keychain of the user and the machine that sealed it. If that is gone, store the secrets anew: jarvis models auth paste-token --provider <id>',
	);
}

// A new key is made only where nothing depends on an old one: a keychain that was emptied is no reason to make
// what is in the file unreadable for good.
async function dataKeyOf(paths: StatePaths, keychain: Keychain, file: SealedFile): Promise<Uint8Array> {
	const present = await storedKey(keychain, file);
	if (present) {
		const opens = ([id, sealed]: readonly [string, string]) =>
			openSealed(present, file.keyId, id, sealed) !== undefined;
		if (file.entries.size === 0 || [...file.entries].some(opens)) return present;
		throw unreadable(paths);
	}
	if (file.entries.size > 0) throw unreadable(paths);
	const made = randomBytes(dataKeyBytes);
	await setInKeychain(keychain, itemOf(file), made.toString('base64url'));
	const stored = await storedKey(keychain, file);
	if (stored && made.equals(stored)) return made;
	throw new JarvisError(
		'keychain_unavailable',
		'The keychain took a key and does not give it back. Nothing was changed.',
		'See whether it keeps anything: it may be one that forgets at logout.',
	);
}

async function storedKey(keychain: Keychain, file: SealedFile): Promise<Uint8Array | undefined> {
	const [text] = await getFromKeychain(keychain, [itemOf(file)]);
	const key = text === undefined ? undefined : Buffer.from(text, 'base64url');
	return key?.length === dataKeyBytes ? key : undefined;
}

function itemOf({keyId}: SealedFile): KeychainItem {
	return {service: keychainService, account: keyId};
}
