import type {JsonObject, JsonValue} from '../../store/json.ts';
import type {StatePaths} from '../../store/paths.ts';
import {providerFlag} from '../profile-commands.ts';
import {auditCopies} from './audit-profiles.ts';
import type {SecretFinding} from './findings.ts';

/** Members that hold a secret, by how they are called. */
const secretName = /(?:api[-_]?key|secret|token|password|passphrase)$/i;

/** The secrets in `jarvis.json`, which is to hold none. */
export function auditConfig(paths: StatePaths, document: JsonObject): SecretFinding[] {
	return textsIn(document)
		.filter(({path, text}) => isSecret(path.at(-1) ?? '', text))
		.map(({path}): SecretFinding => {
			const place = path.join('.');
			const [models, providers, provider, member] = path;
			const isApiKey = models === 'models' && providers === 'providers' && member === 'apiKey';
			return {
				...{code: 'plaintext_in_config', file: paths.config, place},
				message: `${place} in ${paths.config} is a secret as it is.`,
				next: isApiKey
					? `Put the name of a variable in its place, as "\${NAME}", or give it a profile and take it out: jarvis models auth login ${providerFlag(provider ?? '')} --method api_key`
					: 'Put it into the environment, and the name of the variable there, where its reader knows that.',
			};
		});
}

/** Secrets in the copies of `jarvis.json` which it has no more itself. */
export function auditConfigCopies(paths: StatePaths, document: JsonObject, now: number): SecretFinding[] {
	const present = new Set(textsIn(document).map(({text}) => text));
	// JSON5 is read here as far as a secret is written in it: a name, a colon, and a text in quotes.
	const written = /["']?([\w-]+)["']?\s*:\s*(["'])((?:(?!\2)[^\\\n]|\\.)*)\2/g;
	return auditCopies(paths.config, now, text =>
		[...text.matchAll(written)].flatMap(([, name = '', , value = '']) =>
			isSecret(name, value) && !present.has(value) ? [name] : [],
		),
	);
}

function isSecret(name: string, text: string): boolean {
	return secretName.test(name) && text !== '' && !/^\$\{\w+\}$/.test(text);
}

function textsIn(
	value: JsonValue,
	path: readonly string[] = [],
): {readonly path: readonly string[]; readonly text: string}[] {
	if (typeof value === 'string') return [{path, text: value}];
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, [...path, key]));
}
