import {describe, expect, it, test} from 'vitest';
import {detailOf, endOf, nextChange, nextExpiry} from '../../source/ui/clock.ts';
import type {ScreenId, UiState} from '../../source/ui/state.ts';
import {apiKey, day, hour, minute, noon, oauth, second, token} from '../screens/state.ts';
import {agentOf, stateOf, viewOf, waitingLogin} from './state-of.ts';

const never = Number.POSITIVE_INFINITY;

/** The state of a screen over one token that runs out in so many ms. */
function withTokenFor(ms: number, screen: ScreenId, more: Partial<UiState> = {}): UiState {
	return stateOf({main: {profiles: {'acme:a': token('acme', {expires: noon + ms})}}}, {screen, ...more});
}

describe('the next change of a screen', () => {
	test('never comes where nothing runs out', () => {
		for (const screen of ['agents', 'profiles', 'order', 'health', 'login', 'help'] as const) {
			expect(nextChange(stateOf({main: {profiles: {'acme:a': apiKey('acme')}}}, {screen}))).toBe(never);
			expect(nextChange(stateOf({main: {}}, {screen}))).toBe(never);
		}
	});

	test('never comes for what is over already', () => {
		expect(nextChange(withTokenFor(-5 * second, 'profiles'))).toBe(never);
	});

	test('is the next minute where minutes are shown', () => {
		expect(nextChange(withTokenFor(50 * minute + 7 * second, 'profiles'))).toBe(7 * second + 1);
		expect(nextChange(withTokenFor(5 * hour, 'health'))).toBe(1);
	});

	test('is the next second where seconds are shown: below an hour on health, below two minutes elsewhere', () => {
		expect(nextChange(withTokenFor(50 * minute + 7300, 'health'))).toBe(301);
		expect(nextChange(withTokenFor(2 * minute - 300, 'profiles'))).toBe(701);
		expect(nextChange(withTokenFor(2 * minute + 300, 'profiles'))).toBe(301);
	});

	test('is that of the profile that changes first', () => {
		const profiles = {
			'acme:a': token('acme', {expires: noon + 3 * hour + 40 * second}),
			'acme:b': token('acme', {expires: noon + 5 * hour + 20 * second}),
			'acme:c': apiKey('acme'),
		};
		expect(nextChange(stateOf({main: {profiles}}, {screen: 'profiles'}))).toBe(20 * second + 1);
	});

	test('is told by what is in view, and by what changes its state wherever it is', () => {
		const many = Object.fromEntries(
			Array.from({length: 90}, (_, index) => [
				`acme:${100 + index}`,
				token('acme', {expires: noon + (300 + index) * hour + 50 * second}),
			]),
		);
		// The last but for the cursor's sake: it is sorted and listed behind all others.
		const last = {'acme:999': token('acme', {expires: noon + 900 * hour + 10 * second})};
		for (const screen of ['health', 'profiles'] as const) {
			const state = stateOf({main: {profiles: {...many, ...last}}}, {screen});
			expect(nextChange(state)).toBe(50 * second + 1);
			const ids = {health: 'main acme:999', profiles: 'acme:999'};
			const cursors = {[screen]: {id: ids[screen], index: 90}};
			expect(nextChange({...state, cursors})).toBe(10 * second + 1);
		}
		const dying = {'acme:999': token('acme', {expires: noon + 24 * hour + 7 * second})};
		const state = stateOf({main: {profiles: {...many, ...dying}}}, {screen: 'profiles'});
		expect(nextChange(state)).toBe(7 * second);
	});

	test('is that of the countdown of a profile that is set aside', () => {
		const seed = {
			profiles: {'acme:a': apiKey('acme')},
			usage: {'acme:a': {cooldownUntil: noon + 4 * minute}},
		};
		expect(nextChange(stateOf({main: seed}, {screen: 'profiles'}))).toBe(1);
	});

	test('is not that of a profile that the filter leaves out', () => {
		const filter = {text: 'other', cursor: 5};
		expect(nextChange(withTokenFor(50 * minute, 'health', {filter}))).toBe(never);
	});

	test('is the end of a toast that goes away before', () => {
		const toast = {tone: 'good', text: 'Done.', since: noon, until: noon + 4000} as const;
		expect(nextChange(stateOf({main: {}}, {toast}))).toBe(4000);
		expect(nextChange(withTokenFor(30 * minute + 700, 'health', {toast}))).toBe(701);
	});

	test('of a login that waits is the next second, and of one that does not, none', () => {
		const waiting = {screen: 'login', login: viewOf({...waitingLogin, until: noon + 90_400})} as const;
		expect(nextChange(stateOf({main: {}}, waiting))).toBe(401);
		expect(nextChange(stateOf({main: {}}, {...waiting, login: viewOf({step: 'preparing'})}))).toBe(never);
		expect(nextChange(stateOf({main: {}}, {...waiting, screen: 'agents'}))).toBe(never);
	});

	test('of help is none, whatever runs out meanwhile', () => {
		expect(nextChange(withTokenFor(30 * second, 'help'))).toBe(never);
	});

	const usedAgo = (ms: number) => {
		const seed = {profiles: {'acme:a': apiKey('acme')}, usage: {'acme:a': {lastUsed: noon - ms}}};
		return nextChange(stateOf({main: seed}, {screen: 'profiles'}));
	};

	test('is the next second where something was used seconds ago', () => {
		expect(usedAgo(5300)).toBeLessThanOrEqual(701);
	});

	// The rest of the minute is read as a countdown below two minutes, which tells seconds.
	it('is the next minute where something was used minutes ago', () => {
		expect(usedAgo(5 * minute + 20 * second)).toBe(40 * second);
	});

	// "next: … is refreshed in 59m 50s" goes by another time than the row, and is not counted.
	it('is the next second where health tells when a token is refreshed', () => {
		const profiles = {'acme:a': oauth('acme', {expires: noon + hour + 20 * second})};
		expect(nextChange(stateOf({main: {profiles}}, {screen: 'health'}))).toBeLessThanOrEqual(1001);
	});

	// It looks at the shown agent alone, but the agents screen shows the worst state of each.
	it('of the agents is that of any agent', () => {
		const work = {profiles: {'acme:a': apiKey('acme')}, usage: {'acme:a': {cooldownUntil: noon + 58_400}}};
		expect(nextChange(stateOf({main: {}, work}, {screen: 'agents'}))).toBe(401);
	});

	// It counts what the profiles screen shows, but the agents screen and the order show no time left.
	it('of the agents and the order is the end of a token, where they tell no time before', () => {
		expect(nextChange(withTokenFor(3 * hour, 'agents'))).toBeGreaterThan(2 * hour);
		expect(nextChange(withTokenFor(3 * hour, 'order'))).toBeGreaterThan(2 * hour);
	});
});

