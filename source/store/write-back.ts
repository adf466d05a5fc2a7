import {isObject, type JsonObject, type JsonValue, member, setMember, textMember} from './json.ts';
import type {StatePaths} from './paths.ts';
import {optional} from './schema.ts';
import {readJsonFile, updateJsonFile} from './update-json.ts';

/** A program whose own login file is kept in step with a profile (docs/sink.md, "Write-back"). */
export interface WriteBackLink {
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

/** What tells one link from another: a folder of a program is kept in step with one profile. */
export type LinkName = Pick<WriteBackLink, 'program' | 'home'>;

/**
 * All links, as they are on the disk now. Takes no lock.
 * @throws `store_damaged`, system errors
 */
export async function readLinks(paths: StatePaths): Promise<WriteBackLink[]> {
	return entriesIn(await readJsonFile(paths.writeBack)).flatMap(entry => decodeLink(entry) ?? []);
}

/** Adds a link, or gives the one of its name another profile. Throws what `updateJsonFile` throws. */
export async function putLink(paths: StatePaths, link: WriteBackLink): Promise<void> {
	await edit(paths, entries => {
		const {program, home, agentId, profileId} = link;
		const others = entries.filter(entry => !isNamed(entry, link));
		return [...others, {program, home, agentId, profileId}];
	});
}

/** Takes a link away. Returns what it was, or `undefined` where there was none. */
export async function dropLink(paths: StatePaths, name: LinkName): Promise<WriteBackLink | undefined> {
	let dropped: WriteBackLink | undefined;
	await edit(paths, entries => {
		const found = entries.find(entry => isNamed(entry, name));
		dropped = found === undefined ? undefined : decodeLink(found);
		return entries.filter(entry => entry !== found);
	});
	return dropped;
}

/** Notes what came of a link: that it stopped, or what is in its way; `undefined` takes a note away. */
export async function noteOnLink(
	paths: StatePaths,
	link: WriteBackLink,
	notes: Pick<WriteBackLink, 'stopped' | 'problem'>,
): Promise<void> {
	await edit(paths, entries => {
		for (const entry of entries) {
			// One that was switched on anew meanwhile is another one.
			if (!isObject(entry) || !isNamed(entry, link) || !isOf(entry, link.agentId, link.profileId)) continue;
			for (const key of ['stopped', 'problem'] as const) {
				const note = notes[key];
				if (note) setMember(entry, key, {...note});
				else delete entry[key];
			}
		}
		return entries;
	});
}

/** Has links follow a profile that was given another id. */
export async function renameInLinks(
	paths: StatePaths,
	agentId: string,
	from: string,
	to: string,
): Promise<void> {
	if ((await readLinks(paths)).length === 0) return;
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
			const links = change(entriesIn(document));
			if (member(document, 'version') === undefined) setMember(document, 'version', 1);
			setMember(document, 'links', links);
		},
	});
}

function entriesIn(document: JsonObject): JsonValue[] {
	const links = member(document, 'links');
	return Array.isArray(links) ? links : [];
}

function decodeLink(entry: JsonValue): WriteBackLink | undefined {
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

function isNamed(entry: JsonValue, {program, home}: LinkName): boolean {
	return textMember(entry, 'program') === program && textMember(entry, 'home') === home;
}

function isOf(entry: JsonValue, agentId: string, profileId: string): boolean {
	return textMember(entry, 'agentId') === agentId && textMember(entry, 'profileId') === profileId;
}
