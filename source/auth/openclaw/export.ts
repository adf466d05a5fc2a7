import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {asJarvisError, isSystemError} from '../../errors.ts';
import {readConfig, readConfigFile, updateConfig} from '../../store/config.ts';
import {serializeDocument} from '../../store/edit.ts';
import {type JsonObject, member} from '../../store/json.ts';
import {assertOpenclawFile, changeOpenclawFile} from '../../store/openclaw/change.ts';
import {listedAgents, openclawAgentFiles, openclawConfigFile} from '../../store/openclaw/folder.ts';
import {withOpenclawLock} from '../../store/openclaw/lock.ts';
import {isAgentId, mainAgentId, type StatePaths} from '../../store/paths.ts';
import {listAgentIds, readCredentials} from '../../store/profiles.ts';
import {readAllJournals} from '../../store/read-journal.ts';
import {entriesOf} from '../../store/schema.ts';
import {readJsonFile} from '../../store/update-json.ts';
import {ensurePrivateFolder, writeDurably} from '../../store/write.ts';
import {isExpired} from '../expiry.ts';
import {holdersOf} from '../holders.ts';
import type {ResolveContext} from '../resolve.ts';
import {type AgentSnapshot, agentIds, orderOf, readSnapshot, type Snapshot} from '../snapshot.ts';
import {readsMain} from '../usable.ts';
import {composeAgent, detachGrants, type ExportedProfile} from './compose.ts';
import {type ConfigTransfer, exportConfig} from './configuration.ts';
import {handOver} from './hand-over.ts';
import type {Here} from './merge.ts';
import {exportSessions} from './pins.ts';
import {assertAllWithin, assertTarget} from './target.ts';

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
	const theirs = await readConfigFile(openclawConfigFile(root));
	const here = agentIds(paths, await readConfig(paths));
	assertAllWithin({paths, root}, theirs, new Set([...here, ...agentsThere(root, theirs)]));
	const notes = await freshen(context, options);
	const snapshot = await readSnapshot(paths);
	const [problem] = snapshot.problems;
	if (problem) throw problem;
	const agents = snapshot.agents.filter(({id}) => options.agentId === undefined || id === options.agentId);
	ensurePrivateFolder(root);
	const profiles: ExportedProfile[] = [];
	for (const agent of agents) {
		profiles.push(...(await writeAgent(context, root, theirs, snapshot, agent)));
		notes.push(...whatDiffers(snapshot, agent));
	}
	for (const agentId of agentsThere(root, theirs)) {
		if (agents.some(({id}) => id === agentId)) continue;
		const file = openclawAgentFiles(root, theirs, agentId).credentials;
		const edit = (document: JsonObject) => detach(paths, document, agentId);
		if (existsSync(file)) await changeOpenclawFile({paths, root}, file, edit, {cleanse: edit});
	}
	const written = options.withRefreshTokens ? await handOver(context, root, theirs, profiles) : profiles;
	let sessions = 0;
	for (const {id} of agents) sessions += await exportSessions(paths, root, theirs, id);
	const config = await writeConfig(paths, root, {
		ids: agents.map(({id}) => id),
		defaultAgent: snapshot.defaultAgent,
	});
	return {folder: root, profiles: written, sessions, config, notes};
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
	{paths, now}: ResolveContext,
	root: string,
	theirs: JsonObject,
	snapshot: Snapshot,
	agent: AgentSnapshot,
): Promise<ExportedProfile[]> {
	const document = await readJsonFile(paths.profiles(agent.id));
	const orders = new Map([...agent.order, ...narrowedOrders(snapshot, agent, now())]);
	const file = openclawAgentFiles(root, theirs, agent.id).credentials;
	// Without a file of its own an agent of openclaw would get a copy of all that the main agent has.
	assertOpenclawFile({paths, root}, file);
	await withOpenclawLock(file, async () => {
		if (!existsSync(file)) writeDurably(file, serializeDocument({}));
	});
	const cleanse = (target: JsonObject) => detach(paths, target, agent.id);
	const edit = (target: JsonObject) => {
		const here = hereFor(paths, target, document);
		const exported = composeAgent(target, {agentId: agent.id, document, orders}, here, now());
		cleanse(target);
		return exported;
	};
	return changeOpenclawFile({paths, root}, file, edit, {cleanse});
}

/**
 * openclaw lets an agent use the main agent's profiles beside its own. Here it does not: an order that names
 * its own ones says so there.
 */
function narrowedOrders(
	{agents, config}: Snapshot,
	agent: AgentSnapshot,
	now: number,
): Map<string, readonly string[]> {
	const main = agents.find(({id}) => id === mainAgentId);
	const orders = new Map<string, readonly string[]>();
	if (!main || agent.id === mainAgentId) return orders;
	for (const provider of new Set(agent.profiles.map(facts => facts.provider))) {
		const own = agent.profiles.map(({profileId}) => profileId);
		const isMore = main.profiles.some(of => of.provider === provider && !own.includes(of.profileId));
		if (!isMore || agent.order.has(provider)) continue;
		const {places} = orderOf({agent, config}, provider, now);
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

function agentsThere(root: string, theirs: JsonObject): string[] {
	let folders: string[] = [];
	try {
		folders = readdirSync(join(root, 'agents'));
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
	}
	const ids = new Set([...folders, ...listedAgents(theirs).map(({id}) => id)]);
	return [...ids].filter(isAgentId);
}

function detach(paths: StatePaths, document: JsonObject, agentId: string): void {
	detachGrants(document, agentId, hereFor(paths, document));
}

/** What JARVIS holds of the providers in these documents, as it is now. */
function hereFor(paths: StatePaths, ...documents: readonly JsonObject[]): Here {
	const entries = documents.flatMap(document => entriesOf(member(document, 'profiles')));
	const providers = new Set(entries.map(([, entry]) => String(member(entry, 'provider'))));
	return {
		holders: [...providers].flatMap(provider => holdersOf(paths, provider)),
		journal: readAllJournals(paths),
	};
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
