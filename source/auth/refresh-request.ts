import * as oauth from 'oauth4webapi';
import type {OAuthCredential} from '../store/schema.ts';
import {type AuthorizationServer, type Network, requestOptions} from './authorization-server.ts';
import type {Provider} from './providers/contract.ts';
import {classifyTokenFault, type TokenFault} from './token-fault.ts';
import {credentialFrom, tolerantReply} from './token-response.ts';

/**
 * One refresh request (RFC 6749, section 6). What goes wrong comes back as a fault: whether the server
 * has decided anything is for the caller to act on. Never throws.
 */
export async function requestRefresh(
	provider: Provider,
	server: AuthorizationServer,
	credential: OAuthCredential,
	{network, now}: {readonly network: Network; readonly now: () => number},
): Promise<{readonly credential: OAuthCredential} | {readonly fault: TokenFault}> {
	try {
		const reply = await oauth.refreshTokenGrantRequest(
			server.metadata,
			server.client,
			oauth.None(),
			credential.refresh ?? '',
			requestOptions(network),
		);
		const receivedAt = now();
		const {response, idToken} = await tolerantReply(reply, false);
		const tokens = await oauth.processRefreshTokenResponse(server.metadata, server.client, response);
		return {credential: credentialFrom(provider, tokens, idToken, receivedAt, credential)};
	} catch (error) {
		return {fault: classifyTokenFault(error, now())};
	}
}
