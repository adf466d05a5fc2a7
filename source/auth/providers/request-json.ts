import {JarvisError} from '../../errors.ts';
import {type JsonObject, tryParseJson} from '../../store/json.ts';
import type {ProviderIo} from './contract.ts';

/** How long (ms) a request may take. */
const requestTimeoutMs = 15_000;

/**
 * A request whose answer is a JSON object, for providers with endpoints of their own.
 * @throws `login_server_error` for an answer that is not 2xx (`details` has its `status` and `retryAfter`) or no
 * JSON object, `login_unreachable` where none came; none quotes what was sent or received, which may be secret
 */
export async function requestJson(
	url: string,
	{fetch, signal}: ProviderIo,
	init: {readonly method?: string; readonly headers?: Record<string, string>; readonly body?: unknown} = {},
): Promise<JsonObject> {
	const {host} = new URL(url);
	let response: Response;
	let text: string;
	try {
		response = await fetch(url, {
			method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
			headers: {
				Accept: 'application/json',
				...(init.body === undefined ? {} : {'Content-Type': 'application/json'}),
				...init.headers,
			},
			...(init.body === undefined ? {} : {body: JSON.stringify(init.body)}),
			redirect: 'error',
			signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
		});
		text = await response.text();
	} catch {
		signal.throwIfAborted();
		throw new JarvisError(
			'login_unreachable',
			`${host} could not be reached.`,
			'Check the network and try again. Nothing was changed.',
		);
	}
	if (!response.ok) throw refusal(host, response);
	const reply = tryParseJson(text);
	if (reply) return reply;
	throw new JarvisError(
		'login_server_error',
		`${host} answered with something that is no JSON object.`,
		'Try again. Nothing was changed.',
	);
}

function refusal(host: string, {status, headers}: Response): JarvisError {
	const retryAfter = headers.get('retry-after');
	return new JarvisError(
		'login_server_error',
		`${host} answered with status ${status}.`,
		status === 401 || status === 403
			? 'Log in again, with an account that may use it.'
			: 'Try again. Nothing was changed.',
		{details: {status, ...(retryAfter ? {retryAfter} : {})}},
	);
}
