import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {channelsOf, listBindings, routeOf} from '../../source/auth/routing/bindings.ts';
import {type BindingMatch, decodeBindings} from '../../source/store/binding-schema.ts';

const agents = ['main', 'home', 'work'];
const known = {agents, defaultAgent: 'home'};

const direct = (id: string) => ({kind: 'direct', id}) as const;

/** A file's bindings from pairs of an agent and its match. */
function fileOf(...pairs: readonly (readonly [string, unknown])[]) {
	return decodeBindings(pairs.map(([agentId, match]) => ({agentId, match}) as never));
}

const file = fileOf(
	['main', {channel: 'telegram'}],
	['work', {channel: 'telegram', accountId: 'work'}],
	['home', {channel: 'telegram', peer: {kind: 'dm', id: '1'}}],
	['main', {channel: 'telegram', accountId: 'work', peer: {kind: 'direct', id: '1'}}],
	['work', {channel: 'telegram', peer: {kind: 'group', id: '-2'}}],
	['work', {channel: 'discord', accountId: '*', peer: {kind: 'channel', id: '3'}}],
	['gone', {channel: 'discord', accountId: 'a'}],
	['work', {channel: 'discord'}],
	['main', {channel: 'discord'}],
	['main', {channel: 'slack', teamId: 'T1'}],
);

describe('a message', () => {
	it.each<[BindingMatch, string, number | undefined, string]>([
		[{channel: 'telegram'}, 'main', 0, 'channel'],
		[{channel: 'telegram', accountId: 'work'}, 'work', 1, 'account'],
		[{channel: 'telegram', accountId: 'other'}, 'main', 0, 'channel'],
		[{channel: 'telegram', peer: direct('1')}, 'home', 2, 'peer'],
		[{channel: 'telegram', accountId: 'other', peer: direct('1')}, 'home', 2, 'peer'],
		[{channel: 'telegram', accountId: 'work', peer: direct('1')}, 'main', 3, 'peer and account'],
		[{channel: 'telegram', accountId: 'work', peer: direct('9')}, 'work', 1, 'account'],
		[{channel: 'telegram', accountId: 'other', peer: {kind: 'group', id: '1'}}, 'main', 0, 'channel'],
		[{channel: 'telegram', peer: {kind: 'group', id: '-2'}}, 'work', 4, 'peer'],
		[{channel: 'discord', accountId: 'any', peer: {kind: 'channel', id: '3'}}, 'work', 5, 'peer'],
		[{channel: 'discord', accountId: 'a'}, 'work', 7, 'channel'],
		[{channel: 'slack'}, 'home', undefined, 'default'],
		[{channel: 'signal'}, 'home', undefined, 'default'],
	])('from %j is for %s', (from, agentId, index, matchedBy) => {
		const route = routeOf(file, known, from);
		expect({...route, index: route.binding?.index}).toMatchObject({agentId, index, matchedBy});
	});

	it('is told why it is for an agent, and why not for the others', () => {
		const from = {channel: 'discord', accountId: 'a', peer: direct('3')};
		const {why, considered} = routeOf(file, known, from);
		expect(why).toBe('the most specific binding that matches is for this channel');
		expect(considered.map(({binding, outcome, why}) => [binding.index, outcome, why])).toEqual([
			[5, 'other_peer', 'is for another peer'],
			[6, 'unknown_agent', 'passed over: there is no agent gone'],
			[7, 'chosen', 'answers'],
			[8, 'outranked', 'matches, and stands further down'],
		]);
	});

	it('is told of what is not understood, and goes to the default agent', () => {
		const route = routeOf(file, known, {channel: 'slack', accountId: 'a'});
		expect(route).toMatchObject({
			why: 'no binding matches, and home is the default agent',
			considered: [{outcome: 'broken', why: 'its match has members that are not known here: teamId'}],
		});
		expect(route).not.toHaveProperty('binding');
	});

	it('of no known account or peer is for no binding that names one', () => {
		const named = routeOf(file, known, {channel: 'telegram'}).considered;
		expect(named.map(({binding, outcome, why}) => [binding.index, outcome, why])).toEqual([
			[3, 'other_account', 'is for one account, and none is given'],
			[2, 'other_peer', 'is for one peer, and none is given'],
			[4, 'other_peer', 'is for one peer, and none is given'],
			[1, 'other_account', 'is for one account, and none is given'],
			[0, 'chosen', 'answers'],
		]);
	});
});

