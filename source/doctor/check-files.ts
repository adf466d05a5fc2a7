import {rmSync} from 'node:fs';
import {basename, relative} from 'node:path';
import {refOf} from '../auth/facts.ts';
import {asJarvisError, JarvisError, shellWord} from '../errors.ts';
import {profileIdsIn} from '../store/damaged.ts';
import {objectMember, readTextIfThere, tryParseJson} from '../store/json.ts';
import {loginWaitMs} from '../store/pending-logins.ts';
import {leavingPrefix} from '../store/profiles.ts';
import {damagedMark, goodBackup, restoreBackup, salvage} from '../store/restore.ts';
import {decodeAgentCredentials} from '../store/schema.ts';
import {isSealedId, readSealed, withEntriesOf} from '../store/sealed.ts';
import {readSessions} from '../store/sessions.ts';
import {rightsTooMany, type StateFile, stateFiles} from '../store/state-files.ts';
import {abandonedAfterMs, makePrivate} from '../store/write.ts';
import {readWriteBacks} from '../store/write-back.ts';
import {type Finding, finding} from './findings.ts';
import {allSecrets} from './secrets.ts';
import {mendSpentTokens, tokensSpentSince} from './spent-tokens.ts';
import type {Subject} from './subject.ts';

/** Modes and owners of all that is in the state folder, and what writes and logins that were cut off have left. */
export function checkFiles(subject: Subject): Finding[] {
	return [...stateFiles(subject.paths)].flatMap(found => [
		...rights(subject, found),
		...owner(subject, found),
		...leftovers(subject, found),
	]);
}

function rights({paths}: Subject, found: StateFile): Finding[] {
	const open = rightsTooMany(paths, found);
	if (open === 0) return [];
	const {path, stats} = found;
	const isFolder = stats.isDirectory();
	const mode = (stats.mode & 0o777).toString(8);
	const right = (open & 0o022) === 0 ? 'read' : 'change';
	return [
		finding(isFolder ? 'folder_mode' : 'file_mode', {
			where: path,
			what: `Others may ${right} it: its mode is ${mode}.`,
			next: `chmod ${isFolder ? '700' : '600'} ${shellWord(path)}`,
			mend: {what: 'take the rights of others away', asks: false, run: () => makePrivate(path)},
		}),
	];
}

function owner({machine: {uid}}: Subject, {path, stats}: StateFile): Finding[] {
	if (uid === undefined || stats.uid === uid) return [];
	return [
		finding('owner_foreign', {
			where: path,
			what: `It belongs to the user ${stats.uid}, and this is ${uid}.`,
			next: `sudo chown ${uid} ${shellWord(path)}`,
		}),
	];
}

function leftovers(subject: Subject, {path, stats}: StateFile): Finding[] {
	const {paths} = subject;
	const age = Date.now() - stats.mtimeMs;
	const name = relative(paths.root, path);
	if (stats.isDirectory() && name.startsWith(leavingPrefix)) return [leavingAgent(path)];
	if (!stats.isFile()) return [];
	if (path.endsWith('.tmp') && age > abandonedAfterMs) return [temporary(subject, path)];
	if (path.startsWith(paths.pendingLogins) && age > loginWaitMs) {
		return [
			finding('leftover_login', {
				where: path,
				what: 'The login that it is of is over.',
				next: 'jarvis doctor --fix',
				mend: {what: 'remove it', asks: false, run: () => rmSync(path, {force: true})},
			}),
		];
	}
	return [];
}

function leavingAgent(path: string): Finding {
	return finding('leftover_agent', {
		where: path,
		what: 'Deleting this agent was cut off, and its credentials are in there.',
		next: 'jarvis doctor --fix',
		mend: {what: 'delete it', asks: true, run: () => rmSync(path, {recursive: true, force: true})},
	});
}

function temporary(subject: Subject, path: string): Finding {
	const isCovered = holdsNothingNew(subject, path);
	return finding('leftover_temporary', {
		where: path,
		what: isCovered
			? 'A write was cut off. All that is in its temporary file is stored.'
			: 'A write was cut off. Its temporary file may hold a credential that is stored nowhere else.',
		next: 'jarvis doctor --fix',
		mend: isCovered
			? {what: 'remove it', asks: false, run: () => rmSync(path, {force: true})}
			: {what: 'move it to salvaged/', asks: false, run: () => salvage(subject.paths, path)},
	});
}

// Only what can be read whole is known to hold nothing else.
function holdsNothingNew({agents}: Subject, path: string): boolean {
	const text = readTextIfThere(path) ?? '';
	if (text === '') return true;
	const document = tryParseJson(text);
	if (!document) return false;
	const decoded = decodeAgentCredentials(document);
	if (decoded.profiles.size === 0 || decoded.problems.length > 0) return false;
	const stored = new Set([...agents.values()].flatMap(allSecrets));
	return allSecrets(decoded).every(secret => stored.has(secret));
}

