/** How a provider's OAuth login and refresh work: data only, the same for built-ins and manifests. */
export interface OAuthMethod {
	readonly method: 'oauth';
	/** Names the authorization server (RFC 8414). Its metadata is fetched when an endpoint is missing. */
	readonly issuer?: string;
	readonly authorizationEndpoint?: string;
	readonly tokenEndpoint?: string;
	readonly revocationEndpoint?: string;
	/** A public client: there is no secret to keep on a person's machine (RFC 8252, section 8.4). */
	readonly clientId: string;
	readonly scopes: readonly string[];
	/** Those registered with the authorization server, tried in order when a port is taken. */
	readonly redirectUris: readonly string[];
	/** What the authorize URL carries beside the standard parameters. */
	readonly authorizeParams: Readonly<Record<string, string>>;
	/** Where the account id stands in the access token's (or the ID token's) claims. */
	readonly accountIdClaim?: readonly string[];
	/** Where the e-mail stands in the ID token's (or the access token's) claims. */
	readonly emailClaim?: readonly string[];
}

export interface Provider {
	readonly id: string;
	readonly label: string;
	/** Where it comes from: shown to the person, who may have added it. */
	readonly origin: 'built in' | 'plugin';
	readonly oauth: OAuthMethod;
}
