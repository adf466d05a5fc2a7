import type {LoggedEntry} from '../store/audit-reader.ts';
import {clockTime} from '../words.ts';

/** What an entry of the audit log says, in words, by the columns that it is shown in. */
export interface LogWords {
	readonly time: string;
	readonly event: string;
	/** The profile and its agent, as far as it is of one. */
	readonly subject: string;
	readonly by: string;
	readonly note: string;
}

/** An entry in words. */
export function logWords(entry: LoggedEntry): LogWords {
	const {at, event, agentId, profileId, provider, by, pid, parent, note, count} = entry;
	const what = profileId ?? provider;
	return {
		time: clockTime(at),
		event: event.replaceAll('_', ' '),
		subject: [agentId, what].filter(Boolean).join(' '),
		by: parent === undefined ? `${by} (${pid})` : `${by} (${pid}, from ${parent})`,
		note: [count === undefined ? undefined : `${count} times`, note].filter(Boolean).join(', '),
	};
}
