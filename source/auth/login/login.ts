import * as oauth from 'oauth4webapi';
import {asJarvisError, JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {
	addPending,
	claimPending,
	completePending,
	dropPending,
	listPending,
	loginWaitMs,
	type PendingLogin,
	readCompletion,
	unclaimPending,
	watchPending,
} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import {type AuthorizationServer, authorizationServerOf, type Network} from '../authorization-server.ts';
import {fingerprint} from '../identity.ts';
import type {Provider} from '../providers/contract.ts';
import {type CallbackServer, listenForCallback} from './callback-server.ts';
import {exchangeCode, hasState, stateMismatch} from './exchange.ts';
import {keepLogin} from './keep.ts';
import {readRedirectInput} from './redirect-input.ts';

export interface LoginResult {
	readonly profileId: string;
	readonly provider: string;
	readonly agentId: string;
	readonly accountId?: string;
	readonly email?: string;
	/** When the access token runs out (epoch ms). */
	readonly expires?: number;
}

/** Whether a browser was asked for, and what came of it. */
export type BrowserState = 'not asked' | 'opening' | 'opened' | 'failed';

export interface WaitingState {
	readonly step: 'waiting';
	/** The authorize URL, which a person opens. */
	readonly url: string;
	/** The address that the browser comes back to. */
	readonly redirectUri: string;
	/** Whether this process can take the callback; only a paste ends the login otherwise. */
	readonly listening: boolean;
	readonly browser: BrowserState;
	/** When the waiting ends (epoch ms). */
	readonly until: number;
}

export type LoginState =
	| {readonly step: 'preparing'}
	| WaitingState
	| {readonly step: 'exchanging'}
	| {readonly step: 'done'; readonly result: LoginResult}
	| {readonly step: 'failed'; readonly error: JarvisError}
	| {readonly step: 'cancelled'};

export type LoginOutcome = Extract<LoginState, {readonly step: 'done' | 'failed' | 'cancelled'}>;

export interface Login {
	readonly provider: Provider;
	readonly agentId: string;
	state(): LoginState;
	/** Calls `listener` after each change of state. Returns a function that ends it. */
	subscribe(listener: () => void): () => void;
	/**
	 * Takes a pasted redirect URL, `code#state`, query string or bare code. Returns a note for the person,
	 * if there is one to give.
	 * @throws `login_paste_unreadable` or `login_state_mismatch`; the login goes on waiting
	 */
	paste(text: string): Promise<string | undefined>;
	cancel(): void;
	/** Settles when the login is over, one way or another. Never rejects. */
	readonly finished: Promise<LoginOutcome>;
}

export interface LoginOptions {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly agentId: string;
	/** The profile that the login is for; chosen by account if absent. */
	readonly profileId?: string;
	readonly network: Network;
	readonly now: () => number;
	/** Opens a URL in the person's browser; absent where there is none, or none is wanted. */
	readonly openBrowser?: (url: string) => Promise<void>;
	/** How long (ms) to wait for the person. */
	readonly waitMs?: number;
	/** All providers, by whose other waiting logins a pasted link may be ended too. */
	readonly providers?: ReadonlyMap<string, Provider>;
}

/**
 * Starts a login: authorization code with PKCE (RFC 7636, S256) and `state`, by loopback callback
 * (RFC 8252) and paste at once (seed, "OpenAI Codex (ChatGPT OAuth)"). What happens is told by the state;
 * nothing is thrown.
 */
export function startLogin(options: LoginOptions): Login {
	const {paths, provider, agentId} = options;
	const listeners = new Set<() => void>();
	const ending = Promise.withResolvers<LoginOutcome>();
	const stop = new AbortController();
	let current: LoginState = {step: 'preparing'};
	let attempt: Attempt | undefined;

	const move = (next: LoginState) => {
		if (isOver(current)) return;
		current = next;
		if (isOver(next)) {
			attempt?.close();
			stop.abort();
			ending.resolve(next);
		}
		for (const listener of [...listeners]) listener();
	};
	const fail = (error: unknown) => move({step: 'failed', error: asJarvisError(error)});
	const update = (change: Partial<WaitingState>) => {
		if (current.step === 'waiting') move({...current, ...change});
	};

	async function prepare(): Promise<void> {
		const server = await authorizationServerOf(provider.oauth, options.network);
		const prepared = await prepareAttempt(options, server, receive);
		if (isOver(current)) return prepared.close();
		attempt = prepared;
		const waitMs = options.waitMs ?? loginWaitMs;
		const timer = setTimeout(() => fail(timedOut(provider, waitMs)), waitMs);
		const unwatch = watchPending(paths, noticeFinishedElsewhere);
		stop.signal.addEventListener('abort', () => {
			clearTimeout(timer);
			unwatch();
		});
		move({
			step: 'waiting',
			url: prepared.url,
			redirectUri: prepared.pending.redirectUri,
			listening: prepared.listening,
			browser: options.openBrowser ? 'opening' : 'not asked',
			until: options.now() + waitMs,
		});
		options.openBrowser?.(prepared.url).then(
			() => update({browser: 'opened'}),
			() => update({browser: 'failed'}),
		);
	}

	async function receive(response: URLSearchParams | {readonly code: string}): Promise<void> {
		if (!attempt || current.step !== 'waiting') return;
		// Whoever claims it first exchanges: a code is good for one exchange only.
		if (!claimPending(paths, attempt.pending.id)) return;
		move({step: 'exchanging'});
		try {
			const result = await exchangeAndKeep(options, attempt.server, attempt.pending, response, stop.signal);
			move({step: 'done', result});
		} catch (error) {
			fail(error);
		}
	}

	function noticeFinishedElsewhere(): void {
		const done = attempt && readCompletion(paths, attempt.pending.id);
		if (done) move({step: 'done', result: {profileId: done.profileId, provider: provider.id, agentId}});
	}

	async function paste(text: string): Promise<string | undefined> {
		const input = readRedirectInput(text);
		if (!attempt || current.step !== 'waiting') return undefined;
		switch (input.kind) {
			case 'unreadable':
				throw unreadable();
			case 'authorize URL':
				throw isAuthorizeUrl();
			case 'bare code':
				await receive({code: input.code});
				return 'The code came alone, so that its state could not be checked.';
			case 'response': {
				if (hasState(input.params, attempt.pending.state)) {
					await receive(input.params);
					return undefined;
				}
				const other = await finishOther(text);
				return `That link ended another login, of ${other.provider}: stored ${other.profileId} (agent ${other.agentId}).`;
			}
		}
	}

	// A link of another login of ours that still waits is not lost: it ends that one.
	async function finishOther(text: string): Promise<LoginResult> {
		try {
			return await finishLogin({...options, providers: options.providers ?? new Map()}, text);
		} catch (error) {
			throw error instanceof JarvisError && error.code === 'login_state_mismatch' ? stateMismatch() : error;
		}
	}

	prepare().catch(fail);
	return {
		provider,
		agentId,
		state: () => current,
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		paste,
		cancel: () => move({step: 'cancelled'}),
		finished: ending.promise,
	};
}

/** What finishing a login of another process needs. */
export interface FinishOptions extends Pick<LoginOptions, 'paths' | 'network' | 'now'> {
	readonly providers: ReadonlyMap<string, Provider>;
}

/**
 * Finishes a login that waits in another process (or waited in one that is gone) with the redirect URL
 * that a person pasted here. The login is told apart by its state.
 * @throws `login_paste_unreadable`, `login_state_mismatch`, and what the exchange throws; the login then
 * waits on
 */
export async function finishLogin(options: FinishOptions, pasted: string): Promise<LoginResult> {
	const input = readRedirectInput(pasted);
	if (input.kind === 'authorize URL') throw isAuthorizeUrl();
	if (input.kind !== 'response') throw unreadable();
	const pending = waitingFor(options.paths, input.params);
	const provider = pending && options.providers.get(pending.providerId);
	if (!pending || !provider || !claimPending(options.paths, pending.id)) throw nothingWaits();
	try {
		const server = await authorizationServerOf(provider.oauth, options.network);
		const result = await exchangeAndKeep({...options, provider}, server, pending, input.params);
		completePending(options.paths, pending.id, result);
		return result;
	} catch (error) {
		unclaimPending(options.paths, pending.id);
		throw error;
	}
}

interface Attempt {
	readonly server: AuthorizationServer;
	readonly pending: PendingLogin;
	readonly url: string;
	readonly listening: boolean;
	close(): void;
}

async function prepareAttempt(
	options: LoginOptions,
	server: AuthorizationServer,
	receive: (response: URLSearchParams) => Promise<void>,
): Promise<Attempt> {
	const {provider, paths} = options;
	const state = oauth.generateRandomState();
	const verifier = oauth.generateRandomCodeVerifier();
	const challenge = await oauth.calculatePKCECodeChallenge(verifier);
	const callback: CallbackServer | undefined = await listenForCallback(
		provider.oauth.redirectUris,
		params => {
			if (!hasState(params, state) || (!params.has('code') && !params.has('error'))) return 'not ours';
			void receive(params);
			return params.has('error') ? 'denied' : 'accepted';
		},
	);
	const redirectUri = callback?.redirectUri ?? provider.oauth.redirectUris[0] ?? '';
	const pending: PendingLogin = {
		id: fingerprint(state),
		state,
		verifier,
		redirectUri,
		providerId: provider.id,
		agentId: options.agentId,
		...optional('profileId', options.profileId),
	};
	addPending(paths, pending);
	return {
		server,
		pending,
		url: authorizeUrl(server, provider, {redirectUri, state, challenge}),
		listening: callback !== undefined,
		close() {
			callback?.close();
			dropPending(paths, pending.id);
		},
	};
}

/** The URL that a person opens to log in (RFC 6749, section 4.1.1; RFC 7636, section 4.3). */
export function authorizeUrl(
	server: AuthorizationServer,
	provider: Provider,
	login: {readonly redirectUri: string; readonly state: string; readonly challenge: string},
): string {
	const url = new URL(server.metadata.authorization_endpoint ?? '');
	const parameters: Record<string, string> = {
		...provider.oauth.authorizeParams,
		response_type: 'code',
		client_id: server.client.client_id,
		redirect_uri: login.redirectUri,
		...(provider.oauth.scopes.length > 0 ? {scope: provider.oauth.scopes.join(' ')} : {}),
		code_challenge: login.challenge,
		code_challenge_method: 'S256',
		state: login.state,
	};
	for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
	return url.href;
}

async function exchangeAndKeep(
	options: Pick<LoginOptions, 'paths' | 'network' | 'now' | 'provider'>,
	server: AuthorizationServer,
	pending: PendingLogin,
	response: URLSearchParams | {readonly code: string},
	signal?: AbortSignal,
): Promise<LoginResult> {
	const {provider, network, now, paths} = options;
	const {redirectUri, state, verifier, agentId} = pending;
	const credential = await exchangeCode({
		...{provider, server, redirectUri, state, verifier, response, network, now},
		...optional('signal', signal),
	});
	const profileId = await keepLogin(paths, agentId, credential, pending.profileId, now());
	return {
		profileId,
		provider: provider.id,
		agentId,
		...optional('accountId', credential.accountId),
		...optional('email', credential.email),
		...optional('expires', typeof credential.expires === 'number' ? credential.expires : undefined),
	};
}

function waitingFor(paths: StatePaths, params: URLSearchParams): PendingLogin | undefined {
	return listPending(paths).find(pending => hasState(params, pending.state));
}

function isOver(state: LoginState): state is LoginOutcome {
	return state.step === 'done' || state.step === 'failed' || state.step === 'cancelled';
}

function timedOut(provider: Provider, waitMs: number): JarvisError {
	return new JarvisError(
		'login_timed_out',
		`Nobody finished the login of ${provider.label} within ${Math.round(waitMs / 60_000)} minutes.`,
		'Try again, and finish it in the browser, or paste the address that it leads to.',
	);
}

function unreadable(): JarvisError {
	return new JarvisError(
		'login_paste_unreadable',
		'The pasted text holds no code.',
		"Paste the whole address from the browser's address bar, beginning with http.",
	);
}

function isAuthorizeUrl(): JarvisError {
	return new JarvisError(
		'login_paste_unreadable',
		'That is the login link itself.',
		'Open it in a browser, and paste the address that the browser shows at the end.',
	);
}

function nothingWaits(): JarvisError {
	return new JarvisError(
		'login_state_mismatch',
		'No login on this machine waits for that link: it is over, or was started elsewhere.',
		'Start a new one: jarvis models auth login --provider <id>',
	);
}
