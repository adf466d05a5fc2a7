import {chmodSync, existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test, vi} from 'vitest';
import {openSandbox, providerId, type Sandbox, soon, writeStore} from '../support/sandbox.ts';
import {put} from '../support/state-folder.ts';
import {ask, openBroker} from './support.ts';

/** A profile whose key is in a file of its own. */
async function withRef(): Promise<{readonly sandbox: Sandbox; readonly keep: (secret: string) => void}> {
	const sandbox = await openSandbox();
	const path = join(sandbox.stateDir, 'kept-elsewhere');
	put(sandbox.paths.config, {
		secrets: {providers: {kept: {source: 'file', path, mode: 'singleValue'}}},
	});
	writeStore(sandbox, 'main', {profiles: {'acme:kept': refTo('value')}});
	return {
		sandbox,
		keep(secret) {
			writeFileSync(path, secret, {mode: 0o600});
			chmodSync(path, 0o600);
		},
	};
}

function refTo(id: string) {
	return {type: 'api_key', provider: providerId, keyRef: {source: 'file', provider: 'kept', id}};
}

const path = '/v1/token?provider=acme';

test('are loaded when it starts, and asked for no more', async () => {
	const {sandbox, keep} = await withRef();
	keep('not-a-secret-1');
	const {socket} = await openBroker(sandbox);
	expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-1'});
	keep('not-a-secret-2');
	expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-1'});
	await sandbox.open().askForSecretsReload();
	await vi.waitFor(
		async () => expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-2'}),
		soon,
	);
});

test('that do not resolve keep it from starting, and the socket free', async () => {
	const {sandbox, keep} = await withRef();
	for (const _ of ['started', 'restarted']) {
		const refused = await openBroker(sandbox).catch(error => error);
		expect(refused).toMatchObject({code: 'secrets_unresolved', details: {report: {ok: false}}});
		expect(refused.message).toContain('file:kept:value (acme:kept of main): there is no file');
		// A reload is heard by programs that run.
		expect(refused.next).toContain('start the broker again');
		expect(refused.next).not.toContain('reload');
	}
	// A service that is started again and again does not fill the log.
	expect(existsSync(sandbox.paths.auditLog)).toBe(false);
	keep('not-a-secret-1');
	const {socket} = await openBroker(sandbox);
	expect((await ask(socket, path)).status).toBe(200);
});

test('stay as they were when they cannot be loaded anew, which is told until they can', async () => {
	const {sandbox, keep} = await withRef();
	keep('not-a-secret-1');
	const {socket} = await openBroker(sandbox);
	keep('');
	await sandbox.open().askForSecretsReload();
	const degraded = async () => {
		const status = await sandbox.open().brokerStatus();
		return status.running && status.secretsDegraded;
	};
	await vi.waitFor(async () => expect(await degraded()).toBe(true), soon);
	expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-1'});
	keep('not-a-secret-2');
	await sandbox.open().askForSecretsReload();
	await vi.waitFor(async () => expect(await degraded()).toBe(false), soon);
	expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-2'});
});

test('of a profile that came later are loaded then', async () => {
	const sandbox = await openSandbox();
	const {socket} = await openBroker(sandbox);
	const kept = join(sandbox.stateDir, 'kept-elsewhere');
	writeFileSync(kept, 'not-a-secret-1', {mode: 0o600});
	put(sandbox.paths.config, {
		secrets: {providers: {kept: {source: 'file', path: kept, mode: 'singleValue'}}},
	});
	writeStore(sandbox, 'main', {profiles: {'acme:kept': refTo('value')}});
	await vi.waitFor(
		async () => expect((await ask(socket, path)).json()).toMatchObject({token: 'not-a-secret-1'}),
		soon,
	);
});
