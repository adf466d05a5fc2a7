import {isDeepStrictEqual} from 'node:util';
import {anyAccount, decodeBindings, isSameMatch} from '../../store/binding-schema.ts';
import {type ConfigEdit, decodeConfig} from '../../store/config.ts';
import {isObject, type JsonObject, type JsonValue, member, setMember, textMember} from '../../store/json.ts';
import {listedAgents} from '../../store/openclaw/folder.ts';
import {isAgentId, mainAgentId} from '../../store/paths.ts';
import {decodeOrder, entriesOf} from '../../store/schema.ts';

/**
 * What `openclaw.json` and `jarvis.json` have in common, as changes that bring the one into the other. The
 * parts have the same form in both; all else in either file is left alone. Pure.
 */
export interface ConfigTransfer {
	readonly edits: readonly ConfigEdit[];
	/** The members that are set, and those that differ and stay as they are, by their dotted paths. */
	readonly taken: readonly string[];
	readonly kept: readonly string[];
	/** Plaintext secrets, and what the other file takes no such thing for: left where they are. */
	readonly left: readonly string[];
}

type Path = readonly (string | number)[];

/** Objects whose members are each taken for themselves. */
const keyedParts: readonly Path[] = [
	['auth', 'profiles'],
	['auth', 'order'],
	['auth', 'cooldowns'],
	['agents', 'defaults', 'models'],
	['models', 'providers'],
	['secrets', 'providers'],
	['secrets', 'defaults'],
	['secrets', 'resolution'],
];
/** What of `agents.list` is told otherwise: by the id, the default agent, and the place of a folder. */
const ownOfAgent = ['id', 'default', 'agentDir', 'readsMain'];

interface Changes {
	readonly edits: ConfigEdit[];
	readonly taken: string[];
	readonly kept: string[];
	readonly left: string[];
}

function noChanges(): Changes {
	return {edits: [], taken: [], kept: [], left: []};
}

/** Sets a member unless it is so already, or another value is there that stays. */
function set(changes: Changes, document: JsonObject, path: Path, value: JsonValue, keeps: boolean): void {
	const present = at(document, path);
	if (isDeepStrictEqual(present, value)) return;
	if (present !== undefined && keeps) changes.kept.push(path.join('.'));
	else edit(changes, path, value);
}

function edit(changes: Changes, path: Path, value: JsonValue | undefined): void {
	changes.edits.push({path, value});
	const isNew = path.at(-1) === -1;
	changes.taken.push(
		(isNew ? path.with(-1, textMember(value, 'id') ?? textMember(value, 'agentId') ?? 'new') : path).join(
			'.',
		),
	);
}

