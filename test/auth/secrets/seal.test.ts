import {existsSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {SecretMove} from '../../../source/auth/secrets/move.ts';
import type {SecretPlace} from '../../../source/auth/secrets/places.ts';
import {openJarvis} from '../../../source/core.ts';
import {type StatePaths, statePaths} from '../../../source/store/paths.ts';
import {restoreBackup, salvage} from '../../../source/store/restore.ts';
import {backupPaths} from '../../../source/store/write.ts';
import {type Keyring, noKeyring, startKeyring} from '../../support/keyring.ts';
import {canary, reaches, readStore, refusal, soon, writeStore} from '../../support/sandbox.ts';
import {emptyState, exposed, put, temporaryFolder, text} from '../../support/state-folder.ts';
import {endWorkers, startWorker, startWorkers} from '../../support/workers.ts';
import {answering, programOf, refTo} from './programs.ts';
import type {SealWorker} from './seal-worker.ts';

const script = new URL('./seal-worker.ts', import.meta.url);

const key = {type: 'api_key', provider: 'anthropic', key: canary('key'), email: 'me@example.test', note: 1};
const token = {type: 'token', provider: 'mistral', token: canary('token'), expires: 4_000_000_000_000};
const oauth = {
	...{type: 'oauth', provider: 'acme', expires: 4_000_000_000_000},
	...{access: canary('access'), refresh: canary('refresh')},
};

function profile(profileId: string, agentId = 'main'): SecretPlace {
	return {agentId, profileId};
}

const toSeal = (...places: SecretPlace[]): SecretMove[] => places.map(place => ({place, to: 'seal'}));

/** An empty state folder that gives the keychain time, on a machine that has much else to do. */
function patientState(): StatePaths {
	const paths = statePaths(join(temporaryFolder(), 'state'));
	put(paths.config, {
		secrets: {
			providers: {sealed: {source: 'keychain', timeoutMs: 20_000}},
			defaults: {keychain: 'sealed'},
		},
	});
	return paths;
}

/** A state folder with a key, a token and a grant, and backups that hold them too. */
function stateWithSecrets(): StatePaths {
	const paths = patientState();
	const profiles = {'anthropic:work': key, 'mistral:default': token, 'acme:me': oauth};
	writeStore({paths}, 'main', {version: 1, profiles, order: {anthropic: ['anthropic:work']}, future: true});
	const [bak, bak1, bak2] = backupPaths(paths.profiles('main')) as [string, string, string];
	put(bak, text(paths.profiles('main')));
	// From before it was renamed, in the words of another program.
	put(bak1, {profiles: {'anthropic:old': {mode: 'api_key', provider: 'anthropic', apiKey: canary('key')}}});
	put(bak2, `{"profiles": {"anthropic:work": {"key": "${canary('key')}" oops`);
	return paths;
}

/** The files of a state folder that hold a text. */
function holding(paths: StatePaths, secret: string): string[] {
	return readdirSync(paths.root, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile())
		.map(entry => join(entry.parentPath, entry.name))
		.filter(file => readFileSync(file, 'utf8').includes(secret))
		.map(file => file.slice(paths.root.length + 1));
}

function everything(paths: StatePaths): Record<string, string> {
	return Object.fromEntries(
		readdirSync(paths.root, {recursive: true, withFileTypes: true})
			.filter(entry => entry.isFile() && !entry.parentPath.startsWith(paths.locks))
			.map(entry => join(entry.parentPath, entry.name))
			.map(file => [file, text(file)]),
	);
}

it('without a keychain nothing is changed, and nothing is kept in plain text instead', async () => {
	const paths = stateWithSecrets();
	const before = text(paths.profiles('main'));
	const jarvis = openJarvis({stateDir: paths.root, env: {}});
	const places = toSeal(profile('anthropic:work'));
	for (const dryRun of [true, false]) {
		const error = await refusal(jarvis.moveSecrets(places, {dryRun}));
		expect(error.code).toBe('keychain_unavailable');
		expect(JSON.stringify(error)).not.toContain('canary');
	}
	expect(text(paths.profiles('main'))).toBe(before);
});

it.each([
	['a ref', {...key, key: undefined, keyRef: refTo('env', 'default', 'NEWER')}],
	[
		'a profile of another kind',
		{type: 'token', provider: 'anthropic', tokenRef: refTo('env', 'default', 'OLD')},
	],
])('%s that came meanwhile is left as it is', async (_, newer) => {
	const paths = emptyState();
	const store = (entry: object) => put(paths.profiles('main'), {profiles: {'anthropic:work': entry}});
	store({...key, key: undefined, keyRef: refTo('env', 'default', 'OLD')});
	// Changes the file when it is asked, which is after that was read.
	const command = programOf(
		answering(`() => {
			const profiles = {'anthropic:work': ${JSON.stringify(newer)}};
			require('node:fs').writeFileSync(${JSON.stringify(paths.profiles('main'))}, JSON.stringify({profiles}));
			return {values: {key: ${JSON.stringify(canary('key'))}}};
		}`),
	);
	put(paths.config, {secrets: {providers: {vault: {source: 'exec', command}}}});
	const jarvis = openJarvis({stateDir: paths.root, env: {OLD: canary('key'), NEWER: canary('newer')}});
	const moves = [{place: profile('anthropic:work'), to: refTo('exec', 'vault', 'key')}];
	expect(await refusal(jarvis.moveSecrets(moves, {dryRun: false}))).toMatchObject({
		code: 'secret_mismatch',
		message: 'anthropic:work was changed meanwhile. It is left as it is.',
	});
	expect(readStore({paths}).profiles).toEqual({'anthropic:work': JSON.parse(JSON.stringify(newer))});
});

describe.skipIf(noKeyring)(`with a keychain${noKeyring ? ` (there is no ${noKeyring})` : ''}`, () => {
	let keyring: Keyring;
	beforeAll(async () => {
		keyring = await startKeyring();
		return () => keyring.close();
	});
	afterAll(endWorkers);

	const open = (paths: StatePaths, env = {}) =>
		openJarvis({stateDir: paths.root, env: {...keyring.env, ...env}});

	async function handedOut(paths: StatePaths, profileId: string, agentId = 'main'): Promise<string> {
		return (await open(paths).resolve({agentId, profileId, providerId: profileId.split(':')[0]})).secret;
	}

	it('a new secret of a sealed profile is sealed, too', async () => {
		const paths = stateWithSecrets();
		const jarvis = open(paths);
		await jarvis.moveSecrets(toSeal(profile('mistral:default')), {dryRun: false});
		const login = await jarvis.startLogin({
			...{providerId: 'mistral', agentId: 'main', method: 'token', profileId: 'mistral:default'},
		});
		await reaches(login, 'asking');
		await login.paste(canary('newer-token'));
		expect(await login.finished).toMatchObject({step: 'done', result: {profileId: 'mistral:default'}});
		expect(holding(paths, canary('newer-token'))).toEqual([]);
		expect(await handedOut(paths, 'mistral:default')).toBe(canary('newer-token'));
	});

	it('a sealed secret is handed out, and is in no file any more, copies included', async () => {
		const paths = stateWithSecrets();
		const [bak, bak1, bak2] = backupPaths(paths.profiles('main')) as [string, string, string];
		const cutOff = `${paths.profiles('main')}.1-abc.tmp`;
		put(cutOff, '{"profiles": {"mistral:default": {"token": "'.concat(canary('token')));
		const places = toSeal(profile('anthropic:work'), profile('mistral:default'));
		const {secrets, copies} = await open(paths).moveSecrets(places, {dryRun: false});
		expect(secrets.map(({outcome}) => outcome)).toEqual(['moved', 'moved']);
		expect({...copies}).toEqual({rewritten: [bak, bak1], removed: [bak2, cutOff]});
		for (const secret of [canary('key'), canary('token')]) expect(holding(paths, secret)).toEqual([]);
		expect(await handedOut(paths, 'anthropic:work')).toBe(canary('key'));
		expect(await handedOut(paths, 'mistral:default')).toBe(canary('token'));

		const [keyRef, tokenRef] = secrets.map(({ref}) => ref);
		const {key: _, ...ofKey} = key;
		const {token: __, ...ofToken} = token;
		const profiles = {
			'anthropic:work': {...ofKey, keyRef},
			'mistral:default': {...ofToken, tokenRef},
			'acme:me': oauth,
		};
		const order = {anthropic: ['anthropic:work']};
		expect(readStore({paths})).toMatchObject({version: 1, profiles, order, future: true});
		expect(JSON.parse(text(bak)).profiles).toEqual(profiles);
		expect(JSON.parse(text(bak1)).profiles).toEqual({
			'anthropic:old': {mode: 'api_key', provider: 'anthropic', keyRef},
		});
		expect(exposed(paths.root)).toEqual([]);
		// Once more: there is nothing to do.
		const before = everything(paths);
		const again = await open(paths).moveSecrets(places, {dryRun: false});
		expect(again.secrets.map(({outcome}) => outcome)).toEqual(['already', 'already']);
		expect(everything(paths)).toEqual(before);
	});

	it('leaves no secret in what doctor has kept, and all else that is in it', async () => {
		const paths = stateWithSecrets();
		const file = paths.profiles('main');
		const good = text(file);
		const other = canary('of-nothing-else');
		const torn = `{"profiles": {"anthropic:work": {"key": "${canary('key')}", "x": "${other}"`;
		put(file, torn);
		const [bak = ''] = backupPaths(file);
		put(bak, good);
		const isGood = (content: string) => content === good;
		await restoreBackup({locks: paths.locks, lockName: 'store-main'}, file, bak, isGood);
		const whole = {profiles: {'anthropic:work': key, 'other:x': {type: 'token', token: other}}};
		const tmp = `${file}.1-abc.tmp`;
		put(tmp, whole);
		salvage(paths, tmp);
		const kept = () => holding(paths, other).sort();
		const before = kept();
		expect(before).toHaveLength(2);

		const {secrets, copies} = await open(paths).moveSecrets(toSeal(profile('anthropic:work')), {
			dryRun: false,
		});
		expect(holding(paths, canary('key'))).toEqual([]);
		expect(kept()).toEqual(before);
		for (const name of before) expect(copies.rewritten).toContain(join(paths.root, name));
		const {key: _, ...ofKey} = key;
		const salvaged = before.find(name => name.startsWith('salvaged')) ?? '';
		expect(JSON.parse(text(join(paths.root, salvaged))).profiles).toEqual({
			...whole.profiles,
			'anthropic:work': {...ofKey, keyRef: secrets[0]?.ref},
		});
		expect(exposed(paths.root)).toEqual([]);
		// What only such a copy names is not forgotten.
		await open(paths).removeProfile('main', 'anthropic:work');
		for (const backup of backupPaths(file)) rmSync(backup, {force: true});
		expect(await open(paths).pruneSealed()).toEqual({removed: [], kept: [secrets[0]?.ref?.id]});
	});

	it('is refused for what no ref can stand for, and changes nothing then', async () => {
		const paths = stateWithSecrets();
		const before = everything(paths);
		const work = profile('anthropic:work');
		const refused = async (place: SecretPlace) =>
			refusal(open(paths).moveSecrets(toSeal(work, place), {dryRun: false}));
		expect(await refused(profile('acme:me'))).toMatchObject({
			code: 'secret_unmovable',
			message: expect.stringContaining('acme:me is an OAuth profile: each refresh writes new tokens'),
		});
		expect(await refused(profile('nobody:here'))).toMatchObject({code: 'profile_unknown'});
		expect(everything(paths)).toEqual(before);
	});

	it('only shows what it would do in a dry run', async () => {
		const paths = stateWithSecrets();
		const before = everything(paths);
		const {secrets} = await open(paths).moveSecrets(toSeal(profile('anthropic:work')), {dryRun: true});
		expect(secrets).toEqual([{place: profile('anthropic:work'), outcome: 'moved'}]);
		expect(everything(paths)).toEqual(before);
	});

	it('takes a secret away beside a ref that gives the same, and leaves one that is another', async () => {
		const paths = stateWithSecrets();
		const keyRef = {source: 'env', provider: 'default', id: 'THE_KEY'};
		writeStore({paths}, 'main', {profiles: {'anthropic:work': {...key, keyRef}}});
		const moves = toSeal(profile('anthropic:work'));
		const before = everything(paths);
		const mismatch = open(paths, {THE_KEY: canary('other')}).moveSecrets(moves, {dryRun: false});
		expect(await refusal(mismatch)).toMatchObject({code: 'secret_mismatch'});
		expect(everything(paths)).toEqual(before);
		const {secrets} = await open(paths, {THE_KEY: canary('key')}).moveSecrets(moves, {dryRun: false});
		expect(secrets).toMatchObject([{outcome: 'moved', ref: keyRef}]);
		expect(holding(paths, canary('key'))).toEqual([]);
	});

	it('does not make a new key where the keychain has lost the one that secrets are sealed with', async () => {
		const paths = stateWithSecrets();
		await open(paths).moveSecrets(toSeal(profile('anthropic:work')), {dryRun: false});
		keyring.empty();
		const before = everything(paths);
		const error = await refusal(open(paths).moveSecrets(toSeal(profile('mistral:default')), {dryRun: false}));
		expect(error.code).toBe('sealed_unreadable');
		expect(everything(paths)).toEqual(before);
		expect(await refusal(handedOut(paths, 'anthropic:work'))).not.toMatchObject({code: 'unexpected'});
	});

	it('puts secrets back, and forgets those that no other ref needs', async () => {
		const paths = stateWithSecrets();
		const places = [profile('anthropic:work'), profile('mistral:default')];
		const {secrets} = await open(paths).moveSecrets(toSeal(...places), {dryRun: false});
		const [keyRef] = secrets.map(({ref}) => ref);
		const {key: _, ...ofKey} = key;
		writeStore({paths}, 'other', {profiles: {'anthropic:copy': {...ofKey, keyRef}}});
		await open(paths).putSecretsBack(places);
		expect(readStore({paths}).profiles).toMatchObject({'anthropic:work': key, 'mistral:default': token});
		expect(Object.keys(JSON.parse(text(paths.sealed)).entries)).toEqual([keyRef?.id]);
		expect(await handedOut(paths, 'anthropic:copy', 'other')).toBe(canary('key'));
		expect(await refusal(open(paths).putSecretsBack(places))).toMatchObject({code: 'secret_unmovable'});
		await open(paths).putSecretsBack([profile('anthropic:copy', 'other')]);
		expect(JSON.parse(text(paths.sealed)).entries).toEqual({});
	});

	it('takes out of backups what their file has no more, when it is told to, and leaves all else in them', async () => {
		const paths = emptyState();
		const file = paths.profiles('main');
		const old = {type: 'api_key', provider: 'groq', key: canary('old'), email: 'maya@example.test'};
		const other = {type: 'token', provider: 'mistral', token: canary('other')};
		put(file, {profiles: {'groq:work': {...old, key: canary('new')}, 'mistral:default': other}});
		const before = text(file);
		put(`${file}.bak`, {
			profiles: {'groq:work': old, 'mistral:default': other, 'acme:gone': {...old, provider: 'acme'}},
		});
		const damaged = `{"profiles": {"groq:lost": ${JSON.stringify(old)}`;
		put(`${file}.damaged-2026-01-01`, damaged);
		expect(await open(paths).pruneCopies()).toEqual([`${file}.bak`]);
		const {key: _, ...rest} = old;
		expect(JSON.parse(text(`${file}.bak`)).profiles).toEqual({
			...{'groq:work': rest, 'mistral:default': other, 'acme:gone': {...rest, provider: 'acme'}},
		});
		expect(text(file)).toBe(before);
		// It may hold the only copy.
		expect(text(`${file}.damaged-2026-01-01`)).toBe(damaged);
		const left = (await open(paths).auditSecrets()).filter(({code}) => code === 'plaintext_in_copy');
		expect(left.map(found => found.file)).toEqual([`${file}.damaged-2026-01-01`]);
		expect(await open(paths).pruneCopies()).toEqual([]);
	});

	it('forgets what no file names any more when it is told to, and nothing before', async () => {
		const paths = stateWithSecrets();
		const places = [profile('anthropic:work'), profile('mistral:default')];
		const {secrets} = await open(paths).moveSecrets(toSeal(...places), {dryRun: false});
		const [gone, stays] = secrets.map(({ref}) => ref?.id);
		expect(await open(paths).pruneSealed()).toEqual({removed: [], kept: []});
		await open(paths).removeProfile('main', 'anthropic:work');
		expect(await open(paths).pruneSealed()).toEqual({removed: [], kept: [gone]});
		for (const backup of backupPaths(paths.profiles('main'))) rmSync(backup, {force: true});
		expect(await open(paths).pruneSealed()).toEqual({removed: [gone], kept: []});
		expect(Object.keys(JSON.parse(text(paths.sealed)).entries)).toEqual([stays]);
		expect(await handedOut(paths, 'mistral:default')).toBe(canary('token'));
	});

	it('a plan is carried out wholly or not at all', async () => {
		const paths = stateWithSecrets();
		const to = {source: 'env', provider: 'default', id: 'THE_TOKEN'} as const;
		const moves: SecretMove[] = [
			...toSeal(profile('anthropic:work')),
			{place: profile('mistral:default'), to},
		];
		const wrong = {THE_TOKEN: canary('wrong')};
		await open(paths).planSecrets(moves.slice(1));
		await open(paths).planSecrets(moves);
		expect(holding(paths, 'canary')).not.toContain('secrets-plan.json');
		const before = everything(paths);
		for (const env of [wrong, {}]) {
			const error = await refusal(open(paths, env).applySecretsPlan({dryRun: false}));
			expect(error.code).toBe('secret_mismatch');
			expect(JSON.stringify(error)).not.toContain('canary');
			expect(everything(paths)).toEqual(before);
		}
		const right = open(paths, {THE_TOKEN: canary('token')});
		await right.applySecretsPlan({dryRun: true});
		expect(everything(paths)).toEqual(before);
		const {secrets} = await right.applySecretsPlan({dryRun: false});
		expect(secrets).toMatchObject([{ref: {source: 'keychain'}}, {ref: to}]);
		for (const secret of [canary('key'), canary('token')]) expect(holding(paths, secret)).toEqual([]);
		expect(await refusal(right.applySecretsPlan({dryRun: false}))).toMatchObject({
			code: 'secrets_plan_invalid',
		});
	});

	it('processes that seal at the same time share one key', async () => {
		const paths = patientState();
		const agents = ['main', 'two', 'three'];
		for (const id of agents) {
			writeStore({paths}, id, {profiles: {'anthropic:work': {...key, key: canary(id)}}});
		}
		const workers = await startWorkers<SealWorker>(script, agents.length);
		await Promise.all(
			workers.map((worker, index) =>
				worker.call('seal', paths.root, keyring.env, [profile('anthropic:work', agents[index])]),
			),
		);
		expect(Object.keys(JSON.parse(text(paths.sealed)).entries)).toHaveLength(3);
		for (const id of agents) expect(await handedOut(paths, 'anthropic:work', id)).toBe(canary(id));
	});

	it('leaves a secret that was changed meanwhile', async () => {
		const paths = stateWithSecrets();
		keyring.signal('SIGSTOP');
		const moving = open(paths).moveSecrets(toSeal(profile('anthropic:work')), {dryRun: false});
		try {
			// The keychain is asked next, when the secret was read already.
			await expect.poll(() => existsSync(paths.sealed), soon).toBe(true);
			writeStore({paths}, 'main', {profiles: {'anthropic:work': {...key, key: canary('newer')}}});
		} finally {
			keyring.signal('SIGCONT');
		}
		expect(await refusal(moving)).toMatchObject({
			code: 'secret_mismatch',
			message: 'anthropic:work was changed meanwhile. It is left as it is.',
		});
		expect(readStore({paths}).profiles).toEqual({'anthropic:work': {...key, key: canary('newer')}});
	});

	it('what is being sealed is not taken away before its file names it', async () => {
		const paths = stateWithSecrets();
		const sealing = open(paths).moveSecrets(toSeal(profile('anthropic:work')), {dryRun: false});
		const entries = () =>
			existsSync(paths.sealed) ? Object.keys(JSON.parse(text(paths.sealed)).entries) : [];
		await expect.poll(entries, {...soon, interval: 2}).toHaveLength(1);
		// The keychain is asked for it next, before the file is changed.
		keyring.signal('SIGSTOP');
		const pruning = open(paths).pruneSealed();
		try {
			await Promise.race([pruning, pause(500)]);
		} finally {
			keyring.signal('SIGCONT');
		}
		await sealing;
		expect(await pruning).toEqual({removed: [], kept: []});
		expect(await handedOut(paths, 'anthropic:work')).toBe(canary('key'));
		expect(holding(paths, canary('key'))).toEqual([]);
	});

	/** Whether sealing came to its end before it was killed; what was left is in order again. */
	async function surviveKillAt(step: number): Promise<boolean> {
		const places = [profile('anthropic:work'), profile('mistral:default')];
		const paths = stateWithSecrets();
		const worker = await startWorker<SealWorker>(script);
		await worker.call('dieAt', step);
		const isDone = await worker.call('seal', paths.root, keyring.env, places).then(
			() => true,
			() => false,
		);
		if (isDone) return true;
		expect((await worker.gone).signal).toBe('SIGKILL');
		expect(await handedOut(paths, 'anthropic:work')).toBe(canary('key'));
		expect(await handedOut(paths, 'mistral:default')).toBe(canary('token'));
		await open(paths).moveSecrets(toSeal(...places), {dryRun: false});
		expect(await handedOut(paths, 'mistral:default')).toBe(canary('token'));
		for (const secret of [canary('key'), canary('token')]) expect(holding(paths, secret)).toEqual([]);
		expect(readStore({paths}).profiles['acme:me']).toEqual(oauth);
		return false;
	}

	it('nothing is lost wherever it is killed, and the next time does the rest', async () => {
		for (let step = 1; ; step += 2) {
			const done = await Promise.all([surviveKillAt(step), surviveKillAt(step + 1)]);
			if (!done.includes(true)) continue;
			// The name of the key, the entries, the store, and its copies.
			expect(step).toBeGreaterThan(4);
			break;
		}
	}, 60_000);
});
