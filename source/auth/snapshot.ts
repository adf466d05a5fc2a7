import {asJarvisError, type JarvisError} from '../errors.ts';
import {type Config, decodeConfig, readConfig} from '../store/config.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {listAgentIds, readCredentials} from '../store/profiles.ts';
import {type EntryProblem, optional} from '../store/schema.ts';
import {factsOf, type ProfileFacts} from './facts.ts';
import {type EffectiveOrder, effectiveOrder} from './routing/order.ts';

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
	/** Entries of the file that are kept and left out of use. */
	readonly broken: readonly EntryProblem[];
	/** The store's explicit orders. */
	readonly order: ReadonlyMap<string, readonly string[]>;
	/** Why the agent's file could not be read. */
	readonly problem?: JarvisError;
}

/** Reads all agents. Never throws for a file that cannot be read: the snapshot says so. */
export async function readSnapshot(paths: StatePaths): Promise<Snapshot> {
	const problems: JarvisError[] = [];
	const config = await readConfig(paths).catch(error => {
		problems.push(asJarvisError(error));
		return decodeConfig({});
	});
	const defaultAgent = config.defaultAgent ?? mainAgentId;
	const agents: AgentSnapshot[] = [];
	for (const id of idsOf(paths, config, problems)) {
		const agent = await readAgent(paths, config, id, id === defaultAgent);
		if (agent.problem) problems.push(agent.problem);
		agents.push(agent);
	}
	return {agents, defaultAgent, config, problems};
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

/** The providers of an agent's profiles, and those that it has an order for. */
export function providersInUse(agent: AgentSnapshot): string[] {
	return [...new Set([...agent.profiles.map(facts => facts.provider), ...agent.order.keys()])].sort();
}

/** An agent's effective order of a provider at `now` (epoch ms). */
export function orderOf(
	{agent, config}: {readonly agent: AgentSnapshot; readonly config: Config},
	provider: string,
	now: number,
	env: NodeJS.ProcessEnv,
): EffectiveOrder {
	const configured = [...config.profiles].filter(([, of]) => of === provider).map(([id]) => id);
	return effectiveOrder({
		...{provider, profiles: agent.profiles, configured, now, env},
		storeOrder: agent.order.get(provider),
		configOrder: config.order.get(provider),
	});
}

/** Reads one agent. Never throws for a file that cannot be read: the result says so. */
export async function readAgent(
	paths: StatePaths,
	config: Config,
	id: string,
	isDefault: boolean,
): Promise<AgentSnapshot> {
	const listed = config.agents.find(agent => agent.id === id);
	const about = {
		id,
		isDefault,
		...optional('name', listed?.name),
		...optional('workspace', listed?.workspace),
	};
	try {
		const {profiles, problems, order, usageStats} = await readCredentials(paths, id);
		return {
			...about,
			order,
			broken: problems,
			profiles: [...profiles].map(([profileId, credential]) =>
				factsOf(id, profileId, credential, usageStats.get(profileId)),
			),
		};
	} catch (error) {
		return {...about, profiles: [], broken: [], order: new Map(), problem: asJarvisError(error)};
	}
}
