import {dirname} from 'node:path';
import type {EffectiveOrder} from '../auth/routing/order.ts';
import {orderOf} from '../auth/snapshot.ts';
import {orderSourceWords, span, waitWords} from '../words.ts';
import {agentOf, type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `models auth order get`: the explicit order, and the one in which profiles are tried now. */
export async function runOrderGet(context: CommandContext): Promise<number> {
	return show(context);
}

/** `models auth order set`: makes an order explicit. */
export async function runOrderSet(context: CommandContext): Promise<number> {
	return change(context, context.arguments);
}

/** `models auth order clear`: takes the explicit order away. */
export async function runOrderClear(context: CommandContext): Promise<number> {
	return change(context, undefined);
}

async function change(context: CommandContext, ids: readonly string[] | undefined): Promise<number> {
	const agentId = await context.jarvis.agent(textFlag(context, 'agent'));
	await context.jarvis.setOrder(agentId, await providerOf(context), ids);
	return show(context);
}

function providerOf(context: CommandContext): Promise<string> {
	return context.jarvis.providerIdOf(textFlag(context, 'provider') ?? '');
}

async function show(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const provider = await providerOf(context);
	const {agent, snapshot} = await agentOf(context, {refs: 'resolve'});
	const order = orderOf({agent, config: snapshot.config}, provider, jarvis.now());
	const authStorePath = jarvis.paths.profiles(agent.id);
	if (context.flags.json) {
		printJson(context, {
			...{agentId: agent.id, agentDir: dirname(authStorePath), provider, authStorePath},
			order: agent.order.get(provider) ?? null,
			source: order.source,
			effective: order.places,
		});
	} else context.print(await orderText(order, jarvis.now()));
	return 0;
}

async function orderText(order: EffectiveOrder, now: number): Promise<string> {
	if (order.places.length === 0) return `No profiles of ${order.provider}.`;
	const rows = order.places.map(({place, profileId, reason, why, until, waitsUntil}) => {
		const back = until === undefined ? '' : `, back in ${span(until - now)}`;
		const words = `${why}${back}${waitWords(waitsUntil, now)}`;
		return [place === undefined ? '–' : `${place}.`, profileId, reason, words];
	});
	return `Order of ${order.provider}, from: ${orderSourceWords[order.source]}\n${await textTable(['', 'PROFILE', 'REASON', 'WHY'], rows)}`;
}
