import * as oauth from 'oauth4webapi';
import {JarvisError} from '../../errors.ts';
import type {OAuthCredential} from '../../store/schema.ts';
import {type AuthorizationServer, requestOptions} from '../authorization-server.ts';
import {clean, quoted} from '../facts.ts';
import type {Network} from '../network.ts';
import type {OAuthMethod, Provider} from '../providers/contract.ts';
import {classifyTokenFault} from '../token-fault.ts';
import {credentialFrom, tolerantReply} from '../token-response.ts';

/** What of a login the exchange needs. */
export interface ExchangeInput {
	readonly provider: Provider;
	readonly method: OAuthMethod;
	readonly server: AuthorizationServer;
	readonly redirectUri: string;
	readonly state: string;
	/** The PKCE verifier (RFC 7636). */
	readonly verifier: string;
	/** The authorization response, or the code alone. */
	readonly response: URLSearchParams | {readonly code: string};
	readonly network: Network;
	readonly now: () => number;
	readonly signal?: AbortSignal;
}

/**
 * Exchanges the code of an authorization response for a credential (RFC 6749, section 4.1.3; RFC 9207 for
 * `iss`).
 * @throws `login_denied`, `login_server_error`, `login_state_mismatch`, `login_code_refused`,
 * `login_unreachable`
 */
export async function exchangeCode(input: ExchangeInput): Promise<OAuthCredential> {
	const {provider, method, server, network} = input;
	const params = authorizationResponse(input);
	try {
		const reply = await oauth.authorizationCodeGrantRequest(
			server.metadata,
			server.client,
			oauth.None(),
			params,
			input.redirectUri,
			input.verifier,
			requestOptions(network, input.signal),
		);
		const receivedAt = input.now();
		const {response, idToken} = await tolerantReply(reply, server.discovered);
		const tokens = await oauth.processAuthorizationCodeResponse(server.metadata, server.client, response);
		return {
			...credentialFrom(provider.id, method, tokens, idToken, receivedAt),
			clientId: server.client.client_id,
		};
	} catch (error) {
		throw exchangeFault(provider, error);
	}
}

/** Whether an authorization response carries exactly this state, once. */
export function hasState(params: URLSearchParams, state: string): boolean {
	const given = params.getAll('state');
	return given.length === 1 && given[0] === state;
}

// The state is looked at first: an error or a code of somebody else's login must not be acted on.
function authorizationResponse(input: ExchangeInput): URLSearchParams {
	const {server, response, state} = input;
	if (!(response instanceof URLSearchParams)) {
		// A bare code brings neither state nor issuer; PKCE still ties it to this login.
		const metadata = {...server.metadata, authorization_response_iss_parameter_supported: false};
		return oauth.validateAuthResponse(
			metadata,
			server.client,
			new URLSearchParams(response),
			oauth.skipStateCheck,
		);
	}
	if (!hasState(response, state)) throw stateMismatch();
	// Without an issuer to compare it with, the one that the response names says nothing.
	if (server.issuerUnknown) response.delete('iss');
	// `code#state`, as some servers show it for copying, has no room for the issuer.
	const short = [...response.keys()].every(key => key === 'code' || key === 'state');
	const metadata = short
		? {...server.metadata, authorization_response_iss_parameter_supported: false}
		: server.metadata;
	try {
		return oauth.validateAuthResponse(metadata, server.client, response, state);
	} catch (error) {
		throw responseFault(input.provider, error);
	}
}

/** The error of an authorization response that belongs to another login. */
export function stateMismatch(): JarvisError {
	return new JarvisError(
		'login_state_mismatch',
		'That link belongs to another login attempt: its state is not the one of this login.',
		'Open the link that is shown now, and paste the address that it leads to.',
	);
}

function responseFault(provider: Provider, error: unknown): JarvisError {
	if (error instanceof oauth.AuthorizationResponseError) {
		const details = described(error.error, error.error_description);
		if (error.error === 'access_denied') {
			return new JarvisError(
				'login_denied',
				`${provider.label} did not grant the login (${details}).`,
				'Try again, and allow the access that the page asks for.',
				{cause: error},
			);
		}
		return serverError(provider, details, error);
	}
	return serverError(provider, 'its reply does not have the standard form', error);
}

function exchangeFault(provider: Provider, error: unknown): JarvisError {
	if (error instanceof JarvisError) return error;
	const fault = classifyTokenFault(error);
	// oauth4webapi hangs the reply, tokens included, on its errors: only their words go on.
	const cause = error instanceof Error ? `${error.name}: ${error.message}` : undefined;
	switch (fault.kind) {
		case 'invalid_grant':
			return new JarvisError(
				'login_code_refused',
				`${provider.label} refused the code: it is wrong, was used already, or is too old.`,
				'Try again: a new login makes a new code.',
				{cause},
			);
		case 'unreachable':
			return new JarvisError(
				'login_unreachable',
				`${provider.label} could not be reached to finish the login (${fault.details}).`,
				'Check the network and try again. Nothing was stored.',
				{cause},
			);
		default:
			return serverError(provider, fault.details, cause);
	}
}

function serverError(provider: Provider, details: string, cause: unknown): JarvisError {
	return new JarvisError(
		'login_server_error',
		`${provider.label} answered with an error: ${details}.`,
		'Try again; if it stays, the client or its scopes are set up differently at the server.',
		{cause},
	);
}

function described(code: string, description: string | undefined): string {
	return clean(code).slice(0, 60) + (description ? `: ${quoted(description)}` : '');
}
