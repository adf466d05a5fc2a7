import * as oauth from 'oauth4webapi';
import {JarvisError} from '../errors.ts';
import type {Network} from './network.ts';
import type {OAuthClient} from './providers/contract.ts';

/**
 * How long (ms) a token request may take, and each of the two that look metadata up: together less than
 * the wait for a refresh lock, so that those who wait outlast the one who asks.
 */
const requestTimeoutMs = 15_000;
const discoveryTimeoutMs = 5000;

/** How far (s) this machine's clock may be off the server's before an ID token is refused. */
const clockToleranceSeconds = 300;

const endpoints = [
	...(['authorization_endpoint', 'device_authorization_endpoint'] as const),
	...(['token_endpoint', 'revocation_endpoint'] as const),
];
type Endpoint = (typeof endpoints)[number];

/** What an authorization server is wanted for. */
export type ServerUse = 'authorization_code' | 'device_code' | 'refresh' | 'revocation';

const neededFor: Readonly<Record<ServerUse, readonly Endpoint[]>> = {
	authorization_code: ['authorization_endpoint', 'token_endpoint'],
	device_code: ['device_authorization_endpoint', 'token_endpoint'],
	refresh: ['token_endpoint'],
	revocation: ['revocation_endpoint'],
};

/** The metadata of an authorization server and the client that talks to it, as oauth4webapi takes them. */
export interface AuthorizationServer {
	readonly metadata: oauth.AuthorizationServer;
	readonly client: oauth.Client;
	/** The issuer is not known, so what names one cannot be checked against it. */
	readonly issuerUnknown: boolean;
	/** The metadata was published, and tells how ID tokens are signed; otherwise they cannot be checked. */
	readonly discovered: boolean;
}

/**
 * The authorization server of a provider: from its endpoints, or from its published metadata (RFC 8414,
 * OpenID Connect Discovery) where one is missing that `use` needs.
 * @throws `insecure_endpoint`, `discovery_failed`
 */
export async function authorizationServerOf(
	method: OAuthClient,
	network: Network,
	use: ServerUse = 'authorization_code',
): Promise<AuthorizationServer> {
	const client: oauth.Client = {
		client_id: method.clientId,
		token_endpoint_auth_method: 'none',
		[oauth.clockTolerance]: clockToleranceSeconds,
	};
	const given = endpointsOf(method);
	const {issuer} = method;
	if (neededFor[use].every(endpoint => given[endpoint])) {
		const metadata = {...given, issuer: issuer ?? new URL(given.token_endpoint ?? '').origin};
		return {client, metadata: secured(metadata, use), issuerUnknown: issuer === undefined, discovered: false};
	}
	if (!issuer) throw discoveryFailed(method.clientId, 'neither issuer nor endpoints are given');
	assertSecure(issuer);
	const discovered = await discover(issuer, network);
	return {client, metadata: secured({...discovered, ...given}, use), issuerUnknown: false, discovered: true};
}

/** Options for each request of oauth4webapi: our fetch, a time limit, and plain http on loopback only. */
export function requestOptions(network: Network, signal?: AbortSignal, timeoutMs = requestTimeoutMs) {
	const limit = AbortSignal.timeout(timeoutMs);
	return {
		[oauth.customFetch]: (url: string, init: object) => network.fetch(url, init),
		// Every endpoint has been through `secured`, which allows plain http on loopback only.
		[oauth.allowInsecureRequests]: true,
		signal: signal ? AbortSignal.any([signal, limit]) : limit,
	} as const;
}

/** Whether a URL's host is this machine (RFC 8252, section 7.3). */
export function isLoopback(url: URL): boolean {
	return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(url.hostname);
}

async function discover(issuer: string, network: Network): Promise<oauth.AuthorizationServer> {
	const url = new URL(issuer);
	let fault: unknown;
	for (const algorithm of ['oidc', 'oauth2'] as const) {
		try {
			const response = await oauth.discoveryRequest(url, {
				algorithm,
				...requestOptions(network, undefined, discoveryTimeoutMs),
			});
			return await oauth.processDiscoveryResponse(url, response);
		} catch (error) {
			fault = error;
		}
	}
	throw discoveryFailed(issuer, 'neither of its metadata documents could be read', fault);
}

function endpointsOf(method: OAuthClient): Partial<Record<Endpoint, string>> {
	return {
		...(method.authorizationEndpoint ? {authorization_endpoint: method.authorizationEndpoint} : {}),
		...(method.deviceAuthorizationEndpoint
			? {device_authorization_endpoint: method.deviceAuthorizationEndpoint}
			: {}),
		...(method.tokenEndpoint ? {token_endpoint: method.tokenEndpoint} : {}),
		...(method.revocationEndpoint ? {revocation_endpoint: method.revocationEndpoint} : {}),
	};
}

function secured(metadata: oauth.AuthorizationServer, use: ServerUse): oauth.AuthorizationServer {
	for (const endpoint of endpoints) {
		const value = metadata[endpoint];
		if (value) assertSecure(value);
	}
	const missing = neededFor[use].find(endpoint => !metadata[endpoint]);
	if (missing)
		throw discoveryFailed(metadata.issuer, `its metadata names no ${missing.replaceAll('_', ' ')}`);
	return metadata;
}

function assertSecure(endpoint: string): void {
	const url = new URL(endpoint);
	if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return;
	throw new JarvisError(
		'insecure_endpoint',
		`${url.origin} is not https: whoever is on the way could read the tokens.`,
		'Give an https endpoint; plain http is accepted on this machine (127.0.0.1) only.',
	);
}

function discoveryFailed(issuer: string, why: string, cause?: unknown): JarvisError {
	return new JarvisError(
		'discovery_failed',
		`The authorization server ${issuer} could not be found: ${why}.`,
		'Check the network, and the issuer in the manifest or in jarvis.json.',
		{cause},
	);
}
