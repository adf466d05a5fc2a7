import {asJarvisError, JarvisError} from '../../errors.ts';
import {claimPending, loginWaitMs, readCompletion, watchPending} from '../../store/pending-logins.ts';
import {authorizationServerOf} from '../authorization-server.ts';
import type {Network} from '../network.ts';
import type {Provider} from '../providers/contract.ts';
import {type Attempt, exchangeAndKeep, prepareAttempt} from './attempt.ts';
import type {AttemptOptions, LoginResult} from './contract.ts';
import {hasState, stateMismatch} from './exchange.ts';
import {finishLogin} from './finish.ts';
import {isAuthorizeUrl, timedOut, unreadable} from './login-errors.ts';
import {readRedirectInput} from './redirect-input.ts';

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

export interface LoginOptions extends AttemptOptions {
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

function isOver(state: LoginState): state is LoginOutcome {
	return state.step === 'done' || state.step === 'failed' || state.step === 'cancelled';
}
