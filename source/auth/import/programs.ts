import {basename, dirname, join, resolve} from 'node:path';
import {codexAuthFile, codexHome, decodeCodexAuth, renewedElsewhere} from '../../store/codex-auth.ts';
import {isObject, type JsonObject, member, textMember} from '../../store/json.ts';
import {homeFolder, isProviderId} from '../../store/paths.ts';
import {type Credential, optional} from '../../store/schema.ts';
import {claimsOf, claimText} from '../claims.ts';
import {providerFlag} from '../profile-commands.ts';
import {codexLogin} from '../providers/openai-codex.ts';

/** Where programs are looked for. */
export interface Place {
	readonly env: NodeJS.ProcessEnv;
	readonly platform: NodeJS.Platform;
}

/** One login in a program's file. */
export interface Entry {
	/** Tells it from the others of the file. */
	readonly entry: string;
	/** What it is here, with its secrets. */
	readonly credential: Credential;
	/** How its account is called, for the profile's id, where that is no e-mail. */
	readonly name?: string;
	/** Why it cannot be taken from the file. */
	readonly problem?: string;
}

/** What a program's file is decoded with. */
export interface Contents {
	/** What is in the file, whatever its form. */
	readonly document: JsonObject;
	/** Where it was read, as `Program.files` names it. */
	readonly file: string;
	/** The home of whoever is logged in. */
	readonly home: string;
	/** Another file of the program, by its full path. */
	readonly read: (path: string) => JsonObject | undefined;
}

/** Another program that logs in on this machine: where it keeps that, and what it becomes here. */
export interface Program {
	readonly id: string;
	readonly label: string;
	/** The command that has it renew its own login. */
	readonly renewedBy: string;
	/** The files that it may be in, the one that the program prefers first. */
	readonly files: (place: Place) => readonly string[];
	readonly form: 'json' | 'yaml';
	readonly decode: (contents: Contents) => readonly Entry[];
	/** How it goes on once JARVIS refreshes its login, where it has one that is refreshed. */
	readonly afterAdopting?: string;
}

/** Stands in for a path where a login is in the keychain of macOS. */
export const keychainPrefix = 'keychain:';

/** The home in which programs keep their logins. */
export const homeOf = ({env}: Pick<Place, 'env'>) => env.HOME || env.USERPROFILE || homeFolder(env);

const codex: Program = {
	id: 'codex',
	label: 'Codex CLI',
	renewedBy: 'codex',
	files: ({env}) => [codexAuthFile(codexHome(env))],
	form: 'json',
	decode({document}) {
		const {authMode, apiKey, tokens} = decodeCodexAuth(document);
		const {accessToken, refreshToken, idToken, accountId} = tokens ?? {};
		const claims = [claimsOf(accessToken), claimsOf(idToken)] as const;
		const account = accountId ?? claimText(codexLogin.accountIdClaim, ...claims);
		const email = claimText(codexLogin.emailClaim, claims[1], claims[0]);
		return [
			...(accessToken || refreshToken
				? [
						{
							entry: 'tokens',
							credential: {
								...{type: 'oauth' as const, provider: 'openai-codex'},
								...optional('access', accessToken),
								...optional('refresh', refreshToken),
								...lifetimeOf(claims[0]),
								...optional('accountId', account),
								...optional('email', email),
							},
							...(authMode === renewedElsewhere
								? {problem: 'its tokens are written there by somebody else, by JARVIS where write-back is on'}
								: {}),
						},
					]
				: []),
			...(apiKey
				? [{entry: 'OPENAI_API_KEY', credential: {type: 'api_key' as const, provider: 'openai', key: apiKey}}]
				: []),
		];
	},
	afterAdopting:
		'Codex is logged out at the next refresh here, unless it has its tokens from JARVIS: jarvis models auth write-back on codex',
};

/** The folder of Claude Code in a home, unless another one was chosen. */
const claudeName = '.claude';

const claude: Program = {
	id: 'claude',
	label: 'Claude Code',
	renewedBy: 'claude',
	files: place => [
		join(claudeFolder(place), '.credentials.json'),
		...(place.platform === 'darwin' ? [`${keychainPrefix}Claude Code-credentials`] : []),
	],
	form: 'json',
	decode({document, file, home, read}) {
		const login = member(document, 'claudeAiOauth');
		const access = textMember(login, 'accessToken');
		const refresh = textMember(login, 'refreshToken');
		if (!access && !refresh) return [];
		const settings = claudeSettings(file, home).flatMap(path => read(path) ?? []);
		// Whose it is stands in the program's settings.
		const account = member(settings[0], 'oauthAccount');
		return [
			{
				entry: 'claudeAiOauth',
				credential: {
					...{type: 'oauth', provider: 'anthropic'},
					...optional('access', access),
					...optional('refresh', refresh),
					...expiresAt(member(login, 'expiresAt')),
					...optional('accountId', textMember(account, 'accountUuid')),
					...optional('email', textMember(account, 'emailAddress')),
				},
			},
		];
	},
	afterAdopting:
		'Claude Code is logged out at the next refresh here, unless it has its token from JARVIS: its setting "apiKeyHelper" takes a command.',
};

const gemini: Program = {
	id: 'gemini',
	label: 'Gemini CLI',
	renewedBy: 'gemini',
	files: place => [join(place.env.GEMINI_CLI_HOME || homeOf(place), '.gemini', 'oauth_creds.json')],
	form: 'json',
	decode({document, file, read}) {
		const access = textMember(document, 'access_token');
		const refresh = textMember(document, 'refresh_token');
		if (!access && !refresh) return [];
		const claims = claimsOf(textMember(document, 'id_token'));
		const email =
			textMember(claims, 'email') ?? textMember(read(join(dirname(file), 'google_accounts.json')), 'active');
		return [
			{
				entry: 'oauth_creds',
				credential: {
					...{type: 'oauth', provider: 'google-gemini-cli'},
					...optional('access', access),
					...optional('refresh', refresh),
					...expiresAt(member(document, 'expiry_date')),
					...optional('accountId', textMember(claims, 'sub')),
					...optional('email', email),
				},
			},
		];
	},
	afterAdopting:
		'The Gemini CLI may be logged out at the next refresh here: its tokens come from its own login alone.',
};