test('health and login tell time finely, the others coarsely', () => {
	const detailed = (['agents', 'profiles', 'order', 'health', 'login', 'help'] as const).filter(
		screen => detailOf(stateOf({main: {}}, {screen})) === 'fine',
	);
	expect(detailed).toEqual(['health', 'login']);
});

describe('the next expiry', () => {
	const profiles = {
		'acme:soon': oauth('acme', {expires: noon + 10 * minute, expiresIn: 3600}),
		'acme:late': oauth('acme', {expires: noon + 2 * day, expiresIn: 3600}),
		'acme:over': oauth('acme', {expires: noon - minute, expiresIn: 3600}),
		'acme:token': token('acme', {expires: noon + minute}),
		'acme:odd': oauth('acme', {expires: 'invalid'}),
	};

	test('is that of the refreshable token that counts as over first, half a minute before its end', () => {
		expect(nextExpiry(stateOf({main: {}, work: {profiles}}))).toBe(10 * minute - 30 * second);
	});

	test('never comes where no token can be refreshed', () => {
		expect(nextExpiry(stateOf({main: {profiles: {'acme:a': token('acme', {expires: noon + minute})}}}))).toBe(
			never,
		);
	});

	test('of a token is nothing where its end is not known or it cannot be refreshed', () => {
		const ends = agentOf('main', {profiles}).profiles.map(facts => [facts.profileId, endOf(facts)]);
		expect(Object.fromEntries(ends)).toEqual({
			'acme:soon': [noon + 10 * minute - 30 * second],
			'acme:late': [noon + 2 * day - 30 * second],
			'acme:over': [noon - 90 * second],
			'acme:token': [],
			'acme:odd': [],
		});
	});
});
