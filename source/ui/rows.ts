import {needyCount as countNeedy} from '../auth/concerns.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {attentionRank, type Health, healthOf, needsPerson} from '../auth/health.ts';
import type {FoundLogin} from '../auth/import/find.ts';
import {logWords} from '../auth/log-words.ts';
import type {LoginResult} from '../auth/login/contract.ts';
import {placeChoices, sameKind} from '../auth/onboarding.ts';
import type {EffectiveOrder, OrderPlace} from '../auth/routing/order.ts';
import type {SessionFacts} from '../auth/session-facts.ts';
import {
	type AgentSnapshot,
	orderOf,
	orderWithOwn,
	providersInUse,
	type Snapshot,
	usableFacts,
} from '../auth/snapshot.ts';
import type {BrokerClient} from '../broker/contract.ts';
import {agentWords} from '../words.ts';
import {emptyText} from './edited-text.ts';
import {
	type FindingRow,
	type LogRow,
	type MethodChoice,
	type OrderDraft,
	type ProviderChoice,
	type ScreenId,
	screenIds,
	type UiState,
} from './state.ts';

/** What the screens list: rows made from the state, and nothing else. */

/**
 * A list that is worked out once for a state and what it depends on, and not for each of the many that ask:
 * the screen, the cursor, the header and the clock, for every key.
 */
function remembered<T>(
	workOut: (state: UiState) => T,
	dependsOn: (state: UiState) => readonly unknown[] = basisOf,
): (state: UiState) => T {
	// Two, for the screen and the clock ask for different times in turn.
	let known: readonly {readonly basis: readonly unknown[]; readonly result: T}[] = [];
	return state => {
		const basis = dependsOn(state);
		const found = known.find(entry => entry.basis.every((part, index) => part === basis[index]));
		if (found) return found.result;
		const result = workOut(state);
		known = [{basis, result}, ...known.slice(0, 1)];
		return result;
	};
}

/** What lists are made from, all together. */
function basisOf(state: UiState): readonly unknown[] {
	const {snapshot, providers, now, agentId, filter, log, findings, orderProvider, draft} = state;
	return [snapshot, providers, now, agentId, filter.text, log, findings, orderProvider, draft];
}

/** The same for what is worked out of one thing that is remembered, such as rows, and of few plain values. */
export function onceFor<Of extends object, Plain extends readonly (string | number)[], T>(
	workOut: (of: Of, ...plain: Plain) => T,
): (of: Of, ...plain: Plain) => T {
	const known = new WeakMap<Of, Map<string, {readonly result: T}>>();
	return (of, ...plain) => {
		const results = known.get(of) ?? new Map<string, {readonly result: T}>();
		known.set(of, results);
		const key = plain.join(' ');
		const found = results.get(key) ?? {result: workOut(of, ...plain)};
		results.set(key, found);
		return found.result;
	};
}

export interface AgentRow {
	readonly id: string;
	readonly agent: AgentSnapshot;
	/** The state that most wants a person's eye. */
	readonly worst?: Health;
	/** How many profiles only a person can make usable again. */
	readonly needy: number;
}

export interface ProfileRow {
	readonly id: string;
	readonly facts: ProfileFacts;
	readonly health: Health;
}

/** An entry of an agent's file that is not understood, or an agent whose file cannot be read. */
export interface BrokenRow {
	readonly id: string;
	readonly agentId: string;
	readonly profileId: string;
	readonly problem: string;
}

export interface SessionRow {
	readonly id: string;
	readonly facts: SessionFacts;
}

export interface OrderRow extends OrderPlace {
	readonly id: string;
	readonly facts?: ProfileFacts;
}

/** The agents. */
export const agentRows = remembered((state: UiState): AgentRow[] => {
	return state.snapshot.agents
		.map(agent => {
			const healths = agent.profiles.map(facts => healthOf(facts, state.now));
			const needy = healths.filter(needsPerson).length + agent.broken.length;
			const [first, ...others] = healths;
			const worse = (a: Health, b: Health) => (attentionRank(b) < attentionRank(a) ? b : a);
			return {id: agent.id, agent, needy, ...(first ? {worst: others.reduce(worse, first)} : {})};
		})
		.filter(({agent}) => matches(state, [agent.id, agent.name, agent.workspace]));
});

/** The agent whose profiles and orders are shown. */
export function shownAgent(state: UiState): AgentSnapshot | undefined {
	const {agents, defaultAgent} = state.snapshot;
	return agents.find(agent => agent.id === state.agentId) ?? agents.find(agent => agent.id === defaultAgent);
}

