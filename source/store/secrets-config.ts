import {isAbsolute} from 'node:path';
import {readConfigFile} from './config.ts';
import {isObject, type JsonObject, type JsonValue, member, textMember} from './json.ts';
import type {StatePaths} from './paths.ts';
import {entriesOf, optional, type SecretSource, secretSources} from './schema.ts';

/** `secrets` of `jarvis.json` (docs/secrets.md): where secrets that are not in the files are read from. */
export interface SecretsConfig {
	/** By name; a text says why one cannot be used. */
	readonly providers: ReadonlyMap<string, SecretProvider | string>;
	/** The provider of a source that is meant by refs that name none. */
	readonly defaults: Readonly<Partial<Record<SecretSource, string>>>;
	readonly resolution: ResolutionLimits;
	/** The state folder whose sealed secrets are meant. */
	readonly paths?: StatePaths;
}

export interface ResolutionLimits {
	/** How many providers are asked at once. */
	readonly maxProviderConcurrency: number;
	readonly maxRefsPerProvider: number;
	/** The largest request (bytes) that a program is sent. */
	readonly maxBatchBytes: number;
}

/** A provider, by its source. */
export interface SecretProviders {
	readonly env: EnvProvider;
	readonly file: FileProvider;
	readonly exec: ExecProvider;
	readonly keychain: KeychainProvider;
}

export type SecretProvider = SecretProviders[SecretSource];

export interface EnvProvider {
	readonly source: 'env';
	/** The variables that may be read; all if absent. */
	readonly allowlist?: readonly string[];
}

export interface FileProvider {
	readonly source: 'file';
	readonly path: string;
	readonly mode: 'json' | 'singleValue';
	readonly timeoutMs: number;
	readonly maxBytes: number;
}

export interface ExecProvider {
	readonly source: 'exec';
	readonly command: string;
	readonly args: readonly string[];
	/** Variables that the program gets. */
	readonly env: Readonly<Record<string, string>>;
	/** Variables that it gets from our own environment. */
	readonly passEnv: readonly string[];
	readonly timeoutMs: number;
	/** How long (ms) it may write nothing; as long as `timeoutMs` if absent. */
	readonly noOutputTimeoutMs?: number;
	readonly maxOutputBytes: number;
	/** It must answer with JSON. */
	readonly jsonOnly: boolean;
	readonly allowSymlinkCommand: boolean;
	/** Where the command must lie; anywhere if there is none. */
	readonly trustedDirs: readonly string[];
}

export interface KeychainProvider {
	readonly source: 'keychain';
	/**
	 * Ids are the accounts of the keychain's own items of this service. Where it is absent, they are those of the
	 * state folder's sealed secrets (docs/keychain.md).
	 */
	readonly service?: string;
	readonly timeoutMs: number;
}

/** What the name of a provider looks like. */
export const secretProviderName = /^[a-z][a-z0-9_-]{0,63}$/;

/** The longest that a timer can wait (ms): what is more ends at once. */
const longestTimeoutMs = 2 ** 31 - 1;

export const defaultTimeoutMs = 5000;
/** How long (ms) the keychain may take for one call. */
export const keychainTimeoutMs = 3000;
export const defaultMaxBytes = 1024 * 1024;
export const defaultResolution: ResolutionLimits = {
	maxProviderConcurrency: 4,
	maxRefsPerProvider: 512,
	maxBatchBytes: 262_144,
};

/** What is there without being configured: the environment and the keychain, each as `default`. */
const unconfigured: {readonly [Source in SecretSource]?: SecretProviders[Source]} = {
	env: {source: 'env'},
	keychain: {source: 'keychain', timeoutMs: keychainTimeoutMs},
};

/**
 * Reads `secrets` of `jarvis.json`.
 * @throws as `readConfig` does
 */
export async function readSecretsConfig(paths: StatePaths): Promise<SecretsConfig> {
	return {...decodeSecrets(member(await readConfigFile(paths.config), 'secrets')), paths};
}

/** Decodes `secrets` of `jarvis.json`. Never throws: a provider that is not understood says why. */
export function decodeSecrets(value: JsonValue | undefined): SecretsConfig {
	const defaults: Partial<Record<SecretSource, string>> = {};
	for (const source of secretSources) {
		const name = textMember(member(value, 'defaults'), source);
		if (name) defaults[source] = name;
	}
	const limits = member(value, 'resolution');
	const limit = (key: keyof ResolutionLimits) => countOf(member(limits, key)) ?? defaultResolution[key];
	return {
		defaults,
		providers: new Map(
			entriesOf(member(value, 'providers')).map(([name, entry]) => [name, decodeProvider(name, entry)]),
		),
		resolution: {
			maxProviderConcurrency: limit('maxProviderConcurrency'),
			maxRefsPerProvider: limit('maxRefsPerProvider'),
			maxBatchBytes: limit('maxBatchBytes'),
		},
	};
}

