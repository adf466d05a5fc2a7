import {once} from 'node:events';
import {chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {Agent} from 'node:http';
import {createConnection, createServer, type Socket} from 'node:net';
import {dirname, join} from 'node:path';
import {text} from 'node:stream/consumers';
import {describe, expect, onTestFinished, test, vi} from 'vitest';
import {maxConnections} from '../../source/broker/contract.ts';
import {watchState} from '../../source/store/watch.ts';
import {
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	soon,
	writeStore,
} from '../support/sandbox.ts';
import {modeOf, temporaryFolder} from '../support/state-folder.ts';
import {ask, giveGrant, openBroker, profileId, subscribe, tokenOf} from './support.ts';

async function withGrant(): Promise<Sandbox> {
	const sandbox = await openSandbox();
	await giveGrant(sandbox);
	return sandbox;
}

/** Two static keys of one provider, `acme:one` before `acme:two`. */
async function withKeys(): Promise<Sandbox> {
	const sandbox = await openSandbox();
	const key = (name: string) => ({type: 'api_key', provider: providerId, key: `not-a-secret-${name}`});
	writeStore(sandbox, 'main', {
		profiles: {'acme:one': key('one'), 'acme:two': key('two')},
		order: {[providerId]: ['acme:one', 'acme:two']},
	});
	return sandbox;
}

/** Lets the present access token run out. */
function expire(sandbox: Sandbox): void {
	const document = readStore(sandbox);
	const profile = document.profiles[profileId];
	writeStore(sandbox, 'main', {
		...document,
		profiles: {[profileId]: {...profile, expires: Date.now() - 1000}},
	});
}

const audit = ({paths}: Sandbox) =>
	readFileSync(paths.auditLog, 'utf8')
		.split('\n')
		.filter(line => line !== '')
		.map(line => JSON.parse(line));

describe('a token', () => {
	test('is what resolve gives, as JSON and plain, and never a refresh token', async () => {
		const sandbox = await withGrant();
		const {socket} = await openBroker(sandbox);
		const {status, headers, body, json} = await ask(socket, '/v1/token?provider=acme');
		const {secret, ...about} = await sandbox.open().resolve({providerId});
		expect({status, ...json()}).toEqual({status: 200, ...about, token: secret});
		expect(headers).toMatchObject({'cache-control': 'no-store', 'content-type': 'application/json'});
		expect(body).not.toContain(readStore(sandbox).profiles[profileId]?.refresh);
		const plain = await ask(socket, '/v1/token?provider=acme', {headers: {accept: 'text/plain'}});
		expect(plain.body).toBe(`${secret}\n`);
	});

	test('is refreshed once per expiry, however many ask', async () => {
		const sandbox = await withGrant();
		const {socket} = await openBroker(sandbox);
		const agent = new Agent({keepAlive: true});
		onTestFinished(() => agent.destroy());
		const seen = new Set<string>();
		for (let expiry = 1; expiry <= 5; expiry += 1) {
			// Some ask for a model's or a session's sake: other requests, the same token.
			const asked = Array.from({length: 100}, (_, index) => {
				const more = index % 10 === 0 ? `&session=chat:${index}` : index % 7 === 0 ? '&min-ttl=1s' : '';
				return ask(socket, `/v1/token?provider=acme${more}`, {agent});
			});
			const answers = await Promise.all(asked);
			expect(answers.filter(({status}) => status !== 200)).toEqual([]);
			const tokens = new Set(answers.map(({json}) => json().token));
			expect(tokens.size).toBe(1);
			for (const token of tokens) seen.add(token);
			expect(sandbox.server.refreshRequests).toBe(expiry);
			expire(sandbox);
		}
		expect(seen.size).toBe(5);
		expect(sandbox.server.events.filter(({type}) => type === 'refused')).toEqual([]);
	});

	test('is another one at once when another process has changed what resolve goes by', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const other = sandbox.open();
		const key = async (more = '') => tokenOf(socket, `provider=acme${more}`);
		expect(await key()).toBe('not-a-secret-one');
		await other.setOrder('main', providerId, ['acme:two', 'acme:one']);
		expect(await key()).toBe('not-a-secret-two');
		await other.reportFailure({profileId: 'acme:two'}, {reason: 'rate_limit'});
		expect(await key()).toBe('not-a-secret-one');
		await other.clearCooldown({profileId: 'acme:two'});
		expect(await key()).toBe('not-a-secret-two');
		expect(await key('&session=chat:1')).toBe('not-a-secret-two');
		await other.setOrder('main', providerId, ['acme:one', 'acme:two']);
		expect(await key('&session=chat:1')).toBe('not-a-secret-two');
		await other.resetSession('main', 'chat:1');
		expect(await key('&session=chat:1')).toBe('not-a-secret-one');
		await other.removeProfile('main', 'acme:one');
		expect(await key()).toBe('not-a-secret-two');
	});

	test('that fails is told with the error that a command tells, and a status of HTTP', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const failed = async (path: string, options = {}) => {
			const {status, json} = await ask(socket, path, options);
			return [status, json().error.code];
		};
		expect(await failed('/v1/token?provider=openai')).toEqual([409, 'no_credential']);
		expect(await failed('/v1/token?provider=nobody')).toEqual([404, 'provider_unknown']);
		expect(await failed('/v1/token?provider=acme&agent=nobody')).toEqual([404, 'agent_unknown']);
		expect(await failed('/v1/token?providr=acme')).toEqual([400, 'usage']);
		expect(await failed('/v1/token?provider=acme&provider=other')).toEqual([400, 'usage']);
		expect(await failed('/v1/token?provider=acme&min-ttl=soon')).toEqual([400, 'usage']);
		expect(await failed('/v1/token?provider=acme&ready=perhaps')).toEqual([400, 'usage']);
		expect(await failed('/v1/tokens')).toEqual([404, 'usage']);
		expect(await failed('/v1/constructor')).toEqual([404, 'usage']);
		for (const profile of ['acme:one', 'acme:two']) {
			await sandbox.open().reportFailure({profileId: profile}, {reason: 'billing'});
		}
		expect(await failed('/v1/token?provider=acme&ready')).toEqual([503, 'profiles_set_aside']);
		const {json} = await ask(socket, '/v1/token?provider=nobody');
		const {message, next} = await refusal(sandbox.open().resolve({providerId: 'nobody'}));
		expect(json().error).toMatchObject({message, next});
		const short = {type: 'token', provider: 'acme', token: 'not-a-secret', expires: Date.now() + 3_600_000};
		writeStore(sandbox, 'main', {profiles: {'acme:short': short}});
		expect(await failed('/v1/token?provider=acme&min-ttl=9d')).toEqual([400, 'short_lived']);
	});

	test('that fails is advised in the words of its own request, and commands stay whole', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const next = async (path: string) => (await ask(socket, path)).json().error.next;
		expect(await next('/v1/token')).toBe(
			'Name one: provider=<id>, or set the primary model: jarvis models set <provider>/<model>',
		);
		expect(await next('/v1/token?provider=acme&profile=acme:gone')).toBe(
			'See those that it has: jarvis models auth list --agent main',
		);
		expect(await next('/v1/token?provider=openai')).toContain('jarvis models auth login --provider openai');
		const {profiles} = readStore(sandbox);
		const soon = {type: 'token', provider: 'setup', token: 'not-a-secret', expires: Date.now() + 60_000};
		writeStore(sandbox, 'main', {profiles: {...profiles, 'setup:soon': soon}});
		expect(await next('/v1/token?provider=setup&min-ttl=1h')).toBe('Ask for less with min-ttl.');
		expect(await next('/v1/token?provider=setup&profile=acme:one')).toBe(
			'Name a profile of setup, or ask for provider=acme.',
		);
	});

	test('is not given to what a proxy or a web page sends', async () => {
		const {socket} = await openBroker(await withKeys());
		for (const name of ['origin', 'via', 'forwarded', 'x-forwarded-for']) {
			const {status, body} = await ask(socket, '/v1/token?provider=acme', {headers: {[name]: 'elsewhere'}});
			expect({status, body}).toEqual({status: 403, body: expect.stringContaining('broker_refused')});
		}
	});
});

