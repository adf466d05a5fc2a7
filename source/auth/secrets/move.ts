import {replaceSecret} from '../../store/edit.ts';
import type {JsonObject} from '../../store/json.ts';
import type {HeldLock} from '../../store/lock.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {SecretRef} from '../../store/schema.ts';
import {type ScrubbedCopies, scrubCredentials} from '../../store/scrub.ts';
import {readSecretsConfig, type SecretsConfig, secretProviderOf} from '../../store/secrets-config.ts';
import {getFromKeychain, type Keychain} from './keychain.ts';
import {
	changed,
	holdsNone,
	mismatch,
	noSealer,
	oauthStays,
	secretGiven,
	unknownPlace,
} from './move-errors.ts';
import {whileMoving} from './move-lock.ts';
import {
	agentsOf,
	entryAt,
	type HeldSecret,
	isSamePlace,
	isStillHeld,
	readPlaces,
	type SecretPlace,
} from './places.ts';
import {refKey} from './refs.ts';
import {resolveRefs} from './resolve-refs.ts';
import {keychainService, seal} from './sealed.ts';

export interface MoveContext {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
}

/** A secret that is to leave its file: `'seal'` encrypts it, any other ref must give the same secret already. */
export interface SecretMove {
	readonly place: SecretPlace;
	readonly to: SecretRef | 'seal';
}

/** What became of a secret, or would: it is `already` where the file holds none. */
export interface MovedSecret {
	readonly place: SecretPlace;
	readonly outcome: 'moved' | 'already';
	/** What stands in its place. Absent where it would be sealed, and has no id yet. */
	readonly ref?: SecretRef;
}

export interface Moves {
	readonly secrets: readonly MovedSecret[];
	/** Copies that still held a secret: backups, and what writes that were cut off had left. */
	readonly copies: ScrubbedCopies;
}

/** A secret on its way, with all that is known of it. */
interface Traveller {
	readonly held: HeldSecret;
	readonly secret: string;
	/** What takes its place; absent where it is still to be sealed. */
	readonly ref?: SecretRef;
}

type Sealed = Traveller & {readonly ref: SecretRef};

interface Sealer {
	/** The provider that is in the refs. */
	readonly provider: string;
	readonly keychain: Keychain;
}

/**
 * Takes secrets out of their files and leaves refs. In this order, so that a crash at any point loses nothing:
 * every secret is where its ref says, durably, and the ref was resolved in the way it will be in use and has given
 * the same secret; then file by file the ref takes the secret's place, if that is still the same; then the copies
 * of the file.
 *
 * @returns what was done, or, for `dryRun`, would be
 * @throws `profile_unknown`, `secret_unmovable`, `secret_mismatch`, `keychain_unavailable`, `sealed_unreadable`,
 * `lock_timeout`, `lock_lost`, and what reading and writing the files throws
 */
export async function moveSecrets(
	context: MoveContext,
	moves: readonly SecretMove[],
	{dryRun = false}: {readonly dryRun?: boolean} = {},
): Promise<Moves> {
	if (!dryRun) return whileMoving(context.paths, lock => move(context, moves, lock));
	const {config, ready} = await checked(context, moves);
	if (ready.some(({ref}) => !ref)) await askKeychain(sealerOf(config, context));
	return {secrets: ready.map(outcomeOf), copies: {rewritten: [], removed: []}};
}

async function move(context: MoveContext, moves: readonly SecretMove[], lock: HeldLock): Promise<Moves> {
	const {config, ready} = await checked(context, moves);
	const travellers = await sealed(context, config, ready);
	const copies = await takeOut(context.paths, travellers, lock);
	return {secrets: travellers.map(outcomeOf), copies};
}

/** Finds out whether all can be moved, and that each ref that is there already gives the same secret. */
async function checked(
	{paths, env}: MoveContext,
	moves: readonly SecretMove[],
): Promise<{readonly config: SecretsConfig; readonly ready: readonly Traveller[]}> {
	const config = await readSecretsConfig(paths);
	const all = await readPlaces(paths, agentsOf(moves.map(({place}) => place)));
	const wanted = moves.map(({place, to}) => ({to, held: movableAt(all, place)}));
	const refs = wanted.flatMap(({to, held: {ref}}) => [...(to === 'seal' ? [] : [to]), ...(ref ? [ref] : [])]);
	const resolved = await resolveRefs(refs, {env, config});
	const ready = wanted.map(({to, held}): Traveller => {
		const secret = held.secret ?? secretGiven(held, held.ref, resolved);
		// Of two that differ nobody can say which one is meant.
		if (held.ref && secretGiven(held, held.ref, resolved) !== secret) throw mismatch(held, held.ref);
		const ref = to === 'seal' ? held.ref : to;
		if (!ref) return {held, secret};
		if (secretGiven(held, ref, resolved) !== secret) throw mismatch(held, ref);
		return {held, secret, ref};
	});
	return {config, ready};
}

