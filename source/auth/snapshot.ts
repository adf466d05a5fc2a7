import {existsSync} from 'node:fs';
import {asJarvisError, type JarvisError} from '../errors.ts';
import {type Config, configOwner, decodeConfig, readConfig} from '../store/config.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {listAgentIds, readCredentials} from '../store/profiles.ts';
import {type AgentCredentials, type EntryProblem, optional, type SecretRef} from '../store/schema.ts';
import {factsOf, type ProfileFacts, refOf} from './facts.ts';
import {fingerprint} from './identity.ts';
import {type EffectiveOrder, effectiveOrder} from './routing/order.ts';
import {type RefFailure, refKey} from './secrets/refs.ts';
import type {Look, RefFailures, SecretReader} from './secrets/secrets.ts';
import type {SessionFacts} from './session-facts.ts';
import {
	configuredKeys,
	inheritedOrder,
	inheritedProfiles,
	ownProfiles,
	readsMain,
	type UsableProfile,
	withKeyIds,
	withLinkedLogins,
} from './usable.ts';
import {readWaits, type Waits} from './waits.ts';
import type {WriteBackFacts} from './write-back.ts';

/** All agents as they are on the disk, without any secret. What a screen or a listing is drawn from. */
export interface Snapshot {
	readonly agents: readonly AgentSnapshot[];
	readonly defaultAgent: string;
	readonly config: Config;
	/** What could not be read; everything else is shown all the same. */
	readonly problems: readonly JarvisError[];
}

export interface AgentSnapshot {
	readonly id: string;
	readonly isDefault: boolean;
	readonly name?: string;
	readonly workspace?: string;
	readonly profiles: readonly ProfileFacts[];
	/**
	 * The main agent's profiles that it uses, as it has none itself of their providers, and the keys of `jarvis.json`.
	 */
	readonly inherited: readonly ProfileFacts[];
	/** Entries of the file that are kept and left out of use. */
	readonly broken: readonly EntryProblem[];
	/** The store's explicit orders. */
	readonly order: ReadonlyMap<string, readonly string[]>;
	/** The main agent's orders of the providers that it reads of it. */
	readonly mainOrder: ReadonlyMap<string, readonly string[]>;
	/** provider → the profile that last worked: a hint for a person, and no more. */
	readonly lastGood: ReadonlyMap<string, string>;
	/** Its sessions, the one that changed last first; none unless they were asked for. */
	readonly sessions: readonly SessionFacts[];
	/** Why its sessions could not be read. */
	readonly sessionsProblem?: JarvisError;
	/** Why the agent's file could not be read. */
	readonly problem?: JarvisError;
}

/** What a snapshot is to tell beyond what always is. */
export interface SnapshotWishes {
	readonly sessions?: boolean;
	/** How far to go to tell whether secret refs resolve; `glance` if absent. */
	readonly refs?: Look;
	/** Only for this agent so far; a glance at those of the others. */
	readonly refsOf?: string;
}

/**
 * Reads all agents. Never throws for a file that cannot be read: the snapshot says so.
 * @param secrets tells whether secret refs resolve; without it, all are taken for good
 */
export async function readSnapshot(
	paths: StatePaths,
	wanted: SnapshotWishes = {},
	secrets?: SecretReader,
): Promise<Snapshot> {
	const problems: JarvisError[] = [];
	const read = await readConfig(paths).catch(error => {
		problems.push(asJarvisError(error));
		return decodeConfig({});
	});
	// Its keys are among what agents can use, as facts.
	const config: Config = {...read, apiKeys: new Map()};
	const withKeys = await withKeyIds(read);
	const defaultAgent = config.defaultAgent ?? mainAgentId;
	const agents: AgentSnapshot[] = [];
	const links = await linksOf(paths).catch(error => {
		problems.push(asJarvisError(error));
		return [];
	});
	const waits = readWaits(paths);
	// The main agent comes first: the others read of it.
	let main: AgentCredentials | undefined;
	for (const id of idsOf(paths, config, problems)) {
		const {agent, own} = await readAgent({paths, config: withKeys, waits}, id, id === defaultAgent, main);
		if (id === mainAgentId) main = own;
		if (agent.problem) problems.push(agent.problem);
		const linked = {
			...agent,
			profiles: agent.profiles.map(facts => withLinks(facts, links)),
			inherited: agent.inherited.map(facts => withLinks(facts, links)),
		};
		agents.push(wanted.sessions ? {...linked, ...(await readSessionsOf(paths, id))} : linked);
	}
	const failures = await refFailures(agents, config, wanted, secrets);
	if (failures.size === 0) return {agents, defaultAgent, config, problems};
	const judged = (facts: ProfileFacts) => withFailure(facts, failures);
	return {
		...{defaultAgent, config, problems},
		agents: agents.map(agent => ({
			...agent,
			profiles: agent.profiles.map(judged),
			inherited: agent.inherited.map(judged),
		})),
	};
}

async function refFailures(
	agents: readonly AgentSnapshot[],
	config: Config,
	{refs = 'glance', refsOf}: SnapshotWishes,
	secrets: SecretReader | undefined,
): Promise<RefFailures> {
	const failures: [string, RefFailure][] = [];
	for (const look of ['resolve', 'glance'] as const) {
		const meant = agents.filter(({id}) => look === (refsOf === undefined || refsOf === id ? refs : 'glance'));
		const found = meant.flatMap(agent => usableFacts(agent).flatMap(({ref}) => ref ?? []));
		if (secrets && found.length > 0) failures.push(...(await secrets.failures(found, config, look)));
	}
	return new Map(failures);
}

