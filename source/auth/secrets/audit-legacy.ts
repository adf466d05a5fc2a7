import {readdirSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {isSystemError, shellWord} from '../../errors.ts';
import {isObject, type JsonValue, member, textMember} from '../../store/json.ts';
import {
	asideOf,
	broughtInBefore,
	isUnseen,
	markOf,
	mendLegacy,
	readLegacy,
	wasSetAside,
} from '../../store/legacy.ts';
import type {StatePaths} from '../../store/paths.ts';
import {peekCredentials} from '../../store/profiles.ts';
import type {JournalEntry} from '../../store/read-journal.ts';
import {type Credential, decodeCredential, entriesOf} from '../../store/schema.ts';
import {clean, handedOutSecret} from '../facts.ts';
import {isNewer, isRefused, isSameAccount, isSameSecret, knownJournal, spentAt} from '../import/compare.ts';
import {type SecretFinding, unreadableFile} from './findings.ts';

/** What older files are compared with. */
interface Stored {
	/** What can be handed out, wherever it is kept. */
	readonly secrets: ReadonlySet<string>;
	readonly credentials: readonly Credential[];
	/** Those that are no reason to keep an older login of the same account. */
	readonly inUse: readonly Credential[];
	readonly journal: readonly JournalEntry[];
}

type Entries = readonly (readonly [name: string, entry: JsonValue])[];

/**
 * The files of older programs: what they hold that is stored here, and what is not.
 * @param elsewhere the secrets that refs of profiles resolve to
 */
export async function auditLegacy(
	paths: StatePaths,
	agentIds: readonly string[],
	elsewhere: readonly string[],
): Promise<SecretFinding[]> {
	const stored = storedHere(paths, agentIds, elsewhere);
	const found: SecretFinding[] = [];
	for (const agentId of agentIds) {
		const file = paths.legacyAuth(agentId);
		const ofFile = await looking(file, mendLegacy, entries => auditAuth(file, agentId, entries, stored));
		found.push(...ofFile.map(finding => ({...finding, agentId})));
	}
	const file = paths.legacyOAuth;
	found.push(...(await looking(file, mendLegacy, entries => auditOAuth(file, entries))));
	for (const copy of copiesBeside(file)) {
		const isAside = copy === asideOf(file);
		const ofCopy = await looking(copy, lookAtIt, entries => auditAside(copy, file, entries, stored));
		// What another program has put there need not be JSON.
		found.push(...ofCopy.filter(({code}) => isAside || code !== 'unreadable_file'));
	}
	return found;
}

const lookAtIt = 'Nothing reads it. Look into it, and remove it if no login in it is wanted.';

/** An agent's `auth.json`: API keys are taken over and removed, tokens stay for who reads them there. */
function auditAuth(file: string, agentId: string, entries: Entries, stored: Stored): SecretFinding[] {
	const isStored = ([, entry]: Entries[number]) =>
		secretsIn(entry, staticMembers).every(secret => stored.secrets.has(secret));
	const fixed = entries.filter(([, entry]) => secretsIn(entry, staticMembers).length > 0);
	const here = fixed.filter(isStored);
	const notHere = fixed.filter(entry => !isStored(entry));
	const oauth = entries.filter(([, entry]) => secretsIn(entry, oauthMembers).length > 0);
	const found: SecretFinding[] = [];
	if (notHere.length > 0) {
		const message = `${file} holds keys or tokens of ${namesOf(notHere)} that are not stored here.`;
		// Whatever is asked about an agent has its older files taken over first.
		const next = isUnseen(file)
			? `jarvis models status --agent ${agentId}`
			: `Store what is still wanted, and take the rest out of the file: jarvis models auth add --agent ${agentId}`;
		found.push({code: 'legacy_plaintext', file, message, next});
	}
	if (here.length > 0) {
		const message = `${file} holds keys or tokens of ${namesOf(here)}, which are stored here too.`;
		const next = 'Take them out of the file, once no other program reads them there.';
		found.push({code: 'legacy_stored', file, message, next});
	}
	if (oauth.length > 0) {
		const message = `${file} holds OAuth tokens of ${namesOf(oauth)}.`;
		found.push({code: 'legacy_oauth', file, message});
	}
	return found;
}

/** `oauth.json` as long as it is there: it may be the only copy of what it holds. */
function auditOAuth(file: string, entries: Entries): SecretFinding[] {
	const held = entries.filter(([, entry]) => holdsSecret(entry));
	if (held.length === 0) return [];
	if (wasSetAside(file)) {
		const {message, next} = broughtInBefore(file);
		return [{code: 'legacy_plaintext', file, message, next}];
	}
	const message = `${file} holds logins of ${namesOf(held)} that are not taken over yet.`;
	const next = isUnseen(file) ? 'jarvis models status' : `touch ${shellWord(file)} && jarvis models status`;
	return [{code: 'legacy_plaintext', file, message, next}];
}

/** What was set aside, or is another copy: nobody reads it, and it may go as far as it is stored here. */
function auditAside(copy: string, file: string, entries: Entries, stored: Stored): SecretFinding[] {
	const held = entries.filter(([, entry]) => holdsSecret(entry));
	if (held.length === 0) return [];
	const missing = held.filter(([name, entry]) => !isKnownHere(name, entry, stored));
	if (missing.length === 0) {
		const message = `${copy} holds logins of ${namesOf(held)}, which are stored here, and is not read any more.`;
		return [{code: 'legacy_plaintext', file: copy, message, next: `rm ${shellWord(copy)}`}];
	}
	const message = `${copy} holds logins of ${namesOf(missing)} that are not known to be stored here, and is not read any more.`;
	const next = `If one is still wanted, have it brought in: mv -n ${shellWord(copy)} ${shellWord(file)} && jarvis models status – else remove the file.`;
	return [{code: 'legacy_plaintext', file: copy, message, next}];
}

/** Whether nothing is lost with an entry: what it holds is stored, was spent here, or is behind what is stored. */
function isKnownHere(name: string, entry: JsonValue, {credentials, inUse, journal}: Stored): boolean {
	if (!isObject(entry)) return false;
	const credential = decodeCredential({type: 'oauth', provider: name, ...entry});
	if (typeof credential === 'string') return false;
	const same = credentials.filter(other => isSameSecret(other, credential));
	if (credential.type !== 'oauth' || credential.refresh === undefined) return same.length > 0;
	// The same access token without the refresh token is not the whole of it.
	if (same.some(other => other.type === 'oauth' && other.refresh === credential.refresh)) return true;
	if (spentAt(journal, credential) !== undefined) return true;
	return inUse.some(
		other => other.type === 'oauth' && isSameAccount(other, credential) && !isNewer(credential, other),
	);
}

function storedHere(paths: StatePaths, agentIds: readonly string[], elsewhere: readonly string[]): Stored {
	const agents = agentIds.flatMap(id => peekCredentials(paths, id) ?? []);
	const credentials = agents.flatMap(({profiles}) => [...profiles.values()]);
	return {
		credentials,
		secrets: new Set([...credentials.flatMap(credential => handedOutSecret(credential) ?? []), ...elsewhere]),
		inUse: agents.flatMap(({profiles, usageStats}) =>
			[...profiles].flatMap(([id, credential]) => {
				const isRenewed = credential.type === 'oauth' && credential.refresh !== undefined;
				return isRenewed && !isRefused(credential, usageStats.get(id)) ? [credential] : [];
			}),
		),
		journal: knownJournal(paths),
	};
}

/** Reads a file of an older program, if it is there. One that cannot be read is a finding itself. */
async function looking(
	file: string,
	help: string,
	look: (entries: Entries) => SecretFinding[],
): Promise<SecretFinding[]> {
	try {
		const legacy = await readLegacy(file);
		// Some versions have the entries one level down.
		return legacy ? look(entriesOf(member(legacy.entries, 'profiles') ?? legacy.entries)) : [];
	} catch (error) {
		return [{...unreadableFile(file, error), next: help}];
	}
}

function copiesBeside(file: string): string[] {
	const folder = dirname(file);
	try {
		return readdirSync(folder)
			.sort()
			.map(name => join(folder, name))
			.filter(path => basename(path).startsWith(basename(file)) && path !== file && path !== markOf(file));
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
		throw error;
	}
}

const staticMembers = ['key', 'apiKey', 'token'];
const oauthMembers = ['access', 'refresh'];

function secretsIn(entry: JsonValue, names: readonly string[]): string[] {
	return names.flatMap(name => textMember(entry, name) ?? []);
}

// An entry that is a text may be a secret as well.
function holdsSecret(entry: JsonValue): boolean {
	return typeof entry === 'string' || secretsIn(entry, [...staticMembers, ...oauthMembers]).length > 0;
}

function namesOf(entries: Entries): string {
	return entries.map(([name]) => clean(name)).join(', ');
}
