import {dirname} from 'node:path';
import {clean, type ProfileFacts} from '../auth/facts.ts';
import {expiringWithinMs, type Health, healthOf, setAsideUntil} from '../auth/health.ts';
import {missingProviders, providerHealths, providersWithOAuth} from '../auth/overview.ts';
import {loginCommand} from '../auth/profile-commands.ts';
import {fullName} from '../auth/routing/decision.ts';
import {refKey} from '../auth/secrets/refs.ts';
import {type AgentSnapshot, orderOf, type Snapshot, usableFacts} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {type Config, configOwner} from '../store/config.ts';
import {ago, provenWord, stateWord, timeLeft, writeBackWords} from '../words.ts';
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
	else context.print(await statusText(jarvis, snapshot, [agent]));
	return context.flags.check ? checkCode(agent, snapshot, jarvis) : 0;
}

async function probed(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const {probeAll, probeText, isBad, unanswered} = await import('./status-probe.ts');
	const results = await probeAll(context);
	// What the probes learned is in the files now.
	const {agent, snapshot} = await agentOf(context, {refs: 'resolve'});
	tellProblems(context, snapshot);
	if (flags.json) {
		const {auth, ...status} = statusJson(jarvis, snapshot, agent);
		printJson(context, {...status, auth: {...auth, probes: results}});
	} else context.print(`${await statusText(jarvis, snapshot, [agent])}\n\n${await probeText(results)}`);
	if (!flags.check) return 0;
	const silent = unanswered(results);
	if (silent) context.tell(silent);
	return results.some(isBad) ? 1 : checkCode(agent, snapshot, jarvis);
}

/** The status of agents as a table, for a person. */
export async function statusText(
	jarvis: Jarvis,
	{config}: Pick<Snapshot, 'config'>,
	agents: readonly AgentSnapshot[],
): Promise<string> {
	const parts = await Promise.all(agents.map(agent => agentText(jarvis, config, agent)));
	return parts.join('\n\n');
}

async function agentText(jarvis: Jarvis, config: Config, agent: AgentSnapshot): Promise<string> {
	const now = jarvis.now();
	const title = `Agent ${agent.id}${agent.isDefault ? ' (default)' : ''}`;
	if (agent.problem) return `${title}\n${agent.problem.message}\n${agent.problem.next}`;
	const profiles = usableFacts(agent);
	const login = (provider?: string) => `Log in: ${loginCommand(agent.id, provider)}`;
	const missing = missingProviders(config.models, profiles).map(
		({provider, ref, isPrimary}) =>
			`✗ no credential of ${clean(provider)}, for the ${isPrimary ? 'primary model' : 'fallback'} ${clean(ref)}. ${login(provider)}`,
	);
	if (profiles.length + agent.broken.length === 0) {
		if (missing.length === 0) return `${title}\nno profiles. ${login()}`;
		return [title, 'no profiles', ...missing].join('\n');
	}
	const rows = profiles.map(facts => {
		const health = healthOf(facts, now);
		const {glyph, word} = stateWord(health, now);
		const {lastProven, lastUsed} = facts.usage;
		const times = [timeLeft(health), provenWord(lastProven, now), ago(lastUsed, now)];
		const from = [facts.agentId === agent.id ? undefined : facts.agentId, facts.link?.program];
		const id = [facts.profileId, ...from.filter(name => name !== undefined)].join(' ← ');
		return [id, facts.kind, facts.email ?? '–', `${glyph} ${word}`, ...times];
	});
	const broken = agent.broken.map(({profileId, problem}) => {
		return [profileId, '?', '–', `✗ ${problem}`, '–', '–', '–'];
	});
	const header = ['PROFILE', 'KIND', 'ACCOUNT', 'STATE', 'LEFT', 'PROVEN', 'LAST USED'];
	// What an id mostly says already goes first; what a person looks for here stays.
	const room = {columns: process.stdout.columns, dropFirst: ['ACCOUNT', 'KIND', 'LAST USED']};
	const refs = profiles.flatMap(({profileId, ref, unresolved}) =>
		ref && unresolved
			? [`${clean(profileId)}: the secret ref ${refKey(ref)} does not resolve: ${unresolved.message}.`]
			: [],
	);
	const links = profiles.flatMap(({profileId, writeBack = []}) =>
		writeBack.map(link => `${clean(profileId)} is written back: ${writeBackWords(link)}`),
	);
	const table = await textTable(header, [...rows, ...broken], room);
	return [title, table, ...missing, ...refs, ...links].join('\n');
}

function statusJson(jarvis: Jarvis, snapshot: Snapshot, agent: AgentSnapshot) {
	const now = jarvis.now();
	const {models} = snapshot.config;
	const primary = models.primary ?? null;
	const storePath = jarvis.paths.profiles(agent.id);
	const profiles = usableFacts(agent);
	const providers = [...new Set(profiles.map(facts => facts.provider))].sort();
	const ofProvider = (provider: string) => profiles.filter(facts => facts.provider === provider);
	const told = (facts: ProfileFacts) => profileJson(facts, healthOf(facts, now));
	return {
		configPath: jarvis.paths.config,
		agentId: agent.id,
		agentDir: dirname(storePath),
		defaultModel: primary,
		resolvedDefault: primary && (fullName(primary, models) ?? primary),
		fallbacks: models.fallbacks,
		imageModel: null,
		imageFallbacks: [],
		aliases: Object.fromEntries(models.aliases),
		allowed: models.listed,
		auth: {
			storePath,
			shellEnvFallback: {enabled: false, appliedKeys: []},
			providersWithOAuth: providersWithOAuth(profiles),
			missingProvidersInUse: missingProviders(models, profiles)
				.map(({provider}) => provider)
				.sort(),
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
				profiles: profiles.map(told),
				providers: providerHealths(models, profiles, now).map(health => ({
					...health,
					profiles: health.profiles.map(told),
				})),
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
		waitsUntil: health.waitsUntil,
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
function checkCode(agent: AgentSnapshot, {config}: Snapshot, jarvis: Jarvis): number {
	const profiles = usableFacts(agent);
	const states = profiles.map(facts => healthOf(facts, jarvis.now()).status);
	if (states.length === 0 || missingProviders(config.models, profiles).length > 0) return 1;
	if (states.some(status => status === 'expired' || status === 'missing')) return 1;
	return states.includes('expiring') ? 2 : 0;
}
