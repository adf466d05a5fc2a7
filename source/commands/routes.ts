import type {ListedBinding} from '../auth/routing/bindings.ts';
import {usableFacts} from '../auth/snapshot.ts';
import {JarvisError} from '../errors.ts';
import {type BindingMatch, describeMatch} from '../store/binding-schema.ts';
import {agentOf, type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `agents bind`: sends messages to an agent. */
export async function runBind(context: CommandContext): Promise<number> {
	const agentId = textFlag(context, 'agent') ?? '';
	const {match, outcome} = await context.jarvis.bind(agentId, wordsOf(context));
	if (context.flags.json) {
		const binding = {agentId, match};
		printJson(context, {
			...{agentId, added: [], updated: [], skipped: [], conflicts: []},
			[outcome]: [binding],
		});
	} else if (outcome === 'added') context.tell(`Bound ${describeMatch(match)} to the agent ${agentId}.`);
	else context.tell(`${describeMatch(match)} is bound to the agent ${agentId} already.`);
	return 0;
}

/** `agents unbind`: takes a binding of an agent away, or all. */
export async function runUnbind(context: CommandContext): Promise<number> {
	const agentId = textFlag(context, 'agent') ?? '';
	const {match, removed} = await context.jarvis.unbind(agentId, whatToUnbind(context));
	if (context.flags.json) printJson(context, {agentId, match: match ?? null, removed});
	else if (match) context.tell(`${describeMatch(match)} is no longer bound to the agent ${agentId}.`);
	else
		context.tell(
			`Removed ${removed === 1 ? 'the only binding' : `${removed} bindings`} of the agent ${agentId}.`,
		);
	return 0;
}

/** `agents bindings`: all bindings, or those of one agent. */
export async function runBindings(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const agentId = textFlag(context, 'agent');
	const all = await jarvis.bindings();
	const bindings = agentId === undefined ? all : all.filter(binding => binding.agentId === agentId);
	// Those of an agent that is gone can be listed, and a mistyped name is told from one without bindings.
	if (bindings.length === 0 && agentId !== undefined) await jarvis.agent(agentId);
	if (context.flags.json) printJson(context, bindings.map(bindingJson));
	else if (bindings.length === 0) {
		const none = agentId === undefined ? 'There are no bindings' : `The agent ${agentId} has no bindings`;
		context.print(`${none}. Messages without a binding are for the default agent.`);
	} else {
		const rows = bindings.map(binding => [
			messagesOf(binding),
			binding.agentId ?? '–',
			binding.problem ? `✗ ${binding.problem}` : '✓ in use',
		]);
		context.print(await textTable(['MESSAGES OF', 'AGENT', 'STATE'], rows));
	}
	return 0;
}

/** `agents route`: which agent a message is for, and why. */
export async function runRoute(context: CommandContext): Promise<number> {
	const {from, agentId, binding, matchedBy, why, considered} = await context.jarvis.route(wordsOf(context));
	if (context.flags.json) {
		printJson(context, {
			...{from, agentId, matchedBy, why},
			binding: binding ? bindingJson(binding) : null,
			considered: considered.map(entry => ({
				...bindingJson(entry.binding),
				...{outcome: entry.outcome, why: entry.why},
			})),
		});
		return 0;
	}
	const lines = [`${describeMatch(from)}: the agent ${agentId} answers, because ${why}.`];
	if (considered.length > 0) {
		const rows = considered.map(entry => [
			entry.outcome === 'chosen' ? '✓' : '–',
			messagesOf(entry.binding),
			entry.binding.agentId ?? '–',
			entry.why,
		]);
		lines.push(await textTable(['', 'MESSAGES OF', 'AGENT', 'WHY'], rows));
	}
	context.print(lines.join('\n'));
	return 0;
}

/** `channels list`: channels with their accounts, and an agent's profiles. */
export async function runChannels(context: CommandContext): Promise<number> {
	const {agent} = await agentOf(context);
	const channels = await context.jarvis.channels();
	if (context.flags.json) {
		printJson(context, {
			chat: Object.fromEntries(channels),
			auth: usableFacts(agent).map(({profileId, provider, kind}) => ({
				...{id: profileId, provider, type: kind, isExternal: false},
			})),
		});
		return 0;
	}
	const chat = [...channels].map(([channel, accounts]) => [channel, accounts.join(', ') || '–']);
	const auth = usableFacts(agent).map(({profileId, provider, kind}) => [profileId, provider, kind]);
	const parts = [
		chat.length > 0 ? await textTable(['CHANNEL', 'ACCOUNTS'], chat) : 'No channels.',
		auth.length > 0
			? await textTable(['PROFILE', 'PROVIDER', 'KIND'], auth)
			: `The agent ${agent.id} has no profiles.`,
	];
	context.print(parts.join('\n\n'));
	return 0;
}

function wordsOf(context: CommandContext) {
	return {
		channel: textFlag(context, 'channel') ?? '',
		accountId: textFlag(context, 'account'),
		peer: textFlag(context, 'peer'),
	};
}

function whatToUnbind(context: CommandContext) {
	const isMatchNamed = ['channel', 'account', 'peer'].some(name => textFlag(context, name) !== undefined);
	if (context.flags.all ? isMatchNamed : textFlag(context, 'channel') === undefined) {
		throw new JarvisError(
			'usage',
			'Either one binding is taken away, or all.',
			'Name its --channel (with --account and --peer as it has them), or give --all and none of these.',
		);
	}
	return context.flags.all ? 'all' : wordsOf(context);
}

type AnyBinding = Omit<ListedBinding, 'match'> & {readonly match?: BindingMatch};

function bindingJson({index, agentId, match, channel, problem}: AnyBinding) {
	return {
		index,
		agentId: agentId ?? null,
		match: match ?? (channel === undefined ? null : {channel}),
		...(problem === undefined ? {} : {problem}),
	};
}

function messagesOf({match, channel}: AnyBinding): string {
	return match ? describeMatch(match) : (channel ?? '–');
}
