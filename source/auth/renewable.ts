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
	const doubtful = all.filter(
		({refreshable, provider}) => refreshable && builtInRenewal.get(provider) !== true,
	);
	if (doubtful.length === 0) return snapshot;
	const isKnown = doubtful.every(({provider}) => builtInRenewal.has(provider));
	const canRenew = isKnown ? () => false : await renewalBy(providers);
	const judged = (facts: ProfileFacts): ProfileFacts =>
		facts.refreshable && !(builtInRenewal.get(facts.provider) ?? canRenew(facts.provider))
			? {...facts, refreshable: false}
			: facts;
	return {
		...snapshot,
		agents: snapshot.agents.map(agent => ({
			...agent,
			profiles: agent.profiles.map(judged),
			inherited: agent.inherited.map(judged),
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
	const {refresherOf} = await import('./providers/contract.ts');
	const canRenew = (id: string) =>
		find(id).then(
			provider => refresherOf(provider, {}) !== undefined,
			error => !(error instanceof JarvisError && error.code === 'provider_unknown'),
		);
	return Promise.all(
		all.map(async facts => {
			if (!facts.refreshable) return facts;
			const renews = builtInRenewal.get(facts.provider) ?? (await canRenew(facts.provider));
			return renews ? facts : {...facts, refreshable: false};
		}),
	);
}

async function renewalBy(
	providers: () => Promise<ReadonlyMap<string, Provider>>,
): Promise<(id: string) => boolean> {
	const [known, {refresherOf}] = await Promise.all([
		// What is wrong with them is told elsewhere, and says nothing of a profile.
		providers().catch(() => undefined),
		import('./providers/contract.ts'),
	]);
	return id => {
		const provider = known?.get(id);
		return known === undefined || (provider !== undefined && refresherOf(provider, {}) !== undefined);
	};
}
