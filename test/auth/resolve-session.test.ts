import {readFileSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it, onTestFinished, test, vi} from 'vitest';
import type {PassedOver, ResolveRequest} from '../../source/auth/resolve.ts';
import {commandTable} from '../../source/commands/table.ts';
import type {JarvisOptions} from '../../source/core.ts';
import type {JarvisError} from '../../source/errors.ts';
import {acquireLock} from '../../source/store/lock.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	type StoredDocument,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {endWorkers, startWorkers, type Worker} from '../support/workers.ts';
import type {RoutingWorker} from './routing-worker.ts';

const key = (name: string, provider = 'acme') => ({type: 'api_key', provider, key: canary(name)});
const two = {'acme:a': key('a'), 'acme:b': key('b')};
const sessionKey = 'chat:1';
const minute = 60_000;

/** A session's agent whose primary model is acme/one, with a fallback of another provider. */
const defaults = {model: {primary: 'acme/one', fallbacks: ['other/two']}};

async function open(document: Partial<StoredDocument> = {}, config: object = {agents: {defaults}}) {
	const sandbox = await openSandbox();
	const start = Date.now();
	const clock = {now: start};
	writeStore(sandbox, 'main', {profiles: two, ...document});
	writeJson(sandbox.paths.config, config);
	const jarvis = sandbox.open({now: () => clock.now});
	return {
		...sandbox,
		jarvis,
		clock,
		ask: (request: ResolveRequest = {}) => jarvis.resolve({sessionKey, ...request}),
		/** The session as the file has it. */
		session: () => stored(sandbox)[sessionKey] ?? {},
	};
}

function stored({paths}: Pick<Sandbox, 'paths'>): Record<string, Record<string, unknown>> {
	return JSON.parse(readFileSync(paths.sessions('main'), 'utf8'));
}

const pin = (profileId: string, source = 'auto') => ({
	...{authProfileOverride: profileId, authProfileOverrideSource: source},
});

function passedOver(error: JarvisError): readonly PassedOver[] {
	return error.details.passedOver as readonly PassedOver[];
}

describe('a session', () => {
	test('keeps the profile that was picked for it, while others have their turns', async () => {
		const {ask, jarvis, session} = await open();
		expect(await ask()).toMatchObject({profileId: 'acme:a', provider: 'acme', model: 'one'});
		expect(session()).toMatchObject({...pin('acme:a'), authProfileOverrideCompactionCount: 0});
		expect(session()).not.toHaveProperty('modelOverride');
		await jarvis.reportSuccess({profileId: 'acme:a'});
		expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'acme:b'});
		expect(await ask()).toMatchObject({profileId: 'acme:a', why: 'kept for the session'});
		expect(await ask({sessionKey: 'chat:2'})).toMatchObject({profileId: 'acme:b'});
	});

	test('that keeps its profile is not written again', async () => {
		const {ask, session, clock} = await open();
		await ask();
		const before = session();
		clock.now += minute;
		await ask();
		expect(session()).toEqual(before);
	});

	test('uses its own model, and a provider as it is asked for', async () => {
		const {ask, jarvis} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		await jarvis.sendToSession('main', sessionKey, '/model other/own');
		expect(await ask()).toMatchObject({provider: 'other', model: 'own', profileId: 'other:x'});
		expect(await ask({providerId})).not.toHaveProperty('model');
		expect(await ask({model: 'acme/asked'})).toMatchObject({provider: 'acme', model: 'asked'});
	});

	test('is kept to a profile without any model too, where a provider was asked for', async () => {
		const {ask, session} = await open({}, {});
		await ask({providerId});
		expect(session()).toMatchObject(pin('acme:a'));
		expect(await refusal(ask())).toMatchObject({code: 'no_model', exitCode: 2});
	});

	it.each(['x', '/x', 'acme/'])('says that a primary model %j names no provider', async primary => {
		const {ask} = await open({}, {agents: {defaults: {model: {primary}}}});
		expect(await refusal(ask())).toMatchObject({
			...{code: 'no_model', exitCode: 2},
			message: `The primary model in jarvis.json, "${primary}", names no provider, and is no alias.`,
		});
	});

	test.each(['', ' a', 'a\nb', '\u001b[31m'])('of the key %j is refused', async odd => {
		const {ask} = await open();
		expect(await refusal(ask({sessionKey: odd}))).toMatchObject({code: 'session_invalid_key'});
	});
});

