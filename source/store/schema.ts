import {isObject, type JsonObject, type JsonValue, member, textMember} from './json.ts';

/**
 * What an `auth-profiles.json` may hold (seed, "Storage"; docs/files.md). Decoded by hand and not by a
 * schema library: this is on the way to every `token`, and each entry is judged by itself, so that one
 * that is not understood takes no other one down.
 */
export type CredentialKind = 'oauth' | 'token' | 'api_key';

/** Where a secret may be kept instead of in the file (docs/secrets.md). */
export const secretSources = ['env', 'file', 'exec', 'keychain'] as const;
export type SecretSource = (typeof secretSources)[number];

/** A secret that is kept elsewhere: which of the sources, which of its providers, and which secret of it. */
export interface SecretRef {
	readonly source: SecretSource;
	/** A name in `secrets.providers` of `jarvis.json`; `default` where the ref names none. */
	readonly provider: string;
	readonly id: string;
}

/** Where another program keeps a login that is read there at each use, and never refreshed here. */
export interface Link {
	/** The program, by its name in the table of programs. */
	readonly program: string;
	readonly file: string;
	/** Which of the logins in the file. */
	readonly entry: string;
	/** Why it cannot be read now. Never stored. */
	readonly problem?: string;
}

interface CredentialBase {
	readonly provider: string;
	readonly email?: string;
	/** The entry itself then holds no secret. */
	readonly link?: Link;
}

export interface ApiKeyCredential extends CredentialBase {
	readonly type: 'api_key';
	readonly key?: string;
	readonly keyRef?: SecretRef;
	readonly expires?: Expires;
}

export interface TokenCredential extends CredentialBase {
	readonly type: 'token';
	readonly token?: string;
	readonly tokenRef?: SecretRef;
	readonly expires?: Expires;
}

export interface OAuthCredential extends CredentialBase {
	readonly type: 'oauth';
	readonly access?: string;
	readonly refresh?: string;
	readonly expires?: Expires;
	/** The lifetime (s) that the server gave; absent where it is not known. */
	readonly expiresIn?: number;
	readonly accountId?: string;
	/** The client that the grant was made for, where it is not the provider's usual one. */
	readonly clientId?: string;
	/** The way by which it was got, where its provider has several. */
	readonly method?: string;
	/** What its provider's own code needs to know for a refresh. No secrets. */
	readonly metadata?: Readonly<Record<string, string>>;
	/** A secret ref beside OAuth, which no store may hold (docs/files.md). */
	readonly hasRef?: true;
}

export type Credential = ApiKeyCredential | TokenCredential | OAuthCredential;

/** A point in time (epoch ms), or `'invalid'` for a value that is none. */
export type Expires = number | 'invalid';

/** The latest time (epoch ms) that a date can hold (ECMA-262, 21.4.1.1). */
const latestTime = 8_640_000_000_000_000;

export interface UsageStats {
	readonly lastUsed?: number;
	readonly errorCount?: number;
	readonly cooldownUntil?: number;
	readonly disabledUntil?: number;
	readonly disabledReason?: string;
	/** How often in a row it was disabled: each time doubles the next one. */
	readonly disabledCount?: number;
	/** Failures by reason, those during a cooldown included. */
	readonly failureCounts?: ReadonlyMap<string, number>;
	readonly lastFailureAt?: number;
	readonly lastFailureReason?: string;
	/** Fingerprint of the access token that was reported as refused though it had time left. */
	readonly refusedAccess?: string;
	/** When and with what outcome the credential was last seen to work or fail at its server. */
	readonly lastProven?: {readonly at: number; readonly outcome: string};
	/** The refresh token whose fingerprint is given was refused by the authorization server, or spent before. */
	readonly needsLogin?: {readonly since: number; readonly fingerprint: string; readonly reason: string};
}

export interface EntryProblem {
	readonly profileId: string;
	readonly problem: string;
}

export interface AgentCredentials {
	readonly profiles: ReadonlyMap<string, Credential>;
	/** Entries that are kept in the file and left out of use. */
	readonly problems: readonly EntryProblem[];
	readonly order: ReadonlyMap<string, readonly string[]>;
	readonly lastGood: ReadonlyMap<string, string>;
	readonly usageStats: ReadonlyMap<string, UsageStats>;
}

/** Decodes a parsed `auth-profiles.json`. Never throws: what is not understood is left out and named. */
export function decodeAgentCredentials(document: JsonObject): AgentCredentials {
	const profiles = new Map<string, Credential>();
	const problems: EntryProblem[] = [];
	for (const [profileId, entry] of entriesOf(member(document, 'profiles'))) {
		const credential = decodeCredential(entry);
		if (typeof credential === 'string') problems.push({profileId, problem: credential});
		else profiles.set(profileId, credential);
	}
	return {
		profiles,
		problems,
		order: decodeOrder(member(document, 'order')),
		lastGood: new Map(
			entriesOf(member(document, 'lastGood')).filter(
				(entry): entry is [string, string] => typeof entry[1] === 'string',
			),
		),
		usageStats: new Map(
			entriesOf(member(document, 'usageStats')).map(([profileId, entry]) => [profileId, decodeUsage(entry)]),
		),
	};
}

/** Decodes an object of provider → profile ids, as in `order` and `auth.order`. */
export function decodeOrder(value: unknown): Map<string, readonly string[]> {
	const order = new Map<string, readonly string[]>();
	for (const [provider, ids] of entriesOf(value)) {
		if (Array.isArray(ids)) order.set(provider, [...new Set(ids.filter(id => typeof id === 'string'))]);
	}
	return order;
}