/** The provider that a ref means; a text says why there is none. */
export function secretProviderOf<Source extends SecretSource>(
	config: SecretsConfig,
	{source, provider: named}: {readonly source: Source; readonly provider: string},
): {readonly name: string; readonly provider: SecretProviders[Source]} | string {
	const isNamed = named !== 'default' || config.providers.has(named);
	const name = isNamed ? named : (config.defaults[source] ?? named);
	const found = config.providers.get(name);
	if (typeof found === 'string') return `the provider ${name} in jarvis.json ${found}`;
	if (found && found.source !== source) return `the provider ${name} in jarvis.json is of ${found.source}`;
	const isDefault = name === (config.defaults[source] ?? 'default');
	const provider = (found ?? (isDefault ? unconfigured[source] : undefined)) as
		| SecretProviders[Source]
		| undefined;
	if (provider) return {name, provider};
	return secretProviderName.test(name)
		? `jarvis.json configures no provider ${name}`
		: 'it names no provider that there can be';
}

function decodeProvider(name: string, entry: JsonValue): SecretProvider | string {
	if (!secretProviderName.test(name)) return 'has a name that is none';
	if (!isObject(entry)) return 'is no object';
	const source = member(entry, 'source');
	const known = secretSources.find(candidate => candidate === source);
	return known ? decoders[known](entry) : 'is of no known source';
}

const decoders: {
	readonly [Source in SecretSource]: (entry: JsonObject) => SecretProviders[Source] | string;
} = {
	env: entry => {
		const allowlist = textsOf(member(entry, 'allowlist'));
		if (allowlist === 'wrong') return 'has an allowlist that is no list of names';
		return {source: 'env', ...optional('allowlist', allowlist)};
	},
	file: entry => {
		const path = textMember(entry, 'path');
		const mode = member(entry, 'mode') ?? 'json';
		if (!path || !isAbsolute(path)) return 'has no absolute path';
		if (mode !== 'json' && mode !== 'singleValue') return 'has a mode that is neither json nor singleValue';
		const limits = limitsOf(entry, 'maxBytes');
		if (typeof limits === 'string') return limits;
		return {source: 'file', path, mode, timeoutMs: limits.timeoutMs, maxBytes: limits.bytes};
	},
	exec: entry => {
		const command = textMember(entry, 'command');
		if (!command || !isAbsolute(command)) return 'has no command with an absolute path';
		const args = textsOf(member(entry, 'args'));
		const passEnv = textsOf(member(entry, 'passEnv'));
		const trustedDirs = textsOf(member(entry, 'trustedDirs'));
		const env = entriesOf(member(entry, 'env'));
		if (args === 'wrong') return 'has args that are no list of texts';
		if (passEnv === 'wrong') return 'has a passEnv that is no list of names';
		if (trustedDirs === 'wrong' || !(trustedDirs ?? []).every(folder => isAbsolute(folder))) {
			return 'has trustedDirs that are no list of absolute paths';
		}
		const limits = limitsOf(entry, 'maxOutputBytes');
		if (typeof limits === 'string') return limits;
		const silence = member(entry, 'noOutputTimeoutMs');
		if (silence !== undefined && countOf(silence) === undefined)
			return 'has a noOutputTimeoutMs that is none';
		return {
			...{source: 'exec', command, args: args ?? [], passEnv: passEnv ?? []},
			env: Object.fromEntries(env.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : []))),
			...{timeoutMs: limits.timeoutMs, maxOutputBytes: limits.bytes},
			...optional(
				'noOutputTimeoutMs',
				silence === undefined ? undefined : Math.min(Number(silence), longestTimeoutMs),
			),
			// Whatever else is written there was meant to loosen nothing.
			jsonOnly: member(entry, 'jsonOnly') !== false,
			allowSymlinkCommand: member(entry, 'allowSymlinkCommand') === true,
			trustedDirs: trustedDirs ?? [],
		};
	},
	keychain: entry => {
		const timeoutMs = member(entry, 'timeoutMs') ?? keychainTimeoutMs;
		if (countOf(timeoutMs) === undefined) return 'has a timeoutMs that is none';
		return {
			...{source: 'keychain', timeoutMs: Math.min(Number(timeoutMs), longestTimeoutMs)},
			...optional('service', textMember(entry, 'service')),
		};
	},
};

function limitsOf(
	entry: JsonObject,
	bytesKey: 'maxBytes' | 'maxOutputBytes',
): {readonly timeoutMs: number; readonly bytes: number} | string {
	const timeoutMs = member(entry, 'timeoutMs') ?? defaultTimeoutMs;
	const bytes = member(entry, bytesKey) ?? defaultMaxBytes;
	if (countOf(timeoutMs) === undefined) return 'has a timeoutMs that is none';
	if (countOf(bytes) === undefined) return `has a ${bytesKey} that is none`;
	return {timeoutMs: Math.min(Number(timeoutMs), longestTimeoutMs), bytes: Number(bytes)};
}

function countOf(value: JsonValue | undefined): number | undefined {
	return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function textsOf(value: JsonValue | undefined): string[] | 'wrong' | undefined {
	if (value === undefined) return undefined;
	const isList = Array.isArray(value) && value.every(entry => typeof entry === 'string');
	return isList ? (value as string[]) : 'wrong';
}
