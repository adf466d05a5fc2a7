import {JarvisError} from '../../errors.ts';
import {clearFailures, patchUsage, putCredential} from '../../store/edit.ts';
import {assertProfileId, providerOfProfileId, type StatePaths} from '../../store/paths.ts';
import {updateCredentials} from '../../store/profiles.ts';
import type {AgentCredentials, OAuthCredential} from '../../store/schema.ts';
import {accountOf, fingerprint} from '../identity.ts';

/**
 * Stores what a login brought, under the profile that it was for, the account's own, or a new one, and
 * forgets that profile's failures. Returns the profile id.
 * @param wanted the id that the person gave
 * @throws `login_other_account`, and what `updateCredentials` throws
 */
export async function keepLogin(
	paths: StatePaths,
	agentId: string,
	credential: OAuthCredential,
	wanted: string | undefined,
	now: number,
): Promise<string> {
	return updateCredentials(paths, agentId, (document, current) => {
		const profileId = wanted ? checkedId(current, credential, wanted) : chooseProfileId(current, credential);
		putCredential(document, profileId, credential);
		clearFailures(document, profileId);
		patchUsage(document, profileId, {lastProven: {at: now, outcome: 'login'}});
		return profileId;
	});
}

/**
 * The profile id of a login that names none: the one that the account has, else `<provider>:<e-mail>`,
 * else `<provider>:default`. Another account's profile is never taken.
 */
export function chooseProfileId(current: AgentCredentials, credential: OAuthCredential): string {
	const own = [...current.profiles].find(
		([, other]) =>
			other.type === 'oauth' && other.provider === credential.provider && isSameAccount(other, credential),
	);
	if (own) return own[0];
	const preferred = nameFor(credential);
	const holder = current.profiles.get(preferred);
	const kept = current.problems.some(problem => problem.profileId === preferred);
	if ((!holder && !kept) || (holder?.type === 'oauth' && isSameAccount(holder, credential))) return preferred;
	return `${preferred}-${fingerprint(accountOf(credential) ?? credential.access ?? '').slice(0, 6)}`;
}

function nameFor(credential: OAuthCredential): string {
	try {
		return assertProfileId(`${credential.provider}:${credential.email ?? 'default'}`);
	} catch {
		return `${credential.provider}:default`;
	}
}

// Of two that know no account nothing says that they differ: a second login of `default` renews it.
function isSameAccount(a: OAuthCredential, b: OAuthCredential): boolean {
	if (a.accountId && b.accountId)
		return a.accountId === b.accountId && (!a.email || !b.email || a.email === b.email);
	if (a.email && b.email) return a.email === b.email;
	return accountOf(a) === accountOf(b);
}

function checkedId(current: AgentCredentials, credential: OAuthCredential, wanted: string): string {
	const present = current.profiles.get(wanted);
	const named = providerOfProfileId(wanted);
	if (!present && named !== credential.provider) throw foreign(wanted, named);
	if (current.problems.some(problem => problem.profileId === wanted)) throw taken(wanted);
	if (!present) return assertProfileId(wanted);
	if (present.provider !== credential.provider) throw foreign(wanted, present.provider);
	if (
		present.type === 'oauth' &&
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
