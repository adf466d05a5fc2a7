import type {ErrorCode} from '../../errors.ts';
import {isVisible} from '../../store/paths.ts';
import {optional} from '../../store/schema.ts';
import {clean} from '../facts.ts';
import {loginCommand} from '../profile-commands.ts';
import {aliasKey} from './aliases.ts';

/** What a model reference is read against: what is configured, and what one agent can use. */
export interface ModelRefContext {
	readonly agentId: string;
	/** alias → `provider/model` */
	readonly aliases: ReadonlyMap<string, string>;
	/** Every model that `jarvis.json` names: the keys of `agents.defaults.models`, primary, fallbacks. */
	readonly configuredModels: readonly string[];
	/** The provider of a bare model. */
	readonly defaultProvider?: string | undefined;
	/** Other names of providers → their ids. */
	readonly providerIds?: ReadonlyMap<string, string>;
	/** The profiles that the agent can use. */
	readonly profiles: readonly ProviderProfile[];
}

export interface ProviderProfile {
	readonly profileId: string;
	readonly provider: string;
}

/** A model that a person named, and the profile to use it with, if they named one too. */
export interface ModelRef {
	readonly provider: string;
	readonly model: string;
	readonly profileId?: string;
	/** What the person should know, though it stops nothing. */
	readonly note?: string;
}

/** A failure as data, in the parts of a JarvisError. */
export interface Problem {
	readonly code: ErrorCode;
	readonly message: string;
	readonly next: string;
}

export type ParsedModelRef = {readonly ok: ModelRef} | {readonly problem: Problem};

/** A context as the rules ask for it. */
interface Known {
	readonly context: ModelRefContext;
	/** lower-case alias → target */
	readonly aliases: ReadonlyMap<string, Target>;
	/** `provider/model`, each once */
	readonly models: ReadonlySet<string>;
	readonly providers: ReadonlySet<string>;
}

interface Target {
	readonly provider: string;
	readonly model: string;
}

/** A text cut at one of its `@`. */
interface Cut {
	readonly base: string;
	readonly suffix: string;
}

const longestRef = 500;
const form =
	'Write an alias or provider/model, for example anthropic/opus, or anthropic/opus@anthropic:work.';

/**
 * Reads `<model>[@<profile id>]` (docs/sessions.md). The model is an alias in any case, `provider/model`
 * split at its first `/`, or a bare model of the default provider. The profile is what follows the last `@`
 * that yields a profile of the model's provider, so that both a model and a profile id may hold an `@`.
 * What is no profile is an error where a profile was clearly meant, and part of the model elsewhere.
 */
export function parseModelRef(text: string, context: ModelRefContext): ParsedModelRef {
	const ref = text.trim();
	if (ref === '') return problem('usage', 'No model is named.', form);
	if (ref.length > longestRef) {
		return problem('usage', `A model reference has at most ${longestRef} characters.`, form);
	}
	if (!isVisible(ref)) {
		return problem('usage', 'The model reference holds a character that cannot be seen.', form);
	}
	const known = knownFrom(context);
	const cuts = cutsOf(ref);
	for (const {base, suffix} of cuts) {
		const target = targetOf(base, known);
		if ('provider' in target && isProfileOf(known, suffix, target.provider)) {
			return taken(target, known, suffix);
		}
	}
	const whole = targetOf(ref, known);
	if ('provider' in whole && isConfigured(ref, whole, known)) return taken(whole, known);
	if (ref.startsWith('@')) return problem('usage', 'No model is named before the @.', form);
	return misnamedProfile(cuts, known) ?? ('provider' in whole ? taken(whole, known) : {problem: whole});
}

/** The problem of a profile that was meant and is not there, or belongs to another provider. */
function misnamedProfile(cuts: readonly Cut[], known: Known): ParsedModelRef | undefined {
	const {profiles} = known.context;
	for (const {base, suffix} of cuts) {
		const foreign = profiles.find(profile => profile.profileId === suffix);
		if (!foreign) continue;
		const target = targetOf(base, known);
		if (!('provider' in target)) return {problem: target};
		const message = `${clean(suffix)} belongs to ${clean(foreign.provider)}, not to ${target.provider}.`;
		return problem('profile_foreign', message, profilesOf(known, target.provider));
	}
	for (const {base, suffix} of cuts) {
		const target = targetOf(base, known);
		const isMeant = 'provider' in target && isConfigured(base, target, known);
		if (!isMeant && !namesKnownProvider(suffix, known)) continue;
		if (!('provider' in target)) return {problem: target};
		const message = suffix
			? `The agent ${known.context.agentId} has no profile ${suffix}.`
			: 'No profile is named behind the @.';
		return problem('profile_unknown', message, profilesOf(known, target.provider));
	}
	return undefined;
}

