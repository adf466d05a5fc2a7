import {cpSync, existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {type Keyring, noKeyring, startKeyring} from '../support/keyring.ts';
import {canary, readStore, type Sandbox, temporaryFolder, writeStore} from '../support/sandbox.ts';
import {put} from '../support/state-folder.ts';
import {emptyState, errorIn, openProgram, run, stored} from './support.ts';

type State = Pick<Sandbox, 'stateDir' | 'paths'>;

const key = {type: 'api_key', provider: 'groq', key: canary('key')};
const token = {type: 'token', provider: 'mistral', token: canary('token')};

function stateWithSecrets(): State {
	const state = emptyState();
	writeStore(state, 'main', {version: 1, profiles: {'groq:work': key, 'mistral:default': token}});
	put(`${state.paths.profiles('main')}.bak`, {profiles: {'groq:work': key}});
	// A machine that runs many tests has no time for a keychain.
	put(state.paths.config, {
		secrets: {
			providers: {sealed: {source: 'keychain', timeoutMs: 20_000}},
			defaults: {keychain: 'sealed'},
		},
	});
	return state;
}

/** The files of a state folder that hold a secret of these tests. */
function filesWithSecrets({stateDir}: State): string[] {
	return readdirSync(stateDir, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile())
		.map(entry => join(entry.parentPath, entry.name))
		.filter(file => readFileSync(file, 'utf8').includes('canary'));
}

/** Runs a command that must say nothing of a secret. */
async function runQuietly(state: State, args: readonly string[], env: Record<string, string> = {}) {
	const outcome = await run(state, args, {env});
	expect(outcome.stdout + outcome.stderr).not.toContain('canary');
	return outcome;
}

it('audit says what to do about each secret, and tells scripts by its exit code', async () => {
	const state = stateWithSecrets();
	const {code, stdout, stderr} = await runQuietly(state, ['secrets', 'audit']);
	expect(code).toBe(0);
	expect(stdout).toContain('✗ plaintext_secret (main)\n  The API key of groq:work is in ');
	expect(stdout).toContain("  → jarvis secrets seal 'mistral:default' --agent main\n");
	expect(stderr).toContain('Found 2 to be mended.');
	const {stdout: json, code: checked} = await runQuietly(state, ['secrets', 'audit', '--check', '--json']);
	expect(checked).toBe(1);
	expect(JSON.parse(json)).toMatchObject({
		findings: [{code: 'plaintext_secret', level: 'finding', agentId: 'main', place: 'groq:work'}, {}],
		summary: {findings: 2, unresolved: 0, info: 0},
	});
	const keyRef = {source: 'env', provider: 'default', id: 'NOWHERE'};
	writeStore(state, 'main', {profiles: {'groq:work': {type: 'api_key', provider: 'groq', keyRef}}});
	expect(await run(state, ['secrets', 'audit', '--check'])).toMatchObject({code: 2});
});

it('without the optional package it says how to install it', async () => {
	const state = stateWithSecrets();
	const copy = temporaryFolder();
	const root = fileURLToPath(new URL('../..', import.meta.url));
	for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(copy, name), {recursive: true});
	const {code, stderr} = await run(state, ['secrets', 'seal', 'groq:work', '--json'], {
		command: [process.execPath, join(copy, 'dist/jarvis.cjs')],
	});
	expect(code).toBe(1);
	expect(errorIn({stderr})).toMatchObject({
		...{code: 'keychain_unavailable', reason: 'missing'},
		next: expect.stringContaining('npm install --global @napi-rs/keyring@2'),
	});
	expect(stored(state, 'groq:work')).toEqual(key);
});

it('refuses what it cannot understand, and stores no plan of it', async () => {
	const state = stateWithSecrets();
	for (const args of [
		['seal'],
		['seal', '--all', 'groq:work'],
		['configure', 'groq:work', '--to', 'nowhere'],
		['configure', 'groq:work', '--to', 'env:default:lower'],
		['configure', '--to', 'keychain'],
		['configure', 'groq:work', 'mistral:default', '--to', 'env:default:ONE'],
		['configure'],
	]) {
		expect(await runQuietly(state, ['secrets', ...args])).toMatchObject({code: 2, stdout: ''});
	}
	const unknown = await runQuietly(state, [
		'secrets',
		'configure',
		'groq:nobody',
		'--to',
		'keychain',
		'--json',
	]);
	expect(errorIn(unknown).code).toBe('profile_unknown');
	expect(existsSync(state.paths.secretsPlan)).toBe(false);
	expect(await runQuietly(state, ['secrets', 'apply'])).toMatchObject({code: 1});
	put(state.paths.secretsPlan, {version: 1, secrets: [{agent: '../main', profile: 'x', to: 'seal'}]});
	expect(await runQuietly(state, ['secrets', 'apply'])).not.toMatchObject({code: 0});
	expect(stored(state, 'groq:work')).toEqual(key);
});

