import {unseen} from './unseen.ts';

/**
 * Every failure that a person can meet, as data. The code is stable: scripts may rely on it. The exit
 * codes are the documented ones: 1 failed, 2 usage, 3 a person must log in, 130 cancelled; and a shell's own,
 * 126 and 127, for a program that could not be run.
 */
export const errorTable = {
	usage: {exit: 2, meaning: 'The command line could not be understood.'},
	unsupported_node: {exit: 1, meaning: 'The installed Node.js is too old for JARVIS.'},
	agent_invalid_id: {exit: 2, meaning: 'The agent id has a form that JARVIS does not accept.'},
	agent_unknown: {exit: 1, meaning: 'There is no agent of that id in the state folder.'},
	agent_exists: {exit: 1, meaning: 'An agent of that id exists already.'},
	agent_protected: {exit: 1, meaning: 'The agent cannot be deleted (it is the main or the default agent).'},
	binding_invalid: {exit: 2, meaning: 'The channel, account or peer has a form that JARVIS does not accept.'},
	binding_conflict: {exit: 1, meaning: 'The messages are bound to another agent already.'},
	binding_unknown: {exit: 1, meaning: 'The agent has no such binding.'},
	profile_invalid_id: {exit: 2, meaning: 'The profile id has a form that JARVIS does not accept.'},
	profile_unknown: {exit: 1, meaning: 'The agent has no profile of that id.'},
	profile_exists: {exit: 1, meaning: 'The agent has a profile of that id already.'},
	profile_foreign: {exit: 1, meaning: 'The profile belongs to another provider.'},
	provider_unknown: {exit: 1, meaning: 'No built-in provider and no plugin has that id.'},
	manifest_invalid: {exit: 1, meaning: 'A plugin manifest does not have the documented form.'},
	plugin_invalid: {exit: 1, meaning: 'What was to be added as a plugin is none, or could not be installed.'},
	plugin_conflict: {exit: 1, meaning: 'A built-in provider or another plugin has the plugin’s name already.'},
	plugin_unknown: {exit: 1, meaning: 'There is no plugin of that id.'},
	plugin_failed: {exit: 1, meaning: 'A plugin’s own code threw, hung, ended or gave what it must not give.'},
	session_invalid_key: {exit: 2, meaning: 'The session key has a form that JARVIS does not accept.'},
	session_unknown: {exit: 1, meaning: 'The agent has no session of that key.'},
	model_unknown: {exit: 1, meaning: 'A model reference leads to no provider that the agent can use.'},
	model_alias_taken: {exit: 1, meaning: 'The alias belongs to another model.'},
	model_not_listed: {exit: 1, meaning: 'There is no such alias, or the model is no fallback.'},
	slash_command_unknown: {exit: 2, meaning: 'There is no slash command of that form.'},
	config_damaged: {exit: 1, meaning: 'jarvis.json cannot be read as JSON5, or an order in it is no order.'},
	config_uneditable: {
		exit: 1,
		meaning: 'jarvis.json uses JSON5 syntax that JARVIS could not write back unharmed.',
	},
	openclaw_absent: {exit: 1, meaning: 'There is no openclaw state in the folder.'},
	openclaw_unsupported: {
		exit: 1,
		meaning: 'The openclaw state is of a form that JARVIS does not read: a SQLite store, or included files.',
	},
	export_refused: {exit: 1, meaning: 'The folder to export to holds something else already.'},
	store_damaged: {exit: 1, meaning: 'A credential or session file is not valid JSON. It is left as it is.'},
	store_changed: {exit: 1, meaning: 'Another program wrote a file of its own while JARVIS was about to.'},
	store_inaccessible: {exit: 1, meaning: 'A file or folder cannot be read or written.'},
	store_full: {exit: 1, meaning: 'The disk is full. The file is unchanged.'},
	lock_timeout: {exit: 1, meaning: 'Another process holds a lock for longer than JARVIS waits.'},
	lock_lost: {exit: 1, meaning: 'This process was stopped for so long that another took its lock.'},
	insecure_endpoint: {
		exit: 1,
		meaning: 'An endpoint uses plain http and is not on this machine (RFC 8252, section 8.3).',
	},
	discovery_failed: {exit: 1, meaning: "The authorization server's metadata could not be fetched."},
	login_denied: {exit: 1, meaning: 'The person or the authorization server denied the login.'},
	login_timed_out: {exit: 1, meaning: 'Nobody finished the login in time.'},
	login_cancelled: {exit: 130, meaning: 'The login was cancelled by the person.'},
	login_server_error: {exit: 1, meaning: 'The authorization server answered with an error of its own.'},
	login_unreachable: {exit: 1, meaning: 'The authorization server could not be reached for the exchange.'},
	login_code_refused: {exit: 1, meaning: 'The authorization server refused the code.'},
	login_state_mismatch: {exit: 1, meaning: 'The pasted link belongs to another login attempt.'},
	login_paste_unreadable: {exit: 1, meaning: 'The pasted text holds neither a code nor an error.'},
	login_other_account: {exit: 1, meaning: 'The login is of another account than the profile it was for.'},
	secret_malformed: {exit: 1, meaning: 'What was pasted or typed cannot be the secret that was asked for.'},
	login_unsupported: {exit: 1, meaning: 'The provider offers no login of the kind that was asked for.'},
	import_unknown: {exit: 1, meaning: 'No program of that name has a login on this machine.'},
	import_refused: {exit: 1, meaning: 'A login of another program, or of an older file, was not taken over.'},
	needs_login: {
		exit: 3,
		meaning:
			'The authorization server refused the refresh token, or would: it was spent before. Log in again.',
	},
	no_credential: {exit: 3, meaning: 'The agent has no usable credential for the provider.'},
	short_lived: {
		exit: 1,
		meaning: 'No credential is good for as long as `--min-ttl` asks, and no login would change that.',
	},
	unresolved_ref: {exit: 1, meaning: 'The secret ref of a profile does not resolve.'},
	secrets_unresolved: {
		exit: 1,
		meaning: 'The secrets could not all be loaded. What was loaded before stays in use.',
	},
	no_variable: {exit: 1, meaning: 'No environment variable is known that takes the credential.'},
	format_unfit: {exit: 1, meaning: 'The credential cannot be given in the form that was asked for.'},
	command_not_found: {exit: 127, meaning: 'The program that `exec` or a hook was to run is not there.'},
	command_not_executable: {exit: 126, meaning: 'The program that `exec` or a hook was to run cannot be run.'},
	profiles_set_aside: {
		exit: 1,
		meaning: 'No profile is left for now: set aside after failures, or tried for the request already.',
	},
	no_model: {
		exit: 2,
		meaning:
			'Neither a provider nor a model was named, and no primary model is configured, or one that names no provider.',
	},
	broker_running: {exit: 1, meaning: 'A broker serves this state folder, or this socket, already.'},
	broker_not_running: {exit: 1, meaning: 'No broker answers for this state folder.'},
	broker_socket_unsafe: {
		exit: 1,
		meaning: 'The broker’s socket cannot be made there: others may go there, or something else is there.',
	},
	broker_no_peer_check: {
		exit: 1,
		meaning: 'The broker cannot tell here which user asks, and does not start without that.',
	},
	broker_no_service: {exit: 1, meaning: 'There is no service manager here that JARVIS knows.'},
	broker_busy: {exit: 1, meaning: 'The broker has as many connections open as it keeps.'},
	broker_refused: {exit: 1, meaning: 'The broker refuses who asks: another user, a proxy or a web page.'},
	refresh_unavailable: {
		exit: 1,
		meaning:
			'The token is expired, and the authorization server could not be reached or is busy. Nothing was changed.',
	},
	refresh_refused: {
		exit: 1,
		meaning: 'The authorization server answered the refresh with an error that is not final.',
	},
	write_back_unsupported: {
		exit: 1,
		meaning: 'The program, or the profile, is none that can be kept in step (docs/sink.md).',
	},
	write_back_conflict: {
		exit: 1,
		meaning: 'Another login stands in a program’s own file. It was left as it is.',
	},
	write_back_unknown: {exit: 1, meaning: 'The program is not kept in step.'},
	keychain_unavailable: {
		exit: 1,
		meaning: 'The operating system’s keychain is absent, locked or does not answer. Nothing was changed.',
	},
	sealed_unreadable: {
		exit: 1,
		meaning: 'A sealed secret cannot be opened: its key is not in this keychain, or sealed.json was changed.',
	},
	secret_unmovable: {exit: 1, meaning: 'There is no secret that a ref could take the place of.'},
	secret_mismatch: {
		exit: 1,
		meaning: 'A ref does not give the secret that it is to take the place of. Nothing was taken away.',
	},
	secrets_plan_invalid: {
		exit: 1,
		meaning: 'There is no plan for secrets, or it has not the documented form.',
	},
	clipboard_failed: {exit: 1, meaning: 'Neither the clipboard nor the terminal took the text.'},
	terminal_required: {exit: 2, meaning: 'The command needs a terminal and has none.'},
	unexpected: {exit: 1, meaning: 'A fault in JARVIS itself.'},
} as const satisfies Record<string, {exit: number; meaning: string}>;

