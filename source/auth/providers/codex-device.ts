import {JarvisError} from '../../errors.ts';
import {type JsonObject, member, textMember} from '../../store/json.ts';
import {authorizationServerOf} from '../authorization-server.ts';
import {codeOver} from '../login/device-code.ts';
import {exchangeCode} from '../login/exchange.ts';
import {issuedFrom} from '../login/keep.ts';
import {pause} from '../login/pause.ts';
import type {IssuedOAuth, LoginIo, OAuthMethod, Provider} from './contract.ts';
import {requestJson} from './request-json.ts';

/**
 * The device login of ChatGPT accounts. It is older than, and differs from, RFC 8628: the code that is typed
 * makes an authorization code, which the server hands over together with the PKCE verifier that it made itself.
 */

/** For how long (ms) a code can be typed in. */
const codeLivesMs = 15 * 60_000;
const usualIntervalSeconds = 5;

/**
 * Gets tokens by a code that the person types at another device.
 * @throws `login_unsupported` where the server does not offer it, `login_timed_out`, what `requestJson` and
 * `exchangeCode` throw, and the signal's reason
 */
export async function codexDeviceLogin(client: OAuthMethod, io: LoginIo): Promise<IssuedOAuth> {
	const issuer = client.issuer ?? '';
	const api = `${issuer}/api/accounts/deviceauth`;
	const device = await requestJson(`${api}/usercode`, io, {body: {client_id: client.clientId}}).catch(
		notOffered,
	);
	const deviceId = textMember(device, 'device_auth_id');
	const userCode = textMember(device, 'user_code') ?? textMember(device, 'usercode');
	if (!deviceId || !userCode) throw malformed();
	io.showCode({userCode, verificationUri: `${issuer}/codex/device`, until: io.now() + codeLivesMs});
	const granted = await poll(`${api}/token`, {device_auth_id: deviceId, user_code: userCode}, device, io);
	const code = textMember(granted, 'authorization_code');
	const verifier = textMember(granted, 'code_verifier');
	if (!code || !verifier) throw malformed();
	io.progress('Exchanging the code for tokens…');
	const network = {fetch: io.fetch};
	const credential = await exchangeCode({
		...{provider: named, method: client, network, now: io.now, signal: io.signal},
		server: await authorizationServerOf(client, network),
		redirectUri: `${issuer}/deviceauth/callback`,
		...{state: '', verifier, response: {code}},
	});
	return issuedFrom(credential);
}

/** Who the errors of the exchange name. */
const named: Provider = {id: 'openai-codex', label: 'OpenAI Codex (ChatGPT)', origin: 'built in', auth: []};

async function poll(url: string, body: object, device: JsonObject, io: LoginIo): Promise<JsonObject> {
	const given = Number(member(device, 'interval'));
	const intervalMs = (given > 0 ? given : usualIntervalSeconds) * 1000;
	const endsAt = performance.now() + codeLivesMs;
	for (;;) {
		await pause(Math.min(intervalMs, endsAt - performance.now()), io.signal);
		if (performance.now() >= endsAt) throw codeOver();
		try {
			return await requestJson(url, io, {body});
		} catch (error) {
			if (!isPending(error)) throw error;
		}
	}
}

// Until the code is typed in the server refuses, or knows nothing of it; what does not come through is no answer.
function isPending(error: unknown): boolean {
	if (!(error instanceof JarvisError)) return false;
	if (error.code === 'login_unreachable') return true;
	const {status} = error.details;
	return status === 403 || status === 404 || status === 429 || (typeof status === 'number' && status >= 500);
}

function notOffered(error: unknown): never {
	if (error instanceof JarvisError && error.details.status === 404) {
		throw new JarvisError(
			'login_unsupported',
			'The server offers no login by device code for this account.',
			'Allow it in ChatGPT’s settings, under Security, or log in in a browser: --method oauth',
		);
	}
	throw error;
}

function malformed(): JarvisError {
	return new JarvisError(
		'login_server_error',
		'The server’s reply to the device login is not of the form that is known here.',
		'Log in in a browser instead: --method oauth',
	);
}
