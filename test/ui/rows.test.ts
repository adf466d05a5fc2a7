import {describe, expect, it, test} from 'vitest';
import {
	agentRows,
	brokenRows,
	cursorOf,
	healthRows,
	needyCount,
	orderProviders,
	orderRows,
	pinnedCursors,
	profileRows,
	selected,
	selectedProfile,
	shownAgent,
	shownOrder,
} from '../../source/ui/rows.ts';
import type {UiState} from '../../source/ui/state.ts';
import {type AgentSeed, apiKey, day, hour, minute, noon, oauth, token} from '../screens/state.ts';
import {agentOf, stateOf} from './state-of.ts';

const filtered = (text: string) => ({filter: {text, cursor: text.length}});
const idsOf = (rows: readonly {readonly id: string}[]) => rows.map(row => row.id);

/** One profile in every state, the least urgent first. */
const everyState: AgentSeed = {
	profiles: {
		'a:static': apiKey('a'),
		'a:ok': oauth('a'),
		'a:expiring': token('a', {expires: noon + 5 * hour}),
		'a:cooling': apiKey('a'),
		'a:disabled': apiKey('a'),
		'a:missing': {type: 'api_key', provider: 'a'},
		'a:expired': token('a', {expires: noon - day}),
	},
	usage: {
		'a:cooling': {cooldownUntil: noon + 4 * minute},
		'a:disabled': {disabledUntil: noon + 5 * hour, disabledReason: 'billing'},
	},
};

describe('the health rows', () => {
	test('list every profile of every agent, what needs a person first', () => {
		const refused = agentOf('work', {profiles: {'b:refused': oauth('b')}});
		const [facts] = refused.profiles;
		const state = stateOf({main: everyState});
		const work = {...refused, profiles: facts ? [{...facts, needsLogin: {since: 1, reason: 'x'}}] : []};
		const snapshot = {...state.snapshot, agents: [...state.snapshot.agents, work]};
		expect(idsOf(healthRows({...state, snapshot}))).toEqual([
			'work b:refused',
			'main a:expired',
			'main a:missing',
			'main a:disabled',
			'main a:cooling',
			'main a:expiring',
			'main a:ok',
			'main a:static',
		]);
	});

	test('of one state come by the time that is left, and by name where that is the same', () => {
		const profiles = {
			'a:long': token('a', {expires: noon + 9 * day}),
			'a:zoe': token('a', {expires: noon + 2 * day}),
			'a:ann': token('a', {expires: noon + 2 * day}),
			'b:key': apiKey('b'),
			'a:key': apiKey('a'),
		};
		expect(idsOf(healthRows(stateOf({main: {profiles}})))).toEqual(
			['a:ann', 'a:zoe', 'a:long', 'a:key', 'b:key'].map(id => `main ${id}`),
		);
	});

	test('that are set aside come by the time at which they come back', () => {
		const seed = {
			profiles: {'a:late': apiKey('a'), 'a:soon': apiKey('a')},
			usage: {'a:late': {cooldownUntil: noon + hour}, 'a:soon': {cooldownUntil: noon + minute}},
		};
		expect(idsOf(healthRows(stateOf({main: seed})))).toEqual(['main a:soon', 'main a:late']);
	});
});

describe('a filter', () => {
	const state = stateOf({
		main: {
			profiles: {
				'acme:work': apiKey('acme'),
				'openai:home': oauth('openai', {email: 'Maya@Example.test'}),
				'openai:key': apiKey('openai'),
			},
		},
		'night-shift': {profiles: {'acme:other': token('acme')}},
	});

	test.each([
		['WORK', ['acme:work']],
		[' maya@ ', ['openai:home']],
		['openai', ['openai:home', 'openai:key']],
		['api_key', ['acme:work', 'openai:key']],
		['', ['acme:work', 'openai:home', 'openai:key']],
		['nothing', []],
	])('%j leaves the profiles %j', (text, ids) => {
		expect(idsOf(profileRows({...state, ...filtered(text)}))).toEqual(ids);
	});

	test('finds an agent on health and among the agents', () => {
		expect(idsOf(healthRows({...state, ...filtered('night')}))).toEqual(['night-shift acme:other']);
		expect(idsOf(agentRows({...state, ...filtered('NIGHT')}))).toEqual(['night-shift']);
	});

	test('leaves the places of an order as they are', () => {
		const shown = orderRows({...state, orderProvider: 'openai', ...filtered('key')});
		expect(shown.map(row => [row.profileId, row.place])).toEqual([['openai:key', 2]]);
	});

	test('does not change how many need a person', () => {
		expect(needyCount({...stateOf({main: everyState}), ...filtered('nothing')})).toBe(2);
	});
});

describe('the rows of the agents', () => {
	test('tell the worst state of each, and how many profiles need a person', () => {
		const [main, work] = agentRows(stateOf({main: everyState, work: {}}));
		expect([main?.worst?.status, main?.needy]).toEqual(['expired', 2]);
		expect([work?.worst, work?.needy]).toEqual([undefined, 0]);
	});

	test('count the entries that are not understood as such that need a person', () => {
		const broken = [{profileId: 'a:new', problem: 'has no type'}];
		const state = stateOf({main: {}});
		const snapshot = {...state.snapshot, agents: [{...agentOf('main'), broken}]};
		expect(agentRows({...state, snapshot})[0]?.needy).toBe(1);
		expect(needyCount({...state, snapshot})).toBe(1);
		expect(brokenRows(snapshot.agents)).toEqual([{id: 'main a:new', agentId: 'main', ...broken[0]}]);
	});
});

