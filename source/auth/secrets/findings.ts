import {asJarvisError, shellWord} from '../../errors.ts';

/**
 * What an audit of the secrets at rest can find, as data. The code is stable: scripts may rely on it.
 * `unresolved` is more than `finding`: something will not work. `info` is how it has to be.
 */
export const findingTable = {
	plaintext_secret: {
		level: 'finding',
		meaning: 'An API key or a token is in a file as it is, where a ref could stand.',
	},
	plaintext_beside_ref: {
		level: 'finding',
		meaning: 'A profile has a secret beside its ref, which alone is used.',
	},
	plaintext_in_config: {
		level: 'finding',
		meaning: 'jarvis.json, which is to hold no secrets, has one in it.',
	},
	plaintext_in_copy: {
		level: 'finding',
		meaning:
			'A backup, a damaged version that was kept, or what a write that was cut off has left, holds a secret that the file itself has no more.',
	},
	legacy_plaintext: {
		level: 'finding',
		meaning:
			'A file of an older program holds secrets that are not stored here, or was set aside when they were.',
	},
	leftover_salvaged: {
		level: 'finding',
		meaning: 'Doctor has set a file aside in `salvaged/`, because it may hold the only copy of a secret.',
	},
	leftover_agent: {level: 'finding', meaning: 'A deleted agent’s folder was not removed wholly.'},
	kept_reply: {
		level: 'finding',
		meaning: 'The journal holds a new token that the store could not take yet.',
	},
	bad_mode: {level: 'finding', meaning: 'Others can read or change a file or folder.'},
	bad_owner: {level: 'finding', meaning: 'A file or folder belongs to another user.'},
	unreadable_file: {level: 'finding', meaning: 'A file could not be read, and so not be judged.'},
	unresolved_ref: {level: 'unresolved', meaning: 'A ref does not resolve.'},
	malformed_ref: {level: 'unresolved', meaning: 'What stands where a ref belongs is none.'},
	oauth_with_ref: {level: 'unresolved', meaning: 'An OAuth profile has a ref, which it cannot have.'},
	sealed_unused: {level: 'info', meaning: 'A sealed secret is used by no ref.'},
	legacy_stored: {
		level: 'info',
		meaning:
			'A file of an older program holds a key or a token that is stored here too, for programs that read it there.',
	},
	legacy_oauth: {
		level: 'info',
		meaning: 'A file of an older program holds OAuth tokens, which stay there for programs that read it.',
	},
	oauth_at_rest: {
		level: 'info',
		meaning:
			'OAuth tokens are in the file (0600): each refresh writes new ones, so that no ref can stand for them.',
	},
} as const satisfies Record<string, {level: FindingLevel; meaning: string}>;

export type FindingLevel = 'finding' | 'unresolved' | 'info';
export type FindingCode = keyof typeof findingTable;

export interface SecretFinding {
	readonly code: FindingCode;
	readonly file: string;
	readonly agentId?: string;
	/** The profile, or the path of a member of `jarvis.json`. */
	readonly place?: string;
	/** What was found, in words without a secret. */
	readonly message: string;
	/** The one command that helps; absent where there is nothing to do. */
	readonly next?: string;
}

/** The exit code of `secrets audit --check`: 2 where a ref does not resolve, 1 for any other finding. */
export function checkCode(findings: readonly SecretFinding[]): 0 | 1 | 2 {
	const levels = new Set<FindingLevel>(findings.map(({code}) => findingTable[code].level));
	return levels.has('unresolved') ? 2 : levels.has('finding') ? 1 : 0;
}

const severity: readonly FindingLevel[] = ['unresolved', 'finding', 'info'];

/** Findings, what will not work first and what has to be so last. */
export function bySeverity(findings: readonly SecretFinding[]): SecretFinding[] {
	const rank = ({code}: SecretFinding) => severity.indexOf(findingTable[code].level);
	return findings.toSorted((a, b) => rank(a) - rank(b));
}

/** What to do with a file that was kept for what may be in no other one. */
export function removeAfterLook(file: string): string {
	return `Look into it for what is in no other file, then remove it: rm ${shellWord(file)}`;
}

/** The finding of a file that could not be read. */
export function unreadableFile(file: string, error: unknown): SecretFinding {
	const {message, next} = asJarvisError(error);
	return {code: 'unreadable_file', file, message, next};
}
