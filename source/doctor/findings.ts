/**
 * Everything that doctor can find, as data. The id is stable: scripts may rely on it. An `error` keeps a credential
 * from being used or gives it away, a `warning` will sooner or later, a `note` wants nothing.
 */
export const findingTable = {
	folder_mode: {
		severity: 'error',
		meaning: 'Others may look into a folder of the state folder, or change it.',
		fix: 'takes their rights away',
	},
	file_mode: {
		severity: 'error',
		meaning: 'Others may read or change a file of the state folder.',
		fix: 'takes their rights away',
	},
	owner_foreign: {
		severity: 'error',
		meaning: 'A file or folder belongs to another user, as after a run with sudo.',
	},
	file_unreadable: {severity: 'error', meaning: 'A file cannot be read at all.'},
	file_damaged: {
		severity: 'error',
		meaning: 'A file is not what it should be: cut off, or edited into something else.',
		fix: 'after asking, puts its newest good backup back and keeps the damaged one beside it',
	},
	config_fault: {severity: 'error', meaning: 'A part of jarvis.json does not say what it is meant to say.'},
	config_ignored: {
		severity: 'warning',
		meaning: 'A setting of jarvis.json is of another form than documented, and left out of use.',
	},
	entry_broken: {severity: 'warning', meaning: 'An entry of an agent’s file is kept, and left out of use.'},
	leftover_temporary: {
		severity: 'warning',
		meaning: 'A write that was cut off has left its temporary file, which may hold secrets.',
		fix: 'removes it where all its secrets are stored, else moves it to `salvaged/`',
	},
	leftover_agent: {
		severity: 'warning',
		meaning: 'The deletion of an agent was cut off: its credentials are still there.',
		fix: 'after asking, deletes the rest',
	},
	leftover_login: {
		severity: 'note',
		meaning: 'A login that nobody waits for any more has left its file.',
		fix: 'removes it',
	},
	lock_left: {
		severity: 'note',
		meaning: 'A process has died with a lock. The next one takes it over at once.',
		fix: 'removes it',
	},
	lock_stuck: {
		severity: 'warning',
		meaning: 'The holder of a lock has shown no sign of life for longer than it should take.',
	},
	reply_kept: {
		severity: 'warning',
		meaning: 'A new token is kept in the journal, because the store could not take it.',
		fix: 'stores it, or removes it where no profile is left that it is for',
	},
	refresh_cut_off: {
		severity: 'note',
		meaning: 'A refresh was cut off, and may have spent the refresh token that is stored.',
	},
	refresh_spent: {
		severity: 'error',
		meaning: 'A profile has an older refresh token again, which was spent: a backup was put back.',
		fix: 'takes the newest one from the copies of the files, if it is there; else the profile is marked',
	},
	refresh_shared: {
		severity: 'warning',
		meaning:
			'Two profiles hold one refresh token. JARVIS renews both at once; another program that reads one of them logs both out.',
	},
	account_twice: {
		severity: 'note',
		meaning: 'An agent has two logins of one account: they share its limits.',
	},
	grant_elsewhere: {
		severity: 'error',
		meaning:
			'Another program, or a file of an older one, holds the same refresh token: whoever refreshes first logs the other one out.',
	},
	grant_set_aside: {
		severity: 'note',
		meaning: 'A file that was set aside holds the refresh token of a profile. Put back, it logs both out.',
	},
	refresh_in_copy: {
		severity: 'warning',
		meaning:
			'A copy of an agent’s file holds the refresh token of a profile that has none any more: it was handed over.',
		fix: 'after asking, takes it out of all copies',
	},
	refresh_missing: {
		severity: 'warning',
		meaning: 'An OAuth profile has no refresh token: it ends with its access token.',
	},
	refresh_unsupported: {
		severity: 'warning',
		meaning:
			'An OAuth profile has a refresh token that its provider cannot use here: it ends with its access token.',
	},
	needs_login: {
		severity: 'error',
		meaning: 'A profile’s refresh token was refused by its server, or spent before: a person must log in.',
	},
	profile_unusable: {
		severity: 'error',
		meaning: 'A profile cannot be used: expired, without a secret, or malformed.',
	},
	profile_expiring: {severity: 'warning', meaning: 'A token that nothing renews runs out within a day.'},
	env_overrides: {
		severity: 'warning',
		meaning:
			'A variable holds another secret than the profiles: programs that are started from here use and bill that one.',
	},
	clock_behind: {
		severity: 'warning',
		meaning: 'What is stored comes from the future: this machine’s clock is behind, or was ahead.',
	},
	clock_off: {
		severity: 'warning',
		meaning: 'This machine’s clock differs from a provider’s by more than a minute (with `--online`).',
	},
	port_taken: {
		severity: 'warning',
		meaning: 'The port that a browser login comes back to is taken: such a login can only be pasted.',
	},
	file_system_remote: {
		severity: 'warning',
		meaning: 'The state folder is on a network file system, where locks and watching are less sure.',
	},
	disk_full: {severity: 'error', meaning: 'There is no room for the next token on the state folder’s disk.'},
	node_old: {severity: 'error', meaning: 'This Node.js is older than JARVIS needs.'},
	path_twice: {severity: 'warning', meaning: 'There are several `jarvis` on the PATH, and not the same one.'},
	tmux_clipboard: {
		severity: 'note',
		meaning: 'tmux lets no program copy: what JARVIS copies may get nowhere.',
	},
	plugin_out: {severity: 'warning', meaning: 'A plugin is out of use.'},
	binding_out: {severity: 'warning', meaning: 'A binding of messages to an agent is out of use.'},
	agent_without_folder: {
		severity: 'note',
		meaning: 'jarvis.json lists an agent that has no folder.',
		fix: 'makes the folder',
	},
	log_blocked: {severity: 'warning', meaning: 'The audit log cannot be written: nothing is noted.'},
	unchecked: {severity: 'warning', meaning: 'Something could not be looked at.'},
} as const satisfies Record<string, {severity: Severity; meaning: string; fix?: string}>;

export type Severity = 'error' | 'warning' | 'note';
export type FindingId = keyof typeof findingTable;

/** What `--fix` would do about a finding. */
export interface Mend {
	/** What is done, as a command to oneself: `remove it`. */
	readonly what: string;
	/** A person is asked first, each time. */
	readonly asks: boolean;
	readonly run: () => unknown;
}

export interface Finding {
	readonly id: FindingId;
	readonly severity: Severity;
	/** The file, the profile, the variable. */
	readonly where: string;
	/** One sentence. */
	readonly what: string;
	/** The one command that helps, or what to do where there is none. */
	readonly next: string;
	readonly mend?: Mend;
}

/** A finding of the severity that its kind has. */
export function finding(id: FindingId, {where, what, next, mend}: Omit<Finding, 'id' | 'severity'>): Finding {
	return {id, severity: findingTable[id].severity, where, what, next, ...(mend ? {mend} : {})};
}
