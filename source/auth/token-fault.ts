import * as oauth from 'oauth4webapi';
import {optional} from '../store/schema.ts';
import {clean, quoted} from './facts.ts';
import {retryAtOf} from './retry-after.ts';

/** What went wrong at the token endpoint, and whether the server has decided anything. */
export interface TokenFault {
	/**
	 * `invalid_grant`: the server refuses the code or refresh token for good (RFC 6749, section 5.2);
	 * `refused`: it refuses the request for another reason; `busy`: it cannot answer now (429 or 5xx);
	 * `unreachable`: no answer came; `unreadable`: an answer came that is not of the standard form.
	 */
	readonly kind: 'invalid_grant' | 'refused' | 'busy' | 'unreachable' | 'unreadable';
	/** For a person; holds nothing secret. */
	readonly details: string;
	/** Until when (epoch ms) a server that is busy asked to be left alone. */
	readonly retryAt?: number;
}

/**
 * Classifies what a token request threw.
 * @param now when it did (epoch ms), where it matters how long the server wants to be left alone
 */
export function classifyTokenFault(error: unknown, now?: number): TokenFault {
	const fault = faultOf(error);
	const response = error instanceof oauth.ResponseBodyError ? error.response : responseOf(error);
	if (fault.kind !== 'busy' || !response || now === undefined) return fault;
	return {...fault, ...optional('retryAt', retryAtOf(response.headers, now))};
}

function faultOf(error: unknown): TokenFault {
	if (error instanceof oauth.ResponseBodyError) {
		const description = error.error_description ? `: ${quoted(error.error_description)}` : '';
		const details = clean(error.error).slice(0, 60) + description;
		if (error.error === 'invalid_grant') return {kind: 'invalid_grant', details};
		return {kind: isBusy(error.status) ? 'busy' : 'refused', details: `${details} (${error.status})`};
	}
	if (error instanceof oauth.WWWAuthenticateChallengeError) {
		return {kind: 'refused', details: `status ${error.status}`};
	}
	const response = responseOf(error);
	if (response) {
		if (isBusy(response.status)) return {kind: 'busy', details: `status ${response.status}`};
		const type = response.headers.get('content-type') ?? 'no content type';
		return {
			kind: 'unreadable',
			details: `status ${response.status} with ${clean(type).slice(0, 60)}, not a token reply`,
		};
	}
	if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
		return {kind: 'unreachable', details: 'no answer in time'};
	}
	if (error instanceof TypeError) return {kind: 'unreachable', details: networkCode(error)};
	return {kind: 'unreadable', details: 'a reply that is not of the standard form'};
}

function isBusy(status: number): boolean {
	return status === 429 || status >= 500;
}

function responseOf(error: unknown): Response | undefined {
	if (!(error instanceof Error)) return undefined;
	if (error.cause instanceof Response) return error.cause;
	const inner =
		typeof error.cause === 'object' && error.cause && 'response' in error.cause
			? error.cause.response
			: undefined;
	return inner instanceof Response ? inner : undefined;
}

// undici hides the system's code in the cause, which says more than "fetch failed".
function networkCode(error: Error): string {
	const cause = error.cause;
	return cause instanceof Error && 'code' in cause ? String(cause.code) : 'network failure';
}
