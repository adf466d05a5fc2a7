import * as oauth from 'oauth4webapi';
import type {OAuthCredential} from '../store/schema.ts';
import {type AuthorizationServer, requestOptions} from './authorization-server.ts';
import type {Network} from './network.ts';
import type {OAuthClient, Provider} from './providers/contract.ts';
import type {RefreshReply} from './refresh-request.ts';
import {classifyTokenFault} from './token-fault.ts';
import {credentialFrom, tolerantReply} from './token-response.ts';

/** One refresh request (RFC 6749, section 6). Never throws. */
export async function requestRefresh(
	{
		provider,
		network,
		now,
	}: {readonly provider: Provider; readonly network: Network; readonly now: () => number},
	client: OAuthClient,
	server: AuthorizationServer,
	credential: OAuthCredential,
): Promise<RefreshReply> {
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
		return {credential: credentialFrom(provider.id, client, tokens, idToken, receivedAt, credential)};
	} catch (error) {
		return {fault: classifyTokenFault(error, now())};
	}
}
