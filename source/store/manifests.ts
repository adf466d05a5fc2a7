import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as v from 'valibot';
import {asJarvisError, isSystemError, JarvisError} from '../errors.ts';
import {readTextIfThere, tryParseJson} from './json.ts';
import {isProviderId, type StatePaths} from './paths.ts';

const url = v.pipe(v.string(), v.url());
const claimPath = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1));

const oauthMethodSchema = v.pipe(
	v.object({
		method: v.literal('oauth'),
		issuer: v.optional(url),
		authorizationEndpoint: v.optional(url),
		tokenEndpoint: v.optional(url),
		revocationEndpoint: v.optional(url),
		clientId: v.pipe(v.string(), v.nonEmpty()),
		scopes: v.optional(v.array(v.pipe(v.string(), v.nonEmpty())), []),
		redirectUris: v.pipe(v.array(url), v.minLength(1)),
		authorizeParams: v.optional(v.record(v.string(), v.string()), {}),
		accountIdClaim: v.optional(claimPath),
		emailClaim: v.optional(claimPath),
	}),
	v.check(
		method =>
			method.issuer !== undefined ||
			(method.authorizationEndpoint !== undefined && method.tokenEndpoint !== undefined),
		'needs issuer, or authorizationEndpoint and tokenEndpoint',
	),
);

const manifestSchema = v.object({
	id: v.pipe(v.string(), v.check(isProviderId, 'is not a provider id')),
	label: v.pipe(v.string(), v.nonEmpty()),
	auth: v.pipe(v.array(oauthMethodSchema), v.minLength(1)),
});

/** A provider as `<state>/plugins/<id>/jarvis.plugin.json` declares it (docs/plugins.md). */
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestOAuthMethod = v.InferOutput<typeof oauthMethodSchema>;

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
