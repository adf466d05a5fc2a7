import {appendFileSync, mkdirSync} from 'node:fs';
import type {StatePaths} from './paths.ts';

/** What the audit log tells of, as data: the name is in the file, the meaning in help and docs. */
export const auditEvents = {
	login: 'a login brought a credential in',
	logout: 'a profile was ended and removed',
	handed_out: 'a credential was given to a program',
	refreshed: 'a token was refreshed',
	refresh_failed: 'a token could not be refreshed',
	failure_reported: 'a profile failed in use',
	imported: 'a credential was brought in from another program or an older file',
	exported: 'credentials were written out for another program',
	secrets_changed: 'secrets were moved, or their snapshot was loaded anew',
	broker: 'the broker started, stopped or refused a client',
	repaired: 'doctor mended something',
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
}

export interface AuditEntry extends AuditSubject {
	/** Epoch ms. */
	readonly at: number;
	readonly event: AuditEvent;
	/** The command, the dashboard or the program that did it. */
	readonly by: string;
	readonly pid: number;
}

/** Appends an entry. Never throws: what was done is done, whether or not it could be noted. */
export function appendAudit(paths: StatePaths, entry: AuditEntry): void {
	try {
		const line = `${JSON.stringify(entry)}\n`;
		try {
			appendFileSync(paths.auditLog, line, {mode: 0o600});
		} catch {
			mkdirSync(paths.root, {recursive: true, mode: 0o700});
			appendFileSync(paths.auditLog, line, {mode: 0o600});
		}
	} catch {
		// There is nobody to tell.
	}
}
