import {once} from 'node:events';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {type Context, Provider, type ProviderError} from 'oidc-provider';
import {handleConsent} from './consent.ts';
import {handleDevice} from './device-consent.ts';
import {consentPath, providerConfiguration, routes} from './provider-configuration.ts';
import {controlTokenEndpoint} from './token-endpoint.ts';

export interface SandboxAccount {
	readonly email: string;
	readonly accountId: string;
	readonly name: string;
}

export interface SandboxEvent {
	readonly type: 'code_exchanged' | 'refreshed' | 'refused';
	/** Unix time in milliseconds. */
	readonly at: number;
	readonly grantId?: string;
	/** Why something was refused. More than the client is told. */
	readonly reason?: string;
	/** The refresh token that was sent, if one was. */
	readonly refreshToken?: string;
	/** The access token that was given, if one was. */
	readonly accessToken?: string;
}

export interface TokenRequest {
	readonly contentType: string;
	/** The form's fields; empty if the body was no form. */
	readonly body: Record<string, string>;
}

export interface TokenFailure {
	readonly status: number;
	readonly body: string;
	/** Default: `application/json`. */
	readonly contentType?: string;
	readonly headers?: Record<string, string>;
}

export interface AuthorizationServer {
	/** `http://127.0.0.1:<port>` */
	readonly issuer: string;
	readonly authorizationEndpoint: string;
	readonly tokenEndpoint: string;
	readonly revocationEndpoint: string;
	readonly deviceAuthorizationEndpoint: string;
	readonly clientId: string;
	/** Everything that was granted or refused so far, oldest first. The array grows. */
	readonly events: readonly SandboxEvent[];
	/** How many refresh_token requests arrived at the token endpoint, successful or not. */
	readonly refreshRequests: number;
	/** Everything that was posted to the token endpoint so far, oldest first. The array grows. */
	readonly tokenRequests: readonly TokenRequest[];
	/**
	 * Makes the token endpoint answer each request so many milliseconds late; 0 restores it. A request takes
	 * effect at once, only its answer waits: a client that hangs up meanwhile has lost the new tokens.
	 */
	setTokenDelay(milliseconds: number): void;
	/** Makes the token endpoint give this answer and do nothing; undefined restores it. */
	setTokenFailure(failure: TokenFailure | undefined): void;
	/** Stops listening and destroys the open connections. */
	close(): Promise<void>;
}

export interface AuthorizationServerOptions {
	/** Default: 0, any free port. */
	readonly port?: number;
	/** Default: `jarvis-sandbox`. */
	readonly clientId?: string;
	/** Further clients with the same rights, such as Codex's public one. */
	readonly extraClientIds?: readonly string[];
	/** Loopback redirect URIs; the port is not compared (RFC 8252, section 7.3). */
	readonly redirectUris: readonly string[];
	/** Lifetime of an access token in seconds, at least 1. Default: 60. */
	readonly accessTokenSeconds?: number;
	/** Lifetime of a device code in seconds, at least 1. Default: 600. */
	readonly deviceCodeSeconds?: number;
	/** How long (s) a client is told to wait between two polls. Default: it is not told, which means 5. */
	readonly pollSeconds?: number;
	/**
	 * How long (ms) a refresh token that was rotated may be sent again, as some servers allow for the sake of
	 * clients whose connection broke (RFC 9700 leaves it open). Default: 0, its reuse ends the grant.
	 */
	readonly reuseGraceMs?: number;
	/** Default: three invented people at example.test. */
	readonly accounts?: readonly SandboxAccount[];
	/**
	 * `auto` approves at once, as the account in `login_hint` or else the first. `ask` shows a page, unless
	 * `login_hint` is the e-mail address of an account. In both, the hint `deny` denies. A device code waits
	 * until its page is visited in either.
	 */
	readonly consent: 'auto' | 'ask';
}

const inventedAccounts: readonly SandboxAccount[] = [
	{email: 'maya@example.test', accountId: 'sandbox-account-maya', name: 'Maya Lindqvist'},
	{email: 'tomas@example.test', accountId: 'sandbox-account-tomas', name: 'Tomás Okonkwo'},
	{email: 'wren@example.test', accountId: 'sandbox-account-wren', name: 'Wren Halloran'},
];