const gh: Program = {
	id: 'gh',
	label: 'GitHub CLI',
	renewedBy: 'gh auth login',
	files: place => [join(ghFolder(place), 'hosts.yml')],
	form: 'yaml',
	decode: ({document}) =>
		Object.entries(document).flatMap(([host, settings]) => {
			const provider = host === 'github.com' ? 'github' : host;
			if (!isProviderId(provider)) return [];
			const active = textMember(settings, 'user');
			const users = member(settings, 'users');
			const names = new Set([...(isObject(users) ? Object.keys(users) : []), ...(active ? [active] : [])]);
			return [...names].map(name => {
				const own = textMember(member(users, name), 'oauth_token');
				const token = own ?? (name === active ? textMember(settings, 'oauth_token') : undefined);
				return {
					entry: `${host}/${name}`,
					name,
					credential: {type: 'token' as const, provider, ...optional('token', token)},
					...(token
						? {}
						: {
								problem: `gh keeps its token in the system’s keychain${pasteWords(host, name, provider)}`,
							}),
				};
			});
		}),
};

const pi: Program = {
	id: 'pi',
	label: 'pi',
	renewedBy: 'pi',
	files: place => [join(piFolder(place), 'auth.json')],
	form: 'json',
	decode: ({document}) =>
		Object.entries(document).flatMap(([provider, entry]): readonly Entry[] => {
			if (!isObject(entry) || !isProviderId(provider)) return [];
			const access = textMember(entry, 'access');
			const refresh = textMember(entry, 'refresh');
			if (textMember(entry, 'type') === 'oauth' && (access || refresh)) {
				const host = textMember(entry, 'enterpriseUrl');
				const credential: Credential = {
					...{type: 'oauth', provider},
					...optional('access', access),
					...optional('refresh', refresh),
					...expiresAt(member(entry, 'expires')),
					...optional('accountId', textMember(entry, 'accountId')),
					...optional('email', textMember(entry, 'email')),
					...(host ? {metadata: {host}} : {}),
				};
				return [{entry: provider, credential}];
			}
			const key = textMember(entry, 'key') ?? '';
			const problem = key.startsWith('!')
				? 'its key is what a command prints'
				: /^[A-Z][A-Z0-9_]*$/.test(key)
					? `its key is in the environment variable ${key}`
					: undefined;
			if (key === '') return [];
			if (problem !== undefined) return [{entry: provider, credential: {type: 'api_key', provider}, problem}];
			return [{entry: provider, credential: {type: 'api_key', provider, key}}];
		}),
	afterAdopting:
		'pi is logged out at the next refresh here, unless it has its key from JARVIS: {"type": "api_key", "key": "!jarvis models auth token --provider <id>"} in its auth.json.',
};

/** All programs whose logins can be taken over. What is known of one is here and nowhere else. */
export const programs: readonly Program[] = [codex, claude, gemini, gh, pi];

function claudeFolder(place: Place): string {
	const chosen = place.env.CLAUDE_CONFIG_DIR;
	return chosen ? resolve(chosen) : join(homeOf(place), claudeName);
}

/** Where Claude Code keeps its settings: in its folder where that was chosen, and in the home above it by default. */
function claudeSettings(file: string, home: string): readonly string[] {
	if (file.startsWith(keychainPrefix)) return [join(home, '.claude.json')];
	const folder = dirname(file);
	const inFolder = join(folder, '.claude.json');
	return basename(folder) === claudeName ? [inFolder, join(folder, '..', '.claude.json')] : [inFolder];
}

function ghFolder(place: Place): string {
	const {GH_CONFIG_DIR, XDG_CONFIG_HOME, APPDATA} = place.env;
	if (GH_CONFIG_DIR) return resolve(GH_CONFIG_DIR);
	if (XDG_CONFIG_HOME) return join(resolve(XDG_CONFIG_HOME), 'gh');
	return place.platform === 'win32' && APPDATA
		? join(APPDATA, 'GitHub CLI')
		: join(homeOf(place), '.config', 'gh');
}

function piFolder(place: Place): string {
	const chosen = place.env.PI_CODING_AGENT_DIR;
	if (!chosen) return join(homeOf(place), '.pi', 'agent');
	return resolve(chosen.replace(/^~(?=\/|$)/, homeOf(place)));
}

// Only names that mean nothing to a shell are put into a command that a person may run.
function pasteWords(host: string, name: string, provider: string): string {
	if (![host, name].every(word => /^[\w.-]+$/.test(word))) return '';
	return `; to store it: gh auth token --hostname ${host} --user ${name} | jarvis models auth paste-token ${providerFlag(provider)} --profile-id ${provider}:${name}`;
}

/** When a token runs out, where it says so itself, and for how long it was issued. */
function lifetimeOf(claims: unknown): Pick<Extract<Credential, {type: 'oauth'}>, 'expires' | 'expiresIn'> {
	const exp = member(claims, 'exp');
	const iat = member(claims, 'iat');
	if (typeof exp !== 'number') return {};
	return {expires: exp * 1000, ...(typeof iat === 'number' && exp > iat ? {expiresIn: exp - iat} : {})};
}

function expiresAt(value: unknown): {readonly expires?: number} {
	return typeof value === 'number' && value > 0 ? {expires: value} : {};
}
