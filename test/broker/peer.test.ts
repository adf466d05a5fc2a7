import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, readFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {text} from 'node:stream/consumers';
import {describe, expect, test} from 'vitest';
import {openSandbox, providerId, type Sandbox, writeStore} from '../support/sandbox.ts';
import {openBroker, tokenOf} from './support.ts';

/** A user who is not the one that runs the tests, and not root. */
const otherUid = 65_534;

async function withKey(): Promise<Sandbox> {
	const sandbox = await openSandbox();
	const key = {type: 'api_key', provider: providerId, key: 'not-a-secret-key'};
	writeStore(sandbox, 'main', {profiles: {'acme:key': key}});
	return sandbox;
}

/** Everything on the way to the socket is open to everybody, so that only the look at the user is left. */
function openUp(sandbox: Sandbox, socket: string): void {
	for (const folder of [sandbox.stateDir, dirname(socket)]) chmodSync(folder, 0o755);
	chmodSync(socket, 0o666);
}

const script = `
	const request = require('node:http').request({
		socketPath: process.argv[1],
		path: '/v1/token?provider=acme',
		headers: {'user-agent': 'stranger'},
	});
	request.on('response', response => {
		response.on('data', piece => process.stdout.write(piece));
		process.exitCode = response.statusCode === 200 ? 0 : 3;
	});
	request.end();`;

/** Asks in a process of its own; gives its exit code and what it was answered, or why it could not be started. */
async function askAs(uid: number, socketPath: string) {
	const child = spawn(process.execPath, ['-e', script, socketPath], {
		...{uid, gid: uid, cwd: '/', env: {}},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const fault = once(child, 'error').then(([error]) => String(error));
	const ended = Promise.all([text(child.stdout), once(child, 'exit')]);
	const outcome = await Promise.race([fault, ended]);
	return typeof outcome === 'string' ? {fault: outcome} : {stdout: outcome[0], status: outcome[1][0]};
}

describe.runIf(process.getuid?.() === 0)('a client of another user (as root, who alone can be one)', () => {
	test('is refused by the kernel’s word alone, before anything it says is read', async context => {
		const sandbox = await withKey();
		const {socket} = await openBroker(sandbox);
		openUp(sandbox, socket);
		const {fault, status, stdout = ''} = await askAs(otherUid, socket);
		if (fault) context.skip(`Node cannot be run as another user here (${fault}).`);
		expect(status).toBe(3);
		expect(JSON.parse(stdout).error).toMatchObject({
			code: 'broker_refused',
			message: `The user ${otherUid} may not ask: the broker is for the user 0.`,
		});
		expect(stdout).not.toContain('not-a-secret');
		// It is told of, and not among those that asked; its own user is let in as before.
		expect(await tokenOf(socket)).toBe('not-a-secret-key');
		const broker = await sandbox.open().brokerStatus();
		expect(broker).toMatchObject({refused: 1, requests: 1, clients: [{uid: 0}]});
		const log = readFileSync(sandbox.paths.auditLog, 'utf8');
		expect(log).toMatch(new RegExp(`"by":"broker client node, pid \\d+, uid ${otherUid}"`));
	});

	test('is let in where a person said not to look', async context => {
		const sandbox = await withKey();
		const {socket} = await openBroker(sandbox, {noPeerCheck: true});
		openUp(sandbox, socket);
		const {fault, status} = await askAs(otherUid, socket);
		if (fault) context.skip(`Node cannot be run as another user here (${fault}).`);
		expect(status).toBe(0);
		expect(await sandbox.open().brokerStatus()).toMatchObject({refused: 0, peerCheck: false});
	});
});
