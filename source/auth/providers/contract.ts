import type {CredentialKind, OAuthCredential} from '../../store/schema.ts';

/**
 * What a provider is: who it is, how a person gets a credential of it, and how that is refreshed, revoked and
 * probed (docs/plugins.md). Built-in providers, manifests and code plugins are all of this one form; no
 * rule elsewhere knows a provider by its name.
 */
export interface Provider {
	readonly id: string;
	readonly label: string;
	/** Other names that a person may use for it. */
	readonly aliases?: readonly string[];
	/** Where it comes from: shown to the person, who may have added it. */
	readonly origin: 'built in' | 'plugin';
	/** The ways to get a credential; the first one is offered first. */
	readonly auth: readonly AuthMethod[];
	/** The environment variables by which programs know its secret; the first one is the usual one. */
	readonly env?: readonly string[];
	/**
	 * The kinds of credential that a variable of `env` takes; all where it is not named here. One that takes none is
	 * heeded by programs before the others: it is taken out of their environment, and never set.
	 */
	readonly envKinds?: Readonly<Record<string, readonly CredentialKind[]>>;
	/** The variables of a secret that is several values joined by colons, in their order. */
	readonly envParts?: readonly string[];
	/** Variables that programs need beside the secret, with their values. */
	readonly envBeside?: Readonly<Record<string, string>>;
	/** Where git asks for it. */
	readonly git?: GitAccess;
	/** What a person should know before they log in. */
	readonly note?: string;
	/** One cheap request that shows whether a credential works; the first one of the credential's kind counts. */
	readonly probes?: readonly ProbeRequest[];
}

/** The servers of git repositories that take a provider's secret as a password (docs/recipes.md). */
export interface GitAccess {
	/** Host names, with the port where it is not the usual one. */
	readonly hosts: readonly string[];
	/** The user name that goes with it. */
	readonly username: string;
}

/** What a code plugin exports as its default: a provider, or a list of them (docs/plugins.md). */
export type PluginProvider = Omit<Provider, 'origin' | 'envBeside'>;

export const methodNames = ['oauth', 'device_code', 'setup_token', 'token', 'api_key', 'custom'] as const;
export type MethodName = (typeof methodNames)[number];

/** One way to get a credential: data for the usual ones, functions where a provider has a way of its own. */
export type AuthMethod = OAuthMethod | DeviceCodeMethod | SecretMethod | CodeMethod;

interface MethodBase {
	/** How it is called where a person chooses between several. */
	readonly label?: string;
	/** Shown beside the label, and while it is used: where the secret is made, what is needed. */
	readonly hint?: string;
}

/** A public client of an authorization server (RFC 8252, section 8.4: there is no secret to keep). */
export interface OAuthClient {
	/** Names the server (RFC 8414). Its metadata is fetched when an endpoint that is needed is missing. */
	readonly issuer?: string;
	readonly authorizationEndpoint?: string;
	readonly deviceAuthorizationEndpoint?: string;
	readonly tokenEndpoint?: string;
	readonly revocationEndpoint?: string;
	readonly clientId: string;
	readonly scopes: readonly string[];
	/** Where the account id stands in the access token's (or the ID token's) claims. */
	readonly accountIdClaim?: readonly string[];
	/** Where the e-mail stands in the ID token's (or the access token's) claims. */
	readonly emailClaim?: readonly string[];
}

/** Authorization code with PKCE, in a browser, by loopback callback or paste (RFC 8252). */
export interface OAuthMethod extends MethodBase, OAuthClient {
	readonly method: 'oauth';
	/** Those registered with the authorization server, tried in order when a port is taken. */
	readonly redirectUris: readonly string[];
	/** What the authorize URL carries beside the standard parameters. */
	readonly authorizeParams: Readonly<Record<string, string>>;
}

/** A code that is typed on another device (RFC 8628). */
export interface DeviceCodeMethod extends MethodBase, OAuthClient {
	readonly method: 'device_code';
}

