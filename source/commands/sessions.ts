import {ownModelOf, type SessionFacts} from '../auth/session-facts.ts';
import {pinWords} from '../auth/session-words.ts';
import {unknownSession} from '../store/sessions.ts';
import {ago} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `sessions list`. */
export async function runSessionsList(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const sessions = await jarvis.sessions(agentId);
	if (context.flags.json) printJson(context, {agentId, sessions: sessions.map(sessionJson)});
	else if (sessions.length === 0) context.print(`The agent ${agentId} has no sessions.`);
	else {
		const rows = sessions.map(facts => [
			facts.key,
			ownModelOf(facts.session) ?? 'default',
			facts.pin?.profileId ?? 'by the order',
			facts.pin ? pinWords[facts.pin.source] : '–',
			ago(facts.session.updatedAt, jarvis.now()),
		]);
		context.print(await textTable(['SESSION', 'MODEL', 'PROFILE', 'PIN', 'CHANGED'], rows));
	}
	return 0;
}

/** `sessions show`: what a session uses now, and why. */
export async function runSessionsShow(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [key = ''] = context.arguments;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const facts = (await jarvis.sessions(agentId)).find(other => other.key === key);
	if (!facts) throw unknownSession(agentId, key);
	if (context.flags.json) {
		printJson(context, {
			...{agentId, ...sessionJson(facts)},
			which: await jarvis.which({agentId, sessionKey: key}),
		});
	} else for (const line of await jarvis.sendToSession(agentId, key, '/model status')) context.print(line);
	return 0;
}

/** `sessions send`: carries out a slash command. */
export async function runSessionsSend(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [key = '', ...words] = context.arguments;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const lines = await jarvis.sendToSession(agentId, key, words.join(' '));
	if (context.flags.json) printJson(context, {agentId, key, lines});
	else for (const line of lines) context.print(line);
	return 0;
}

/** `sessions reset`: begins a session anew. */
export async function runSessionsReset(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [key = ''] = context.arguments;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const reset = await jarvis.resetSession(agentId, key);
	if (context.flags.json) printJson(context, {agentId, key, reset});
	else if (reset) context.tell(`The session ${key} begins anew: it has no model and no profile of its own.`);
	else context.tell(`The agent ${agentId} has no session ${key}: there is nothing to begin anew.`);
	return 0;
}

function sessionJson({key, session, pin}: SessionFacts) {
	return {key, model: ownModelOf(session) ?? null, pin: pin ?? null, ...session};
}
