import type {AuditEvent, AuditSubject} from './audit-log.ts';

/** How long (ms) is counted before a line says how often. */
const windowMs = 60_000;

/** How many different things are told apart within a window. */
const maxKeys = 5000;

/** Notes in the audit log what may happen a thousand times a second, and is not to push all else out of it. */
export interface SparingLog {
	/** The first one of a key is noted at once, further ones within a minute are counted into one line. */
	note(key: string, event: AuditEvent, subject: AuditSubject): void;
	/** Writes what was only counted so far. */
	flush(): void;
}

interface Counted {
	readonly event: AuditEvent;
	subject: AuditSubject;
	more: number;
}

/** @param record writes a line */
export function sparingLog(record: (event: AuditEvent, subject: AuditSubject) => void): SparingLog {
	const counted = new Map<string, Counted>();
	let timer: NodeJS.Timeout | undefined;

	function flush(): void {
		clearTimeout(timer);
		timer = undefined;
		for (const [key, {event, subject, more}] of counted) {
			// What has not happened for a minute is news again.
			if (more === 0) counted.delete(key);
			else {
				record(event, {...subject, count: more});
				counted.set(key, {event, subject, more: 0});
			}
		}
		if (counted.size > 0) timer = setTimeout(flush, windowMs).unref();
	}

	return {
		note(key, event, subject) {
			const known = counted.get(key);
			if (known) {
				known.more += 1;
				known.subject = subject;
				return;
			}
			if (counted.size >= maxKeys) {
				flush();
				counted.clear();
			}
			counted.set(key, {event, subject, more: 0});
			record(event, subject);
			timer ??= setTimeout(flush, windowMs).unref();
		},
		flush,
	};
}
