import {JarvisError, shellWord} from '../errors.ts';
import {assertAgent} from './agents.ts';
import {bindingsNaming, removeBindings} from './binding-edits.ts';
import {
	anyAccount,
	type Binding,
	type BindingMatch,
	describeMatch,
	isChannelName,
	isRouteId,
	isSameMatch,
	type Peer,
	peerKindOf,
} from './binding-schema.ts';
import {type Config, updateConfig} from './config.ts';
import {assertAgentId, type StatePaths} from './paths.ts';
import {optional} from './schema.ts';

/** A match as a person writes it. */
export interface MatchWords {
	readonly channel: string;
	readonly accountId?: string | undefined;
	/** `<kind>:<id>` */
	readonly peer?: string | undefined;
}

/**
 * The match that a person's words mean. The account `*` is any, as is none.
 * @throws `binding_invalid`
 */
export function matchOf({channel, accountId, peer}: MatchWords): BindingMatch {
	if (!isChannelName(channel)) {
		const next = 'Use up to 64 lower-case letters, digits, ".", "-" and "_", for example telegram.';
		throw invalid(`${JSON.stringify(channel)} cannot be a channel.`, next);
	}
	if (accountId !== undefined && !isRouteId(accountId)) {
		throw invalid(`${JSON.stringify(accountId)} cannot be the id of an account.`, idRule);
	}
	return {
		channel,
		...optional('accountId', accountId === anyAccount ? undefined : accountId),
		...optional('peer', peer === undefined ? undefined : peerOf(peer)),
	};
}

/**
 * Binds messages to an agent. `'skipped'` if they are bound to it already.
 * @throws `agent_unknown`, `binding_conflict` if they are bound to another one, and what `updateConfig`
 * throws
 */
export async function bind(
	paths: StatePaths,
	agentId: string,
	match: BindingMatch,
): Promise<'added' | 'skipped'> {
	let outcome: 'added' | 'skipped' = 'added';
	await updateConfig(paths, config => {
		assertAgent(paths, config, agentId);
		const present = config.bindings.find(binding => isSameMatch(binding.match, match));
		if (present && present.agentId !== agentId) throw conflict(present);
		outcome = present ? 'skipped' : 'added';
		return present ? [] : [{path: ['bindings', -1], value: {agentId, match: jsonOf(match)}}];
	});
	return outcome;
}

/**
 * Takes the binding of some messages away from an agent, or all its bindings where no match is given, also
 * those that are out of use. The agent need not exist any more.
 * @returns how many entries were removed
 * @throws `binding_unknown` if there are none, `agent_unknown` if there is no such agent either, and what
 * `updateConfig` throws
 */
export async function unbind(
	paths: StatePaths,
	agentId: string,
	match: BindingMatch | undefined,
): Promise<number> {
	assertAgentId(agentId);
	let removed = 0;
	await updateConfig(paths, config => {
		const entries = match ? bindingsTo(config, agentId, match) : bindingsNaming(config, agentId);
		if (entries.length === 0) {
			assertAgent(paths, config, agentId);
			throw unknown(agentId, match);
		}
		removed = entries.length;
		return removeBindings(entries);
	});
	return removed;
}

function bindingsTo({bindings}: Config, agentId: string, match: BindingMatch): Binding[] {
	return bindings.filter(binding => binding.agentId === agentId && isSameMatch(binding.match, match));
}

function peerOf(text: string): Peer {
	const colon = text.indexOf(':');
	const kind = colon < 0 ? undefined : peerKindOf(text.slice(0, colon));
	const id = text.slice(colon + 1);
	if (!kind) {
		const next = 'Use <kind>:<id>; the kind is direct (or dm), group or channel.';
		throw invalid(`${JSON.stringify(text)} cannot be a peer.`, next);
	}
	if (!isRouteId(id)) throw invalid(`${JSON.stringify(id)} cannot be the id of a peer.`, idRule);
	return {kind, id};
}

function jsonOf({channel, accountId, peer}: BindingMatch) {
	return {channel, ...optional('accountId', accountId), ...optional('peer', peer && {...peer})};
}

/** A match as the flags of a command. */
function flagsOf({channel, accountId, peer}: BindingMatch): string {
	const account = accountId === undefined ? [] : [`--account ${shellWord(accountId)}`];
	const from = peer ? [`--peer ${shellWord(`${peer.kind}:${peer.id}`)}`] : [];
	return [`--channel ${channel}`, ...account, ...from].join(' ');
}

const idRule = 'Use 1 to 200 characters that can be seen, without spaces at the ends.';

function invalid(message: string, next: string): JarvisError {
	return new JarvisError('binding_invalid', message, next);
}

function conflict({agentId, match}: Binding): JarvisError {
	return new JarvisError(
		'binding_conflict',
		`The messages of ${describeMatch(match)} are bound to the agent ${agentId} already. Nothing was changed.`,
		`Take them from it first: jarvis agents unbind --agent ${agentId} ${flagsOf(match)}`,
	);
}

function unknown(agentId: string, match: BindingMatch | undefined): JarvisError {
	return new JarvisError(
		'binding_unknown',
		match
			? `The agent ${agentId} has no binding for ${describeMatch(match)}.`
			: `The agent ${agentId} has no bindings.`,
		'See those that there are: jarvis agents bindings',
	);
}
