/**
 * The part of oidc-provider 9 (and of the Koa context that it hands out) which the sandbox uses. The package
 * has no types of its own.
 */
declare module 'oidc-provider' {
	import type {JsonWebKey} from 'node:crypto';
	import type {IncomingMessage, RequestListener, ServerResponse} from 'node:http';

	export interface Context {
		readonly req: IncomingMessage;
		readonly res: ServerResponse;
		readonly method: string;
		readonly path: string;
		readonly query: Readonly<Record<string, string | string[] | undefined>>;
		status: number;
		body: unknown;
		get(header: string): string;
		set(header: string, value: string): void;
		set(headers: Readonly<Record<string, string>>): void;
		redirect(url: string): void;
		/** Only on the provider's own routes. */
		readonly oidc?: {
			readonly body?: Readonly<Record<string, string | string[] | undefined>>;
			readonly params?: Readonly<Record<string, string | undefined>>;
			readonly requestParamScopes: ReadonlySet<string>;
			readonly entities: {readonly Grant?: Grant};
		};
	}

	export interface ProviderError extends Error {
		readonly error?: string;
		readonly error_description?: string;
		/** The cause, which is never sent to the client. */
		readonly error_detail?: string;
	}

	export interface Interaction {
		readonly uid: string;
		readonly params: Readonly<Record<string, string | undefined>>;
	}

	export interface InteractionResult {
		readonly login?: {readonly accountId: string};
		readonly consent?: {readonly grantId: string};
		readonly error?: string;
		readonly error_description?: string;
	}

	export interface Grant {
		readonly jti: string;
		addOIDCScope(scope: string): void;
		addResourceScope(resource: string, scope: string): void;
		save(): Promise<string>;
	}

	/** A code of the device flow (RFC 8628), which waits for the person's decision. */
	export interface DeviceCode {
		readonly clientId: string;
		/** Those of the device authorization request. */
		readonly params: Interaction['params'];
		readonly isExpired: boolean;
		accountId?: string;
		grantId?: string;
		scope?: string;
		resource?: string;
		/** Unix time in seconds. */
		authTime?: number;
		error?: string;
		errorDescription?: string;
		save(): Promise<string>;
	}

	export interface Adapter {
		upsert(id: string, payload: StoredPayload, expiresInSeconds?: number): Promise<void>;
		find(id: string): Promise<StoredPayload | undefined>;
		findByUid(uid: string): Promise<StoredPayload | undefined>;
		findByUserCode(userCode: string): Promise<StoredPayload | undefined>;
		consume(id: string): Promise<void>;
		destroy(id: string): Promise<void>;
		revokeByGrantId(grantId: string): Promise<void>;
	}

	export interface StoredPayload {
		readonly uid?: string;
		readonly grantId?: string;
		readonly userCode?: string;
		/** Unix time in seconds. */
		readonly consumed?: number;
	}

	export interface Account {
		readonly accountId: string;
		claims(): Promise<Readonly<Record<string, unknown>>>;
	}

	export interface ResourceServer {
		readonly scope: string;
		readonly accessTokenFormat: 'jwt' | 'opaque';
		readonly jwt: {readonly sign: {readonly alg: string}};
	}

	interface Switch {
		readonly enabled: boolean;
	}

	export interface Configuration {
		readonly adapter: (kind: string) => Adapter;
		readonly claims: Readonly<Record<string, readonly string[]>>;
		readonly clientAuthMethods: readonly string[];
		readonly clientBasedCORS: () => boolean;
		readonly clients: readonly Readonly<Record<string, string | readonly string[]>>[];
		readonly conformIdTokenClaims: boolean;
		readonly cookies: {readonly keys: readonly string[]; readonly long: Readonly<Record<string, unknown>>};
		readonly enabledJWA: Readonly<Record<string, readonly string[]>>;
		readonly expiresWithSession: () => Promise<boolean>;
		readonly extraParams: readonly string[];
		readonly extraTokenClaims: (
			context: Context,
			token: {readonly accountId?: string},
		) => Promise<Readonly<Record<string, unknown>> | undefined>;
		readonly features: {
			readonly devInteractions: Switch;
			readonly deviceFlow: Switch & {
				readonly charset: 'base-20' | 'digits';
				readonly mask: string;
				readonly deviceInfo: (context: Context) => Readonly<Record<string, string>>;
			};
			readonly dPoP: Switch;
			readonly pushedAuthorizationRequests: Switch;
			readonly resourceIndicators: Switch & {
				readonly defaultResource: () => Promise<string>;
				readonly useGrantedResource: () => Promise<boolean>;
				readonly getResourceServerInfo: (context: Context) => Promise<ResourceServer>;
			};
			readonly revocation: Switch & {
				readonly allowedPolicy: (
					context: Context,
					client: {readonly clientId: string},
					token: {readonly clientId?: string},
				) => Promise<boolean>;
			};
			readonly rpInitiatedLogout: Switch;
			readonly userinfo: Switch;
		};
		readonly findAccount: (context: Context, id: string) => Promise<Account | undefined>;
		readonly interactions: {readonly url: (context: Context, interaction: Interaction) => Promise<string>};
		readonly issueRefreshToken: (
			context: Context,
			client: {grantTypeAllowed(type: string): boolean},
		) => Promise<boolean>;
		readonly jwks: {readonly keys: readonly JsonWebKey[]};
		readonly pkce: {readonly required: () => boolean};
		readonly renderError: (context: Context, out: Readonly<Record<string, string>>) => Promise<void>;
		readonly responseTypes: readonly string[];
		readonly rotateRefreshToken: boolean;
		readonly routes: Readonly<Record<string, string>>;
		readonly scopes: readonly string[];
		/** Lifetimes in seconds. */
		readonly ttl: Readonly<Record<string, number>>;
	}

	export class Provider {
		constructor(issuer: string, configuration: Configuration);
		readonly Grant: new (properties: {
			readonly accountId: string;
			readonly clientId: string;
		}) => Grant;
		/** The user code is looked for without its dashes, in capitals. */
		readonly DeviceCode: {
			findByUserCode(
				userCode: string,
				options: {readonly ignoreExpiration: boolean},
			): Promise<DeviceCode | undefined>;
		};
		readonly Client: {find(id: string): Promise<unknown>};
		callback(): RequestListener;
		use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): this;
		on(event: 'grant.success', listener: (context: Context) => void): this;
		on(
			event:
				| 'grant.error'
				| 'authorization.error'
				| 'device_authorization.error'
				| 'revocation.error'
				| 'server_error',
			listener: (context: Context, error: ProviderError) => void,
		): this;
		on(event: 'error', listener: (error: Error) => void): this;
		interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
		interactionResult(
			request: IncomingMessage,
			response: ServerResponse,
			result: InteractionResult,
			options: {readonly mergeWithLastSubmission: boolean},
		): Promise<string>;
	}

	export const errors: {readonly SessionNotFound: new () => ProviderError};
}
