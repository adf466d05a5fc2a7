import {join, resolve} from 'node:path';
import {JarvisError, shellWord} from '../errors.ts';
import {digest} from './digest.ts';
import {isObject, type JsonObject, member, parseJsonFile, readTextIfThere, textMember} from './json.ts';
import {homeFolder, type StatePaths} from './paths.ts';
import {optional} from './schema.ts';

/**
 * The login of the Codex CLI, in a folder that is Codex's own. What JARVIS does not know of the file stays
 * as it is.
 */

/**
 * How Codex names a login whose tokens somebody else renews. It then asks no token endpoint, whatever happens, and
 * reads its file again when a request is answered with 401; logging it out tells no server. Seen with 0.169
 * (docs/sink.md, "Write-back").
 */
export const renewedElsewhere = 'chatgptAuthTokens';

/** What is known of a Codex `auth.json`. */
export interface CodexAuth {
	/** `chatgpt` or `apikey` and others; older files have none. */
	readonly authMode?: string;
	readonly apiKey?: string;
	readonly tokens?: CodexTokens;
	/** When the tokens were got (epoch ms). */
	readonly lastRefresh?: number;
}

export interface CodexTokens {
	readonly idToken?: string;
	readonly accessToken?: string;
	readonly refreshToken?: string;
	readonly accountId?: string;
}

/** The folder of the Codex CLI: `$CODEX_HOME`, else `~/.codex`. */
export function codexHome(env: NodeJS.ProcessEnv): string {
	return env.CODEX_HOME ? resolve(env.CODEX_HOME) : join(homeFolder(env), '.codex');
}

/** The file in which Codex keeps its login. */
export function codexAuthFile(home: string): string {
	return join(home, 'auth.json');
}

/** The file, or what its name begins with, in which a login of Codex is kept that made way for ours. */
export function codexKeptFile(home: string): string {
	return `${codexAuthFile(home)}.before-jarvis`;
}

/** Decodes a parsed `auth.json`. What is of another type than known counts as absent. */
export function decodeCodexAuth(document: JsonObject): CodexAuth {
	const tokens = member(document, 'tokens');
	const lastRefresh = Date.parse(textMember(document, 'last_refresh') ?? '');
	return {
		...optional('authMode', textMember(document, 'auth_mode')),
		...optional('apiKey', textMember(document, 'OPENAI_API_KEY')),
		...optional('tokens', isObject(tokens) ? decodeTokens(tokens) : undefined),
		...optional('lastRefresh', Number.isNaN(lastRefresh) ? undefined : lastRefresh),
	};
}

/**
 * The login in a Codex folder, or `undefined` where there is none.
 * @throws `store_damaged`, system errors
 */
export async function readCodexAuth(home: string): Promise<CodexAuth | undefined> {
	const file = codexAuthFile(home);
	const text = readTextIfThere(file);
	return text === undefined ? undefined : decodeCodexAuth(await parseJsonFile(file, text, 'hand'));
}

/**
 * Changes the login in a Codex folder: lock, read, `edit`, durable private write. Nothing is written when
 * `edit` changes nothing. Codex heeds no lock of ours: what it wrote meanwhile is not written over.
 *
 * @param edit changes the document in place; `current` is `undefined` where there is no file yet
 * @returns what `edit` returned
 * @throws `store_damaged` (the file is left as it is), `store_changed`, `lock_timeout`, `lock_lost`, system
 * errors, and whatever `edit` throws
 */
export async function updateCodexAuth<T>(
	paths: StatePaths,
	home: string,
	edit: (document: JsonObject, current: CodexAuth | undefined) => T,
): Promise<T> {
	const [{withLock}, {followLink, writeDurably}] = await Promise.all([
		import('./lock.ts'),
		import('./write.ts'),
	]);
	const file = codexAuthFile(home);
	return withLock(paths.locks, `foreign-${digest(followLink(file))}`, async lock => {
		const text = readTextIfThere(file);
		const document = text === undefined ? {} : await parseJsonFile(file, text, 'hand');
		const before = JSON.stringify(document);
		const result = edit(document, text === undefined ? undefined : decodeCodexAuth(document));
		if (JSON.stringify(document) === before) return result;
		await lock.commit(() =>
			writeDurably(file, `${JSON.stringify(document, undefined, 2)}\n`, {
				beforeReplacing: () => {
					if (readTextIfThere(file) !== text) throw changed(file);
				},
			}),
		);
		return result;
	});
}

function decodeTokens(tokens: JsonObject): CodexTokens {
	return {
		...optional('idToken', textMember(tokens, 'id_token')),
		...optional('accessToken', textMember(tokens, 'access_token')),
		...optional('refreshToken', textMember(tokens, 'refresh_token')),
		...optional('accountId', textMember(tokens, 'account_id')),
	};
}

function changed(file: string): JarvisError {
	return new JarvisError(
		'store_changed',
		`Another program wrote ${file} at the same moment. It is left as that program wrote it.`,
		`Look at it, and run the command again: ls -l ${shellWord(file)}`,
	);
}
