import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {onTestFinished} from 'vitest';
import {temporaryFolder} from './sandbox.ts';

/** A server of git repositories over HTTP, which asks for a password. */
export interface GitServer {
	/** `127.0.0.1:<port>` */
	readonly host: string;
	/** The address of its only repository, which is empty at first. */
	readonly url: string;
	/** The folder of that repository. */
	readonly folder: string;
	/** The name and the password of every request, `undefined` where it had none. */
	readonly asked: (readonly [username: string, password: string] | undefined)[];
}

/** Serves a repository by git's own program until the test ends, to whoever has a password that is accepted. */
export async function serveGit(accepts: (password: string) => boolean): Promise<GitServer> {
	const root = temporaryFolder();
	const folder = join(root, 'work.git');
	spawnSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', folder]);
	spawnSync('git', ['-C', folder, 'config', 'http.receivepack', 'true']);
	const asked: GitServer['asked'] = [];
	const server = createServer((request, response) => {
		const credentials = basicOf(request);
		asked.push(credentials);
		if (credentials && accepts(credentials[1])) return carryOut(root, request, response);
		response.writeHead(401, {'WWW-Authenticate': 'Basic realm="work"'}).end();
	}).listen(0, '127.0.0.1');
	onTestFinished(() => {
		server.close();
		server.closeAllConnections();
	});
	await once(server, 'listening');
	const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {host, url: `http://${host}/work.git`, folder, asked};
}

function basicOf({headers}: IncomingMessage): readonly [string, string] | undefined {
	const [, encoded] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
	if (encoded === undefined) return undefined;
	const [username = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
	return [username, rest.join(':')];
}

/** A request through `git http-backend`, as a web server calls it (RFC 3875). */
function carryOut(root: string, request: IncomingMessage, response: ServerResponse): void {
	const {pathname, search} = new URL(request.url ?? '', 'http://127.0.0.1');
	const backend = spawn('git', ['http-backend'], {
		env: {
			...{PATH: process.env.PATH, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1'},
			...{REMOTE_USER: 'maya', REMOTE_ADDR: '127.0.0.1', REQUEST_METHOD: request.method},
			...{PATH_INFO: pathname, QUERY_STRING: search.slice(1), CONTENT_TYPE: request.headers['content-type']},
			...{HTTP_CONTENT_ENCODING: request.headers['content-encoding']},
			GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
		},
	});
	request.pipe(backend.stdin);
	const pieces: Buffer[] = [];
	backend.stdout.on('data', piece => pieces.push(piece));
	backend.on('close', () => {
		const all = Buffer.concat(pieces);
		const end = all.indexOf('\r\n\r\n');
		const headers = Object.fromEntries(
			all
				.subarray(0, end)
				.toString()
				.split('\r\n')
				.map(line => line.split(': ') as [string, string]),
		);
		response.writeHead(Number.parseInt(headers.Status ?? '200', 10), headers).end(all.subarray(end + 4));
	});
}
