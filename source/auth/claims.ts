import {member} from '../store/json.ts';

/**
 * The claims of a JWT (RFC 7519), or `undefined` for anything else. The signature is not looked at: the
 * token came from the token endpoint over TLS, and what is read here (account, e-mail) is a label for the
 * person, never a permission.
 */
export function claimsOf(jwt: string | undefined): unknown {
	const payload = jwt?.split('.')[1];
	if (!payload || jwt?.split('.').length !== 3) return undefined;
	try {
		return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
	} catch {
		return undefined;
	}
}

/** When a JWT runs out (epoch ms; RFC 7519, section 4.1.4), if it says so. */
export function expiryClaim(jwt: string | undefined): number | undefined {
	const exp = member(claimsOf(jwt), 'exp');
	return typeof exp === 'number' ? exp * 1000 : undefined;
}

/** The text at a path of claims, in the first of several tokens that has one. */
export function claimText(path: readonly string[] | undefined, ...tokens: unknown[]): string | undefined {
	if (!path) return undefined;
	for (const claims of tokens) {
		let value: unknown = claims;
		for (const key of path) value = member(value, key);
		if (typeof value === 'string' && value !== '') return value;
		if (typeof value === 'number') return String(value);
	}
	return undefined;
}