describe('a report', () => {
	const post = (socket: string, body: unknown) =>
		ask(socket, '/v1/report', {method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body)});

	test('sets a profile aside and brings it back, as the command does', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		expect(await tokenOf(socket)).toBe('not-a-secret-one');
		const failure = {profile: 'acme:one', outcome: 'rate_limit', 'retry-after': '10m'};
		expect((await post(socket, failure)).json()).toEqual({profileId: 'acme:one', outcome: 'rate_limit'});
		expect(await tokenOf(socket)).toBe('not-a-secret-two');
		expect((await post(socket, {profile: 'acme:one', outcome: 'ok'})).status).toBe(200);
		expect(await tokenOf(socket)).toBe('not-a-secret-one');
		// A success that began before the failure undoes nothing.
		await post(socket, failure);
		await post(socket, {profile: 'acme:one', outcome: 'ok', took: '1h'});
		expect(await tokenOf(socket)).toBe('not-a-secret-two');
	});

	test.each([
		['no JSON', 'profile=acme:one'],
		['a member that there is not', {profile: 'acme:one', outcome: 'ok', what: 1}],
		['no profile', {outcome: 'ok'}],
		['no outcome', {profile: 'acme:one'}],
		['a null for an outcome', {profile: 'acme:one', outcome: null}],
		['an outcome that there is not', {profile: 'acme:one', outcome: 'bad'}],
		['a span that is none', {profile: 'acme:one', outcome: 'ok', took: 'long'}],
		['permanent where it is not for', {profile: 'acme:one', outcome: 'billing', permanent: true}],
		['too much', `{"profile": "${'x'.repeat(20_000)}"}`],
	])('of %s is refused, and changes nothing', async (what, body) => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const before = readStore(sandbox);
		const {status, json} = await post(socket, body);
		expect({status, code: json().error.code}).toEqual({status: 400, code: 'usage'});
		if (what === 'no outcome') expect(json().error.message).toBe('The body names no outcome.');
		expect(readStore(sandbox)).toEqual(before);
	});
});