describe('the profile of a session moves', () => {
	type Opened = Awaited<ReturnType<typeof open>>;

	test.each<[string, (opened: Opened) => Promise<unknown>]>([
		[
			'when it is set aside',
			({jarvis}) => jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'rate_limit'}),
		],
		[
			'when it is set aside, also for the request that tried it',
			async ({jarvis, ask}) => {
				await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'rate_limit'});
				await ask({tried: ['acme:a']});
				await jarvis.clearCooldown({profileId: 'acme:a'});
			},
		],
		['when it is disabled', ({jarvis}) => jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'billing'})],
		['when it is gone', ({jarvis}) => jarvis.removeProfile('main', 'acme:a')],
		['when the order leaves it out', ({jarvis}) => jarvis.setOrder('main', providerId, ['acme:b'])],
	])('%s, and stays where it went', async (_, change) => {
		const opened = await open();
		await opened.ask();
		await change(opened);
		expect(await opened.ask()).toMatchObject({profileId: 'acme:b'});
		expect(opened.session()).toMatchObject(pin('acme:b'));
		opened.clock.now += 48 * 60 * minute;
		expect(await opened.ask()).toMatchObject({profileId: 'acme:b', why: 'kept for the session'});
	});

	test.each(['reset', 'compacted'] as const)('when the session was %s', async what => {
		const {ask, jarvis, session} = await open();
		await ask();
		await jarvis.reportSuccess({profileId: 'acme:a'});
		const before = session();
		if (what === 'reset') await jarvis.resetSession('main', sessionKey);
		else await jarvis.sessionCompacted('main', sessionKey);
		expect(await ask()).toMatchObject({profileId: 'acme:b'});
		expect(session()).toMatchObject({
			...pin('acme:b'),
			authProfileOverrideCompactionCount: what === 'reset' ? 0 : 1,
		});
		expect(session().sessionId === before.sessionId).toBe(what === 'compacted');
	});

	test('when its refresh token is refused', async () => {
		const {server, ...sandbox} = await openSandbox();
		const entry = {...(await expiredEntry(server)), refresh: canary('refused')};
		writeStore(sandbox, 'main', {profiles: {'acme:maya': entry, 'acme:z': key('z')}});
		const ask = () => sandbox.open().resolve({providerId, sessionKey});
		expect(await ask()).toMatchObject({
			profileId: 'acme:z',
			passedOver: [{profileId: 'acme:maya', reason: 'needs_login'}],
		});
		expect(stored(sandbox)[sessionKey]).toMatchObject(pin('acme:z'));
		expect(server.refreshRequests).toBe(1);
	});

	test('to a model’s provider, once that is the session’s', async () => {
		const other = {'other:x': key('x', 'other'), 'other:y': key('y', 'other')};
		const {ask, paths, session} = await open({profiles: {...two, ...other}});
		await ask();
		writeJson(paths.config, {agents: {defaults: {model: 'other/two'}}});
		expect(await ask()).toMatchObject({profileId: 'other:x'});
		expect(session()).toMatchObject(pin('other:x'));
	});
});

