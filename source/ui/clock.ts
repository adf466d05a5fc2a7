import {skewMs} from '../auth/expiry.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {agoStays, type Detail, spanStays} from '../words.ts';
import {emptyText} from './edited-text.ts';
import {clientRows, healthRows, profileRows, sessionRows, showsLogin} from './rows.ts';
import type {UiState} from './state.ts';

/** How finely a screen tells the time that is left. */
export function detailOf(state: UiState): Detail {
	return state.screen === 'health' || showsLogin(state) ? 'fine' : 'coarse';
}

/** How long (ms) the screen stays as it is without anything happening but time going by. */
export function nextChange(state: UiState): number {
	const toast = state.toast ? state.toast.until - state.now : Number.POSITIVE_INFINITY;
	return Math.min(toast, ...changes(state));
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

/** How long (ms) each time that the screen tells stays as it is. */
function* changes(state: UiState): Generator<number> {
	const {screen, now} = state;
	const stays = (ms: number) => spanStays(ms, detailOf(state));
	if (showsLogin(state)) {
		const login = state.login.stage === 'running' ? state.login.login.state() : undefined;
		if (login?.step === 'waiting' || login?.step === 'device') yield stays(login.until - now);
		return;
	}
	if (screen === 'broker') {
		for (const {client} of clientRows(state)) yield agoStays(now - client.lastAt);
		return;
	}
	if (['help', 'onboard', 'log', 'doctor'].includes(screen)) return;
	if (screen === 'sessions') {
		for (const {facts} of sessionRows(state)) {
			if (facts.session.updatedAt !== undefined) yield agoStays(now - facts.session.updatedAt);
		}
	}
	const tellsAll = screen === 'health' || screen === 'agents';
	// The filter is not of profiles there, and what changes of one changes what a row says of it.
	const isUnfiltered = (screen === 'agents' || screen === 'sessions') && {filter: emptyText};
	const shown = {...state, ...isUnfiltered};
	for (const {facts, health} of tellsAll ? healthRows(shown) : profileRows(shown)) {
		const left = health.remainingMs ?? 0;
		// Where no time is told, the state changes all the same when it is over.
		if (left > 0) yield screen === 'health' || screen === 'profiles' ? stays(left) : left;
		if (health.until !== undefined) yield stays(health.until - now);
		if (health.waitsUntil !== undefined) yield stays(health.waitsUntil - now);
		if (screen === 'health') yield* endOf(facts).map(end => stays(end - now));
		const used = facts.usage.lastUsed;
		if (used !== undefined && screen === 'profiles') yield agoStays(now - used);
	}
}
