import {JarvisError} from '../errors.ts';
import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
	textMember,
} from './json.ts';
import {isVisible, type StatePaths} from './paths.ts';
import {entriesOf, optional} from './schema.ts';
import {readJsonFile, updateJsonFile} from './update-json.ts';

/** Who chose the profile that a session keeps to: JARVIS itself, or a person. */
export type PinSource = 'auto' | 'user';

/** A session as `sessions.json` holds it (docs/sessions.md). */
export interface Session {
	/** Absent in an entry that another program left without one. */
	readonly sessionId?: string;
	/** When JARVIS or another program last changed it (epoch ms). */
	readonly updatedAt?: number;
	/** How often its history was compacted. */
	readonly compactionCount: number;
	readonly providerOverride?: string;
	readonly modelOverride?: string;
	readonly authProfileOverride?: string;
	readonly authProfileOverrideSource?: PinSource;
	/** The count of compactions when the profile was chosen. */
	readonly authProfileOverrideCompactionCount?: number;
}

/** The profile that a session keeps to. */
export interface Pin {
	readonly profileId: string;
	readonly source: PinSource;
}

/** What a session is to use from now on. A part that is absent stays, `null` takes it away. */
export interface SessionPatch {
	readonly model?: {readonly provider: string; readonly model: string} | null;
	readonly pin?: Pin | null;
}

/** What an edit of a session needs and cannot know by itself. */
export interface Stamp {
	/** Epoch ms. */
	readonly now: number;
	/** The id (a UUID) of the session, should it be new or begin anew. */
	readonly sessionId: string;
}

const longestKey = 200;

/**
 * An agent's sessions by their keys, as they are on the disk now. Takes no lock. Keys are as the file has
 * them, whoever wrote it; an entry that is not an object is left out.
 * @throws `store_damaged`, `agent_invalid_id`, system errors
 */
export async function readSessions(
	paths: StatePaths,
	agentId: string,
): Promise<ReadonlyMap<string, Session>> {
	return decodeSessions(await readJsonFile(paths.sessions(agentId)));
}

/**
 * Changes an agent's sessions as `updateCredentials` changes credentials, under a lock of their own.
 * @throws `store_damaged` (the file is left as it is), `agent_invalid_id`, `lock_timeout`, `lock_lost`,
 * system errors, and whatever `edit` throws
 */
export async function updateSessions<T>(
	paths: StatePaths,
	agentId: string,
	edit: (document: JsonObject, current: ReadonlyMap<string, Session>) => T,
): Promise<T> {
	return updateJsonFile({
		file: paths.sessions(agentId),
		locks: paths.locks,
		lockName: `sessions-${agentId}`,
		serialize: document => `${JSON.stringify(document, undefined, 2)}\n`,
		edit: document => edit(document, decodeSessions(document)),
	});
}

/**
 * Sets what a session uses; a session that there is not is made. A pin notes the compactions that there
 * have been by now. A patch that changes nothing leaves the entry as it is, its time included.
 */
export function setPin(document: JsonObject, key: string, patch: SessionPatch, stamp: Stamp): void {
	changeEntry(document, key, stamp, entry => {
		if (patch.model !== undefined) {
			put(entry, 'providerOverride', patch.model?.provider);
			put(entry, 'modelOverride', patch.model?.model);
		}
		if (patch.pin !== undefined) {
			put(entry, 'authProfileOverride', patch.pin?.profileId);
			put(entry, 'authProfileOverrideSource', patch.pin?.source);
			const count = patch.pin ? decodeSession(entry).compactionCount : undefined;
			put(entry, 'authProfileOverrideCompactionCount', count);
		}
	});
}

/**
 * Begins a session anew: another id, no compactions, no model and no profile of its own. Members that this
 * version does not know are kept. A session that there is not is made.
 */
export function resetSession(document: JsonObject, key: string, stamp: Stamp): void {
	setPin(document, key, {model: null, pin: null}, stamp);
	changeEntry(document, key, stamp, entry => {
		setMember(entry, 'sessionId', stamp.sessionId);
		setMember(entry, 'compactionCount', 0);
	});
}

