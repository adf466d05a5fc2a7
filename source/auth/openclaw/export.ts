import {existsSync, readdirSync, statSync} from 'node:fs';
import {basename, dirname, isAbsolute, join, relative} from 'node:path';
import {asJarvisError, isSystemError, JarvisError} from '../../errors.ts';
import {readConfigFile, updateConfig} from '../../store/config.ts';
import {serializeDocument} from '../../store/edit.ts';
import {readAllJournals} from '../../store/journal.ts';
import {isObject, type JsonObject, member, objectMember, setMember} from '../../store/json.ts';
import {
	assertFilesStore,
	isOpenclawFolder,
	listedAgents,
	openclawAgentFiles,
	openclawConfigFile,
} from '../../store/openclaw/folder.ts';
import {withOpenclawLock} from '../../store/openclaw/lock.ts';
import {isAgentId, mainAgentId, type StatePaths} from '../../store/paths.ts';
import {listAgentIds, readCredentials, updateCredentials} from '../../store/profiles.ts';
import {entriesOf, type OAuthCredential} from '../../store/schema.ts';
import {readSessions} from '../../store/sessions.ts';
import {readJsonFile, updateJsonFile} from '../../store/update-json.ts';
import {ensurePrivateFolder, followLink, writeDurably} from '../../store/write.ts';
import {isExpired} from '../expiry.ts';
import {isMarked} from '../grant.ts';
import {type Holder, holdersOf} from '../holders.ts';
import {fingerprint} from '../identity.ts';
import type {ResolveContext} from '../resolve.ts';
import {type AgentSnapshot, orderOf, readSnapshot, type Snapshot} from '../snapshot.ts';
import {readsMain} from '../usable.ts';
import {composeAgent, detachGrants, type ExportedProfile, isWritten} from './compose.ts';
import {type ConfigTransfer, exportConfig} from './configuration.ts';
import type {Here} from './merge.ts';

export interface OpenclawExportOptions {
	/** Only this agent; all if absent. */
	readonly agentId?: string | undefined;
	/** Write into an openclaw state that is there already. */
	readonly merge: boolean;
	/** Hand the grants over: openclaw gets the refresh tokens, and they are taken out of the store here. */
	readonly withRefreshTokens: boolean;
}

export interface OpenclawExport {
	readonly folder: string;
	readonly profiles: readonly ExportedProfile[];
	readonly sessions: number;
	readonly config: Omit<ConfigTransfer, 'edits'>;
	readonly notes: readonly string[];
}

/**
 * Writes a state folder that openclaw 2026.3 reads. Refresh tokens stay here unless they are asked for: two
 * programs that refresh one grant log each other out.
 * @throws `export_refused`, `openclaw_unsupported`, `lock_timeout`, `config_uneditable`, and what reading and
 * writing the files throws; each file is written at once
 */
export async function exportOpenclaw(
	context: ResolveContext,
	root: string,
	options: OpenclawExportOptions,
): Promise<OpenclawExport> {
	const {paths} = context;
	assertTarget(paths, root, options.merge);
	const notes = await freshen(context, options);
	const snapshot = await readSnapshot(paths);
	for (const problem of snapshot.problems) throw problem;
	const agents = snapshot.agents.filter(({id}) => options.agentId === undefined || id === options.agentId);
	ensurePrivateFolder(root);
	const theirs = await readConfigFile(openclawConfigFile(root));
	assertAllWithin(root, theirs);
	const profiles: ExportedProfile[] = [];
	for (const agent of agents) {
		profiles.push(...(await writeAgent(context, root, theirs, snapshot, agent)));
		notes.push(...whatDiffers(snapshot, agent));
	}
	for (const agentId of othersThere(root, theirs, agents)) {
		const file = openclawAgentFiles(root, theirs, agentId).credentials;
		if (existsSync(file)) await changeTheirs(paths, file, document => detach(paths, document, agentId));
	}
	const written = options.withRefreshTokens ? await handOver(context, root, theirs, profiles) : profiles;
	let sessions = 0;
	for (const {id} of agents) sessions += await writeSessions(paths, root, theirs, id);
	const config = await writeConfig(paths, root, {
		ids: agents.map(({id}) => id),
		defaultAgent: snapshot.defaultAgent,
	});
	return {folder: root, profiles: written, sessions, config, notes};
}

function assertTarget(paths: StatePaths, root: string, merge: boolean): void {
	const next = 'Name an empty folder, or one that is not there yet.';
	if (isWithin(paths.root, root) || isState(root)) {
		throw new JarvisError('export_refused', `${root} is a state folder of JARVIS itself.`, next);
	}
	if (!holdsSomething(root)) return;
	if (!isOpenclawFolder(root)) {
		const message = `${root} is not empty, and holds no openclaw state. Nothing was written.`;
		throw new JarvisError('export_refused', message, next);
	}
	assertFilesStore(root);
	if (merge) return;
	throw new JarvisError(
		'export_refused',
		`${root} holds an openclaw state already. Nothing was written.`,
		'Stop openclaw and add --merge to write into it: what is there and not here stays.',
	);
}