describe('a subscription', () => {
	test('is told the present token, and every new one that another process writes', async () => {
		const sandbox = await withGrant();
		const {socket} = await openBroker(sandbox);
		const [one, two] = await Promise.all([subscribe(socket), subscribe(socket)]);
		const first = await one.next();
		expect(first).toMatchObject({event: 'token', profileId, agentId: 'main', token: await tokenOf(socket)});
		expect(await two.next()).toEqual(first);
		const profile = {agentId: 'main', profileId, provider: providerId};
		await sandbox.open().refresh(profile, 'always');
		const second = await one.next();
		expect(second).toMatchObject({event: 'token', token: readStore(sandbox).profiles[profileId]?.access});
		expect(second.token).not.toBe(first.token);
		expect(await two.next()).toEqual(second);
		await sandbox.open().removeProfile('main', profileId);
		expect(await one.next()).toMatchObject({event: 'error', error: {code: 'no_credential'}});
		expect(JSON.stringify([first, second])).not.toContain('refresh"');
	});

	test('has its token refreshed when that runs out, though nothing else happens', async () => {
		const sandbox = await openSandbox({accessTokenSeconds: 2});
		await giveGrant(sandbox);
		const {socket} = await openBroker(sandbox);
		const {next} = await subscribe(socket);
		const {token} = await next();
		expect((await next()).token).not.toBe(token);
		expect(sandbox.server.refreshRequests).toBe(2);
	});

	test('that does not read misses what is old by the time it does, and holds nobody up', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const key = (size: number) => ({
			type: 'api_key',
			provider: providerId,
			key: `not-a-secret-${'k'.repeat(size)}`,
		});
		const slow = createConnection(socket);
		onTestFinished(() => void slow.destroy());
		slow.write('GET /v1/events?provider=acme HTTP/1.1\r\nhost: jarvis\r\n\r\n');
		const quick = await subscribe(socket);
		await quick.next();
		// Each is larger than what a socket holds.
		for (let size = 300_001; size <= 300_008; size += 1) {
			writeStore(sandbox, 'main', {profiles: {'acme:one': key(size)}});
			await quick.next();
		}
		const newest = await tokenOf(socket);
		let read = '';
		slow.setEncoding('utf8').on('data', piece => {
			read += piece;
		});
		await vi.waitFor(() => expect(read).toContain(`"${newest}"`), soon);
		const got = read.match(/not-a-secret-k+/g) ?? [];
		expect(got.at(-1)).toBe(newest);
		// The one on the way when it stopped reading, and the newest.
		expect(got.length).toBeLessThanOrEqual(3);
	});

	test('whose token cannot be refreshed does not press the server, whatever else changes in the state folder', async () => {
		const sandbox = await withGrant();
		const {socket} = await openBroker(sandbox);
		sandbox.server.setTokenFailure({status: 500, body: 'out of order'});
		const {next} = await subscribe(socket);
		expect(await next()).toMatchObject({event: 'error', error: {code: 'refresh_unavailable'}});
		const looked = watchState(sandbox.paths, () => {
			heard += 1;
		});
		onTestFinished(looked);
		let heard = 0;
		for (let count = 1; count <= 5; count += 1) {
			writeFileSync(join(sandbox.stateDir, 'write-back.json'), `{"version": ${count}}`);
			await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(count), soon);
		}
		expect(sandbox.server.refreshRequests).toBe(1);
		sandbox.server.setTokenFailure(undefined);
		expire(sandbox);
		expect(await next()).toMatchObject({event: 'token', profileId});
		expect(sandbox.server.refreshRequests).toBe(2);
	});
});