describe('the profile of a session stays', () => {
	test('while its server cannot be reached', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {'acme:maya': {...entry, expires: Date.now() + minute}, ...two}});
		const ask = (now: number) => sandbox.open({now: () => now}).resolve({providerId, sessionKey});
		expect(await ask(Date.now())).toMatchObject({profileId: 'acme:maya'});
		sandbox.server.setTokenFailure({status: 500, body: '{"error":"server_error"}'});
		expect(await ask(Date.now() + minute)).toMatchObject({
			profileId: 'acme:a',
			passedOver: [{profileId: 'acme:maya', reason: 'refresh_unavailable'}],
		});
		expect(stored(sandbox)[sessionKey]).toMatchObject(pin('acme:maya'));
		sandbox.server.setTokenFailure(undefined);
		expect(await ask(Date.now() + minute)).toMatchObject({profileId: 'acme:maya'});
	});

	test('while a fallback model is used for it', async () => {
		const {ask, jarvis, session, clock} = await open({
			profiles: {'acme:a': key('a'), 'other:x': key('x', 'other')},
		});
		await ask();
		await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'rate_limit'});
		expect(await ask()).toMatchObject({profileId: 'other:x', model: 'two'});
		expect(session()).toMatchObject(pin('acme:a'));
		clock.now += minute;
		expect(await ask()).toMatchObject({profileId: 'acme:a', model: 'one'});
	});

	test('where there is none yet, and a fallback model is used for a model that was asked for', async () => {
		const {ask, paths} = await open(
			{profiles: {'acme:a': {...key(''), key: ''}, 'other:x': key('x', 'other')}},
			{agents: {defaults: {model: {fallbacks: ['other/two']}}}},
		);
		expect(await ask({model: 'acme/one'})).toMatchObject({profileId: 'other:x', model: 'two'});
		expect(() => readFileSync(paths.sessions('main'))).toThrow('ENOENT');
	});

	test('where a person chose it, of another provider than that of the model', async () => {
		const {ask, paths, session} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		writeJson(paths.sessions('main'), {[sessionKey]: {sessionId: 's', ...pin('other:x', 'user')}});
		expect(await ask()).toMatchObject({profileId: 'acme:a'});
		expect(session()).toEqual({sessionId: 's', ...pin('other:x', 'user')});
	});

	test('while another provider is asked for', async () => {
		const {ask, session} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		await ask();
		expect(await ask({providerId: 'other'})).toMatchObject({profileId: 'other:x'});
		expect(await ask({model: 'other/two'})).toMatchObject({profileId: 'other:x'});
		expect(session()).toMatchObject(pin('acme:a'));
	});

	test('while one request has tried it, or wants what it cannot give', async () => {
		const short = {type: 'token', provider: 'acme', token: canary('short'), expires: Date.now() + minute};
		const {ask, session} = await open({profiles: {'acme:a': short, 'acme:b': key('b')}});
		await ask();
		expect(await ask({tried: ['acme:a']})).toMatchObject({profileId: 'acme:b'});
		expect(await ask({minTtlMs: 2 * minute})).toMatchObject({profileId: 'acme:b'});
		expect(session()).toMatchObject(pin('acme:a'));
	});

	test('while another one is asked for by name', async () => {
		const {ask, session} = await open();
		await ask();
		expect(await ask({profileId: 'acme:b'})).toMatchObject({profileId: 'acme:b', why: 'asked for'});
		expect(await ask({model: 'acme/one@acme:b'})).toMatchObject({profileId: 'acme:b'});
		expect(session()).toMatchObject(pin('acme:a'));
	});

	test('where it is a last resort', async () => {
		const {ask, jarvis, paths} = await open();
		for (const profileId of Object.keys(two)) await jarvis.reportFailure({profileId}, {reason: 'auth'});
		expect(await ask()).toMatchObject({reason: 'cooldown', until: expect.any(Number)});
		expect(() => readFileSync(paths.sessions('main'))).toThrow('ENOENT');
	});

	test('where a request for another provider came first: that makes no pin', async () => {
		const {ask, jarvis, session} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		await ask({providerId: 'other'});
		await ask();
		expect(session()).toMatchObject(pin('acme:a'));
		await jarvis.reportSuccess({profileId: 'acme:a'});
		expect(await ask()).toMatchObject({profileId: 'acme:a'});
	});
});

