import * as oauth from 'oauth4webapi';
import type {Recorder} from '../../store/audit-log.ts';
import type {StatePaths} from '../../store/paths.ts';
import {addPending, dropPending, type PendingLogin} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import type {AuthorizationServer} from '../authorization-server.ts';
import {fingerprint} from '../identity.ts';
import type {Network} from '../network.ts';
import type {OAuthMethod, Provider} from '../providers/contract.ts';
import {type CallbackServer, callbackOptions, listenForCallback} from './callback-server.ts';
import type {AttemptOptions, LoginResult} from './contract.ts';
import {exchangeCode, hasState} from './exchange.ts';
import {issuedFrom, keepIssued} from './keep.ts';

/** One attempt at a login: what was made for it, and who listens for its end. */
export interface Attempt {
	readonly pending: PendingLogin;
	readonly url: string;
	readonly shortUrl?: string;
	readonly listening: boolean;
	close(): void;
}

/**
 * Makes verifier and state, listens for the callback and lets other processes know of the attempt.
 * @param receive gets an authorization response whose state is the attempt's
 */
export async function prepareAttempt(
	options: AttemptOptions,
	method: OAuthMethod,
	server: AuthorizationServer,
	receive: (response: URLSearchParams) => Promise<void>,
): Promise<Attempt> {
	const {provider, paths} = options;
	const state = oauth.generateRandomState();
	const verifier = oauth.generateRandomCodeVerifier();
	const challenge = await oauth.calculatePKCECodeChallenge(verifier);
	let url: string | undefined;
	const callback: CallbackServer | undefined = await listenForCallback(
		method.redirectUris,
		params => {
			if (!hasState(params, state) || (!params.has('code') && !params.has('error'))) return 'not ours';
			void receive(params);
			return params.has('error') ? 'denied' : 'accepted';
		},
		callbackOptions(options, () => url),
	);
	const redirectUri = callback?.redirectUri ?? method.redirectUris[0] ?? '';
	const pending: PendingLogin = {
		id: fingerprint(state),
		state,
		verifier,
		redirectUri,
		providerId: provider.id,
		agentId: options.agentId,
		...optional('profileId', options.profileId),
	};
	try {
		addPending(paths, pending);
	} catch (error) {
		callback?.close();
		throw error;
	}
	url = authorizeUrl(server, method, {redirectUri, state, challenge});
	return {
		pending,
		url,
		...optional('shortUrl', callback?.shortUrl),
		listening: callback !== undefined,
		close() {
			callback?.close();
			dropPending(paths, pending.id);
		},
	};
}

/** The URL that a person opens to log in (RFC 6749, section 4.1.1; RFC 7636, section 4.3). */
function authorizeUrl(
	server: AuthorizationServer,
	method: OAuthMethod,
	login: {readonly redirectUri: string; readonly state: string; readonly challenge: string},
): string {
	const url = new URL(server.metadata.authorization_endpoint ?? '');
	const parameters: Record<string, string> = {
		...method.authorizeParams,
		response_type: 'code',
		client_id: server.client.client_id,
		redirect_uri: login.redirectUri,
		...(method.scopes.length > 0 ? {scope: method.scopes.join(' ')} : {}),
		code_challenge: login.challenge,
		code_challenge_method: 'S256',
		state: login.state,
	};
	for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
	return url.href;
}

/** What exchanging a code and keeping what it brings needs from outside. */
export interface ExchangeWorld {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly network: Network;
	readonly now: () => number;
	readonly record?: Recorder;
}

/**
 * Exchanges the code of an attempt's response and stores what it brings.
 * @throws what `exchangeCode` and `keepLogin` throw
 */
export async function exchangeAndKeep(
	options: ExchangeWorld,
	method: OAuthMethod,
	server: AuthorizationServer,
	pending: PendingLogin,
	response: URLSearchParams | {readonly code: string},
	signal?: AbortSignal,
): Promise<LoginResult> {
	const {provider, network, now} = options;
	const {redirectUri, state, verifier, agentId} = pending;
	const credential = await exchangeCode({
		...{provider, method, server, redirectUri, state, verifier, response, network, now},
		...optional('signal', signal),
	});
	const kept = {
		...{...options, agentId, methodName: method.method},
		...optional('profileId', pending.profileId),
		...optional('signal', signal),
	};
	return keepIssued(kept, issuedFrom(credential));
}
