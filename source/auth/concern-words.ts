import {clockTime, span} from '../words.ts';
import type {ConcernEvent, WatchEvent} from './concerns.ts';
import {clean} from './facts.ts';

/** What is told by `watch`, in words. */
export interface ConcernWords {
	readonly time: string;
	/** What it is, with a sign before it. */
	readonly what: string;
	/** The profile, the provider or the file, and the agent, as far as it is of one. */
	readonly subject: string;
	readonly why: string;
	readonly next: string;
}

const words: Readonly<Record<Exclude<ConcernEvent, 'ends_soon'>, string>> = {
	needs_login: '✗ log in again',
	expired: '✗ expired',
	missing: '✗ missing',
	unresolved_ref: '✗ ref unresolved',
	unusable: '✗ unusable',
	not_understood: '✗ not understood',
	unreadable: '✗ unreadable',
	disabled: '✗ disabled',
	all_out: '✗ all out',
	secrets_degraded: '✗ secrets degraded',
	well: '✓ well again',
};

/** An event in words. No secret. */
export function concernWords(event: WatchEvent): ConcernWords {
	const {at, agentId, profileId, provider, expires, until, left, of, was, why, next} = event;
	return {
		time: clockTime(at),
		what: event.event === 'ends_soon' ? `! ends in ${span((expires ?? at) - at)}` : words[event.event],
		subject: clean([agentId, profileId ?? provider].filter(Boolean).join(' ')),
		why: clean(
			[
				why,
				...(until === undefined ? [] : [`back in ${span(until - at)}`]),
				...(left === 0 && of === 1 ? [`and it is the only one of ${provider}`] : []),
				...((was === 'ends_soon' || was === 'expired') && expires !== undefined && expires > at
					? [`good for ${span(expires - at)}`]
					: []),
			].join(', '),
		),
		next: clean(next ?? ''),
	};
}

/** An event on one line. What comes later cannot be laid out with it: the columns have the widths that are usual. */
export function concernLine(event: WatchEvent): string {
	const {time, what, subject, why, next} = concernWords(event);
	const rest = next === '' ? why : `${why} → ${next}`;
	return [time, what.padEnd(18), subject.padEnd(36), rest].join('  ');
}