describe('a profile that a person chose', () => {
	test('is used whatever happens to it, and stays', async () => {
		const {ask, jarvis, session} = await open();
		await jarvis.sendToSession('main', sessionKey, '/model acme/one@acme:b');
		await jarvis.setOrder('main', providerId, ['acme:a']);
		await jarvis.reportFailure({profileId: 'acme:b'}, {reason: 'billing'});
		await jarvis.sessionCompacted('main', sessionKey);
		expect(await ask()).toMatchObject({profileId: 'acme:b', reason: 'disabled'});
		expect(session()).toMatchObject(pin('acme:b', 'user'));
	});

	test('leaves no other profile, but the fallback model', async () => {
		const {ask, jarvis, session} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		await jarvis.sendToSession('main', sessionKey, '/model acme/one@acme:b');
		await jarvis.removeProfile('main', 'acme:b');
		expect(await ask()).toMatchObject({
			...{provider: 'other', model: 'two', profileId: 'other:x'},
			modelWhy: 'fallback 1: every profile for acme/one is out',
			passedOver: [
				{provider: 'acme', model: 'one', profileId: 'acme:b', reason: 'unknown_profile'},
				{provider: 'acme', model: 'one', profileId: 'acme:a', reason: 'excluded_by_pin'},
			],
		});
		expect(session()).toMatchObject(pin('acme:b', 'user'));
	});

	test.each([
		['is gone', 'no_credential', ['unknown_profile', 'excluded_by_pin']],
		['is set aside', 'profiles_set_aside', ['cooldown', 'excluded_by_pin']],
	] as const)('and that %s is named, with the command that lets it go', async (what, code, reasons) => {
		const {ask, jarvis} = await open();
		await jarvis.sendToSession('main', sessionKey, '/model acme/one@acme:b');
		if (what === 'is gone') await jarvis.removeProfile('main', 'acme:b');
		else await jarvis.reportFailure({profileId: 'acme:b'}, {reason: 'auth'});
		const error = await refusal(ask({readyOnly: true}));
		expect(error.code).toBe(code);
		expect(error.message).toContain('The session "chat:1" is pinned to acme:b, and no other profile');
		expect(error.next).toContain("jarvis sessions send 'chat:1' '/model default' --agent main");
		expect(passedOver(error).map(({reason}) => reason)).toEqual(reasons);
		await jarvis.sendToSession('main', sessionKey, '/model default');
		expect(await ask({readyOnly: true})).toMatchObject({profileId: 'acme:a'});
	});

	test('is not blamed for what another provider has not', async () => {
		const {ask, jarvis} = await open({profiles: {...two, 'other:x': key('x', 'other')}});
		await jarvis.sendToSession('main', sessionKey, '/model acme/one@acme:b');
		const error = await refusal(ask({providerId: 'other', tried: ['other:x']}));
		expect(error.message + error.next).not.toMatch(/pinned|let the session go/);
		expect(passedOver(error)).toMatchObject([{profileId: 'other:x', reason: 'already_tried'}]);
	});

	test('and that cannot be refreshed is said so, with both ways out', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'work', {profiles: {'acme:maya': entry, ...two}});
		const jarvis = sandbox.open();
		await jarvis.sendToSession('work', sessionKey, '/model acme/one@acme:maya');
		await sandbox.server.close();
		const error = await refusal(jarvis.resolve({agentId: 'work', sessionKey}));
		expect(error).toMatchObject({code: 'refresh_unavailable', exitCode: 1});
		expect(error.message).toContain('The session "chat:1" is pinned to acme:maya');
		expect(error.next).toContain("jarvis sessions send 'chat:1' '/model default' --agent work");
	});
});

