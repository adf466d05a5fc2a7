import {isObject, type JsonValue, member, textMember} from './json.ts';
import {isAgentId} from './paths.ts';
import {entriesOf, optional} from './schema.ts';

/** What `bindings` and `channels` of `jarvis.json` may hold (docs/agents.md). */

export type PeerKind = 'direct' | 'group' | 'channel';

/** Who a message is from: a person, a group, or a room of the channel. */
export interface Peer {
	readonly kind: PeerKind;
	readonly id: string;
}

/** Which messages a binding is for; what is absent may be any. */
export interface BindingMatch {
	readonly channel: string;
	readonly accountId?: string;
	readonly peer?: Peer;
}

/** The messages of `match` are for an agent. */
export interface Binding {
	/** Where it stands in `bindings`, those that are left out of use counted. */
	readonly index: number;
	readonly agentId: string;
	readonly match: BindingMatch;
}

/** An entry of `bindings` that is kept in the file and left out of use, with what of it is understood. */
export interface BrokenBinding {
	readonly index: number;
	readonly agentId?: string;
	readonly channel?: string;
	readonly problem: string;
}

export interface DecodedBindings {
	readonly bindings: readonly Binding[];
	readonly brokenBindings: readonly BrokenBinding[];
}

/** As an account id: the same as none. */
export const anyAccount = '*';

const channelPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// Ids are other programs' own: all is theirs to choose but what cannot be seen, or seen apart.
const routeIdPattern = /^(?!\s)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,200}(?<!\s)$/u;
const peerKinds: Readonly<Record<string, PeerKind>> = {
	dm: 'direct',
	direct: 'direct',
	group: 'group',
	channel: 'channel',
};
const knownInMatch = ['channel', 'accountId', 'peer'];
const knownInPeer = ['kind', 'id'];

/** Whether `name` can name a channel. */
export function isChannelName(name: string): boolean {
	return channelPattern.test(name);
}

/** Whether `id` can be the id of an account or a peer. */
export function isRouteId(id: string): boolean {
	return routeIdPattern.test(id);
}

/** The kind of peer that a word means, if any: `dm` is `direct`. */
export function peerKindOf(word: string): PeerKind | undefined {
	return Object.hasOwn(peerKinds, word) ? peerKinds[word] : undefined;
}

/** Whether two bindings are for the same messages. */
export function isSameMatch(a: BindingMatch, b: BindingMatch): boolean {
	return a.channel === b.channel && a.accountId === b.accountId && isSamePeer(a.peer, b.peer);
}

/** Whether two are the same peer, or both none. */
export function isSamePeer(a: Peer | undefined, b: Peer | undefined): boolean {
	return a?.kind === b?.kind && a?.id === b?.id;
}

/** A match in words: `telegram, account work, direct 42`. */
export function describeMatch({channel, accountId, peer}: BindingMatch): string {
	const account = accountId === undefined ? [] : [`account ${accountId}`];
	return [channel, ...account, ...(peer ? [`${peer.kind} ${peer.id}`] : [])].join(', ');
}

/** Decodes `bindings`. Never throws: an entry that is not understood is left out of use, and named. */
export function decodeBindings(value: JsonValue | undefined): DecodedBindings {
	const bindings: Binding[] = [];
	const brokenBindings: BrokenBinding[] = [];
	for (const [index, entry] of (Array.isArray(value) ? value : []).entries()) {
		const agentId = agentIdOf(entry);
		const match = decodeMatch(entry);
		if (agentId && typeof match === 'object') bindings.push({index, agentId, match});
		else {
			brokenBindings.push({
				index,
				...optional('agentId', agentId),
				...optional('channel', channelOf(member(entry, 'match'))),
				problem: typeof match === 'string' ? match : 'names no agent',
			});
		}
	}
	return {bindings, brokenBindings};
}

/** Decodes `channels` to names and account ids. All else in it may be secret, and is not taken. */
export function decodeChannels(value: JsonValue | undefined): Map<string, readonly string[]> {
	return new Map(
		entriesOf(value)
			.filter(([channel]) => isChannelName(channel))
			.map(([channel, entry]) => [
				channel,
				entriesOf(member(entry, 'accounts'))
					.map(([accountId]) => accountId)
					.filter(isRouteId),
			]),
	);
}

function agentIdOf(entry: JsonValue): string | undefined {
	const id = textMember(entry, 'agentId');
	return id !== undefined && isAgentId(id) ? id : undefined;
}

function channelOf(match: JsonValue | undefined): string | undefined {
	const channel = textMember(match, 'channel');
	return channel !== undefined && isChannelName(channel) ? channel : undefined;
}

// What restricts a match and is not understood makes it none: taken for absent, it would give an agent
// messages that were meant for another.
function decodeMatch(entry: JsonValue): BindingMatch | string {
	if (!isObject(entry)) return 'is not an object';
	const type = member(entry, 'type');
	if (type !== undefined && type !== 'route') return 'is of a type that is not known here';
	const match = member(entry, 'match');
	if (!isObject(match)) return 'has no match';
	const peer = decodePeer(member(match, 'peer'));
	const unknown = [
		...namesOf(match, knownInMatch),
		...namesOf(member(match, 'peer'), knownInPeer).map(name => `peer.${name}`),
	];
	if (unknown.length > 0) return `its match has members that are not known here: ${unknown.join(', ')}`;
	const channel = channelOf(match);
	if (!channel) return 'its match names no channel';
	const accountId = member(match, 'accountId');
	if (accountId !== undefined && !(typeof accountId === 'string' && isRouteId(accountId))) {
		return 'its accountId is none';
	}
	if (peer === 'invalid') return 'its peer is none';
	return {
		channel,
		...optional('accountId', accountId === anyAccount ? undefined : accountId),
		...optional('peer', peer),
	};
}

function decodePeer(value: JsonValue | undefined): Peer | 'invalid' | undefined {
	if (value === undefined) return undefined;
	const kind = peerKindOf(textMember(value, 'kind') ?? '');
	const id = textMember(value, 'id');
	return kind && id !== undefined && isRouteId(id) ? {kind, id} : 'invalid';
}

/** The names of a value's members that are not among `known`, fit to be shown. */
function namesOf(value: JsonValue | undefined, known: readonly string[]): string[] {
	return entriesOf(value)
		.map(([name]) => name)
		.filter(name => !known.includes(name))
		.map(name => (isRouteId(name) ? name : '(a name that cannot be shown)'));
}
