import {JarvisError} from '../errors.ts';
import {type DecodedBindings, decodeBindings, decodeChannels} from './binding-schema.ts';
import {isObject, type JsonObject, type JsonValue, member, readTextIfThere, textMember} from './json.ts';
import {isProviderId, type StatePaths} from './paths.ts';
import {type ApiKeyCredential, decodeOrder, decodeRef, entriesOf, optional} from './schema.ts';

/** Whose the keys of `jarvis.json` are, where the id of an agent would stand: none can have this one. */
export const configOwner = 'jarvis.json';

/** The parts of `jarvis.json` that are in use (docs/files.md). It is to hold no secrets; `apiKeys` may all the same. */
export interface Config extends DecodedBindings {
	readonly agents: readonly AgentConfig[];
	/** The agent that is meant when none is named. */
	readonly defaultAgent: string | undefined;
	readonly models: ModelConfig;
	/** `auth.order`: provider → profile ids. */
	readonly order: ReadonlyMap<string, readonly string[]>;
	/** `auth.profiles`: the profile ids that are configured, with their provider. */
	readonly profiles: ReadonlyMap<string, string>;
	/** `auth.cooldowns`. */
	readonly cooldowns: CooldownConfig;
	/** `models.providers.<id>.auth`: a company's own endpoints for a provider. */
	readonly endpointOverrides: ReadonlyMap<string, EndpointOverride>;
	/** `models.providers.<id>.apiKey`: provider → the key that serves where no profile of it is ready. */
	readonly apiKeys: ReadonlyMap<string, ApiKeyCredential>;
	/** `channels`: the channels that are configured, with the ids of their accounts. */
	readonly channels: ReadonlyMap<string, readonly string[]>;
	/** There is something in `secrets`, which is decoded where it is needed (secrets-config.ts). */
	readonly hasSecrets: boolean;
}

export interface AgentConfig {
	readonly id: string;
	/** Where it stands in `agents.list`, entries without an id counted. */
	readonly index: number;
	readonly name?: string;
	readonly workspace?: string;
	readonly isDefault: boolean;
	/** It may use the main agent's profiles of providers of which it has none itself. */
	readonly readsMain: boolean;
}

/** `auth.cooldowns`: for how long a profile is set aside after failures (docs/routing.md). */
export interface CooldownConfig {
	/** How long (h) a profile is disabled after a first billing failure; each further one doubles it. */
	readonly billingBackoffHours: number;
	readonly billingBackoffHoursByProvider: ReadonlyMap<string, number>;
	/** The longest time (h) that a profile is disabled. */
	readonly billingMaxHours: number;
	/** After so long (h) without a failure the counting starts again. */
	readonly failureWindowHours: number;
}

/** `agents.defaults.model` and `agents.defaults.models`. */
export interface ModelConfig {
	readonly primary?: string;
	readonly fallbacks: readonly string[];
	/** alias → `provider/model` */
	readonly aliases: ReadonlyMap<string, string>;
	/** The keys of `agents.defaults.models`. */
	readonly listed: readonly string[];
	/** Every `provider/model` that is named, in the order of the file. */
	readonly configured: readonly string[];
	/** Other names of providers → their ids, as far as they were looked up (provider-names.ts). */
	readonly providerIds?: ReadonlyMap<string, string>;
}

export interface EndpointOverride {
	readonly issuer?: string;
	readonly authorizationEndpoint?: string;
	readonly tokenEndpoint?: string;
	readonly clientId?: string;
}

/**
 * Reads `jarvis.json`; a missing file is an empty configuration.
 * @throws `config_damaged` with the position, system errors
 */
export async function readConfig(paths: StatePaths): Promise<Config> {
	const document = await readConfigFile(paths.config);
	const fault = faultInOrder(document);
	if (fault !== undefined) throw configDamaged(`${paths.config}: ${fault}`);
	return decodeConfig(document);
}

/**
 * A configuration file as it is written, `jarvis.json` or one of its kin; a missing one is an empty object.
 * @throws `config_damaged` with the position, system errors
 */
export async function readConfigFile(file: string): Promise<JsonObject> {
	const text = readTextIfThere(file);
	return text === undefined ? {} : parseConfig(file, text);
}