describe('what another process does meanwhile', () => {
	/** A sandbox where the next request to the token server is preceded by what is given. */
	async function withMeanwhile(act: (sandbox: Sandbox) => Promise<unknown>) {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {'acme:maya': entry, ...two}});
		writeJson(sandbox.paths.config, {agents: {defaults: {model: 'acme/one'}}});
		const fetchAfterwards: NonNullable<JarvisOptions['fetch']> = async (...request) => {
			await act(sandbox);
			return fetch(...request);
		};
		return {...sandbox, jarvis: sandbox.open({fetch: fetchAfterwards})};
	}

	test('holds: the profile that it picked is used, once the session has it', async () => {
		const {jarvis, ...sandbox} = await withMeanwhile(async other => {
			await other.open().setOrder('main', providerId, ['acme:b', 'acme:maya']);
			await other.open().resolve({sessionKey});
		});
		expect(await jarvis.resolve({sessionKey})).toMatchObject({
			profileId: 'acme:b',
			why: 'kept for the session',
		});
		expect(stored(sandbox)[sessionKey]).toMatchObject(pin('acme:b'));
	});

	test('holds: so does what a person chose', async () => {
		const {jarvis, ...sandbox} = await withMeanwhile(async other => {
			await other.open().sendToSession('main', sessionKey, '/model acme/one@acme:b');
		});
		expect(await jarvis.resolve({sessionKey})).toMatchObject({profileId: 'acme:b'});
		expect(stored(sandbox)[sessionKey]).toMatchObject(pin('acme:b', 'user'));
	});

	test('holds: a session that begins anew is not given back what it had', async () => {
		const {jarvis, ...sandbox} = await withMeanwhile(other => other.open().resetSession('main', sessionKey));
		writeJson(sandbox.paths.sessions('main'), {[sessionKey]: {sessionId: 's', ...pin('acme:gone')}});
		expect(await jarvis.resolve({sessionKey})).toMatchObject({profileId: 'acme:maya'});
		expect(stored(sandbox)[sessionKey]).not.toHaveProperty('authProfileOverride');
	});

	describe('with real processes', () => {
		let workers: readonly Worker<RoutingWorker>[];

		beforeAll(async () => {
			workers = await startWorkers<RoutingWorker>(new URL('routing-worker.ts', import.meta.url), 8);
		}, 60_000);
		afterAll(endWorkers);

		it('one new session is given one profile, whatever each would pick', async () => {
			const {jarvis, stateDir, ...sandbox} = await open({}, {agents: {defaults: {model: 'acme/one'}}});
			const rounds = Array.from({length: 12}, (_, index) => `chat:${index}`);
			for (const round of rounds) {
				const answers = Promise.all(
					workers.map(worker => worker.call('resolve', stateDir, {sessionKey: round})),
				);
				// Until all have answered, the profile that each would pick changes again and again.
				let isOver = false;
				const turning = (async () => {
					for (let turn = 0; !isOver; turn++) {
						const ids = turn % 2 === 0 ? ['acme:b', 'acme:a'] : ['acme:a', 'acme:b'];
						await jarvis.setOrder('main', providerId, ids);
						// The answers must get in between.
						await setImmediate();
					}
				})();
				const picked = await answers;
				isOver = true;
				await turning;
				const kept = stored({...sandbox})[round]?.authProfileOverride;
				expect(new Set(picked)).toEqual(new Set([kept]));
			}
			expect(Object.keys(stored({...sandbox})).sort()).toEqual(rounds.sort());
		}, 120_000);
	});
});

describe('a session whose file is in use for too long', () => {
	test('is no fault of a profile, which is handed out all the same', async () => {
		const {ask, paths} = await open();
		const lock = await acquireLock(paths.locks, 'sessions-main');
		onTestFinished(() => lock?.release());
		let elapsed = 0;
		const clock = vi.spyOn(performance, 'now').mockImplementation(() => (elapsed += 1000));
		onTestFinished(() => clock.mockRestore());
		expect(await ask()).toMatchObject({reason: 'ok', passedOver: []});
	});
});