// A copy of a state folder still names the places of the original.
function assertAllWithin(root: string, theirs: JsonObject): void {
	for (const {id} of listedAgents(theirs)) {
		const {credentials} = openclawAgentFiles(root, theirs, id);
		if (isWithin(root, dirname(credentials))) continue;
		throw new JarvisError(
			'export_refused',
			`agents.list in ${openclawConfigFile(root)} puts the credentials of ${id} outside of the folder, into ${dirname(credentials)}. Nothing was written.`,
			'Take agentDir out of that entry, or name the folder that it is in.',
		);
	}
}

/** Whether a path is a folder or below it, whatever links lead there. */
function isWithin(folder: string, path: string): boolean {
	const between = relative(realFolder(folder), realFolder(path));
	return !between.startsWith('..') && !isAbsolute(between);
}

function realFolder(path: string): string {
	return existsSync(path) || dirname(path) === path
		? followLink(path)
		: join(realFolder(dirname(path)), basename(path));
}

function isState(root: string): boolean {
	return existsSync(join(root, 'jarvis.json'));
}

function holdsSomething(root: string): boolean {
	try {
		return readdirSync(root).length > 0;
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return false;
		if (isSystemError(error, 'ENOTDIR')) return statSync(root).isFile();
		throw error;
	}
}

// An access token that is over is of no use without its refresh token.
async function freshen(context: ResolveContext, {agentId}: OpenclawExportOptions): Promise<string[]> {
	const {paths, now, findProvider} = context;
	const notes: string[] = [];
	for (const id of listAgentIds(paths)) {
		if (agentId !== undefined && id !== agentId) continue;
		for (const [profileId, credential] of (await readCredentials(paths, id)).profiles) {
			if (credential.type !== 'oauth' || !credential.refresh || !isExpired(credential, now())) continue;
			const {freshCredential} = await import('../refresh.ts');
			await findProvider(credential.provider)
				.then(provider => freshCredential({...context, agentId: id, profileId, provider}))
				.catch(error => {
					const why = asJarvisError(error).message;
					notes.push(`${id}/${profileId} is over and was not refreshed: ${why}`);
				});
		}
	}
	return notes;
}

async function writeAgent(
	{paths, now, env}: ResolveContext,
	root: string,
	theirs: JsonObject,
	snapshot: Snapshot,
	agent: AgentSnapshot,
): Promise<ExportedProfile[]> {
	const document = await readJsonFile(paths.profiles(agent.id));
	const orders = new Map([...agent.order, ...narrowedOrders(snapshot, agent, now(), env)]);
	const file = openclawAgentFiles(root, theirs, agent.id).credentials;
	// Without a file of its own an agent of openclaw would get a copy of all that the main agent has.
	await withOpenclawLock(file, async () => {
		if (!existsSync(file)) writeDurably(file, serializeDocument({}));
	});
	return changeTheirs(paths, file, target => {
		const exported = composeAgent(target, {agentId: agent.id, document, orders});
		detach(paths, target, agent.id);
		return exported;
	});
}

/**
 * openclaw lets an agent use the main agent's profiles beside its own. Here it does not: an order that names
 * its own ones says so there.
 */
function narrowedOrders(
	{agents, config}: Snapshot,
	agent: AgentSnapshot,
	now: number,
	env: NodeJS.ProcessEnv,
): Map<string, readonly string[]> {
	const main = agents.find(({id}) => id === mainAgentId);
	const orders = new Map<string, readonly string[]>();
	if (!main || agent.id === mainAgentId) return orders;
	for (const provider of new Set(agent.profiles.map(facts => facts.provider))) {
		const own = agent.profiles.map(({profileId}) => profileId);
		const isMore = main.profiles.some(of => of.provider === provider && !own.includes(of.profileId));
		if (!isMore || agent.order.has(provider)) continue;
		const {places} = orderOf({agent, config}, provider, now, env);
		const ids = places.filter(({profileId, reason}) => isOrdered(reason) && own.includes(profileId));
		if (ids.length > 0)
			orders.set(
				provider,
				ids.map(({profileId}) => profileId),
			);
	}
	return orders;
}

function isOrdered(reason: string): boolean {
	return reason !== 'excluded_by_auth_order' && reason !== 'unknown_profile';
}

function whatDiffers({agents, config}: Snapshot, agent: AgentSnapshot): string[] {
	const main = agents.find(({id}) => id === mainAgentId);
	if (readsMain(config.agents, agent.id) || agent.id === mainAgentId || !main) return [];
	const own = new Set(agent.profiles.map(({provider}) => provider));
	const gained = [...new Set(main.profiles.map(({provider}) => provider))].filter(of => !own.has(of));
	if (gained.length === 0) return [];
	return [
		`${agent.id} is kept from the main agent’s profiles here; openclaw will let it use them: ${gained.join(', ')}.`,
	];
}