/** The profiles that the shown agent can use: its own, and behind them those that it reads of the main agent. */
export const profileRows = remembered((state: UiState): ProfileRow[] => {
	const agent = shownAgent(state);
	return (agent ? usableFacts(agent) : [])
		.map(facts => ({id: facts.profileId, facts, health: healthOf(facts, state.now)}))
		.filter(({facts}) => matches(state, [facts.profileId, facts.provider, facts.email, facts.kind]));
});

/** What could not be understood of the shown agent. */
export function brokenRows(agents: readonly AgentSnapshot[]): BrokenRow[] {
	return agents.flatMap(agent =>
		agent.broken.map(({profileId, problem}) => ({
			...{id: `${agent.id} ${profileId}`, agentId: agent.id, profileId, problem},
		})),
	);
}

interface RankedRow extends ProfileRow {
	/** How much it wants a person's eye, and when (ms from now) something comes of it: what it is sorted by. */
	readonly rank: number;
	readonly due: number;
}

/** Every profile of every agent by its id, which no passing of time changes. */
const namedProfiles = onceFor(
	({agents}: Snapshot): readonly {readonly id: string; readonly facts: ProfileFacts}[] =>
		agents
			.flatMap(agent => agent.profiles)
			.map(facts => ({id: `${facts.agentId} ${facts.profileId}`, facts}))
			.sort((a, b) => (a.id < b.id ? -1 : 1)),
);

/** The same as they are now, whatever is filtered. */
const rankedRows = remembered(
	({snapshot, now}): readonly RankedRow[] =>
		namedProfiles(snapshot).map(({id, facts}) => {
			const health = healthOf(facts, now);
			const due = health.until ?? health.remainingMs ?? Number.POSITIVE_INFINITY;
			return {id, facts, health, rank: attentionRank(health), due};
		}),
	({snapshot, now}) => [snapshot, now],
);

/** Every profile of every agent, those that want a person's eye first, then by the time that is left. */
export const healthRows = remembered((state: UiState): readonly ProfileRow[] => {
	const isShown = filterOf(state);
	return (
		rankedRows(state)
			.filter(({facts}) => isShown([facts.agentId, facts.profileId, facts.email, facts.kind]))
			// Those that are equal stay in the order of their ids.
			.sort((a, b) => a.rank - b.rank || byDue(a, b))
	);
});

// Two that never come due are equal, and infinity less infinity is no number.
function byDue({due: a}: RankedRow, {due: b}: RankedRow): number {
	return a === b ? 0 : a - b;
}

/** How many credentials only a person can make usable again, in all agents, whatever is filtered. */
export const needyCount = remembered(
	({snapshot, now}: UiState): number => countNeedy(snapshot.agents, now),
	({snapshot, now}) => [snapshot, now],
);

/** The providers that the shown agent has profiles or an order of, and the one whose order is shown. */
export const orderProviders = remembered(
	(state: UiState): {readonly all: readonly string[]; readonly shown?: string} => {
		const agent = shownAgent(state);
		const all = agent ? providersInUse(agent) : [];
		const shown = all.find(provider => provider === state.orderProvider) ?? all[0];
		return {all, ...(shown ? {shown} : {})};
	},
);

/** The draft of the order that is shown, if one is being made. */
export function shownDraft(state: UiState): OrderDraft | undefined {
	const {draft} = state;
	const isShown = draft?.agentId === shownAgent(state)?.id && draft?.provider === orderProviders(state).shown;
	return isShown ? draft : undefined;
}

/** The order that is shown: the draft while one is being made, as it would be after saving. */
export const shownOrder = remembered((state: UiState): EffectiveOrder | undefined => {
	const agent = shownAgent(state);
	const {shown: provider} = orderProviders(state);
	if (!agent || !provider) return undefined;
	const draft = shownDraft(state);
	const order = draft ? new Map([...agent.order, [provider, draft.ids] as const]) : agent.order;
	return orderOf({agent: {...agent, order}, config: state.snapshot.config}, provider, state.now);
});

/** The places of the shown order. */
export const orderRows = remembered((state: UiState): OrderRow[] => {
	const agent = shownAgent(state);
	const usable = new Map((agent ? usableFacts(agent) : []).map(facts => [facts.profileId, facts] as const));
	return (shownOrder(state)?.places ?? [])
		.map(place => {
			const facts = usable.get(place.profileId);
			return {...place, id: place.profileId, ...(facts ? {facts} : {})};
		})
		.filter(({profileId}) => matches(state, [profileId]));
});

