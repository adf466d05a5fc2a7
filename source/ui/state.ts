import {createStore, type StoreApi} from 'zustand/vanilla';
import type {FoundLogin, FoundLogins} from '../auth/import/find.ts';
import type {Login, LoginResult} from '../auth/login/contract.ts';
import type {MethodName} from '../auth/providers/contract.ts';
import type {Snapshot} from '../auth/snapshot.ts';
import type {BrokerStatus} from '../broker/contract.ts';
import type {Finding} from '../doctor/findings.ts';
import type {JarvisError} from '../errors.ts';
import type {Surroundings} from '../host/browser.ts';
import type {LoggedEntry} from '../store/audit-reader.ts';
import type {EditedText} from './edited-text.ts';

export const screenIds = [
	...(['agents', 'profiles', 'order', 'health', 'login', 'sessions', 'import', 'log', 'broker'] as const),
] as const;
export type ScreenId = (typeof screenIds)[number] | 'doctor' | 'onboard' | 'help';

/** Where the cursor stands: by id, so that a reload never moves it; the index is for when the id is gone. */
export interface Cursor {
	readonly id: string;
	readonly index: number;
}

export interface Toast {
	readonly tone: 'good' | 'attention' | 'bad';
	readonly text: string;
	/** When it was said, and when it goes away (epoch ms). */
	readonly since: number;
	readonly until: number;
	/** What waits behind it to be told. */
	readonly behind?: Pick<Toast, 'tone' | 'text'>;
}

/** A question over the screen. It names its target, so that a reload cannot change what is answered. */
export type Dialog =
	| {
			readonly kind: 'confirm';
			readonly title: string;
			readonly lines: readonly string[];
			readonly confirm: () => void;
	  }
	| {
			readonly kind: 'field';
			readonly title: string;
			readonly lines: readonly string[];
			readonly field: EditedText;
			readonly placeholder?: string;
			/** Why the text cannot be taken as it is; absent when it can. */
			readonly fault?: string;
			readonly check: (text: string) => string | undefined;
			readonly submit: (text: string) => void;
			readonly danger: boolean;
	  }
	/** Who refreshes a found login from now on. */
	| {
			readonly kind: 'import';
			readonly title: string;
			readonly lines: readonly string[];
			readonly agentId: string;
			readonly login: FoundLogin;
	  };

export interface ProviderChoice {
	readonly id: string;
	readonly label: string;
	readonly origin: string;
	readonly aliases: readonly string[];
	/** What a person should know before they log in. */
	readonly note?: string;
	/** The port of this machine that its browser login comes back to. */
	readonly port?: string;
	readonly methods: readonly MethodChoice[];
}

export interface MethodChoice {
	readonly name: MethodName;
	readonly label: string;
	readonly hint?: string;
}

/** The login that a person chose. */
export interface LoginChoice {
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId?: string;
	readonly method?: MethodName;
}

/** What the login screen shows: a choice of provider, method and account, or a login under way or over. */
export type LoginView =
	| {readonly stage: 'choosing'}
	| {readonly stage: 'methods'; readonly providerId: string}
	| {readonly stage: 'accounts'; readonly providerId: string; readonly method: MethodName}
	| {
			readonly stage: 'running';
			readonly login: Login;
			readonly request: LoginChoice;
			/** The profiles that the agent had before. */
			readonly before: readonly string[];
			/** What is typed for a paste, while the field is open. */
			readonly field?: EditedText;
			/** What was wrong with the last paste, or a note about it. */
			readonly note?: string;
			/** Counts changes of the login's own state. */
			readonly changes: number;
	  };

/** Where onboarding stands: its login is what the login screen shows. */
export type OnboardingView =
	| {readonly stage: 'agent' | 'login'}
	| {readonly stage: 'name' | 'order' | 'done'; readonly result: LoginResult};

/** The line in which a slash command is typed, and the session that it is for. */
export interface CommandLine {
	readonly agentId: string;
	readonly key: string;
	readonly field: EditedText;
	/** What was typed before it was completed: what further completions go by. */
	readonly begun?: string;
	/** Why the command was not carried out. */
	readonly fault?: string;
}

/** What a slash command answered. */
export interface Answer {
	readonly agentId: string;
	readonly key: string;
	readonly lines: readonly string[];
}

