import type {ProfileFacts} from '../facts.ts';
import {eligibility} from '../health.ts';
import {loginCommand, orderSetCommand} from '../profile-commands.ts';
import {type Before, type Change, changeOf, orderCleared, sessionLetGo} from './change.ts';
import type {JudgedOption} from './decision.ts';
import type {OrderPlace} from './order.ts';

/** What an option came to nothing with. */
export interface Stuck {
	readonly agentId: string;
	readonly option: Pick<JudgedOption, 'provider' | 'order' | 'isLocked'>;
	/** The profiles that the agent can use, as far as they were read. */
	readonly profiles: readonly ProfileFacts[];
	readonly before: Before;
	readonly now: number;
	readonly minTtlMs?: number | undefined;
}

/**
 * What lets a request through that found no profile, as sentences of one command each, the best one first.
 * It is about the one profile that stands in the way, by its id: a new login under another one would leave
 * that where it is. Where an order alone keeps good ones out, it is about the order.
 */
export function remediesOf(stuck: Stuck): string[] {
	const {agentId, option, before} = stuck;
	const {provider, order} = option;
	const change = (place: OrderPlace): Change => changeOf(agentId, option, place, before);
	if (option.isLocked) {
		const pinned = order.places.find(({profileId}) => profileId === before.pin?.profileId);
		const letGo = letGoOf(stuck);
		// What is gone is no longer waited for.
		const isGone = pinned?.reason === 'unknown_profile' && letGo !== undefined;
		const all = [...(pinned && !isGone ? [change(pinned)] : []), ...(letGo ? [letGo] : [])];
		return sentences(all);
	}
	const letIn = letInOf(stuck);
	if (letIn) return [sentence(letIn)];
	const [over, ...others] = order.places.filter(({reason}) => mendedByPerson.includes(reason));
	if (over) {
		// What another program logs in and refreshes is for that program to mend, and all else for a person here.
		const other = others.find(({renewedBy}) => (renewedBy === undefined) !== (over.renewedBy === undefined));
		return sentences([over, ...(other ? [other] : [])].map(change));
	}
	const inTheWay =
		order.places.find(({reason}) => reason === 'unknown_profile') ??
		order.places.find(place => place.reason === 'ineligible_profile' && !isForeign(stuck, place));
	if (inTheWay) return [sentence(change(inTheWay))];
	const isOrderInTheWay = order.places.length > 0 && order.source === 'store';
	if (isOrderInTheWay) return [sentence(orderCleared(agentId, provider))];
	return [`Log in: ${loginCommand(agentId, provider)}`];
}

/** The change that lets profiles in which an order alone leaves out. */
export function letInOf({agentId, option, profiles, now, minTtlMs}: Stuck): Change | undefined {
	const {provider, order} = option;
	const leftOut = order.places.filter(({profileId, reason}) => {
		const facts = profiles.find(other => other.profileId === profileId && other.provider === provider);
		return reason === 'excluded_by_auth_order' && facts && eligibility(facts, now, minTtlMs) === 'ok';
	});
	if (leftOut.length === 0) return undefined;
	if (order.source === 'store') return orderCleared(agentId, provider);
	// No command changes another agent's order, or jarvis.json, for this one alone: its own goes before them.
	const ids = leftOut.map(({profileId}) => profileId);
	return {
		what: 'to have them tried that are left out',
		command: orderSetCommand(agentId, provider, ids),
	};
}

function letGoOf({agentId, before: {pin, sessionKey}}: Stuck): Change | undefined {
	return pin?.source === 'user' && sessionKey !== undefined ? sessionLetGo(agentId, sessionKey) : undefined;
}

const mendedByPerson: readonly OrderPlace['reason'][] = [
	...(['needs_login', 'expired', 'missing_credential', 'invalid_expires'] as const),
];

function sentences(changes: readonly Change[]): string[] {
	return changes.map((one, index) => sentence(one, index === 0 ? '' : 'or '));
}

/** A change as a sentence of its own. */
export function sentence({what, command}: Change, before = ''): string {
	const text = `${before}${what}`.replace(/^./u, first => first.toUpperCase());
	return command === undefined ? `${text}.` : `${text}: ${command}`;
}

function isForeign({option, profiles}: Stuck, {profileId}: OrderPlace): boolean {
	return profiles.some(facts => facts.profileId === profileId && facts.provider !== option.provider);
}
