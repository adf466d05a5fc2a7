import {readdirSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {clean} from '../auth/facts.ts';
import {fingerprint} from '../auth/identity.ts';
import {type Place, programs} from '../auth/import/programs.ts';
import {readForeign} from '../auth/import/read.ts';
import {shellWord} from '../errors.ts';
import {codexHome, codexKeptFile} from '../store/codex-auth.ts';
import {isObject, tryParseJson} from '../store/json.ts';
import {asideOf, isUnseen} from '../store/legacy.ts';
import {openclawHome} from '../store/openclaw/folder.ts';
import {homeFolder} from '../store/paths.ts';
import {renewAdvice} from './advice.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, type OAuthProfile, oauthProfiles, type Subject} from './subject.ts';

/** A program that keeps logins of its own, and the files in which it does. */
interface Holder {
	/** By which it can be imported from. */
	readonly id?: string;
	readonly program: string;
	readonly files: (place: Place) => readonly string[];
}

/** Those whose logins can be imported one by one, and others. */
const holders: readonly Holder[] = [
	...programs.map(({id, label, files}) => ({id, program: label, files})),
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
			const data = env.XDG_DATA_HOME || join(homeFolder(env), '.local/share');
			return [join(data, 'opencode', 'auth.json')];
		},
	},
];

/** Members by which programs call a refresh token. */
const memberNames: readonly string[] = ['refresh', 'refresh_token', 'refreshToken'];

/** Deeper than this no program keeps one. */
const deepest = 8;

/** Files that hold the refresh token of a profile: of other programs, of older ones, and what was set aside. */
export function checkElsewhere(subject: Subject): Finding[] {
	const own = new Map(
		oauthProfiles(subject).flatMap(profile =>
			profile.credential.refresh ? [[fingerprint(profile.credential.refresh), profile] as const] : [],
		),
	);
	if (own.size === 0) return [];
	return [...ofPrograms(subject), ...ofOlder(subject), ...setAside(subject)].flatMap(({file, told}) =>
		[...new Set(refreshTokens(file).map(fingerprint))].flatMap(token => {
			const profile = own.get(token);
			if (!profile) return [];
			const {id, what, next} = told(profile);
			return [finding(id, {where: `${nameOf(profile)}, ${file}`, what, next})];
		}),
	);
}

/** A file that may hold a refresh token, and what is said if it is a profile's. */
interface Suspect {
	readonly file: string;
	readonly told: (profile: OAuthProfile) => Pick<Finding, 'id' | 'what' | 'next'>;
}

function ofPrograms({env, paths, providers, machine}: Subject): Suspect[] {
	return holders.flatMap(({id, program, files}) =>
		files({env, platform: machine.platform})
			// The state folder may be one that another program reads too.
			.filter(file => !file.startsWith(join(paths.root, '/')))
			.map(file => ({
				file,
				told: ({agentId, profileId, credential}) => ({
					id: 'grant_elsewhere',
					what: `${program} holds the same refresh token: the one that refreshes first logs the other one out.`,
					next:
						id === 'codex'
							? `jarvis models auth write-back on codex --agent ${agentId} --profile ${shellWord(profileId)}`
							: renewAdvice(providers, {agentId, profileId, credential}),
				}),
			})),
	);
}

function ofOlder({paths, agentIds}: Subject): Suspect[] {
	return [paths.legacyOAuth, ...agentIds.map(paths.legacyAuth)].map(file => ({
		file,
		told: ({credential}) => ({
			id: 'grant_elsewhere',
			what: 'It holds the same refresh token: an older program that refreshes it there logs both out.',
			next:
				file === paths.legacyOAuth && isUnseen(file)
					? 'jarvis models status'
					: `Take ${clean(credential.provider)} out of that file, once no program reads it there (docs/import.md).`,
		}),
	}));
}

function setAside({env, paths}: Subject): Suspect[] {
	const imported = asideOf(paths.legacyOAuth);
	const told = (next: string) => () => ({
		...{id: 'grant_set_aside' as const, next},
		what: 'It holds the same refresh token, and is read by nobody. Put back, it would log both out.',
	});
	return [
		...calledLike(imported).map(file => ({
			file,
			told: told('See whether all that it holds is stored, and it can be removed: jarvis secrets audit'),
		})),
		...calledLike(codexKeptFile(codexHome(env))).map(file => ({
			file,
			told: told('Do not put it back. Remove it, if that login is all that it holds.'),
		})),
	];
}

function calledLike(file: string): string[] {
	const folder = dirname(file);
	return namesIn(folder)
		.filter(name => name.startsWith(basename(file)))
		.map(name => join(folder, name));
}

// A file that cannot be read is another program's affair.
function refreshTokens(file: string): string[] {
	try {
		return tokensIn(tryParseJson(readForeign(file) ?? ''), 0);
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
