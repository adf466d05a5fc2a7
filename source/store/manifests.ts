import {readdirSync} from 'node:fs';
import {isAbsolute} from 'node:path';
import * as v from 'valibot';
import {asJarvisError, isSystemError, JarvisError} from '../errors.ts';
import {member, readTextIfThere, textMember, tryParseJson} from './json.ts';
import {isProviderId, providerIdPattern, type StatePaths} from './paths.ts';

const url = v.pipe(v.string(), v.url());
const text = v.pipe(v.string(), v.nonEmpty());
/** What is shown: nothing in it may move a cursor or hide. */
const words = v.pipe(
	text,
	v.regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'has characters that cannot be shown'),
);
/** valibot takes a list for an object, too. */
const objectOnly = <Schema extends v.GenericSchema>(schema: Schema) =>
	v.lazy((input): Schema | v.NeverSchema<string> => (Array.isArray(input) ? v.never('is a list') : schema));
const texts = objectOnly(v.record(v.string(), v.string()));
const claimPath = v.pipe(v.array(text), v.minLength(1));

const about = {
	label: v.exactOptional(v.pipe(words, v.description('how it is called where there are several'))),
	hint: v.exactOptional(v.pipe(words, v.description('shown beside the label, and while it is used'))),
};

const client = {
	issuer: v.exactOptional(
		v.pipe(
			url,
			v.description(
				'the server’s metadata is looked up there (RFC 8414, OpenID Connect Discovery) for endpoints that are not given, and ID tokens are checked. Without it only their e-mail is read',
			),
		),
	),
	authorizationEndpoint: v.exactOptional(
		v.pipe(url, v.description('where the browser logs in; instead of what the metadata says')),
	),
	deviceAuthorizationEndpoint: v.exactOptional(
		v.pipe(url, v.description('where a device code is got; instead of what the metadata says')),
	),
	tokenEndpoint: v.exactOptional(
		v.pipe(url, v.description('where tokens are got and refreshed; instead of what the metadata says')),
	),
	revocationEndpoint: v.exactOptional(
		v.pipe(url, v.description('where a login is ended by `models auth logout` (RFC 7009)')),
	),
	clientId: v.pipe(text, v.description('a public client: there is no secret')),
	scopes: v.optional(
		v.pipe(
			v.array(text),
			v.description('asked for; `offline_access` is what most servers want for a refresh token'),
		),
		[],
	),
	accountIdClaim: v.exactOptional(
		v.pipe(
			claimPath,
			v.description('where the account id stands in the access token’s (else the ID token’s) claims'),
		),
	),
	emailClaim: v.exactOptional(
		v.pipe(
			claimPath,
			v.description('where the e-mail stands in the ID token’s (else the access token’s) claims'),
		),
	),
};

const oauthMethod = v.pipe(
	v.object({
		method: v.literal('oauth'),
		...about,
		...client,
		redirectUris: v.pipe(
			v.array(url),
			v.minLength(1),
			v.description(
				'exactly those that are registered with the server. They are tried in order when a port is taken; no other port is ever used. One that is not on loopback is used by pasting',
			),
		),
		authorizeParams: v.optional(v.pipe(texts, v.description('further parameters of the authorize URL')), {}),
	}),
	v.check(
		method =>
			method.issuer !== undefined ||
			(method.authorizationEndpoint !== undefined && method.tokenEndpoint !== undefined),
		'needs issuer, or authorizationEndpoint and tokenEndpoint',
	),
	v.metadata({anyOf: [{required: ['issuer']}, {required: ['authorizationEndpoint', 'tokenEndpoint']}]}),
	v.description('authorization code with PKCE, in a browser (RFC 8252)'),
);

const deviceCodeMethod = v.pipe(
	v.object({method: v.literal('device_code'), ...about, ...client}),
	v.check(
		method =>
			method.issuer !== undefined ||
			(method.deviceAuthorizationEndpoint !== undefined && method.tokenEndpoint !== undefined),
		'needs issuer, or deviceAuthorizationEndpoint and tokenEndpoint',
	),
	v.metadata({
		anyOf: [{required: ['issuer']}, {required: ['deviceAuthorizationEndpoint', 'tokenEndpoint']}],
	}),
	v.description('a code that is typed on another device (RFC 8628)'),
);

