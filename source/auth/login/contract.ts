import type {JarvisError} from '../../errors.ts';
import type {Recorder} from '../../store/audit-log.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {CredentialKind} from '../../store/schema.ts';
import type {Network} from '../network.ts';
import type {AuthMethod, Choice, DeviceCode, Provider} from '../providers/contract.ts';

/** What an attempt is made for. */
export interface AttemptOptions {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly method: AuthMethod;
	readonly agentId: string;
	/** The profile that the login is for; chosen by account if absent. */
	readonly profileId?: string;
	/** When a pasted secret runs out (epoch ms), if the person says so. */
	readonly expires?: number;
	/** Where to listen for the browser (an IP address), in place of the redirect URI's own address. */
	readonly callbackBind?: string;
	/** The browser is elsewhere, and the callback's port may be brought to it: a short address leads to the link. */
	readonly offersShortUrl?: boolean;
}

export interface LoginOptions extends AttemptOptions {
	readonly network: Network;
	readonly now: () => number;
	readonly record?: Recorder;
	/** Opens a URL in the person's browser; absent where there is none, or none is wanted. */
	readonly openBrowser?: (url: string) => Promise<void>;
	/** How long (ms) to wait for the person. */
	readonly waitMs?: number;
	/** All providers, by whose other waiting logins a pasted link may be ended too. */
	readonly providers?: ReadonlyMap<string, Provider>;
}

/** What a login has stored. */
export interface LoginResult {
	readonly profileId: string;
	readonly provider: string;
	readonly agentId: string;
	readonly kind?: CredentialKind;
	readonly accountId?: string;
	readonly email?: string;
	/** When the access token or the secret runs out (epoch ms). */
	readonly expires?: number;
	/** What the person should know of what was stored. */
	readonly note?: string;
	/** What stood there before was sealed: this one is in plain text until it is, too. */
	readonly wasSealed?: true;
}

/** Whether a browser was asked for, and what came of it. */
export type BrowserState = 'not asked' | 'opening' | 'opened' | 'failed';

/** A link waits to be opened, and its end to come back or to be pasted. */
export interface WaitingState {
	readonly step: 'waiting';
	/** The URL that a person opens. */
	readonly url: string;
	/** The address that the browser comes back to, where it is known. */
	readonly redirectUri?: string;
	/** What leads to `url` where the callback's port is reached, while the login waits. */
	readonly shortUrl?: string;
	/** Whether this process can take the callback; only a paste ends the login otherwise. */
	readonly listening: boolean;
	readonly browser: BrowserState;
	/** When the waiting ends (epoch ms). */
	readonly until: number;
	readonly instructions?: string;
}

/** A code waits to be typed on another device. */
export interface DeviceState extends DeviceCode {
	readonly step: 'device';
	readonly browser: BrowserState;
}

/** A line is asked for: a secret, or what a provider's own code wants to know. */
export interface AskingState {
	readonly step: 'asking';
	readonly message: string;
	readonly hint?: string;
	readonly placeholder?: string;
	/** Never shown as it is typed. */
	readonly secret: boolean;
	readonly mayBeEmpty: boolean;
	/** One of these is wanted, by its id. */
	readonly options?: Choice['options'];
}

export type LoginState =
	| {readonly step: 'preparing'}
	| WaitingState
	| DeviceState
	| AskingState
	| {readonly step: 'exchanging'; readonly text?: string}
	| {readonly step: 'done'; readonly result: LoginResult}
	| {readonly step: 'failed'; readonly error: JarvisError}
	| {readonly step: 'cancelled'};

export type LoginOutcome = Extract<LoginState, {readonly step: 'done' | 'failed' | 'cancelled'}>;

/** A login under way: one state, one input, one way to end it. */
export interface Login {
	readonly provider: Provider;
	readonly method: AuthMethod;
	readonly agentId: string;
	state(): LoginState;
	/** Calls `listener` after each change of state. Returns a function that ends it. */
	subscribe(listener: () => void): () => void;
	/**
	 * Takes what a person typed or pasted: for a link the redirect URL, `code#state`, query string or bare
	 * code; for a question the answer. Returns a note for the person, if there is one to give.
	 * @throws `login_paste_unreadable`, `login_state_mismatch`, `login_code_refused`, `secret_malformed`; the login
	 * goes on waiting
	 */
	paste(text: string): Promise<string | undefined>;
	cancel(): void;
	/** Settles when the login is over, one way or another. Never rejects. */
	readonly finished: Promise<LoginOutcome>;
}
