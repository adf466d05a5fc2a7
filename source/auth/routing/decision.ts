import type {Config, ModelConfig} from '../../store/config.ts';
import type {ProfileFacts} from '../facts.ts';
import {aliasEntry} from './aliases.ts';
import {type EffectiveOrder, effectiveOrder, type OrderPlace, type Pin} from './order.ts';

/** What is asked for: any credential of a provider, or one to call a model with. */
export type Target =
	| {
			readonly kind: 'provider';
			readonly provider: string;
			/** Nobody asked for it: the session keeps to a profile of it. */
			readonly origin?: 'session';
	  }
	| {readonly kind: 'model'; readonly model: Model; readonly origin: ModelOrigin};

export interface Model {
	readonly provider: string;
	readonly model: string;
}

/** Why a model is tried. */
export type ModelOrigin = 'request' | 'session' | 'primary' | 'fallback';

export interface DecisionInput {
	readonly agentId: string;
	readonly target: Target;
	/** All profiles, of the providers of `optionsOf`, that the agent can use. */
	readonly profiles: readonly ProfileFacts[];
	/** The agent's explicit orders. */
	readonly storeOrder: ReadonlyMap<string, readonly string[]>;
	/** The main agent's, of the providers that are read of it. */
	readonly mainOrder: ReadonlyMap<string, readonly string[]>;
	readonly config: Config;
	readonly pin?: (Pin & {readonly provider: string}) | undefined;
	readonly tried?: readonly string[] | undefined;
	readonly minTtlMs?: number | undefined;
	readonly now: number;
}

/** A provider, or a model of one, in the order in which they are tried. */
export interface Option {
	readonly provider: string;
	readonly model?: string;
	readonly origin: ModelOrigin;
	readonly why: string;
}

export interface JudgedOption extends Option {
	readonly order: EffectiveOrder;
	/** A person's pin, or the request, leaves one profile only. */
	readonly isLocked: boolean;
	/** Why no fallback is tried behind it, where that is so. */
	readonly endsHere?: string;
}

/** A profile that would be tried. */
export interface Candidate {
	readonly option: JudgedOption;
	readonly place: OrderPlace;
	/** It is set aside after failures, and tried because nothing else is left. */
	readonly isLastResort: boolean;
}

export interface Decision {
	readonly options: readonly JudgedOption[];
	/** In the order in which they are tried, best first. */
	readonly candidates: readonly Candidate[];
}

/**
 * Which credential an agent uses for a target now, and which ones after it (docs/routing.md): the order of
 * the provider; for a model, the fallback models after it once every profile of it is out; and only
 * where nothing is ready, those that are set aside after failures: of the wanted model first, soonest back first.
 */
export function decide(input: DecisionInput): Decision {
	const options: JudgedOption[] = [];
	for (const option of optionsOf(input.target, input.config.models)) {
		const judged = judge(input, option);
		options.push(judged);
		if (judged.endsHere) break;
	}
	const places = options.flatMap(option =>
		option.order.places
			.filter(({place}) => place !== undefined)
			.map(place => ({option, place, isLastResort: place.until !== undefined})),
	);
	// Who names one profile takes it as it is.
	const isReady = ({option, isLastResort}: Candidate) => option.isLocked || !isLastResort;
	return {
		options,
		candidates: [...places.filter(isReady), ...places.filter(place => !isReady(place))],
	};
}

/** The provider that was asked for, or the model, its fallbacks and the primary model, each once. */
export function optionsOf(target: Target, models: ModelConfig): Option[] {
	if (target.kind === 'provider') {
		const {provider, origin = 'request'} = target;
		return [{provider, origin, why: origin === 'session' ? 'the session’s provider' : originWords[origin]}];
	}
	const asked: Option = {...target.model, origin: target.origin, why: originWords[target.origin]};
	const fallbacks = models.fallbacks.flatMap((ref, index) => {
		const model = namedModel(ref, models);
		return model ? [{...model, origin: 'fallback' as const, why: `fallback ${index + 1}`}] : [];
	});
	const primary = models.primary === undefined ? undefined : namedModel(models.primary, models);
	const all = [
		asked,
		...fallbacks,
		...(primary ? [{...primary, origin: 'primary' as const, why: originWords.primary}] : []),
	];
	const isFirst = (option: Option, index: number) => all.findIndex(other => isSame(other, option)) === index;
	return all.filter(isFirst);
}

/** A model of `jarvis.json` by its alias, or by `provider/model`, split at the first `/`. */
export function namedModel(
	ref: string,
	models: Pick<ModelConfig, 'aliases' | 'providerIds'>,
): Model | undefined {
	const full = aliasEntry(ref, models)?.ref ?? ref.trim();
	const slash = full.indexOf('/');
	if (slash < 1 || slash === full.length - 1) return undefined;
	const word = full.slice(0, slash);
	return {provider: models.providerIds?.get(word) ?? word, model: full.slice(slash + 1)};
}

/** The `provider/model` that a reference of `jarvis.json` means, if it names a provider. */
export function fullName(
	ref: string,
	models: Pick<ModelConfig, 'aliases' | 'providerIds'>,
): string | undefined {
	const model = namedModel(ref, models);
	return model && `${model.provider}/${model.model}`;
}

const originWords: Readonly<Record<ModelOrigin, string>> = {
	request: 'asked for',
	session: 'the session’s model',
	primary: 'the primary model',
	fallback: 'a fallback',
};

function judge(input: DecisionInput, option: Option): JudgedOption {
	const {config} = input;
	const {provider} = option;
	const pin = input.pin?.provider === provider ? input.pin : undefined;
	const order = effectiveOrder({
		...{agentId: input.agentId, provider, pin, now: input.now},
		profiles: input.profiles,
		storeOrder: input.storeOrder.get(provider),
		mainOrder: input.mainOrder.get(provider),
		configOrder: config.order.get(provider),
		configured: [...config.profiles].filter(([, of]) => of === provider).map(([id]) => id),
		...{tried: input.tried, minTtlMs: input.minTtlMs},
	});
	const isLocked = pin !== undefined && pin.source !== 'auto';
	const isNamed = pin?.source === 'request' && option.model !== undefined;
	const endsHere = isNamed ? 'one profile was asked for by name, and no other is tried' : endOf(order);
	return {...option, order, isLocked, ...(endsHere ? {endsHere} : {})};
}

// A malformed request is malformed for every model; all other failures may be this model's alone.
function endOf({places}: EffectiveOrder): string | undefined {
	const tried = places.filter(({place}) => place !== undefined);
	const isOut = tried.every(({until}) => until !== undefined);
	// One that the caller has tried already has its failure too.
	return isOut && places.some(({failure}) => failure === 'format')
		? 'its last failure was of the request’s form, which no other model mends'
		: undefined;
}

function isSame(a: Model | Option, b: Model | Option): boolean {
	return a.provider === b.provider && a.model === b.model;
}
