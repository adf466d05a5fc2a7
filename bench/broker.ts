import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {createConnection} from 'node:net';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {openJarvis} from '../source/core.ts';
import {startAuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {statePaths} from '../source/store/paths.ts';
import {expireProfile, loggedInFolder} from './state.ts';

/**
 * The broker under load: so many clients, each with a connection of its own over which it asks as fast as it is
 * answered, a real authorization server with reuse detection, and a token that runs out again and again. In the
 * middle the broker is killed, and started again. Needs a build (`npm run bench:broker` makes one).
 */

const {values} = parseArgs({
	options: {
		clients: {type: 'string', default: '100'},
		seconds: {type: 'string', default: '10'},
		expiries: {type: 'string', default: '10'},
	},
});
const [clients, seconds, expiries] = [values.clients, values.seconds, values.expiries].map(Number) as [
	number,
	number,
	number,
];
const program = resolve(import.meta.dirname, '../dist/jarvis.cjs');
const folder = mkdtempSync(join(tmpdir(), 'jarvis-bench-'));
const paths = statePaths(folder);
const pause = (ms: number) => new Promise(done => setTimeout(done, ms));

const server = await startAuthorizationServer({
	consent: 'auto',
	accessTokenSeconds: 600,
	redirectUris: ['http://127.0.0.1:48651/callback'],
});
let broker: ChildProcess | undefined;
try {
	await loggedInFolder(folder, server);
	server.setTokenDelay(50);
	broker = await startBroker();
	// Loads what is loaded on demand, and lets the code be compiled.
	await load(after(1));
	console.log(`Broker, ${clients} clients, one connection each`);
	report('token good', await load(after(seconds)));
	const before = server.refreshRequests;
	let isOver = false;
	const underLoad = load(() => isOver);
	await expireAgainAndAgain().finally(() => {
		isOver = true;
	});
	const expired = await underLoad;
	report(`${expiries} expiries, server 50 ms`, expired);
	const refreshes = server.refreshRequests - before;
	if (refreshes !== expiries) throw new Error(`${refreshes} refreshes for ${expiries} expiries`);
	console.log(`  refreshes                      ${refreshes}`);
	await restart();
	compare();
} finally {
	broker?.kill('SIGKILL');
	await server.close();
	rmSync(folder, {recursive: true, force: true});
}

async function startBroker(): Promise<ChildProcess> {
	const child = spawn(process.execPath, [program, 'broker', '--state-dir', folder], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	await once(child.stderr, 'data');
	return child;
}

/** Each once the token of the one before is in use. */
async function expireAgainAndAgain(): Promise<void> {
	const jarvis = openJarvis({stateDir: folder});
	for (let count = 0; count < expiries; count += 1) {
		await pause((seconds * 1000) / expiries);
		await expireProfile(folder);
		const isFresh = async () => {
			const [facts] = (await jarvis.snapshot()).agents[0]?.profiles ?? [];
			return Number(facts?.expires) > Date.now();
		};
		while (!(await isFresh())) await pause(5);
	}
}

/** Whether so many seconds are over. */
function after(forSeconds: number): () => boolean {
	const until = performance.now() + forSeconds * 1000;
	return () => performance.now() >= until;
}

/** Asks with all clients until that is over, and gives the times (ms) that answers took. */
async function load(isOver: () => boolean): Promise<{readonly took: number[]; readonly perSecond: number}> {
	const took: number[] = [];
	const started = performance.now();
	await Promise.all(Array.from({length: clients}, () => client(isOver, took)));
	return {took, perSecond: took.length / ((performance.now() - started) / 1000)};
}

// A client of a few lines: Node's own takes longer for a request than the broker for an answer.
async function client(isOver: () => boolean, took: number[]): Promise<void> {
	const socket = createConnection(paths.brokerSocket);
	const {promise, resolve: finish, reject} = Promise.withResolvers<void>();
	const request = 'GET /v1/token?provider=bench HTTP/1.1\r\nhost: jarvis\r\nuser-agent: bench\r\n\r\n';
	let sent = 0;
	let text = '';
	const ask = () => {
		sent = performance.now();
		socket.write(request);
	};
	socket.setEncoding('latin1').on('data', (piece: string) => {
		text += piece;
		const end = text.indexOf('\r\n\r\n');
		const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? Number.NaN);
		if (end < 0 || text.length < end + 4 + length) return;
		if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(text));
		took.push(performance.now() - sent);
		text = '';
		if (!isOver()) return ask();
		socket.end();
		finish();
	});
	socket
		.on('error', reject)
		.on('connect', ask)
		.on('close', () => reject(new Error('closed')));
	await promise;
}

/**
 * Ends the broker in the middle of load ten times and starts it again, by turns with SIGKILL while the token is
 * good and with SIGTERM while a refresh is under way; after each the token has run out.
 */
async function restart(): Promise<void> {
	const back: number[] = [];
	for (let round = 0; round < 10; round += 1) {
		const isKilled = round % 2 === 0;
		const underWay = load(after(60)).catch(() => undefined);
		await pause(100);
		if (!isKilled) await expireProfile(folder);
		await pause(20);
		const ended = broker && once(broker, 'exit');
		broker?.kill(isKilled ? 'SIGKILL' : 'SIGTERM');
		await Promise.all([underWay, ended]);
		await expireProfile(folder);
		const started = performance.now();
		broker = await startBroker();
		await client(() => true, []);
		back.push(performance.now() - started);
	}
	const profile = {agentId: 'main', profileId: await profileId(), provider: 'bench'};
	const how = await openJarvis({stateDir: folder}).refresh(profile, 'always');
	const refused = server.events.filter(({type}) => type === 'refused').length;
	console.log(
		`  ended and started again, 10 x  a refreshed token ${Math.round(median(back))} ms after the start,`,
	);
	console.log(
		`                                 ${refused} refresh tokens refused, and the next refresh: ${how}`,
	);
}

async function profileId(): Promise<string> {
	const {agents} = await openJarvis({stateDir: folder}).snapshot();
	return agents[0]?.profiles[0]?.profileId ?? '';
}

/** What a program pays that starts a command for each token. */
function compare(): void {
	const times = Array.from({length: 15}, () => {
		const started = performance.now();
		spawnSync(process.execPath, [program, 'models', 'auth', 'token', '--provider', 'bench'], {
			env: {...process.env, JARVIS_STATE_DIR: folder},
		});
		return performance.now() - started;
	});
	console.log(`  jarvis models auth token       ${median(times).toFixed(1)} ms each, one after the other`);
}

function report(
	name: string,
	{took, perSecond}: {readonly took: number[]; readonly perSecond: number},
): void {
	const sorted = took.sort((a, b) => a - b);
	const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
	console.log(
		`  ${name.padEnd(30)} ${Math.round(perSecond)} requests/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`,
	);
}

function median(all: readonly number[]): number {
	const sorted = [...all].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
