import {configOwner} from '../store/config.ts';
import {mainAgentId} from '../store/paths.ts';
import type {CredentialKind} from '../store/schema.ts';
import type {ProfileFacts} from './facts.ts';
import {
	type Health,
	healthOf,
	isLeftToPerson,
	needsPerson,
	nextHealthChange,
	type ReasonCode,
} from './health.ts';
import {clearCommand, linkAdvice, loginCommand, renewCommand} from './profile-commands.ts';
import {droppedWords, failureOf, type OrderPlace} from './routing/order.ts';
import {longestCooldownMs} from './routing/rotation.ts';
import {refKey} from './secrets/refs.ts';
import {faultWords} from './secrets/report.ts';
import type {SecretsReport} from './secrets/runtime.ts';
import {
	type AgentSnapshot,
	orderOf,
	ownFacts,
	providersInUse,
	type Snapshot,
	usableFacts,
} from './snapshot.ts';

/**
 * What needs a person, found in a snapshot, and what of it is news since the one before. That a token runs out which
 * is refreshed on its next use is none of it, nor is a cooldown of minutes: both pass without anybody.
 */

/** What is told, as data: the name is stable, for scripts. `now`: a person is needed; `soon`: one will be. */
export const concernTable = {
	needs_login: {
		level: 'now',
		meaning: 'the refresh token of a profile was refused by its server, or spent before',
	},
	expired: {level: 'now', meaning: 'a token is over, and nothing renews it'},
	missing: {level: 'now', meaning: 'a profile holds no secret, or an agent has no profile'},
	unresolved_ref: {level: 'now', meaning: 'the secret ref of a profile does not resolve'},
	unusable: {level: 'now', meaning: 'a profile has no form that can be used: its expiry is no time, say'},
	not_understood: {level: 'now', meaning: 'an entry of an agent’s file is not understood'},
	unreadable: {level: 'now', meaning: 'a file cannot be read or understood'},
	disabled: {
		level: 'now',
		meaning: 'a profile is set aside for hours: nothing is paid for, or its key was revoked',
	},
	all_out: {level: 'now', meaning: 'an agent has nothing left of a provider, and not for minutes only'},
	secrets_degraded: {
		level: 'now',
		meaning: 'secret refs could not be loaded anew; what was loaded before is in use',
	},
	ends_soon: {level: 'soon', meaning: 'a token that nothing renews has come within a threshold of its end'},
	well: {level: 'well', meaning: 'what was told before is over'},
} as const satisfies Record<string, {readonly level: 'now' | 'soon' | 'well'; readonly meaning: string}>;

export type ConcernEvent = keyof typeof concernTable;
export type ConcernLevel = (typeof concernTable)[ConcernEvent]['level'];

/** Who and what it is about, as far as it is about one. No secret. */
interface About {
	readonly agentId?: string;
	readonly provider?: string;
	readonly profileId?: string;
	readonly kind?: CredentialKind;
	readonly reasonCode?: ReasonCode;
	/** Why, in words for a person. */
	readonly why: string;
	/** The one command that helps, or what to do where there is none. */
	readonly next?: string;
	/** When the token is over (epoch ms). */
	readonly expires?: number;
	/** When it comes back by itself (epoch ms). */
	readonly until?: number;
	/** The threshold (ms before the end) that was reached. */
	readonly thresholdMs?: number;
	/** How many profiles of the provider the agent can still use now, and how many it has. */
	readonly left?: number;
	readonly of?: number;
}

/** Something that needs a person, or will. */
export interface Concern extends About {
	/** What it is, the same as long as it lasts. */
	readonly id: string;
	/** What it is about: one all-clear is given for each. */
	readonly subject: string;
	readonly event: Exclude<ConcernEvent, 'well'>;
	/** It is no news by itself, and no all-clear of what was told before. */
	readonly isQuiet?: boolean;
}

/** What is told of a change. */
export interface WatchEvent extends About {
	/** Epoch ms. */
	readonly at: number;
	readonly event: ConcernEvent;
	readonly level: ConcernLevel;
	/** What an all-clear is of. */
	readonly was?: ConcernEvent;
}

/** What is looked at. */
export interface Watched {
	readonly snapshot: Snapshot;
	/** Only this agent and what it can use; all of them if absent. */
	readonly agentId?: string | undefined;
	/** The times (ms) before an end at which it is told. */
	readonly warnMs: readonly number[];
	/** What came of loading the secrets anew, if that failed. */
	readonly degraded?: SecretsReport | undefined;
}

/** What was told and is not over, by its id. */
export type Told = ReadonlyMap<string, Concern>;

