import {JarvisError} from '../../errors.ts';
import type {Recorder} from '../../store/audit-log.ts';
import {clearFailures, patchUsage, putCredential} from '../../store/edit.ts';
import {assertProfileId, providerOfProfileId, type StatePaths} from '../../store/paths.ts';
import {updateCredentials} from '../../store/profiles.ts';
import {type AgentCredentials, type Credential, type OAuthCredential, optional} from '../../store/schema.ts';
import {handedOutSecret, refOf} from '../facts.ts';
import {accountOf, fingerprint} from '../identity.ts';
import {orderSetCommand} from '../profile-commands.ts';
import {
	type IssuedCredential,
	type IssuedOAuth,
	isOneOfSeveral,
	type MethodName,
	type Provider,
} from '../providers/contract.ts';
import type {LoginResult} from './contract.ts';
import {secretId} from './secret-id.ts';

/** Where a login's credential goes. */
export interface KeepOptions {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly agentId: string;
	/** The id that the person gave. */
	readonly profileId?: string;
	/** The way by which it was got: that is the one by which it is refreshed and ended. */
	readonly methodName?: MethodName;
	/** Aborted once the login is over: what comes then is not stored. */
	readonly signal?: AbortSignal;
	/** When a pasted secret runs out (epoch ms), if the person says so. */
	readonly expires?: number;
	readonly now: () => number;
	readonly record?: Recorder;
}

/**
 * Stores what a login brought, under the profile that it was for, the account's own, or a new one, and
 * forgets that profile's failures.
 * @throws `login_other_account`, `profile_exists`, `profile_foreign`, `profile_invalid_id`, and what
 * `updateCredentials` throws
 */
export async function keepIssued(options: KeepOptions, issued: IssuedCredential): Promise<LoginResult> {
	const {paths, provider, agentId, profileId: wanted, now} = options;
	const {name, ...fields} = {name: undefined, ...issued};
	const credential: Credential = {
		...fields,
		provider: provider.id,
		...(issued.type === 'oauth'
			? optional('method', isOneOfSeveral(provider) ? options.methodName : undefined)
			: optional('expires', options.expires)),
	};
	const {profileId, isLeftOut, wasSealed, before} = await updateCredentials(
		paths,
		agentId,
		(document, current) => {
			options.signal?.throwIfAborted();
			const id = wanted ? checkedId(current, credential, wanted) : chooseProfileId(current, credential, name);
			const present = current.profiles.get(id);
			putCredential(document, id, credential);
			clearFailures(document, id);
			// A pasted secret was seen by nobody yet.
			const lastProven = credential.type === 'oauth' ? {at: now(), outcome: 'login'} : undefined;
			patchUsage(document, id, {lastProven});
			const order = current.order.get(provider.id);
			return {
				profileId: id,
				isLeftOut: order !== undefined && !order.includes(id),
				wasSealed: present !== undefined && refOf(present)?.source === 'keychain',
				before: present && comparedTo(present, credential),
			};
		},
	);
	const how = {note: options.methodName ?? credential.type};
	options.record?.('login', {agentId, profileId, provider: provider.id, ...how});
	const note = isLeftOut
		? `The agent’s order of ${provider.id} leaves it out. To have it used: ${orderSetCommand(agentId, provider.id)}`
		: undefined;
	return {
		...optional('note', note),
		...(before === undefined ? {} : {[before]: true as const}),
		...(wasSealed && credential.type !== 'oauth' ? {wasSealed: true as const} : {}),
		...{profileId, provider: provider.id, agentId, kind: credential.type},
		...(credential.type === 'oauth' ? optional('accountId', credential.accountId) : {}),
		...optional('email', credential.email),
		...optional('expires', typeof credential.expires === 'number' ? credential.expires : undefined),
	};
}

/** A credential without what is not the login's to say: its provider, and where it is kept. */
export function issuedFrom({
	provider: _,
	hasRef: __,
	method: ___,
	expires,
	...credential
}: OAuthCredential): IssuedOAuth {
	return {
		...credential,
		access: credential.access ?? '',
		...optional('expires', typeof expires === 'number' ? expires : undefined),
	};
}

