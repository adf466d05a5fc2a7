import {join} from 'node:path';
import {canary} from './sandbox.ts';
import {put} from './state-folder.ts';

/** The files of other programs as these write them, with secrets that open nothing. */

export const secondMs = 1000;
export const dayMs = 86_400_000;

/** A JWT of these claims, signed by nobody. */
export function jwt(claims: Readonly<Record<string, unknown>>): string {
	const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({alg: 'none'})}.${part(claims)}.${canary('signature')}`;
}

export interface CodexLogin {
	readonly account?: string;
	readonly email?: string;
	readonly refresh?: string;
	/** When its access token runs out (epoch ms). */
	readonly expires: number;
	readonly apiKey?: string;
}

/** The file of Codex after a ChatGPT login. Returns where it is, and its access token. */
export function writeCodex(
	home: string,
	{
		account = 'account-maya',
		email = 'maya@example.test',
		refresh = canary('codex-refresh'),
		...login
	}: CodexLogin,
): {readonly file: string; readonly access: string} {
	const file = join(home, '.codex', 'auth.json');
	const exp = Math.floor(login.expires / secondMs);
	const access = jwt({
		...{exp, iat: exp - 864_000, jti: canary('codex-access')},
		'https://api.openai.com/auth': {chatgpt_account_id: account},
	});
	put(file, {
		...{auth_mode: 'chatgpt', OPENAI_API_KEY: login.apiKey ?? null},
		tokens: {id_token: jwt({email}), access_token: access, refresh_token: refresh, account_id: account},
		last_refresh: new Date(login.expires - 10 * dayMs).toISOString(),
	});
	return {file, access};
}

/** The file of Claude Code, and its settings, which tell whose it is. */
export function writeClaude(home: string, expires: number, email = 'maya@example.test'): string {
	const file = join(home, '.claude', '.credentials.json');
	put(file, {
		claudeAiOauth: {
			...{accessToken: canary('claude-access'), refreshToken: canary('claude-refresh'), expiresAt: expires},
			...{scopes: ['user:inference'], subscriptionType: 'max'},
		},
	});
	put(join(home, '.claude.json'), {oauthAccount: {accountUuid: `uuid-${email}`, emailAddress: email}});
	return file;
}

export function writeGemini(home: string, expires: number): string {
	const file = join(home, '.gemini', 'oauth_creds.json');
	put(file, {
		...{access_token: canary('gemini-access'), refresh_token: canary('gemini-refresh'), expiry_date: expires},
		...{token_type: 'Bearer', id_token: jwt({email: 'maya@example.test', sub: '1234'})},
	});
	return file;
}

/** The file of gh: two accounts at GitHub, of which one is in the keychain, and one at another host. */
export function writeGh(home: string): string {
	const file = join(home, '.config', 'gh', 'hosts.yml');
	put(
		file,
		`github.com:
    git_protocol: https
    users:
        maya:
            oauth_token: ${canary('gh-maya')}
        work-bot:
    user: maya
    oauth_token: ${canary('gh-maya')}
ghe.example.test:
    user: maya
    oauth_token: ${canary('ghe')}
`,
	);
	return file;
}

export function writePi(home: string, expires: number): string {
	const file = join(home, '.pi', 'agent', 'auth.json');
	put(file, {
		anthropic: {type: 'api_key', key: '!pass show anthropic'},
		'github-copilot': {type: 'oauth', access: canary('pi-access'), refresh: canary('pi-refresh'), expires},
		groq: {type: 'api_key', key: canary('pi-groq')},
	});
	return file;
}

/** All of them, good for a while after `now` (epoch ms), in one home. */
export function writeAll(home: string, now: number): void {
	writeCodex(home, {expires: now + 9 * dayMs});
	writeClaude(home, now + 8 * 3_600_000);
	writeGemini(home, now - 60_000);
	writeGh(home);
	writePi(home, now + 20 * 60_000);
}