/** A secret that the person has, or makes elsewhere, and pastes. */
export interface SecretMethod extends MethodBase {
	readonly method: 'setup_token' | 'token' | 'api_key';
	/** The page, or the command, by which it is made. */
	readonly madeAt?: string;
	/** What it usually looks like. */
	readonly form?: SecretForm;
}

export interface SecretForm {
	readonly prefix?: string;
	/** Another prefix means another kind of secret, which is not taken; else it is a warning. */
	readonly isStrict?: true;
	/** In characters: a shorter one may have been cut at a line's end. */
	readonly usualLength?: number;
}

/** A way of its own. Whatever it throws or takes long for ends its own login and nothing else. */
export interface CodeMethod extends MethodBase {
	readonly method: MethodName;
	/** Gets a credential, with the person's help through `io`. */
	readonly login: (io: LoginIo) => Promise<IssuedCredential>;
	/** A new access token for an OAuth credential. Called under the lock, for one process at a time. */
	readonly refresh?: (credential: OAuthCredential, io: ProviderIo) => Promise<IssuedOAuth>;
	/** Ends the credential at its server. */
	readonly revoke?: (credential: IssuedCredential, io: ProviderIo) => Promise<void>;
}

/** What a login brings. The provider and the place where it is kept are not its business. */
export type IssuedCredential = IssuedOAuth | IssuedToken | IssuedKey;

export interface IssuedOAuth {
	readonly type: 'oauth';
	readonly access: string;
	readonly refresh?: string;
	/** When the access token runs out (epoch ms). */
	readonly expires?: number;
	/** Its lifetime (s), as the server said. */
	readonly expiresIn?: number;
	readonly accountId?: string;
	readonly email?: string;
	/** How the account is called, for the profile's id, where there is no e-mail. */
	readonly name?: string;
	/** The client that the grant was made for, where it is not the provider's usual one. */
	readonly clientId?: string;
	/** What `refresh` and `revoke` need to know besides. No secrets. */
	readonly metadata?: Readonly<Record<string, string>>;
}

export interface IssuedToken {
	readonly type: 'token';
	readonly token: string;
	readonly expires?: number;
	readonly email?: string;
}

export interface IssuedKey {
	readonly type: 'api_key';
	readonly key: string;
	readonly email?: string;
}

/**
 * What a code plugin may throw to say what went wrong: an error with these members. Of another one nothing is
 * told but its name, for its words may hold a secret.
 */
export interface ProviderFailure {
	/** `needs_login`: the server refuses the refresh token for good. */
	readonly code?: 'login_denied' | 'login_timed_out' | 'login_unreachable' | 'needs_login';
	/** What the server answered with: after 401 a person must log in again, 429 and 5xx pass. */
	readonly status?: number;
	/** The server's `Retry-After` header. */
	readonly retryAfter?: string;
}

/** What a provider's code may touch. */
export interface ProviderIo {
	readonly fetch: typeof fetch;
	/** The time (epoch ms). */
	readonly now: () => number;
	/** Aborted when the person cancels, or when it takes too long. */
	readonly signal: AbortSignal;
}

/** What a login's code may ask of the person. Each replaces what is on the screen. */
export interface LoginIo extends ProviderIo {
	/** Shows a link, and opens it where there is a browser; resolves with what the person pastes, if anything. */
	readonly showLink: (link: {readonly url: string; readonly instructions?: string}) => Promise<string>;
	/** Shows a code to be typed at an address. */
	readonly showCode: (code: DeviceCode) => void;
	/** Asks for a line. `check` says what is wrong with it, if anything. */
	readonly ask: (question: Question) => Promise<string>;
	/** Asks for one of several; resolves with its id. */
	readonly choose: (question: Choice) => Promise<string>;
	/**
	 * Opens an authorize URL and waits for the redirect on one of the loopback URIs, or for its paste; resolves
	 * with its parameters, or with the code alone.
	 */
	readonly redirect: (request: RedirectRequest) => Promise<URLSearchParams>;
	/** Tells what is under way. */
	readonly progress: (text: string) => void;
}