const secretMethod = v.pipe(
	v.object({
		method: v.picklist(['setup_token', 'token', 'api_key']),
		...about,
		madeAt: v.exactOptional(v.pipe(text, v.description('the page, or the command, by which it is made'))),
		form: v.exactOptional(
			v.pipe(
				objectOnly(
					v.object({
						prefix: v.exactOptional(v.pipe(text, v.description('what it begins with'))),
						isStrict: v.exactOptional(
							v.pipe(
								v.literal(true),
								v.description('what begins otherwise is not taken; else that is a warning'),
							),
						),
						usualLength: v.exactOptional(
							v.pipe(
								v.number(),
								v.integer(),
								v.minValue(1),
								v.description('in characters: a shorter one may have been cut off'),
							),
						),
					}),
				),
				v.description('what it usually looks like'),
			),
		),
	}),
	v.description('a secret that the person has, and pastes'),
);

const probe = v.pipe(
	v.object({
		kinds: v.exactOptional(
			v.pipe(
				v.array(v.picklist(['oauth', 'token', 'api_key'])),
				v.description('the kinds of credential that it is for; all if absent'),
			),
		),
		url: v.pipe(url, v.description('where it is sent')),
		method: v.exactOptional(v.pipe(v.picklist(['GET', 'POST']), v.description('GET if absent'))),
		secretHeader: v.exactOptional(
			v.pipe(text, v.description('the header that carries the secret; `Authorization: Bearer` if absent')),
		),
		headers: v.exactOptional(v.pipe(texts, v.description('further headers'))),
		accountHeader: v.exactOptional(v.pipe(text, v.description('the header that carries the account id'))),
	}),
	v.description('a request that shows whether a credential works'),
);

const method = v.variant('method', [oauthMethod, deviceCodeMethod, secretMethod]);

const provider = {
	id: v.pipe(
		v.string(),
		v.regex(providerIdPattern, 'is not a provider id'),
		v.description('the folder has the same name. A built-in provider’s id is not taken'),
	),
	label: v.pipe(words, v.description('how it is called on the screen')),
	aliases: v.exactOptional(v.pipe(v.array(words), v.description('other names that a person may use for it'))),
	env: v.exactOptional(
		v.pipe(
			v.array(text),
			v.description('the environment variables by which programs know its secret, the usual one first'),
		),
	),
	envKinds: v.exactOptional(
		v.pipe(
			objectOnly(v.record(v.string(), v.array(v.picklist(['oauth', 'token', 'api_key'])))),
			v.description(
				'the kinds of credential that a variable of `env` takes, where those are not all: `{"ACME_KEY": ["api_key"]}`. One that takes none, `[]`, is heeded by programs before the others: `jarvis exec` takes it out of their environment',
			),
		),
	),
	envParts: v.exactOptional(
		v.pipe(
			v.array(text),
			v.description('the variables of a secret that is several values joined by colons, in their order'),
		),
	),
	git: v.exactOptional(
		v.pipe(
			objectOnly(
				v.object({
					hosts: v.pipe(
						v.array(text),
						v.minLength(1),
						v.description('host names in lower case, with the port where it is not the usual one'),
					),
					username: v.pipe(words, v.description('the user name that goes with it')),
				}),
			),
			v.description('the git servers that take its secret as a password (docs/recipes.md)'),
		),
	),
	note: v.exactOptional(v.pipe(words, v.description('what a person should know before they log in'))),
	probes: v.exactOptional(
		v.pipe(
			v.array(probe),
			v.description('one cheap request each; the first one of the credential’s kind is sent'),
		),
	),
};

/** The form of a manifest; its JSON Schema is published from it (docs/jarvis.plugin.schema.json). */
export const manifestSchema = v.object({
	$schema: v.exactOptional(v.string()),
	...provider,
	auth: v.pipe(
		v.array(method),
		v.minLength(1),
		v.description('the ways to log in; the first one is offered first'),
	),
});

/** A way to log in that is a plugin's code: what is known of it without loading that. */
const codeMethod = v.object({
	method: v.picklist(['oauth', 'device_code', 'setup_token', 'token', 'api_key', 'custom']),
	...about,
	code: v.literal(true),
	refreshes: v.boolean(),
	revokes: v.boolean(),
});

