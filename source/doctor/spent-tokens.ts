import {isMarked, isSpent, newestOfGrant, tokenOf} from '../auth/grant.ts';
import {type Holder, holdersOf} from '../auth/holders.ts';
import {whileNotRefreshed} from '../auth/refresh.ts';
import {liveCredential} from '../auth/spent-token.ts';
import {tryParseJson} from '../store/json.ts';
import {journalsIfReadable, readAllJournals} from '../store/read-journal.ts';
import {decodeAgentCredentials} from '../store/schema.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, oauthProfiles, type Subject} from './subject.ts';

/** Profiles whose refresh token was spent: a backup that a person has put back has it. */
export function checkSpentTokens(subject: Subject): Finding[] {
	const {paths} = subject;
	const profiles = oauthProfiles(subject);
	if (profiles.length === 0) return [];
	const journal = readAllJournals(paths);
	const known = profiles.map(({credential}) => credential.provider).filter(id => subject.providers.has(id));
	return [...new Set(known)].flatMap(provider => {
		const holders = holdersOf(paths, provider);
		return holders
			.filter(holder => isStale(holder, holders, journal))
			.map(holder => spent(subject, holder, journal));
	});
}

type Journal = ReturnType<typeof readAllJournals>;

// What another record of the grant knows is taken over at the next refresh.
function isStale(holder: Holder, holders: readonly Holder[], journal: Journal): boolean {
	const newest = newestOfGrant(holder, holders, journal);
	return isSpent(tokenOf(newest.credential) ?? '', journal) && !isMarked(newest) && !newest.credential.link;
}

function spent(subject: Subject, holder: Holder, journal: Journal): Finding {
	const isThere = liveCredential(subject.paths, holder.credential, journal);
	const what = isThere
		? 'Its refresh token was spent before. The newest one is in a copy of a file.'
		: 'Its refresh token was spent before, and the newest one is nowhere to be found: it needs a new login.';
	return finding('refresh_spent', {
		where: nameOf(holder),
		what,
		next: 'jarvis doctor --fix',
		mend: {
			what: isThere ? 'take the newest one' : 'mark it, so that the old one is never sent',
			asks: false,
			run: () => mendHolder(subject, holder),
		},
	});
}

/** Does so for each profile of an agent: after its file was put back from a backup. */
export async function mendSpentTokens(subject: Subject, agentId: string): Promise<void> {
	const journal = readAllJournals(subject.paths);
	for (const provider of subject.providers.keys()) {
		const holders = holdersOf(subject.paths, provider);
		const stale = holders.filter(holder => holder.agentId === agentId && isStale(holder, holders, journal));
		for (const holder of stale) await mendHolder(subject, holder);
	}
}

async function mendHolder(subject: Subject, {agentId, profileId, credential}: Holder): Promise<void> {
	const {paths, network, now, record} = subject;
	const provider = subject.providers.get(credential.provider);
	if (!provider) return;
	// Whoever holds the lock has the newest one stored, or the record marked, before anything else.
	await whileNotRefreshed(
		{...{paths, network, now, provider, agentId, profileId}, ...(record ? {record} : {})},
		async () => {},
	);
}

/**
 * What a person is told before a backup takes the place of a damaged file of credentials: whose refresh tokens were spent
 * since it was made, and which of the newer ones are lost. Empty where there is nothing to tell.
 * @param backup its text, and `damaged` the file's
 */
export function tokensSpentSince({paths}: Subject, backup: string, damaged: string): string {
	const document = tryParseJson(backup);
	const journal = journalsIfReadable(paths);
	const [carried, lost]: [string[], string[]] = [[], []];
	for (const [profileId, credential] of document ? decodeAgentCredentials(document).profiles : []) {
		if (credential.type !== 'oauth' || !isSpent(tokenOf(credential) ?? '', journal)) continue;
		(liveCredential(paths, credential, journal, damaged) ? carried : lost).push(profileId);
	}
	const list = (ids: readonly string[]) => ids.join(', ');
	return [
		carried.length > 0 ? ` The newer tokens of ${list(carried)} are carried over.` : '',
		lost.length > 0
			? ` The backup has only spent refresh tokens of ${list(lost)}, and the newer ones are nowhere to be found: these need a new login.`
			: '',
	].join('');
}