/** All that needs a person at `now` (epoch ms), or will within a threshold. */
export function concernsOf(watched: Watched, now: number): Concern[] {
	const agents = watchedAgents(watched);
	return [
		...unreadables(watched),
		...degradedSecrets(watched),
		...withoutProfiles(watched, agents),
		...agents.flatMap(agent => [
			...agent.broken.map(({profileId, problem}) => ({
				...placed('entry', agent.id, profileId),
				...{event: 'not_understood' as const, why: problem},
				// It says what may be done before it is removed: a newer version may know it.
				next: 'jarvis doctor --only entry_broken',
			})),
			...profilesOf(watched, agent).flatMap(facts => ofProfile(watched, agent, facts, now)),
			...providersInUse(agent).flatMap(provider => allOut(watched, agent, provider, now)),
		]),
	];
}

/**
 * What is news at `now` (epoch ms) after what was told before, and what is told from then on. While a file cannot be
 * read that would show it, nothing is over.
 */
export function newsOf(
	told: Told,
	watched: Watched,
	now: number,
): {readonly events: readonly WatchEvent[]; readonly told: Told} {
	const next = new Map<string, Concern>();
	const news: Concern[] = [];
	for (const concern of concernsOf(watched, now)) {
		const before = told.get(concern.id);
		if (before && (concern.isQuiet || !isNews(before, concern))) next.set(concern.id, before);
		else if (!concern.isQuiet) {
			news.push(concern);
			next.set(concern.id, concern);
		}
	}
	const over = new Map<string, Concern>();
	for (const [id, concern] of told) {
		if (next.has(id)) continue;
		if (isHidden(watched, concern)) next.set(id, concern);
		else over.set(concern.subject, over.get(concern.subject) ?? concern);
	}
	// What is told of a subject is how it is now.
	for (const {subject} of news) over.delete(subject);
	return {
		told: next,
		events: [
			...news.map(({id: _, subject: __, isQuiet: ___, event, ...about}) => ({
				...{at: now, event, level: concernTable[event].level},
				...about,
			})),
			...[...over.values()].map(concern => allClear(watched, concern, now)),
		],
	};
}

/**
 * When time alone may next change what needs a person, or a profile's health (epoch ms); infinite where it never
 * does.
 */
export function nextMoment(watched: Watched, now: number): number {
	const moments = watchedAgents(watched).flatMap(agent =>
		usableFacts(agent).flatMap(facts => {
			const {expires} = facts;
			const warnings = typeof expires === 'number' ? watched.warnMs.map(ms => expires - ms) : [];
			return [nextHealthChange(facts, now), ...warnings];
		}),
	);
	return Math.min(...moments.filter(at => at > now), Number.POSITIVE_INFINITY);
}

/** How many credentials only a person can make usable again, in some agents. */
export function needyCount(agents: readonly AgentSnapshot[], now: number): number {
	return agents.reduce((sum, agent) => {
		const needy = agent.profiles.filter(facts => needsPerson(healthOf(facts, now)));
		return sum + needy.length + agent.broken.length + (agent.problem ? 1 : 0);
	}, 0);
}

/** The agents that are looked at. */
export function watchedAgents({snapshot, agentId}: Watched): readonly AgentSnapshot[] {
	return snapshot.agents.filter(({id}) => agentId === undefined || id === agentId);
}

/**
 * The profiles of a watched agent, each once where all agents are watched. A key of `jarvis.json` is one of every agent
 * that has it: each notes for itself what it learned of the key.
 */
export function profilesOf({agentId}: Watched, agent: AgentSnapshot): readonly ProfileFacts[] {
	return agentId === undefined ? ownFacts(agent) : usableFacts(agent);
}

/** The agent in whose place a profile is, as one agent has it: a key of `jarvis.json` is in no other. */
export function holderOf(agent: AgentSnapshot, facts: ProfileFacts): string {
	return facts.agentId === configOwner ? agent.id : facts.agentId;
}

/** How many profiles of a provider an agent can use now. */
export function usableCount(snapshot: Snapshot, agent: AgentSnapshot, provider: string, now: number): number {
	return placesOf(snapshot, agent, provider, now).filter(isReady).length;
}

