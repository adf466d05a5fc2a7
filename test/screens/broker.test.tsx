import {mkdirSync} from 'node:fs';
import {createServer} from 'node:http';
import {describe, expect, onTestFinished, test} from 'vitest';
import {type BrokerFacts, protocol} from '../../source/broker/contract.ts';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {ask} from '../broker/support.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {renderApp} from './render-app.tsx';
import {apiKey, fill, hour, minute, noon, second} from './state.ts';

async function withKey(): Promise<string> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:key': apiKey('acme')}});
	return stateDir;
}

describe('the broker of the state folder', () => {
	test('is shown as it starts, is asked and ends', async () => {
		const stateDir = await withKey();
		const app = await renderApp({stateDir});
		await app.press('9');
		await app.waitFor('No broker runs.');
		await app.waitFor('jarvis broker --keep-fresh');
		const broker = await openJarvis({stateDir, env: {}, now: () => noon}).startBroker();
		onTestFinished(() => broker.stop());
		await app.waitFor('Nobody has asked yet. Press y to copy a line that does.');
		await ask(broker.socket, '/v1/token?provider=acme', {headers: {'user-agent': 'coder'}});
		await app.waitFor(/▸ .*coder.* 1 {2}acme:key +just now/);
		await app.waitFor('main/acme:key  1 time, the last one just now');
		await ask(broker.socket, '/v1/token?provider=openai', {headers: {'user-agent': 'lost'}});
		await app.waitFor(/lost.*✗ no_credential/);
		expect(app.frames.join('')).not.toContain('canary');
		await broker.stop();
		await app.waitFor('No broker runs.');
	});

	test('is asked by the line that is copied', async () => {
		const stateDir = await withKey();
		const app = await renderApp({stateDir});
		await app.press('2', '9');
		await app.waitFor('No broker runs.');
		await app.press('y');
		const socket = statePaths(stateDir).brokerSocket;
		await app.waitFor(() =>
			expect(app.copied).toEqual([`curl --unix-socket '${socket}' 'http://jarvis/v1/token?provider=acme'`]),
		);
	});
});

test('that does not run says how to start it, in the smallest window too', async () => {
	const app = await renderApp({stateDir: await withKey(), columns: 60, rows: 16});
	await app.press('9');
	await app.waitFor(/^ {2}No broker runs\.$/m);
	expect(app.frame()).toContain('jarvis broker install --keep-fresh');
	expect(app.frame()).toContain('It will listen at');
});

/** A broker that says always the same. */
async function sayAlways(stateDir: string, facts: Partial<BrokerFacts>): Promise<void> {
	const paths = statePaths(stateDir);
	mkdirSync(paths.broker, {recursive: true});
	const all: BrokerFacts = {
		...{version: '1.0.0', protocol, pid: 4711, stateDir: '/home/maya/.jarvis'},
		socket: '/home/maya/.jarvis/broker/broker.sock',
		...{startedAt: noon - 3 * hour, keepFresh: true, peerCheck: true, secretsDegraded: false},
		...{connections: 12, requests: 48_211, refused: 1, clients: [], renewals: []},
		...facts,
	};
	const server = createServer((_, response) => response.end(JSON.stringify(all)));
	await new Promise<void>(resolve => server.listen(paths.brokerSocket, resolve));
	onTestFinished(() => void server.close());
}

const busy: Partial<BrokerFacts> = {
	renewals: [
		{
			agentId: 'main',
			profileId: 'openai-codex:maya@example.test',
			at: noon + 34 * minute,
			failed: 'refresh_unavailable',
		},
	],
	clients: [
		{
			...{command: 'node', name: 'coder/2.1', uid: 1000, pid: 52_001, requests: 48_000, subscriptions: 2},
			...{firstAt: noon - 3 * hour, lastAt: noon - second},
			got: [
				{
					agentId: 'main',
					profileId: 'openai-codex:maya@example.test',
					provider: 'openai-codex',
					times: 47_990,
					lastAt: noon - second,
				},
				{agentId: 'work', profileId: 'anthropic:work', provider: 'anthropic', times: 10, lastAt: noon - hour},
			],
		},
		{
			...{command: 'git', uid: 1000, pid: 60_123, requests: 211, subscriptions: 0},
			...{firstAt: noon - hour, lastAt: noon - 5 * minute, lastError: 'needs_login', got: []},
		},
	],
};