/**
 * What is in a place, out of all that was read, if it can be moved.
 * @throws `profile_unknown`, `secret_unmovable`
 */
export function movableAt(all: readonly HeldSecret[], place: SecretPlace): HeldSecret {
	const held = all.find(each => isSamePlace(each.place, place));
	if (!held) throw unknownPlace(place);
	if (held.type === 'oauth') throw oauthStays(held);
	if (held.secret === undefined && !held.ref) throw holdsNone(held);
	return held;
}

/** Seals those that have no ref yet, and makes sure that their refs give them. */
async function sealed(
	context: MoveContext,
	config: SecretsConfig,
	travellers: readonly Traveller[],
): Promise<Sealed[]> {
	const unsealed = travellers.filter(({ref}) => !ref);
	if (unsealed.length === 0) return travellers.flatMap(each => (each.ref ? [{...each, ref: each.ref}] : []));
	const {provider, keychain} = sealerOf(config, context);
	const ids = await seal(
		context.paths,
		keychain,
		unsealed.map(({held, secret}) => ({provider: held.provider, secret})),
	);
	const refs = new Map(
		unsealed.map((traveller, index) => [
			traveller,
			{source: 'keychain' as const, provider, id: ids[index] ?? ''},
		]),
	);
	const given = await resolveRefs(refs.values(), {env: context.env, config});
	return travellers.flatMap(traveller => {
		const {held, secret, ref = refs.get(traveller)} = traveller;
		if (!ref) return [];
		if (refs.has(traveller) && secretGiven(held, ref, given) !== secret) throw mismatch(held, ref);
		return [{held, secret, ref}];
	});
}

/** The provider whose refs mean sealed secrets: `default`, unless `jarvis.json` gives that name to another one. */
function sealerOf(config: SecretsConfig, {env}: MoveContext): Sealer {
	for (const provider of ['default', ...config.providers.keys()]) {
		const found = secretProviderOf(config, {source: 'keychain', provider});
		if (typeof found !== 'string' && found.provider.service === undefined) {
			return {provider, keychain: {env, limitMs: found.provider.timeoutMs}};
		}
	}
	throw noSealer();
}

// What it answers does not matter, but that it does.
async function askKeychain({keychain}: Sealer): Promise<void> {
	await getFromKeychain(keychain, [{service: keychainService, account: 'none'}]);
}

function outcomeOf({held, ref}: Traveller): MovedSecret {
	const isThere = held.secret === undefined && held.ref && ref && refKey(held.ref) === refKey(ref);
	return {place: held.place, outcome: isThere ? 'already' : 'moved', ...(ref ? {ref} : {})};
}

async function takeOut(
	paths: StatePaths,
	travellers: readonly Sealed[],
	onlyWhile: HeldLock,
): Promise<ScrubbedCopies> {
	const all: ScrubbedCopies[] = [];
	for (const agentId of agentsOf(travellers.map(({held}) => held.place))) {
		const own = travellers.filter(({held}) => held.place.agentId === agentId);
		const edit = (document: JsonObject) => {
			for (const traveller of own) takeOutOfStore(document, traveller);
			return new Map(own.map(({secret, ref}) => [secret, ref]));
		};
		all.push(await scrubCredentials(paths, agentId, edit, onlyWhile));
	}
	return {
		rewritten: all.flatMap(({rewritten}) => rewritten),
		removed: all.flatMap(({removed}) => removed),
	};
}

function takeOutOfStore(document: JsonObject, traveller: Sealed): void {
	const {held, ref} = traveller;
	if (outcomeOf(traveller).outcome === 'already' || held.type === 'oauth') return;
	const entry = entryAt(document, held.place.profileId);
	// A login may have brought another one meanwhile, and another program another ref.
	if (!entry || !isStillHeld(entry, held)) throw changed(held, 'secrets seal');
	replaceSecret(entry, held.type, ref);
}
