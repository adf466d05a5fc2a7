import {readdirSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {fingerprint} from '../auth/identity.ts';
import {type Place, programs} from '../auth/import/programs.ts';
import {shellWord} from '../errors.ts';
import {isObject, readTextIfThere, tryParseJson} from '../store/json.ts';
import {openclawHome} from '../store/openclaw/folder.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, oauthProfiles, type Subject} from './subject.ts';

/** A program that keeps logins of its own, and the files in which it does. */
interface Holder {
	readonly program: string;
	readonly files: (place: Place) => readonly string[];
}

/** Those whose logins can be imported one by one, and others. */
const holders: readonly Holder[] = [
	...programs.map(({label, files}) => ({program: label, files})),
	{
		program: 'openclaw',
		files: ({env}) => {
			const root = openclawHome(env);
			const agents = namesIn(join(root, 'agents')).map(id => join(root, 'agents', id, 'agent'));
			return [
				join(root, 'credentials', 'oauth.json'),
				...agents.flatMap(folder => [join(folder, 'auth-profiles.json'), join(folder, 'auth.json')]),
			];
		},
	},
	{
		program: 'opencode',
		files: ({env}) => {
			const data = env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local/share');
			return [join(data, 'opencode', 'auth.json')];
		},
	},
];

/** Members by which programs call a refresh token. */
const memberNames: readonly string[] = ['refresh', 'refresh_token', 'refreshToken'];

/** Deeper than this no program keeps one. */
const deepest = 8;

/** Other programs that hold the refresh token of a profile. */
export function checkElsewhere(subject: Subject): Finding[] {
	const {env, paths, machine} = subject;
	const own = new Map(
		oauthProfiles(subject).flatMap(profile =>
			profile.credential.refresh ? [[fingerprint(profile.credential.refresh), profile] as const] : [],
		),
	);
	if (own.size === 0) return [];
	return holders.flatMap(({program, files}) =>
		files({env, platform: machine.platform})
			// The state folder may be one that another program reads too.
			.filter(file => !file.startsWith(join(paths.root, '/')))
			.flatMap(file =>
				[...new Set(refreshTokens(file).map(fingerprint))].flatMap(token => {
					const profile = own.get(token);
					if (!profile) return [];
					const {agentId, profileId, credential} = profile;
					return [
						finding('grant_elsewhere', {
							where: `${nameOf(profile)}, ${file}`,
							what: `${program} holds the same refresh token: the one that refreshes first logs the other one out.`,
							next: `jarvis models auth login --provider ${credential.provider} --agent ${agentId} --profile-id ${shellWord(profileId)}`,
						}),
					];
				}),
			),
	);
}

// A file that cannot be read is another program's affair.
function refreshTokens(file: string): string[] {
	try {
		return tokensIn(tryParseJson(readTextIfThere(file) ?? ''), 0);
	} catch {
		return [];
	}
}

function tokensIn(value: unknown, depth: number): string[] {
	if (depth > deepest) return [];
	if (Array.isArray(value)) return value.flatMap(element => tokensIn(element, depth + 1));
	if (!isObject(value)) return [];
	return Object.entries(value).flatMap(([name, inner]) =>
		typeof inner === 'string' && inner !== '' && memberNames.includes(name)
			? [inner]
			: tokensIn(inner, depth + 1),
	);
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch {
		return [];
	}
}
