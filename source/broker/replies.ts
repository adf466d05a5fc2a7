import type {ServerResponse} from 'node:http';
import type {Resolved} from '../auth/resolve.ts';
import type {ErrorCode, JarvisError} from '../errors.ts';
import {tokenParameters} from './contract.ts';

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
	if (exitCode === 2) return 400;
	// A person must log in first.
	if (exitCode === 3) return 409;
	return code.endsWith('_unknown') ? 404 : 500;
}

/**
 * An error as clients get it. What it advises is worded for the command line: a flag that is a parameter here is named
 * as one. A whole command stays, which is for the person at this machine.
 */
export function errorOf(error: JarvisError): ReturnType<JarvisError['toJSON']> {
	const body = error.toJSON();
	const {message, next} = body.error;
	return {error: {...body.error, message: inParameters(message), next: inParameters(next)}};
}

const flag = new RegExp(`--(${tokenParameters.join('|')})(?![\\w-])(?: (?=[<\\w]))?`, 'g');

function inParameters(text: string): string {
	const command = text.search(/\bjarvis [a-z]/);
	const [before, rest] = command < 0 ? [text, ''] : [text.slice(0, command), text.slice(command)];
	return before.replace(flag, (written, name) => (written.endsWith(' ') ? `${name}=` : name)) + rest;
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
