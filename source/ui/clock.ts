import {skewMs} from '../auth/expiry.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {nextHealthChange} from '../auth/health.ts';
import type {Snapshot} from '../auth/snapshot.ts';
import {agoStays, type Detail, spanStays} from '../words.ts';
import {emptyText} from './edited-text.ts';
import {
	clientRows,
	cursorOf,
	healthRows,
	onceFor,
	type ProfileRow,
	profileRows,
	sessionRows,
	showsLogin,
} from './rows.ts';
import type {UiState} from './state.ts';

/** How finely a screen tells the time that is left. */
export function detailOf(state: UiState): Detail {
	return state.screen === 'health' || showsLogin(state) ? 'fine' : 'coarse';
}

/** How long (ms) the screen stays as it is without anything happening but time going by. */
export function nextChange(state: UiState): number {
	const toast = state.toast ? state.toast.until - state.now : Number.POSITIVE_INFINITY;
	let next = toast;
	for (const ms of changes(state)) next = Math.min(next, ms);
	return next;
}

/** How long (ms) until the next access token is over that can be refreshed by itself. */
export function nextExpiry(state: UiState): number {
	const next = endsOf(state.snapshot).find(end => end > state.now);
	return next === undefined ? Number.POSITIVE_INFINITY : next - state.now;
}

/** When the access tokens are over that can be refreshed by themselves, the first first. */
const endsOf = onceFor(({agents}: Snapshot): readonly number[] =>
	agents.flatMap(agent => agent.profiles.flatMap(endOf)).sort((a, b) => a - b),
);

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
	const rows = tellsAll ? healthRows(shown) : profileRows(shown);
	yield stateChangeOf(rows, now);
	const tellsTimes = screen === 'health' || screen === 'profiles';
	for (const {facts, health} of tellsTimes ? inView(state, rows) : rows) {
		if (tellsTimes && health.remainingMs !== undefined) yield stays(health.remainingMs);
		if (health.until !== undefined) yield stays(health.until - now);
		if (health.waitsUntil !== undefined) yield stays(health.waitsUntil - now);
		const used = facts.usage.lastUsed;
		if (used !== undefined && screen === 'profiles') yield agoStays(now - used);
	}
	const next = screen === 'health' ? nextEventOf(rows, now) : undefined;
	if (next) yield stays(next.at - now);
}

// What is out of view tells no time: of ten thousand rows one changes its text every few milliseconds. A screen shows a
// page that the cursor is in, which is no higher than the window.
function inView(state: UiState, rows: readonly ProfileRow[]): readonly ProfileRow[] {
	const cursor = cursorOf(state, state.screen, rows);
	return rows.slice(Math.max(0, cursor - state.size.rows), cursor + state.size.rows);
}

/** How long (ms) all of these rows keep their states: what they are counted and sorted by. */
const stateChangeOf = onceFor((rows: readonly ProfileRow[], now: number): number => {
	let next = Number.POSITIVE_INFINITY;
	for (const {facts} of rows) next = Math.min(next, nextHealthChange(facts, now) - now);
	return next;
});

/** What happens next to a profile, and when (epoch ms). */
export interface NextEvent {
	readonly at: number;
	readonly id: string;
	readonly what: 'renewal' | 'runs out' | 'comes back';
}

/** What happens next: a token that runs out, or a profile that comes back. */
export const nextEventOf = onceFor((rows: readonly ProfileRow[], now: number): NextEvent | undefined => {
	let next: NextEvent | undefined;
	const note = (at: number | undefined, {facts}: ProfileRow, what: NextEvent['what']) => {
		if (at === undefined || at <= now || (next && next.at <= at)) return;
		next = {at, id: `${facts.agentId}/${facts.profileId}`, what};
	};
	for (const row of rows) {
		const [renewal] = endOf(row.facts);
		const {expires} = row.facts;
		note(renewal, row, 'renewal');
		if (renewal === undefined && typeof expires === 'number') note(expires, row, 'runs out');
		note(row.health.until, row, 'comes back');
	}
	return next;
});