it('a listing has all bindings in their order, and says which are out of use', () => {
	const mixed = decodeBindings([
		'text',
		{agentId: 'work', match: {channel: 'discord'}},
		{agentId: 'gone', match: {channel: 'telegram'}},
		{agentId: 'home', match: {channel: 'telegram'}},
		{agentId: 'work', match: {channel: 'telegram', accountId: '*'}},
		{agentId: 'work', match: {channel: 'discord', roles: ['r'], guildId: 'g'}},
	]);
	expect(listBindings(mixed, agents)).toEqual([
		{index: 0, problem: 'is not an object'},
		{index: 1, agentId: 'work', channel: 'discord', match: {channel: 'discord'}},
		{
			...{index: 2, agentId: 'gone', channel: 'telegram', match: {channel: 'telegram'}},
			problem: 'passed over: there is no agent gone',
		},
		{index: 3, agentId: 'home', channel: 'telegram', match: {channel: 'telegram'}},
		{
			...{index: 4, agentId: 'work', channel: 'telegram', match: {channel: 'telegram'}},
			problem: 'never answers: home is before it',
		},
		{
			...{index: 5, agentId: 'work', channel: 'discord'},
			problem: 'its match has members that are not known here: roles, guildId',
		},
	]);
});

it('channels are those that are configured and those that bindings name', () => {
	const channels = new Map([
		['telegram', ['home', 'work']],
		['signal', []],
	]);
	expect([...channelsOf({channels, ...file})]).toEqual([
		['telegram', ['home', 'work']],
		['signal', []],
		['discord', ['a']],
		['slack', []],
	]);
	expect(channels.size).toBe(2);
});

const account = fc.constantFrom(undefined, 'a', 'b');
const peer = fc.constantFrom(undefined, direct('1'), direct('2'), {kind: 'group', id: '1'} as const);
const from: fc.Arbitrary<BindingMatch> = fc
	.record({channel: fc.constantFrom('x', 'y'), accountId: account, peer})
	.map(match => JSON.parse(JSON.stringify(match)) as BindingMatch);
const entry = fc.record({agentId: fc.constantFrom(...agents, 'gone'), match: from});
const bindings = fc.array(entry, {maxLength: 12});

function covers(match: BindingMatch, message: BindingMatch): boolean {
	const same = (a: unknown, b: unknown) => a === undefined || JSON.stringify(a) === JSON.stringify(b);
	return (
		match.channel === message.channel &&
		same(match.accountId, message.accountId) &&
		same(match.peer, message.peer)
	);
}

const weight = ({accountId, peer}: BindingMatch) => (peer ? 2 : 0) + (accountId ? 1 : 0);

function route(entries: readonly unknown[], message: BindingMatch) {
	return routeOf(decodeBindings(entries as never), known, message);
}

test('the agent is that of the most specific binding that matches, of equals the first', () => {
	fc.assert(
		fc.property(bindings, from, (entries, message) => {
			const usable = entries.filter(({agentId, match}) => agents.includes(agentId) && covers(match, message));
			const most = Math.max(...usable.map(({match}) => weight(match)));
			const best = usable.find(({match}) => weight(match) === most);
			const {agentId, binding} = route(entries, message);
			expect(agentId).toBe(best?.agentId ?? 'home');
			expect(binding?.index).toBe(best ? entries.indexOf(best) : undefined);
		}),
	);
});

test('each binding of the channel is considered once, the most specific first, and one at most is chosen', () => {
	fc.assert(
		fc.property(bindings, from, (entries, message) => {
			const {considered, binding} = route(entries, message);
			const indexes = considered.map(({binding}) => binding.index);
			const ofChannel = entries.flatMap(({match}, index) =>
				match.channel === message.channel ? [index] : [],
			);
			expect(indexes.toSorted((a, b) => a - b)).toEqual(ofChannel);
			const weights = considered.map(({binding}) => ('match' in binding ? weight(binding.match) : -1));
			expect(weights).toEqual(weights.toSorted((a, b) => b - a));
			const chosen = considered.filter(({outcome}) => outcome === 'chosen');
			expect(chosen.map(entry => entry.binding)).toEqual(binding ? [binding] : []);
		}),
	);
});

test('where no two are for the same messages, the order of the file does not matter', () => {
	const unlike = fc.uniqueArray(entry, {maxLength: 12, selector: ({match}) => JSON.stringify(match)});
	const shuffled = unlike.chain(entries =>
		fc.shuffledSubarray(entries, {minLength: entries.length}).map(other => [entries, other] as const),
	);
	fc.assert(
		fc.property(shuffled, from, ([entries, other], message) => {
			expect(route(other, message).agentId).toBe(route(entries, message).agentId);
		}),
	);
});
