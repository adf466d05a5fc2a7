import {accountOf, fingerprint} from '../auth/identity.ts';
import {dropOrphanedReplies} from '../auth/kept-replies.ts';
import {providerFlag} from '../auth/profile-commands.ts';
import {whileNotRefreshed} from '../auth/refresh.ts';
import {shellWord} from '../errors.ts';
import {holderLimitMs} from '../store/lock.ts';
import {type FoundLock, listLocks, removeDeadLock} from '../store/lock-inspection.ts';
import {readJournal} from '../store/read-journal.ts';
import {type KeptReply, readKeptReplies, slotFile, slotNames} from '../store/reply-slot.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, oauthProfiles, type Subject} from './subject.ts';

/** A lock is quiet for less than this (ms) while its taker writes its record. */
const takingMs = 5000;

/** A request that runs for longer than this (ms) does not run any more. */
const longestRefreshMs = 120_000;

/** Locks whose holders are gone, or stand still. */
export function checkLocks({paths}: Subject): Finding[] {
	return listLocks(paths.locks).flatMap(lock => {
		const silentMs = Date.now() - lock.beatAt;
		const isGone = lock.liveness === 'dead' || (!lock.owner && silentMs > takingMs);
		if (isGone) return [leftLock(paths.locks, lock)];
		return lock.owner && silentMs > holderLimitMs ? [stuckLock(lock, silentMs)] : [];
	});
}

function leftLock(folder: string, {name, held, owner}: FoundLock): Finding {
	return finding('lock_left', {
		where: held,
		what: owner ? `The process ${owner.pid} has died with it.` : 'Its taker has died while taking it.',
		next: 'jarvis doctor --fix',
		mend: {what: 'remove it', asks: false, run: () => removeDeadLock(folder, name)},
	});
}

function stuckLock({held, owner}: FoundLock, silentMs: number): Finding {
	const host = owner?.realm.split(' ')[0];
	return finding('lock_stuck', {
		where: held,
		what: `The process ${owner?.pid} on ${host} holds it, and has shown no sign of life for ${Math.round(silentMs / 1000)} s.`,
		next: `ps -fp ${owner?.pid}`,
	});
}

/** New tokens that are kept and not stored, and refreshes that were cut off. */
export function checkJournals(subject: Subject): Finding[] {
	const held = listLocks(subject.paths.locks).filter(({liveness}) => liveness !== 'dead');
	// What belongs to a refresh that is under way is where it should be.
	const isUnderWay = (name: string) => held.some(lock => lock.name === `refresh-${name}`);
	return slotNames(subject.paths)
		.filter(name => !isUnderWay(name))
		.flatMap(name => [...keptReplies(subject, name), ...cutOff(subject, name)]);
}

function keptReplies(subject: Subject, name: string): Finding[] {
	return readKeptReplies(subject.paths, name).map(reply => {
		const {credential} = reply;
		const account = accountOf(credential);
		const profile = holderOf(subject, reply);
		const {provider} = credential;
		const of = `A new token of ${provider}${account ? ` (${account})` : ''} is kept there, and not stored.`;
		const where = slotFile(subject.paths, name);
		if (profile) {
			const mend = {what: 'store it', asks: false, run: () => storeKept(subject, profile)};
			return finding('reply_kept', {where, what: of, next: 'jarvis doctor --fix', mend});
		}
		const what = `${of} No profile holds the token that it is for.`;
		// It may be for one in a file that cannot be read now.
		if (subject.agents.size < subject.agentIds.length) {
			return finding('reply_kept', {where, what, next: 'jarvis doctor --fix'});
		}
		const mend = {what: 'remove it', asks: true, run: () => dropOrphanedReplies(subject.paths)};
		return finding('reply_kept', {where, what, next: 'jarvis doctor --fix', mend});
	});
}

type Profile = ReturnType<typeof oauthProfiles>[number];

function holderOf(subject: Subject, {spent, credential}: KeptReply): Profile | undefined {
	const same = oauthProfiles(subject).filter(other => other.credential.provider === credential.provider);
	const account = accountOf(credential);
	return (
		same.find(other => fingerprint(other.credential.refresh ?? '') === spent) ??
		same.find(other => account !== undefined && accountOf(other.credential) === account)
	);
}

// Whoever has the lock stores what is kept before anything else.
async function storeKept(subject: Subject, {agentId, profileId, credential}: Profile): Promise<void> {
	const provider = subject.providers.get(credential.provider);
	if (!provider) return;
	const {paths, network, now, record} = subject;
	await whileNotRefreshed(
		{...{paths, network, now, provider, agentId, profileId}, ...(record ? {record} : {})},
		async () => {},
	);
}

function cutOff(subject: Subject, name: string): Finding[] {
	const {paths, now} = subject;
	return readJournal(paths, name)
		.filter(({finishedAt, startedAt}) => finishedAt === undefined && now() - startedAt > longestRefreshMs)
		.flatMap(({spent, startedAt}) => {
			const holder = oauthProfiles(subject).find(
				({credential}) => credential.refresh && fingerprint(credential.refresh) === spent,
			);
			if (!holder) return [];
			return [
				finding('refresh_cut_off', {
					where: nameOf(holder),
					what: `A refresh was cut off at ${new Date(startedAt).toISOString()}: it may have spent the refresh token.`,
					next: `jarvis models auth token ${providerFlag(holder.credential.provider)} --agent ${holder.agentId} --profile ${shellWord(holder.profileId)} >/dev/null`,
				}),
			];
		});
}