/** What the broker says of itself, or why it does not. */
export type BrokerView = BrokerStatus | {readonly problem: JarvisError};
/** A finding of doctor, as its screen lists it. */
export interface FindingRow {
	readonly id: string;
	readonly finding: Finding;
}

/** An entry of the audit log, as the log screen lists it. */
export interface LogRow {
	readonly id: string;
	readonly entry: LoggedEntry;
}

export interface OrderDraft {
	readonly agentId: string;
	readonly provider: string;
	readonly ids: readonly string[];
}

export interface UiState {
	readonly snapshot: Snapshot;
	readonly providers: readonly ProviderChoice[];
	readonly surroundings: Surroundings;
	/** The person’s home folder, which paths are shown from. */
	readonly home?: string;
	/** The state folder that was named: commands that are suggested are for it, and must name it too. */
	readonly stateDir?: string;
	/** The time (epoch ms) that everything on the screen is drawn for. */
	readonly now: number;
	readonly size: {readonly columns: number; readonly rows: number};
	readonly screen: ScreenId;
	/** The screen that help was opened from. */
	readonly previous: ScreenId;
	/** The agent whose profiles and orders are shown. */
	readonly agentId: string;
	/** The provider whose order is shown. */
	readonly orderProvider?: string;
	readonly cursors: Readonly<Partial<Record<ScreenId, Cursor>>>;
	readonly filter: EditedText;
	/** The filter is being typed. */
	readonly filtering: boolean;
	/** The details pane of the profiles screen is open. */
	readonly details: boolean;
	/** What doctor has found; absent before it has looked. */
	readonly findings?: readonly FindingRow[];
	/** The newest entries of the audit log, newest first; none while another screen is shown. */
	readonly log: readonly LogRow[];
	/** The details pane of the log screen is open. */
	readonly logDetails: boolean;
	readonly draft?: OrderDraft;
	readonly commandLine?: CommandLine;
	readonly answer?: Answer;
	readonly dialog?: Dialog;
	readonly login: LoginView;
	readonly onboarding: OnboardingView;
	/** Absent until it was asked. */
	readonly broker?: BrokerView;
	/** The logins of other programs, as they were when they were last looked for, and the agent they are for. */
	readonly found?: FoundLogins & {readonly agentId: string};
	readonly toast?: Toast;
	/** What is under way, by key, in words. */
	readonly tasks: ReadonlyMap<string, string>;
	readonly autoRefresh: boolean;
	/** The secrets that are kept elsewhere could not all be loaded. */
	readonly secretsDegraded?: true;
	/** How many rows of the list there is room for. */
	readonly page: number;
	/** How often the person has turned on to the next part of what did not fit, and of what that was. */
	readonly turned?: {readonly of: string; readonly times: number};
	/** The first line of the help text that is shown. */
	readonly helpOffset: number;
	/** The sandbox is shown, not the person's own state folder. */
	readonly sandbox: boolean;
}

export type UiStore = StoreApi<UiState>;

/** The state of a dashboard that was just opened. */
export function createUiStore(
	given: Pick<UiState, 'snapshot' | 'providers' | 'surroundings' | 'home' | 'stateDir' | 'now' | 'sandbox'>,
): UiStore {
	return createStore<UiState>(() => ({
		...given,
		size: {columns: 80, rows: 24},
		screen: firstScreen(given.snapshot),
		previous: 'agents',
		agentId: given.snapshot.defaultAgent,
		cursors: {},
		filter: {text: '', cursor: 0},
		filtering: false,
		details: true,
		log: [],
		logDetails: false,
		login: {stage: 'choosing'},
		onboarding: {stage: 'agent'},
		tasks: new Map(),
		autoRefresh: true,
		page: 10,
		helpOffset: 0,
	}));
}

// Whoever has nothing yet is led; a file that cannot be read is no sign of that.
function firstScreen({agents}: Snapshot): ScreenId {
	if (agents.some(agent => agent.profiles.length > 0)) return 'health';
	return agents.some(agent => agent.problem || agent.broken.length > 0) ? 'agents' : 'onboard';
}

/** Sets members of the state; `undefined` takes an optional one away. */
export function patch(
	store: UiStore,
	change: {readonly [K in keyof UiState]?: UiState[K] | undefined},
): void {
	store.setState(state => {
		const next: Record<string, unknown> = {...state, ...change};
		for (const key of Object.keys(change)) if (next[key] === undefined) delete next[key];
		return next as unknown as UiState;
	}, true);
}
