import {resolve} from 'node:path';
import {loginCommand} from '../auth/profile-commands.ts';
import type {AgentSnapshot, Snapshot} from '../auth/snapshot.ts';
import {configOwner} from '../store/config.ts';
import {deletedAgent} from '../words.ts';
import {confirmByName} from './ask.ts';
import {type CommandContext, printJson, tellProblems, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `agents list`. */
export async function runAgentsList(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const snapshot = await jarvis.snapshot();
	const {agents} = snapshot;
	tellProblems(context, snapshot);
	if (context.flags.json)
		printJson(
			context,
			agents.map(agent => ({...agentJson(context, agent), bindings: bindingsOf(snapshot, agent.id)})),
		);
	else {
		const rows = agents.map(agent => [
			agent.id,
			agent.isDefault ? 'default' : '',
			agent.problem ? 'unreadable' : String(agent.profiles.length),
			String(bindingsOf(snapshot, agent.id)),
			agent.workspace ?? '–',
		]);
		context.print(await textTable(['AGENT', '', 'PROFILES', 'BINDINGS', 'WORKSPACE'], rows));
	}
	return 0;
}

/** `agents add`. */
export async function runAgentsAdd(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [id = ''] = context.arguments;
	const name = textFlag(context, 'name');
	const workspace = textFlag(context, 'workspace');
	await jarvis.addAgent({
		id,
		...(name ? {name} : {}),
		...(workspace ? {workspace: resolve(workspace)} : {}),
		...(context.flags.isolated ? {readsMain: false as const} : {}),
	});
	const agent = (await jarvis.snapshot()).agents.find(other => other.id === id);
	const bindings = {added: [], updated: [], skipped: [], conflicts: []};
	if (context.flags.json && agent) printJson(context, {...agentJson(context, agent), bindings});
	else {
		const inherited = agent?.inherited.filter(facts => facts.agentId !== configOwner).length ?? 0;
		context.tell(
			inherited > 0
				? `Added the agent ${id}. It reads the main agent’s profiles (${inherited}) until it has its own.`
				: `Added the agent ${id}. It has no credentials yet.`,
		);
		context.tell(`Log in: ${loginCommand(id)}`);
	}
	return 0;
}

/** `agents delete`: deletes an agent, after asking. */
export async function runAgentsDelete(context: CommandContext): Promise<number> {
	const [id = ''] = context.arguments;
	const agentId = await context.jarvis.agent(id);
	const question = `This deletes the agent ${agentId} with all its credentials, sessions and bindings.`;
	if (!(await confirmByName(context, question, agentId))) {
		context.tell('Nothing was deleted.');
		return 130;
	}
	const bindings = await context.jarvis.deleteAgent(agentId);
	if (context.flags.json) printJson(context, {agentId, deleted: true, bindings});
	else context.tell(deletedAgent(agentId, bindings));
	return 0;
}

/** `agents set-default`. */
export async function runAgentsSetDefault(context: CommandContext): Promise<number> {
	const [id = ''] = context.arguments;
	await context.jarvis.setDefaultAgent(id);
	if (context.flags.json) printJson(context, {agentId: id, default: true});
	else context.tell(`${id} is the default agent now.`);
	return 0;
}

function agentJson({jarvis}: CommandContext, agent: AgentSnapshot) {
	return {
		agentId: agent.id,
		name: agent.name ?? agent.id,
		workspace: agent.workspace ?? null,
		agentDir: jarvis.paths.agentCredentials(agent.id),
		default: agent.isDefault,
		profiles: agent.profiles.length,
	};
}

/** How many bindings an agent has that are in use. */
function bindingsOf({config}: Snapshot, agentId: string): number {
	return config.bindings.filter(binding => binding.agentId === agentId).length;
}