describe.skipIf(noKeyring)(`with a keychain${noKeyring ? ` (there is no ${noKeyring})` : ''}`, () => {
	let keyring: Keyring;
	beforeAll(async () => {
		keyring = await startKeyring();
		return () => keyring.close();
	});

	it('seal, token, unseal: the secret comes out of the file, is handed out, and comes back', async () => {
		const state = stateWithSecrets();
		const {env} = keyring;
		const dry = await runQuietly(state, ['secrets', 'seal', '--all', '--dry-run'], env);
		expect(dry).toMatchObject({code: 0, stderr: 'Nothing was changed.\n'});
		expect(dry.stdout).toBe(
			'groq:work (main) would go to the keychain\nmistral:default (main) would go to the keychain\n',
		);
		expect(filesWithSecrets(state)).toHaveLength(2);
		const sealed = await runQuietly(state, ['secrets', 'seal', '--all', '--agent', 'main'], env);
		expect(sealed.code).toBe(0);
		expect(sealed.stdout).toMatch(/^groq:work \(main\) → keychain:default:groq\/[0-9a-f]{12}\nmistral:/);
		expect(sealed.stderr).toContain('Also taken out of ');
		expect(filesWithSecrets(state)).toEqual([]);
		expect(await runQuietly(state, ['secrets', 'audit', '--check'], env)).toMatchObject({
			...{code: 0, stdout: ''},
			stderr: expect.stringContaining('Nothing to do'),
		});
		const token = ['models', 'auth', 'token', '--provider', 'groq'];
		expect(await run(state, token, {env})).toMatchObject({code: 0, stdout: `${canary('key')}\n`});
		expect(await runQuietly(state, token)).not.toMatchObject({code: 0});
		expect((await runQuietly(state, ['secrets', 'audit', '--check'])).code).toBe(2);
		expect(await runQuietly(state, ['secrets', 'unseal', 'groq:work'], env)).toMatchObject({code: 2});
		expect(await runQuietly(state, ['secrets', 'unseal', 'groq:work', '--yes'], env)).toMatchObject({
			code: 0,
		});
		expect(stored(state, 'groq:work')).toEqual(key);
		const removed = ['models', 'auth', 'remove', 'mistral:default', '--yes'];
		expect(await run(state, removed, {env})).toMatchObject({code: 0});
		// Its backup can bring the profile back.
		const pruned = await runQuietly(state, ['secrets', 'prune', '--yes', '--json'], env);
		expect(JSON.parse(pruned.stdout)).toEqual({removed: [], kept: [expect.stringMatching(/^mistral\//)]});
		expect(readFileSync(state.paths.auditLog, 'utf8')).toMatch(
			/"event":"secrets_changed".*"profileId":"groq:work","note":"its secret is in keychain:default:groq\/.*"by":"secrets seal"/,
		);
	});

	it('configure asks for each secret, and apply does what it wrote down', async () => {
		const state = stateWithSecrets();
		const env = {...keyring.env, MISTRAL_TOKEN: canary('token')};
		const terminal = openProgram(state, ['secrets', 'configure'], {env, rows: 40});
		await terminal.waitFor(/groq:work \(main\) to go\?[\s\S]*1–3:/);
		terminal.write('1\r');
		await terminal.waitFor(/mistral:default \(main\) to go\?[\s\S]*1–3:/);
		terminal.write('2\r');
		await terminal.waitFor('Its id in default:');
		terminal.write('lower\r');
		await terminal.waitFor('That is no id of env');
		terminal.write('MISTRAL_TOKEN\r');
		await terminal.waitFor('jarvis secrets apply --dry-run');
		expect(await terminal.exited).toEqual({exitCode: 0});
		expect(terminal.raw()).not.toContain('canary');
		expect(filesWithSecrets(state)).toHaveLength(2);
		const {code, stdout} = await runQuietly(state, ['secrets', 'apply', '--dry-run', '--json'], env);
		expect(code).toBe(0);
		expect(JSON.parse(stdout)).toMatchObject({
			dryRun: true,
			secrets: [{outcome: 'moved'}, {outcome: 'moved'}],
		});
		const unset = await runQuietly(state, ['secrets', 'apply'], keyring.env);
		expect(unset).toMatchObject({code: 1, stderr: expect.stringContaining('Nothing was taken away.')});
		expect(filesWithSecrets(state)).toHaveLength(2);
		expect(await runQuietly(state, ['secrets', 'apply'], env)).toMatchObject({code: 0});
		expect(filesWithSecrets(state)).toEqual([]);
		expect(existsSync(state.paths.secretsPlan)).toBe(false);
		expect(readStore(state).profiles).toMatchObject({
			'groq:work': {keyRef: {source: 'keychain', provider: 'default'}},
			'mistral:default': {tokenRef: {source: 'env', provider: 'default', id: 'MISTRAL_TOKEN'}},
		});
	});

	it('a locked keychain is told with what unlocks it, and costs nothing', async () => {
		const state = stateWithSecrets();
		keyring.lock();
		onTestFinished(() => keyring.unlock());
		const {code, stderr} = await runQuietly(state, ['secrets', 'seal', '--all'], keyring.env);
		expect(code).toBe(1);
		expect(stderr).toContain('Nothing was changed.');
		expect(stderr).toContain('gnome-keyring-daemon --replace --unlock');
		expect(stored(state, 'groq:work')).toEqual(key);
	});
});