export type ErrorCode = keyof typeof errorTable;

const brand = Symbol.for('jarvis.error');

/** A failure with a stable code, one sentence that says what happened and one that says what helps. */
export class JarvisError extends Error {
	readonly [brand] = true;
	readonly code: ErrorCode;
	/** What to do next: one sentence, with the exact command where there is one. */
	readonly next: string;
	/** What a program may want to know beside the sentences; printed as further members by `--json`. */
	readonly details: Readonly<Record<string, unknown>>;

	constructor(
		code: ErrorCode,
		message: string,
		next: string,
		options: {cause?: unknown; details?: Readonly<Record<string, unknown>>} = {},
	) {
		super(message, options);
		this.name = 'JarvisError';
		this.code = code;
		this.next = next;
		this.details = options.details ?? {};
	}

	// The program is shipped as several bundles, each with this class in it: one's errors are the other's too.
	static override [Symbol.hasInstance](value: unknown): value is JarvisError {
		return typeof value === 'object' && value !== null && brand in value;
	}

	get exitCode(): number {
		return errorTable[this.code].exit;
	}

	/** The form that `--json` prints on standard error. */
	toJSON(): {error: {code: ErrorCode; message: string; next: string; [detail: string]: unknown}} {
		return {error: {code: this.code, message: this.message, next: this.next, ...this.details}};
	}
}

