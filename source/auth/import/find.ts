import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {asJarvisError, JarvisError} from '../../errors.ts';
import {openclawHome} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readCredentials} from '../../store/profiles.ts';
import {type AgentCredentials, type CredentialKind, type Expires, optional} from '../../store/schema.ts';
import {clean} from '../facts.ts';
import {holdersOf} from '../holders.ts';
import {type Provider, refresherOf} from '../providers/contract.ts';
import {knownJournal} from './compare.ts';
import {type ImportHow, type ImportState, type JudgeInput, judge} from './judge.ts';
import {type Entry, homeOf, type Place, type Program, programs} from './programs.ts';
import {readEntries} from './read.ts';

/** A login of another program on this machine, without its secrets. */
export interface FoundLogin {
	/** What names it among all: `<program>:<entry>`. */
	readonly id: string;
	readonly program: string;
	readonly label: string;
	readonly file: string;
	readonly provider: string;
	readonly kind: CredentialKind;
	readonly email?: string;
	readonly accountId?: string;
	/** How the account is called, where that is no e-mail. */
	readonly name?: string;
	/** When its token runs out (epoch ms). */
	readonly expires?: Expires;
	readonly state: ImportState;
	/** The profile that it is, or would be. */
	readonly profileId: string;
	/** Why it cannot be adopted or linked; a way that is absent can be gone. */
	readonly refusals: Readonly<Partial<Record<ImportHow, string>>>;
	/** What adopting it means for its program. */
	readonly afterAdopting: string;
}

export interface FoundLogins {
	readonly logins: readonly FoundLogin[];
	/** Files that could not be read. */
	readonly problems: readonly JarvisError[];
	/** The state folder of openclaw, if there is one: `jarvis import openclaw` brings it in whole. */
	readonly openclaw?: string;
}

export interface FindContext {
	readonly paths: StatePaths;
	readonly place: Place;
	readonly providers: ReadonlyMap<string, Provider>;
}

/** A login with its secrets, and where it is. */
export interface Source {
	readonly program: Program;
	readonly file: string;
	readonly entry: Entry;
}

/**
 * The logins of other programs on this machine, and how each stands to what an agent has. Nothing is stored.
 * @throws what reading the agent's own file throws
 */
export async function findLogins(context: FindContext, agentId: string): Promise<FoundLogins> {
	const {paths, place} = context;
	const current = await readCredentials(paths, agentId);
	const problems: JarvisError[] = [];
	const found = await Promise.all(
		programs.map(async program => {
			try {
				return await sourcesOf(program, place);
			} catch (error) {
				const {code, message} = asJarvisError(error);
				problems.push(new JarvisError(code, message, `Have ${program.label} log in anew, or mend the file.`));
				return [];
			}
		}),
	);
	const openclaw = openclawHome(place.env);
	return {
		logins: found.flat().map(source => factsOfLogin(context, source, agentId, current)),
		problems,
		...(existsSync(join(openclaw, 'agents')) || existsSync(join(openclaw, 'openclaw.json'))
			? {openclaw}
			: {}),
	};
}

/** The logins of a program, in the first of its files that there is. Throws as `readEntries` does. */
export async function sourcesOf(program: Program, place: Place): Promise<Source[]> {
	for (const file of program.files(place)) {
		const entries = await readEntries(program, file, {home: homeOf(place)});
		if (entries !== undefined) return entries.map(entry => ({program, file, entry}));
	}
	return [];
}

/** What there is to know before a login is judged. */
export function judgeInput(
	{paths, providers}: FindContext,
	{program, file, entry}: Source,
	agentId: string,
	current: AgentCredentials,
): JudgeInput {
	const {credential} = entry;
	const provider = providers.get(credential.provider);
	const canRefresh =
		credential.type === 'oauth' && provider !== undefined && refresherOf(provider, credential) !== undefined;
	const others = credential.type === 'oauth' ? holdersOf(paths, credential.provider) : [];
	return {program, file, entry, agentId, current, others, journal: knownJournal(paths), canRefresh};
}

/** What names a login among all. */
export function loginId({program, entry}: Source): string {
	return `${program.id}:${clean(entry.entry)}`;
}

function factsOfLogin(
	context: FindContext,
	source: Source,
	agentId: string,
	current: AgentCredentials,
): FoundLogin {
	const {program, file, entry} = source;
	const {credential, name} = entry;
	return {
		id: loginId(source),
		...{program: program.id, label: program.label, file},
		...{provider: credential.provider, kind: credential.type},
		...optional('email', clean(credential.email)),
		...(credential.type === 'oauth' ? optional('accountId', clean(credential.accountId)) : {}),
		...optional('name', clean(name)),
		...optional('expires', credential.expires),
		...judge(judgeInput(context, source, agentId, current)),
		afterAdopting: afterAdopting(source),
	};
}

/** What adopting a login means for its program, in words for a person. */
export function afterAdopting({program, entry}: Source): string {
	if (entry.credential.type === 'oauth' && program.afterAdopting !== undefined) return program.afterAdopting;
	return `${program.label} goes on as before: this secret is not refreshed. It ends for both when it is revoked.`;
}
