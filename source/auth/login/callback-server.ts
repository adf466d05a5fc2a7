import {randomInt} from 'node:crypto';
import {createServer, type Server, type ServerResponse} from 'node:http';
import {isSystemError} from '../../errors.ts';
import {optional} from '../../store/schema.ts';
import {isLoopback} from '../authorization-server.ts';
import {type PageKind, page} from './callback-page.ts';
import type {AttemptOptions} from './contract.ts';

/** What to answer to a redirect, and whether it is the one that was waited for. */
export type CallbackVerdict = 'accepted' | 'denied' | 'not ours';

export interface CallbackServer {
	readonly redirectUri: string;
	/** What leads to the login link, where that is wanted: short enough to be typed. */
	readonly shortUrl?: string;
	close(): void;
}

interface CallbackOptions {
	/** The IP address to listen on, in place of the redirect URI's own: that of a container, for a published port. */
	readonly bind?: string;
	/** The login link, once it is known: a short address leads there while the login waits. */
	readonly link?: () => string | undefined;
}

/**
 * Listens for the redirect of a login on the loopback interface (RFC 8252, section 7.3), on the port of
 * the first redirect URI that is free. It answers GET on that path only; a redirect that is not ours gets
 * an error page, and the waiting goes on. After the first good one the server shuts down.
 *
 * @param redirectUris the registered ones: no other port is ever tried
 * @param judge tells what a redirect's parameters mean
 * @returns `undefined` when none of them can be listened on: all ports taken, or none on this machine
 */
export async function listenForCallback(
	redirectUris: readonly string[],
	judge: (params: URLSearchParams) => CallbackVerdict | Promise<CallbackVerdict>,
	{bind, link}: CallbackOptions = {},
): Promise<CallbackServer | undefined> {
	for (const redirectUri of redirectUris) {
		const url = new URL(redirectUri);
		if (url.protocol !== 'http:' || !isLoopback(url)) continue;
		const listening: Server[] = [];
		const close = () => {
			for (const server of listening) {
				server.close();
				server.closeIdleConnections();
			}
		};
		const onRedirect = async (params: URLSearchParams) => {
			const verdict = await judge(params);
			if (verdict !== 'not ours') close();
			return verdict;
		};
		const short = link && {path: shortPath(), link};
		for (const address of bind === undefined ? addressesOf(url) : [bind]) {
			const server = await listen(url, address, onRedirect, short);
			if (server) listening.push(server);
		}
		const shortUrl = short && url.origin + short.path;
		if (listening.length > 0) return {redirectUri, close, ...optional('shortUrl', shortUrl)};
	}
	return undefined;
}

/** How to listen for a login's redirect; `link` tells its link, once that is known. */
export function callbackOptions(
	{callbackBind, offersShortUrl}: AttemptOptions,
	link: () => string | undefined,
): CallbackOptions {
	return {...optional('bind', callbackBind), ...(offersShortUrl ? {link} : {})};
}

// Letters and digits that are not taken for each other. Who else is on the machine must not guess it: the link
// holds the login's state, with which another account could be put in its place.
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

function shortPath(): string {
	return `/${Array.from({length: 7}, () => alphabet[randomInt(alphabet.length)]).join('')}`;
}

// Which of the two `localhost` means to a browser depends on the machine; one of them is enough for us.
function addressesOf(url: URL): string[] {
	return url.hostname === 'localhost' ? ['127.0.0.1', '::1'] : [url.hostname.replace(/^\[|\]$/g, '')];
}

async function listen(
	url: URL,
	address: string,
	onRedirect: (params: URLSearchParams) => Promise<CallbackVerdict>,
	short: {readonly path: string; readonly link: () => string | undefined} | undefined,
): Promise<Server | undefined> {
	const server = createServer(async (request, response) => {
		const asked = parseTarget(request.url);
		const link = asked && asked.pathname === short?.path ? short.link() : undefined;
		if (!asked || (asked.pathname !== url.pathname && link === undefined))
			return answer(response, 404, 'not found');
		if (request.method !== 'GET') {
			response.setHeader('Allow', 'GET');
			return answer(response, 405, 'not found');
		}
		// A page on the web could make a browser call us under a name of its own (DNS rebinding).
		if (!isOwnHost(request.headers.host, url)) return answer(response, 400, 'not ours');
		if (link !== undefined) {
			response.setHeader('Location', link);
			return answer(response, 302, 'on the way');
		}
		const kind = await onRedirect(asked.searchParams);
		return answer(response, kind === 'not ours' ? 400 : 200, kind);
	});
	try {
		await new Promise<void>((resolve, reject) => {
			server.once('error', reject);
			server.listen({host: address, port: Number(url.port || 80), exclusive: true}, resolve);
		});
		server.on('error', () => {});
		return server;
	} catch (error) {
		if (isSystemError(error, 'EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPERM'))
			return undefined;
		throw error;
	}
}

function answer(response: ServerResponse, status: number, kind: PageKind): void {
	response.writeHead(status, {
		'Content-Type': 'text/html; charset=utf-8',
		'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
		'Referrer-Policy': 'no-referrer',
		'Cache-Control': 'no-store',
		'X-Content-Type-Options': 'nosniff',
		Connection: 'close',
	});
	response.end(page(kind));
}

function parseTarget(target: string | undefined): URL | undefined {
	return target && URL.canParse(target, 'http://loopback.invalid')
		? new URL(target, 'http://loopback.invalid')
		: undefined;
}

function isOwnHost(host: string | undefined, url: URL): boolean {
	const asked = `http://${host ?? ''}`;
	return URL.canParse(asked) && isLoopback(new URL(asked)) && new URL(asked).port === url.port;
}