/** What a code plugin says of one of its providers (docs/plugins.md). */
export const codeProviderSchema = v.object({
	...provider,
	auth: v.pipe(
		v.array(
			v.lazy((input): typeof codeMethod | typeof method =>
				member(input, 'code') === undefined ? method : codeMethod,
			),
		),
		v.minLength(1),
	),
});

const codeManifestSchema = v.object({
	...codeProviderSchema.entries,
	module: v.pipe(text, v.check(isAbsolute, 'is no absolute path')),
	export: v.pipe(v.number(), v.integer(), v.minValue(0)),
	from: text,
});

/** A provider whose manifest is all that there is of it (docs/plugins.md). */
export type DeclaredManifest = v.InferOutput<typeof manifestSchema>;

/** A code plugin's provider: written by `plugins add`, so that listing providers loads no code. */
export type CodeManifest = v.InferOutput<typeof codeManifestSchema>;

/** A provider as `<state>/plugins/<id>/jarvis.plugin.json` has it. */
export type Manifest = DeclaredManifest | CodeManifest;

/** A folder below `plugins/`, and what is in it. */
export interface PluginEntry {
	readonly id: string;
	readonly file: string;
	readonly manifest?: Manifest;
	/** Why it cannot be used. */
	readonly problem?: JarvisError;
	/** The id that a manifest names which cannot be used, as far as it can be read. */
	readonly meantId?: string;
}

export interface ManifestListing {
	readonly manifests: readonly Manifest[];
	/** Manifests that are not in use, each with the reason. */
	readonly problems: readonly JarvisError[];
}

/** Reads all manifests. One that is not understood is named, and takes no other one down. */
export function readManifests(paths: StatePaths): ManifestListing {
	const entries = readPlugins(paths);
	return {
		manifests: entries.flatMap(({manifest}) => manifest ?? []),
		problems: entries.flatMap(({problem}) => problem ?? []),
	};
}

/** Reads all plugins' manifests, each with its file. Loads no code. */
export function readPlugins(paths: StatePaths): PluginEntry[] {
	return pluginFolders(paths).flatMap(id => readPlugin(paths, id) ?? []);
}

function readPlugin(paths: StatePaths, id: string): PluginEntry | undefined {
	const file = paths.plugin(id);
	let text: string | undefined;
	try {
		text = readTextIfThere(file);
		return text === undefined ? undefined : {id, file, manifest: parseInFolder(file, id, text)};
	} catch (error) {
		// A file beside the plugins' folders is none of them.
		if (isSystemError(error, 'ENOTDIR')) return undefined;
		const meantId = textMember(tryParseJson(text ?? ''), 'id');
		return {id, file, problem: asJarvisError(error), ...(meantId === undefined ? {} : {meantId})};
	}
}

function parseInFolder(file: string, folder: string, text: string): Manifest {
	const manifest = parseManifest(text);
	if (typeof manifest === 'string') throw invalid(file, manifest);
	if (manifest.id !== folder) throw invalid(file, `its id is not the folder's name, "${folder}"`);
	return manifest;
}

/** The manifest in a text, or what is wrong with it. */
export function parseManifest(text: string): Manifest | string {
	const document = tryParseJson(text);
	if (!document) return 'it is not valid JSON';
	const schema = member(document, 'module') === undefined ? manifestSchema : codeManifestSchema;
	const result = v.safeParse(schema, document);
	return result.success ? result.output : faultsIn(result.issues);
}

/** Whether a manifest is one of a code plugin. */
export function isCodeManifest(manifest: Manifest): manifest is CodeManifest {
	return 'module' in manifest;
}

/** What is wrong with a manifest, in at most three parts. */
export function faultsIn(issues: readonly v.BaseIssue<unknown>[]): string {
	const faults = issues.map(issue => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`);
	return faults.slice(0, 3).join('; ');
}

function pluginFolders(paths: StatePaths): string[] {
	try {
		return readdirSync(paths.plugins).filter(isProviderId).sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
		throw error;
	}
}

function invalid(file: string, fault: string): JarvisError {
	return new JarvisError(
		'manifest_invalid',
		`${file} is left out: ${fault}.`,
		'Compare it with the example in docs/plugins.md.',
	);
}