describe('a client that misbehaves', () => {
	/** A connection over which anything can be sent. */
	function connectTo(socket: string) {
		const connection = createConnection(socket);
		connection.on('error', () => {});
		onTestFinished(() => void connection.destroy());
		return connection;
	}

	test('and sends half a request holds up neither others nor the end', async () => {
		const sandbox = await withKeys();
		const broker = await openBroker(sandbox);
		const half = connectTo(broker.socket);
		half.write('GET /v1/token?provider=acme HTTP/1.1\r\nhost: jar');
		const deaf = connectTo(broker.socket);
		deaf.pause().write('GET /v1/events?provider=acme HTTP/1.1\r\nhost: jarvis\r\n\r\n');
		expect(await tokenOf(broker.socket)).toBe('not-a-secret-one');
		await broker.stop();
	});

	test.each([
		['too long a head', `GET /v1/ping HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
		['what is no HTTP', 'token please\n', '400'],
		['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400'],
	])('and sends %s is told so, and the others are answered', async (_, sent, status) => {
		const {socket} = await openBroker(await withKeys());
		const connection = connectTo(socket);
		connection.write(sent);
		expect(await text(connection)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(await tokenOf(socket)).toBe('not-a-secret-one');
	});

	test('and opens more connections than are kept is told so', async () => {
		const {socket} = await openBroker(await withKeys());
		const kept: Socket[] = [];
		while (kept.length < maxConnections) {
			const some = Array.from({length: 128}, () => connectTo(socket));
			await Promise.all(some.map(connection => once(connection, 'connect')));
			kept.push(...some);
		}
		await vi.waitFor(async () => expect((await ask(socket, '/v1/ping')).status).toBe(503), soon);
		kept[0]?.end();
		await vi.waitFor(async () => expect((await ask(socket, '/v1/ping')).status).toBe(200), soon);
	});
});

describe('the socket', () => {
	test('is for its user alone, in a folder for its user alone', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		expect(socket).toBe(sandbox.paths.brokerSocket);
		expect([modeOf(socket), modeOf(dirname(socket))]).toEqual(['600', '700']);
	});

	test('is not made where others may go, or where something else is', async () => {
		const sandbox = await withKeys();
		const refused = (socket: string) => refusal(sandbox.open().startBroker({socket}));
		const open = join(sandbox.stateDir, 'open');
		mkdirSync(open, {mode: 0o755});
		const closed = await refused(join(open, 'b.sock'));
		expect(closed.message).toContain('(mode 755)');
		expect(closed.next).toContain(`chmod 700 '${open}'`);
		// What is everybody's, or not known to be the user's own, is not to be shut.
		const outside = temporaryFolder();
		const shared = join(sandbox.stateDir, 'shared');
		mkdirSync(shared);
		chmodSync(shared, 0o1777);
		chmodSync(outside, 0o755);
		for (const folder of [outside, shared]) {
			const {next} = await refused(join(folder, 'b.sock'));
			expect(next).toBe(
				'Name a socket in a folder of your own that does not exist yet: jarvis broker --socket <path>',
			);
		}
		const file = join(sandbox.stateDir, 'own', 'file');
		mkdirSync(dirname(file), {mode: 0o700});
		writeFileSync(file, 'kept');
		expect(await refused(file)).toMatchObject({code: 'broker_socket_unsafe'});
		expect(readFileSync(file, 'utf8')).toBe('kept');
		const link = join(sandbox.stateDir, 'own', 'link');
		symlinkSync(file, link);
		expect(await refused(link)).toMatchObject({code: 'broker_socket_unsafe'});
		const long = join(sandbox.stateDir, 'x'.repeat(100));
		expect((await refused(long)).message).toContain('103 bytes');
		// None of them left anything that would keep a broker from starting.
		await openBroker(sandbox, {socket: join(sandbox.stateDir, 'mine', 'b.sock')});
	});

	test('of a live program is never taken', async () => {
		const sandbox = await withKeys();
		mkdirSync(sandbox.paths.broker, {mode: 0o700});
		const stranger = createServer(connection => connection.on('error', () => {}).end('hello'));
		await new Promise<void>(resolve => stranger.listen(sandbox.paths.brokerSocket, resolve));
		onTestFinished(() => void stranger.close());
		const error = await refusal(sandbox.open().startBroker());
		expect(error).toMatchObject({code: 'broker_running'});
		expect(await text(createConnection(sandbox.paths.brokerSocket))).toBe('hello');
		expect(await refusal(sandbox.open().brokerStatus())).toMatchObject({code: 'broker_not_running'});
	});

	test('is one of a state folder: a second broker says who has it, also at another path', async () => {
		const sandbox = await withKeys();
		const socket = join(sandbox.stateDir, 'elsewhere', 'b.sock');
		const broker = await openBroker(sandbox, {socket});
		const error = await refusal(sandbox.open().startBroker());
		expect(error).toMatchObject({code: 'broker_running', exitCode: 1, details: {pid: process.pid, socket}});
		expect(error.message).toContain(`pid ${process.pid}`);
		// Whoever asks for the broker of the state folder finds it there.
		expect(await sandbox.open().brokerStatus()).toMatchObject({running: true, socket});
		await broker.stop();
		expect(existsSync(socket)).toBe(false);
		expect(await sandbox.open().brokerStatus()).toEqual({running: false, socket: sandbox.paths.brokerSocket});
		await openBroker(sandbox);
	});
});

describe('the end', () => {
	test('waits for those that are being answered, and ends streams', async () => {
		const sandbox = await withGrant();
		const broker = await openBroker(sandbox);
		const agent = new Agent({keepAlive: true});
		onTestFinished(() => agent.destroy());
		sandbox.server.setTokenDelay(300);
		const asked = Array.from({length: 20}, () => ask(broker.socket, '/v1/token?provider=acme', {agent}));
		await vi.waitFor(() => expect(sandbox.server.refreshRequests).toBe(1), soon);
		const stopped = broker.stop();
		const answers = await Promise.all(asked);
		expect(answers.map(({status}) => status)).toEqual(answers.map(() => 200));
		await stopped;
		expect(existsSync(broker.socket)).toBe(false);
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(answers[0]?.json().token);
	});

	test('comes for streams at once, and for who asks for it', async () => {
		const sandbox = await withKeys();
		const broker = await openBroker(sandbox);
		const {next} = await subscribe(broker.socket);
		await next();
		expect(await sandbox.open().stopBroker()).toEqual({pid: process.pid});
		await expect(next()).rejects.toThrow('The stream has ended.');
		await broker.ended;
		expect(await refusal(sandbox.open().stopBroker())).toMatchObject({code: 'broker_not_running'});
	});
});

describe('who asked', () => {
	test('how it stands does not count itself among the connections', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const connections = async () => {
			const status = await sandbox.open().brokerStatus();
			return status.running ? status.connections : undefined;
		};
		expect(await connections()).toBe(0);
		const kept = createConnection(socket);
		onTestFinished(() => void kept.destroy());
		await once(kept, 'connect');
		await vi.waitFor(async () => expect(await connections()).toBe(1), soon);
	});

	test('is told, with what they got', async () => {
		const sandbox = await withKeys();
		const {socket} = await openBroker(sandbox);
		const headers = {'user-agent': 'coder/1.0'};
		for (let count = 0; count < 3; count += 1) await ask(socket, '/v1/token?provider=acme', {headers});
		await ask(socket, '/v1/token?provider=openai', {headers});
		const status = await sandbox.open().brokerStatus();
		if (!status.running) expect.fail('The broker does not run.');
		expect(status).toMatchObject({
			pid: process.pid,
			requests: 4,
			refused: 0,
			keepFresh: false,
			peerCheck: true,
			secretsDegraded: false,
		});
		expect(status.clients).toEqual([
			{
				...{
					command: expect.stringMatching(/./),
					name: 'coder/1.0',
					pid: process.pid,
					uid: process.getuid?.(),
				},
				...{requests: 4, subscriptions: 0, firstAt: expect.any(Number), lastAt: expect.any(Number)},
				got: [
					{
						agentId: 'main',
						profileId: 'acme:one',
						provider: providerId,
						times: 3,
						lastAt: expect.any(Number),
					},
				],
				lastError: 'no_credential',
			},
		]);
		expect(JSON.stringify(status)).not.toContain('not-a-secret');
	});

	test('is noted once, and then counted', async () => {
		const sandbox = await withKeys();
		const broker = await openBroker(sandbox);
		const agent = new Agent({keepAlive: true, maxSockets: 10});
		onTestFinished(() => agent.destroy());
		await Promise.all(
			Array.from({length: 500}, () => ask(broker.socket, '/v1/token?provider=acme', {agent})),
		);
		await broker.stop();
		const entries = audit(sandbox);
		expect(entries.map(({event, note, count}) => [event, note ?? count])).toEqual([
			['broker', `started at ${broker.socket}`],
			['handed_out', undefined],
			['handed_out', 499],
			['broker', 'stopped'],
		]);
		expect(entries[1]).toMatchObject({agentId: 'main', profileId: 'acme:one', provider: providerId});
		expect(entries[1].by).toMatch(new RegExp(`^broker client .+, pid ${process.pid}$`));
		expect(readFileSync(sandbox.paths.auditLog, 'utf8')).not.toContain('not-a-secret');
	});
});
