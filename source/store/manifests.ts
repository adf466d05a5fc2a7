import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as v from 'valibot';
import {asJarvisError, isSystemError, JarvisError} from '../errors.ts';
import {readTextIfThere, tryParseJson} from './json.ts';
import {isProviderId, type StatePaths} from './paths.ts';

const url = v.pipe(v.string(), v.url());
const text = v.pipe(v.string(), v.nonEmpty());
const claimPath = v.pipe(v.array(text), v.minLength(1));

const about = {label: v.exactOptional(text), hint: v.exactOptional(text)};

const client = {
	issuer: v.exactOptional(url),
	authorizationEndpoint: v.exactOptional(url),
	deviceAuthorizationEndpoint: v.exactOptional(url),
	tokenEndpoint: v.exactOptional(url),
	revocationEndpoint: v.exactOptional(url),
	clientId: text,
	scopes: v.optional(v.array(text), []),
	accountIdClaim: v.exactOptional(claimPath),
	emailClaim: v.exactOptional(claimPath),
};

const oauthMethod = v.pipe(
	v.object({
		method: v.literal('oauth'),
		...about,
		...client,
		redirectUris: v.pipe(v.array(url), v.minLength(1)),
		authorizeParams: v.optional(v.record(v.string(), v.string()), {}),
	}),
	v.check(
		method =>
			method.issuer !== undefined ||
			(method.authorizationEndpoint !== undefined && method.tokenEndpoint !== undefined),
		'needs issuer, or authorizationEndpoint and tokenEndpoint',
	),
);

const deviceCodeMethod = v.pipe(
	v.object({method: v.literal('device_code'), ...about, ...client}),
	v.check(
		method =>
			method.issuer !== undefined ||
			(method.deviceAuthorizationEndpoint !== undefined && method.tokenEndpoint !== undefined),
		'needs issuer, or deviceAuthorizationEndpoint and tokenEndpoint',
	),
);

const secretMethod = v.object({
	method: v.picklist(['setup_token', 'token', 'api_key']),
	...about,
	madeAt: v.exactOptional(text),
	form: v.exactOptional(
		v.object({
			prefix: v.exactOptional(text),
			isStrict: v.exactOptional(v.literal(true)),
			usualLength: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
		}),
	),
});

const probe = v.object({
	kinds: v.exactOptional(v.array(v.picklist(['oauth', 'token', 'api_key']))),
	url,
	method: v.exactOptional(v.picklist(['GET', 'POST'])),
	secretHeader: v.exactOptional(text),
	headers: v.exactOptional(v.record(v.string(), v.string())),
	accountHeader: v.exactOptional(text),
});

/** The form of a manifest; its JSON Schema is published from it (docs/jarvis.plugin.schema.json). */
export const manifestSchema = v.object({
	$schema: v.exactOptional(v.string()),
	id: v.pipe(v.string(), v.check(isProviderId, 'is not a provider id')),
	label: text,
	aliases: v.exactOptional(v.array(text)),
	env: v.exactOptional(v.array(text)),
	note: v.exactOptional(text),
	probes: v.exactOptional(v.array(probe)),
	auth: v.pipe(v.array(v.variant('method', [oauthMethod, deviceCodeMethod, secretMethod])), v.minLength(1)),
});

/** A provider as `<state>/plugins/<id>/jarvis.plugin.json` declares it (docs/plugins.md). */
export type Manifest = v.InferOutput<typeof manifestSchema>;

export interface ManifestListing {
	readonly manifests: readonly Manifest[];
	/** Manifests that are not in use, each with the reason. */
	readonly problems: readonly JarvisError[];
}

/** Reads all manifests. One that is not understood is named, and takes no other one down. */
export function readManifests(paths: StatePaths): ManifestListing {
	const manifests: Manifest[] = [];
	const problems: JarvisError[] = [];
	for (const folder of pluginFolders(paths)) {
		const file = join(paths.plugins, folder, 'jarvis.plugin.json');
		try {
			const text = readTextIfThere(file);
			if (text !== undefined) manifests.push(parseManifest(file, folder, text));
		} catch (error) {
			// A file beside the plugins' folders is none of them.
			if (!isSystemError(error, 'ENOTDIR')) problems.push(asJarvisError(error));
		}
	}
	return {manifests, problems};
}

function parseManifest(file: string, folder: string, text: string): Manifest {
	const document = tryParseJson(text);
	if (!document) throw invalid(file, 'it is not valid JSON');
	const result = v.safeParse(manifestSchema, document);
	if (!result.success) {
		const faults = result.issues.map(issue => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`);
		throw invalid(file, faults.slice(0, 3).join('; '));
	}
	if (result.output.id !== folder) throw invalid(file, `its id is not the folder's name, "${folder}"`);
	return result.output;
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