/** What an import needs to know beside the two files. */
export interface ImportedConfigContext {
	/** The agent that openclaw takes where none is named. */
	readonly defaultAgent: string;
	/** The profiles that there are here by provider, in all agents, before the import. */
	readonly profilesHere: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The changes that bring `openclaw.json` into `jarvis.json`. What is set here stays. */
export function importConfig(
	theirs: JsonObject,
	ours: JsonObject,
	{defaultAgent, profilesHere}: ImportedConfigContext,
): ConfigTransfer {
	const changes = noChanges();
	const excluding = providersExcluded(theirs, ours, profilesHere);
	for (const path of keyedParts) {
		for (const [key, raw] of entriesOf(at(theirs, path))) {
			const place = [...path, key];
			if (isDeepStrictEqual(at(ours, place), raw)) continue;
			if (isExcluding(place, raw, excluding)) changes.kept.push(place.join('.'));
			else {
				const value = withoutSecrets(raw, place, changes.left);
				if (value !== undefined) set(changes, ours, place, value, true);
			}
		}
	}
	const model = at(theirs, ['agents', 'defaults', 'model']);
	if (model !== undefined) set(changes, ours, ['agents', 'defaults', 'model'], model, true);
	importAgents(theirs, ours, defaultAgent, changes);
	transferBindings(bindingsOf(theirs).map(bindingFromOpenclaw), bindingsOf(ours), changes);
	// Of a channel nothing is taken but its name and those of its accounts: the rest is for talking to it.
	for (const [channel, accounts] of decodeConfig(theirs).channels) {
		if (!isObject(at(ours, ['channels', channel]))) edit(changes, ['channels', channel], {accounts: {}});
		for (const account of accounts) {
			const place = ['channels', channel, 'accounts', account];
			if (at(ours, place) === undefined) edit(changes, place, {});
		}
	}
	return changes;
}

/** The changes that bring `jarvis.json` into `openclaw.json`, which takes no member that it does not know. */
export function exportConfig(
	ours: JsonObject,
	theirs: JsonObject,
	agents: {readonly ids: readonly string[]; readonly defaultAgent: string},
): ConfigTransfer {
	const changes = noChanges();
	for (const path of keyedParts) {
		for (const [key, raw] of entriesOf(at(ours, path))) {
			const value = knownThere(path, key, raw);
			if (value === undefined) changes.left.push([...path, key].join('.'));
			else set(changes, theirs, [...path, key], value, !isOurs(path));
		}
	}
	const model = at(ours, ['agents', 'defaults', 'model']);
	if (model !== undefined) set(changes, theirs, ['agents', 'defaults', 'model'], model, false);
	exportAgents(ours, theirs, agents, changes);
	const own = bindingsOf(ours).filter(entry => agents.ids.some(id => id === textMember(entry, 'agentId')));
	transferBindings(own, bindingsOf(theirs).map(bindingFromOpenclaw), changes, bindingForOpenclaw);
	return changes;
}

function importAgents(theirs: JsonObject, ours: JsonObject, defaultAgent: string, changes: Changes): void {
	const here = listedAgents(ours);
	const defaultHere = decodeConfig(ours).defaultAgent;
	const becomesDefault = defaultHere === undefined && defaultAgent !== mainAgentId;
	if (defaultHere !== undefined && defaultHere !== defaultAgent)
		changes.kept.push('agents.list (the default)');
	for (const {id, entry, index: place} of listedAgents(theirs)) {
		if (!isAgentId(id)) continue;
		const members = entriesOf(entry).flatMap(([key, raw]) => {
			if (ownOfAgent.includes(key)) return [];
			const value = withoutSecrets(raw, ['agents', 'list', place, key], changes.left);
			return value === undefined ? [] : [[key, value] as const];
		});
		const isDefault = becomesDefault && id === defaultAgent;
		const own = here.find(other => other.id === id);
		if (!own) {
			// The main agent is there without being listed.
			if (id === mainAgentId && members.length === 0 && !isDefault) continue;
			const added = {id, ...Object.fromEntries(members), ...(isDefault ? {default: true} : {})};
			edit(changes, ['agents', 'list', -1], added);
			continue;
		}
		for (const [key, value] of members) set(changes, ours, ['agents', 'list', own.index, key], value, true);
		if (isDefault) edit(changes, ['agents', 'list', own.index, 'default'], true);
	}
}

function exportAgents(
	ours: JsonObject,
	theirs: JsonObject,
	{ids, defaultAgent}: {readonly ids: readonly string[]; readonly defaultAgent: string},
	changes: Changes,
): void {
	const there = listedAgents(theirs);
	// Without a list openclaw has the main agent alone.
	if (there.length === 0 && ids.every(id => id === mainAgentId) && listedAgents(ours).length === 0) return;
	const isDecided = ids.includes(defaultAgent);
	// The first one is the default where none is marked.
	const isFirst = (there[0]?.id ?? ids[0]) === defaultAgent;
	for (const id of ids) {
		const entry = listedAgents(ours).find(other => other.id === id)?.entry ?? {};
		const members = entriesOf(entry).filter(([key]) => !ownOfAgent.includes(key));
		const present = there.find(other => other.id === id);
		const marks = id === defaultAgent && !isFirst && member(present?.entry, 'default') !== true;
		if (!present) {
			const added = {id, ...Object.fromEntries(members), ...(marks ? {default: true} : {})};
			edit(changes, ['agents', 'list', -1], added);
			continue;
		}
		for (const [key, value] of members) {
			const isEdited = key === 'name' || key === 'workspace';
			set(changes, theirs, ['agents', 'list', present.index, key], value, !isEdited);
		}
		if (marks) edit(changes, ['agents', 'list', present.index, 'default'], true);
	}
	for (const {id, index, entry} of there) {
		if (!isDecided || id === defaultAgent || member(entry, 'default') !== true) continue;
		edit(changes, ['agents', 'list', index, 'default'], undefined);
	}
}

/** Adds the bindings that are not there yet, in the form that `asThere` gives them; both lists are in ours. */
function transferBindings(
	from: readonly JsonValue[],
	to: readonly JsonValue[],
	changes: Changes,
	asThere: (binding: JsonValue) => JsonValue = binding => binding,
): void {
	const present = decodeBindings([...to]).bindings;
	const {bindings} = decodeBindings([...from]);
	for (const [index, entry] of from.entries()) {
		if (to.some(other => isDeepStrictEqual(other, entry))) continue;
		const binding = bindings.find(other => other.index === index);
		const same = binding && present.find(({match}) => isSameMatch(match, binding.match));
		if (!same) edit(changes, ['bindings', -1], asThere(entry));
		else if (same.agentId !== binding.agentId) changes.kept.push(`bindings.${same.index}`);
	}
}

function bindingsOf(document: JsonObject): readonly JsonValue[] {
	const list = member(document, 'bindings');
	return Array.isArray(list) ? list : [];
}

// Without an account a binding is for the account `default` alone in openclaw, and for any here.
const defaultAccount = 'default';

function bindingFromOpenclaw(entry: JsonValue): JsonValue {
	const match = member(entry, 'match');
	const agentId = textMember(entry, 'agentId');
	if (!isObject(entry) || !isObject(match) || agentId === undefined) return entry;
	const accountId = member(match, 'accountId') ?? defaultAccount;
	return {...entry, agentId: agentId.trim().toLowerCase(), match: {...match, accountId}};
}

function bindingForOpenclaw(entry: JsonValue): JsonValue {
	const match = member(entry, 'match');
	if (!isObject(entry) || !isObject(match)) return entry;
	return {...entry, match: {...match, accountId: member(match, 'accountId') ?? anyAccount}};
}

// A list of what may be used keeps out what it does not name: one that was made without knowing of the
// profiles here would do so.
function providersExcluded(
	theirs: JsonObject,
	ours: JsonObject,
	profilesHere: ReadonlyMap<string, ReadonlySet<string>>,
): {readonly order: ReadonlySet<string>; readonly profiles: ReadonlySet<string>} {
	const orders = decodeOrder(at(theirs, ['auth', 'order']));
	const configured = decodeConfig(theirs).profiles;
	const own = [...decodeConfig(ours).profiles.values()];
	const order = new Set<string>();
	const profiles = new Set<string>();
	for (const [provider, ids] of profilesHere) {
		const ordered = orders.get(provider);
		if (ordered && [...ids].some(id => !ordered.includes(id))) order.add(provider);
		// Where some are configured here, others more keep nobody out.
		if (!own.includes(provider) && [...ids].some(id => !configured.has(id))) profiles.add(provider);
	}
	return {order, profiles};
}

function isExcluding(
	place: Path,
	value: JsonValue,
	excluding: {readonly order: ReadonlySet<string>; readonly profiles: ReadonlySet<string>},
): boolean {
	const [section, part, key] = place;
	if (section !== 'auth') return false;
	// openclaw takes an empty order for none.
	if (part === 'order')
		return excluding.order.has(String(key)) || !Array.isArray(value) || value.length === 0;
	return part === 'profiles' && excluding.profiles.has(textMember(value, 'provider') ?? '');
}

const secretName = /token$|password|secret|api.?key|encrypt.?key|private.?key|serviceaccount$|authorization/i;
const withCredentials = /:\/\/[^/\s@]*:[^/\s@]*@/;

/** A value without the plaintext secrets in it, which are named in `left`; nothing if it is one itself. */
function withoutSecrets(value: JsonValue, path: Path, left: string[]): JsonValue | undefined {
	const name = String(path.at(-1));
	if (typeof value === 'string') {
		const isVariable = /^\$\{[A-Z][A-Z0-9_]*\}$/.test(value);
		const isSecret = (secretName.test(name) || path.at(-2) === 'headers') && !isVariable;
		if (!isSecret && !withCredentials.test(value)) return value;
		left.push(path.join('.'));
		return undefined;
	}
	if (Array.isArray(value)) {
		return value.flatMap((entry, index) => withoutSecrets(entry, [...path, index], left) ?? []);
	}
	if (!isObject(value)) return value;
	const kept: JsonObject = {};
	for (const [key, entry] of Object.entries(value)) {
		const rest = withoutSecrets(entry, [...path, key], left);
		if (rest !== undefined) setMember(kept, key, rest);
	}
	return kept;
}

// What JARVIS does not change is openclaw's own, with secrets that were not taken from it.
function isOurs([section]: Path): boolean {
	return section === 'auth' || section === 'agents';
}

/** A member in the form that openclaw takes; nothing where it would refuse the file for it. */
function knownThere(path: Path, key: string, value: JsonValue): JsonValue | undefined {
	switch (path.join('.')) {
		case 'auth.profiles': {
			const isKnown = ['api_key', 'oauth', 'token'].includes(textMember(value, 'mode') ?? '');
			return isKnown && textMember(value, 'provider')
				? only(value, ['provider', 'mode', 'email', 'displayName'])
				: undefined;
		}
		case 'auth.cooldowns':
			return cooldownNames.includes(key) ? value : undefined;
		case 'models.providers': {
			// Endpoints for logging in are JARVIS's own; a provider of openclaw has an address and its models.
			if (!isObject(value) || !textMember(value, 'baseUrl') || !Array.isArray(value.models)) return undefined;
			const {auth, ...rest} = value;
			return typeof auth === 'string' ? value : rest;
		}
		case 'secrets.providers':
			return ['env', 'file', 'exec'].includes(textMember(value, 'source') ?? '') ? value : undefined;
		case 'secrets.defaults':
			return ['env', 'file', 'exec'].includes(key) ? value : undefined;
		default:
			return value;
	}
}

const cooldownNames: readonly string[] = [
	...['billingBackoffHours', 'billingBackoffHoursByProvider', 'billingMaxHours', 'failureWindowHours'],
	...['overloadedProfileRotations', 'overloadedBackoffMs'],
];

function only(value: JsonValue, names: readonly string[]): JsonObject {
	return Object.fromEntries(entriesOf(value).filter(([name]) => names.includes(name)));
}

function at(document: JsonObject, path: Path): JsonValue | undefined {
	let value: JsonValue | undefined = document;
	for (const key of path) {
		value = typeof key === 'number' && Array.isArray(value) ? value[key] : member(value, String(key));
	}
	return value;
}
