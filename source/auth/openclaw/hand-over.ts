import {isObject, type JsonObject, member, setMember} from '../../store/json.ts';
import {changeOpenclawFile} from '../../store/openclaw/change.ts';
import {openclawAgentFiles} from '../../store/openclaw/folder.ts';
import {listAgentIds} from '../../store/profiles.ts';
import {decodeCredential, entriesOf, type OAuthCredential} from '../../store/schema.ts';
import {scrubCredentials} from '../../store/scrub.ts';
import {isMarked} from '../grant.ts';
import {type Holder, holdersOf} from '../holders.ts';
import type {ResolveContext} from '../resolve.ts';
import {type ExportedProfile, isWritten} from './compose.ts';
import {isOtherAccount} from './one-owner.ts';

/**
 * Gives openclaw the refresh tokens, and takes them out of every record here that holds them. Nobody
 * refreshes meanwhile. A token is given up here only once openclaw has it: where openclaw changed the profile
 * since it was written, or another process took over the refresh, it stays here. Should it end in the middle,
 * both hold the token, and the next time ends that.
 */
export async function handOver(
	context: ResolveContext,
	root: string,
	theirs: JsonObject,
	profiles: readonly ExportedProfile[],
): Promise<ExportedProfile[]> {
	const {paths} = context;
	const written: ExportedProfile[] = [];
	for (const profile of profiles) {
		const {agentId, profileId} = profile;
		const holder = holdersOf(paths, profile.provider).find(
			other => other.agentId === agentId && other.profileId === profileId,
		);
		if (!isWritten(profile) || !holder?.credential.refresh || isMarked(holder)) {
			written.push(profile);
			continue;
		}
		const file = openclawAgentFiles(root, theirs, agentId).credentials;
		const provider = await context.findProvider(profile.provider).catch(() => undefined);
		let isGiven: boolean;
		if (provider) {
			const {whileNotRefreshed} = await import('../refresh.ts');
			isGiven = await whileNotRefreshed({...context, provider, agentId, profileId}, (credential, lock) =>
				give(context, root, file, profileId, credential, () => lock.isHeld()),
			);
		} else isGiven = await give(context, root, file, profileId, holder.credential, () => true);
		written.push({...profile, outcome: isGiven ? 'handed_over' : 'not_handed_over'});
	}
	return written;
}

/** Whether openclaw has the refresh token now, and no record here. */
async function give(
	{paths}: ResolveContext,
	root: string,
	file: string,
	profileId: string,
	credential: OAuthCredential,
	isHeld: () => boolean,
): Promise<boolean> {
	const {access, refresh, expires} = credential;
	const isDead = (holder: Holder) => holder.credential.refresh === refresh && isMarked(holder);
	// One that was found to be spent is marked by now.
	if (!refresh || holdersOf(paths, credential.provider).some(isDead)) return false;
	const change = (edit: (entry: JsonObject) => boolean) =>
		changeOpenclawFile({paths, root}, file, document => {
			const entry = member(member(document, 'profiles'), profileId);
			return isObject(entry) && edit(entry);
		});
	const isThere = await change(entry => {
		if (!isHeld() || !isStillOurs(entry, credential)) return false;
		if (access !== undefined) setMember(entry, 'access', access);
		if (typeof expires === 'number') setMember(entry, 'expires', expires);
		setMember(entry, 'refresh', refresh);
		return true;
	});
	if (!isThere) return false;
	if (await giveUp(paths, credential.provider, refresh, isHeld)) return true;
	// Whoever refreshes now spends it.
	await change(entry => entry.refresh === refresh && delete entry.refresh);
	return false;
}

/** Whether openclaw's entry is still what was written: no other account's, and no login that was made since. */
function isStillOurs(entry: JsonObject, credential: OAuthCredential): boolean {
	const present = decodeCredential(entry);
	if (typeof present === 'string' || present.type !== 'oauth') return false;
	if (present.provider !== credential.provider || isOtherAccount(present, credential)) return false;
	return present.refresh === undefined || present.refresh === credential.refresh;
}

async function giveUp(
	paths: ResolveContext['paths'],
	provider: string,
	refresh: string,
	isHeld: () => boolean,
): Promise<boolean> {
	const sharing = holdersOf(paths, provider).filter(({credential}) => credential.refresh === refresh);
	const owners = new Set(sharing.map(holder => holder.agentId));
	for (const agentId of owners) {
		if (!(await takeOut(paths, agentId, refresh, isHeld))) return false;
	}
	// An agent that held it earlier has it in a backup. What is wrong with its file is for its own use to say.
	for (const agentId of listAgentIds(paths).filter(id => !owners.has(id))) {
		await takeOut(paths, agentId, refresh, isHeld).catch(() => false);
	}
	return true;
}

/** Takes the token out of an agent's file and all its copies: put back, one would be refreshed by two programs. */
async function takeOut(
	paths: ResolveContext['paths'],
	agentId: string,
	refresh: string,
	isHeld: () => boolean,
): Promise<boolean> {
	let isDone = false;
	await scrubCredentials(paths, agentId, document => {
		isDone = isHeld();
		if (!isDone) return new Map();
		for (const [, entry] of entriesOf(member(document, 'profiles'))) {
			if (isObject(entry) && entry.refresh === refresh) delete entry.refresh;
		}
		return new Map([[refresh, undefined]]);
	});
	return isDone;
}
