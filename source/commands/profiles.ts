import {healthOf} from '../auth/health.ts';
import {usableFacts} from '../auth/snapshot.ts';
import {loggedOut} from '../words.ts';
import {confirmByName} from './ask.ts';
import {agentOf, type CommandContext, printJson, textFlag} from './command.ts';
import {statusText} from './status.ts';

/** `models auth list`: an agent's profiles. */
export async function runList(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const {agent, snapshot} = await agentOf(context, {refs: 'resolve'});
	if (!context.flags.json) {
		context.print(await statusText(jarvis, snapshot, [agent]));
		return 0;
	}
	printJson(context, {
		agentId: agent.id,
		authStorePath: jarvis.paths.profiles(agent.id),
		profiles: usableFacts(agent).map(facts => {
			const {status, reason} = healthOf(facts, jarvis.now());
			const {profileId, provider, kind, email, accountId, expires, agentId: owner} = facts;
			return {profileId, provider, type: kind, email, accountId, expires, status, reasonCode: reason, owner};
		}),
		brokenEntries: agent.broken,
	});
	return 0;
}

/** `models auth logout`: ends a profile at its server where that can be asked, and removes it, after asking. */
export async function runLogout(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const [profileId = ''] = context.arguments;
	const question = `This logs ${profileId} of the agent ${agentId} out and removes its secrets.`;
	if (!(await confirmByName(context, question, profileId))) {
		context.tell('Nothing was changed.');
		return 130;
	}
	const revocation = await jarvis.logOut(agentId, profileId);
	if (context.flags.json) printJson(context, {agentId, profileId, removed: true, ...revocation});
	else context.tell(loggedOut(agentId, profileId, revocation));
	return 0;
}

/** `models auth remove`: removes a profile, after asking. */
export async function runRemove(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const [profileId = ''] = context.arguments;
	const question = `This removes ${profileId} and its secrets from the agent ${agentId}.`;
	if (!(await confirmByName(context, question, profileId))) {
		context.tell('Nothing was removed.');
		return 130;
	}
	await jarvis.removeProfile(agentId, profileId);
	if (context.flags.json) printJson(context, {agentId, profileId, removed: true});
	else context.tell(`Removed ${profileId} from the agent ${agentId}.`);
	return 0;
}