/** Gives the profile that sessions keep to its new id. */
export function renamePins(document: JsonObject, from: string, to: string): void {
	for (const [, entry] of entriesOf(document)) {
		if (isObject(entry) && member(entry, 'authProfileOverride') === from) {
			setMember(entry, 'authProfileOverride', to);
		}
	}
}

/** Notes that a session's history was compacted: its automatic pin is void from now on. */
export function countCompaction(document: JsonObject, key: string, stamp: Stamp): void {
	changeEntry(document, key, stamp, entry => {
		setMember(entry, 'compactionCount', decodeSession(entry).compactionCount + 1);
	});
}

/**
 * The pin of a session that is in force. An automatic one is void once the session was compacted since it
 * was chosen; a person's holds until the person changes it.
 */
export function pinOf(session: Session): Pin | undefined {
	const {
		compactionCount,
		authProfileOverride: profileId,
		authProfileOverrideCompactionCount: pinnedAt,
	} = session;
	if (profileId === undefined) return undefined;
	// Older files do not say who chose the profile: only automatic choices noted the compactions.
	const source = session.authProfileOverrideSource ?? (pinnedAt === undefined ? 'user' : 'auto');
	if (source === 'auto' && compactionCount !== (pinnedAt ?? 0)) return undefined;
	return {profileId, source};
}

/** Returns `key`, or throws `session_invalid_key`, which does not quote it. */
export function assertSessionKey(key: string): string {
	const fault = faultOfKey(key);
	if (fault === undefined) return key;
	throw new JarvisError(
		'session_invalid_key',
		`The session key ${fault}.`,
		`Use 1 to ${longestKey} characters that can be seen, for example chat:42.`,
	);
}

/** The error of a session that an agent does not have. */
export function unknownSession(agentId: string, key: string): JarvisError {
	return new JarvisError(
		'session_unknown',
		`The agent ${agentId} has no session ${JSON.stringify(key)}.`,
		`See those that there are: jarvis sessions list --agent ${agentId}`,
	);
}

function faultOfKey(key: string): string | undefined {
	if (key === '') return 'is empty';
	if ([...key].length > longestKey) return `is longer than ${longestKey} characters`;
	if (!isVisible(key)) return 'holds a character that cannot be seen';
	return key === key.trim() ? undefined : 'begins or ends with white space';
}

function decodeSessions(document: JsonObject): ReadonlyMap<string, Session> {
	return new Map(
		entriesOf(document).flatMap(([key, entry]) =>
			isObject(entry) ? [[key, decodeSession(entry)] as const] : [],
		),
	);
}

function decodeSession(entry: JsonObject): Session {
	return {
		...optional('sessionId', textMember(entry, 'sessionId')),
		...optional('updatedAt', count(member(entry, 'updatedAt'))),
		compactionCount: count(member(entry, 'compactionCount')) ?? 0,
		...optional('providerOverride', textMember(entry, 'providerOverride')),
		...optional('modelOverride', textMember(entry, 'modelOverride')),
		...optional('authProfileOverride', textMember(entry, 'authProfileOverride')),
		...optional('authProfileOverrideSource', pinSource(member(entry, 'authProfileOverrideSource'))),
		...optional(
			'authProfileOverrideCompactionCount',
			count(member(entry, 'authProfileOverrideCompactionCount')),
		),
	};
}

function pinSource(value: JsonValue | undefined): PinSource | undefined {
	return value === 'auto' || value === 'user' ? value : undefined;
}

function count(value: JsonValue | undefined): number | undefined {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function changeEntry(
	document: JsonObject,
	key: string,
	{now, sessionId}: Stamp,
	change: (entry: JsonObject) => void,
): void {
	const before = JSON.stringify(member(document, key));
	const entry = objectMember(document, key);
	if (textMember(entry, 'sessionId') === undefined) setMember(entry, 'sessionId', sessionId);
	change(entry);
	if (JSON.stringify(entry) !== before) setMember(entry, 'updatedAt', now);
}

function put(entry: JsonObject, key: string, value: JsonValue | undefined): void {
	if (value === undefined) delete entry[key];
	else setMember(entry, key, value);
}
