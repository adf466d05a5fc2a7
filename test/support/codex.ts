import {join} from 'node:path';
import type {
	AuthorizationServer,
	AuthorizationServerOptions,
} from '../../source/sandbox/authorization-server.ts';
import {codexAuthFile} from '../../source/store/codex-auth.ts';
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
	const {authorizationEndpoint, tokenEndpoint, clientId} = server;
	writeJson(paths.config, {
		models: {providers: {'openai-codex': {auth: {authorizationEndpoint, tokenEndpoint, clientId}}}},
	});
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

/** The stored Codex login. */
export function storedCodex(sandbox: Sandbox): Record<string, unknown> {
	return readStore(sandbox).profiles[codexProfile] ?? {};
}

/** What Codex itself writes when it logs in: tokens of its own. */
export function ownLogin(entry: Record<string, unknown>, changes: Record<string, unknown> = {}): CodexFile {
	return {
		auth_mode: 'chatgpt',
		OPENAI_API_KEY: null,
		tokens: {
			id_token: String(entry.access),
			access_token: String(entry.access),
			refresh_token: String(entry.refresh),
			account_id: String(entry.accountId),
		},
		last_refresh: new Date().toISOString(),
		...changes,
	};
}
