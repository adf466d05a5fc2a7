import {JarvisError} from '../errors.ts';
import type {OAuthCredential} from '../store/schema.ts';
import type {Network} from './network.ts';
import {isCodeMethod, type Provider, refresherOf} from './providers/contract.ts';
import {notRefreshableHere, unavailable} from './refresh-errors.ts';
import type {TokenFault} from './token-fault.ts';

export type RefreshReply = {readonly credential: OAuthCredential} | {readonly fault: TokenFault};

interface RequestContext {
	readonly provider: Provider;
	readonly agentId: string;
	readonly profileId: string;
	readonly network: Network;
	readonly now: () => number;
}

/**
 * All that can be done before a refresh token is spent; what it gives spends it, and never throws: what goes
 * wrong then comes back as a fault, and whether the server has decided anything is for the caller to act on.
 * @throws `refresh_unavailable` where the server cannot be found, `login_unsupported` where the provider has no
 * way to refresh, `insecure_endpoint`
 */
export async function prepareRefresh(
	context: RequestContext,
	credential: OAuthCredential,
): Promise<() => Promise<RefreshReply>> {
	const {provider, network} = context;
	const client = refresherOf(provider, credential);
	if (!client) throw notRefreshableHere(context);
	if (isCodeMethod(client)) {
		const {refreshByCode} = await import('./refresh-code.ts');
		const {refresh} = client;
		return () => refreshByCode(refresh, context, credential);
	}
	const [{requestRefresh}, {authorizationServerOf}] = await Promise.all([
		import('./refresh-grant.ts'),
		import('./authorization-server.ts'),
	]);
	const clientId = credential.clientId ?? client.clientId;
	try {
		const server = await authorizationServerOf({...client, clientId}, network, 'refresh');
		return () => requestRefresh(context, client, server, credential);
	} catch (error) {
		if (!(error instanceof JarvisError) || error.code !== 'discovery_failed') throw error;
		throw unavailable(context, {kind: 'unreachable', details: 'no metadata'});
	}
}
