import {fingerprint} from '../source/auth/identity.ts';
import type {SandboxEvent} from '../source/sandbox/authorization-server.ts';
import type {Status} from './soak-status.ts';

/** A process that was killed. */
export interface Death {
	/** How many events the server had recorded when the signal was sent. */
	readonly eventsBefore: number;
	readonly status: Status;
}

/** What the deaths did, as the server saw it. */
export interface Judgement {
	/** Refresh tokens that came twice although nobody was killed in the window with them. */
	readonly doubles: number;
	/** Deaths in the middle of a refresh, by how far it was. */
	readonly hits: {
		readonly before: number;
		/** The server had rotated; its reply was under way. */
		readonly rotated: number;
		/** The reply was there, and not seen to be kept. */
		readonly arrived: number;
		readonly kept: number;
		/** What it sent had been spent by an earlier death already. */
		readonly again: number;
	};
	/** Grants that the server ended because a token came twice, by the window of the death that caused it. */
	readonly lost: {readonly rotated: number; readonly arrived: number; readonly elsewhere: number};
	/** Refusals for which there is no such reason. */
	readonly strange: number;
}

/** Puts together where processes died and what the server was sent. */
export function judge(events: readonly SandboxEvent[], deaths: readonly Death[]): Judgement {
	const sent = new Map<string, {readonly rotations: number[]; reuses: number}>();
	let strange = 0;
	for (const [index, {type, refreshToken, reason}] of events.entries()) {
		if (refreshToken === undefined) continue;
		const token = fingerprint(refreshToken);
		const of = sent.get(token) ?? {rotations: [], reuses: 0};
		sent.set(token, of);
		if (type === 'refreshed') of.rotations.push(index);
		else if (reason === 'refresh token already used') of.reuses += 1;
		// Of a grant that was ended already, whose next process was killed before it could mark the record.
		else if (of.reuses === 0) strange += 1;
	}
	const hits = {before: 0, rotated: 0, arrived: 0, kept: 0, again: 0};
	const windows = new Map<string, 'rotated' | 'arrived'>();
	for (const {eventsBefore, status} of deaths) {
		const {at, spent} = status;
		if (!at) continue;
		const of = sent.get(spent);
		const isRotated = (of?.reuses ?? 0) > 0 || of?.rotations.some(index => index < eventsBefore);
		if (windows.has(spent)) hits.again += 1;
		else if (at === 'kept' || at === 'stored') hits.kept += 1;
		else if (at === 'request' && !isRotated) hits.before += 1;
		else {
			const window = at === 'request' ? 'rotated' : 'arrived';
			hits[window] += 1;
			windows.set(spent, window);
		}
	}
	const lost = {rotated: 0, arrived: 0, elsewhere: 0};
	let doubles = 0;
	for (const [token, {rotations, reuses}] of sent) {
		const window = windows.get(token);
		if (reuses > 0) lost[window ?? 'elsewhere'] += 1;
		if (rotations.length + reuses > 1 && !window) doubles += 1;
	}
	return {doubles, hits, lost, strange};
}
