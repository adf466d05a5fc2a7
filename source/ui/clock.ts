import {skewMs} from '../auth/expiry.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {type Detail, spanStays} from '../words.ts';
import {healthRows, profileRows} from './rows.ts';
import type {UiState} from './state.ts';

/** How finely a screen tells the time that is left. */
export function detailOf(state: UiState): Detail {
	return state.screen === 'health' || state.screen === 'login' ? 'fine' : 'coarse';
}

/** How long (ms) the screen stays as it is without anything happening but time going by. */
export function nextChange(state: UiState): number {
	const spans = [...shownSpans(state)].map(ms => spanStays(ms, detailOf(state)));
	const toast = state.toast ? state.toast.until - state.now : Number.POSITIVE_INFINITY;
	return Math.min(toast, ...spans);
}

/** How long (ms) until the next access token is over that can be refreshed by itself. */
export function nextExpiry(state: UiState): number {
	const ends = state.snapshot.agents.flatMap(agent => agent.profiles.flatMap(facts => endOf(facts)));
	return Math.min(...ends.map(end => end - state.now).filter(ms => ms > 0), Number.POSITIVE_INFINITY);
}

/** When a refreshable access token counts as over (epoch ms); nothing for others. */
export function endOf(facts: ProfileFacts): number[] {
	if (!facts.refreshable || typeof facts.expires !== 'number') return [];
	return [facts.expires - skewMs(facts.expiresIn)];
}

function* shownSpans(state: UiState): Generator<number> {
	if (state.screen === 'login') {
		const login = state.login.stage === 'running' ? state.login.login.state() : undefined;
		if (login?.step === 'waiting') yield login.until - state.now;
		return;
	}
	if (state.screen === 'help') return;
	const rows = state.screen === 'health' ? healthRows(state) : profileRows(state);
	for (const {facts, health} of rows) {
		if (health.remainingMs !== undefined) yield health.remainingMs;
		if (health.until !== undefined) yield health.until - state.now;
		// "5m ago" changes too, and counts upwards.
		const used = facts.usage.lastUsed;
		if (used !== undefined && state.screen === 'profiles') yield 60_000 - ((state.now - used) % 60_000);
	}
}
