import {type Config, readConfig, readConfigFile, updateConfig} from '../../store/config.ts';
import type {JsonObject} from '../../store/json.ts';
import {type OpenclawAgent, type OpenclawFolder, readOpenclaw} from '../../store/openclaw/folder.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readCredentials, updateCredentials} from '../../store/profiles.ts';
import {readAllJournals} from '../../store/read-journal.ts';
import {decodeAgentCredentials} from '../../store/schema.ts';
import {readJsonFile} from '../../store/update-json.ts';
import {ensurePrivateFolder} from '../../store/write.ts';
import {holdersOf} from '../holders.ts';
import {agentIds} from '../snapshot.ts';
import {readsMain} from '../usable.ts';
import {type ConfigTransfer, importConfig} from './configuration.ts';
import {type Here, type ImportedProfile, isHere, type Merged, mergeAgent} from './merge.ts';
import {type Settled, settleOwners} from './one-owner.ts';
import {type ImportedSessions, importSessions} from './pins.ts';

export interface OpenclawImport {
	readonly folder: string;
	readonly dryRun: boolean;
	/** Agents that were not here before. */
	readonly newAgents: readonly string[];
	readonly profiles: readonly ImportedProfile[];
	readonly sessions: readonly ImportedSessions[];
	readonly config: Omit<ConfigTransfer, 'edits'>;
	/** What a person should know beside it. */
	readonly notes: readonly string[];
}

/**
 * Brings the state folder of openclaw 2026.3 in: agents, profiles, orders, usage, the pins of sessions, and
 * of the configuration what JARVIS has as well. The folder is not changed. What is here already stays,
 * unless it is an older token of the same account; doing it again changes nothing.
 * @param dryRun finds out what would be done, and changes nothing
 * @throws what `readOpenclaw` throws, and what reading and changing the store throws. What was taken until
 * then is here; the next import takes the rest
 */
export async function importOpenclaw(
	paths: StatePaths,
	root: string,
	{dryRun}: {readonly dryRun: boolean},
): Promise<OpenclawImport> {
	const folder = await readOpenclaw(root);
	const before = await readConfig(paths);
	const known = agentIds(paths, before);
	const settled = settleOwners(folder.agents);
	const profilesHere = await profilesByProvider(paths, known);
	// First, as a file that cannot be edited must stop all of it, and an agent must be known before it has anything.
	const config = await transferConfig(paths, folder, profilesHere, dryRun);
	const profiles: ImportedProfile[] = [];
	const sessions: ImportedSessions[] = [];
	const notes: string[] = [...folder.notes];
	for (const agent of folder.agents) {
		const merged = await importAgent(paths, agent, settled, dryRun);
		profiles.push(...merged.profiles);
		profiles.push(...(await copiesOf(paths, before, agent, settled, profiles)));
		notes.push(...merged.notes, ...notSeen(agent, folder, settled));
		sessions.push(await importSessions(paths, agent, dryRun));
		if (!dryRun) ensurePrivateFolder(paths.agentCredentials(agent.id));
	}
	const newAgents = folder.agents.map(({id}) => id).filter(id => !known.includes(id));
	return {folder: root, dryRun, newAgents, profiles, sessions, config, notes};
}

async function importAgent(
	paths: StatePaths,
	{id, credentials}: OpenclawAgent,
	settled: Settled,
	dryRun: boolean,
): Promise<Merged> {
	const incoming = settled.taken.filter(({agentId}) => agentId === id);
	const providers = new Set(
		incoming.flatMap(({credential}) => (typeof credential === 'object' ? [credential.provider] : [])),
	);
	const edit = (document: JsonObject, current: ReturnType<typeof decodeAgentCredentials>) => {
		// Read inside the lock: a refresh may have been stored meanwhile.
		const here: Here = {
			holders: [...providers].flatMap(provider => holdersOf(paths, provider)),
			journal: readAllJournals(paths),
		};
		const merged = mergeAgent(document, current, id, incoming, credentials, here);
		const profiles = merged.profiles.map(profile =>
			profile.outcome === 'added' && settled.doubtful.includes(`${id}/${profile.profileId}`)
				? {...profile, outcome: 'access_only' as const}
				: profile,
		);
		return {...merged, profiles};
	};
	const isNothing =
		incoming.length === 0 && Object.keys(credentials).every(name => emptyMembers.includes(name));
	if (dryRun || isNothing) {
		const document = await readJsonFile(paths.profiles(id));
		return edit(document, decodeAgentCredentials(document));
	}
	return updateCredentials(paths, id, edit);
}

const emptyMembers = ['version', 'profiles'];

// A copy is read of the main agent where that has the login here, and the agent nothing of its own.
async function copiesOf(
	paths: StatePaths,
	config: Config,
	{id}: OpenclawAgent,
	{copies}: Settled,
	done: readonly ImportedProfile[],
): Promise<ImportedProfile[]> {
	const own = [...(await readCredentials(paths, id)).profiles.values()];
	const mayRead = readsMain(config.agents, id);
	return copies.flatMap(({agentId, profileId, provider, owner, ownerProfileId, isRead}) => {
		if (agentId !== id) return [];
		const kept = done.find(other => other.agentId === owner && other.profileId === ownerProfileId);
		const isThere = kept !== undefined && isHere(kept);
		const reads = isRead && mayRead && isThere && own.every(credential => credential.provider !== provider);
		const outcome = reads ? ('read_of_main' as const) : ('copy_left' as const);
		return [{agentId, profileId, provider, outcome, heldBy: `${owner}/${ownerProfileId}`}];
	});
}

// openclaw adds the main agent's profiles to an agent's own; here they are for providers of which it has none.
function notSeen({id}: OpenclawAgent, folder: OpenclawFolder, {taken}: Settled): string[] {
	const [main] = folder.agents;
	if (!main || id === main.id) return [];
	const idsOf = (agentId: string, provider: string) =>
		taken.filter(
			({agentId: of, credential}) =>
				of === agentId && typeof credential === 'object' && credential.provider === provider,
		);
	const own = taken.filter(({agentId}) => agentId === id);
	const providers = new Set(
		own.flatMap(({credential}) => (typeof credential === 'object' ? [credential.provider] : [])),
	);
	return [...providers].flatMap(provider => {
		const mine = idsOf(id, provider).map(({profileId}) => profileId);
		const hidden = idsOf(main.id, provider)
			.map(({profileId}) => profileId)
			.filter(profileId => !mine.includes(profileId));
		if (hidden.length === 0) return [];
		return [
			`${id} has profiles of ${provider} itself, so it does not use the main agent’s here: ${hidden.join(', ')}.`,
		];
	});
}

async function transferConfig(
	paths: StatePaths,
	folder: OpenclawFolder,
	profilesHere: ReadonlyMap<string, ReadonlySet<string>>,
	dryRun: boolean,
): Promise<OpenclawImport['config']> {
	const context = {defaultAgent: folder.defaultAgent, profilesHere};
	let {edits, ...told} = importConfig(folder.config, await readConfigFile(paths.config), context);
	if (dryRun || edits.length === 0) return told;
	await updateConfig(paths, (_, ours) => {
		({edits, ...told} = importConfig(folder.config, ours, context));
		return edits;
	});
	return told;
}

async function profilesByProvider(
	paths: StatePaths,
	agents: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
	const ids = new Map<string, Set<string>>();
	for (const agentId of agents) {
		for (const [profileId, {provider}] of (await readCredentials(paths, agentId)).profiles) {
			ids.set(provider, (ids.get(provider) ?? new Set()).add(profileId));
		}
	}
	return ids;
}
