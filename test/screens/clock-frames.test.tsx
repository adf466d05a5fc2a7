import fc from 'fast-check';
import {renderToString} from 'ink';
import {expect, test} from 'vitest';
import HealthScreen from '../../source/screens/health.tsx';
import OrderScreen from '../../source/screens/order.tsx';
import ProfilesScreen from '../../source/screens/profiles.tsx';
import type {ScreenProps} from '../../source/screens/screen.ts';
import {nextChange, nextExpiry} from '../../source/ui/clock.ts';
import type {UiState} from '../../source/ui/state.ts';
import {stateOf} from '../ui/state-of.ts';
import {type AgentSeed, apiKey, day, hour, minute, noon, oauth, token} from './state.ts';

const screens = {profiles: ProfilesScreen, order: OrderScreen, health: HealthScreen} as const;

/** What a screen shows at a time. */
function frameAt(state: UiState, now: number): string {
	const Screen: React.ComponentType<ScreenProps> = screens[state.screen as keyof typeof screens];
	const sized = {...state, now, size: {columns: 100, rows: 30}};
	return renderToString(<Screen state={sized} height={26} />, {columns: 100}).replace(/[━─]/g, '');
}

const anySpan = fc.oneof(
	fc.integer({min: -3 * minute, max: 3 * minute}),
	fc.integer({min: -2 * hour, max: 2 * hour}),
	fc.integer({min: -3 * day, max: 3 * day}),
);

const staticCredential = fc.oneof(
	fc.constant(apiKey('acme')),
	anySpan.map(ms => token('acme', {expires: noon + ms})),
);

const anyCredential = fc.oneof(
	staticCredential,
	anySpan.map(ms => oauth('acme', {expires: noon + ms})),
);

const seedWith = (credential: typeof anyCredential) =>
	fc.record({
		profiles: fc.record({'acme:a': credential, 'acme:b': credential}),
		usage: fc.record({
			'acme:a': fc.oneof(
				fc.constant({}),
				anySpan.map(ms => ({cooldownUntil: noon + ms})),
				anySpan.map(ms => ({lastUsed: noon - Math.abs(ms)})),
			),
		}),
	});

/** How long the dashboard sleeps, as the runtime reckons it. */
function sleepOf(state: UiState): number {
	return Math.min(nextChange(state), nextExpiry(state), minute);
}

// Of a profile that is refreshed, health tells the time twice, and is drawn for one of them alone.
test.each([
	['profiles', anyCredential],
	['order', anyCredential],
	['health', staticCredential],
] as const)('what %s shows stays as it is while the dashboard sleeps', (screen, credential) => {
	fc.assert(
		fc.property(seedWith(credential), seed => {
			const state = stateOf({main: seed satisfies AgentSeed}, {screen, details: false});
			// Something that is over in a whole number of seconds changes a moment before it is drawn.
			const awake = noon + Math.max(0, sleepOf(state) - 2);
			expect(frameAt(state, awake)).toBe(frameAt(state, noon));
		}),
		{numRuns: 60},
	);
});
