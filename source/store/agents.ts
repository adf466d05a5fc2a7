import {existsSync} from 'node:fs';
import {JarvisError} from '../errors.ts';
import {bindingsNaming, removeBindings} from './binding-edits.ts';
import {type Config, type ConfigEdit, updateConfig} from './config.ts';
import {assertAgentId, mainAgentId, type StatePaths, unknownAgent} from './paths.ts';
import {listAgentIds, removeAgentFolder} from './profiles.ts';
import {ensurePrivateFolder} from './write.ts';

export interface NewAgent {
	readonly id: string;
	readonly name?: string;
	readonly workspace?: string;
	/** `false` keeps it from the main agent's profiles. */
	readonly readsMain?: false;
}

/** As jsonc-parser names the place behind the last element of an array. */
const endOfList = ['agents', 'list', -1];

/**
 * Adds an agent: its folder, and its entry in `jarvis.json`. It begins without any credential.
 * @throws `agent_invalid_id`, `agent_exists`, and what `updateConfig` throws
 */
export async function addAgent(paths: StatePaths, agent: NewAgent): Promise<void> {
	assertAgentId(agent.id);
	await updateConfig(paths, config => {
		if (isAgent(paths, config, agent.id)) throw exists(agent.id);
		return [{path: endOfList, value: {...agent}}];
	});
	ensurePrivateFolder(paths.agentCredentials(agent.id));
}

/**
 * Deletes an agent with everything in its folder, and its bindings: an agent that later gets its id must
 * not get its messages.
 * @returns how many bindings it had
 * @throws `agent_unknown`, `agent_protected` for the main and the default agent, and what `updateConfig`
 * throws
 */
export async function deleteAgent(paths: StatePaths, agentId: string): Promise<number> {
	let bindings = 0;
	await updateConfig(paths, config => {
		assertAgent(paths, config, agentId);
		if (agentId === mainAgentId) {
			throw protectedAgent(agentId, 'it is the main agent', 'Remove its profiles one by one instead.');
		}
		if (agentId === config.defaultAgent) {
			const next = `Make another one the default first: jarvis agents set-default ${mainAgentId}`;
			throw protectedAgent(agentId, 'it is the default agent', next);
		}
		// From the last one on, so that those before keep their places.
		const listed = config.agents.filter(agent => agent.id === agentId).reverse();
		const unbound = bindingsNaming(config, agentId);
		bindings = unbound.length;
		return [
			...listed.map(agent => ({path: ['agents', 'list', agent.index], value: undefined})),
			...removeBindings(unbound),
		];
	});
	await removeAgentFolder(paths, agentId);
	return bindings;
}

/**
 * Makes an agent the one that is meant when none is named.
 * @throws `agent_unknown`, and what `updateConfig` throws
 */
export async function setDefaultAgent(paths: StatePaths, agentId: string): Promise<void> {
	await updateConfig(paths, config => {
		assertAgent(paths, config, agentId);
		const edits: ConfigEdit[] = [];
		for (const agent of config.agents) {
			const path = ['agents', 'list', agent.index, 'default'];
			if (agent.isDefault && agent.id !== agentId) edits.push({path, value: undefined});
			if (!agent.isDefault && agent.id === agentId) edits.push({path, value: true});
		}
		if (!config.agents.some(agent => agent.id === agentId)) {
			edits.push({path: endOfList, value: {id: agentId, default: true}});
		}
		return edits;
	});
}

/** Throws `agent_unknown` unless there is such an agent. */
export function assertAgent(paths: StatePaths, config: Config, agentId: string): void {
	assertAgentId(agentId);
	if (isAgent(paths, config, agentId)) return;
	throw unknownAgent(paths, agentId);
}

function isAgent(paths: StatePaths, config: Config, agentId: string): boolean {
	return (
		listAgentIds(paths).includes(agentId) ||
		config.agents.some(agent => agent.id === agentId) ||
		existsSync(paths.agent(agentId))
	);
}

function exists(agentId: string): JarvisError {
	return new JarvisError(
		'agent_exists',
		`There is an agent ${agentId} already.`,
		'Choose another id, or delete that one first.',
	);
}

function protectedAgent(agentId: string, why: string, next: string): JarvisError {
	return new JarvisError('agent_protected', `${agentId} cannot be deleted: ${why}.`, next);
}
