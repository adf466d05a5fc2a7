import {existsSync, readdirSync} from 'node:fs';
import {homedir} from 'node:os';
import {basename, dirname, join, resolve} from 'node:path';
import {isSystemError, JarvisError} from '../../errors.ts';
import {readConfigFile} from '../config.ts';
import {isObject, type JsonObject, type JsonValue, member, setMember, textMember} from '../json.ts';
import {homeFolder, isAgentId, mainAgentId} from '../paths.ts';
import {entriesOf} from '../schema.ts';
import {readJsonFile} from '../update-json.ts';

/**
 * The state folder of openclaw 2026.3, as it lies on the disk (docs/openclaw.md). It is read and never
 * changed here.
 */
export interface OpenclawFolder {
	readonly root: string;
	readonly configFile: string;
	readonly config: JsonObject;
	/** The agent that is meant when none is named. */
	readonly defaultAgent: string;
	/** The main agent first, whether or not it has a file. */
	readonly agents: readonly OpenclawAgent[];
	/** What could not be taken for an agent or a session, in words. */
	readonly notes: readonly string[];
}

export interface OpenclawAgent {
	readonly id: string;
	/** Its `auth-profiles.json`, also where what it holds comes from an older file. */
	readonly credentials: JsonObject;
	readonly sessions: JsonObject;
}

/** The files of an agent of openclaw. */
export interface OpenclawAgentFiles {
	readonly credentials: string;
	readonly sessions: string;
}

/** Where openclaw keeps its state: `$OPENCLAW_STATE_DIR`, else `~/.openclaw`. */
export function openclawHome(env: NodeJS.ProcessEnv): string {
	const chosen = env.OPENCLAW_STATE_DIR;
	return chosen ? resolve(chosen) : join(homeFolder(env), '.openclaw');
}

/** The configuration of openclaw in a state folder. */
export function openclawConfigFile(root: string): string {
	return join(root, 'openclaw.json');
}

/** The files of an agent in a state folder; `agents.list` may put its credentials elsewhere. */
export function openclawAgentFiles(root: string, config: JsonObject, agentId: string): OpenclawAgentFiles {
	const entry = listedAgents(config).find(listed => listed.id === agentId)?.entry;
	const elsewhere = textMember(entry, 'agentDir')?.replace(/^~(?=\/|$)/, homedir());
	return {
		credentials: join(resolve(elsewhere ?? join(root, 'agents', agentId, 'agent')), 'auth-profiles.json'),
		sessions: join(root, 'agents', agentId, 'sessions', 'sessions.json'),
	};
}

/** Whether a folder holds an openclaw state. */
export function isOpenclawFolder(root: string): boolean {
	return existsSync(openclawConfigFile(root)) || agentFolders(root).length > 0;
}

/**
 * Throws `openclaw_unsupported` for the state of a newer openclaw, whose files here may be leftovers.
 */
export function assertFilesStore(root: string): void {
	const databases = [
		join(root, 'state', 'openclaw.sqlite'),
		...agentFolders(root).map(id => join(root, 'agents', id, 'agent', 'openclaw-agent.sqlite')),
	];
	const found = databases.find(file => existsSync(file));
	if (found === undefined) return;
	throw new JarvisError(
		'openclaw_unsupported',
		`${root} is the state of an openclaw that keeps its credentials in SQLite (${found}), which JARVIS does not read.`,
		'Log the accounts in here instead: jarvis onboard. What JARVIS reads is the form of openclaw 2026.3.',
	);
}

/**
 * Reads a whole state folder.
 * @throws `openclaw_absent`, `openclaw_unsupported`, `config_damaged`, `store_damaged` naming the file, and
 * system errors
 */