export interface DeviceCode {
	readonly userCode: string;
	readonly verificationUri: string;
	/** The address with the code in it already. */
	readonly verificationUriComplete?: string;
	/** When the code is over (epoch ms). */
	readonly until: number;
}

export interface Question {
	readonly message: string;
	readonly placeholder?: string;
	/** Never shown as it is typed. */
	readonly secret?: boolean;
	readonly mayBeEmpty?: boolean;
	readonly check?: (text: string) => string | undefined | Promise<string | undefined>;
}

export interface Choice {
	readonly message: string;
	readonly options: readonly {readonly id: string; readonly label: string}[];
}

export interface RedirectRequest {
	readonly redirectUris: readonly string[];
	/** The URL to open, for the redirect URI that could be listened on. */
	readonly url: (redirectUri: string) => string | Promise<string>;
	/** Whether a redirect is of this login: of what else comes nothing is taken. */
	readonly isOurs: (params: URLSearchParams) => boolean | Promise<boolean>;
}

/** One authorised request. */
export interface ProbeRequest {
	/** The kinds of credential that it is for; all if absent. */
	readonly kinds?: readonly CredentialKind[];
	readonly url: string;
	readonly method?: 'GET' | 'POST';
	/** The header that carries the secret; `Authorization: Bearer` if absent. */
	readonly secretHeader?: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** The header that carries the account id, where the provider wants it. */
	readonly accountHeader?: string;
	/** Only for credentials with these metadata. */
	readonly metadata?: Readonly<Record<string, string>>;
}

/** Whether a method is a provider's own code. */
export function isCodeMethod(method: AuthMethod): method is CodeMethod {
	return 'login' in method;
}

/** A provider's authorization code flow, if it has a standard one. */
export function codeFlowOf({auth}: Provider): OAuthMethod | undefined {
	return auth.find((method): method is OAuthMethod => !isCodeMethod(method) && method.method === 'oauth');
}

/** The port of this machine that a provider's browser login comes back to first, if it does. */
export function callbackPortOf(provider: Provider): string | undefined {
	const [redirectUri] = codeFlowOf(provider)?.redirectUris ?? [];
	return redirectUri === undefined ? undefined : new URL(redirectUri).port || undefined;
}

/** Whether a method is a pasted secret. */
export function isSecretMethod(method: AuthMethod): method is SecretMethod {
	return !isCodeMethod(method) && ['setup_token', 'token', 'api_key'].includes(method.method);
}

/**
 * What refreshes a credential: the way by which it was got, or, where that cannot or is not known, the first one
 * that can.
 */
export function refresherOf(
	{auth}: Provider,
	{method: name}: Pick<OAuthCredential, 'method'>,
): (CodeMethod & Required<Pick<CodeMethod, 'refresh'>>) | OAuthMethod | DeviceCodeMethod | undefined {
	const able = auth.filter(canRefresh);
	return (able.find(({method}) => method === name) ?? able[0]) as ReturnType<typeof refresherOf>;
}

/** Whether there is a provider, and it can refresh what it gave. */
export function canBeRefreshed(provider: Provider | undefined): boolean {
	return provider?.auth.some(canRefresh) ?? false;
}

/** Whether a provider has several ways that give what can be refreshed. */
export function isOneOfSeveral({auth}: Provider): boolean {
	return auth.filter(canRefresh).length > 1;
}

function canRefresh(method: AuthMethod): boolean {
	return isCodeMethod(method) ? method.refresh !== undefined : isOAuthClient(method);
}

function isOAuthClient(method: AuthMethod): method is OAuthMethod | DeviceCodeMethod {
	return !isCodeMethod(method) && (method.method === 'oauth' || method.method === 'device_code');
}

/** The OAuth client by which a provider's tokens are refreshed and revoked; none where code does that, or nothing. */
export function oauthClientOf(provider: Provider): OAuthMethod | DeviceCodeMethod | undefined {
	return provider.auth.find(isOAuthClient);
}
