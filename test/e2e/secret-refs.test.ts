import {join} from 'node:path';
import {expect, test} from 'vitest';
import {answering, isAlive, programOf} from '../auth/secrets/programs.ts';
import {canary, soon, writeJson, writeStore} from '../support/sandbox.ts';
import {put, temporaryFolder, text} from '../support/state-folder.ts';
import {emptyState, errorIn, openDashboard, run, runJson, start} from './support.ts';

const token = ['models', 'auth', 'token', '--provider'];
const key = (provider: string, keyRef: object) => ({type: 'api_key', provider, keyRef});

/** A state folder with a profile for each source; the secrets are in a file and a program beside it. */
function setUp() {
	const state = emptyState();
	const file = join(temporaryFolder(), 'secrets.json');
	const vault = programOf(
		answering(`({ids}) => ({
			values: Object.fromEntries(ids.filter(id => id !== 'gone').map(id => [id, ${JSON.stringify(canary('exec'))}])),
			errors: {gone: {message: 'no such item'}},
			// On standard error, of which nobody may hear.
			...(console.error(${JSON.stringify(canary('stderr'))}), {}),
		})`),
	);
	const keep = (secrets: object) => put(file, secrets);
	keep({groq: canary('file')});
	writeJson(state.paths.config, {
		secrets: {
			providers: {disk: {source: 'file', path: file}, vault: {source: 'exec', command: vault}},
		},
	});
	const store = (more: object = {}) =>
		writeStore(state, 'main', {
			version: 1,
			profiles: {
				'groq:default': key('groq', {source: 'file', provider: 'disk', id: '/groq'}),
				'openai:default': key('openai', {source: 'exec', provider: 'vault', id: 'openai/main'}),
				...more,
			},
		});
	store();
	return {state, keep, store, file};
}

test('a token comes from wherever its ref leads, and a ref that leads nowhere says why', async () => {
	const {state, store} = setUp();
	for (const [provider, secret] of [
		['groq', canary('file')],
		['openai', canary('exec')],
	] as const) {
		const outcome = await run(state, [...token, provider]);
		expect(outcome).toEqual({code: 0, stdout: `${secret}\n`, stderr: ''});
	}
	store({'xai:gone': key('xai', {source: 'exec', provider: 'vault', id: 'gone'})});
	const failed = await run(state, [...token, 'xai', '--json']);
	expect({code: failed.code, stdout: failed.stdout}).toEqual({code: 1, stdout: ''});
	expect(errorIn(failed)).toMatchObject({
		code: 'unresolved_ref',
		message: expect.stringContaining('no such item'),
		next: 'See what is wrong with each ref: jarvis secrets reload',
	});
});

test('a program that is asked for a secret ends with the command that asked', async () => {
	const {state} = setUp();
	const pidFile = join(temporaryFolder(), 'pid');
	const hangs = programOf(`#!/bin/sh\necho $$ > ${pidFile}; exec /bin/sleep 600`);
	writeJson(state.paths.config, {
		secrets: {providers: {vault: {source: 'exec', command: hangs, timeoutMs: 600_000}}},
	});
	const running = start(state, [...token, 'openai']);
	await expect.poll(() => Number(text(pidFile)), soon).toBeGreaterThan(0);
	running.signal('SIGTERM');
	expect((await running.ended).stdout).toBe('');
	await expect.poll(() => isAlive(Number(text(pidFile))), soon).toBe(false);
});

test('the status of each ref is found out', async () => {
	const {state, store} = setUp();
	store({'xai:gone': key('xai', {source: 'exec', provider: 'vault', id: 'gone'})});
	const {stdout, code} = await run(state, ['models', 'status', '--check']);
	expect(code).toBe(1);
	expect(stdout).toMatch(/groq:default .* • static/);
	expect(stdout).toMatch(/xai:gone .* ✗ ref unresolved/);
	expect(stdout).toContain(
		'xai:gone: the secret ref exec:vault:gone does not resolve: the program refused it',
	);
	const {auth} = await runJson<{auth: {oauth: {profiles: object[]}}}>(state, ['models', 'status']);
	expect(auth.oauth.profiles).toMatchObject([
		{profileId: 'groq:default', reasonCode: 'ok', ref: {source: 'file', provider: 'disk', id: '/groq'}},
		{profileId: 'openai:default', reasonCode: 'ok'},
		{profileId: 'xai:gone', reasonCode: 'unresolved_ref', refFailure: {code: 'not_found'}},
	]);
	expect(stdout + JSON.stringify(auth)).not.toContain(canary('file'));
});

test('secrets reload says what became of each ref, and what is wrong', async () => {
	const {state, keep, store} = setUp();
	const fine = await run(state, ['secrets', 'reload']);
	expect(fine).toMatchObject({code: 0, stderr: expect.stringContaining('Loaded 2 secret refs.')});
	expect(fine.stdout).toMatch(/file:disk:\/groq +groq:default \(main\) +✓ ok/);
	keep({});
	store({
		'odd:x': {type: 'oauth', provider: 'odd', access: canary('odd'), tokenRef: {source: 'env', id: 'A'}},
	});
	const failed = await run(state, ['secrets', 'reload', '--json']);
	expect(failed.code).toBe(1);
	expect(JSON.parse(failed.stdout)).toMatchObject({
		...{ok: false, state: 'degraded', change: 'degraded', ignored: []},
		refs: [
			{ref: {source: 'file', id: '/groq'}, failure: {code: 'not_found'}},
			{ref: {source: 'exec', id: 'openai/main'}, usedBy: [{agentId: 'main', profileId: 'openai:default'}]},
		],
		problems: [{code: 'secrets_unresolved', message: expect.stringContaining('odd:x')}],
	});
	for (const said of [fine.stdout, fine.stderr, failed.stdout, failed.stderr]) {
		for (const name of ['file', 'exec', 'odd', 'stderr']) expect(said).not.toContain(canary(name));
	}
});

test('a dashboard goes on with what it has when a reload fails, and says so; and when it works again', async () => {
	const {state, keep} = setUp();
	const terminal = await openDashboard(state);
	await terminal.waitFor('groq:default');
	await expect.poll(() => text(state.paths.auditLog), soon).toContain('loaded 2 secret refs');
	expect(terminal.text()).not.toContain('degraded');
	keep({});
	expect((await run(state, ['secrets', 'reload'])).code).toBe(1);
	await terminal.waitFor('secrets degraded');
	await terminal.waitFor('file:disk:/groq');
	// What it loaded before stays in use.
	expect(terminal.text()).not.toContain('ref unresolved');
	keep({groq: canary('file')});
	expect((await run(state, ['secrets', 'reload'])).code).toBe(0);
	await terminal.waitFor('All secret refs resolve again.');
	await terminal.waitFor(screen => !screen.includes('secrets degraded'));
});

test('a dashboard opens without a secret that it cannot load, and loads it once it can', async () => {
	const {state, keep, store} = setUp();
	keep({});
	const terminal = await openDashboard(state);
	await terminal.waitFor(/groq:default .*✗ ref unresolved/);
	expect(terminal.text()).not.toContain('degraded');
	keep({groq: canary('file'), late: canary('late')});
	await run(state, ['secrets', 'reload']);
	await terminal.waitFor(screen => !screen.includes('ref unresolved'));
	// A ref that comes while it is open is loaded without being asked for.
	store({'xai:late': key('xai', {source: 'file', provider: 'disk', id: '/late'})});
	await terminal.waitFor(/xai:late .*• static/);
});
