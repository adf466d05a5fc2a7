import {factsOf} from '../../source/auth/facts.ts';
import type {Login, LoginState, WaitingState} from '../../source/auth/login/contract.ts';
import type {AgentSnapshot} from '../../source/auth/snapshot.ts';
import {decodeConfig} from '../../source/store/config.ts';
import type {UsageStats} from '../../source/store/schema.ts';
import {createUiStore, type LoginView, type UiState} from '../../source/ui/state.ts';
import {type AgentSeed, noon} from '../screens/state.ts';

/** The state of a dashboard over some agents, at noon; `more` replaces members of it. */
export function stateOf(
	agents: Readonly<Record<string, AgentSeed>> = {main: {}},
	more: Partial<UiState> = {},
): UiState {
	const store = createUiStore({
		snapshot: {
			agents: Object.entries(agents).map(([id, seed]) => agentOf(id, seed)),
			...{defaultAgent: 'main', config: decodeConfig({}), problems: []},
		},
		...{providers: [], env: {}, surroundings: {browser: false}, now: noon, sandbox: false},
	});
	return {...store.getState(), ...more};
}

/** An agent as a snapshot tells of it. */
export function agentOf(id: string, seed: AgentSeed = {}): AgentSnapshot {
	return {
		...{id, isDefault: id === 'main', broken: [], inherited: [], sessions: [], lastGood: new Map()},
		mainOrder: new Map(),
		order: new Map(Object.entries(seed.order ?? {})),
		profiles: Object.entries(seed.profiles ?? {}).map(([profileId, credential]) =>
			factsOf(id, profileId, credential, (seed.usage?.[profileId] ?? {}) as UsageStats),
		),
	};
}

/** A login that stays in one state. */
export function loginAt(state: LoginState): Login {
	const method = {
		method: 'oauth',
		...{clientId: 'jarvis', scopes: [], redirectUris: [], authorizeParams: {}},
	} as const;
	return {
		provider: {...{id: 'acme', label: 'Acme', origin: 'plugin'}, auth: [method]},
		method,
		agentId: 'main',
		state: () => state,
		subscribe: () => () => {},
		paste: async () => undefined,
		cancel: () => {},
		finished: new Promise(() => {}),
	};
}

/** The login screen's view of a login that stays in one state. */
export function viewOf(state: LoginState, more: {readonly field?: UiState['filter']} = {}): LoginView {
	return {
		...{stage: 'running', login: loginAt(state), changes: 0},
		request: {providerId: 'acme', agentId: 'main'},
		...more,
	};
}

export const waitingLogin: WaitingState = {
	...{step: 'waiting', url: 'https://acme.test/authorize?state=abc', redirectUri: 'http://127.0.0.1:1455/cb'},
	...{listening: true, browser: 'not asked', until: noon + 10 * 60_000},
};
