import {JarvisError} from '../errors.ts';
import type {CredentialKind} from '../store/schema.ts';
import type {Network} from './network.ts';
import type {ProbeRequest, Provider} from './providers/contract.ts';
import {retryAtOf} from './retry-after.ts';
import type {FailureReason} from './routing/rotation.ts';

/** How a credential did at its provider. */
export type ProbeOutcome =
	| 'ok'
	| Extract<FailureReason, 'auth' | 'rate_limit' | 'billing' | 'timeout' | 'network'>
	/** The provider has no probe, or answered with something that says nothing of the credential. */
	| 'unknown';

export interface ProbeResult {
	readonly outcome: ProbeOutcome;
	/** How long (ms) the answer took; absent where there was none. */
	readonly latencyMs?: number;
	readonly status?: number;
	/** For a person: what happened, without anything secret. */
	readonly why: string;
	/** When the provider says that it can be asked again (epoch ms). */
	readonly resetAt?: number;
}

export interface ProbeInput {
	readonly provider: Provider;
	readonly kind: CredentialKind;
	readonly secret: string;
	readonly accountId?: string | undefined;
	/** What its provider's own code keeps with it. */
	readonly metadata?: Readonly<Record<string, string>> | undefined;
	readonly network: Network;
	readonly now: () => number;
	readonly timeoutMs: number;
	readonly signal?: AbortSignal | undefined;
}

/** Sends one cheap authorised request, and tells what it shows. Never throws. */
export async function probe(input: ProbeInput): Promise<ProbeResult> {
	const {provider, network, now, timeoutMs, signal} = input;
	const request = provider.probes?.find(one => isFor(one, input));
	if (!request) return {outcome: 'unknown', why: 'there is no probe for it'};
	const started = performance.now();
	const limit = AbortSignal.timeout(timeoutMs);
	try {
		const response = await network.fetch(request.url, {
			method: request.method ?? 'GET',
			headers: headersOf(request, input),
			redirect: 'manual',
			signal: signal ? AbortSignal.any([signal, limit]) : limit,
		});
		const latencyMs = Math.round(performance.now() - started);
		const body = response.ok ? '' : await response.text().catch(() => '');
		if (response.ok) await response.body?.cancel();
		return {...judge(response, body, now()), latencyMs, status: response.status};
	} catch (error) {
		return failed(error, limit);
	}
}

/** What refreshing a credential before its probe came to, as an outcome. */
export function outcomeOfError(error: unknown): ProbeResult {
	if (!(error instanceof JarvisError)) return {outcome: 'unknown', why: 'it could not be read'};
	const {code, message} = error;
	// A secret that is not there was not refused by anybody.
	if (code === 'needs_login') return {outcome: 'auth', why: message};
	if (code === 'refresh_unavailable') return {outcome: 'network', why: message};
	return {outcome: 'unknown', why: message};
}

function isFor({kinds, metadata = {}}: ProbeRequest, {kind, metadata: own = {}}: ProbeInput): boolean {
	if (kinds && !kinds.includes(kind)) return false;
	return Object.entries(metadata).every(([key, value]) => own[key] === value);
}

function headersOf(
	{secretHeader, headers, accountHeader}: ProbeRequest,
	{secret, accountId}: ProbeInput,
): Record<string, string> {
	return {
		Accept: 'application/json',
		...headers,
		...(secretHeader ? {[secretHeader]: secret} : {Authorization: `Bearer ${secret}`}),
		...(accountHeader && accountId ? {[accountHeader]: accountId} : {}),
	};
}

// What a provider says in words is looked at for these, and goes nowhere: it may repeat what it was sent.
const billingWords = /insufficient[_ ](quota|balance|funds|credit)|billing|payment required|out of credits/i;

function judge({status, headers}: Response, body: string, now: number): ProbeResult {
	if (status >= 200 && status < 300) return {outcome: 'ok', why: 'it works'};
	const resetAt = retryAtOf(headers, now);
	const reset = resetAt === undefined ? {} : {resetAt};
	if (status === 402 || ((status === 429 || status === 403 || status === 400) && billingWords.test(body))) {
		return {outcome: 'billing', why: `the provider wants to be paid (status ${status})`, ...reset};
	}
	if (status === 429) return {outcome: 'rate_limit', why: 'it is rate limited (status 429)', ...reset};
	if (status === 401 || status === 403) {
		return {outcome: 'auth', why: `the provider refuses it (status ${status})`};
	}
	if (status === 408 || status === 504)
		return {outcome: 'timeout', why: `the provider took too long (status ${status})`};
	return {outcome: 'unknown', why: `the provider answered with status ${status}, which says nothing of it`};
}

function failed(error: unknown, limit: AbortSignal): ProbeResult {
	if (limit.aborted) return {outcome: 'timeout', why: 'no answer in time'};
	const cause = error instanceof Error ? error.cause : undefined;
	const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'network failure';
	return {outcome: 'network', why: `the provider could not be reached (${code})`};
}
