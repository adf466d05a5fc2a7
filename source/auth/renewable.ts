import type {ProfileFacts} from './facts.ts';
import type {Provider} from './providers/contract.ts';
import type {Snapshot} from './snapshot.ts';

/**
 * The built-in providers that can refresh what they gave: known here so that telling the state of their profiles
 * loads no provider. A test holds it against the providers themselves.
 */
export const renewingBuiltIns: ReadonlySet<string> = new Set(['openai-codex', 'github-copilot']);

/**
 * A snapshot in which a refresh token counts only where its provider can spend it: older files and removed plugins
 * leave some behind that nobody refreshes, and such a profile ends with its access token.
 * @param providers loads the providers; called only where there are profiles of others than the known ones
 */
export async function withRenewal(
	snapshot: Snapshot,
	providers: () => Promise<ReadonlyMap<string, Provider>>,
): Promise<Snapshot> {
	const isDoubtful = ({refreshable, provider}: ProfileFacts) =>
		refreshable && !renewingBuiltIns.has(provider);
	if (!snapshot.agents.some(({profiles, inherited}) => [...profiles, ...inherited].some(isDoubtful)))
		return snapshot;
	const [known, {refresherOf}] = await Promise.all([
		// What is wrong with them is told elsewhere, and says nothing of a profile.
		providers().catch(() => undefined),
		import('./providers/contract.ts'),
	]);
	if (!known) return snapshot;
	const judged = (facts: ProfileFacts): ProfileFacts => {
		if (!isDoubtful(facts)) return facts;
		const provider = known.get(facts.provider);
		return provider && refresherOf(provider, {}) ? facts : {...facts, refreshable: false};
	};
	return {
		...snapshot,
		agents: snapshot.agents.map(agent => ({
			...agent,
			profiles: agent.profiles.map(judged),
			inherited: agent.inherited.map(judged),
		})),
	};
}
