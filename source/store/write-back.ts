import {isObject, type JsonObject, type JsonValue, member, setMember, textMember} from './json.ts';
import type {StatePaths} from './paths.ts';
import {optional} from './schema.ts';
import {readJsonFile, updateJsonFile} from './update-json.ts';

/** A program whose own login file is kept in step with a profile (docs/sink.md, "Write-back"). */
export interface WriteBack {
	/** `codex` */
	readonly program: string;
	/** The program's folder, an absolute path. */
	readonly home: string;
	readonly agentId: string;
	readonly profileId: string;
	/** Nothing is written there any more, until a person switches it on again. */
	readonly stopped?: {readonly at: number; readonly reason: StopReason};
	/** The last time that it could not be written. */
	readonly problem?: {readonly at: number; readonly code: string};
}

/** Why nothing is written any more. */
export const stopReasons = {
	logged_in: 'it was logged in by itself',
	logged_out: 'it was logged out by itself',
	profile_gone: 'the profile is gone',
} as const satisfies Record<string, string>;

export type StopReason = keyof typeof stopReasons;

/** What tells one write-back from another: a folder of a program is kept in step with one profile. */
export type WriteBackName = Pick<WriteBack, 'program' | 'home'>;

/**
 * All write-backs, as they are on the disk now. Takes no lock.
 * @throws `store_damaged`, system errors
 */
export async function readWriteBacks(paths: StatePaths): Promise<WriteBack[]> {
	return entriesIn(await readJsonFile(paths.writeBack)).flatMap(entry => decodeWriteBack(entry) ?? []);
}

/** Adds a write-back, or gives the one of its name another profile. Throws what `updateJsonFile` throws. */
export async function putWriteBack(paths: StatePaths, writeBack: WriteBack): Promise<void> {
	await edit(paths, entries => {
		const {program, home, agentId, profileId} = writeBack;
		const others = entries.filter(entry => !isNamed(entry, writeBack));
		return [...others, {program, home, agentId, profileId}];
	});
}

/** Takes a write-back away. Returns what it was, or `undefined` where there was none. */
export async function dropWriteBack(paths: StatePaths, name: WriteBackName): Promise<WriteBack | undefined> {
	let dropped: WriteBack | undefined;
	await edit(paths, entries => {
		const found = entries.find(entry => isNamed(entry, name));
		dropped = found === undefined ? undefined : decodeWriteBack(found);
		return entries.filter(entry => entry !== found);
	});
	return dropped;
}

/** Notes what came of a write-back: that it stopped, or what is in its way; `undefined` takes a note away. */
export async function noteOnWriteBack(
	paths: StatePaths,
	writeBack: WriteBack,
	notes: Pick<WriteBack, 'stopped' | 'problem'>,
): Promise<void> {
	await edit(paths, entries => {
		for (const entry of entries) {
			// One that was switched on anew meanwhile is another one.
			if (
				!isObject(entry) ||
				!isNamed(entry, writeBack) ||
				!isOf(entry, writeBack.agentId, writeBack.profileId)
			)
				continue;
			for (const key of ['stopped', 'problem'] as const) {
				const note = notes[key];
				if (note) setMember(entry, key, {...note});
				else delete entry[key];
			}
		}
		return entries;
	});
}

/** Has write-backs follow a profile that was given another id. */
export async function renameInWriteBacks(
	paths: StatePaths,
	agentId: string,
	from: string,
	to: string,
): Promise<void> {
	if ((await readWriteBacks(paths)).length === 0) return;
	await edit(paths, entries => {
		for (const entry of entries) {
			if (isObject(entry) && isOf(entry, agentId, from)) setMember(entry, 'profileId', to);
		}
		return entries;
	});
}

async function edit(paths: StatePaths, change: (entries: JsonValue[]) => JsonValue[]): Promise<void> {
	await updateJsonFile({
		file: paths.writeBack,
		locks: paths.locks,
		lockName: 'write-back',
		serialize: document => `${JSON.stringify(document, undefined, 2)}\n`,
		edit: document => {
			const writeBacks = change(entriesIn(document));
			if (member(document, 'version') === undefined) setMember(document, 'version', 1);
			setMember(document, 'writeBacks', writeBacks);
		},
	});
}

function entriesIn(document: JsonObject): JsonValue[] {
	const writeBacks = member(document, 'writeBacks');
	return Array.isArray(writeBacks) ? writeBacks : [];
}

function decodeWriteBack(entry: JsonValue): WriteBack | undefined {
	const [program, home] = [textMember(entry, 'program'), textMember(entry, 'home')];
	const [agentId, profileId] = [textMember(entry, 'agentId'), textMember(entry, 'profileId')];
	if (!program || !home || !agentId || !profileId) return undefined;
	const stopped = member(entry, 'stopped');
	const reason = textMember(stopped, 'reason');
	const code = textMember(member(entry, 'problem'), 'code');
	return {
		...{program, home, agentId, profileId},
		// Whatever a newer version stopped it for, it is not to be written.
		...optional(
			'stopped',
			isObject(stopped) ? {at: timeIn(stopped), reason: isReason(reason) ? reason : 'logged_in'} : undefined,
		),
		...optional('problem', code === undefined ? undefined : {at: timeIn(member(entry, 'problem')), code}),
	};
}

function isReason(text: string | undefined): text is StopReason {
	return text !== undefined && Object.hasOwn(stopReasons, text);
}

function timeIn(note: JsonValue | undefined): number {
	const at = member(note, 'at');
	return typeof at === 'number' ? at : 0;
}

function isNamed(entry: JsonValue, {program, home}: WriteBackName): boolean {
	return textMember(entry, 'program') === program && textMember(entry, 'home') === home;
}

function isOf(entry: JsonValue, agentId: string, profileId: string): boolean {
	return textMember(entry, 'agentId') === agentId && textMember(entry, 'profileId') === profileId;
}
