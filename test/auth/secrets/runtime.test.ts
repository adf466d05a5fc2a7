import {mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, onTestFinished, test} from 'vitest';
import {type SecretsReport, startSecretRuntime} from '../../../source/auth/secrets/runtime.ts';
import {openJarvis} from '../../../source/core.ts';
import {statePaths} from '../../../source/store/paths.ts';
import type {SecretRef} from '../../../source/store/schema.ts';
import {refusal} from '../../support/sandbox.ts';
import {put, temporaryFolder, text} from '../../support/state-folder.ts';
import {answering, programOf, refTo} from './programs.ts';

const now = 1_800_000_000_000;
const key = (keyRef: SecretRef, more = {}) => ({type: 'api_key', provider: 'acme', keyRef, ...more});
const a = refTo('file', 'disk', '/a');
const b = refTo('file', 'disk', '/b');

/** A state folder whose secrets are in a JSON file beside it. */
function setUp(store: object, more: {readonly secrets?: object; readonly auth?: object} = {}) {
	const root = temporaryFolder();
	const paths = statePaths(join(root, 'state'));
	const file = join(root, 'secrets.json');
	const keep = (secrets: object) => put(file, secrets);
	const stored = (entry: object, agentId = 'main') => put(paths.profiles(agentId), {version: 1, ...entry});
	keep({a: 'not-a-secret-a1', b: 'not-a-secret-b1'});
	stored(store);
	const providers = {disk: {source: 'file', path: file}, ...more.secrets};
	put(paths.config, {...(more.auth ? {auth: more.auth} : {}), secrets: {providers}});
	const open = () => openJarvis({stateDir: paths.root, env: {}, now: () => now});
	return {paths, keep, stored, open};
}

const two = {profiles: {'acme:a': key(a), 'acme:b': key(b)}};

async function secretsOf(jarvis: ReturnType<typeof openJarvis>): Promise<string[]> {
	const all = ['acme:a', 'acme:b'].map(profileId => jarvis.resolve({providerId: 'acme', profileId}));
	return (await Promise.allSettled(all)).map(outcome =>
		outcome.status === 'fulfilled' ? outcome.value.secret : String(outcome.reason.code),
	);
}

