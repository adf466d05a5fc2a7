import {digest} from '../store/digest.ts';
import type {OAuthCredential} from '../store/schema.ts';

/** A short name for a secret that tells nothing of it: the same secret has the same one everywhere. */
export function fingerprint(secret: string): string {
	return digest(secret);
}

/**
 * The name of a credential's identity: the provider and the account, or the refresh token itself where no
 * account is known. Everything of one identity is refreshed under one lock, whichever agents hold it.
 *
 * @param holders all credentials of the provider: one that shares the refresh token may know the account
 */
export function identityName(credential: OAuthCredential, holders: readonly OAuthCredential[]): string {
	const account = accountOfGrant(credential, holders);
	const about = account ? `account\0${account}` : `grant\0${credential.refresh ?? credential.access ?? ''}`;
	return fingerprint(`${credential.provider}\0${about}`);
}

/** The account of a credential's grant, as far as it or one of `holders` that shares its token knows it. */
export function accountOfGrant(
	credential: OAuthCredential,
	holders: readonly OAuthCredential[],
): string | undefined {
	const sharing = [credential, ...holders.filter(sharesGrant(credential))];
	return (
		sharing.map(({accountId}) => accountId).find(Boolean) ?? sharing.map(({email}) => email).find(Boolean)
	);
}

/** The account of a credential, as far as it is known. */
export function accountOf(credential: OAuthCredential): string | undefined {
	return credential.accountId ?? credential.email;
}

function sharesGrant(credential: OAuthCredential): (other: OAuthCredential) => boolean {
	return other => other.refresh !== undefined && other.refresh === credential.refresh;
}