/** The own members of a value that is an object; none otherwise. */
export function entriesOf(value: unknown): [string, JsonValue][] {
	return isObject(value) ? Object.entries(value) : [];
}

/** What is said of an entry that a newer version may have written. */
export const unknownType = 'is of a type that is not known here';

/** Decodes one entry of a store; a text says why it is none. */
export function decodeCredential(entry: JsonValue): Credential | string {
	if (!isObject(entry)) return 'is not an object';
	const type = member(entry, 'type') ?? member(entry, 'mode');
	const provider = textMember(entry, 'provider');
	if (!provider) return 'names no provider';
	const base = {
		provider,
		...optional('email', textMember(entry, 'email')),
		...optional('link', decodeLink(member(entry, 'link'))),
	};
	const expires = optional('expires', decodeExpires(member(entry, 'expires')));
	switch (type) {
		case 'api_key':
			return {
				type,
				...base,
				...expires,
				...optional('key', textMember(entry, 'key') ?? textMember(entry, 'apiKey')),
				...optional('keyRef', decodeRef(member(entry, 'keyRef'))),
			};
		case 'token':
			return {
				type,
				...base,
				...expires,
				...optional('token', textMember(entry, 'token')),
				...optional('tokenRef', decodeRef(member(entry, 'tokenRef'))),
			};
		case 'oauth':
			return {
				type,
				...base,
				...expires,
				...optional('access', textMember(entry, 'access')),
				...optional('refresh', textMember(entry, 'refresh')),
				...optional('expiresIn', positive(member(entry, 'expiresIn'))),
				...optional('accountId', textMember(entry, 'accountId')),
				...optional('clientId', textMember(entry, 'clientId')),
				...optional('method', textMember(entry, 'method')),
				...optional('metadata', decodeMetadata(member(entry, 'metadata'))),
				...(member(entry, 'keyRef') || member(entry, 'tokenRef') ? {hasRef: true as const} : {}),
			};
		default:
			return type === undefined ? 'has no type' : unknownType;
	}
}

function decodeUsage(entry: JsonValue): UsageStats {
	const proven = member(entry, 'lastProven');
	const provenAt = positive(member(proven, 'at'));
	const refused = member(entry, 'needsLogin');
	const fingerprint = textMember(refused, 'fingerprint');
	return {
		...optional('lastUsed', positive(member(entry, 'lastUsed'))),
		...optional('errorCount', positive(member(entry, 'errorCount'))),
		...optional('cooldownUntil', positive(member(entry, 'cooldownUntil'))),
		...optional('disabledUntil', positive(member(entry, 'disabledUntil'))),
		...optional('disabledReason', textMember(entry, 'disabledReason')),
		...optional('disabledCount', positive(member(entry, 'disabledCount'))),
		...optional('failureCounts', decodeCounts(member(entry, 'failureCounts'))),
		...optional('lastFailureAt', positive(member(entry, 'lastFailureAt'))),
		...optional('lastFailureReason', textMember(entry, 'lastFailureReason')),
		...optional('refusedAccess', textMember(entry, 'refusedAccess')),
		...(provenAt ? {lastProven: {at: provenAt, outcome: textMember(proven, 'outcome') ?? 'unknown'}} : {}),
		...(fingerprint
			? {
					needsLogin: {
						fingerprint,
						since: positive(member(refused, 'since')) ?? 0,
						reason: textMember(refused, 'reason') ?? 'invalid_grant',
					},
				}
			: {}),
	};
}

function decodeMetadata(value: JsonValue | undefined): Readonly<Record<string, string>> | undefined {
	const texts = entriesOf(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
	return texts.length > 0 ? Object.fromEntries(texts) : undefined;
}

function decodeCounts(value: JsonValue | undefined): ReadonlyMap<string, number> | undefined {
	const counts = entriesOf(value).flatMap(([reason, entry]) => {
		const count = positive(entry);
		return count === undefined ? [] : [[reason, count] as const];
	});
	return counts.length > 0 ? new Map(counts) : undefined;
}

function decodeExpires(value: JsonValue | undefined): Expires | undefined {
	if (value === undefined || value === null) return undefined;
	return typeof value === 'number' && value >= 1 && value <= latestTime ? value : 'invalid';
}

function decodeLink(value: JsonValue | undefined): Link | undefined {
	const program = textMember(value, 'program');
	const file = textMember(value, 'file');
	return program && file ? {program, file, entry: textMember(value, 'entry') ?? ''} : undefined;
}

/** Decodes a secret ref. Whether its names are of the right form is judged when it is resolved. */
export function decodeRef(value: JsonValue | undefined): SecretRef | undefined {
	const source = secretSources.find(known => known === member(value, 'source'));
	const id = textMember(value, 'id');
	if (!source || !id) return undefined;
	return {source, id, provider: textMember(value, 'provider') ?? 'default'};
}

function positive(value: JsonValue | undefined): number | undefined {
	return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

/** `{[key]: value}`, or nothing where the value is absent: members that are not there stay absent. */
export function optional<Key extends string, Value>(
	key: Key,
	value: Value | undefined,
): {[K in Key]?: Value} | Record<never, never> {
	return value === undefined ? {} : {[key]: value};
}