describe('a loaded snapshot', () => {
	test('is all that requests read, until it is loaded anew', async () => {
		const {keep, open} = setUp(two);
		const jarvis = open();
		expect(await jarvis.activateSecrets()).toMatchObject({ok: true, state: 'ready', ignored: []});
		keep({a: 'not-a-secret-a2', b: 'not-a-secret-b2'});
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
		await jarvis.reloadSecrets();
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a2', 'not-a-secret-b2']);
	});

	test('is replaced whole or not at all; a failure is said once, and so is the recovery', async () => {
		const {keep, open} = setUp(two);
		const jarvis = open();
		await jarvis.activateSecrets();
		keep({a: 'not-a-secret-a2'});
		const failed = await jarvis.reloadSecrets();
		expect(failed).toMatchObject({
			...{ok: false, state: 'degraded', change: 'degraded'},
			refs: [{ref: a}, {ref: b, failure: {code: 'not_found'}, usedBy: [{profileId: 'acme:b'}]}],
		});
		expect(failed.refs[0]?.failure).toBeUndefined();
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
		// What is handed out counts as resolved.
		const states = (await jarvis.snapshot()).agents[0]?.profiles.map(({unresolved}) => unresolved);
		expect(states).toEqual([undefined, undefined]);
		const again = await jarvis.reloadSecrets();
		expect([again.state, again.change]).toEqual(['degraded', undefined]);
		keep({a: 'not-a-secret-a3', b: 'not-a-secret-b3'});
		expect(await jarvis.reloadSecrets()).toMatchObject({ok: true, state: 'ready', change: 'recovered'});
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a3', 'not-a-secret-b3']);
		expect((await jarvis.reloadSecrets()).change).toBeUndefined();
	});

	test('does not come about while one does not resolve, and the error says which and why', async () => {
		const {keep, open} = setUp(two);
		keep({a: 'not-a-secret-a1'});
		const error = await refusal(open().activateSecrets());
		expect(error).toMatchObject({code: 'secrets_unresolved', exitCode: 1});
		expect(error.message).toContain('file:disk:/b (acme:b of main)');
		expect(JSON.stringify(error)).not.toContain('not-a-secret');
	});

	test('a start that may be partial takes what resolves', async () => {
		const {paths, keep, open} = setUp(two);
		keep({a: 'not-a-secret-a1'});
		const jarvis = open();
		const report = await jarvis.activateSecrets({partial: true});
		expect(report).toMatchObject({
			ok: false,
			state: 'ready',
			refs: [{ref: a}, {failure: {code: 'not_found'}}],
		});
		expect(report.change).toBeUndefined();
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'unresolved_ref']);
		// Nor does a file that cannot be read keep the others' refs from being used.
		const other = open();
		put(paths.profiles('work'), '{');
		expect(await other.activateSecrets({partial: true})).toMatchObject({problems: [{code: 'store_damaged'}]});
		expect(await secretsOf(other)).toEqual(['not-a-secret-a1', 'unresolved_ref']);
		put(paths.profiles('work'), {});
		// From here on it is as after a whole one.
		keep({b: 'not-a-secret-b2'});
		expect(await jarvis.reloadSecrets()).toMatchObject({ok: false, change: 'degraded'});
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'unresolved_ref']);
	});

	test('a ref that came later is not read before the next loading', async () => {
		const {stored, open} = setUp({profiles: {'acme:a': key(a)}});
		const jarvis = open();
		await jarvis.activateSecrets();
		stored(two);
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'unresolved_ref']);
		const [, late] = (await jarvis.snapshot()).agents[0]?.profiles ?? [];
		expect(late?.unresolved?.code).toBe('not_loaded');
		await jarvis.reloadSecrets();
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
	});

	test('requests that come while it is loaded for the first time wait for it', async () => {
		const folder = temporaryFolder();
		const slow = programOf(
			answering(`({ids}) => {
				const fs = require('node:fs');
				fs.appendFileSync(${JSON.stringify(join(folder, 'calls'))}, 'x');
				while (!fs.existsSync(${JSON.stringify(join(folder, 'go'))})) {}
				return {values: Object.fromEntries(ids.map(id => [id, 'not-a-secret-' + id]))};
			}`),
		);
		const {open} = setUp(
			{profiles: {'acme:a': key(refTo('exec', 'vault', 'a')), 'acme:b': key(refTo('exec', 'vault', 'b'))}},
			{secrets: {vault: {source: 'exec', command: slow}}},
		);
		const jarvis = open();
		const loading = jarvis.activateSecrets();
		const asked = secretsOf(jarvis);
		// Who only looks does not wait, and takes refs for good until something else is known.
		const looked = (await jarvis.snapshot()).agents[0]?.profiles.map(({unresolved}) => unresolved);
		expect(looked).toEqual([undefined, undefined]);
		put(join(folder, 'go'), '');
		await loading;
		expect(await asked).toEqual(['not-a-secret-a', 'not-a-secret-b']);
		expect(text(join(folder, 'calls'))).toBe('x');
	});

	test('loadings that are asked for at once are one, and one more', async () => {
		const calls = join(temporaryFolder(), 'calls');
		const counted = programOf(
			answering(`({ids}) => {
				require('node:fs').appendFileSync(${JSON.stringify(calls)}, 'x');
				return {values: Object.fromEntries(ids.map(id => [id, 'not-a-secret']))};
			}`),
		);
		const {open} = setUp(
			{profiles: {'acme:a': key(refTo('exec', 'vault', 'a'))}},
			{secrets: {vault: {source: 'exec', command: counted}}},
		);
		const jarvis = open();
		const reports = await Promise.all([1, 2, 3, 4].map(() => jarvis.reloadSecrets()));
		expect(reports.map(({ok}) => ok)).toEqual([true, true, true, true]);
		expect(text(calls)).toBe('xx');
	});
});

describe('what is in the way', () => {
	test.each([
		['an agent’s file that is damaged', 'main', '{'],
		['the file of an agent that uses none', 'work', '{'],
	])('%s: its refs are not known', async (_, agentId, content) => {
		const {paths, keep, open} = setUp(two);
		const jarvis = open();
		await jarvis.activateSecrets();
		put(paths.profiles(agentId), content);
		keep({a: 'not-a-secret-a2', b: 'not-a-secret-b2'});
		const report = await jarvis.reloadSecrets();
		expect(report).toMatchObject({ok: false, problems: [{code: 'store_damaged'}]});
		put(paths.profiles(agentId), agentId === 'main' ? {version: 1, ...two} : {});
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
	});

	test('a jarvis.json that cannot be read: what was loaded stays in use', async () => {
		const {paths, open} = setUp(two);
		const jarvis = open();
		await jarvis.activateSecrets();
		const config = text(paths.config);
		rmSync(paths.config);
		mkdirSync(paths.config);
		expect(await jarvis.reloadSecrets()).toMatchObject({
			...{ok: false, change: 'degraded', problems: [expect.anything()]},
			refs: [{failure: {message: 'jarvis.json cannot be read'}}, {failure: {code: 'unavailable'}}],
		});
		rmSync(paths.config, {recursive: true});
		put(paths.config, config);
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
		expect(await jarvis.reloadSecrets()).toMatchObject({ok: true, change: 'recovered'});
	});

	test('whatever else goes wrong: it is in the report, and what was loaded stays in use', async () => {
		const {paths} = setUp(two);
		let clock = () => now;
		const runtime = startSecretRuntime({paths, env: {}, now: () => clock()});
		expect(await runtime.load({partial: false})).toMatchObject({ok: true});
		clock = () => expect.fail('the clock stands still');
		expect(await runtime.load()).toMatchObject({
			...{ok: false, state: 'degraded', change: 'degraded'},
			problems: [{code: 'unexpected'}],
		});
		expect(await runtime.valueOf(a)).toEqual({value: 'not-a-secret-a1'});
	});

	test('an OAuth profile that holds a ref, unless no order leads to it', async () => {
		const odd = {...two.profiles, 'acme:odd': {type: 'oauth', provider: 'acme', access: 'x', keyRef: a}};
		const {stored, open} = setUp({profiles: odd});
		const jarvis = open();
		expect(await jarvis.reloadSecrets()).toMatchObject({
			...{ok: false, change: 'degraded'},
			problems: [{message: expect.stringContaining('acme:odd')}],
		});
		stored({profiles: odd, order: {acme: ['acme:a', 'acme:b']}});
		expect(await jarvis.reloadSecrets()).toMatchObject({ok: true, change: 'recovered', problems: []});
	});
});

