import {readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';
import {
	canary,
	readStore,
	refusal,
	type StoredDocument,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {endWorkers, startWorkers, type Worker} from '../support/workers.ts';
import type {RoutingWorker} from './routing-worker.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const profileId = 'acme:a';
const key = (name: string) => ({type: 'api_key', provider: 'acme', key: canary(name)});
const profiles = {'acme:a': key('a'), 'acme:b': key('b')};

function stateWith(document: Partial<StoredDocument> = {}, config: object = {}) {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	writeStore({paths}, 'main', {profiles, ...document});
	writeJson(paths.config, config);
	return {paths, stateDir, jarvis: openJarvis({stateDir, env: {}, now: () => now})};
}

const bytes = (paths: StatePaths, agentId = 'main') => readFileSync(paths.profiles(agentId), 'utf8');
const usage = (paths: StatePaths, agentId = 'main', id = profileId) =>
	readStore({paths}, agentId).usageStats?.[id];

describe('a failure', () => {
	test('is noted beside what is there, and sets the profile aside', async () => {
		const {paths, jarvis} = stateWith({
			version: 1,
			future: {kept: [1]},
			usageStats: {[profileId]: {lastUsed: 5, later: 'kept'}, 'acme:b': {lastUsed: 6}},
		});
		await jarvis.reportFailure({profileId}, {reason: 'rate_limit'});
		expect(readStore({paths})).toEqual({
			...{version: 1, profiles, future: {kept: [1]}},
			usageStats: {
				[profileId]: {
					...{lastUsed: 5, later: 'kept', errorCount: 1, failureCounts: {rate_limit: 1}},
					...{cooldownUntil: now + minute, lastFailureAt: now, lastFailureReason: 'rate_limit'},
					lastProven: {at: now, outcome: 'rate_limit'},
				},
				'acme:b': {lastUsed: 6},
			},
		});
		expect(await jarvis.resolve({providerId: 'acme'})).toMatchObject({profileId: 'acme:b'});
	});

	test('of billing is as jarvis.json says for its provider', async () => {
		const cooldowns = {billingBackoffHours: 9, billingBackoffHoursByProvider: {acme: 2}, billingMaxHours: 3};
		const {paths, jarvis} = stateWith({}, {auth: {cooldowns}});
		await jarvis.reportFailure({profileId}, {reason: 'billing'});
		expect(usage(paths)).toMatchObject({disabledUntil: now + 2 * hour, disabledReason: 'billing'});
		await jarvis.reportFailure({profileId}, {reason: 'billing', at: now + 2 * hour});
		expect(usage(paths)).toMatchObject({disabledUntil: now + 5 * hour, disabledCount: 2});
	});

	test('of billing is also as it says under another name of the provider', async () => {
		const cooldowns = {billingBackoffHoursByProvider: {claude: 1, acme: 2}};
		const profiles = {'anthropic:a': {type: 'api_key', provider: 'anthropic', key: canary('a')}};
		const {paths, jarvis} = stateWith({profiles}, {auth: {cooldowns}});
		await jarvis.reportFailure({profileId: 'anthropic:a'}, {reason: 'billing'});
		expect(readStore({paths}).usageStats?.['anthropic:a']).toMatchObject({disabledUntil: now + hour});
	});

	test('that is permanent ends what was known as good, of this profile alone', async () => {
		for (const [permanent, lastGood] of [
			[true, {other: profileId}],
			[false, {acme: profileId, other: profileId}],
		] as const) {
			const {paths, jarvis} = stateWith({lastGood: {acme: profileId, other: profileId}});
			await jarvis.reportFailure({profileId: 'acme:b'}, {reason: 'auth', permanent});
			expect(readStore({paths}).lastGood).toEqual({acme: profileId, other: profileId});
			await jarvis.reportFailure({profileId}, {reason: 'auth', permanent});
			expect(readStore({paths}).lastGood).toEqual(lastGood);
		}
	});

	test('is not noted of a profile or an agent that there is not', async () => {
		const {paths, jarvis} = stateWith();
		const before = bytes(paths);
		for (const report of [
			() => jarvis.reportFailure({profileId: 'acme:gone'}, {reason: 'auth'}),
			() => jarvis.reportSuccess({profileId: 'acme:gone'}),
			() => jarvis.clearCooldown({profileId: 'acme:gone'}),
		]) {
			expect(await refusal(report())).toMatchObject({
				code: 'profile_unknown',
				next: expect.stringContaining('jarvis models auth list --agent main'),
			});
		}
		const nobody = jarvis.reportFailure({agentId: 'nobody', profileId}, {reason: 'auth'});
		expect(await refusal(nobody)).toMatchObject({code: 'agent_unknown'});
		expect(bytes(paths)).toBe(before);
	});
});

describe('a success', () => {
	test('forgets the failures, and is the last good one', async () => {
		const {paths, jarvis} = stateWith();
		await jarvis.reportFailure({profileId}, {reason: 'billing'});
		await jarvis.reportFailure({profileId}, {reason: 'timeout'});
		await jarvis.reportSuccess({profileId}, {at: now + 5});
		expect(usage(paths)).toEqual({lastUsed: now + 5, lastProven: {at: now + 5, outcome: 'used'}});
		expect(readStore({paths}).lastGood).toEqual({acme: profileId});
	});

	test('of a request that began before the failure leaves it set aside, and is not the last good one', async () => {
		const {paths, jarvis} = stateWith({lastGood: {acme: 'acme:b'}});
		await jarvis.reportFailure({profileId}, {reason: 'auth'});
		const before = usage(paths);
		await jarvis.reportSuccess({profileId}, {at: now + 5, startedAt: now - 1});
		expect(usage(paths)).toEqual({...before, lastUsed: now + 5});
		expect(readStore({paths}).lastGood).toEqual({acme: 'acme:b'});
	});

	test('of the profile used longest ago puts it behind the others', async () => {
		const {jarvis} = stateWith();
		const next = async () => (await jarvis.resolve({providerId: 'acme'})).profileId;
		const turns: string[] = [];
		for (let turn = 0; turn < 4; turn++) {
			turns.push(await next());
			await jarvis.reportSuccess({profileId: turns.at(-1) ?? ''}, {at: now + turn});
		}
		expect(turns).toEqual(['acme:a', 'acme:b', 'acme:a', 'acme:b']);
	});
});

describe('clearing a cooldown', () => {
	test('forgets the failures and nothing else, and says whether there was anything', async () => {
		const {paths, jarvis} = stateWith({
			usageStats: {[profileId]: {lastUsed: 5, later: 'kept', needsLogin: {fingerprint: 'f'}}},
		});
		const before = usage(paths);
		expect(await jarvis.clearCooldown({profileId})).toEqual({cleared: false});
		await jarvis.reportFailure({profileId}, {reason: 'billing'});
		await jarvis.reportFailure({profileId}, {reason: 'auth'});
		expect(await jarvis.clearCooldown({profileId})).toEqual({cleared: true});
		const {lastProven: _, ...rest} = usage(paths) ?? {};
		expect(rest).toEqual(before);
		expect(await jarvis.clearCooldown({profileId: 'acme:b'})).toEqual({cleared: false});
	});

	test('of a profile that another agent has set aside says which one', async () => {
		const {paths, jarvis} = stateWith();
		writeStore({paths}, 'work', {profiles: {}});
		await jarvis.reportFailure({agentId: 'main', profileId}, {reason: 'billing'});
		await jarvis.reportFailure({agentId: 'work', profileId}, {reason: 'auth'});
		const main = bytes(paths);
		const work = {agentId: 'work', profileId};
		expect(await jarvis.clearCooldown(work)).toEqual({cleared: true, heldBy: 'main'});
		expect(await jarvis.clearCooldown(work)).toEqual({cleared: false, heldBy: 'main'});
		expect(bytes(paths)).toBe(main);
		expect(await jarvis.clearCooldown({agentId: 'main', profileId})).toEqual({cleared: true});
		expect(await jarvis.clearCooldown(work)).toEqual({cleared: false});
	});
});

describe('of a profile that is read of the main agent', () => {
	test('everything is noted in the file of the agent that used it', async () => {
		const {paths, jarvis} = stateWith({lastGood: {acme: profileId}});
		writeStore({paths}, 'work', {profiles: {'other:x': {...key('x'), provider: 'other'}}});
		const before = bytes(paths);
		const work = {agentId: 'work', profileId};
		await jarvis.reportFailure(work, {reason: 'auth', permanent: true});
		await jarvis.reportSuccess({...work, profileId: 'acme:b'});
		expect(bytes(paths)).toBe(before);
		const {profiles: own, usageStats, lastGood} = readStore({paths}, 'work');
		expect(Object.keys(own)).toEqual(['other:x']);
		expect(usageStats).toMatchObject({
			[profileId]: {disabledReason: 'auth'},
			'acme:b': {lastUsed: now},
		});
		expect(lastGood).toEqual({acme: 'acme:b'});
		expect(await jarvis.resolve({providerId: 'acme', agentId: 'work'})).toMatchObject({profileId: 'acme:b'});
		expect(await jarvis.resolve({providerId: 'acme'})).toMatchObject({profileId});
	});

	test('an agent without any file gets one that holds no profile', async () => {
		const {paths, jarvis} = stateWith({}, {agents: {list: [{id: 'work'}]}});
		await jarvis.reportFailure({agentId: 'work', profileId}, {reason: 'auth'});
		expect(readStore({paths}, 'work')).toMatchObject({
			profiles: {},
			usageStats: {[profileId]: {errorCount: 1}},
		});
	});
});

describe('16 processes at once', () => {
	let workers: readonly Worker<RoutingWorker>[];

	beforeAll(async () => {
		workers = await startWorkers<RoutingWorker>(new URL('routing-worker.ts', import.meta.url), 16);
	}, 60_000);
	afterAll(endWorkers);

	it('are each counted, and set a profile aside once', async () => {
		const {paths, stateDir} = stateWith();
		await Promise.all(
			workers.map((worker, index) => {
				const reason = (['auth', 'rate_limit', 'timeout', 'format'] as const)[index % 4] ?? 'auth';
				const failure = {reason, at: now + index, startedAt: now - index};
				return worker.call('report', stateDir, {profileId}, {failure});
			}),
		);
		const noted = usage(paths);
		expect(noted).toMatchObject({
			errorCount: 1,
			failureCounts: {auth: 4, rate_limit: 4, timeout: 4, format: 4},
		});
		const until = Number(noted?.cooldownUntil) - minute;
		expect(until).toBeGreaterThanOrEqual(now);
		expect(until).toBeLessThan(now + 16);
	}, 60_000);

	it('lose no count, however many each reports', async () => {
		const {paths, stateDir} = stateWith();
		const failure = {reason: 'network', at: now} as const;
		await Promise.all(workers.map(worker => worker.call('report', stateDir, {profileId}, {failure}, 4)));
		expect(usage(paths)).toEqual({failureCounts: {network: 64}});
	}, 60_000);

	it('that succeeded with older requests leave what one failed with', async () => {
		const {paths, stateDir, jarvis} = stateWith();
		await jarvis.reportFailure({profileId}, {reason: 'auth'});
		const before = usage(paths);
		await Promise.all(
			workers.map((worker, index) => {
				const success = {at: now + index, startedAt: now - 1 - index};
				return worker.call('report', stateDir, {profileId}, {success});
			}),
		);
		expect(usage(paths)).toEqual({...before, lastUsed: now + 15});
		expect(readStore({paths})).not.toHaveProperty('lastGood');
	}, 60_000);

	it('of two agents each write their own agent’s file', async () => {
		const {paths, stateDir} = stateWith();
		writeStore({paths}, 'work', {profiles: {}});
		const failure = {reason: 'auth', at: now} as const;
		await Promise.all(
			workers.map((worker, index) => {
				const agentId = index % 2 === 0 ? 'main' : 'work';
				return worker.call('report', stateDir, {agentId, profileId}, {failure});
			}),
		);
		for (const agentId of ['main', 'work']) {
			expect(usage(paths, agentId)).toMatchObject({errorCount: 1, failureCounts: {auth: 8}});
		}
		expect(readStore({paths}, 'work').profiles).toEqual({});
	}, 60_000);
});