export interface ProviderRow {
	readonly id: string;
	readonly choice: ProviderChoice;
	/** The profiles of it that the shown agent has. */
	readonly accounts: readonly ProfileRow[];
}

/** The providers that can be logged in to, and the accounts that the shown agent has there already. */
export const providerRows = remembered((state: UiState): ProviderRow[] => {
	const accounts = (shownAgent(state)?.profiles ?? []).map(facts => ({
		...{id: facts.profileId, facts, health: healthOf(facts, state.now)},
	}));
	return state.providers
		.filter(({id, label, aliases}) => matches(state, [id, label, ...aliases]))
		.map(choice => ({
			id: choice.id,
			choice,
			accounts: accounts.filter(({facts}) => facts.provider === choice.id),
		}));
});

/** A line of a list of which one is chosen. */
export interface ChoiceRow {
	readonly id: string;
	readonly label: string;
}

/** What is chosen to store a secret beside those that there are. */
export const beside = '+';

/** The profiles in whose place a pasted secret can be put, and the place beside them. */
export function accountRows(state: UiState): readonly ChoiceRow[] {
	const {login} = state;
	const agent = shownAgent(state);
	if (login.stage !== 'accounts' || !agent) return [];
	const same = sameKind(agent.profiles, login.providerId, login.method);
	return [
		...same.map(id => ({id, label: `in the place of ${id}`})),
		{id: beside, label: 'beside it, under a name of its own'},
	];
}

/** What is chosen to add an agent. */
export const newAgent = '+';

/** What onboarding lets choose at its present step, its login aside. */
export function onboardingRows(state: UiState): readonly ChoiceRow[] {
	const {onboarding} = state;
	switch (onboarding.stage) {
		case 'agent': {
			const rows = agentRows(state).map(({id, agent}) => ({id, label: agentWords(agent)}));
			return [...rows, {id: newAgent, label: 'a new one'}];
		}
		case 'name':
			return [
				{id: 'keep', label: `keep the name ${onboarding.result.profileId}`},
				{id: 'rename', label: 'another name'},
			];
		case 'order': {
			const {order, own} = orderOfResult(state, onboarding.result);
			return order ? placeChoices(order, own, onboarding.result.profileId) : [];
		}
		default:
			return [];
	}
}

/** The order that the profile of a login stands in, and the ids of all of its agent's own profiles there. */
export function orderOfResult(
	{snapshot, now}: UiState,
	{agentId, provider}: LoginResult,
): {readonly order?: EffectiveOrder; readonly own: readonly string[]} {
	const agent = snapshot.agents.find(({id}) => id === agentId);
	return agent ? orderWithOwn({agent, config: snapshot.config}, provider, now) : {own: []};
}

/** Whether a login, or the choice of one, is on the screen. */
export function showsLogin({screen, onboarding}: Pick<UiState, 'screen' | 'onboarding'>): boolean {
	return screen === 'login' || (screen === 'onboard' && onboarding.stage === 'login');
}

/** The screen whose list is on the screen: onboarding shows that of the login too. */
export function listOf(state: UiState): ScreenId {
	return showsLogin(state) ? 'login' : state.screen;
}

/** A provider's ways to log in, those first that fit the machine. */
export function methodsOf({providers, surroundings}: UiState, providerId: string): readonly MethodChoice[] {
	const methods = providers.find(({id}) => id === providerId)?.methods ?? [];
	const isDevice = ({name}: MethodChoice) => Number(name === 'device_code');
	return surroundings.browser ? methods : [...methods].sort((a, b) => isDevice(b) - isDevice(a));
}

/** The sessions of the shown agent. */
export const sessionRows = remembered((state: UiState): SessionRow[] => {
	const agent = shownAgent(state);
	if (!agent) return [];
	return agent.sessions
		.filter(({key, pin, session}) => matches(state, [key, pin?.profileId, session.modelOverride]))
		.map(facts => ({id: facts.key, facts}));
});

export interface ClientRow {
	readonly id: string;
	readonly client: BrokerClient;
}

/** The programs that asked the broker, the one that asked last first. */
export function clientRows(state: UiState): ClientRow[] {
	const {broker} = state;
	if (!broker || !('running' in broker) || !broker.running) return [];
	return broker.clients
		.map(client => ({id: `${client.uid} ${client.command} ${client.name}`, client}))
		.filter(({client: {command, name, got}}) =>
			matches(state, [command, name, ...got.map(({profileId}) => profileId)]),
		);
}

