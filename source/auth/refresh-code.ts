import {JarvisError} from '../errors.ts';
import type {OAuthCredential} from '../store/schema.ts';
import type {Network} from './network.ts';
import type {CodeMethod, Provider} from './providers/contract.ts';
import type {RefreshReply} from './refresh-request.ts';
import {retryAtOf} from './retry-after.ts';
import type {TokenFault} from './token-fault.ts';

/** How long (ms) a provider's own refresh may take: less than those wait who wait for it. */
const refreshTimeoutMs = 20_000;

/**
 * A refresh by a provider's own code. Never throws.
 * @param refresh as the contract has it
 */
export async function refreshByCode(
	refresh: NonNullable<CodeMethod['refresh']>,
	{
		provider,
		network,
		now,
	}: {readonly provider: Provider; readonly network: Network; readonly now: () => number},
	credential: OAuthCredential,
): Promise<RefreshReply> {
	const signal = AbortSignal.timeout(refreshTimeoutMs);
	const late = Promise.withResolvers<never>();
	late.promise.catch(() => {});
	signal.addEventListener('abort', () => late.reject(signal.reason), {once: true});
	try {
		const io = {fetch: network.fetch, now, signal};
		const {name: _, ...issued} = await Promise.race([refresh(credential, io), late.promise]);
		const {access: __, expires: ___, expiresIn: ____, ...kept} = credential;
		return {credential: {...kept, ...issued, provider: provider.id}};
	} catch (error) {
		return {fault: faultOf(error, signal, now())};
	}
}

// Only our own errors have words that may be shown: others may quote a secret.
function faultOf(error: unknown, signal: AbortSignal, now: number): TokenFault {
	if (signal.aborted) return {kind: 'unreachable', details: 'no answer in time'};
	if (!(error instanceof JarvisError)) {
		const name = error instanceof Error ? error.name : typeof error;
		return {kind: 'unreadable', details: `a fault of its own code (${name})`};
	}
	const {status, retryAfter, what} = error.details;
	if (error.code === 'plugin_failed')
		return {kind: 'unreadable', details: `no token: its plugin ${String(what)}`};
	const details = error.message.replace(/\.$/, '');
	if (status === 401) return {kind: 'invalid_grant', details};
	if (status === 429 || (typeof status === 'number' && status >= 500)) {
		const headers = new Headers(typeof retryAfter === 'string' ? {'retry-after': retryAfter} : {});
		const retryAt = retryAtOf(headers, now);
		return {kind: 'busy', details, ...(retryAt === undefined ? {} : {retryAt})};
	}
	if (typeof status === 'number') return {kind: 'refused', details};
	if (error.code === 'needs_login') return {kind: 'invalid_grant', details};
	return {kind: error.code === 'login_unreachable' ? 'unreachable' : 'unreadable', details};
}
