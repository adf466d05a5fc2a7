import type {IncomingMessage, ServerResponse} from 'node:http';
import type {ResolveRequest} from '../auth/resolve.ts';
import type {Jarvis} from '../core.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import type {Answers} from './answers.ts';
import type {ClientTally, Ledger} from './clients.ts';
import {type BrokerFacts, maxBodyBytes, ownVersion, type Peer, protocol} from './contract.ts';
import {errorOf, reply, statusOf, tokenOf} from './replies.ts';
import {reportOf, tokenRequest, usage} from './request.ts';
import {openStream} from './stream.ts';
import type {Subscriptions} from './subscriptions.ts';

/** What the routes answer from. */
export interface Routes {
	readonly jarvis: Pick<Jarvis, 'reportSuccess' | 'reportFailure' | 'now'>;
	readonly answers: Answers;
	readonly subscriptions: Subscriptions;
	readonly ledger: Ledger;
	/** The streams of events that are open. */
	readonly streams: Set<ServerResponse>;
	facts(): BrokerFacts;
	/** Has the broker end. */
	stop(): void;
}

interface Asked {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	readonly query: string;
	readonly client: ClientTally;
}

type Route = (routes: Routes, asked: Asked) => Promise<void> | void;

const table: Readonly<Record<string, Route>> = {
	'GET /v1/token': giveToken,
	'GET /v1/events': streamEvents,
	'POST /v1/report': takeReport,
	'GET /v1/status': ({facts}, {response}) => reply(response, 200, facts()),
	'GET /v1/ping': (_, {response}) =>
		reply(response, 200, {version: ownVersion(), protocol, pid: process.pid}),
	'POST /v1/stop': ({stop}, {response}) => {
		response.shouldKeepAlive = false;
		response.once('close', stop);
		reply(response, 202, {pid: process.pid});
	},
};

/** Answers a request of a peer that may ask. Never throws. */
export async function answer(
	routes: Routes,
	peer: Peer,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const client = routes.ledger.clientOf(peer, request.headers['user-agent']);
	try {
		assertDirect(request);
		const {url = '/', method = 'GET'} = request;
		const mark = url.indexOf('?');
		const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
		const route = Object.hasOwn(table, `${method} ${path}`) ? table[`${method} ${path}`] : undefined;
		if (!route) return reply(response, 404, errorOf(noRoute(method, path)));
		await route(routes, {request, response, query, client});
	} catch (error) {
		const known = asJarvisError(error);
		client.failed(known.code);
		reply(response, statusOf(known), errorOf(known));
	}
}

/** Queries that were understood: programs that ask often ask the same. */
const understood = new Map<string, ResolveRequest>();
const maxUnderstood = 1000;

function requestOf(query: string): ResolveRequest {
	const known = understood.get(query);
	if (known) return known;
	const request = tokenRequest(query);
	if (understood.size >= maxUnderstood) understood.clear();
	understood.set(query, request);
	return request;
}

async function giveToken({answers}: Routes, {request, response, query, client}: Asked): Promise<void> {
	client.asked();
	const resolved = await answers.get(requestOf(query));
	// Whoever has gone away got nothing.
	if (response.destroyed) return;
	client.got(resolved);
	const isPlain = request.headers.accept?.startsWith('text/plain') === true;
	reply(response, 200, isPlain ? resolved.secret : tokenOf(resolved));
}

function streamEvents({subscriptions, streams}: Routes, {response, query, client}: Asked): void {
	const wanted = requestOf(query);
	client.asked();
	const ended = client.subscribed();
	const tell = openStream(response);
	streams.add(response);
	const end = subscriptions.add(wanted, event => {
		if (event.event === 'token') {
			client.got(event.resolved);
			tell({event: 'token', ...tokenOf(event.resolved)});
		} else {
			client.failed(event.error.code);
			tell({event: 'error', ...errorOf(event.error)});
		}
	});
	response.once('close', () => {
		streams.delete(response);
		end();
		ended();
	});
}

async function takeReport({jarvis}: Routes, {request, response}: Asked): Promise<void> {
	const {agentId, profileId, outcome, tookMs, retryAfterMs, permanent} = reportOf(await bodyOf(request));
	const at = jarvis.now();
	const profile = {profileId, agentId};
	const begun = tookMs === undefined ? {} : {startedAt: at - tookMs};
	if (outcome === 'ok') await jarvis.reportSuccess(profile, {at, ...begun});
	else {
		const resetAt = retryAfterMs === undefined ? {} : {resetAt: at + retryAfterMs};
		await jarvis.reportFailure(profile, {
			...{reason: outcome, at, ...begun, ...resetAt},
			...(permanent ? {permanent} : {}),
		});
	}
	reply(response, 200, {profileId, outcome});
}

async function bodyOf(request: IncomingMessage): Promise<string> {
	const pieces: Buffer[] = [];
	let size = 0;
	for await (const piece of request as AsyncIterable<Buffer>) {
		size += piece.length;
		if (size > maxBodyBytes) throw usage(`The body is longer than ${maxBodyBytes} bytes.`, 'Send less.');
		pieces.push(piece);
	}
	return Buffer.concat(pieces).toString('utf8');
}

/** What a browser or a proxy adds to a request. Neither has a way here unless somebody made one by mistake. */
const strangeHeaders = ['origin', 'via', 'forwarded', 'x-forwarded-for'];

function assertDirect({headers}: IncomingMessage): void {
	const strange = strangeHeaders.find(name => headers[name] !== undefined);
	if (strange === undefined) return;
	throw new JarvisError(
		'broker_refused',
		`The request came through a proxy or from a web page (${strange}), which must not be led here.`,
		'Ask the socket directly.',
	);
}

function noRoute(method: string, path: string): JarvisError {
	return usage(
		`There is no ${method} ${path.slice(0, 100)}.`,
		`There are: ${Object.keys(table).join(', ')}.`,
	);
}
