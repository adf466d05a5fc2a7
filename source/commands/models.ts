import {clean} from '../auth/facts.ts';
import type {ListedModel} from '../auth/routing/models.ts';
import {firstTried, type OrderPlace} from '../auth/routing/order.ts';
import {orderOf} from '../auth/snapshot.ts';
import {asJarvisError, shellWord} from '../errors.ts';
import {span} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `models list`: the configured models, and the credential that each would be called with now. */
export async function runModelsList(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const models = await jarvis.models();
	const snapshot = await jarvis.snapshot({refs: 'resolve', refsOf: agentId});
	const agent = snapshot.agents.find(({id}) => id === agentId);
	if (agent?.problem) throw agent.problem;
	// One look at the state tells of all: a provider that nobody knows has no credential, and keeps back no other.
	const now = jarvis.now();
	const placeOf = ({provider}: ListedModel) =>
		agent && provider !== undefined
			? firstTried(orderOf({agent, config: snapshot.config}, provider, now).places)
			: undefined;
	if (flags.json) {
		printJson(context, {
			agentId,
			count: models.length,
			models: models.map(model => {
				const place = placeOf(model);
				return {
					...{key: model.name, provider: model.provider ?? null, tags: tagsOf(model)},
					...{available: place !== undefined, profileId: place?.profileId ?? null, until: place?.until},
				};
			}),
		});
		return 0;
	}
	if (models.length === 0) {
		context.print('No model is configured. Set the primary one: jarvis models set <provider>/<model>');
		return 0;
	}
	const rows = models.map(model => [
		clean(model.name),
		useOf(model),
		clean(model.aliases.join(', ')) || '–',
		credentialWords(model, placeOf(model), now),
	]);
	context.print(await textTable(['MODEL', 'USED AS', 'ALIAS', `CREDENTIAL OF ${agentId}`], rows));
	return 0;
}

/** `models set`: the primary model. */
export async function runModelsSet(context: CommandContext): Promise<number> {
	const [wanted = ''] = context.arguments;
	const name = await context.jarvis.setPrimaryModel(wanted);
	await tellModel(context, `${name} is the primary model now.`, {model: name});
	return 0;
}

/** `models aliases list`. */
export async function runAliasesList(context: CommandContext): Promise<number> {
	const aliases = (await context.jarvis.models()).flatMap(({name, aliases}) =>
		aliases.map(alias => [alias, name] as const),
	);
	if (context.flags.json) printJson(context, {aliases: Object.fromEntries(aliases)});
	else if (aliases.length > 0) context.print(await textTable(['ALIAS', 'MODEL'], aliases));
	else context.print('No model has an alias. Give one: jarvis models aliases add <alias> <model>');
	return 0;
}

/** `models aliases add`. */
export async function runAliasesAdd(context: CommandContext): Promise<number> {
	const [alias = '', wanted = ''] = context.arguments;
	const {name, before} = await context.jarvis.addModelAlias(alias, wanted);
	const instead = before === undefined ? '' : ` It was called ${before} before.`;
	tellChange(context, `${alias} is ${name} now.${instead}`, {alias, model: name});
	return 0;
}

/** `models aliases remove`. */
export async function runAliasesRemove(context: CommandContext): Promise<number> {
	const [alias = ''] = context.arguments;
	const model = await context.jarvis.removeModelAlias(alias);
	tellChange(context, `${alias} is no alias of ${model} any more.`, {alias, model, removed: true});
	return 0;
}

/** `models fallbacks list`. */
export async function runFallbacksList(context: CommandContext): Promise<number> {
	const fallbacks = (await context.jarvis.models())
		.flatMap(({name, fallback}) => (fallback === undefined ? [] : [{name, fallback}]))
		.sort((a, b) => a.fallback - b.fallback);
	if (context.flags.json) printJson(context, {fallbacks: fallbacks.map(({name}) => name)});
	else if (fallbacks.length > 0)
		context.print(fallbacks.map(({name, fallback}) => `${fallback}. ${name}`).join('\n'));
	else context.print('No model stands behind the primary one. Add one: jarvis models fallbacks add <model>');
	return 0;
}

/** `models fallbacks add`. */
export async function runFallbacksAdd(context: CommandContext): Promise<number> {
	const [wanted = ''] = context.arguments;
	const {name, added} = await context.jarvis.addFallback(wanted);
	const words = added ? `${name} is the last fallback now.` : `${name} is a fallback already.`;
	await tellModel(context, words, {model: name, added});
	return 0;
}

/** `models fallbacks remove`. */
export async function runFallbacksRemove(context: CommandContext): Promise<number> {
	const [wanted = ''] = context.arguments;
	const model = await context.jarvis.removeFallback(wanted);
	tellChange(context, `${model} is no fallback any more.`, {model, removed: true});
	return 0;
}

/** `models fallbacks clear`. */
export async function runFallbacksClear(context: CommandContext): Promise<number> {
	const removed = await context.jarvis.clearFallbacks();
	const words =
		removed === 0 ? 'There were no fallbacks.' : 'No model stands behind the primary one any more.';
	tellChange(context, words, {removed});
	return 0;
}

function tellChange(context: CommandContext, words: string, data: object): void {
	if (context.flags.json) printJson(context, data);
	else context.tell(words);
}

// A model may be set before its login; that it cannot be used yet is said all the same.
async function tellModel(
	context: CommandContext,
	words: string,
	data: {readonly model: string; readonly added?: boolean},
): Promise<void> {
	const {jarvis, flags, tell} = context;
	const providerId = data.model.slice(0, data.model.indexOf('/'));
	// The change is made, whatever is wrong with the credentials.
	const which = await jarvis.which({providerId}).catch(asJarvisError);
	const problem = 'code' in which ? which : undefined;
	const available = 'chosen' in which && which.chosen !== undefined;
	if (flags.json) return printJson(context, {...data, available});
	tell(words);
	if (problem) tell(`${problem.message} ${problem.next}`);
	else if (!available) tell(`There is no credential for it. See why: jarvis which ${shellWord(data.model)}`);
}

function useOf({isPrimary, fallback}: ListedModel): string {
	const turn = fallback === undefined ? [] : [`fallback ${fallback}`];
	return [...(isPrimary ? ['primary'] : []), ...turn].join(', ') || '–';
}

function tagsOf({isPrimary, fallback, aliases}: ListedModel): string[] {
	return [
		...(isPrimary ? ['default'] : []),
		...(fallback === undefined ? [] : [`fallback#${fallback}`]),
		...aliases.map(alias => `alias:${alias}`),
	];
}

function credentialWords({provider}: ListedModel, place: OrderPlace | undefined, now: number): string {
	if (provider === undefined) return '✗ names no provider';
	if (!place) return `✗ none of ${clean(provider)}`;
	const {profileId, until} = place;
	const id = clean(profileId);
	return until === undefined ? `✓ ${id}` : `~ ${id}, back in ${span(until - now)}`;
}
