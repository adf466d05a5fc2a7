import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
	textMember,
} from './json.ts';
import type {Credential, SecretRef} from './schema.ts';

/**
 * Changes to a parsed `auth-profiles.json`. They touch what they name and nothing else, so that keys and
 * entries of a newer program survive.
 */

const memberOrder = ['version', 'profiles', 'order', 'lastGood', 'usageStats'] as const;

/** The members of an entry, as documented (docs/files.md). */
const entryOrder = [
	...['type', 'provider', 'key', 'keyRef', 'token', 'tokenRef', 'access', 'refresh', 'expires', 'expiresIn'],
	...['accountId', 'email', 'clientId', 'method', 'metadata', 'link'],
];

/** Every member that says what kind of secret an entry holds: all are replaced together. */
const secretMembers = [
	...['mode', 'type', 'provider', 'key', 'apiKey', 'keyRef', 'token', 'tokenRef'],
	...['access', 'refresh', 'expires', 'expiresIn', 'method', 'link'],
];

/** What `usageStats` holds of failures that a profile had in use. */
export const failureMembers = [
	...['errorCount', 'cooldownUntil', 'disabledUntil', 'disabledReason', 'disabledCount'],
	...['failureCounts', 'lastFailureAt', 'lastFailureReason', 'refusedAccess'],
] as const;

/** The text of a document, members in the documented order and unknown ones behind them. */
export function serializeDocument(document: JsonObject): string {
	const ordered: JsonObject = {version: 1, profiles: {}};
	for (const key of memberOrder) {
		const value = member(document, key);
		if (value !== undefined) setMember(ordered, key, value);
	}
	for (const [key, value] of Object.entries(document)) {
		if (!Object.hasOwn(ordered, key)) setMember(ordered, key, value);
	}
	return `${JSON.stringify(ordered, undefined, 2)}\n`;
}

/** Writes a credential under an id. Members of the entry that this version does not know are kept. */
export function putCredential(document: JsonObject, profileId: string, credential: Credential): void {
	const {hasRef: _, ...fields} = {hasRef: undefined, ...credential};
	putEntry(document, profileId, fields as unknown as JsonObject);
}

/** The same of an entry as a file holds it. */
export function putEntry(document: JsonObject, profileId: string, fields: JsonObject): void {
	const profiles = objectMember(document, 'profiles');
	const present = member(profiles, profileId);
	const entry: JsonObject = {...fields};
	for (const [key, value] of isObject(present) ? Object.entries(present) : []) {
		if (!secretMembers.includes(key) && !Object.hasOwn(entry, key)) setMember(entry, key, value);
	}
	setMember(profiles, profileId, inOrder(entry, isObject(present) ? Object.keys(present) : []));
}

// Who has arranged an entry finds it so again; what is new has the documented order, unknown members behind.
function inOrder(entry: JsonObject, arranged: readonly string[]): JsonObject {
	const ordered: JsonObject = {};
	const names = arranged.map(key => (key === 'mode' ? 'type' : key === 'apiKey' ? 'key' : key));
	for (const key of [...names, ...entryOrder, ...Object.keys(entry)]) {
		const value = member(entry, key);
		if (value !== undefined && !Object.hasOwn(ordered, key)) setMember(ordered, key, value);
	}
	return ordered;
}

/** The members of an entry that hold a secret which a ref can take the place of, and the ref's. */
export const staticSecretMembers = {
	api_key: {secret: ['key', 'apiKey'], ref: 'keyRef'},
	token: {secret: ['token'], ref: 'tokenRef'},
} as const;

/** Puts a ref into the place of a profile's secret, or the secret into the place of its ref. */
export function replaceSecret(
	entry: JsonObject,
	kind: keyof typeof staticSecretMembers,
	by: SecretRef | string,
) {
	const {secret, ref} = staticSecretMembers[kind];
	const present = Object.entries(entry).filter(([key]) => key !== ref && !secret.some(name => name === key));
	for (const key of [...secret, ref]) delete entry[key];
	// The place that people look for it: behind what it is and whose.
	const before = present.filter(([key]) => ['type', 'mode', 'provider'].includes(key));
	for (const [key] of present) delete entry[key];
	for (const [key, value] of before) setMember(entry, key, value);
	if (typeof by === 'string') setMember(entry, secret[0], by);
	else setMember(entry, ref, {source: by.source, provider: by.provider, id: by.id});
	for (const [key, value] of present) setMember(entry, key, value);
}

