import * as oauth from 'oauth4webapi';
import {JarvisError} from '../../errors.ts';
import {textMember, tryParseJson} from '../../store/json.ts';
import {authorizationServerOf, requestOptions} from '../authorization-server.ts';
import {clean} from '../facts.ts';
import type {
	DeviceCode,
	DeviceCodeMethod,
	IssuedOAuth,
	LoginIo,
	OAuthClient,
	Provider,
} from '../providers/contract.ts';
import {classifyTokenFault} from '../token-fault.ts';
import {credentialFrom, tolerantReply} from '../token-response.ts';
import {issuedFrom} from './keep.ts';
import {pause} from './pause.ts';

/** How long (s) to wait between two questions where the server does not say (RFC 8628, section 3.2). */
const usualIntervalSeconds = 5;

/** By how much (s) each `slow_down` lengthens that (RFC 8628, section 3.5). */
const slowDownSeconds = 5;

/** The tokens of a device login, and the ID token apart, which could not be checked. */
export type DeviceTokens = oauth.TokenEndpointResponse & {
	readonly receivedAt: number;
	readonly idToken?: string;
};

/**
 * Gets tokens by a code that the person types on another device (RFC 8628).
 * @throws `login_denied`, `login_timed_out`, `login_unsupported` where the server does not offer it,
 * `login_server_error`, `login_unreachable`, `discovery_failed`, `insecure_endpoint`, and the signal's reason
 */
export async function deviceLogin(client: OAuthClient, io: LoginIo): Promise<DeviceTokens> {
	const network = {fetch: io.fetch};
	const server = await authorizationServerOf(client, network, 'device_code');
	const device = await authorizeDevice(client, server, io);
	io.showCode({
		userCode: clean(device.user_code),
		...pagesOf(device),
		until: io.now() + device.expires_in * 1000,
	});
	const endsAt = performance.now() + device.expires_in * 1000;
	let interval = device.interval ?? usualIntervalSeconds;
	for (;;) {
		await pause(Math.min(interval * 1000, endsAt - performance.now()), io.signal);
		if (performance.now() >= endsAt) throw codeOver();
		try {
			const reply = await oauth.deviceCodeGrantRequest(
				server.metadata,
				server.client,
				oauth.None(),
				device.device_code,
				requestOptions(network, io.signal),
			);
			const receivedAt = io.now();
			const {response, idToken} = await tolerantReply(await standardReply(reply), server.discovered);
			const tokens = await oauth.processDeviceCodeResponse(server.metadata, server.client, response);
			return {...tokens, receivedAt, ...(idToken ? {idToken} : {})};
		} catch (error) {
			io.signal.throwIfAborted();
			const code = error instanceof oauth.ResponseBodyError ? error.error : undefined;
			if (code === 'slow_down') interval += slowDownSeconds;
			else if (code === 'access_denied') throw denied();
			else if (code === 'expired_token') throw codeOver();
			else if (code !== 'authorization_pending') pollAgainOrThrow(error);
		}
	}
}

/**
 * The standard device login of a provider, as a credential.
 * @throws as `deviceLogin` does
 */
export async function standardDeviceLogin(
	provider: Provider,
	method: DeviceCodeMethod,
	io: LoginIo,
): Promise<IssuedOAuth> {
	const {receivedAt, idToken, ...tokens} = await deviceLogin(method, io);
	return {
		...issuedFrom(credentialFrom(provider.id, method, tokens, idToken, receivedAt)),
		clientId: method.clientId,
	};
}

async function authorizeDevice(
	client: OAuthClient,
	server: Awaited<ReturnType<typeof authorizationServerOf>>,
	io: LoginIo,
): Promise<oauth.DeviceAuthorizationResponse> {
	const parameters = new URLSearchParams(client.scopes.length > 0 ? {scope: client.scopes.join(' ')} : {});
	try {
		const reply = await oauth.deviceAuthorizationRequest(
			server.metadata,
			server.client,
			oauth.None(),
			parameters,
			{...requestOptions({fetch: io.fetch}, io.signal), headers: {Accept: 'application/json'}},
		);
		return await oauth.processDeviceAuthorizationResponse(
			server.metadata,
			server.client,
			await standardReply(reply),
		);
	} catch (error) {
		io.signal.throwIfAborted();
		throw serverFault(error);
	}
}

// What a server names as its page is opened in the person's browser: nothing but a web page may be.
function pagesOf(
	device: oauth.DeviceAuthorizationResponse,
): Pick<DeviceCode, 'verificationUri' | 'verificationUriComplete'> {
	const page = webAddress(device.verification_uri);
	if (page === undefined) {
		throw new JarvisError(
			'login_server_error',
			'The server names no web page on which its code could be typed.',
			'Try again, or another way to log in (--method).',
		);
	}
	const complete = webAddress(device.verification_uri_complete ?? '');
	return {verificationUri: page, ...(complete === undefined ? {} : {verificationUriComplete: complete})};
}

function webAddress(text: string): string | undefined {
	if (!URL.canParse(text)) return undefined;
	const {href, protocol} = new URL(text);
	return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}

// GitHub tells errors of a device login with status 200, where the standard has 400.
async function standardReply(reply: Response): Promise<Response> {
	if (!reply.ok) return reply;
	const text = await reply.text();
	const {headers} = reply;
	const isError = textMember(tryParseJson(text), 'error') !== undefined;
	return new Response(text, {status: isError ? 400 : 200, headers});
}

// A poll that did not come through is no answer (RFC 8628, section 3.5); the code's end ends the polling.
function pollAgainOrThrow(error: unknown): void {
	const fault = classifyTokenFault(error);
	if (fault.kind !== 'unreachable' && fault.kind !== 'busy') throw serverFault(error);
}

function serverFault(error: unknown): JarvisError {
	if (error instanceof JarvisError) return error;
	const fault = classifyTokenFault(error);
	if (fault.kind === 'unreachable') {
		return new JarvisError(
			'login_unreachable',
			`The server could not be reached (${fault.details}).`,
			'Check the network and try again. Nothing was stored.',
		);
	}
	return new JarvisError(
		'login_server_error',
		`The server answered with an error: ${fault.details}.`,
		'Try again, or another way to log in (--method).',
	);
}

function denied(): JarvisError {
	return new JarvisError(
		'login_denied',
		'The login was denied on the other device.',
		'Try again, and allow the access that the page asks for.',
	);
}

export function codeOver(): JarvisError {
	return new JarvisError(
		'login_timed_out',
		'The code ran out before it was typed in.',
		'Try again: a new login shows a new code.',
	);
}
