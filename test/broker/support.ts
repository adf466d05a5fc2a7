import {once} from 'node:events';
import {type Agent, type IncomingHttpHeaders, type IncomingMessage, request} from 'node:http';
import {createInterface} from 'node:readline';
import {text} from 'node:stream/consumers';
import {expect, onTestFinished} from 'vitest';
import type {Broker, BrokerOptions} from '../../source/broker/server.ts';
import type {JarvisOptions} from '../../source/core.ts';
import {expiredEntry, type Sandbox, writeStore} from '../support/sandbox.ts';

export const profileId = 'acme:maya';

/** Starts a broker over a sandbox; it is stopped when the test ends. */
export async function openBroker(
	sandbox: Sandbox,
	options: BrokerOptions = {},
	more: Omit<JarvisOptions, 'stateDir'> = {},
): Promise<Broker> {
	const broker = await sandbox.open({by: 'broker', ...more}).startBroker(options);
	onTestFinished(() => broker.stop());
	return broker;
}

/** Gives the main agent one grant of the sandbox's server, whose access token is over. */
export async function giveGrant(sandbox: Sandbox): Promise<void> {
	writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
}

interface Asked {
	readonly method?: string;
	readonly body?: string;
	readonly headers?: Record<string, string>;
	readonly agent?: Agent;
}

export interface Answer {
	readonly status: number | undefined;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
	// biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is what it checks
	readonly json: () => any;
}

/** Asks a broker, each time over a connection of its own unless an agent keeps them. */
export async function ask(socketPath: string, path: string, asked: Asked = {}): Promise<Answer> {
	const {body, ...options} = asked;
	const sent = request({socketPath, path, agent: false, ...options});
	sent.end(body);
	const [response] = (await once(sent, 'response')) as [IncomingMessage];
	const answered = await text(response);
	return {
		status: response.statusCode,
		headers: response.headers,
		body: answered,
		json: () => JSON.parse(answered),
	};
}

/** The token that a broker gives. */
export async function tokenOf(socketPath: string, query = 'provider=acme'): Promise<string> {
	const {status, body, json} = await ask(socketPath, `/v1/token?${query}`);
	expect({status, body}).toMatchObject({status: 200});
	return json().token;
}

export interface EventStream {
	/** The next event; rejects when the stream ends. */
	next(): Promise<Record<string, unknown>>;
	readonly response: IncomingMessage;
	close(): void;
}

/** Opens a stream of events. */
export async function subscribe(socketPath: string, query = 'provider=acme'): Promise<EventStream> {
	const sent = request({socketPath, path: `/v1/events?${query}`, agent: false});
	sent.on('error', () => {});
	sent.end();
	const [response] = (await once(sent, 'response')) as [IncomingMessage];
	onTestFinished(() => void sent.destroy());
	const lines = createInterface(response)[Symbol.asyncIterator]();
	return {
		response,
		async next() {
			const {value, done} = await lines.next();
			if (done) throw new Error('The stream has ended.');
			return JSON.parse(value);
		},
		close: () => void sent.destroy(),
	};
}
