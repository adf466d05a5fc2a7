import {auditEvents} from '../store/audit-log.ts';
import type {LoggedEntry} from '../store/audit-reader.ts';
import {clockTime, howOften} from '../words.ts';
import {clean} from './facts.ts';

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
	const {at, event, agentId, profileId, provider, pid, parent, note, count} = entry;
	// Most are of this group: the last word tells them apart.
	const by = entry.by.replace(/^models auth /, '');
	return {
		time: clockTime(at),
		event: clean(event.replaceAll('_', ' ')),
		subject: clean([agentId, profileId ?? provider].filter(Boolean).join(' ')),
		by: clean(parent === undefined ? `${by} (${pid})` : `${by} ← ${parent}`),
		note: clean([count === undefined ? undefined : howOften(count), note].filter(Boolean).join(', ')),
	};
}

/** All that an entry says, a label and a text a line. */
export function logDetails(entry: LoggedEntry): (readonly [string, string])[] {
	const {event, by, pid, parent} = entry;
	const {time, subject, note} = logWords(entry);
	const meaning = Object.hasOwn(auditEvents, event) ? auditEvents[event as keyof typeof auditEvents] : event;
	const started = parent === undefined ? '' : `, started by ${parent}`;
	const lines = [
		['time', time],
		['event', meaning],
		['of', subject],
		['by', `${by} (${pid})${started}`],
		['note', note],
	] as const;
	return lines.flatMap(([label, text]) => (text === '' ? [] : [[label, clean(text)] as const]));
}
