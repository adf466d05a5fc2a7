import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {
	type CodexAuth,
	type CodexTokens,
	codexAuthFile,
	codexHome,
	codexKeptFile,
	decodeCodexAuth,
	readCodexAuth,
	renewedElsewhere,
	updateCodexAuth,
} from '../store/codex-auth.ts';
import {type JsonObject, objectMember, readTextIfThere} from '../store/json.ts';
import {optional} from '../store/schema.ts';
import {writeDurably} from '../store/write.ts';
import {claimsOf, claimText, expiryClaim} from './claims.ts';
import {codexLogin} from './providers/openai-codex.ts';
import type {Standing, StepLogin, StepProgram} from './write-back-programs.ts';

/** The Codex CLI, its app server and what is made over that: all read one file. */
export const codexProgram: StepProgram = {
	id: 'codex',
	label: 'Codex CLI',
	provider: 'openai-codex',
	ownLogin: 'codex login',
	home: codexHome,
	file: codexAuthFile,
	hindrance(home) {
		const config = readTextIfThere(join(home, 'config.toml')) ?? '';
		const [, store] = /^\s*cli_auth_credentials_store\s*=\s*["'](\w+)["']/m.exec(config) ?? [];
		if (store === undefined || store === 'file') return undefined;
		return `cli_auth_credentials_store is "${store}" in ${join(home, 'config.toml')}: set it to "file"`;
	},
	// Where there is no ID token it reads of the access token whose login it is.
	takes: access => claimsOf(access) !== undefined,
	async read(home) {
		return standingOf(await readCodexAuth(home));
	},
	async write(paths, home, decide, isSpentHere) {
		let original: string | undefined;
		await updateCodexAuth(paths, home, (document, current) => {
			const standing = standingOf(current);
			const login = decide(standing);
			if (!login) return;
			if (login.keepsOriginal) original = keepOriginal(home, document, standing, isSpentHere);
			put(document, login);
		});
		return original;
	},
};

function standingOf(auth: CodexAuth | undefined): Standing {
	const {authMode, apiKey, tokens} = auth ?? {};
	const claims = [tokens?.idToken, tokens?.accessToken].map(claimsOf);
	const account = tokens?.accountId ?? claimText(codexLogin.accountIdClaim, ...claims);
	if (tokens?.refreshToken) {
		return {
			...{kind: 'login', refresh: tokens.refreshToken},
			...optional('account', account),
			...optional('expires', expiryClaim(tokens.accessToken)),
		};
	}
	if (tokens?.accessToken) {
		return {kind: 'token', access: tokens.accessToken, ...optional('account', account)};
	}
	if (apiKey) return {kind: 'other', what: 'an API key'};
	if (authMode === undefined || authMode === 'chatgpt' || authMode === renewedElsewhere)
		return {kind: 'nobody'};
	return {kind: 'other', what: `a login of the kind ${authMode}`};
}

function put(document: JsonObject, {access, account, at}: StepLogin): void {
	document.auth_mode = renewedElsewhere;
	const tokens = objectMember(document, 'tokens');
	if (!isIdTokenOf(account, decodeCodexAuth(document).tokens)) tokens.id_token = access;
	tokens.access_token = access;
	// Without this member Codex takes nobody to be logged in.
	tokens.refresh_token = '';
	tokens.account_id = account;
	document.last_refresh = new Date(at).toISOString();
}

/**
 * Whether there is an ID token of the account, and not an access token in its place. Codex reads of it whose login
 * it is, however old it is, and one that runs refuses to go on with another person's.
 */
function isIdTokenOf(account: string, tokens: CodexTokens | undefined): boolean {
	if (!tokens?.idToken || tokens.idToken === tokens.accessToken) return false;
	return claimText(codexLogin.accountIdClaim, claimsOf(tokens.idToken)) === account;
}

// A refresh token that is spent here would, put back by hand, end the grant of everybody.
function keepOriginal(
	home: string,
	document: JsonObject,
	standing: Standing,
	isSpentHere: (refresh: string) => boolean,
): string {
	const kept = structuredClone(document);
	if (standing.kind === 'login' && isSpentHere(standing.refresh)) {
		objectMember(kept, 'tokens').refresh_token = '';
	}
	const name = codexKeptFile(home);
	let file = name;
	for (let count = 1; existsSync(file); count += 1) file = `${name}.${count}`;
	writeDurably(file, `${JSON.stringify(kept, undefined, 2)}\n`);
	return file;
}
