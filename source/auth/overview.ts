import type {ModelConfig} from '../store/config.ts';
import {type CredentialKind, optional} from '../store/schema.ts';
import type {ProfileFacts} from './facts.ts';
import {type Health, type HealthStatus, healthOf} from './health.ts';
import {namedModel} from './routing/decision.ts';

/** What `models status` says of all of an agent's profiles together. */

/** A provider that a configured model is of, and of which there is no credential. */
export interface MissingProvider {
	readonly provider: string;
	/** The model, as `jarvis.json` writes it. */
	readonly ref: string;
	readonly isPrimary: boolean;
}

/** The state of all profiles of a provider together, as openclaw reckons it. */
export interface ProviderHealth {
	readonly provider: string;
	readonly status: HealthStatus;
	/** When the first of those ends that can end (epoch ms). */
	readonly expiresAt?: number;
	readonly remainingMs?: number;
	readonly profiles: readonly ProfileFacts[];
}

/** The providers of the primary model and of its fallbacks of which there is no credential, each once. */
export function missingProviders(
	models: ModelConfig,
	profiles: readonly Pick<ProfileFacts, 'provider'>[],
): MissingProvider[] {
	const present = new Set(profiles.map(({provider}) => provider));
	const missing = new Map<string, MissingProvider>();
	for (const ref of modelsInUse(models)) {
		const provider = namedModel(ref, models)?.provider;
		if (provider === undefined || present.has(provider) || missing.has(provider)) continue;
		missing.set(provider, {provider, ref, isPrimary: ref === models.primary});
	}
	return [...missing.values()];
}

/** `<provider> (<count>)` of each provider with OAuth logins or tokens: how many there are of both. */
export function providersWithOAuth(profiles: readonly ProfileFacts[]): string[] {
	const logins = profiles.filter(({kind}) => kind !== 'api_key');
	const providers = [...new Set(logins.map(({provider}) => provider))].sort();
	return providers.map(
		provider => `${provider} (${logins.filter(facts => facts.provider === provider).length})`,
	);
}

/**
 * The state of each provider that a profile or a configured model is of, at `now` (epoch ms). Keys count only
 * where a provider has nothing else; one that is over or of no use makes the whole provider so.
 */
export function providerHealths(
	models: ModelConfig,
	profiles: readonly ProfileFacts[],
	now: number,
): ProviderHealth[] {
	const named = [...modelsInUse(models), ...models.listed].flatMap(
		ref => namedModel(ref, models)?.provider ?? [],
	);
	const providers = [...new Set([...profiles.map(({provider}) => provider), ...named])].sort();
	return providers.map(provider => {
		const own = profiles.filter(facts => facts.provider === provider).sort(byId);
		const judged = own.map(facts => ({facts, health: healthOf(facts, now)}));
		const logins = judged.filter(({facts}) => facts.kind !== 'api_key');
		const counted = logins.length > 0 ? logins : judged;
		const ends = counted.flatMap(({facts: {expires}}) => (typeof expires === 'number' ? [expires] : []));
		const expiresAt = ends.length > 0 ? Math.min(...ends) : undefined;
		return {
			...{provider, status: worst(counted), profiles: own},
			...optional('expiresAt', expiresAt),
			...optional('remainingMs', expiresAt === undefined ? undefined : expiresAt - now),
		};
	});
}

function modelsInUse({primary, fallbacks}: ModelConfig): readonly string[] {
	return [...(primary === undefined ? [] : [primary]), ...fallbacks];
}

function worst(
	judged: readonly {readonly facts: {readonly kind: CredentialKind}; readonly health: Health}[],
): HealthStatus {
	const has = (status: HealthStatus) => judged.some(({health}) => health.status === status);
	if (judged.length === 0) return 'missing';
	const areKeys = judged.every(({facts}) => facts.kind === 'api_key');
	if (has('expired')) return 'expired';
	if (has('missing')) return areKeys ? 'missing' : 'expired';
	if (has('expiring')) return 'expiring';
	return areKeys && !has('ok') ? 'static' : 'ok';
}

function byId(a: ProfileFacts, b: ProfileFacts): number {
	return a.profileId < b.profileId ? -1 : 1;
}