describe('a fallback model', () => {
	const other = {'other:x': key('x', 'other')};

	test('is used once every profile is out, and says so', async () => {
		const {ask, jarvis} = await open({profiles: {...two, ...other}});
		for (const profileId of Object.keys(two)) {
			expect(await ask()).toMatchObject({model: 'one'});
			await jarvis.reportFailure({profileId}, {reason: 'rate_limit'});
		}
		const resolved = await ask();
		expect(resolved).toMatchObject({
			...{provider: 'other', model: 'two', profileId: 'other:x'},
			modelWhy: 'fallback 1: every profile for acme/one is out',
		});
		expect(resolved.passedOver).toEqual(
			Object.keys(two).map(profileId => ({
				...{provider: 'acme', model: 'one', profileId, reason: 'cooldown'},
				...{why: 'cooling down after a rate limit', until: expect.any(Number)},
			})),
		);
	});

	test('is used after a refresh that failed, with what failed', async () => {
		const {server, ...opened} = await open();
		writeStore(opened, 'main', {profiles: {'acme:maya': await expiredEntry(server), ...other}});
		await server.close();
		expect(await opened.ask()).toMatchObject({
			profileId: 'other:x',
			passedOver: [
				{
					...{provider: 'acme', model: 'one', profileId: 'acme:maya', reason: 'refresh_unavailable'},
					why: expect.stringContaining('could not be refreshed'),
				},
			],
		});
	});

	test('that fails is told too, where what is set aside must do', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {
			profiles: {'other:x': key('x', 'other'), 'acme:maya': await expiredEntry(sandbox.server)},
			usageStats: {'other:x': {cooldownUntil: Date.now() + minute}},
		});
		writeJson(sandbox.paths.config, {
			agents: {defaults: {model: {primary: 'other/two', fallbacks: ['acme/one']}}},
		});
		await sandbox.server.close();
		expect(await sandbox.open().resolve({})).toMatchObject({
			...{profileId: 'other:x', model: 'two', reason: 'cooldown'},
			passedOver: [{profileId: 'acme:maya', model: 'one', reason: 'refresh_unavailable'}],
		});
	});

	test('of the same provider does not have what failed tried again', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		writeJson(sandbox.paths.config, {
			agents: {defaults: {model: {primary: 'acme/one', fallbacks: ['acme/two', 'acme/three']}}},
		});
		sandbox.server.setTokenFailure({status: 500, body: '{"error":"server_error"}'});
		expect(await refusal(sandbox.open().resolve({}))).toMatchObject({code: 'refresh_unavailable'});
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	test('is not used after a malformed request', async () => {
		const {ask, jarvis} = await open({profiles: {'acme:a': key('a'), ...other}});
		await ask();
		await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'format'});
		expect(await ask()).toMatchObject({profileId: 'acme:a', reason: 'cooldown'});
		const error = await refusal(ask({tried: ['acme:a']}));
		expect(passedOver(error)).toMatchObject([{profileId: 'acme:a', reason: 'already_tried'}]);
	});

	test('is not used where a profile was asked for by name', async () => {
		const {ask} = await open({profiles: {'acme:a': {...key(''), key: ''}, ...other}});
		for (const request of [{profileId: 'acme:a', model: 'acme/one'}, {model: 'acme/one@acme:a'}]) {
			const error = await refusal(ask(request));
			expect(error).toMatchObject({code: 'no_credential'});
			expect(passedOver(error)).toMatchObject([{profileId: 'acme:a', reason: 'missing_credential'}]);
		}
	});
});

