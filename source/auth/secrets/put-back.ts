import {replaceSecret, staticSecretMembers} from '../../store/edit.ts';
import {member} from '../../store/json.ts';
import type {HeldLock} from '../../store/lock.ts';
import {updateCredentials} from '../../store/profiles.ts';
import {decodeRef, type SecretRef} from '../../store/schema.ts';
import {readSecretsConfig, secretProviderOf} from '../../store/secrets-config.ts';
import type {MoveContext} from './move.ts';
import {changed, notSealed, secretGiven, unknownPlace} from './move-errors.ts';
import {whileMoving} from './move-lock.ts';
import {agentsOf, entryAt, isSamePlace, readPlaces, type SecretPlace} from './places.ts';
import {refKey} from './refs.ts';
import {resolveRefs} from './resolve-refs.ts';
import {forgetSealed} from './sealed.ts';

/**
 * Puts sealed secrets back into their files; when that is durable, forgets them where they were sealed, unless
 * another ref needs them.
 * @throws `profile_unknown`, `secret_unmovable`, `secret_mismatch`, `lock_timeout`, `lock_lost`, and what reading and writing the files throws
 */
export async function putBack(context: MoveContext, places: readonly SecretPlace[]): Promise<void> {
	return whileMoving(context.paths, lock => putBackNow(context, places, lock));
}

async function putBackNow(
	{paths, env}: MoveContext,
	places: readonly SecretPlace[],
	onlyWhile: HeldLock,
): Promise<void> {
	const config = await readSecretsConfig(paths);
	const isSealed = (ref: SecretRef | undefined): ref is SecretRef => {
		if (ref?.source !== 'keychain') return false;
		const found = secretProviderOf(config, {...ref, source: 'keychain'});
		return typeof found !== 'string' && found.provider.service === undefined;
	};
	const all = await readPlaces(paths, agentsOf(places));
	const returning = places.map(place => {
		const held = all.find(each => isSamePlace(each.place, place));
		if (!held) throw unknownPlace(place);
		const {ref, type} = held;
		if (type === 'oauth' || !isSealed(ref)) throw notSealed(held);
		return {held, ref, type};
	});
	const refs = returning.map(({ref}) => ref);
	const resolved = await resolveRefs(refs, {env, config});
	const ready = returning.map(each => ({...each, secret: secretGiven(each.held, each.ref, resolved)}));
	for (const {held, ref, type, secret} of ready) {
		const {agentId, profileId} = held.place;
		await updateCredentials(paths, agentId, document => {
			const entry = entryAt(document, profileId);
			const now = decodeRef(member(entry, staticSecretMembers[type].ref));
			if (!entry || !now || refKey(now) !== refKey(ref)) throw changed(held, 'secrets unseal');
			replaceSecret(entry, type, secret);
		});
	}
	// A file that cannot be read may need them all: `secrets prune` takes them away when it can.
	const others = await readPlaces(paths).catch(() => undefined);
	const inUse = new Set(others?.flatMap(({ref}) => (ref ? [refKey(ref)] : [])));
	const unused = refs.filter(ref => others && !inUse.has(refKey(ref)));
	onlyWhile.assertHeld();
	await forgetSealed(
		paths,
		unused.map(({id}) => id),
	);
}