/** The logins of other programs that were found for the shown agent. */
export function importRows(state: UiState): readonly FoundLogin[] {
	const {found} = state;
	if (!found || found.agentId !== shownAgent(state)?.id) return [];
	return found.logins.filter(({id, label, provider, email, name}) =>
		matches(state, [id, label, provider, email, name]),
	);
}

/** The programs whose logins could be taken over, for a person who has none here yet. */
export function importablePrograms({found}: UiState): readonly string[] {
	const able = (found?.logins ?? []).filter(({state}) => state === 'new');
	return [...new Set(able.map(({label}) => label))];
}

/** What doctor has found, the worst first. */
export const doctorRows = remembered((state: UiState): FindingRow[] => {
	const {findings = []} = state;
	return findings.filter(({finding: {id, where, what}}) => matches(state, [id, where, what]));
});

/** The newest entries of the audit log, newest first. */
export const logRows = remembered((state: UiState): readonly LogRow[] => {
	if (state.filter.text.trim() === '') return state.log;
	return state.log.filter(({entry}) => matches(state, Object.values(logWords(entry))));
});

/** What every row of every list has. */
export interface Row {
	readonly id: string;
}

/** The rows that a screen lists, top to bottom. */
export function rowsOf(state: UiState, screen: ScreenId): readonly Row[] {
	switch (screen) {
		case 'agents':
			return agentRows(state);
		case 'profiles':
			return profileRows(state);
		case 'order':
			return orderRows(state);
		case 'health':
			return healthRows(state);
		case 'sessions':
			return sessionRows(state);
		case 'broker':
			return clientRows(state);
		case 'import':
			return importRows(state);
		case 'doctor':
			return doctorRows(state);
		case 'log':
			return logRows(state);
		case 'login':
			return loginRows(state);
		case 'onboard':
			return onboardingRows(state);
		default:
			return [];
	}
}

function loginRows(state: UiState): readonly Row[] {
	const {login} = state;
	switch (login.stage) {
		case 'choosing':
			return providerRows(state);
		case 'methods':
			return methodsOf(state, login.providerId).map(({name}) => ({id: name}));
		case 'accounts':
			return accountRows(state);
		case 'running':
			return [];
	}
}

/** Where the cursor stands in a screen's rows: at its id, or, when that is gone, where it was. */
export function cursorOf(state: UiState, screen: ScreenId, rows: readonly Row[]): number {
	const cursor = state.cursors[screen];
	if (rows.length === 0) return -1;
	if (!cursor) return 0;
	// Mostly it still is where it was: a long list is not searched for each key.
	if (rows[cursor.index]?.id === cursor.id) return cursor.index;
	const index = rows.findIndex(({id}) => id === cursor.id);
	return index >= 0 ? index : Math.min(cursor.index, rows.length - 1);
}

/** The cursors of all lists by the ids that they stand on now. */
export function pinnedCursors(state: UiState): UiState['cursors'] {
	const cursors = {...state.cursors};
	const unfiltered = {...state, filter: emptyText};
	for (const screen of [...screenIds, 'doctor', 'onboard'] as const) {
		// The filter is of the list that is shown: in another one it would move the cursor to what it lets through.
		const rows = rowsOf(screen === listOf(state) ? state : unfiltered, screen);
		const index = cursorOf(state, screen, rows);
		const id = rows[index]?.id;
		if (id !== undefined) cursors[screen] = {id, index};
	}
	return cursors;
}

/** The row that the cursor stands on. */
export function selected<Listed extends Row>(
	state: UiState,
	screen: ScreenId,
	rows: readonly Listed[],
): Listed | undefined {
	return rows[cursorOf(state, screen, rows)];
}

/** The profile that the keys of the present screen act on. */
export function selectedProfile(state: UiState): ProfileFacts | undefined {
	switch (state.screen) {
		case 'profiles':
			return selected(state, 'profiles', profileRows(state))?.facts;
		case 'health':
			return selected(state, 'health', healthRows(state))?.facts;
		case 'order':
			return selected(state, 'order', orderRows(state))?.facts;
		default:
			return undefined;
	}
}

function matches(state: UiState, texts: readonly (string | undefined)[]): boolean {
	return filterOf(state)(texts);
}

/** Whether a row of these texts is let through by the filter. */
function filterOf({filter}: UiState): (texts: readonly (string | undefined)[]) => boolean {
	const wanted = filter.text.trim().toLowerCase();
	return texts => wanted === '' || texts.some(text => text?.toLowerCase().includes(wanted));
}