export async function readOpenclaw(root: string): Promise<OpenclawFolder> {
	if (!isOpenclawFolder(root)) {
		throw new JarvisError(
			'openclaw_absent',
			`There is no openclaw state in ${root}.`,
			'Name its folder: jarvis import openclaw <folder>',
		);
	}
	assertFilesStore(root);
	const configFile = openclawConfigFile(root);
	const config = await readConfigFile(configFile);
	assertNoIncludes(configFile, config);
	const notes: string[] = [];
	const ids = new Set([mainAgentId, ...listedAgents(config).map(({id}) => id), ...agentFolders(root)]);
	const agents: OpenclawAgent[] = [];
	for (const id of ids) {
		if (!isAgentId(id)) {
			notes.push(`The agent ${JSON.stringify(id)} is left: JARVIS takes no such id.`);
			continue;
		}
		const files = openclawAgentFiles(root, config, id);
		agents.push({
			id,
			credentials: await readCredentials(root, files.credentials, id),
			sessions: await readJsonFile(files.sessions, 'hand'),
		});
	}
	if (textMember(member(config, 'session'), 'store')) {
		notes.push(
			'session.store puts the sessions elsewhere: only those in agents/<id>/sessions were looked at.',
		);
	}
	return {root, configFile, config, agents, notes, defaultAgent: defaultAgentOf(config)};
}

/** The entries of `agents.list` by the ids that openclaw knows them by. */
export function listedAgents(
	config: JsonObject,
): {readonly id: string; readonly index: number; readonly entry: JsonObject}[] {
	const list = member(member(config, 'agents'), 'list');
	return (Array.isArray(list) ? list : []).flatMap((entry, index) => {
		const id = textMember(entry, 'id')?.trim().toLowerCase();
		return id && isObject(entry) ? [{id, index, entry}] : [];
	});
}

// As openclaw does: the first that is marked, else the first, else main.
function defaultAgentOf(config: JsonObject): string {
	const listed = listedAgents(config);
	return (listed.find(({entry}) => member(entry, 'default') === true) ?? listed[0])?.id ?? mainAgentId;
}

function agentFolders(root: string): string[] {
	try {
		return readdirSync(join(root, 'agents'), {withFileTypes: true})
			.filter(entry => !entry.isFile())
			.map(entry => entry.name)
			.sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
		throw error;
	}
}

// An agent without a file of its own has, at its first use, what older files hold; but the main agent's
// come first for all others, and those are read where they are.
async function readCredentials(root: string, file: string, agentId: string): Promise<JsonObject> {
	const document = await readJsonFile(file, 'hand');
	if (Object.keys(document).length > 0) return document;
	const profiles: JsonObject = {};
	const older = await readJsonFile(join(dirname(file), 'auth.json'), 'hand');
	for (const [provider, entry] of entriesOf(older)) putOlder(profiles, provider, entry);
	if (agentId === mainAgentId) {
		const oauth = await readJsonFile(join(root, 'credentials', 'oauth.json'), 'hand');
		for (const [provider, entry] of entriesOf(oauth)) {
			if (isObject(entry)) putOlder(profiles, provider, {type: 'oauth', ...entry});
		}
	}
	return {version: 1, profiles};
}

function putOlder(profiles: JsonObject, provider: string, entry: JsonValue): void {
	const id = `${provider}:default`;
	if (isObject(entry) && !Object.hasOwn(profiles, id)) setMember(profiles, id, {provider, ...entry});
}

// A part that is in another file might be an order: left out, it would let in what it keeps out.
function assertNoIncludes(file: string, config: JsonObject): void {
	const place = includeIn(config);
	if (place === undefined) return;
	throw new JarvisError(
		'openclaw_unsupported',
		`${file} includes other files (${place}), which JARVIS does not follow. Nothing was taken.`,
		`Put what they hold into ${basename(file)}, or into a copy of the folder, and import that.`,
	);
}

function includeIn(value: JsonValue, path = ''): string | undefined {
	if (Array.isArray(value)) {
		return value.map((entry, index) => includeIn(entry, `${path}[${index}]`)).find(Boolean);
	}
	return entriesOf(value)
		.map(([key, entry]) => {
			const place = path === '' ? key : `${path}.${key}`;
			return key === '$include' ? place : includeIn(entry, place);
		})
		.find(Boolean);
}
