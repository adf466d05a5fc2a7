import {isObject, type JsonObject, member, setMember} from '../../store/json.ts';
import {changeOpenclawFile} from '../../store/openclaw/change.ts';
import {openclawAgentFiles} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';
import {updateCredentials} from '../../store/profiles.ts';
import {entriesOf, type OAuthCredential} from '../../store/schema.ts';
import {isMarked} from '../grant.ts';
import {holdersOf} from '../holders.ts';
import type {ResolveContext} from '../resolve.ts';
import {type ExportedProfile, isWritten} from './compose.ts';

/**
 * Gives openclaw the refresh tokens, and takes them out of every record here that holds them. Nobody
 * refreshes meanwhile. Should it end in the middle, both hold the token, and the next time ends that.
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
		const give = async (credential: OAuthCredential) => {
			const {access, refresh, expires} = credential;
			if (!refresh) return;
			const file = openclawAgentFiles(root, theirs, agentId).credentials;
			await changeOpenclawFile({paths, root}, file, document => {
				const entry = member(member(document, 'profiles'), profileId);
				if (!isObject(entry)) return;
				if (access !== undefined) setMember(entry, 'access', access);
				if (typeof expires === 'number') setMember(entry, 'expires', expires);
				setMember(entry, 'refresh', refresh);
			});
			await giveUp(paths, profile.provider, refresh);
		};
		const provider = await context.findProvider(profile.provider).catch(() => undefined);
		if (provider) {
			const {whileNotRefreshed} = await import('../refresh.ts');
			await whileNotRefreshed({...context, provider, agentId, profileId}, give);
		} else await give(holder.credential);
		written.push({...profile, outcome: 'handed_over'});
	}
	return written;
}

async function giveUp(paths: StatePaths, provider: string, refresh: string): Promise<void> {
	const sharing = holdersOf(paths, provider).filter(({credential}) => credential.refresh === refresh);
	for (const agentId of new Set(sharing.map(holder => holder.agentId))) {
		await updateCredentials(paths, agentId, document => {
			for (const [, entry] of entriesOf(member(document, 'profiles'))) {
				if (isObject(entry) && entry.refresh === refresh) delete entry.refresh;
			}
		});
	}
}
