import {dirname} from 'node:path';
import type {ProfileFacts} from '../auth/facts.ts';
import {expiringWithinMs, type Health, healthOf, setAsideUntil} from '../auth/health.ts';
import {refKey} from '../auth/secrets/refs.ts';
import {type AgentSnapshot, orderOf, type Snapshot, usableFacts} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {configOwner} from '../store/config.ts';
import {ago, stateWord, timeLeft, writeBackWords} from '../words.ts';
import {agentOf, type CommandContext, printJson, tellProblems} from './command.ts';
import {textTable} from './text.ts';

/** `models status`: the state of one agent's credentials. */
export async function runStatus(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const asksProbe = Object.keys(context.flags).some(flag => flag.startsWith('probe'));
	if (asksProbe) return probed(context);
	const {agent, snapshot} = await agentOf(context, {refs: 'resolve'});
	tellProblems(context, snapshot);
	if (context.flags.json) printJson(context, statusJson(jarvis, snapshot, agent));
	else context.print(await statusText(jarvis, [agent]));
	return context.flags.check ? checkCode(agent, jarvis) : 0;
}

async function probed(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const {probeAll, probeText, isBad} = await import('./status-probe.ts');
	const results = await probeAll(context);
	// What the probes learned is in the files now.
	const {agent, snapshot} = await agentOf(context, {refs: 'resolve'});
	tellProblems(context, snapshot);
	if (flags.json) {
		const {auth, ...status} = statusJson(jarvis, snapshot, agent);
		printJson(context, {...status, auth: {...auth, probes: results}});
	} else context.print(`${await statusText(jarvis, [agent])}\n\n${await probeText(results)}`);
	if (!flags.check) return 0;
	return results.some(isBad) ? 1 : checkCode(agent, jarvis);
}

/** The status of agents as a table, for a person. */
export async function statusText(jarvis: Jarvis, agents: readonly AgentSnapshot[]): Promise<string> {
	const parts = await Promise.all(agents.map(agent => agentText(jarvis, agent)));
	return parts.join('\n\n');
}

async function agentText(jarvis: Jarvis, agent: AgentSnapshot): Promise<string> {
	const now = jarvis.now();
	const title = `Agent ${agent.id}${agent.isDefault ? ' (default)' : ''}`;
	if (agent.problem) return `${title}\n${agent.problem.message}\n${agent.problem.next}`;
	const profiles = usableFacts(agent);
	if (profiles.length + agent.broken.length === 0) {
		return `${title}\nno profiles. Log in: jarvis models auth login --provider <id> --agent ${agent.id}`;
	}
	const rows = profiles.map(facts => {
		const health = healthOf(facts, now);
		const {glyph, word} = stateWord(health, now);
		const used = ago(facts.usage.lastUsed, now);
		const from = [facts.agentId === agent.id ? undefined : facts.agentId, facts.link?.program];
		const id = [facts.profileId, ...from.filter(name => name !== undefined)].join(' ← ');
		return [id, facts.kind, facts.email ?? '–', `${glyph} ${word}`, timeLeft(health), used];
	});
	const broken = agent.broken.map(({profileId, problem}) => [profileId, '?', '–', `✗ ${problem}`, '–', '–']);
	const header = ['PROFILE', 'KIND', 'ACCOUNT', 'STATE', 'LEFT', 'LAST USED'];
	const refs = profiles.flatMap(({profileId, ref, unresolved}) =>
		ref && unresolved
			? [`${profileId}: the secret ref ${refKey(ref)} does not resolve: ${unresolved.message}.`]
			: [],
	);
	const links = profiles.flatMap(({profileId, writeBack = []}) =>
		writeBack.map(link => `${profileId} is written back: ${writeBackWords(link)}`),
	);
	return [title, await textTable(header, [...rows, ...broken]), ...refs, ...links].join('\n');
}