function othersThere(root: string, theirs: JsonObject, agents: readonly AgentSnapshot[]): string[] {
	let folders: string[] = [];
	try {
		folders = readdirSync(join(root, 'agents'));
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
	}
	const ids = new Set([...folders, ...listedAgents(theirs).map(({id}) => id)]);
	return [...ids].filter(id => isAgentId(id) && !agents.some(agent => agent.id === id));
}

function detach(paths: StatePaths, document: JsonObject, agentId: string): void {
	const providers = new Set(
		entriesOf(member(document, 'profiles')).map(([, entry]) => String(member(entry, 'provider'))),
	);
	const here: Here = {
		holders: [...providers].flatMap(provider => holdersOf(paths, provider)),
		journal: readAllJournals(paths),
	};
	detachGrants(document, agentId, here);
}

function changeTheirs<T>(
	paths: StatePaths,
	file: string,
	edit: (document: JsonObject) => T,
	serialize: (document: JsonObject) => string = serializeDocument,
): Promise<T> {
	return withOpenclawLock(file, () =>
		updateJsonFile({
			...{file, serialize, edit},
			locks: paths.locks,
			lockName: `openclaw-${fingerprint(file)}`,
		}),
	);
}

/**
 * Gives openclaw the refresh tokens, and takes them out of every record here that holds them. Nobody
 * refreshes meanwhile. Should it end in the middle, both hold the token, and the next time ends that.
 */
async function handOver(
	context: ResolveContext,
	root: string,
	theirs: JsonObject,
	profiles: readonly ExportedProfile[],
): Promise<ExportedProfile[]> {
	const {paths} = context;
	const written: ExportedProfile[] = [];
	for (const profile of profiles) {
		const {agentId, profileId} = profile;
		const holder = holdersOf(paths, profile.provider).find(isRecord(agentId, profileId));
		if (!isWritten(profile) || !holder?.credential.refresh || isMarked(holder)) {
			written.push(profile);
			continue;
		}
		const give = async (credential: OAuthCredential) => {
			const {access, refresh, expires} = credential;
			if (!refresh) return;
			const file = openclawAgentFiles(root, theirs, agentId).credentials;
			await changeTheirs(paths, file, document => {
				const entry = member(member(document, 'profiles'), profileId);
				if (!isObject(entry)) return;
				if (access !== undefined) setMember(entry, 'access', access);
				if (typeof expires === 'number') setMember(entry, 'expires', expires);
				setMember(entry, 'refresh', refresh);
			});
			await giveUp(paths, profile.provider, refresh);
		};
		const provider = await context.findProvider(profile.provider).catch(() => undefined);
		if (provider) {
			const {whileNotRefreshed} = await import('../refresh.ts');
			await whileNotRefreshed({...context, provider, agentId, profileId}, give);
		} else await give(holder.credential);
		written.push({...profile, outcome: 'handed_over'});
	}
	return written;
}

function isRecord(agentId: string, profileId: string): (holder: Holder) => boolean {
	return holder => holder.agentId === agentId && holder.profileId === profileId;
}

async function giveUp(paths: StatePaths, provider: string, refresh: string): Promise<void> {
	const sharing = holdersOf(paths, provider).filter(({credential}) => credential.refresh === refresh);
	for (const agentId of new Set(sharing.map(holder => holder.agentId))) {
		await updateCredentials(paths, agentId, document => {
			for (const [, entry] of entriesOf(member(document, 'profiles'))) {
				if (isObject(entry) && entry.refresh === refresh) delete entry.refresh;
			}
		});
	}
}

const pinMembers = [
	...['providerOverride', 'modelOverride'],
	...['authProfileOverride', 'authProfileOverrideSource', 'authProfileOverrideCompactionCount'],
] as const;

async function writeSessions(
	paths: StatePaths,
	root: string,
	theirs: JsonObject,
	agentId: string,
): Promise<number> {
	const own = await readSessions(paths, agentId);
	const {sessions: file} = openclawAgentFiles(root, theirs, agentId);
	if (own.size === 0) return 0;
	return changeTheirs(
		paths,
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
		document => `${JSON.stringify(document, undefined, 2)}\n`,
	);
}

async function writeConfig(
	paths: StatePaths,
	root: string,
	agents: {readonly ids: readonly string[]; readonly defaultAgent: string},
): Promise<OpenclawExport['config']> {
	const ours = await readConfigFile(paths.config);
	let told: OpenclawExport['config'] = {taken: [], kept: [], left: []};
	await updateConfig({config: openclawConfigFile(root), locks: paths.locks}, (_, theirs) => {
		const {edits, ...rest} = exportConfig(ours, theirs, agents);
		told = rest;
		return edits;
	});
	return told;
}
