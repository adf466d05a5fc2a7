import {once} from 'node:events';
import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {afterEach, expect, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';

const closing: (() => void)[] = [];

afterEach(() => {
	for (const close of closing.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<string> {
	const server = createServer(listener).listen(0, '127.0.0.1');
	closing.push(() => server.close());
	await once(server, 'listening');
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('never leaves this machine, but can tell where it would go', async () => {
	await expect(visit('https://example.test/')).rejects.toThrow('Not a loopback host: example.test');
	const location = 'http://example.test/';
	const url = await serve((_request, response) => response.writeHead(302, {location}).end());
	await expect(visit(url)).rejects.toThrow('Not a loopback host: example.test');
	const stopped = await visit(url, {stopAt: ({host}) => host === 'example.test'});
	expect(stopped).toEqual({url: location, status: 0, body: '', location});
});

test('gives up on endless redirects', async () => {
	const url = await serve((_request, response) => response.writeHead(302, {location: '/again'}).end());
	await expect(visit(url)).rejects.toThrow('Gave up after 20 requests');
});

test('sends a cookie back below its path, until it is cleared', async () => {
	const seen: (string | undefined)[] = [];
	const steps: Record<string, [location: string, cookie: string]> = {
		'/': ['/in/one', 'name=value; Path=/in; HttpOnly'],
		'/in/one': ['/out', 'other=kept'],
		'/out': ['/in/two', 'name=; path=/in; expires=Thu, 01 Jan 1970 00:00:00 GMT'],
	};
	const url = await serve((request, response) => {
		seen.push(request.headers.cookie);
		const [location, cookie] = steps[request.url ?? ''] ?? [];
		if (location && cookie) response.writeHead(303, {location, 'set-cookie': cookie});
		response.end('done');
	});
	const last = await visit(url);
	expect(last).toEqual({url: `${url}/in/two`, status: 200, body: 'done', location: '/in/two'});
	expect(seen).toEqual([undefined, 'name=value', 'other=kept', 'other=kept']);
});

test('follows the link with the text, and says so if there is none', async () => {
	const url = await serve((request, response) => {
		response.end(
			request.url === '/'
				? '<a href="/no">No</a> <a href="/yes?a=1&amp;b=2">Yes, <b>go</b></a>'
				: request.url,
		);
	});
	expect(await visit(url, {choose: 'go'})).toEqual({
		url: `${url}/yes?a=1&b=2`,
		status: 200,
		body: '/yes?a=1&b=2',
	});
	await expect(visit(url, {choose: 'maybe'})).rejects.toThrow('No link or button "maybe"');
});

test('ends when it is told to', async () => {
	const stop = new AbortController();
	const url = await serve(() => stop.abort(new Error('told to')));
	await expect(visit(url, {signal: stop.signal})).rejects.toThrow('told to');
});