test('the shown agent is the default one when the one that was shown is gone', () => {
	const state = stateOf({main: {}, work: {}}, {agentId: 'work'});
	expect(shownAgent(state)?.id).toBe('work');
	expect(shownAgent({...state, agentId: 'gone'})?.id).toBe('main');
});

describe('the shown order', () => {
	const seed = {profiles: {'b:1': apiKey('b'), 'a:1': apiKey('a'), 'a:2': oauth('a')}};

	test('is of the provider that was chosen, or of the first', () => {
		expect(orderProviders(stateOf({main: seed}))).toEqual({all: ['a', 'b'], shown: 'a'});
		expect(orderProviders(stateOf({main: seed}, {orderProvider: 'b'})).shown).toBe('b');
		expect(orderProviders(stateOf({main: seed}, {orderProvider: 'gone'})).shown).toBe('a');
		expect(orderProviders(stateOf({main: {}}))).toEqual({all: []});
		expect(shownOrder(stateOf({main: {}}))).toBeUndefined();
	});

	test('is the draft while one is made, and only for its own agent and provider', () => {
		const draft = {agentId: 'main', provider: 'a', ids: ['a:1', 'a:2']};
		const places = (more: Partial<UiState>) => idsOf(orderRows(stateOf({main: seed, work: seed}, more)));
		expect(places({})).toEqual(['a:2', 'a:1']);
		expect(places({draft})).toEqual(['a:1', 'a:2']);
		expect(places({draft, agentId: 'work'})).toEqual(['a:2', 'a:1']);
		expect(places({draft, orderProvider: 'b'})).toEqual(['b:1']);
	});
});

describe('the cursor', () => {
	const at = (id: string, index: number) => stateOf({main: {}}, {cursors: {profiles: {id, index}}});
	const rows = (...ids: readonly string[]) => ids.map(id => ({id}));

	test('stands on its id wherever that comes to stand', () => {
		const state = at('b', 1);
		expect(cursorOf(state, 'profiles', rows('a', 'b', 'c'))).toBe(1);
		expect(cursorOf(state, 'profiles', rows('x', 'y', 'a', 'b'))).toBe(3);
		expect(cursorOf(state, 'profiles', rows('b'))).toBe(0);
		expect(cursorOf(state, 'profiles', rows('c', 'b', 'a'))).toBe(1);
	});

	test('stands where it stood when its row is gone, or on the last one', () => {
		expect(cursorOf(at('b', 1), 'profiles', rows('a', 'c', 'd'))).toBe(1);
		expect(cursorOf(at('d', 3), 'profiles', rows('a', 'b'))).toBe(1);
		expect(cursorOf(at('d', 3), 'profiles', rows())).toBe(-1);
	});

	test('stands on the first row to begin with, and each screen has its own', () => {
		expect(cursorOf(stateOf(), 'profiles', rows('a', 'b'))).toBe(0);
		expect(cursorOf(at('b', 1), 'health', rows('a', 'b'))).toBe(0);
	});

	test('keeps its profile when another state brings it elsewhere', () => {
		const profiles = {
			'a:1': token('a', {expires: noon + 5 * hour}),
			'a:2': token('a', {expires: noon + day}),
		};
		const cursors = {health: {id: 'main a:2', index: 1}};
		const before = stateOf({main: {profiles}}, {cursors, screen: 'health'});
		const sorted = {...profiles, 'a:2': token('a', {expires: noon + hour})};
		const after = stateOf({main: {profiles: sorted}}, {cursors, screen: 'health'});
		expect(idsOf(healthRows(before)).indexOf('main a:2')).toBe(1);
		expect(idsOf(healthRows(after)).indexOf('main a:2')).toBe(0);
		expect(selectedProfile(after)?.profileId).toBe('a:2');
	});

	it('keeps its profile also in a list in which it was never moved', () => {
		const seen = stateOf({main: {profiles: {'a:2': apiKey('a')}}}, {screen: 'profiles'});
		// As a reload pins it before it takes the new files.
		const cursors = pinnedCursors(seen);
		const after = stateOf(
			{main: {profiles: {'a:1': apiKey('a'), 'a:2': apiKey('a')}}},
			{cursors, screen: 'profiles'},
		);
		expect(selectedProfile(after)?.profileId).toBe(selectedProfile(seen)?.profileId);
	});

	it('stays where it is in the other lists while one is filtered', () => {
		const profiles = {'a:1': apiKey('a'), 'a:2': apiKey('a')};
		const cursors = {health: {id: 'main a:1', index: 0}};
		const state = stateOf({main: {profiles}}, {screen: 'profiles', cursors, ...filtered('a:2')});
		expect(pinnedCursors(state)).toMatchObject({profiles: {id: 'a:2'}, health: {id: 'main a:1'}});
	});

	test('selects nothing where there is nothing', () => {
		expect(selected(stateOf(), 'profiles', [])).toBeUndefined();
		expect(selectedProfile(stateOf({main: everyState}, {screen: 'agents'}))).toBeUndefined();
	});
});