/**
 * The profile id of a login that names none: the one that the account has, else `<provider>:<e-mail>` or the
 * account's name, else `<provider>:default`. Another account's profile is never taken, nor one of another kind.
 */
export function chooseProfileId(current: AgentCredentials, credential: Credential, name?: string): string {
	if (credential.type !== 'oauth') return idOfSecret(current, credential);
	const own = [...current.profiles].find(
		([, other]) =>
			other.type === 'oauth' && other.provider === credential.provider && isSameAccount(other, credential),
	);
	if (own) return own[0];
	const preferred = idFor(credential.provider, credential.email ?? name);
	const holder = current.profiles.get(preferred);
	if (isFree(current, preferred) || (holder?.type === 'oauth' && isSameAccount(holder, credential)))
		return preferred;
	return `${preferred}-${fingerprint(accountOf(credential) ?? credential.access ?? '').slice(0, 6)}`;
}

// A secret says nothing of its account: a second one of the same kind takes the place of the first.
function idOfSecret(current: AgentCredentials, {provider, type}: Credential): string {
	return secretId(provider, type, id => !isFree(current, id) && current.profiles.get(id)?.type !== type);
}

// A login renews a login. A secret, or what takes the place of one, is another one or the same.
function comparedTo(present: Credential, credential: Credential): 'unchanged' | 'replaced' | undefined {
	if (present.type === 'oauth' && credential.type === 'oauth') return undefined;
	const isSame = present.type === credential.type && handedOutSecret(present) === handedOutSecret(credential);
	return isSame ? 'unchanged' : 'replaced';
}

function isFree(current: AgentCredentials, id: string): boolean {
	return !current.profiles.has(id) && !current.problems.some(problem => problem.profileId === id);
}

function idFor(provider: string, name: string | undefined): string {
	try {
		return assertProfileId(`${provider}:${name ?? 'default'}`);
	} catch {
		return `${provider}:default`;
	}
}

// Of two that know no account nothing says that they differ: a second login of `default` renews it.
function isSameAccount(a: OAuthCredential, b: OAuthCredential): boolean {
	if (a.accountId && b.accountId)
		return a.accountId === b.accountId && (!a.email || !b.email || a.email === b.email);
	if (a.email && b.email) return a.email === b.email;
	return accountOf(a) === accountOf(b);
}

/**
 * Makes sure that a profile id may hold a provider's credential.
 * @returns what stands there
 * @throws `profile_invalid_id`, `profile_foreign`, `profile_exists`
 */
export function assertOfProvider(
	current: AgentCredentials,
	wanted: string,
	provider: string,
): Credential | undefined {
	const present = current.profiles.get(assertProfileId(wanted));
	const owner = present?.provider ?? providerOfProfileId(wanted);
	if (owner !== provider) throw foreign(wanted, owner);
	if (current.problems.some(problem => problem.profileId === wanted)) throw taken(wanted);
	return present;
}

function checkedId(current: AgentCredentials, credential: Credential, wanted: string): string {
	const present = assertOfProvider(current, wanted, credential.provider);
	if (
		present?.type === 'oauth' &&
		credential.type === 'oauth' &&
		accountOf(present) &&
		accountOf(credential) &&
		!isSameAccount(present, credential)
	) {
		throw otherAccount(wanted, present, credential);
	}
	return wanted;
}

function taken(profileId: string): JarvisError {
	return new JarvisError(
		'profile_exists',
		`${profileId} is an entry of a form that is not known here. It was left as it is.`,
		'Give the login another --profile-id.',
	);
}

function foreign(profileId: string, provider: string): JarvisError {
	return new JarvisError(
		'profile_foreign',
		`${profileId} belongs to ${provider}. Nothing was changed.`,
		'Give the login another --profile-id.',
	);
}

function otherAccount(profileId: string, present: OAuthCredential, login: OAuthCredential): JarvisError {
	const name = (credential: OAuthCredential) => credential.email ?? credential.accountId ?? 'another account';
	return new JarvisError(
		'login_other_account',
		`${profileId} is of ${name(present)}, but the browser was logged in as ${name(login)}. Nothing was changed.`,
		`Switch the account in the browser and try again, or log in without --profile-id to add ${name(login)}.`,
	);
}
