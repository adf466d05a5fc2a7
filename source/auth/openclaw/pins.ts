import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
} from '../../store/json.ts';
import {changeOpenclawFile} from '../../store/openclaw/change.ts';
import {type OpenclawAgent, openclawAgentFiles} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';
import {entriesOf} from '../../store/schema.ts';
import {readSessions, updateSessions} from '../../store/sessions.ts';
import {readJsonFile} from '../../store/update-json.ts';

/** The models and profiles that sessions keep to: that, and nothing else of them, goes between the programs. */
export interface ImportedSessions {
	readonly agentId: string;
	readonly added: number;
	/** Sessions that have a model or a profile here already, and keep it. */
	readonly kept: number;
}

const pinMembers = [
	...['providerOverride', 'modelOverride'],
	...['authProfileOverride', 'authProfileOverrideSource', 'authProfileOverrideCompactionCount'],
] as const;
const sessionMembers = ['sessionId', 'updatedAt', 'compactionCount', ...pinMembers];

/** Takes the pins of an agent's sessions over. What a session has here stays. Throws as `updateSessions` does. */
export async function importSessions(
	paths: StatePaths,
	{id, sessions}: OpenclawAgent,
	dryRun: boolean,
): Promise<ImportedSessions> {
	const pinned = entriesOf(sessions).filter(([, entry]) => hasPin(entry));
	const merge = (document: JsonObject): ImportedSessions => {
		let added = 0;
		let kept = 0;
		for (const [key, entry] of pinned) {
			const present = member(document, key);
			const taken = only(entry, sessionMembers);
			if (isSamePin(present, taken)) continue;
			if (hasPin(present)) kept += 1;
			else {
				setMember(document, key, {...(isObject(present) ? present : {}), ...taken});
				added += 1;
			}
		}
		return {agentId: id, added, kept};
	};
	if (dryRun || pinned.length === 0) return merge(await readJsonFile(paths.sessions(id)));
	return updateSessions(paths, id, merge);
}

function hasPin(entry: JsonValue | undefined): boolean {
	return pinMembers.some(name => typeof member(entry, name) === 'string');
}

function isSamePin(a: JsonValue | undefined, b: JsonValue): boolean {
	return hasPin(a) && pinMembers.every(name => member(a, name) === member(b, name));
}

function only(value: JsonValue, names: readonly string[]): JsonObject {
	return Object.fromEntries(entriesOf(value).filter(([name]) => names.includes(name)));
}

/**
 * Writes the pins of an agent's sessions for openclaw, and returns how many have one. Throws as
 * `changeOpenclawFile` does.
 */
export async function exportSessions(
	paths: StatePaths,
	root: string,
	theirs: JsonObject,
	agentId: string,
): Promise<number> {
	const own = await readSessions(paths, agentId);
	const {sessions: file} = openclawAgentFiles(root, theirs, agentId);
	if (own.size === 0) return 0;
	return changeOpenclawFile(
		{paths, root},
		file,
		document => {
			let count = 0;
			for (const [key, session] of own) {
				const isPinned = pinMembers.some(name => session[name] !== undefined);
				const present = member(document, key);
				if (!isPinned && !isObject(present)) continue;
				const entry = objectMember(document, key);
				if (!isObject(present)) {
					setMember(entry, 'sessionId', session.sessionId ?? crypto.randomUUID());
					setMember(entry, 'updatedAt', session.updatedAt ?? 0);
					setMember(entry, 'compactionCount', session.compactionCount);
				}
				for (const name of pinMembers) {
					const value = session[name];
					if (value === undefined) delete entry[name];
					else setMember(entry, name, value);
				}
				if (isPinned) count += 1;
			}
			return count;
		},
		{serialize: document => `${JSON.stringify(document, undefined, 2)}\n`},
	);
}