function taken(target: Target, known: Known, profileId?: string): ParsedModelRef {
	const {provider, model} = target;
	const isNew = known.models.size > 0 && !known.models.has(`${provider}/${model}`);
	const note = isNew
		? `${provider}/${model} is not among the configured models; it is used all the same.`
		: undefined;
	return {ok: {provider, model, ...optional('profileId', profileId), ...optional('note', note)}};
}

/** The provider and model that a text without a profile names, or why it names none. */
function targetOf(text: string, known: Known): Target | Problem {
	const alias = known.aliases.get(aliasKey(text));
	if (alias) return alias;
	const target = split(text, known.context);
	if (!target) {
		return {
			code: 'model_unknown',
			message: `${text} names no provider, and there is no default one.`,
			next: `Write provider/model. ${providersOf(known)}`,
		};
	}
	const {provider, model} = target;
	if (known.models.has(`${provider}/${model}`)) return target;
	if (/\s/.test(text)) return {code: 'usage', message: 'A model reference has no spaces.', next: form};
	if (provider === '' || model === '') {
		return {code: 'usage', message: `${text} names no ${provider ? 'model' : 'provider'}.`, next: form};
	}
	if (known.providers.has(provider)) return target;
	return {
		code: 'model_unknown',
		message: `The agent ${known.context.agentId} has no profile of ${provider}, and no configured model is of it.`,
		next: providersOf(known),
	};
}

/** Every way to cut a text at an `@`, the last one first. */
function cutsOf(text: string): Cut[] {
	const cuts: Cut[] = [];
	for (let at = text.lastIndexOf('@'); at > 0; at = text.lastIndexOf('@', at - 1)) {
		cuts.push({base: text.slice(0, at).trim(), suffix: text.slice(at + 1).trim()});
	}
	return cuts;
}

function knownFrom(context: ModelRefContext): Known {
	const {defaultProvider, configuredModels, profiles} = context;
	const aliases = new Map<string, Target>();
	for (const [alias, ref] of context.aliases) {
		const target = configured(ref, context);
		// Of two aliases that differ in case alone, the first one counts.
		if (target && !aliases.has(aliasKey(alias))) aliases.set(aliasKey(alias), target);
	}
	const targets = [...aliases.values()];
	for (const ref of configuredModels) {
		const target = aliases.get(aliasKey(ref)) ?? configured(ref, context);
		if (target) targets.push(target);
	}
	return {
		context,
		aliases,
		models: new Set(targets.map(({provider, model}) => `${provider}/${model}`)),
		providers: new Set([
			...(defaultProvider ? [defaultProvider] : []),
			...profiles.map(({provider}) => provider),
			...targets.map(({provider}) => provider),
		]),
	};
}

/** The model of a configured reference; none where it has no provider or is of no use. */
function configured(ref: string, context: ModelRefContext): Target | undefined {
	const target = split(ref.trim(), context);
	return target?.provider && target.model ? target : undefined;
}

function split(ref: string, {defaultProvider, providerIds}: ModelRefContext): Target | undefined {
	const slash = ref.indexOf('/');
	const word = ref.slice(0, Math.max(0, slash));
	if (slash >= 0) return {provider: providerIds?.get(word) ?? word, model: ref.slice(slash + 1)};
	return defaultProvider ? {provider: defaultProvider, model: ref} : undefined;
}

function isConfigured(text: string, {provider, model}: Target, known: Known): boolean {
	return known.aliases.has(aliasKey(text)) || known.models.has(`${provider}/${model}`);
}

function isProfileOf({context}: Known, profileId: string, provider: string): boolean {
	return context.profiles.some(profile => profile.profileId === profileId && profile.provider === provider);
}

function namesKnownProvider(suffix: string, {providers, context}: Known): boolean {
	const colon = suffix.indexOf(':');
	const word = suffix.slice(0, Math.max(0, colon));
	const provider = context.providerIds?.get(word) ?? word;
	return colon > 0 && colon < suffix.length - 1 && providers.has(provider);
}

function profilesOf({context}: Known, provider: string): string {
	const ids = context.profiles
		.filter(profile => profile.provider === provider)
		.map(({profileId}) => profileId);
	if (ids.length > 0) return `The agent ${context.agentId} has these profiles of ${provider}: ${list(ids)}.`;
	return `The agent ${context.agentId} has no profile of ${provider}. Log in: ${loginCommand(context.agentId, provider)}`;
}

function providersOf({context, providers}: Known): string {
	const login = `Log in: ${loginCommand(context.agentId)}`;
	return providers.size === 0 ? login : `Providers that there are: ${list([...providers])}. ${login}`;
}

function list(ids: readonly string[]): string {
	return [...new Set(ids)]
		.map(id => clean(id))
		.sort()
		.join(', ');
}

function problem(code: ErrorCode, message: string, next: string): ParsedModelRef {
	return {problem: {code, message, next}};
}
