import {logWords} from '../auth/log-words.ts';
import {JarvisError} from '../errors.ts';
import {auditEvents} from '../store/audit-log.ts';
import {type AuditFilter, isWanted, type LoggedEntry} from '../store/audit-reader.ts';
import {type CommandContext, durationFlag, textFlag} from './command.ts';

const defaultLimit = 100;

/** `log`: what was done with credentials, the newest last. */
export async function runLog(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const filter = filterOf(context);
	const limit = limitOf(context);
	const show = context.flags.json ? jsonLine : textLine;
	if (!context.flags.follow) {
		const entries = await jarvis.auditLog(filter, limit);
		for (const entry of entries) context.print(show(entry));
		if (entries.length === 0 && !context.flags.json) context.tell('Nothing of that is in the log.');
		return 0;
	}
	const ended = Promise.withResolvers<number>();
	// Nothing is appended before the entries so far are printed: both happen in this turn.
	const follower = await jarvis.followAuditLog(entries => {
		for (const entry of entries) if (isWanted(entry, filter)) context.print(show(entry));
	});
	for (const entry of follower.before(filter, limit)) context.print(show(entry));
	const stop = (code: number) => () => ended.resolve(code);
	const endings = [
		['SIGINT', stop(130)],
		['SIGTERM', stop(143)],
	] as const;
	for (const [signal, end] of endings) process.once(signal, end);
	try {
		return await ended.promise;
	} finally {
		follower.stop();
		for (const [signal, end] of endings) process.removeListener(signal, end);
	}
}

function filterOf(context: CommandContext): AuditFilter {
	const since = durationFlag(context, 'since');
	return {
		...(since === undefined ? {} : {since: context.jarvis.now() - since}),
		events: eventsOf(textFlag(context, 'event')),
		agentId: textFlag(context, 'agent'),
		profileId: textFlag(context, 'profile'),
	};
}

function eventsOf(named: string | undefined): readonly string[] | undefined {
	const events = named?.split(',').map(event => event.trim().replaceAll(/[ -]/g, '_'));
	const unknown = events?.find(event => !Object.hasOwn(auditEvents, event));
	if (unknown === undefined) return events;
	throw new JarvisError(
		'usage',
		`There is no event ${JSON.stringify(unknown)}.`,
		`Name some of: ${Object.keys(auditEvents).join(', ')}`,
	);
}

function limitOf(context: CommandContext): number {
	const named = textFlag(context, 'limit');
	if (named === undefined) return defaultLimit;
	if (/^\d{1,9}$/.test(named)) return Number(named);
	throw new JarvisError(
		'usage',
		`--limit ${JSON.stringify(named)} is no number.`,
		'Write how many, for example 20.',
	);
}

function jsonLine(entry: LoggedEntry): string {
	return JSON.stringify(entry);
}

// What comes later cannot be laid out with what was before: the columns have the widths that are usual.
function textLine(entry: LoggedEntry): string {
	const {time, event, subject, by, note} = logWords(entry);
	return [time, event.padEnd(16), subject.padEnd(36), by, note].join('  ').trimEnd();
}