/**
 * A path or a name as a word of a shell's line, for the commands that errors give. What could not be seen in it is written
 * out (POSIX.1-2024, Shell Command Language, 2.2.4).
 */
export function shellWord(path: string): string {
	if (path.search(unseen) < 0) return `'${path.replaceAll("'", String.raw`'\''`)}'`;
	const octal = (character: string) =>
		[...Buffer.from(character)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('');
	return `$'${path.replace(/[\\']/g, String.raw`\$&`).replace(unseen, octal)}'`;
}

/** Whether `error` is a system error of one of the given codes (`ENOENT` and the like). */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
	return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * Any thrown value as a JarvisError. Faults of the program itself keep their cause but not their message,
 * which might quote a secret; `JARVIS_DEBUG` shows the stack.
 */
export function asJarvisError(error: unknown): JarvisError {
	if (error instanceof JarvisError) return error;
	if (isSystemError(error, 'ENOSPC', 'EDQUOT')) {
		return new JarvisError(
			'store_full',
			`The disk is full (${error.path ?? 'while writing'}).`,
			'Free some space and try again: nothing was lost, the old file is untouched.',
			{cause: error},
		);
	}
	if (
		isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'EIO', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EMFILE', 'ENFILE')
	) {
		return new JarvisError(
			'store_inaccessible',
			`${error.path ?? 'A file'} cannot be ${error.syscall === 'open' ? 'opened' : 'used'} (${error.code}).`,
			`Check who owns it: ls -ld ${error.path ? shellWord(error.path) : '~/.jarvis'}`,
			{cause: error},
		);
	}
	const name = error instanceof Error ? error.name : typeof error;
	return new JarvisError(
		'unexpected',
		`JARVIS met a fault of its own (${name}).`,
		'Run the command again with JARVIS_DEBUG=1 to see where, and report it.',
		{cause: error},
	);
}