describe('how long it must be good for', () => {
	test('a token that the server does not make so long is passed over', async () => {
		const sandbox = await openSandbox();
		const {expiresIn: _, ...entry} = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {'acme:maya': entry, 'acme:z': key('z')}});
		const day = 24 * 60 * minute;
		const ask = () => sandbox.open().resolve({providerId, minTtlMs: 365 * day});
		expect(await ask()).toMatchObject({
			profileId: 'acme:z',
			passedOver: [{profileId: 'acme:maya', reason: 'no_credential'}],
		});
		// What the server gave is kept, and its lifetime is known from now on.
		expect(await ask()).toMatchObject({passedOver: [{profileId: 'acme:maya', reason: 'short_lived'}]});
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId: 'acme:maya'});
		const error = await refusal(
			sandbox.open().resolve({providerId, profileId: 'acme:maya', minTtlMs: 365 * day}),
		);
		expect(error.message).toContain('(short_lived)');
	});
});

describe('what is set aside', () => {
	test('is handed out only where nothing else is left, unless a ready one is wanted', async () => {
		const {ask, jarvis} = await open();
		await jarvis.reportFailure({profileId: 'acme:b'}, {reason: 'auth'});
		await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'billing'});
		expect(await ask()).toMatchObject({profileId: 'acme:b', reason: 'cooldown'});
		expect(await ask({profileId: 'acme:a'})).toMatchObject({profileId: 'acme:a', reason: 'disabled'});
		const error = await refusal(ask({readyOnly: true}));
		expect(error).toMatchObject({code: 'profiles_set_aside', exitCode: 1});
		expect(error.next).toContain("jarvis models auth cooldown clear 'acme:b' --agent main");
		expect(passedOver(error)).toMatchObject([
			{profileId: 'acme:b', reason: 'cooldown', until: expect.any(Number)},
			{profileId: 'acme:a', reason: 'disabled', until: expect.any(Number)},
		]);
		await jarvis.clearCooldown({profileId: 'acme:b'});
		expect(await ask({readyOnly: true})).toMatchObject({profileId: 'acme:b', reason: 'ok'});
	});
});

test('the commands that errors name are there, and no error holds a secret', async () => {
	const {ask, jarvis, server, ...sandbox} = await open();
	const refused = {...(await expiredEntry(server)), refresh: canary('refused'), access: canary('access')};
	writeStore(sandbox, 'main', {
		profiles: {
			...{'acme:a': refused, 'acme:b': {...key('b'), key: ''}, 'acme:c': key('c')},
			'other:x': {type: 'token', provider: 'other', token: canary('t'), expires: 1},
		},
		usageStats: {'acme:c': {disabledUntil: Date.now() + minute}},
	});
	await jarvis.sendToSession('main', 'pinned', '/model acme/one@acme:b');
	const requests: ResolveRequest[] = [
		...[{readyOnly: true}, {profileId: 'acme:a'}, {profileId: 'acme:b'}, {sessionKey: 'pinned'}],
		...[
			{model: 'other/x@other:x'},
			{providerId: 'gone'},
			{profileId: 'acme:gone'},
			{model: 'acme/x@acme:no'},
		],
		...[{providerId: 'other', profileId: 'acme:a'}, {tried: ['acme:a', 'acme:c']}],
	];
	const paths = commandTable.map(({path}) => `jarvis ${path.join(' ')} `);
	for (const request of requests) {
		const error = await refusal(ask(request));
		const said = `${error.message} ${error.next} ${JSON.stringify(error)} ${error.stack}`;
		expect(said).not.toContain('canary-');
		const named = [...error.next.matchAll(/jarvis (?!\.)[a-z][^']*/g)].map(([command]) => command);
		for (const command of named.filter(text => !text.startsWith('jarvis.json'))) {
			expect(paths.filter(path => command.startsWith(path))).not.toEqual([]);
		}
		if (!/_(unknown|foreign)$/.test(error.code)) expect(passedOver(error)).toBeInstanceOf(Array);
	}
	expect(readStore(sandbox).usageStats?.['acme:a']).toHaveProperty('needsLogin');
});