function ofProfile(
	{snapshot, warnMs}: Watched,
	agent: AgentSnapshot,
	facts: ProfileFacts,
	now: number,
): Concern[] {
	const {profileId, provider, kind, expires} = facts;
	const agentId = holderOf(agent, facts);
	const health = healthOf(facts, now);
	const left = usableCount(snapshot, agent, provider, now);
	const of = usableFacts(agent).filter(other => other.provider === provider).length;
	const about = {provider, kind, reasonCode: health.reason, left, of};
	const end = typeof expires === 'number' ? {expires} : {};
	const concerns: Concern[] = [];
	const isOut = needsPerson(health);
	if (isOut || health.reason === 'disabled') {
		concerns.push({
			...placed('profile', agentId, profileId),
			...about,
			...end,
			...(health.until === undefined ? {} : {until: health.until}),
			event: eventOf(health),
			why: whyOf(facts, health),
			next: whatHelps(agent, facts, health),
			isQuiet: health.reason === 'unresolved_ref' && isBeingLoaded(facts),
		});
	}
	const {remainingMs} = health;
	const reached = remainingMs === undefined ? [] : warnMs.filter(ms => remainingMs <= ms);
	if (reached.length > 0 && isLeftToPerson(facts)) {
		concerns.push({
			...placed('end', agentId, profileId),
			...about,
			...end,
			event: 'ends_soon',
			thresholdMs: Math.min(...reached),
			why: 'nothing renews it',
			next: renewCommand(facts),
			// It is at its end, and told as such.
			isQuiet: isOut,
		});
	}
	return concerns;
}

// A ref that has just come is loaded in a moment.
function isBeingLoaded({unresolved}: ProfileFacts): boolean {
	return unresolved?.code === 'not_loaded';
}

function eventOf({reason, status}: Health): Concern['event'] {
	switch (reason) {
		case 'disabled':
		case 'needs_login':
		case 'unresolved_ref':
			return reason;
		case 'missing_credential':
			return 'missing';
		default:
			return status === 'expired' ? 'expired' : 'unusable';
	}
}

function whyOf(facts: ProfileFacts, {reason}: Health): string {
	return reason === 'disabled' ? failureOf(facts, reason).why : droppedWords(reason, facts);
}

function whatHelps(agent: AgentSnapshot, facts: ProfileFacts, {reason}: Health): string {
	if (reason === 'disabled') return clearing(agent, facts);
	if (facts.link) return linkAdvice(facts.link.program);
	// No login mends a ref.
	if (reason === 'unresolved_ref') return 'jarvis secrets reload';
	return facts.agentId === configOwner ? 'Mend it in jarvis.json.' : renewCommand(facts);
}

function clearing(agent: AgentSnapshot, facts: ProfileFacts): string {
	return clearCommand({agentId: holderOf(agent, facts), profileId: facts.profileId});
}

/** That an agent has nothing left of a provider, unless what is told of its only profile says so already. */
function allOut(watched: Watched, agent: AgentSnapshot, provider: string, now: number): Concern[] {
	const {snapshot} = watched;
	// Without jarvis.json nobody knows the order.
	if (snapshot.problems.some(({code}) => code === 'config_damaged')) return [];
	const stored = usableFacts(agent).filter(facts => facts.provider === provider);
	const places = placesOf(snapshot, agent, provider, now);
	const [only] = stored;
	if (!only || places.some(isReady)) return [];
	const health = healthOf(only, now);
	const isTold = stored.length === 1 && (needsPerson(health) || health.reason === 'disabled');
	// An agent that reads all of it of the main one is as well off as that is.
	const main = watchedAgents(watched).find(({id}) => id === mainAgentId && id !== agent.id);
	const isAllInherited = stored.every(facts => facts.agentId !== agent.id);
	const isToldOfMain = main && isAllInherited && !placesOf(snapshot, main, provider, now).some(isReady);
	const [soonest] = places.filter(({place}) => place !== undefined);
	const needy = stored.find(facts => needsPerson(healthOf(facts, now)));
	const aside = stored.find(({profileId}) => profileId === soonest?.profileId);
	return [
		{
			...{id: `provider ${agent.id} ${provider}`, subject: `${agent.id} ${provider}`},
			...{event: 'all_out', agentId: agent.id, provider, left: 0, of: stored.length},
			...(soonest?.until === undefined ? {} : {until: soonest.until}),
			why: places.map(({profileId, why}) => `${profileId}: ${why}`).join('; '),
			next: needy
				? whatHelps(agent, needy, healthOf(needy, now))
				: aside
					? clearing(agent, aside)
					: loginCommand(agent.id, provider),
			isQuiet:
				isTold ||
				isToldOfMain ||
				stored.some(isBeingLoaded) ||
				(soonest?.until !== undefined && soonest.until - now <= longestCooldownMs),
		},
	];
}

function placesOf(
	{config}: Snapshot,
	agent: AgentSnapshot,
	provider: string,
	now: number,
): readonly OrderPlace[] {
	return orderOf({agent, config}, provider, now).places;
}

function isReady({place, until}: OrderPlace): boolean {
	return place !== undefined && until === undefined;
}