/** Decodes a parsed `jarvis.json`. Parts of another type than documented count as absent. */
export function decodeConfig(document: JsonObject): Config {
	const auth = member(document, 'auth');
	const list = member(member(document, 'agents'), 'list');
	const agents = (Array.isArray(list) ? list : []).flatMap(decodeAgent);
	return {
		agents,
		models: decodeModels(member(member(document, 'agents'), 'defaults')),
		defaultAgent: agents.find(agent => agent.isDefault)?.id,
		order: decodeOrder(member(auth, 'order')),
		profiles: new Map(
			entriesOf(member(auth, 'profiles')).flatMap(([id, entry]) => {
				const provider = textMember(entry, 'provider');
				return provider ? [[id, provider] as const] : [];
			}),
		),
		cooldowns: decodeCooldowns(member(auth, 'cooldowns')),
		endpointOverrides: new Map(
			entriesOf(member(member(document, 'models'), 'providers')).flatMap(([provider, entry]) => {
				const override = member(entry, 'auth');
				return isObject(override) ? [[provider, decodeOverride(override)] as const] : [];
			}),
		),
		apiKeys: new Map(
			entriesOf(member(member(document, 'models'), 'providers')).flatMap(([provider, entry]) => {
				const key = isProviderId(provider) ? decodeApiKey(provider, member(entry, 'apiKey')) : undefined;
				return key ? [[provider, key] as const] : [];
			}),
		),
		...decodeBindings(member(document, 'bindings')),
		channels: decodeChannels(member(document, 'channels')),
		hasSecrets: member(document, 'secrets') !== undefined,
	};
}

/**
 * One change to `jarvis.json`: the path of a member, and its value (`undefined` removes it), or its new name, or what
 * is put into a list at its place.
 */
export type ConfigEdit = {readonly path: readonly (string | number)[]} & (
	| {readonly value: JsonValue | undefined}
	| {readonly name: string}
	| {readonly insert: JsonValue}
);

/**
 * Changes `jarvis.json` under its lock; comments and layout stay.
 * @param makeEdits gets the configuration as it is now, and the file as it is written
 * @throws `config_uneditable` when the file uses syntax beyond JSON with comments, `config_damaged`,
 * `lock_timeout`, `lock_lost`, system errors, and whatever `makeEdits` throws
 */
export async function updateConfig(
	paths: Pick<StatePaths, 'config' | 'locks'>,
	makeEdits: (config: Config, document: JsonObject) => readonly ConfigEdit[],
): Promise<void> {
	const [{withLock}, {writeDurably}, {textEdits}, {applyEdits, parse}] = await Promise.all([
		import('./lock.ts'),
		import('./write.ts'),
		import('./config-text.ts'),
		import('jsonc-parser'),
	]);
	await withLock(paths.locks, 'config', async lock => {
		const content = readTextIfThere(paths.config) ?? '{}\n';
		const document = await parseConfig(paths.config, content);
		const edits = makeEdits(decodeConfig(document), document);
		if (edits.length === 0) return;
		const mark = content.startsWith('\ufeff') ? '\ufeff' : '';
		let text = content.slice(mark.length);
		const faults: import('jsonc-parser').ParseError[] = [];
		parse(text, faults, {allowTrailingComma: true});
		if (faults.length > 0) throw uneditable(paths.config, edits);
		const formattingOptions = indentationOf(text);
		for (const edit of edits) {
			try {
				text = applyEdits(text, textEdits(text, edit, formattingOptions));
			} catch (error) {
				throw invalidJson5(paths.config, `a part of ${edit.path.join('.')} is of another type`, error);
			}
		}
		await lock.commit(() => writeDurably(paths.config, mark + text, {backup: true}));
	});
}

async function parseConfig(file: string, text: string): Promise<JsonObject> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		const {default: json5} = await import('json5');
		try {
			value = json5.parse(text);
		} catch (error) {
			const {lineNumber, columnNumber} = error as {lineNumber?: number; columnNumber?: number};
			throw invalidJson5(file, `line ${lineNumber ?? '?'}, column ${columnNumber ?? '?'}`, error);
		}
	}
	if (!isObject(value)) throw invalidJson5(file, 'it holds no object');
	return value;
}

/** The key of a provider: a text, the name of a variable as "${NAME}", or a secret ref. */
export function decodeApiKey(provider: string, value: JsonValue | undefined): ApiKeyCredential | undefined {
	if (typeof value !== 'string') {
		const keyRef = decodeRef(value);
		return keyRef && {type: 'api_key', provider, keyRef};
	}
	const [, id] = /^\$\{(.*)\}$/s.exec(value) ?? [];
	if (id !== undefined) return {type: 'api_key', provider, keyRef: {source: 'env', provider: 'default', id}};
	// What would break a header, or is nothing, is no key.
	const key = value.trim();
	return key === '' || /\p{Cc}/u.test(key) ? undefined : {type: 'api_key', provider, key};
}