function withFailure(facts: ProfileFacts, failures: RefFailures): ProfileFacts {
	return {...facts, ...optional('unresolved', facts.ref && failures.get(refKey(facts.ref)))};
}

function idsOf(paths: StatePaths, config: Config, problems: JarvisError[]): string[] {
	try {
		return agentIds(paths, config);
	} catch (error) {
		problems.push(asJarvisError(error));
		return [];
	}
}

/** The ids of all agents: those with a folder, and those that `jarvis.json` lists. */
export function agentIds(paths: StatePaths, config: Config): string[] {
	return [...new Set([...listAgentIds(paths), ...config.agents.map(agent => agent.id)])];
}

/** All profiles that an agent can use. */
export function usableFacts(agent: AgentSnapshot): readonly ProfileFacts[] {
	return [...agent.profiles, ...agent.inherited];
}

/** The same without those that are the main agent's: its own, and the keys of `jarvis.json`, which no agent holds. */
export function ownFacts({profiles, inherited}: AgentSnapshot): readonly ProfileFacts[] {
	return [...profiles, ...inherited.filter(({agentId}) => agentId === configOwner)];
}

/** The providers of the profiles that an agent can use, and those that it has an order for. */
export function providersInUse(agent: AgentSnapshot): string[] {
	return [...new Set([...usableFacts(agent).map(facts => facts.provider), ...agent.order.keys()])].sort();
}

/** An agent's effective order of a provider at `now` (epoch ms). */
export function orderOf(
	{agent, config}: {readonly agent: AgentSnapshot; readonly config: Config},
	provider: string,
	now: number,
): EffectiveOrder {
	const configured = [...config.profiles].filter(([, of]) => of === provider).map(([id]) => id);
	return effectiveOrder({
		...{agentId: agent.id, provider, profiles: usableFacts(agent), configured, now},
		storeOrder: agent.order.get(provider),
		mainOrder: agent.mainOrder.get(provider),
		configOrder: config.order.get(provider),
	});
}

/** The same, and the ids of the agent's own profiles of the provider, which an order of its own may name. */
export function orderWithOwn(
	{agent, config}: {readonly agent: AgentSnapshot; readonly config: Config},
	provider: string,
	now: number,
): {readonly order: EffectiveOrder; readonly own: readonly string[]} {
	const own = agent.profiles.filter(facts => facts.provider === provider).map(({profileId}) => profileId);
	return {own, order: orderOf({agent, config}, provider, now)};
}

async function readAgent(
	{paths, config, waits}: {readonly paths: StatePaths; readonly config: Config; readonly waits: Waits},
	id: string,
	isDefault: boolean,
	main: AgentCredentials | undefined,
): Promise<{readonly agent: AgentSnapshot; readonly own?: AgentCredentials}> {
	const listed = config.agents.find(agent => agent.id === id);
	const about = {
		id,
		isDefault,
		...optional('name', listed?.name),
		...optional('workspace', listed?.workspace),
	};
	try {
		const own = await withLinkedLogins(await readCredentials(paths, id));
		const read = readsMain(config.agents, id) ? main : undefined;
		const {problems, order, lastGood} = own;
		const mine = ownProfiles(id, own);
		const inherited = read ? inheritedProfiles(own, read) : [];
		const agent = {
			...about,
			sessions: [],
			...{order, lastGood, broken: problems},
			profiles: mine.map(usable => factsOfUsable(usable, {waits})),
			inherited: [...inherited, ...configuredKeys(config, own, [...mine, ...inherited])].map(usable =>
				factsOfUsable(usable, {waits}),
			),
			mainOrder: read ? inheritedOrder(own, read) : new Map(),
		};
		return {agent, own};
	} catch (error) {
		const none = {profiles: [], inherited: [], broken: [], sessions: [], mainOrder: new Map()};
		return {
			agent: {...about, ...none, order: new Map(), lastGood: new Map(), problem: asJarvisError(error)},
		};
	}
}

// Hardly anybody has one: looking at programs' files is loaded where there is.
async function linksOf(paths: StatePaths): Promise<WriteBackFacts[]> {
	if (!existsSync(paths.writeBack)) return [];
	const {writeBackFacts} = await import('./write-back.ts');
	return writeBackFacts(paths);
}

function withLinks(facts: ProfileFacts, links: readonly WriteBackFacts[]): ProfileFacts {
	const {agentId, profileId} = facts;
	const own = links.filter(link => link.agentId === agentId && link.profileId === profileId);
	return own.length === 0 ? facts : {...facts, writeBack: own};
}

async function readSessionsOf(
	paths: StatePaths,
	agentId: string,
): Promise<Pick<AgentSnapshot, 'sessions' | 'sessionsProblem'>> {
	const {listSessions} = await import('./session-facts.ts');
	try {
		return {sessions: await listSessions(paths, agentId)};
	} catch (error) {
		return {sessions: [], sessionsProblem: asJarvisError(error)};
	}
}

/** The facts of a profile that an agent can use, with what is known beside its record. */
export function factsOfUsable(
	{owner, profileId, credential, usage}: UsableProfile,
	{failures, waits}: {readonly failures?: RefFailures | undefined; readonly waits?: Waits | undefined} = {},
): ProfileFacts {
	const facts = factsOf(owner, profileId, credential, usage);
	const judged = failures ? withFailure(facts, failures) : facts;
	if (!waits?.size || credential.type !== 'oauth' || !credential.refresh) return judged;
	return {...judged, ...optional('wait', waits.get(fingerprint(credential.refresh)))};
}

/** The secret refs of profiles. */
export function refsOf(profiles: readonly UsableProfile[]): SecretRef[] {
	return profiles.flatMap(({credential}) => refOf(credential) ?? []);
}