/** Agents that have nothing at all: the one that is watched, or the default one. Others may be meant to. */
function withoutProfiles(watched: Watched, agents: readonly AgentSnapshot[]): Concern[] {
	const {snapshot, agentId} = watched;
	const id = agentId ?? snapshot.defaultAgent;
	if (isUnsure(watched, id)) return [];
	const agent = agents.find(other => other.id === id);
	if (agent && usableFacts(agent).length + agent.broken.length > 0) return [];
	return [
		{
			...{id: `agent ${id}`, subject: id, event: 'missing', agentId: id},
			why: agent ? 'it has no profile' : 'there is no such agent',
			next: agent ? `jarvis onboard --agent ${id}` : `jarvis agents add ${id}`,
		},
	];
}

function unreadables({snapshot, agentId}: Watched): Concern[] {
	const {agents, problems} = snapshot;
	const counts = new Map<string, number>();
	return problems.flatMap(problem => {
		const of = agents.find(agent => agent.problem === problem)?.id;
		// The main agent's file may hold what the watched one uses.
		if (of !== undefined && agentId !== undefined && of !== agentId && of !== mainAgentId) return [];
		const count = (counts.get(problem.code) ?? 0) + 1;
		counts.set(problem.code, count);
		const subject = of === undefined ? `${problem.code} ${count}` : of;
		return {
			...{id: `file ${subject}`, subject: `file ${subject}`, event: 'unreadable' as const},
			...(of === undefined ? {} : {agentId: of}),
			...{why: problem.message.replace(/\.$/, ''), next: problem.next},
		};
	});
}

/** Refs that could not be loaded anew while what was loaded before is in use; the others are told by their profiles. */
function degradedSecrets({snapshot, degraded}: Watched): Concern[] {
	const told = new Set(
		snapshot.agents
			.flatMap(ownFacts)
			.flatMap(({ref, unresolved}) => (ref && unresolved ? [refKey(ref)] : [])),
	);
	const refs = degraded?.refs.filter(({ref, failure}) => failure && !told.has(refKey(ref))) ?? [];
	if (!degraded || refs.length === 0) return [];
	return [
		{
			...{id: 'secrets', subject: 'secrets', event: 'secrets_degraded'},
			why: `what was loaded before stays in use: ${faultWords({...degraded, refs, problems: []})}`,
			next: 'jarvis secrets reload',
		},
	];
}

function placed(aspect: string, agentId: string, profileId: string) {
	const subject = `${agentId} ${profileId}`;
	return {id: `${aspect} ${subject}`, subject, agentId, profileId};
}

// Each threshold is told once for each end, also when the clock is set back.
function isNews(before: Concern, present: Concern): boolean {
	if (before.event !== present.event) return true;
	if (present.event !== 'ends_soon') return false;
	const isSooner = (present.thresholdMs ?? 0) < (before.thresholdMs ?? 0);
	return before.expires !== present.expires || isSooner;
}

/** Whether the file cannot be read that would show that a concern is over. */
function isHidden(watched: Watched, {event, agentId}: Concern): boolean {
	if (event === 'unreadable' || event === 'secrets_degraded') return false;
	return isUnsure(watched, agentId);
}

function isUnsure({snapshot}: Watched, agentId: string | undefined): boolean {
	const {agents, problems} = snapshot;
	return problems.some(problem => {
		const of = agents.find(agent => agent.problem === problem)?.id;
		return of === undefined || of === agentId || of === mainAgentId;
	});
}

function allClear(watched: Watched, concern: Concern, now: number): WatchEvent {
	const {event: was, agentId, provider, profileId, kind} = concern;
	const agent = watched.snapshot.agents.find(({id}) => id === agentId);
	const present = agent && usableFacts(agent).find(facts => facts.profileId === profileId);
	const isOne = (facts: ProfileFacts) =>
		profileId === undefined ? provider === undefined || facts.provider === provider : facts === present;
	const isGone = agentId !== undefined && !(agent && usableFacts(agent).some(isOne));
	return {
		...{at: now, event: 'well', level: 'well', was},
		...(agentId === undefined ? {} : {agentId}),
		...(provider === undefined ? {} : {provider}),
		...(profileId === undefined ? {} : {profileId}),
		...(kind === undefined ? {} : {kind: present?.kind ?? kind}),
		...(present && typeof present.expires === 'number' ? {expires: present.expires} : {}),
		...(agent && provider !== undefined ? {left: usableCount(watched.snapshot, agent, provider, now)} : {}),
		why: isGone ? 'it is gone' : wellWords(concern),
	};
}

function wellWords({event, agentId}: Concern): string {
	switch (event) {
		case 'ends_soon':
			return 'it was renewed';
		case 'all_out':
			return 'there is one again that can be used';
		case 'missing':
			return 'there is one now';
		case 'unreadable':
			return agentId === undefined ? 'all can be read again' : 'its file can be read again';
		case 'secrets_degraded':
			return 'all secret refs resolve again';
		default:
			return 'it can be used again';
	}
}
