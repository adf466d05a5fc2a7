import {type AgentConfig, type Config, configOwner} from '../store/config.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {readCredentials} from '../store/profiles.ts';
import type {AgentCredentials, ApiKeyCredential, Credential, UsageStats} from '../store/schema.ts';

/**
 * Which profiles an agent can use: its own, and, of a provider of which it has none, the main agent's
 * (docs/agents.md). Those are read where they are: nothing of them is ever copied, and what the agent
 * learns of them in use is noted in its own file.
 */

export interface UsableProfile {
	/** The agent in whose file the credential is, or `configOwner`. */
	readonly owner: string;
	readonly profileId: string;
	readonly credential: Credential;
	readonly usage: UsageStats;
}

/** Outcomes that prove that a profile works at its provider, and end what was noted of its failures. */
const goodOutcomes: readonly string[] = ['login', 'used', 'probed'];

/** Whether an agent may use the main agent's profiles. */
export function readsMain(agents: readonly AgentConfig[], agentId: string): boolean {
	if (agentId === mainAgentId) return false;
	return agents.find(agent => agent.id === agentId)?.readsMain ?? true;
}

/** The agent's own profiles. */
export function ownProfiles(agentId: string, own: AgentCredentials): UsableProfile[] {
	return [...own.profiles].map(([profileId, credential]) => ({
		...{owner: agentId, profileId, credential},
		usage: own.usageStats.get(profileId) ?? {},
	}));
}

/** What an agent reads of the main agent: the profiles of all providers of which it has none itself. */
export function inheritedProfiles(own: AgentCredentials, main: AgentCredentials): UsableProfile[] {
	const providers = new Set([...own.profiles.values()].map(({provider}) => provider));
	return [...main.profiles].flatMap(([profileId, credential]) =>
		providers.has(credential.provider)
			? []
			: [
					{
						...{owner: mainAgentId, profileId, credential},
						usage: usageOfInherited(main.usageStats.get(profileId), own.usageStats.get(profileId)),
					},
				],
	);
}

/** The main agent's orders of the providers of which the agent has no profile itself. */
export function inheritedOrder(
	own: AgentCredentials,
	main: AgentCredentials,
): ReadonlyMap<string, readonly string[]> {
	const providers = new Set([...own.profiles.values()].map(({provider}) => provider));
	return new Map([...main.order].filter(([provider]) => !providers.has(provider)));
}

/**
 * The keys of `jarvis.json`, each as a profile that no agent holds: it serves where no other one of its provider is
 * ready. What is learned of one in use is noted in the agent's own file.
 * @param present profiles of the agent, of which one may have its id
 */
export function configuredKeys(
	{apiKeys}: Pick<Config, 'apiKeys'>,
	own: AgentCredentials,
	present: readonly UsableProfile[],
): UsableProfile[] {
	return [...apiKeys].flatMap(([provider, credential]) => {
		const profileId = `${provider}:${configOwner}`;
		if (present.some(profile => profile.profileId === profileId)) return [];
		return [{owner: configOwner, profileId, credential, usage: own.usageStats.get(profileId) ?? {}}];
	});
}

/**
 * A configuration whose keys go by the ids of their providers: what stands there under the id itself counts, else the
 * first other name. Most have none, and cost nothing.
 */
export async function withKeyIds(config: Config): Promise<Config> {
	if (config.apiKeys.size === 0) return config;
	const {builtInNamed} = await import('./providers/registry.ts');
	const apiKeys = new Map<string, ApiKeyCredential>();
	for (const [word, credential] of config.apiKeys) {
		const provider = builtInNamed(word)?.id ?? word;
		if (provider === word || !apiKeys.has(provider)) apiKeys.set(provider, {...credential, provider});
	}
	return {...config, apiKeys};
}

/**
 * The profiles that an agent can use.
 * @param provider only those of this provider, which takes less reading
 * @throws what `readCredentials` throws
 */
export async function usableProfiles(
	paths: StatePaths,
	config: Config,
	agentId: string,
	provider?: string,
): Promise<{
	readonly own: AgentCredentials;
	readonly profiles: readonly UsableProfile[];
	/** The main agent's orders of the providers that are read of it. */
	readonly mainOrder: ReadonlyMap<string, readonly string[]>;
}> {
	const own = await withLinkedLogins(await readCredentials(paths, agentId));
	const {apiKeys} = await withKeyIds(config);
	// An order may name one of another provider, which is told.
	const ordered = new Set(provider && (own.order.get(provider) ?? config.order.get(provider)));
	const wanted = (all: readonly UsableProfile[]) =>
		provider === undefined
			? all
			: all.filter(({profileId, credential}) => credential.provider === provider || ordered.has(profileId));
	const mine = wanted(ownProfiles(agentId, own));
	const isServed = mine.some(({credential}) => credential.provider === provider);
	const withKeys = (profiles: readonly UsableProfile[]) => [
		...profiles,
		...wanted(configuredKeys({apiKeys}, own, profiles)),
	];
	if (isServed || !readsMain(config.agents, agentId))
		return {own, profiles: withKeys(mine), mainOrder: new Map()};
	const main = await withLinkedLogins(await readCredentials(paths, mainAgentId));
	const profiles = [...mine, ...wanted(inheritedProfiles(own, main))];
	return {own, profiles: withKeys(profiles), mainOrder: inheritedOrder(own, main)};
}

/** Credentials with what linked profiles hold at present. Most have none, and cost nothing. */
export async function withLinkedLogins(credentials: AgentCredentials): Promise<AgentCredentials> {
	for (const {link} of credentials.profiles.values()) {
		if (link) return (await import('./import/follow.ts')).followLinks(credentials);
	}
	return credentials;
}

// Either agent may have met a failure that the other has not; the owner's newer success ends both.
function usageOfInherited(owner: UsageStats = {}, own: UsageStats = {}): UsageStats {
	const proven = owner.lastProven;
	// A new token ends what was noted of a refusal of the one before it, and nothing else.
	const isRenewed = proven?.outcome === 'refreshed' && own.lastFailureReason === 'auth';
	const isEnd = isRenewed || goodOutcomes.includes(proven?.outcome ?? '');
	const isOutdated = isEnd && (proven?.at ?? 0) >= (own.lastFailureAt ?? 0);
	const failures = isOutdated || asideUntil(own) <= asideUntil(owner) ? owner : own;
	const {lastUsed: _, lastProven: __, needsLogin: ___, ...ofFailures} = failures;
	const lastUsed = Math.max(owner.lastUsed ?? 0, own.lastUsed ?? 0);
	const newest = (own.lastProven?.at ?? 0) > (proven?.at ?? 0) ? own.lastProven : proven;
	const refusedAccess = failures.refusedAccess ?? own.refusedAccess ?? owner.refusedAccess;
	return {
		...ofFailures,
		...(refusedAccess ? {refusedAccess} : {}),
		...(lastUsed > 0 ? {lastUsed} : {}),
		...(newest ? {lastProven: newest} : {}),
		...(owner.needsLogin ? {needsLogin: owner.needsLogin} : {}),
	};
}

function asideUntil({cooldownUntil = 0, disabledUntil = 0}: UsageStats): number {
	return Math.max(cooldownUntil, disabledUntil);
}
