import type {Recorder} from '../store/audit-log.ts';
import {configOwner} from '../store/config.ts';
import {optional} from '../store/schema.ts';
import type {Resolved} from './resolve.ts';

/** How long (ms) the same credential may be given to the same asker before that is noted again. */
const quietMs = 60_000;

/** Beyond so many askers and credentials the oldest are forgotten, and noted anew. */
const mostKnown = 1000;

interface Noted {
	readonly at: number;
	/** How often it was given since. */
	unnoted: number;
}

/**
 * Notes who was given what: at once, and from then on once a minute with how often it was, so that a program that
 * asks for each of its requests does not push all else out of the log.
 */
export function handOutLog(record: Recorder, now: () => number) {
	const known = new Map<string, Noted>();
	return ({agentId, profileId, provider, owner, expires}: Resolved, by: string | undefined): void => {
		// A token that was refreshed is another one.
		const key = JSON.stringify([by, agentId, profileId, expires]);
		const last = known.get(key);
		const at = now();
		if (last && at - last.at < quietMs && at >= last.at) {
			last.unnoted += 1;
			return;
		}
		known.delete(key);
		known.set(key, {at, unnoted: 0});
		if (known.size > mostKnown) known.delete(known.keys().next().value ?? '');
		record('handed_out', {
			...{agentId, profileId, provider, by},
			...optional('note', owner && (owner === configOwner ? `of ${owner}` : `of the agent ${owner}`)),
			...optional('count', last && last.unnoted > 0 ? last.unnoted + 1 : undefined),
		});
	};
}