/** Removes a profile and everything that names it. */
export function removeProfile(document: JsonObject, profileId: string): void {
	for (const section of ['profiles', 'usageStats']) delete objectIfThere(document, section)[profileId];
	const lastGood = objectIfThere(document, 'lastGood');
	for (const [provider, id] of Object.entries(lastGood)) if (id === profileId) delete lastGood[provider];
	rewriteOrder(document, ids => ids.filter(id => id !== profileId));
}

/** Gives a profile another id, wherever it is named. The id must be free. */
export function renameProfile(document: JsonObject, from: string, to: string): void {
	for (const section of ['profiles', 'usageStats']) {
		const present = member(document, section);
		if (!isObject(present) || !Object.hasOwn(present, from)) continue;
		const renamed: JsonObject = {};
		for (const [key, value] of Object.entries(present)) setMember(renamed, key === from ? to : key, value);
		document[section] = renamed;
	}
	const lastGood = objectIfThere(document, 'lastGood');
	for (const [provider, id] of Object.entries(lastGood)) if (id === from) lastGood[provider] = to;
	rewriteOrder(document, ids => ids.map(id => (id === from ? to : id)));
}

/** Sets a provider's explicit order, or takes it away (`undefined`). */
export function setOrder(document: JsonObject, provider: string, ids: readonly string[] | undefined): void {
	const order = objectMember(document, 'order');
	if (ids) setMember(order, provider, [...ids]);
	else delete order[provider];
	if (Object.keys(order).length === 0) delete document.order;
}

/** Members of a profile's usage by name; `undefined` takes one away. */
export type UsagePatch = Readonly<Record<string, JsonValue | undefined>>;

/** Sets members of a profile's usage, of which nothing is written where it has none. */
export function patchUsage(document: JsonObject, profileId: string, patch: UsagePatch): void {
	const usage = objectMember(objectMember(document, 'usageStats'), profileId);
	for (const [key, value] of Object.entries(patch)) {
		if (value === undefined) delete usage[key];
		else setMember(usage, key, value);
	}
	dropEmptyUsage(document, profileId);
}

function dropEmptyUsage(document: JsonObject, profileId: string): void {
	const all = objectIfThere(document, 'usageStats');
	const usage = member(all, profileId);
	if (!isObject(usage) || Object.keys(usage).length > 0) return;
	delete all[profileId];
	if (Object.keys(all).length === 0) delete document.usageStats;
}

/** Sets the profile of a provider that worked last, or, with `undefined`, forgets it. */
export function setLastGood(document: JsonObject, provider: string, profileId: string | undefined): void {
	const lastGood = objectMember(document, 'lastGood');
	if (profileId) setMember(lastGood, provider, profileId);
	else delete lastGood[provider];
	if (Object.keys(lastGood).length === 0) delete document.lastGood;
}

/**
 * Forgets that a profile was refused: it has a new token. A rate limit or a bill is of the account, and does
 * not go away by that.
 */
export function clearRefusal(document: JsonObject, profileId: string): void {
	const usage = member(objectIfThere(document, 'usageStats'), profileId);
	if (!isObject(usage)) return;
	if (textMember(usage, 'lastFailureReason') === 'auth') clearFailures(document, profileId);
	else delete usage.needsLogin;
	dropEmptyUsage(document, profileId);
}

/** Forgets the failures of a profile, and that its refresh token was refused: it has a new one. */
export function clearFailures(document: JsonObject, profileId: string): void {
	const usage = member(objectIfThere(document, 'usageStats'), profileId);
	if (isObject(usage)) for (const key of [...failureMembers, 'needsLogin']) delete usage[key];
	dropEmptyUsage(document, profileId);
}

function objectIfThere(document: JsonObject, key: string): JsonObject {
	const value = member(document, key);
	return isObject(value) ? value : {};
}

function rewriteOrder(document: JsonObject, rewrite: (ids: JsonValue[]) => JsonValue[]): void {
	const order = objectIfThere(document, 'order');
	for (const [provider, ids] of Object.entries(order)) {
		if (!Array.isArray(ids)) continue;
		const rewritten = rewrite(ids);
		// An order that names nobody would keep everybody out.
		if (ids.length > 0 && rewritten.length === 0) delete order[provider];
		else setMember(order, provider, rewritten);
	}
}
