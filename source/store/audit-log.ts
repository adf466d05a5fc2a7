import {closeSync, fstatSync, openSync, readFileSync, writeSync} from 'node:fs';
import {isSystemError} from '../errors.ts';
import {makeFolder} from './folder.ts';
import type {StatePaths} from './paths.ts';

/** What the audit log tells of, as data: the name is in the file, the meaning in help and docs. */
export const auditEvents = {
	login: 'a login brought a credential in',
	login_failed: 'a login came to nothing',
	logout: 'a profile was ended and removed',
	removed: 'a profile was removed here',
	renamed: 'a profile got another id',
	handed_out: 'a credential was given to a program, or shown to a person',
	refreshed: 'a token was refreshed',
	refresh_failed: 'a token could not be refreshed',
	failure_reported: 'a profile failed in use',
	cooldown_cleared: 'the failures of a profile were forgotten',
	order_changed: 'an agent’s order of a provider was changed',
	models_changed: 'the primary model, a fallback or an alias was changed',
	agent_added: 'an agent was added',
	agent_deleted: 'an agent was deleted with its credentials',
	plugin_added: 'a provider’s code or manifest was added',
	plugin_removed: 'a plugin was removed',
	imported: 'a credential was brought in from another program or an older file',
	exported: 'credentials were written out for another program',
	write_back: 'a program’s own login file was kept in step, or is no longer',
	secrets_changed: 'secrets were moved, or their snapshot was loaded anew',
	broker: 'the broker started, stopped or refused a client',
	repaired: 'something that was wrong was mended: by doctor, or a spent token at its refresh',
} as const satisfies Record<string, string>;

export type AuditEvent = keyof typeof auditEvents;

/** What an entry is about. No secret, not even a masked one. */
export interface AuditSubject {
	readonly agentId?: string | undefined;
	readonly profileId?: string | undefined;
	readonly provider?: string | undefined;
	/** Who asked, where that is not this process: the client of the broker, say. */
	readonly by?: string | undefined;
	/** A few words more, for a person. */
	readonly note?: string | undefined;
	/** How often it was done since the entry before, where that is not noted each time. */
	readonly count?: number | undefined;
}

export interface AuditEntry extends AuditSubject {
	/** Epoch ms. */
	readonly at: number;
	readonly event: AuditEvent;
	/** The command, the dashboard or the program that did it. */
	readonly by: string;
	readonly pid: number;
	/** The process that started this one, by name and id, where the system tells: a command asks for another. */
	readonly parent?: string | undefined;
}

/** Notes what was done. Never throws. */
export type Recorder = (event: AuditEvent, subject: AuditSubject) => void;

/** How large (bytes) the log grows before it is put aside, and how many that were put aside are kept. */
export interface AuditLimits {
	readonly bytes: number;
	readonly kept: number;
}

export const auditLimits: AuditLimits = {bytes: 4 * 1024 * 1024, kept: 8};

let isRotating = false;

/** Appends an entry. Never throws: what was done is done, whether or not it could be noted. */
export function appendAudit(paths: StatePaths, entry: AuditEntry, limits: AuditLimits = auditLimits): void {
	try {
		const size = appendLine(paths, `${JSON.stringify(entry)}\n`);
		if (size >= limits.bytes && !isRotating) void rotateSoon(paths, limits);
	} catch {
		// There is nobody to tell.
	}
}

/** The process that started this one, as `name pid`, where the system tells that without a further process. */
export function parentProcess(): string | undefined {
	parent ??= readParent();
	return parent === '' ? undefined : parent;
}

let parent: string | undefined;

function readParent(): string {
	try {
		return `${readFileSync(`/proc/${process.ppid}/comm`, 'utf8').trim()} ${process.ppid}`;
	} catch {
		return '';
	}
}

// One write to a file that was opened for appending: the kernel puts it behind those of other processes, whole.
function appendLine(paths: StatePaths, line: string): number {
	const descriptor = openLog(paths);
	try {
		writeSync(descriptor, line);
		return fstatSync(descriptor).size;
	} finally {
		closeSync(descriptor);
	}
}

function openLog({auditLog, root}: StatePaths): number {
	try {
		return openSync(auditLog, 'a', 0o600);
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
		makeFolder(root);
		return openSync(auditLog, 'a', 0o600);
	}
}

async function rotateSoon(paths: StatePaths, limits: AuditLimits): Promise<void> {
	isRotating = true;
	try {
		(await import('./audit-rotation.ts')).rotateAuditLog(paths, limits);
	} catch {
		// The next entry tries again; until then the log is longer than it should be.
	} finally {
		isRotating = false;
	}
}
