import type {Config} from '../../store/config.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readSealed} from '../../store/sealed.ts';
import {decodeSecrets, readSecretsConfig} from '../../store/secrets-config.ts';
import type {AuditContext} from './audit.ts';
import type {SecretFinding} from './findings.ts';
import type {HeldSecret} from './places.ts';
import {refAdvice} from './ref-advice.ts';
import {refKey} from './refs.ts';
import {resolveRefs} from './resolve-refs.ts';

/** What came of resolving all refs. */
export interface AuditedRefs {
	readonly found: readonly SecretFinding[];
	/** The secrets of those that resolve, to be compared and shown to nobody. */
	readonly values: readonly string[];
}

/** The refs that do not resolve, each where it stands, and the secrets of the others. */
export async function auditRefs(
	{paths, env}: AuditContext,
	held: readonly HeldSecret[],
	{apiKeys}: Pick<Config, 'apiKeys'>,
): Promise<AuditedRefs> {
	const places = held.filter(({type, ref}) => type !== 'oauth' && ref !== undefined);
	const configured = [...apiKeys].flatMap(([provider, {keyRef}]) =>
		keyRef ? [{place: `models.providers.${provider}.apiKey`, ref: keyRef}] : [],
	);
	if (places.length + configured.length === 0) return {found: [], values: []};
	// One that cannot be read is a finding already.
	const config = await readSecretsConfig(paths).catch(() => ({...decodeSecrets(undefined), paths}));
	const resolved = await resolveRefs(
		[...places, ...configured].flatMap(({ref}) => ref ?? []),
		{env, config},
	);
	const values = [...resolved.values()].flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
	const found = places.flatMap(({place, file, ref}): SecretFinding[] => {
		const outcome = ref && resolved.get(refKey(ref));
		if (!ref || !outcome || 'value' in outcome) return [];
		return [
			{
				...{code: 'unresolved_ref', file, agentId: place.agentId, place: place.profileId},
				message: `${refKey(ref)} for ${place.profileId} does not resolve: ${outcome.failure.message}.`,
				next: refAdvice(ref, outcome.failure, place),
			},
		];
	});
	const inConfig = configured.flatMap(({place, ref}): SecretFinding[] => {
		const outcome = resolved.get(refKey(ref));
		if (!outcome || 'value' in outcome) return [];
		const message = `${refKey(ref)} for ${place} does not resolve: ${outcome.failure.message}.`;
		const next =
			ref.source === 'env'
				? 'Set the variable where JARVIS runs.'
				: 'Mend it in jarvis.json (docs/secrets.md), and look again: jarvis secrets audit';
		return [{code: 'unresolved_ref', file: paths.config, place, message, next}];
	});
	return {found: [...found, ...inConfig], values};
}

/** The sealed secrets that no ref needs. Throws as `readSealed` does. */
export async function auditSealed(paths: StatePaths, held: readonly HeldSecret[]): Promise<SecretFinding[]> {
	const sealed = await readSealed(paths);
	const used = new Set(held.flatMap(({ref}) => (ref?.source === 'keychain' ? [ref.id] : [])));
	const unused = [...(sealed?.entries.keys() ?? [])].filter(id => !used.has(id));
	if (unused.length === 0) return [];
	const message = `${paths.sealed} holds ${unused.length === 1 ? 'a secret' : `${unused.length} secrets`} that no ref needs: ${unused.join(', ')}.`;
	return [{code: 'sealed_unused', file: paths.sealed, message, next: 'jarvis secrets prune'}];
}
