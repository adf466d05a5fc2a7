import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {removeProfile} from '../store/edit.ts';
import {statePaths} from '../store/paths.ts';
import {updateCredentials} from '../store/profiles.ts';

/** The person's folder in the sandbox: what other programs on the machine are logged in with. */
export function sandboxHome(stateDir: string): string {
	return join(stateDir, 'home');
}

/** Variables by which other programs are told where they keep their logins: of the machine's own, none goes in. */
export const placesElsewhere: Readonly<Record<string, undefined>> = {
	...{
		CODEX_HOME: undefined,
		CLAUDE_CONFIG_DIR: undefined,
		GH_CONFIG_DIR: undefined,
		XDG_CONFIG_HOME: undefined,
	},
	...{
		PI_CODING_AGENT_DIR: undefined,
		OPENCLAW_STATE_DIR: undefined,
		APPDATA: undefined,
		GEMINI_CLI_HOME: undefined,
	},
};

/**
 * Logs the programs in: Codex at the sandbox's server, by a login that an agent has made and gives away, so
 * that it can be adopted and refreshed; the others with what opens nothing.
 */
export async function logInElsewhere(stateDir: string, agentId: string, profileId: string): Promise<void> {
	const login = await updateCredentials(statePaths(stateDir), agentId, (document, current) => {
		removeProfile(document, profileId);
		return current.profiles.get(profileId);
	});
	if (login?.type === 'oauth') {
		const {access, refresh, accountId, email} = login;
		put(stateDir, '.codex/auth.json', {
			...{auth_mode: 'chatgpt', OPENAI_API_KEY: null, last_refresh: new Date().toISOString()},
			tokens: {
				...{id_token: unsigned({email}), access_token: access},
				...{refresh_token: refresh, account_id: accountId},
			},
		});
	}
	put(stateDir, '.claude/.credentials.json', {
		claudeAiOauth: {
			...{accessToken: secret('claude'), refreshToken: secret('claude-refresh')},
			expiresAt: Date.now() + 7 * 3_600_000,
		},
	});
	put(stateDir, '.config/gh/hosts.yml', `github.com:\n    user: maya\n    oauth_token: ${secret('gh')}\n`);
}

/** Keeps the secrets that refs of the sandbox lead to. Returns the file. */
export function keepElsewhere(stateDir: string): string {
	return put(stateDir, '.vault.json', {openai: secret('openai'), mistral: secret('mistral')});
}

function put(stateDir: string, name: string, content: unknown): string {
	const file = join(sandboxHome(stateDir), name);
	mkdirSync(dirname(file), {recursive: true, mode: 0o700});
	const text = typeof content === 'string' ? content : `${JSON.stringify(content, undefined, 2)}\n`;
	writeFileSync(file, text, {mode: 0o600});
	return file;
}

function unsigned(claims: object): string {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({alg: 'none'})}.${part(claims)}.`;
}

function secret(kind: string): string {
	return `sandbox-${kind}-that-opens-nothing-at-all`;
}
