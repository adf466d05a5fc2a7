import {
	type Binding,
	type BindingMatch,
	type BrokenBinding,
	type DecodedBindings,
	isSameMatch,
	isSamePeer,
} from '../../store/binding-schema.ts';

/** How specific a binding is, the most specific first; `default` where none answers. */
export type MatchedBy = 'peer and account' | 'peer' | 'account' | 'channel' | 'default';

/** What became of a binding when a route was looked for. Stable: scripts may rely on it. */
export type Outcome = 'chosen' | 'outranked' | 'other_account' | 'other_peer' | 'unknown_agent' | 'broken';

/** A binding of the channel, and why it answers or does not. */
export interface Considered {
	readonly binding: Binding | BrokenBinding;
	readonly outcome: Outcome;
	/** The outcome in words for a person. */
	readonly why: string;
}

export interface Route {
	/** The agent that answers. */
	readonly agentId: string;
	/** What made it the one; absent where it is the default agent. */
	readonly binding?: Binding;
	readonly matchedBy: MatchedBy;
	/** Why it is the one, in words for a person. */
	readonly why: string;
	/** The bindings of the channel, the most specific first, and behind them those out of use. */
	readonly considered: readonly Considered[];
}

export interface KnownAgents {
	/** The ids of the agents that there are. */
	readonly agents: readonly string[];
	readonly defaultAgent: string;
}

/** A binding as a listing shows it: what it says, and why it is out of use if it is. */
export interface ListedBinding {
	readonly index: number;
	readonly agentId?: string;
	readonly channel?: string;
	readonly match?: BindingMatch;
	readonly problem?: string;
}

/**
 * Which agent a message is for, and why (docs/agents.md): of the bindings that match, the one with peer
 * and account, then with a peer, then with an account, then of the channel alone; of equals the first in
 * the file. One of an agent that does not exist is passed over. Without any, the default agent.
 * @param from where a message comes from; an account or a peer that is not known is absent
 */
export function routeOf(
	{bindings, brokenBindings}: DecodedBindings,
	{agents, defaultAgent}: KnownAgents,
	from: BindingMatch,
): Route {
	const ranked = bindings
		.filter(({match}) => match.channel === from.channel)
		.sort((a, b) => rank(a.match) - rank(b.match) || a.index - b.index);
	const failures = ranked.map(binding => failureOf(binding, agents, from));
	const chosen = ranked.find((_, place) => !failures[place]);
	const considered = ranked.map((binding, place): Considered => {
		const failure = failures[place];
		if (failure) return {binding, ...failure};
		if (binding === chosen) return {binding, outcome: 'chosen', why: 'answers'};
		const isEqual = chosen && rank(chosen.match) === rank(binding.match);
		return {
			binding,
			outcome: 'outranked',
			why: isEqual ? 'matches, and stands further down' : 'matches, and is less specific',
		};
	});
	const broken = brokenBindings
		.filter(({channel}) => channel === undefined || channel === from.channel)
		.map((binding): Considered => ({binding, outcome: 'broken', why: binding.problem}));
	return {
		...outcomeOf(chosen, defaultAgent),
		considered: [...considered, ...broken],
	};
}

/** All bindings in the order of the file, also those that are out of use, each with the reason. */
export function listBindings(
	{bindings, brokenBindings}: DecodedBindings,
	agents: readonly string[],
): ListedBinding[] {
	const inUse: Binding[] = [];
	const listed = bindings.map((binding): ListedBinding => {
		const {channel} = binding.match;
		const isKnown = agents.includes(binding.agentId);
		const before = inUse.find(other => isSameMatch(other.match, binding.match));
		if (isKnown && !before) {
			inUse.push(binding);
			return {...binding, channel};
		}
		const problem = isKnown ? `never answers: ${before?.agentId} is before it` : noSuchAgent(binding.agentId);
		return {...binding, channel, problem};
	});
	return [...listed, ...brokenBindings].sort((a, b) => a.index - b.index);
}

/**
 * Channels with the ids of their accounts: those that are configured, and those that bindings name, also
 * bindings that are out of use.
 */
export function channelsOf({
	channels,
	bindings,
	brokenBindings,
}: DecodedBindings & {readonly channels: ReadonlyMap<string, readonly string[]>}): Map<string, string[]> {
	const accountsOf = new Map([...channels].map(([channel, accounts]) => [channel, new Set(accounts)]));
	const accounts = (channel: string) => {
		const present = accountsOf.get(channel) ?? new Set();
		accountsOf.set(channel, present);
		return present;
	};
	for (const {match} of bindings) {
		const present = accounts(match.channel);
		if (match.accountId !== undefined) present.add(match.accountId);
	}
	for (const {channel} of brokenBindings) if (channel !== undefined) accounts(channel);
	return new Map([...accountsOf].map(([channel, ids]) => [channel, [...ids]]));
}

function rank({accountId, peer}: BindingMatch): number {
	return (peer ? 0 : 2) + (accountId === undefined ? 1 : 0);
}

const matchedBy: readonly MatchedBy[] = ['peer and account', 'peer', 'account', 'channel'];

function outcomeOf(binding: Binding | undefined, defaultAgent: string): Omit<Route, 'considered'> {
	if (!binding) {
		const why = `no binding matches, and ${defaultAgent} is the default agent`;
		return {agentId: defaultAgent, matchedBy: 'default', why};
	}
	const by = matchedBy[rank(binding.match)] ?? 'channel';
	const why = `the most specific binding that matches is for this ${by}`;
	return {agentId: binding.agentId, binding, matchedBy: by, why};
}

/** Why a binding of the channel does not answer; nothing if it could. */
function failureOf(
	{agentId, match}: Binding,
	agents: readonly string[],
	from: BindingMatch,
): Omit<Considered, 'binding'> | undefined {
	if (match.accountId !== undefined && match.accountId !== from.accountId) {
		return {outcome: 'other_account', why: otherThan('account', from.accountId)};
	}
	if (match.peer && !isSamePeer(match.peer, from.peer)) {
		return {outcome: 'other_peer', why: otherThan('peer', from.peer)};
	}
	if (agents.includes(agentId)) return undefined;
	return {outcome: 'unknown_agent', why: noSuchAgent(agentId)};
}

function otherThan(what: 'account' | 'peer', given: unknown): string {
	return given === undefined ? `is for one ${what}, and none is given` : `is for another ${what}`;
}

function noSuchAgent(agentId: string): string {
	return `passed over: there is no agent ${agentId}`;
}
