import {request} from 'node:http';
import {json} from 'node:stream/consumers';
import {isSystemError, JarvisError} from '../errors.ts';
import {isObject} from '../store/json.ts';
import type {StatePaths} from '../store/paths.ts';
import {type BrokerFacts, type BrokerStatus, protocol} from './contract.ts';
import {socketOf, untilFree} from './socket.ts';

/** Asking the broker of a state folder about itself. Tokens are not asked for here: the files are as near. */

/** How long (ms) the broker may take. */
const timeoutMs = 2000;

/** How long (ms) it may take for its end: longer than it waits for those that it answers. */
const stopTimeoutMs = 15_000;

/**
 * Whether a broker answers for a state folder, and what it says.
 * @throws `broker_not_running` where somebody is there who gives no answer, or another one than a broker's
 */
export async function brokerStatus(paths: StatePaths, socket = socketOf(paths)): Promise<BrokerStatus> {
	const facts = await ask(socket, 'GET', '/v1/status');
	if (facts === undefined) return {running: false, socket};
	if (!isFacts(facts)) throw noBroker(socket);
	return {running: true, ...facts};
}

/** Whether it is what a broker of this protocol tells: it runs as the same user, and says what it says. */
function isFacts(value: unknown): value is BrokerFacts {
	if (!isObject(value) || value.protocol !== protocol) return false;
	return Array.isArray(value.clients) && Array.isArray(value.renewals);
}

/**
 * Has the broker of a state folder end, and waits until it has.
 * @throws `broker_not_running`, and `broker_running` where it still has somebody to answer
 */
export async function stopBroker(
	paths: StatePaths,
	socket = socketOf(paths),
): Promise<{readonly pid: number}> {
	const stopping = await ask(socket, 'POST', '/v1/stop');
	if (stopping === undefined) throw notRunning(`No broker runs at ${socket}.`);
	const {pid} = stopping as {readonly pid: number};
	if (await untilFree(paths, stopTimeoutMs)) return {pid};
	throw new JarvisError(
		'broker_running',
		`The broker (pid ${pid}) was told to end, and has not ended within ${stopTimeoutMs / 1000} s.`,
		`End it by force: kill -9 ${pid}. No token is lost by that, unless it is refreshing one.`,
	);
}

/** The answer, or `undefined` where nobody listens. */
async function ask(socketPath: string, method: string, path: string): Promise<unknown> {
	const {promise, resolve, reject} = Promise.withResolvers<unknown>();
	const sent = request({socketPath, path, method, timeout: timeoutMs, agent: false}, response => {
		json(response).then(
			body => (response.statusCode && response.statusCode < 300 ? resolve(body) : reject(refusedBy(body))),
			reject,
		);
	});
	sent.on('timeout', () => sent.destroy(new Error('timeout')));
	sent.on('error', reject);
	sent.end();
	try {
		return await promise;
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
		if (error instanceof JarvisError || isSystemError(error, 'EACCES', 'EPERM')) throw error;
		throw noBroker(socketPath, error);
	}
}

function refusedBy(body: unknown): JarvisError {
	const {error} = body as {error?: {message?: unknown}};
	return new JarvisError(
		'broker_refused',
		typeof error?.message === 'string' ? error.message : 'The broker refused.',
		'Ask as the user whose credentials they are.',
	);
}

function noBroker(socket: string, cause?: unknown): JarvisError {
	return notRunning(`Whoever listens at ${socket} does not answer as a broker of this version does.`, cause);
}

function notRunning(message: string, cause?: unknown): JarvisError {
	return new JarvisError('broker_not_running', message, 'Start it: jarvis broker', {cause});
}
