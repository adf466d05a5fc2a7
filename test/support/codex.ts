import {readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {expiryClaim} from '../../source/auth/claims.ts';
import type {
	AuthorizationServer,
	AuthorizationServerOptions,
} from '../../source/sandbox/authorization-server.ts';
import {codexAuthFile} from '../../source/store/codex-auth.ts';
import type {TokenSource} from './api-client.ts';
import {
	obtainTokens,
	openSandbox,
	readStore,
	type Sandbox,
	temporaryFolder,
	writeJson,
	writeStore,
} from './sandbox.ts';

/** The profile that `openCodexSandbox` makes, of the account that the server logs in first. */
export const codexProfile = 'openai-codex:maya@example.test';
export const codexAccount = 'sandbox-account-maya';

export interface CodexSandbox extends Sandbox {
	/** Codex's own folder, empty as yet. */
	readonly home: string;
	readonly authFile: string;
	/** The environment of a program that knows of nothing else. */
	readonly env: NodeJS.ProcessEnv;
}

/** A Codex `auth.json` as a test reads it. */
export interface CodexFile {
	readonly auth_mode?: string;
	readonly OPENAI_API_KEY?: string | null;
	readonly tokens?: Record<string, string>;
	readonly last_refresh?: string;
	readonly [unknown: string]: unknown;
}

/** A state folder with a Codex login at the real authorization server, in place of OpenAI's. */
export async function openCodexSandbox(
	options: Partial<AuthorizationServerOptions> = {},
): Promise<CodexSandbox> {
	const sandbox = await openSandbox(options);
	const {server, stateDir, paths} = sandbox;
	const home = join(temporaryFolder(), 'codex');
	const {issuer, authorizationEndpoint, tokenEndpoint, clientId} = server;
	const auth = {issuer, authorizationEndpoint, tokenEndpoint, clientId};
	writeJson(paths.config, {models: {providers: {'openai-codex': {auth}}}});
	writeStore(sandbox, 'main', {version: 1, profiles: {[codexProfile]: await codexEntry(server)}});
	const env = {CODEX_HOME: home, HOME: join(stateDir, 'no-home')};
	return {
		...sandbox,
		...{home, env, authFile: codexAuthFile(home)},
		open: (more = {}) => sandbox.open({env, ...more}),
	};
}

/** A grant that the server really made, as a stored Codex login whose token is good for a minute. */
export async function codexEntry(
	server: AuthorizationServer,
	email = 'maya@example.test',
): Promise<Record<string, unknown>> {
	const tokens = await obtainTokens(server, email);
	const {expires_in: expiresIn = 60} = tokens;
	return {
		type: 'oauth',
		provider: 'openai-codex',
		access: tokens.access_token,
		refresh: tokens.refresh_token,
		expires: Date.now() + expiresIn * 1000,
		expiresIn,
		accountId: `sandbox-account-${email.split('@')[0]}`,
		email,
	};
}

/** Codex's own file. */
export function codexFile({authFile}: CodexSandbox): CodexFile {
	return JSON.parse(readFileSync(authFile, 'utf8'));
}

/** The stored Codex login. */
export function storedCodex(sandbox: Sandbox): Record<string, unknown> {
	return readStore(sandbox).profiles[codexProfile] ?? {};
}

/** A JWT that says whose login it is, as Codex reads it; nobody looks at its signature. */
export function idTokenOf(account: string): string {
	const auth = {chatgpt_account_id: account, chatgpt_user_id: `user-of-${account}`, chatgpt_plan_type: 'pro'};
	const claims = {exp: 1, email: 'maya@example.test', 'https://api.openai.com/auth': auth};
	return [{alg: 'none'}, claims]
		.map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
		.join('.')
		.concat('.x');
}

/** What Codex itself writes when it logs in: tokens of its own. */
export function ownLogin(entry: Record<string, unknown>, changes: Record<string, unknown> = {}): CodexFile {
	return {
		auth_mode: 'chatgpt',
		OPENAI_API_KEY: null,
		tokens: {
			id_token: idTokenOf(String(entry.accountId)),
			access_token: String(entry.access),
			refresh_token: String(entry.refresh),
			account_id: String(entry.accountId),
		},
		last_refresh: new Date().toISOString(),
		...changes,
	};
}

/**
 * What Codex 0.169 was seen to do with its file (docs/sink.md): a login of its own is refreshed by itself when
 * its token has less than five minutes left, or was refused and the file holds no other one; a token that
 * somebody else renews is used until it is refused, and then read again.
 */
export async function codexTokens(
	authFile: string,
	{tokenEndpoint, clientId}: Pick<AuthorizationServer, 'tokenEndpoint' | 'clientId'>,
): Promise<TokenSource> {
	const read = async (): Promise<CodexFile> => JSON.parse(await readFile(authFile, 'utf8'));
	let held = await read();
	const isOwn = () => held.auth_mode === 'chatgpt';
	const readAgain = async () => {
		const before = held.tokens?.access_token;
		held = await read();
		return held.tokens?.access_token !== before;
	};
	const refresh = async () => {
		const response = await fetch(tokenEndpoint, {
			method: 'POST',
			body: new URLSearchParams({
				...{grant_type: 'refresh_token', client_id: clientId},
				refresh_token: held.tokens?.refresh_token ?? '',
			}),
		});
		const reply = (await response.json()) as Record<string, string>;
		if (!response.ok) return;
		held = {...held, tokens: {...held.tokens, ...reply}, last_refresh: new Date().toISOString()};
		writeJson(authFile, held);
	};
	const hasLittleLeft = () => (expiryClaim(held.tokens?.access_token) ?? 0) < Date.now() + 5 * 60_000;
	return async refused => {
		const isWanted = refused !== undefined || (isOwn() && hasLittleLeft());
		if (isWanted && !(await readAgain()) && isOwn()) await refresh();
		return held.tokens?.access_token ?? '';
	};
}