/** Files that cannot be read, or are not what they should be. */
export async function checkContents(subject: Subject): Promise<Finding[]> {
	const {paths, agentIds, faults} = subject;
	const json5 = faults.has(paths.config) ? (await import('json5')).default : undefined;
	const isJson5 = (text: string) => {
		try {
			return typeof json5?.parse(text) === 'object';
		} catch {
			return false;
		}
	};
	const found: Finding[] = [];
	for (const [file, error] of faults) {
		const agentId = agentIds.find(id => paths.profiles(id) === file);
		found.push(
			agentId === undefined
				? contentFinding(subject, {file, lockName: 'config', isGood: isJson5}, error)
				: contentFinding(subject, {file, lockName: `store-${agentId}`, isGood: isJson, agentId}, error),
		);
	}
	for (const {read, ...other} of otherFiles(subject)) {
		try {
			await read();
		} catch (error) {
			found.push(contentFinding(subject, {...other, isGood: isJson}, error));
		}
	}
	return found;
}

interface OtherFile extends Omit<Content, 'isGood' | 'agentId'> {
	readonly read: () => Promise<unknown>;
}

/** The files that are read for nothing else of what doctor looks at. */
function otherFiles(subject: Subject): OtherFile[] {
	const {paths, agentIds} = subject;
	return [
		{
			...{file: paths.sealed, lockName: 'sealed', read: () => readSealed(paths)},
			...{carry: withEntriesOf, lacking: text => secretsLacking(subject, text)},
		},
		{file: paths.writeBack, lockName: 'write-back', read: () => readWriteBacks(paths)},
		...agentIds.map(agentId => ({
			file: paths.sessions(agentId),
			lockName: `sessions-${agentId}`,
			read: () => readSessions(paths, agentId),
		})),
	];
}

/** The profiles that a damaged file still shows and its backup does not have, in a sentence. */
function lackingIn(backup: string, damaged: string): string {
	const {profiles, problems} = decodeAgentCredentials(tryParseJson(backup) ?? {});
	const known = new Set([...profiles.keys(), ...problems.map(({profileId}) => profileId)]);
	const lacking = profileIdsIn(damaged).filter(id => !known.has(id));
	return lacking.length === 0
		? ''
		: ` The backup lacks ${lacking.join(', ')}: what is left of that stays in the damaged version.`;
}

const isJson = (text: string) => tryParseJson(text) !== undefined;

/** A file that is read as a whole, or not at all. */
interface Content {
	readonly file: string;
	readonly lockName: string;
	readonly isGood: (text: string) => boolean;
	/** Whose credentials it holds. */
	readonly agentId?: string;
	/** The text to put there, of a backup's and the damaged file's. */
	readonly carry?: (backup: string, damaged: string) => string;
	/** What a text that would be put there lacks, in a sentence; empty where it lacks nothing. */
	readonly lacking?: (text: string) => string;
}

/** Sealed secrets that refs need. */
function secretsLacking({agents}: Subject, text: string): string {
	const refs = [...agents.values()].flatMap(({profiles}) =>
		[...profiles.values()].flatMap(one => refOf(one) ?? []),
	);
	const wanted = refs.filter(({source, id}) => source === 'keychain' && isSealedId(id)).map(({id}) => id);
	const there = new Set(Object.keys(objectMember(tryParseJson(text) ?? {}, 'entries')));
	const lost = [...new Set(wanted)].filter(id => !there.has(id));
	return lost.length === 0
		? ''
		: ` The backup lacks ${lost.join(', ')}, which refs need: that must be stored anew.`;
}

function contentFinding(subject: Subject, content: Content, error: unknown): Finding {
	const {file, lockName, isGood, agentId, carry, lacking} = content;
	const {locks} = subject.paths;
	const {code, message, next} = asJarvisError(error);
	if (!(error instanceof JarvisError)) return finding('file_unreadable', {where: file, what: message, next});
	const isWhole = code === 'config_damaged' && isGood(readTextIfThere(file) ?? '');
	if (isWhole) return finding('config_fault', {where: file, what: message, next});
	const backup = goodBackup(file, isGood);
	if (backup === undefined) return finding('file_damaged', {where: file, what: message, next});
	const [good, damaged] = [backup, file].map(path => readTextIfThere(path) ?? '') as [string, string];
	const ofProfiles =
		agentId === undefined ? '' : tokensSpentSince(subject, good, damaged) + lackingIn(good, damaged);
	return finding('file_damaged', {
		where: file,
		what: message + ofProfiles + (lacking?.(carry?.(good, damaged) ?? good) ?? ''),
		next: 'jarvis doctor --fix',
		mend: {
			what: `put ${backup} in its place, and keep the damaged one beside it as ${basename(file)}${damagedMark}<time>`,
			asks: true,
			async run() {
				await restoreBackup({locks, lockName}, file, backup, isGood, carry);
				if (agentId !== undefined) await mendSpentTokens(subject, agentId);
			},
		},
	});
}
