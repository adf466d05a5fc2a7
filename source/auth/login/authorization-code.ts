import {JarvisError} from '../../errors.ts';
import {
	claimPending,
	loginWaitMs,
	readCompletion,
	unclaimPending,
	watchPending,
} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import {authorizationServerOf} from '../authorization-server.ts';
import type {OAuthMethod} from '../providers/contract.ts';
import {exchangeAndKeep, prepareAttempt} from './attempt.ts';
import type {LoginOptions, LoginResult} from './contract.ts';
import {hasState, stateMismatch} from './exchange.ts';
import {finishLogin} from './finish.ts';
import {isAuthorizeUrl, pastedRefused, timedOut, unreadable} from './login-errors.ts';
import {readRedirectInput} from './redirect-input.ts';
import type {Stage} from './stage.ts';

/** What a browser or a person brings back: the parameters of the response, or its code alone. */
type Response = URLSearchParams | {readonly code: string};

/**
 * Authorization code with PKCE (RFC 7636, S256) and `state`, by loopback callback (RFC 8252) and paste at
 * once (seed, "OpenAI Codex (ChatGPT OAuth)").
 * @throws what looking up the server, the exchange and the store throw, and `login_timed_out`
 */
export async function authorizationCode(
	options: LoginOptions,
	method: OAuthMethod,
	stage: Stage,
): Promise<LoginResult> {
	const {paths, provider, agentId} = options;
	const server = await authorizationServerOf(method, options.network);
	const ended = Promise.withResolvers<LoginResult>();
	/** A pasted code is being tried, and what the browser brought meanwhile. */
	let isTrying = false;
	let callbackMeanwhile: Response | undefined;
	const attempt = await prepareAttempt(options, method, server, receive);
	stage.onEnd(attempt.close);
	if (stage.signal.aborted) return ended.promise;
	const waitMs = options.waitMs ?? loginWaitMs;
	const timer = setTimeout(() => ended.reject(timedOut(provider, waitMs)), waitMs);
	const unwatch = watchPending(paths, noticeFinishedElsewhere);
	stage.onEnd(() => {
		clearTimeout(timer);
		unwatch();
	});
	stage.onPaste(paste);
	stage.moveAndOpen(
		{
			step: 'waiting',
			url: attempt.url,
			redirectUri: attempt.pending.redirectUri,
			...optional('shortUrl', attempt.shortUrl),
			listening: attempt.listening,
			until: options.now() + waitMs,
		},
		attempt.url,
	);
	return ended.promise;

	async function receive(response: Response): Promise<void> {
		if (isTrying) callbackMeanwhile = response;
		else if (claim()) await exchange(response).then(ended.resolve, ended.reject);
	}

	// Whoever claims it first exchanges: a code is good for one exchange only.
	function claim(): boolean {
		return stage.state().step === 'waiting' && claimPending(paths, attempt.pending.id);
	}

	function exchange(response: Response): Promise<LoginResult> {
		stage.move({step: 'exchanging'});
		return exchangeAndKeep(options, method, server, attempt.pending, response, stage.signal);
	}

	/**
	 * A wrong code leaves the authorization at the server alone, and verifier and state are good for another one.
	 * @returns whether the pasted one ended the login
	 */
	async function tryPasted(response: Response): Promise<boolean> {
		const waiting = stage.state();
		if (waiting.step !== 'waiting' || !claim()) return false;
		isTrying = true;
		const error: unknown = await exchange(response).then(ended.resolve, error => error);
		isTrying = false;
		if (error === undefined) return true;
		const isRefused = error instanceof JarvisError && error.code === 'login_code_refused';
		if (!isRefused) ended.reject(error);
		// Cancelled meanwhile, it has nothing to give back.
		if (!isRefused || stage.signal.aborted) return false;
		unclaimPending(paths, attempt.pending.id);
		stage.move(waiting);
		// The browser may have come back while the server was asked.
		if (callbackMeanwhile === undefined) throw pastedRefused(error);
		await receive(callbackMeanwhile);
		return false;
	}

	function noticeFinishedElsewhere(): void {
		const done = readCompletion(paths, attempt.pending.id);
		if (done) ended.resolve({profileId: done.profileId, provider: provider.id, agentId});
	}

	async function paste(text: string): Promise<string | undefined> {
		const input = readRedirectInput(text);
		if (stage.state().step !== 'waiting') return undefined;
		switch (input.kind) {
			case 'unreadable':
				throw unreadable();
			case 'authorize URL':
				throw isAuthorizeUrl();
			case 'bare code':
				return (await tryPasted({code: input.code}))
					? 'The code came alone, so that its state could not be checked.'
					: undefined;
			case 'response': {
				if (hasState(input.params, attempt.pending.state)) {
					await tryPasted(input.params);
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
}
