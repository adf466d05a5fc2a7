import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {text} from 'node:stream/consumers';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {onTestFinished} from 'vitest';

/** A request as it arrived. */
export interface Asked {
	readonly method: string;
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
	/** How many others still waited for their answer when it arrived. */
	readonly waiting: number;
}

export interface Answer {
	/** Default: 200. */
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	/** A text as it is, anything else as JSON. */
	readonly body?: unknown;
}

export interface LocalServer {
	/** `http://127.0.0.1:<port>` */
	readonly origin: string;
	/** Everything that was asked so far, oldest first. The array grows. */
	readonly asked: readonly Asked[];
	/** Those for one path. */
	on(path: string): readonly Asked[];
}

/** What is never answered. */
export const silence = Symbol('no answer');

/** A server on loopback that answers as it is told, until the test ends. */
export async function serve(
	answer: (asked: Asked) => Answer | typeof silence | Promise<Answer | typeof silence>,
): Promise<LocalServer> {
	const asked: Asked[] = [];
	let waiting = 0;
	const server = createServer(async (request, response) => {
		const {pathname, searchParams} = new URL(request.url ?? '', 'http://127.0.0.1');
		const one: Asked = {
			...{method: request.method ?? '', path: pathname, query: searchParams, headers: request.headers},
			...{body: await text(request), waiting: await stillWaiting()},
		};
		asked.push(one);
		waiting += 1;
		response.once('close', () => {
			waiting -= 1;
		});
		const given = await answer(one);
		if (given === silence) return;
		const {status = 200, headers, body = ''} = given;
		const isText = typeof body === 'string';
		response.writeHead(status, {'content-type': isText ? 'text/html' : 'application/json', ...headers});
		response.end(isText ? body : JSON.stringify(body));
	}).listen(0, '127.0.0.1');
	onTestFinished(() => {
		server.close();
		server.closeAllConnections();
	});
	// Who gave up before this one came may be noticed a turn later.
	async function stillWaiting(): Promise<number> {
		await nextTurn();
		await nextTurn();
		return waiting;
	}

	await once(server, 'listening');
	const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {origin, asked, on: path => asked.filter(one => one.path === path)};
}

/** A `fetch` that finds the named hosts at local servers, and reaches no other host but this machine. */
export function fetchVia(hosts: Readonly<Record<string, LocalServer | undefined>>): typeof fetch {
	return async (input, init) => {
		const url = new URL(input instanceof Request ? input.url : input);
		if (url.hostname === '127.0.0.1') return fetch(input, init);
		const server = hosts[url.host];
		if (!server) throw new TypeError('fetch failed', {cause: new Error(`no way to ${url.host}`)});
		return fetch(new URL(url.pathname + url.search, server.origin), {
			...init,
			headers: {...Object.fromEntries(new Headers(init?.headers)), 'x-asked-host': url.host},
		});
	};
}
