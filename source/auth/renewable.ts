import {JarvisError} from '../errors.ts';
import type {ProfileFacts} from './facts.ts';
import type {Provider} from './providers/contract.ts';
import type {Snapshot} from './snapshot.ts';

/**
 * Whether built-in providers can refresh what they gave, those of which OAuth profiles are met: known here so that
 * telling the state of their profiles loads no provider. A test holds it against the providers themselves.
 */
export const builtInRenewal: ReadonlyMap<string, boolean> = new Map([
	...[['openai-codex', true] as const, ['github-copilot', true] as const],
	...[['anthropic', false] as const, ['google', false] as const, ['openrouter', false] as const],
]);

/** Facts in which a refresh token counts only where its provider can spend it. */
export function judged(facts: ProfileFacts, canRenew: (providerId: string) => boolean): ProfileFacts {
	return facts.refreshable && !canRenew(facts.provider) ? {...facts, refreshable: false} : facts;
}

/**
 * A snapshot in which a refresh token counts only where its provider can spend it: older files and removed plugins
 * leave some behind that nobody refreshes, and such a profile ends with its access token.
 * @param providers loads the providers; called only where there are profiles of others than the known ones
 */
export async function withRenewal(
	snapshot: Snapshot,
	providers: () => Promise<ReadonlyMap<string, Provider>>,
): Promise<Snapshot> {
	const all = snapshot.agents.flatMap(({profiles, inherited}) => [...profiles, ...inherited]);
	const canRenew = knownOr(doubtfulOf(all).length === 0 ? () => true : await renewalBy(providers));
	return {
		...snapshot,
		agents: snapshot.agents.map(agent => ({
			...agent,
			profiles: agent.profiles.map(facts => judged(facts, canRenew)),
			inherited: agent.inherited.map(facts => judged(facts, canRenew)),
		})),
	};
}

/**
 * The same for the profiles that a decision is explained with.
 * @param find finds a provider; throws `provider_unknown` where there is none
 */
export async function factsWithRenewal(
	all: readonly ProfileFacts[],
	find: (id: string) => Promise<Provider>,
): Promise<ProfileFacts[]> {
	const {canBeRefreshed} = await import('./providers/contract.ts');
	const able = new Map<string, boolean>();
	for (const id of doubtfulOf(all)) {
		const renews = find(id).then(
			canBeRefreshed,
			error => !(error instanceof JarvisError && error.code === 'provider_unknown'),
		);
		able.set(id, await renews);
	}
	const canRenew = knownOr(id => able.get(id) ?? false);
	return all.map(facts => judged(facts, canRenew));
}

/** The providers that have to be asked whether they can spend a refresh token that is there, each once. */
function doubtfulOf(all: readonly ProfileFacts[]): string[] {
	const doubtful = all.filter(({refreshable, provider}) => refreshable && !builtInRenewal.has(provider));
	return [...new Set(doubtful.map(({provider}) => provider))];
}

function knownOr(canRenew: (id: string) => boolean): (id: string) => boolean {
	return id => builtInRenewal.get(id) ?? canRenew(id);
}

async function renewalBy(
	providers: () => Promise<ReadonlyMap<string, Provider>>,
): Promise<(id: string) => boolean> {
	const [known, {canBeRefreshed}] = await Promise.all([
		// What is wrong with them is told elsewhere, and says nothing of a profile.
		providers().catch(() => undefined),
		import('./providers/contract.ts'),
	]);
	return id => known === undefined || canBeRefreshed(known.get(id));
}