function statusJson(jarvis: Jarvis, snapshot: Snapshot, agent: AgentSnapshot) {
	const now = jarvis.now();
	const {models} = snapshot.config;
	const primary = models.primary ?? null;
	const storePath = jarvis.paths.profiles(agent.id);
	const profiles = usableFacts(agent);
	const providers = [...new Set(profiles.map(facts => facts.provider))].sort();
	const ofProvider = (provider: string) => profiles.filter(facts => facts.provider === provider);
	const withOAuth = providers.filter(provider => ofProvider(provider).some(facts => facts.kind === 'oauth'));
	const inUse = [models.primary, ...models.fallbacks].flatMap(ref =>
		ref?.includes('/') ? [ref.split('/')[0] ?? ''] : [],
	);
	return {
		configPath: jarvis.paths.config,
		agentId: agent.id,
		agentDir: dirname(storePath),
		defaultModel: primary,
		resolvedDefault: (primary && models.aliases.get(primary)) ?? primary,
		fallbacks: models.fallbacks,
		imageModel: null,
		imageFallbacks: [],
		aliases: Object.fromEntries(models.aliases),
		allowed: [],
		auth: {
			storePath,
			shellEnvFallback: {enabled: false, appliedKeys: []},
			providersWithOAuth: withOAuth.map(provider => `${provider} (${ofProvider(provider).length})`),
			missingProvidersInUse: [...new Set(inUse)].filter(provider => !providers.includes(provider)),
			providers: providers.map(provider => ({
				provider,
				effective: {kind: 'profiles', detail: storePath},
				profiles: countKinds(ofProvider(provider)),
				order: orderOf({agent, config: snapshot.config}, provider, now).places,
			})),
			lastGood: Object.fromEntries(agent.lastGood),
			unusableProfiles: profiles.flatMap(facts => unusable(facts, now)),
			brokenEntries: agent.broken,
			oauth: {
				warnAfterMs: expiringWithinMs,
				profiles: profiles.map(facts => profileJson(facts, healthOf(facts, now))),
				providers: [],
			},
		},
	};
}

function profileJson(facts: ProfileFacts, health: Health) {
	return {
		profileId: facts.profileId,
		provider: facts.provider,
		type: facts.kind,
		status: health.status,
		health: health.status,
		reasonCode: health.reason,
		expiresAt: typeof facts.expires === 'number' ? facts.expires : undefined,
		remainingMs: health.remainingMs,
		refreshable: facts.refreshable,
		source: facts.agentId === configOwner ? configOwner : 'store',
		ref: facts.ref,
		refFailure: facts.unresolved,
		label: labelOf(facts),
		secrets: Object.fromEntries(facts.secrets.map(({name, masked}) => [name, masked])),
		lastProven: facts.usage.lastProven ?? null,
		owner: facts.agentId,
		refreshedBy: facts.link?.program ?? (facts.kind === 'oauth' ? 'jarvis' : null),
		link: facts.link,
		...(facts.writeBack ? {writeBack: facts.writeBack} : {}),
	};
}

function unusable(facts: ProfileFacts, now: number) {
	const aside = setAsideUntil(facts, now);
	if (!aside) return [];
	return [
		{
			profileId: facts.profileId,
			provider: facts.provider,
			kind: aside.reason,
			reason: aside.reason === 'disabled' ? facts.usage.disabledReason : facts.usage.lastFailureReason,
			until: aside.until,
			remainingMs: aside.until - now,
		},
	];
}

function countKinds(profiles: readonly ProfileFacts[]) {
	const count = (kind: ProfileFacts['kind']) => profiles.filter(facts => facts.kind === kind).length;
	return {
		count: profiles.length,
		oauth: count('oauth'),
		token: count('token'),
		apiKey: count('api_key'),
		labels: profiles.map(labelOf),
	};
}

function labelOf({profileId, email}: ProfileFacts): string {
	return email ? `${profileId} (${email})` : profileId;
}

// 1 before 2: what is over matters more than what will be.
function checkCode(agent: AgentSnapshot, jarvis: Jarvis): number {
	const states = usableFacts(agent).map(facts => healthOf(facts, jarvis.now()).status);
	if (states.length === 0 || states.some(status => status === 'expired' || status === 'missing')) return 1;
	return states.includes('expiring') ? 2 : 0;
}
