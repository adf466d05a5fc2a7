import type * as oauth from 'oauth4webapi';
import {member, textMember, tryParseJson} from '../store/json.ts';
import {type OAuthCredential, optional} from '../store/schema.ts';
import {claimsOf, claimText} from './claims.ts';
import type {OAuthClient} from './providers/contract.ts';

/** The lifetime (s) that is assumed of an access token that can be refreshed and names none. */
const assumedLifetimeSeconds = 3600;

/**
 * A token response without what would make oauth4webapi refuse it for reasons that do not matter here: a
 * reply to a refresh must not be lost, since the server has rotated the token already. An ID token that
 * cannot be checked (its issuer is not known) or is not wanted is taken out and handed back apart.
 */
export async function tolerantReply(
	response: Response,
	idTokenIsChecked: boolean,
): Promise<{response: Response; idToken?: string}> {
	if (!response.ok) return {response};
	const text = await response.text();
	const {status, headers} = response;
	const body = tryParseJson(text);
	if (!body) return {response: new Response(text, {status, headers})};
	const idToken = textMember(body, 'id_token');
	if (!idTokenIsChecked) delete body.id_token;
	// Only a lifetime that is one counts; anything else is as good as none.
	const seconds = typeof body.expires_in === 'string' ? Number(body.expires_in) : body.expires_in;
	if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0) body.expires_in = seconds;
	else delete body.expires_in;
	if (!textMember(body, 'refresh_token')) delete body.refresh_token;
	body.token_type ??= 'Bearer';
	if (typeof body.scope !== 'string') delete body.scope;
	return {response: new Response(JSON.stringify(body), {status, headers}), ...optional('idToken', idToken)};
}

/**
 * The credential that a token response makes (RFC 6749, section 5.1).
 *
 * @param previous the credential that was refreshed: what the reply leaves out stays (RFC 6749, section 6)
 * @param receivedAt when the reply came (epoch ms): its `expires_in` counts from there
 */
export function credentialFrom(
	provider: string,
	client: Pick<OAuthClient, 'accountIdClaim' | 'emailClaim'>,
	reply: oauth.TokenEndpointResponse,
	idToken: string | undefined,
	receivedAt: number,
	previous?: OAuthCredential,
): OAuthCredential {
	const accessClaims = claimsOf(reply.access_token);
	const idClaims = claimsOf(reply.id_token ?? idToken);
	const refresh = reply.refresh_token ?? previous?.refresh;
	const lifetime = reply.expires_in ?? lifetimeFromClaims(accessClaims, receivedAt);
	// Without a refresh token an unknown end is left open; with one, refreshing too early costs little.
	const expiresIn = lifetime ?? (refresh ? assumedLifetimeSeconds : undefined);
	return {
		type: 'oauth',
		provider,
		access: reply.access_token,
		...optional('refresh', refresh),
		...optional('expires', expiresIn === undefined ? undefined : receivedAt + expiresIn * 1000),
		...optional('expiresIn', reply.expires_in),
		...optional('accountId', claimText(client.accountIdClaim, accessClaims, idClaims) ?? previous?.accountId),
		...optional('email', claimText(client.emailClaim, idClaims, accessClaims) ?? previous?.email),
		...optional('clientId', previous?.clientId),
		...optional('method', previous?.method),
		...optional('metadata', previous?.metadata),
	};
}

function lifetimeFromClaims(claims: unknown, receivedAt: number): number | undefined {
	const end = member(claims, 'exp');
	const seconds = typeof end === 'number' ? end - Math.floor(receivedAt / 1000) : 0;
	return seconds > 0 ? seconds : undefined;
}
