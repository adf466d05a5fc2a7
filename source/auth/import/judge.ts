import {assertProfileId, providerOfProfileId} from '../../store/paths.ts';
import type {JournalEntry} from '../../store/read-journal.ts';
import type {AgentCredentials, Credential} from '../../store/schema.ts';
import {clean} from '../facts.ts';
import {accountWords, isNewer, isRefused, isSameAccount, isSameSecret, spentAt} from './compare.ts';
import type {Entry, Program} from './programs.ts';

/** How another program's login stands to what an agent has. */
export type ImportState =
	| 'new'
	/** The agent has this very secret. */
	| 'here'
	/** The agent has the account, and something older of it. */
	| 'newer'
	/** The agent has the account, and something newer of it. */
	| 'older'
	| 'linked'
	/** It is told of in the file, and not in it. */
	| 'elsewhere';

/** Who refreshes a login from now on: JARVIS, or its own program alone. */
export type ImportHow = 'adopt' | 'link';

export interface Judgement {
	readonly state: ImportState;
	/** The profile that it is, or would be. */
	readonly profileId: string;
	/** Why it cannot be taken this way; absent where it can. */
	readonly refusals: Readonly<Partial<Record<ImportHow, string>>>;
}

export interface JudgeInput {
	readonly program: Program;
	readonly file: string;
	readonly entry: Entry;
	readonly agentId: string;
	readonly current: AgentCredentials;
	/** The agents beside this one that hold OAuth credentials of the provider. */
	readonly others: readonly {readonly agentId: string; readonly credential: Credential}[];
	readonly journal: readonly JournalEntry[];
	/** Some provider here can refresh it. */
	readonly canRefresh: boolean;
	/** The id that the person gave. */
	readonly wanted?: string | undefined;
}

/**
 * What may be done with a login (docs/import.md): never overwritten is what is newer, of another account, or
 * of another kind; a refresh token is never held by two agents; a link never takes the place of a credential.
 * @throws `profile_invalid_id`
 */
export function judge(input: JudgeInput): Judgement {
	const {entry, wanted} = input;
	const place = standing(input);
	const profileId = wanted === undefined ? place.profileId : assertProfileId(wanted);
	const taken = wanted === undefined ? undefined : takenBy(input, profileId);
	const refusals: Partial<Record<ImportHow, string>> = {};
	const adopt = entry.problem ?? taken ?? whyNotAdopted(input, place);
	const link = entry.problem ?? taken ?? whyNotLinked(input, place, profileId);
	if (adopt !== undefined) refusals.adopt = adopt;
	if (link !== undefined) refusals.link = link;
	const state = entry.problem !== undefined && place.state === 'new' ? 'elsewhere' : place.state;
	return {state, profileId, refusals};
}

interface Standing {
	readonly state: Exclude<ImportState, 'elsewhere'>;
	readonly profileId: string;
}

function standing(input: JudgeInput): Standing {
	const {entry, current, journal} = input;
	const {credential} = entry;
	const all = [...current.profiles];
	const target = targetOf(input);
	const link = target ? undefined : all.find(([, other]) => isLinkOf(input, other));
	if (link) return {state: 'linked', profileId: link[0]};
	const same = all.find(([, other]) => isSameSecret(other, credential));
	if (same) return {state: 'here', profileId: same[0]};
	if (credential.type === 'oauth') {
		const isSpent = spentAt(journal, credential) !== undefined;
		const own =
			target ??
			all.find(([, other]) => other.type === 'oauth' && !other.link && isSameAccount(other, credential));
		if (own) {
			const [profileId, stored] = own;
			const isBetter = isNewer(credential, stored) || isRefused(stored, current.usageStats.get(profileId));
			return {profileId, state: isBetter && !isSpent ? 'newer' : 'older'};
		}
		if (isSpent) return {state: 'older', profileId: freeId(input)};
	}
	return {state: 'new', profileId: freeId(input)};
}

/** What the person wants replaced: however else the login stands, that is what it has to be better than. */
function targetOf({current, wanted}: JudgeInput): readonly [string, Credential] | undefined {
	const present = wanted === undefined ? undefined : current.profiles.get(wanted);
	return wanted !== undefined && present?.type === 'oauth' && !present.link ? [wanted, present] : undefined;
}

function isLinkOf({program, file, entry}: JudgeInput, {link}: Credential): boolean {
	return link?.program === program.id && link.file === file && link.entry === entry.entry;
}

/** The id of what is new: its account's name, else `default`, else the program's. What has it keeps it. */
function freeId({program, entry, current}: JudgeInput): string {
	const {provider} = entry.credential;
	const taken = new Set([...current.profiles.keys(), ...current.problems.map(other => other.profileId)]);
	const named = entry.credential.email ?? entry.name;
	const names = [...(named === undefined ? [] : [named]), 'default', program.id];
	for (const name of [...names, ...Array.from({length: 99}, (_, index) => `${program.id}-${index + 2}`)]) {
		const id = `${provider}:${name}`;
		if (!taken.has(id) && isProfileId(id)) return id;
	}
	return `${provider}:${program.id}`;
}

function isProfileId(id: string): boolean {
	try {
		return assertProfileId(id) === id;
	} catch {
		return false;
	}
}

function takenBy(input: JudgeInput, profileId: string): string | undefined {
	const {entry, current} = input;
	const {credential} = entry;
	const present = current.profiles.get(profileId);
	if (current.problems.some(other => other.profileId === profileId)) {
		return `${profileId} is an entry of a form that is not known here`;
	}
	if (!present) {
		const named = providerOfProfileId(profileId);
		return named === credential.provider
			? undefined
			: `${profileId} is an id of ${named}, and this is a login of ${credential.provider}`;
	}
	if (isLinkOf(input, present)) return undefined;
	if (present.provider !== credential.provider) return `${profileId} belongs to ${clean(present.provider)}`;
	if (present.type !== credential.type) return `${profileId} is of another kind`;
	if (present.type !== 'oauth' || credential.type !== 'oauth') {
		return isSameSecret(present, credential) || present.link
			? undefined
			: `${profileId} holds another secret`;
	}
	if (isSameAccount(present, credential) || isSameSecret(present, credential)) return undefined;
	const name = (other: Credential) => clean(accountWords(other) ?? 'an account that is not known');
	return `${profileId} is of ${name(present)}, and this is a login of ${name(credential)}`;
}

function whyNotAdopted(input: JudgeInput, {state, profileId}: Standing): string | undefined {
	const {program, entry, agentId, others, canRefresh} = input;
	const {credential} = entry;
	if (state === 'here') return `${profileId} has it already`;
	if (state === 'older') return `what ${profileId} has is newer`;
	if (credential.type !== 'oauth') return undefined;
	if (!credential.refresh) return 'it has no refresh token';
	if (!canRefresh) {
		return `no provider here can refresh it, and JARVIS does not pose as ${program.label}`;
	}
	const other = others.find(
		holder => holder.agentId !== agentId && isSameSecret(holder.credential, credential),
	);
	return other && `the agent ${other.agentId} has this very login, and two that refresh it end it`;
}

function whyNotLinked(
	{program, current}: JudgeInput,
	{state, profileId: own}: Standing,
	profileId: string,
): string | undefined {
	if (state === 'linked') return `${own} is linked to it already`;
	const present = current.profiles.get(profileId);
	if (present && !present.link) {
		return `${profileId} is refreshed here, and a link would take its place: give another --profile-id`;
	}
	return present && present.link?.program !== program.id
		? `${profileId} is linked to ${clean(present.link?.program ?? '')}`
		: undefined;
}
