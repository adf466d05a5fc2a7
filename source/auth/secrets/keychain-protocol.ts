/** An item of the keychain: the name of the program that it belongs to, and a name of its own. */
export interface KeychainItem {
	readonly service: string;
	readonly account: string;
}

/** What the process that talks to the keychain is asked, on standard input and never in its arguments. */
export type KeychainRequest =
	| {readonly do: 'get'; readonly items: readonly KeychainItem[]}
	| {readonly do: 'set'; readonly item: KeychainItem; readonly secret: string};

/** What it answers: the secrets of the items in their order, `null` for one that there is not. */
export type KeychainReply =
	| {readonly values: readonly (string | null)[]}
	| {readonly failed: 'missing' | 'refused'; readonly message: string};

/** It says so when it is ready: what comes after this is the keychain's time and not the machine's. */
export const readySign = '.';