/**
 * Starts a real authorization server on 127.0.0.1 for tests and the sandbox: OAuth 2 (RFC 6749) and OpenID
 * Connect for public native clients (RFC 8252), with PKCE, JWT access tokens and refresh token rotation. All
 * it knows is in memory, with keys of its own, and gone once it is closed. It reaches for no other host.
 * A bundle must keep the names of classes, for oidc-provider tells its records apart by them.
 *
 * Throws a system error if the port is taken, and oidc-provider's error if a redirect URI is no loopback one.
 */
export async function startAuthorizationServer(
	options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
	const server = createServer();
	server.listen(options.port ?? 0, '127.0.0.1');
	await once(server, 'listening');
	try {
		return await serve(server, options);
	} catch (error) {
		await closeServer(server);
		throw error;
	}
}

/** The rest of the start, once the port is known, which is a part of the issuer. */
async function serve(server: Server, options: AuthorizationServerOptions): Promise<AuthorizationServer> {
	const {clientId = 'jarvis-sandbox', accounts = inventedAccounts, consent, redirectUris} = options;
	const {accessTokenSeconds = 60, deviceCodeSeconds = 600, reuseGraceMs = 0, pollSeconds} = options;
	const clientIds = [clientId, ...(options.extraClientIds ?? [])];
	const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const lifetimes = {accessTokenSeconds, deviceCodeSeconds, reuseGraceMs};
	const provider = new Provider(
		issuer,
		providerConfiguration({clientIds, redirectUris, accounts, ...lifetimes}),
	);
	const events = recordEvents(provider);
	const tokenEndpoint = controlTokenEndpoint(provider, events);
	provider.use(async (context, next) => {
		if (context.path.startsWith(consentPath)) await handleConsent(provider, context, {accounts, consent});
		else if (context.path === routes.code_verification)
			await handleDevice(provider, context, {accounts, consent});
		else await next();
		// oidc-provider knows no interval.
		if (context.path === routes.device_authorization && context.status === 200 && pollSeconds !== undefined)
			context.body = {...Object(context.body), interval: pollSeconds};
	});
	server.on('request', provider.callback());
	// A client that is not valid would otherwise only show in its first request.
	for (const id of clientIds) await provider.Client.find(id);
	return {
		issuer,
		authorizationEndpoint: issuer + routes.authorization,
		tokenEndpoint: issuer + routes.token,
		revocationEndpoint: issuer + routes.revocation,
		deviceAuthorizationEndpoint: issuer + routes.device_authorization,
		clientId,
		events,
		tokenRequests: tokenEndpoint.requests,
		get refreshRequests() {
			return tokenEndpoint.requests.filter(request => request.body.grant_type === 'refresh_token').length;
		},
		setTokenDelay: tokenEndpoint.setDelay,
		setTokenFailure: tokenEndpoint.setFailure,
		async close() {
			tokenEndpoint.stop();
			await closeServer(server);
		},
	};
}

function recordEvents(provider: Provider): SandboxEvent[] {
	const events: SandboxEvent[] = [];
	const record = (type: SandboxEvent['type'], context?: Context, reason?: string) => {
		const grantId = context?.oidc?.entities.Grant?.jti;
		const refreshToken = context?.oidc?.params?.refresh_token;
		const accessToken = type === 'refused' ? undefined : Object(context?.body).access_token;
		events.push({
			...{type, at: Date.now()},
			...(grantId && {grantId}),
			...(reason && {reason}),
			...(refreshToken && {refreshToken}),
			...(accessToken && {accessToken}),
		});
	};
	const refuse = (context: Context, error: ProviderError) => {
		// Whoever polls is told to go on: that is no refusal.
		if (error.error === 'authorization_pending') return;
		record('refused', context, error.error_detail ?? error.error_description ?? error.message);
	};
	provider.on('grant.success', context => {
		const refreshed = context.oidc?.params?.grant_type === 'refresh_token';
		record(refreshed ? 'refreshed' : 'code_exchanged', context);
	});
	provider.on('grant.error', refuse);
	provider.on('authorization.error', refuse);
	provider.on('device_authorization.error', refuse);
	provider.on('revocation.error', refuse);
	provider.on('server_error', refuse);
	// Without a listener Koa would print what went wrong.
	provider.on('error', error => record('refused', undefined, error.message));
	return events;
}

async function closeServer(server: Server): Promise<void> {
	if (!server.listening) return;
	const closed = once(server, 'close');
	server.close();
	server.closeAllConnections();
	await closed;
}
