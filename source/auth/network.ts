/** What talks to an authorization server needs from outside. */
export interface Network {
	readonly fetch: typeof fetch;
}
