import {text} from 'node:stream/consumers';
import {setTimeout as pause} from 'node:timers/promises';
import type {Context, Provider} from 'oidc-provider';
import type {SandboxEvent, TokenFailure, TokenRequest} from './authorization-server.ts';
import {routes} from './provider-configuration.ts';

interface TokenEndpointControl {
	readonly requests: readonly TokenRequest[];
	setDelay(milliseconds: number): void;
	setFailure(failure: TokenFailure | undefined): void;
	/** Ends every delay that is under way. */
	stop(): void;
}

/**
 * Records the requests to the token endpoint, and lets it be slow or broken. A delay comes after the request
 * has taken effect, as on a slow way back; a failure is recorded in `events` and takes its place.
 */
export function controlTokenEndpoint(provider: Provider, events: SandboxEvent[]): TokenEndpointControl {
	const requests: TokenRequest[] = [];
	const stopping = new AbortController();
	let delay = 0;
	let failure: TokenFailure | undefined;
	provider.use(async (context, next) => {
		if (context.path !== routes.token || context.method !== 'POST') return next();
		if (failure) {
			const given = failure;
			requests.push(tokenRequest(context, new URLSearchParams(await text(context.req))));
			events.push({type: 'refused', at: Date.now(), reason: `told to fail with status ${given.status}`});
			answer(context, given);
		} else {
			await next();
			requests.push(tokenRequest(context, Object.entries(context.oidc?.body ?? {})));
		}
		if (delay > 0) await pause(delay, undefined, {signal: stopping.signal}).catch(() => undefined);
	});
	return {
		requests,
		setDelay(milliseconds) {
			delay = milliseconds;
		},
		setFailure(next) {
			failure = next;
		},
		stop() {
			stopping.abort();
		},
	};
}

function tokenRequest(
	context: Context,
	fields: Iterable<readonly [string, string | string[] | undefined]>,
): TokenRequest {
	const contentType = context.get('content-type');
	const form = contentType.startsWith('application/x-www-form-urlencoded');
	const body = form ? [...fields].map(([name, value]) => [name, String(value)] as const) : [];
	return {contentType, body: Object.fromEntries(body)};
}

function answer(context: Context, {status, body, contentType, headers}: TokenFailure): void {
	context.status = status;
	context.set({'Content-Type': contentType ?? 'application/json', 'Cache-Control': 'no-store', ...headers});
	context.body = body;
}
