import {JarvisError, shellWord} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import {optional} from '../store/schema.ts';
import {clean, handedOutSecret} from './facts.ts';
import {providerFlag} from './profile-commands.ts';
import type {Provider} from './providers/contract.ts';
import {enterpriseServer} from './providers/git-hosts.ts';
import {type ResolveContext, resolve} from './resolve.ts';
import {isOneLine} from './secrets/refs.ts';
import {type UsableProfile, usableProfiles} from './usable.ts';

/** What git says of the credential that it wants, has used, or was refused (git-credential(1), "Input/output format"). */
export interface GitAsked {
	readonly protocol?: string;
	/** With its port, where that is not the usual one. */
	readonly host?: string;
	readonly username?: string;
	readonly password?: string;
	/** The server's `WWW-Authenticate` headers. */
	readonly challenges: readonly string[];
	/** What this git understands beside the rest, such as `authtype`. */
	readonly capabilities: readonly string[];
}

export interface GitRequest {
	readonly asked: GitAsked;
	/** The agent, which exists. */
	readonly agentId: string;
	/** Hosts that are answered for beside the provider's own. */
	readonly hosts?: readonly string[] | undefined;
	/** The provider of the host, if absent. */
	readonly providerId?: string | undefined;
	readonly profileId?: string | undefined;
	/** The provider's, if absent. */
	readonly username?: string | undefined;
	readonly sessionKey?: string | undefined;
	readonly minTtlMs?: number | undefined;
}

export interface GitAnswer {
	readonly profileId: string;
	readonly provider: string;
	readonly username: string;
	readonly secret: string;
	/** When it runs out (epoch ms). */
	readonly expires?: number;
	/** Why this one, in words for a person. */
	readonly why: string;
	/** When it comes back (epoch ms), if it is set aside and nothing else was left, or asked for by name. */
	readonly until?: number;
	/** It goes into a header of its own and not into `Basic`, which this server does not take. */
	readonly isBearer: boolean;
}

export interface GitContext extends ResolveContext {
	readonly providerNamed: (name: string) => Promise<Provider | undefined>;
	/** The provider whose secret a host takes. */
	readonly gitProvider: (host: string) => Promise<Provider | undefined>;
}

/** Reads what git writes to its helpers: lines of `name=value` up to an empty one. Unknown names are passed over. */
export function parseGitInput(text: string): GitAsked {
	const values = new Map<string, string>();
	const lists = new Map<string, string[]>();
	for (const line of text.split('\n')) {
		if (line === '') break;
		const at = line.indexOf('=');
		if (at < 1) continue;
		const [name, value] = [line.slice(0, at), line.slice(at + 1)];
		if (!name.endsWith('[]')) values.set(name, value);
		// An empty value begins a list anew.
		else lists.set(name, value === '' ? [] : [...(lists.get(name) ?? []), value]);
	}
	return {
		...optional('protocol', values.get('protocol')),
		...optional('host', values.get('host')?.toLowerCase()),
		...optional('username', values.get('username')),
		...optional('password', values.get('password')),
		challenges: lists.get('wwwauth[]') ?? [],
		capabilities: lists.get('capability[]') ?? [],
	};
}

/**
 * An answer as git reads it.
 * @throws `format_unfit` for a value that would be more than its line
 */
export function gitOutput({profileId, provider, username, secret, expires, isBearer}: GitAnswer): string {
	for (const [name, value] of [
		['secret', secret],
		['user name', username],
	] as const) {
		if (isOneLine(value)) continue;
		throw new JarvisError(
			'format_unfit',
			`The ${name} for ${clean(profileId)} has line breaks or other control characters, which git would read as more than it.`,
			name === 'secret'
				? `Store it anew, as one line: jarvis models auth paste-token ${providerFlag(provider)} --profile-id ${shellWord(profileId)}`
				: 'Give another one with --username.',
		);
	}
	const lines = isBearer
		? ['capability[]=authtype', 'authtype=Bearer', `credential=${secret}`, 'ephemeral=1']
		: [`username=${username}`, `password=${secret}`];
	if (expires !== undefined) lines.push(`password_expiry_utc=${Math.floor(expires / 1000)}`);
	return lines.join('\n');
}

/**
 * The credential for a git server; nothing where it is none of ours, so that git asks elsewhere.
 * @throws `usage` for a host that the named provider does not serve, `insecure_endpoint` for plain http to
 * another machine, and as `resolve` does
 */
export async function answerGit(context: GitContext, request: GitRequest): Promise<GitAnswer | undefined> {
	const provider = await providerFor(context, request);
	if (!provider) return undefined;
	const {asked, agentId, sessionKey, minTtlMs} = request;
	const {profiles} = await usableProfiles(
		context.paths,
		await readConfig(context.paths),
		agentId,
		provider.id,
	);
	const own = profiles.filter(({credential}) => credential.provider === provider.id);
	const chosen = profileFor(own, provider, request);
	if (own.length === 0 || chosen === 'none') return undefined;
	await assertNotInTheClear(asked);
	const found = await resolve(context, {
		...{agentId, sessionKey, minTtlMs, providerId: provider.id},
		profileId: chosen.profileId,
	});
	const {profileId, secret, expires, why, until} = found;
	return {
		...{profileId, provider: provider.id, secret, why, isBearer: wantsBearer(asked)},
		username: asked.username ?? request.username ?? provider.git?.username ?? 'oauth2',
		...optional('expires', expires),
		...optional('until', until),
	};
}

