import type {Recorder} from '../store/audit-log.ts';
import {clearRefusal, patchUsage, putCredential, setLastGood} from '../store/edit.ts';
import type {JsonObject} from '../store/json.ts';
import type {HeldLock} from '../store/lock.ts';
import type {StatePaths} from '../store/paths.ts';
import {updateCredentials} from '../store/profiles.ts';
import type {AgentCredentials, OAuthCredential} from '../store/schema.ts';
import type {spentReason} from './grant.ts';
import type {Holder} from './holders.ts';
import {fingerprint} from './identity.ts';
import type {Provider} from './providers/contract.ts';

interface Place {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly now: () => number;
}

/** The same, for the profile that an agent asks for, with who notes what was done. */
export interface AskedPlace extends Place {
	readonly agentId: string;
	readonly profileId: string;
	readonly record?: Recorder;
}

/**
 * Writes a credential over every record of the holders' agents that holds one of their refresh tokens:
 * also one that a person renamed meanwhile, but none that was removed or logged in anew.
 * @throws what `updateCredentials` throws; `lock_lost` when `lock`, the identity's, is no longer held
 */
export async function keep(
	place: Place,
	holders: readonly Holder[],
	credential: OAuthCredential,
	lock: HeldLock,
): Promise<void> {
	await editGrant(place, holders, lock, (document, profileId, present) => {
		putCredential(document, profileId, {...credential, ...keptLabels(present)});
		clearRefusal(document, profileId);
		patchUsage(document, profileId, {lastProven: {at: place.now(), outcome: 'refreshed'}});
	});
}

/** The same for agents that nobody is waiting for: what is wrong with a file is for its own use to say. */
export async function keepElsewhere(
	place: Place,
	holders: readonly Holder[],
	credential: OAuthCredential,
	lock: HeldLock,
): Promise<void> {
	for (const holder of holders) await keep(place, [holder], credential, lock).catch(() => undefined);
}

/**
 * Marks every record that holds the refresh token as one that a person must log in for.
 * @param reason why: the server has refused it, or it was spent already and is not sent again
 * @throws as `keep` does
 */
export async function markNeedsLogin(
	place: Place,
	holders: readonly Holder[],
	refresh: string,
	lock: HeldLock,
	reason: 'invalid_grant' | typeof spentReason = 'invalid_grant',
): Promise<void> {
	const since = place.now();
	const needsLogin = {since, fingerprint: fingerprint(refresh), reason};
	const proven = reason === 'invalid_grant' ? {lastProven: {at: since, outcome: 'refused'}} : {};
	await editGrant(place, holders, lock, (document, profileId, present, lastGood) => {
		if (present.refresh !== refresh) return;
		patchUsage(document, profileId, {needsLogin, ...proven});
		if (lastGood.get(present.provider) === profileId) setLastGood(document, present.provider, undefined);
	});
}

async function editGrant(
	{paths, provider}: Place,
	holders: readonly Holder[],
	lock: HeldLock,
	change: (
		document: JsonObject,
		profileId: string,
		present: OAuthCredential,
		lastGood: AgentCredentials['lastGood'],
	) => void,
): Promise<void> {
	const tokens = new Set(holders.map(holder => holder.credential.refresh));
	for (const agentId of new Set(holders.map(holder => holder.agentId))) {
		await updateCredentials(
			paths,
			agentId,
			(document, current) => {
				for (const [profileId, present] of current.profiles) {
					if (present.type !== 'oauth' || present.provider !== provider.id) continue;
					if (present.refresh && tokens.has(present.refresh))
						change(document, profileId, present, current.lastGood);
				}
			},
			{onlyWhile: lock},
		);
	}
}

// Two records of one account may each know a label that the other lacks.
function keptLabels(present: OAuthCredential): {accountId?: string; email?: string} {
	return {
		...(present.accountId ? {accountId: present.accountId} : {}),
		...(present.email ? {email: present.email} : {}),
	};
}
