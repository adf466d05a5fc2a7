import type {ServerResponse} from 'node:http';
import type {Resolved} from '../auth/resolve.ts';
import type {ErrorCode, JarvisError} from '../errors.ts';

/** What the broker answers with. */

/** Failures that go away by themselves: HTTP's word for them tells clients to try again. */
const temporary: readonly ErrorCode[] = [
	'profiles_set_aside',
	'refresh_unavailable',
	'lock_timeout',
	'lock_lost',
	'broker_busy',
];

/** The status (RFC 9110) that goes with an error: its code says more, and does not change. */
export function statusOf({code, exitCode}: JarvisError): number {
	if (code === 'broker_refused') return 403;
	if (temporary.includes(code)) return 503;
	// It asks for more than there is.
	if (exitCode === 2 || code === 'short_lived') return 400;
	// A person must log in first.
	if (exitCode === 3) return 409;
	return code.endsWith('_unknown') ? 404 : 500;
}

/** A credential as clients get it: what `jarvis models auth token --json` prints. */
export function tokenOf({secret, ...about}: Resolved): object {
	return {...about, token: secret};
}

/** Answers with JSON on one line, or with a plain text. Nothing of it may be kept on the way. */
export function reply(response: ServerResponse, status: number, content: object | string): void {
	if (response.headersSent || response.destroyed) return;
	const isText = typeof content === 'string';
	const body = `${isText ? content : JSON.stringify(content)}\n`;
	response
		.writeHead(status, {
			'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
			'content-length': Buffer.byteLength(body),
			'cache-control': 'no-store',
		})
		.end(body);
}
