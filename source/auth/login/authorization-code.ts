import {JarvisError} from '../../errors.ts';
import {claimPending, loginWaitMs, readCompletion, watchPending} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import {authorizationServerOf} from '../authorization-server.ts';
import type {OAuthMethod} from '../providers/contract.ts';
import {exchangeAndKeep, prepareAttempt} from './attempt.ts';
import type {LoginOptions, LoginResult} from './contract.ts';
import {hasState, stateMismatch} from './exchange.ts';
import {finishLogin} from './finish.ts';
import {isAuthorizeUrl, timedOut, unreadable} from './login-errors.ts';
import {readRedirectInput} from './redirect-input.ts';
import type {Stage} from './stage.ts';

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

	async function receive(response: URLSearchParams | {readonly code: string}): Promise<void> {
		if (stage.state().step !== 'waiting') return;
		// Whoever claims it first exchanges: a code is good for one exchange only.
		if (!claimPending(paths, attempt.pending.id)) return;
		stage.move({step: 'exchanging'});
		await exchangeAndKeep(options, method, server, attempt.pending, response, stage.signal).then(
			ended.resolve,
			ended.reject,
		);
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
}
