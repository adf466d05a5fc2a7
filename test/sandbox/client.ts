import * as oauth from 'oauth4webapi';
import type {AuthorizationServer} from '../../source/sandbox/authorization-server.ts';
import {type Visit, type VisitOptions, visit} from '../../source/sandbox/scripted-browser.ts';

export const redirectUri = 'http://127.0.0.1:1455/auth/callback';
export const insecure = {[oauth.allowInsecureRequests]: true};

/** Fetches and checks the server's metadata (RFC 8414). */
export async function discover({issuer}: AuthorizationServer): Promise<oauth.AuthorizationServer> {
	const url = new URL(issuer);
	return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure));
}

export interface LoginOptions {
	readonly parameters?: Record<string, string>;
	readonly choose?: string;
	readonly clientId?: string;
	/** Sent to the token endpoint instead of the verifier that belongs to the challenge. */
	readonly wrongVerifier?: string;
}

/** Goes through the authorization endpoint and returns the visit that stopped at the redirect URI, or the page. */
export async function authorize(server: AuthorizationServer, verifier: string, options: LoginOptions = {}) {
	const url = new URL(server.authorizationEndpoint);
	url.search = new URLSearchParams({
		response_type: 'code',
		client_id: options.clientId ?? server.clientId,
		redirect_uri: redirectUri,
		scope: 'openid profile email offline_access',
		code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
		code_challenge_method: 'S256',
		state: 'the-state',
		...options.parameters,
	}).toString();
	const stopAt = ({host}: URL) => host === '127.0.0.1:1455';
	const browser: VisitOptions = {stopAt, ...(options.choose !== undefined && {choose: options.choose})};
	return visit(url.href, browser);
}

/** Logs in through the scripted browser and exchanges the code. Throws what oauth4webapi throws. */
export async function login(server: AuthorizationServer, options: LoginOptions = {}) {
	const as = await discover(server);
	const client = {client_id: options.clientId ?? server.clientId};
	const verifier = oauth.generateRandomCodeVerifier();
	const {url} = await authorize(server, verifier, options);
	const callback = oauth.validateAuthResponse(as, client, new URL(url), 'the-state');
	const response = await oauth.authorizationCodeGrantRequest(
		as,
		client,
		oauth.None(),
		callback,
		redirectUri,
		options.wrongVerifier ?? verifier,
		insecure,
	);
	return oauth.processAuthorizationCodeResponse(as, client, response);
}

/** Refreshes once. Throws what oauth4webapi throws. */
export async function refresh(server: AuthorizationServer, refreshToken: string | undefined) {
	const as = await discover(server);
	const client = {client_id: server.clientId};
	const sent = oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshToken ?? '', insecure);
	return oauth.processRefreshTokenResponse(as, client, await sent);
}

/** Has oauth4webapi check signature, issuer, audience and expiry (RFC 9068, section 4). */
export async function claimsOf(server: AuthorizationServer, accessToken: string) {
	const headers = {authorization: `Bearer ${accessToken}`};
	const request = new Request('http://127.0.0.1/', {headers});
	return oauth.validateJwtAccessToken(await discover(server), request, 'urn:jarvis:sandbox', insecure);
}

/** What the authorization server sent along to the redirect URI. */
export function redirectParameters({url}: Visit): Record<string, string> {
	return Object.fromEntries(new URL(url).searchParams);
}