describe('a ref that nothing uses', () => {
	const gone = refTo('exec', 'nowhere', 'x');
	const withGone = {profiles: {...two.profiles, 'acme:gone': key(gone)}};

	test.each([
		['is left out by the agent’s order', {...withGone, order: {acme: ['acme:b', 'acme:a']}}, {}],
		['is left out by the configured order', withGone, {order: {acme: ['acme:a', 'acme:b']}}],
		[
			'is of an expired token',
			{
				profiles: {
					...two.profiles,
					'acme:gone': {type: 'token', provider: 'acme', tokenRef: gone, expires: now - 1},
				},
			},
			{},
		],
	])('because it %s is told, and in nobody’s way', async (_, store, auth) => {
		const {open} = setUp(store, {auth});
		const report = await open().activateSecrets();
		expect(report).toMatchObject({
			ok: true,
			ignored: [{code: 'SECRETS_REF_IGNORED_INACTIVE_SURFACE', ref: gone, profileId: 'acme:gone'}],
		});
	});

	test('stays so while a file cannot be read', async () => {
		const {paths, open} = setUp({...withGone, order: {acme: ['acme:a', 'acme:b']}});
		const jarvis = open();
		await jarvis.activateSecrets();
		put(paths.profiles('work'), '{');
		expect(await jarvis.reloadSecrets()).toMatchObject({ok: false, change: 'degraded'});
		const {profiles = []} = (await jarvis.snapshot()).agents[0] ?? {};
		expect(profiles.map(({unresolved}) => unresolved)).toEqual([undefined, undefined, undefined]);
	});

	test('is in the way as soon as an order leads to it, also for an agent that reads it of the main one', async () => {
		const {stored, open} = setUp({...withGone, order: {acme: ['acme:a', 'acme:b']}});
		// The reader has an order of its own, in which the main agent's profile stands.
		stored({profiles: {}, order: {acme: ['acme:gone']}}, 'work');
		const report = await open().reloadSecrets();
		expect(report).toMatchObject({
			ok: false,
			refs: [{ref: a}, {ref: b}, {ref: gone, failure: {code: 'unknown_provider'}}],
		});
	});
});

describe('without a snapshot', () => {
	test('a ref is resolved when it is first needed, once, and the others are not', async () => {
		const {keep, open} = setUp({profiles: {...two.profiles, 'acme:gone': key(refTo('exec', 'no', 'x'))}});
		const jarvis = open();
		expect((await secretsOf(jarvis))[0]).toBe('not-a-secret-a1');
		keep({a: 'not-a-secret-a2'});
		expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a1', 'not-a-secret-b1']);
	});

	test('one that does not resolve is passed over for the next profile, and told', async () => {
		const {keep, open} = setUp({...two, order: {acme: ['acme:a', 'acme:b']}});
		keep({b: 'not-a-secret-b1'});
		expect(await open().resolve({providerId: 'acme'})).toMatchObject({
			...{profileId: 'acme:b', secret: 'not-a-secret-b1'},
			passedOver: [{profileId: 'acme:a', reason: 'unresolved_ref', why: expect.stringContaining('/a')}],
		});
		keep({});
		const error = await refusal(open().resolve({providerId: 'acme'}));
		expect(error).toMatchObject({code: 'unresolved_ref', exitCode: 1});
		expect(error.message).toMatch(/nothing at \/a.*nothing at \/b/);
	});

	test('who explains finds out first', async () => {
		const {keep, open} = setUp({...two, order: {acme: ['acme:a', 'acme:b']}});
		keep({b: 'not-a-secret-b1'});
		expect(await open().which({providerId: 'acme'})).toMatchObject({chosen: {profileId: 'acme:b'}});
		const {agents} = await open().snapshot({refs: 'resolve'});
		expect(agents[0]?.profiles.map(({unresolved}) => unresolved?.code)).toEqual(['not_found', undefined]);
	});
});

test('another process asks, and what came of it is told', async () => {
	const {keep, open} = setUp(two);
	const jarvis = open();
	await jarvis.activateSecrets();
	const told = Promise.withResolvers<SecretsReport>();
	onTestFinished(await jarvis.followSecrets(told.resolve));
	keep({a: 'not-a-secret-a2', b: 'not-a-secret-b2'});
	await open().askForSecretsReload();
	expect(await told.promise).toMatchObject({ok: true});
	expect(await secretsOf(jarvis)).toEqual(['not-a-secret-a2', 'not-a-secret-b2']);
});