/**
 * Notes that a server took a credential or refused it.
 * @returns the profile, if the secret is one that is in use now: of another one nothing is learned
 * @throws as `reportSuccess` and `reportFailure` do
 */
export async function noteGitOutcome(
	context: GitContext,
	request: GitRequest,
	outcome: 'accepted' | 'refused',
): Promise<{readonly profileId: string; readonly provider: string} | undefined> {
	const {asked, agentId} = request;
	const provider = asked.password === undefined ? undefined : await providerFor(context, request);
	if (!provider) return undefined;
	const {profiles} = await usableProfiles(
		context.paths,
		await readConfig(context.paths),
		agentId,
		provider.id,
	);
	for (const profile of profiles) {
		if (profile.credential.provider !== provider.id) continue;
		if ((await secretNow(context, agentId, profile)) !== asked.password) continue;
		const {profileId} = profile;
		const {reportFailure, reportSuccess} = await import('./report.ts');
		const at = context.now();
		if (outcome === 'accepted') await reportSuccess(context.paths, {agentId, profileId}, {at});
		else await reportFailure(context.paths, {agentId, profileId}, {reason: 'auth', at});
		return {profileId, provider: provider.id};
	}
	return undefined;
}

async function providerFor(
	{providerNamed, gitProvider}: GitContext,
	{asked: {host}, hosts = [], providerId, profileId}: GitRequest,
): Promise<Provider | undefined> {
	if (host === undefined) return undefined;
	const name = providerId ?? profileId?.split(':')[0];
	if (name === undefined) {
		if (!hosts.includes(host)) return (await gitProvider(host)) ?? enterpriseServer(host);
		throw new JarvisError(
			'usage',
			`Nothing says whose credential is for ${host}.`,
			'Add --provider <id> beside --host.',
		);
	}
	const provider = (await providerNamed(name)) ??
		enterpriseServer(name) ?? {id: name, label: name, origin: 'plugin', auth: []};
	// A helper may be asked for every server there is: none gets a secret that is not meant for it.
	if (hosts.includes(host) || provider.git?.hosts.includes(host)) return provider;
	throw new JarvisError(
		'usage',
		`${host} is no host of ${provider.id}, and gets nothing.`,
		`If it is, add --host ${host} to the helper's line.`,
	);
}

/** Names that servers of git take beside a token, and that are no account's. */
const anybody = ['git', 'oauth2', 'private-token', 'token', 'x-access-token', 'x-token-auth'];

/**
 * The profile that the name in an address leads to, as in https://work@github.com/…: the one that is called so, or is
 * of that account. A name of none is another account, whose credential may be another helper's: it never gets one of
 * ours, also where there is only one. What the helper's own line says was said by a person of this machine.
 */
function profileFor(
	profiles: readonly UsableProfile[],
	provider: Provider,
	{asked: {username}, profileId, username: given}: GitRequest,
): {readonly profileId?: string | undefined} | 'none' {
	if (username === undefined) return {profileId};
	const named = profileOfUser(profiles, provider.id, username);
	if (profileId !== undefined) return named === undefined || named === profileId ? {profileId} : 'none';
	if (named !== undefined) return {profileId: named};
	const isAnybody = [...anybody, provider.git?.username, given].some(name => isSameName(name, username));
	return isAnybody ? {} : 'none';
}

function profileOfUser(
	profiles: readonly UsableProfile[],
	provider: string,
	username: string,
): string | undefined {
	const isCalledSo = ({profileId}: UsableProfile) => profileId === `${provider}:${username}`;
	const isOfAccount = ({profileId, credential}: UsableProfile) =>
		isSameName(profileId, `${provider}:${username}`) || isSameName(credential.email, username);
	return (profiles.find(isCalledSo) ?? profiles.find(isOfAccount))?.profileId;
}

// Servers of git do not tell names apart by capital letters.
function isSameName(a: string | undefined, b: string): boolean {
	return a?.toLowerCase() === b.toLowerCase();
}

async function assertNotInTheClear({protocol, host = ''}: GitAsked): Promise<void> {
	if (protocol === 'https') return;
	const {isLoopback} = await import('./authorization-server.ts');
	const url = `${protocol}://${host}`;
	if (protocol === 'http' && URL.canParse(url) && isLoopback(new URL(url))) return;
	throw new JarvisError(
		'insecure_endpoint',
		`${host} is asked by ${protocol ?? 'no protocol'}, by which a secret would go in the clear.`,
		'Use https in the remote’s address.',
	);
}

function wantsBearer({challenges, capabilities}: GitAsked): boolean {
	const offersOnly = challenges.length > 0 && challenges.every(challenge => /^bearer\b/i.test(challenge));
	return offersOnly && capabilities.includes('authtype');
}

async function secretNow(
	context: ResolveContext,
	agentId: string,
	{profileId, credential}: UsableProfile,
): Promise<string | undefined> {
	const stored = handedOutSecret(credential);
	if (stored !== undefined || credential.type === 'oauth') return stored;
	// One that is kept elsewhere: it costs no refresh.
	const found = await resolve(context, {agentId, profileId}).catch(() => undefined);
	return found?.secret;
}