async function frameAt(columns: number, rows: number): Promise<string> {
	const stateDir = await withKey();
	await sayAlways(stateDir, busy);
	const app = await renderApp({stateDir, columns, rows});
	await app.press('9');
	await app.waitFor('the broker runs');
	return app.frame();
}

test('at 80x24', async () => {
	expect(await frameAt(80, 24)).toMatchInlineSnapshot(`
		" 1 Agents 2 Profiles 3 Order 4 Health 5 Login 6 Sessions 7 8▸9 Broker
		────────────────────────────────────────────────────────────────────────────────
		  ✓ the broker runs   /home/maya/.jarvis/broker/broker.sock
		  pid 4711, for 3h · asked 48211 · 12 open · 1 refused
		  keeps fresh: main/openai-codex:m… is renewed in 34m, after refresh_unavailable
		  PROGRAM                PID     UID      ASKED  LAST GOT                   LAST
		▸ node (coder/2.1)     52001    1000      48000  openai-codex:maya@…      1s ago
		  git                  60123    1000        211  ✗ needs_login            5m ago









		┌──────────────────────────────────────────────────────────────────────────────┐
		│ asks since 2026-01-15 09:00:00, 2 subscriptions                              │
		│ main/openai-codex:maya@example.test  47990 times, the last one 1s ago        │
		│ work/anthropic:work  10 times, the last one 1h ago                           │
		└──────────────────────────────────────────────────────────────────────────────┘

		 y copy line  / filter  ? help  q quit"
	`);
});

test('at 120x16', async () => {
	expect(await frameAt(120, 16)).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log ▸9 Broker
		────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
		  ✓ the broker runs   /home/maya/.jarvis/broker/broker.sock
		  pid 4711, for 3h · asked 48211 · 12 open · 1 refused
		  keeps fresh: main/openai-codex:maya@example.test is renewed in 34m, after refresh_unavailable
		  PROGRAM                                    PID     UID      ASKED  LAST GOT                                       LAST
		▸ node (coder/2.1)                         52001    1000      48000  openai-codex:maya@example.test               1s ago
		  git                                      60123    1000        211  ✗ needs_login                                5m ago

		┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ asks since 2026-01-15 09:00:00, 2 subscriptions                                                                      │
		│ main/openai-codex:maya@example.test  47990 times, the last one 1s ago                                                │
		│ work/anthropic:work  10 times, the last one 1h ago                                                                   │
		└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

		 y copy line  / filter  ? help  q quit"
	`);
});

test('at 60x16', async () => {
	expect(await frameAt(60, 16)).toMatchInlineSnapshot(`
		" 1 Agents 2 Profiles 3 Order 4 Health 5 6 7 8▸9 Broker
		────────────────────────────────────────────────────────────
		  ✓ the broker runs   /home/maya/.jarvis/broker/broker.sock
		  pid 4711, for 3h · asked 48211 · 12 open · 1 refused
		  keeps fresh: main/op… is renewed in 34m, after refresh_un…
		  PROGRAM                PID      ASKED  LAST GOT
		▸ node (coder/2.1)     52001      48000  openai-codex:maya@…
		  git                  60123        211  ✗ needs_login

		┌──────────────────────────────────────────────────────────┐
		│ asks since 2026-01-15 09:00:00, 2 subscriptions          │
		│ main/openai-codex:maya@example.test  47990 times, the    │
		│ last one 1s ago                                          │
		└─ 1–3/4   Space: more ────────────────────────────────────┘

		 y copy line  / filter  ? help  q quit"
	`);
});

test('that does not look who asks says so, and the filter finds programs and profiles', async () => {
	const stateDir = await withKey();
	await sayAlways(stateDir, {...busy, peerCheck: false});
	const app = await renderApp({stateDir});
	await app.press('9');
	await app.waitFor('does not look which user asks');
	await app.press('/');
	await app.type('anthropic');
	await app.waitFor(() => expect(app.frame()).not.toContain('git'));
	expect(app.frame()).toContain('coder/2.1');
});

test.each([
	['says something else', 'hello'],
	['is of another version', '{"protocol": 2}'],
])('somebody at the socket who %s is told of, with what helps', async (_, said) => {
	const stateDir = await withKey();
	const paths = statePaths(stateDir);
	mkdirSync(paths.broker);
	const server = createServer((_, response) => response.end(said));
	await new Promise<void>(resolve => server.listen(paths.brokerSocket, resolve));
	onTestFinished(() => void server.close());
	const app = await renderApp({stateDir});
	await app.press('9');
	await app.waitFor(/as\s+a\s+broker\s+of\s+this\s+version/);
});
