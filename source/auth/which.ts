import {optional} from '../store/schema.ts';
import {modelName, type Prepared, prepare, type ResolveContext, type ResolveRequest} from './resolve.ts';
import {whatChanges} from './routing/change.ts';
import type {ModelOrigin} from './routing/decision.ts';
import {firstTried, type OrderPlace, type OrderSource, type Pin} from './routing/order.ts';

/** The whole decision: what would be used, what after it, what not, and why. */
export interface Which {
	readonly agentId: string;
	readonly sessionKey?: string;
	readonly pin?: Pin & {readonly provider: string};
	/** The one that would be used; absent where nothing can be. It has `waitsUntil` where none can be before that. */
	readonly chosen?: WhichCandidate;
	readonly options: readonly WhichOption[];
}

/** A provider, or a model of one, in the order in which they are tried. */
export interface WhichOption {
	readonly name: string;
	readonly provider: string;
	readonly model?: string;
	readonly origin: ModelOrigin;
	/** Why it is among those that are tried. */
	readonly why: string;
	readonly orderFrom: OrderSource;
	/** Why no fallback is tried behind it, where that is so. */
	readonly endsHere?: string;
	readonly candidates: readonly WhichCandidate[];
}

export interface WhichCandidate extends OrderPlace {
	readonly provider: string;
	readonly model?: string;
	/** The turn at which it is tried, over all options, from 1; absent for one that is not tried. */
	readonly turn?: number;
	/** What would change its place. */
	readonly change: string;
}

/**
 * Explains what `resolve` would do now, without doing any of it.
 * @throws as `prepare` does
 */
export async function explain(context: ResolveContext, request: ResolveRequest): Promise<Which> {
	return whichOf(await prepare(context, request, 'resolve'), request.sessionKey);
}

/** The decision in words. */
export function whichOf(
	{agentId, pin, decision}: Pick<Prepared, 'agentId' | 'pin' | 'decision'>,
	sessionKey?: string,
): Which {
	const {candidates} = decision;
	// The session is in the way only where it is what leaves no other profile.
	const options = decision.options.map(option => ({
		name: modelName(option),
		provider: option.provider,
		...optional('model', option.model),
		...{origin: option.origin, why: option.why, orderFrom: option.order.source},
		...optional('endsHere', option.endsHere),
		candidates: option.order.places.map(place => {
			const turn = candidates.findIndex(other => other.option === option && other.place === place) + 1;
			return {
				...place,
				provider: option.provider,
				...optional('model', option.model),
				...optional('turn', turn === 0 ? undefined : turn),
				change: whatChanges(agentId, option, place, {pin, sessionKey}),
			};
		}),
	}));
	const inTurn = options
		.flatMap(option => option.candidates.filter(({turn}) => turn !== undefined))
		.sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0));
	const chosen = firstTried(inTurn);
	return {
		...{agentId, options},
		...optional('sessionKey', sessionKey),
		...optional('pin', pin),
		...optional('chosen', chosen),
	};
}