function decodeAgent(entry: JsonValue, index: number): AgentConfig[] {
	const id = textMember(entry, 'id');
	if (!id) return [];
	return [
		{
			id,
			index,
			isDefault: member(entry, 'default') === true,
			// Whatever else is written there was meant to keep it apart.
			readsMain: member(entry, 'readsMain') === undefined || member(entry, 'readsMain') === true,
			...optional('name', textMember(entry, 'name')),
			...optional('workspace', textMember(entry, 'workspace')),
		},
	];
}

// An order keeps profiles out: one that is not understood must not let them in.
function faultInOrder(document: JsonObject): string | undefined {
	const order = member(member(document, 'auth'), 'order');
	if (order === undefined) return undefined;
	if (!isObject(order)) return 'auth.order is no object of providers';
	const isList = (value: JsonValue) => Array.isArray(value) && value.every(id => typeof id === 'string');
	const wrong = Object.entries(order).find(([, ids]) => !isList(ids));
	return wrong && `auth.order.${wrong[0]} is no list of profile ids`;
}

function decodeCooldowns(value: JsonValue | undefined): CooldownConfig {
	const hours = (key: string, otherwise: number) => hoursOf(member(value, key)) ?? otherwise;
	return {
		billingBackoffHours: hours('billingBackoffHours', 5),
		billingMaxHours: hours('billingMaxHours', 24),
		failureWindowHours: hours('failureWindowHours', 24),
		billingBackoffHoursByProvider: new Map(
			entriesOf(member(value, 'billingBackoffHoursByProvider')).flatMap(([provider, entry]) => {
				const own = hoursOf(entry);
				return own === undefined ? [] : [[provider, own] as const];
			}),
		),
	};
}

function hoursOf(value: JsonValue | undefined): number | undefined {
	return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function decodeModels(defaults: JsonValue | undefined): ModelConfig {
	const model = member(defaults, 'model');
	const listed = member(model, 'fallbacks');
	const fallbacks = Array.isArray(listed) ? listed.filter(ref => typeof ref === 'string') : [];
	const primary = typeof model === 'string' && model !== '' ? model : textMember(model, 'primary');
	const named = entriesOf(member(defaults, 'models')).map(([ref]) => ref);
	return {
		...optional('primary', primary),
		fallbacks,
		listed: named,
		configured: [...new Set([...(primary ? [primary] : []), ...fallbacks, ...named])],
		aliases: new Map(
			entriesOf(member(defaults, 'models')).flatMap(([ref, entry]) => {
				const alias = textMember(entry, 'alias');
				return alias ? [[alias, ref] as const] : [];
			}),
		),
	};
}

function decodeOverride(entry: JsonObject): EndpointOverride {
	return {
		...optional('issuer', textMember(entry, 'issuer')),
		...optional('authorizationEndpoint', textMember(entry, 'authorizationEndpoint')),
		...optional('tokenEndpoint', textMember(entry, 'tokenEndpoint')),
		...optional('clientId', textMember(entry, 'clientId')),
	};
}

/** How a text is indented, as its first indented line shows. */
function indentationOf(text: string): {insertSpaces: boolean; tabSize: number} {
	const [, first = '  '] = /^([\t ]+)\S/m.exec(text) ?? [];
	return first.startsWith('\t')
		? {insertSpaces: false, tabSize: 4}
		: {insertSpaces: true, tabSize: first.length};
}

function invalidJson5(file: string, place: string, cause?: unknown): JarvisError {
	return configDamaged(`${file} is not valid JSON5 (${place})`, cause);
}

function configDamaged(fault: string, cause?: unknown): JarvisError {
	return new JarvisError(
		'config_damaged',
		`${fault}. It is left as it is.`,
		'Mend it in an editor and try again.',
		{cause},
	);
}

function uneditable(file: string, edits: readonly ConfigEdit[]): JarvisError {
	const lines = edits.map(edit => {
		const place = edit.path.join('.');
		const list = edit.path.slice(0, -1).join('.');
		if ('name' in edit) return `${place} becomes ${JSON.stringify(edit.name)}`;
		if ('insert' in edit) return `insert at ${place}: ${JSON.stringify(edit.insert)}`;
		const value = JSON.stringify(edit.value) ?? '(remove)';
		return edit.path.at(-1) === -1 ? `add to ${list}: ${value}` : `${place} = ${value}`;
	});
	return new JarvisError(
		'config_uneditable',
		`${file} uses JSON5 syntax (such as keys without quotes) that would be lost by writing it back.`,
		`Make the change by hand: ${lines.join('; ')}`,
	);
}
