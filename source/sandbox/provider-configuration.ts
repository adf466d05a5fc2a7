import {generateKeyPairSync, randomBytes, randomUUID} from 'node:crypto';
import type {Account, Configuration} from 'oidc-provider';
import type {SandboxAccount} from './authorization-server.ts';
import {messagePage, showPage} from './consent-page.ts';
import {createMemoryAdapter} from './memory-adapter.ts';

export interface ProviderOptions {
	readonly clientIds: readonly string[];
	readonly redirectUris: readonly string[];
	/** Lifetime of an access token in seconds. */
	readonly accessTokenSeconds: number;
	/** Lifetime of a device code in seconds. */
	readonly deviceCodeSeconds: number;
	/** How long (ms) a refresh token that was rotated may be sent again. */
	readonly reuseGraceMs: number;
	readonly accounts: readonly SandboxAccount[];
}

/** The audience of every access token. A token without one could not be a JWT (RFC 9068, section 2.2). */
export const resource = 'urn:jarvis:sandbox';

/** The scopes that OpenID Connect gives a meaning. Any other is granted as it is asked for. */
export const openIdScopes = ['openid', 'profile', 'email', 'offline_access'];

export const routes = {
	authorization: '/oauth/authorize',
	token: '/oauth/token',
	revocation: '/oauth/revoke',
	device_authorization: '/oauth/device/code',
	// The page itself is our own (consent.ts): that of oidc-provider has a session, which this server keeps none of.
	code_verification: '/oauth/device',
	jwks: '/oauth/jwks',
};

/** Where oidc-provider sends the browser once it has checked a request, for a person to decide. */
export const consentPath = '/oauth/consent/';

const algorithm = 'ES256';
const day = 24 * 60 * 60;

/**
 * The configuration that makes oidc-provider a server for public native clients: PKCE with S256 always
 * (RFC 7636), rotating refresh tokens whose reuse ends the grant (RFC 9700, section 4.14.2), JWT access tokens
 * (RFC 9068) with the account claims that Codex reads. What is set although it looks like the default keeps
 * oidc-provider from printing that a default is in use.
 */
export function providerConfiguration(options: ProviderOptions): Configuration {
	const {accounts} = options;
	const named = (email: string | undefined) => accounts.find(account => account.email === email);
	const scopes = new Set(openIdScopes);
	return {
		adapter: kind => createMemoryAdapter(kind === 'RefreshToken' ? options.reuseGraceMs : 0),
		clients: options.clientIds.map(clientId => publicClient(clientId, options.redirectUris)),
		clientAuthMethods: ['none'],
		jwks: {keys: [signingKey()]},
		enabledJWA: {idTokenSigningAlgValues: [algorithm]},
		cookies: {
			keys: [randomBytes(32).toString('base64url')],
			// Nobody stays signed in: the browser never sends a cookie of this path back, so the next login may
			// be another person's. Otherwise oidc-provider would ask the first one to log out.
			long: {signed: true, httpOnly: true, sameSite: 'lax', path: '/oauth/never'},
		},
		routes,
		responseTypes: ['code'],
		pkce: {required: () => true},
		// Codex's parameters that no standard defines.
		extraParams: ['id_token_add_organizations', 'codex_cli_simplified_flow', 'originator'],
		scopes: openIdScopes,
		claims: {openid: ['sub'], email: ['email', 'email_verified'], profile: ['name']},
		// Puts `email` into the id_token, for there is no userinfo endpoint to fetch it from.
		conformIdTokenClaims: false,
		findAccount: async (_context, id) => {
			const account = named(id);
			return account && oidcAccount(account);
		},
		extraTokenClaims: async (_context, token) => {
			const account = named(token.accountId);
			return account && accountClaims(account);
		},
		issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
		rotateRefreshToken: true,
		expiresWithSession: async () => false,
		ttl: {
			AccessToken: options.accessTokenSeconds,
			AuthorizationCode: 60,
			DeviceCode: options.deviceCodeSeconds,
			// Outlives every refresh token that is rotated in time.
			Grant: 365 * day,
			IdToken: 60 * 60,
			Interaction: 10 * 60,
			RefreshToken: 30 * day,
			Session: 60 * 60,
		},
		features: {
			devInteractions: {enabled: false},
			deviceFlow: {enabled: true, charset: 'base-20', mask: '****-****', deviceInfo: () => ({})},
			dPoP: {enabled: false},
			pushedAuthorizationRequests: {enabled: false},
			rpInitiatedLogout: {enabled: false},
			userinfo: {enabled: false},
			resourceIndicators: {
				enabled: true,
				defaultResource: async () => resource,
				useGrantedResource: async () => true,
				getResourceServerInfo: async context => {
					// A refresh repeats no scopes, so those of the authorization request are remembered.
					for (const scope of context.oidc?.requestParamScopes ?? []) scopes.add(scope);
					const scope = [...scopes].join(' ');
					return {scope, accessTokenFormat: 'jwt', jwt: {sign: {alg: algorithm}}};
				},
			},
			revocation: {
				enabled: true,
				allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
			},
		},
		interactions: {url: async (_context, interaction) => `${consentPath}${interaction.uid}`},
		clientBasedCORS: () => false,
		renderError: async (context, out) => {
			const message = `${out.error}: ${out.error_description ?? 'no description'}`;
			showPage(context, context.status, messagePage('The sign-in cannot go on', message));
		},
	};
}

function publicClient(clientId: string, redirectUris: readonly string[]): Configuration['clients'][number] {
	return {
		client_id: clientId,
		client_name: clientId,
		application_type: 'native',
		token_endpoint_auth_method: 'none',
		redirect_uris: redirectUris,
		grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
		response_types: ['code'],
		id_token_signed_response_alg: algorithm,
	};
}

function signingKey() {
	const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
	return {...privateKey.export({format: 'jwk'}), kid: randomUUID(), use: 'sig', alg: algorithm};
}

function oidcAccount({email, name}: SandboxAccount): Account {
	return {accountId: email, claims: async () => ({sub: email, email, email_verified: true, name})};
}

function accountClaims({email, accountId}: SandboxAccount): Record<string, unknown> {
	return {
		email,
		'https://api.openai.com/profile': {email},
		'https://api.openai.com/auth': {chatgpt_account_id: accountId},
	};
}
