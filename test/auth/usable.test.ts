import {existsSync, readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it, test} from 'vitest';
import {setAsideUntil} from '../../source/auth/health.ts';
import {inheritedProfiles} from '../../source/auth/usable.ts';
import type {JsonObject} from '../../source/store/json.ts';
import {decodeAgentCredentials, type UsageStats} from '../../source/store/schema.ts';
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
import {assemble, type Crew} from './crew.ts';

const now = 1_900_000_000_000;
const hour = 3_600_000;
const key = (name: string, provider = 'acme') => ({type: 'api_key', provider, key: canary(name)});
const two = {'acme:a': key('a'), 'acme:b': key('b')};

/** Two agents, of which `work` has what is given and nothing else. */
async function withAgents(
	main: Partial<StoredDocument>,
	work: Partial<StoredDocument> = {},
	config: object = {},
) {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: two, ...main});
	writeStore(sandbox, 'work', {profiles: {}, ...work});
	writeJson(sandbox.paths.config, config);
	const jarvis = sandbox.open({now: () => now});
	return {
		...sandbox,
		jarvis,
		ask: (more: object = {}) => jarvis.resolve({providerId, agentId: 'work', ...more}),
	};
}

const bytes = ({paths}: Pick<Sandbox, 'paths'>, agentId: string) =>
	readFileSync(paths.profiles(agentId), 'utf8');

describe('an agent without profiles of a provider', () => {
	test('uses the main agent’s, which is told', async () => {
		const {ask} = await withAgents({}, {profiles: {'other:x': key('x', 'other')}});
		expect(await ask()).toMatchObject({
			...{agentId: 'work', owner: 'main', profileId: 'acme:a', secret: canary('a')},
		});
		expect(await ask({profileId: 'acme:b'})).toMatchObject({owner: 'main', secret: canary('b')});
		expect(await ask({model: 'acme/m@acme:b'})).toMatchObject({owner: 'main', secret: canary('b')});
	});

	test('tells of no owner where the profile is its own', async () => {
		const {ask, jarvis} = await withAgents({}, {profiles: {'acme:mine': key('mine')}});
		expect(await ask()).not.toHaveProperty('owner');
		expect(await jarvis.resolve({providerId})).not.toHaveProperty('owner');
	});

	test('has the main agent’s order of them, or one of its own', async () => {
		const order = {acme: ['acme:b', 'acme:a']};
		expect(await (await withAgents({}, {order})).ask()).toMatchObject({profileId: 'acme:b'});
		expect(await (await withAgents({order})).ask()).toMatchObject({profileId: 'acme:b'});
		const both = await withAgents({order}, {order: {acme: ['acme:a']}});
		expect(await both.ask()).toMatchObject({profileId: 'acme:a', why: 'place 1 of the order'});
		const left = await withAgents({}, {order: {acme: ['acme:b']}});
		expect(await refusal(left.ask({tried: ['acme:b']}))).toMatchObject({
			message: expect.stringContaining('acme:a: left out by the order (excluded_by_auth_order)'),
		});
	});

	test('can set that order as for its own', async () => {
		const {jarvis, ask, ...sandbox} = await withAgents({profiles: {...two, 'other:x': key('x', 'other')}});
		await jarvis.setOrder('work', providerId, ['acme:b']);
		expect(readStore(sandbox, 'work').order).toEqual({acme: ['acme:b']});
		expect(await ask()).toMatchObject({profileId: 'acme:b', why: 'place 1 of the order'});
		for (const [id, code] of [
			['acme:gone', 'profile_unknown'],
			['other:x', 'profile_foreign'],
		] as const) {
			expect(await refusal(jarvis.setOrder('work', providerId, [id]))).toMatchObject({code});
		}
	});

	test.each<[string, Partial<StoredDocument>, object]>([
		['that may not read of it', {}, {agents: {list: [{id: 'work', readsMain: false}]}}],
		['that may not, however that is written', {}, {agents: {list: [{id: 'work', readsMain: 'no'}]}}],
		['that has one, though it cannot be used', {profiles: {'acme:mine': {...key(''), key: ''}}}, {}],
		[
			'that has one, though it is set aside',
			{profiles: {'acme:mine': key('m')}, usageStats: {'acme:mine': {disabledUntil: now + 1}}},
			{},
		],
	])('is not one %s', async (_, work, config) => {
		const {ask, jarvis} = await withAgents({}, work, config);
		const error = await refusal(ask({readyOnly: true}));
		expect(error.message).not.toMatch(/acme:[ab]\b/);
		expect(await refusal(ask({profileId: 'acme:a'}))).toMatchObject({code: 'profile_unknown'});
		const report = jarvis.reportSuccess({agentId: 'work', profileId: 'acme:a'});
		expect(await refusal(report)).toMatchObject({code: 'profile_unknown'});
		const {agents} = await jarvis.snapshot();
		expect(agents.find(({id}) => id === 'work')?.inherited).toEqual([]);
	});

	test('is not the main one: nobody lends it anything', async () => {
		const {jarvis} = await withAgents(
			{profiles: {}},
			{profiles: two},
			{agents: {list: [{id: 'work', default: true}]}},
		);
		expect(await refusal(jarvis.resolve({providerId, agentId: 'main'}))).toMatchObject({
			code: 'no_credential',
		});
		const {agents} = await jarvis.snapshot();
		expect(agents.find(({id}) => id === 'main')?.inherited).toEqual([]);
	});

	test('is the same in the snapshot', async () => {
		const {jarvis} = await withAgents(
			{profiles: {...two, 'other:x': key('x', 'other')}},
			{profiles: {'other:mine': key('m', 'other')}},
		);
		const {agents} = await jarvis.snapshot();
		const work = agents.find(({id}) => id === 'work');
		expect(work?.inherited.map(({agentId, profileId}) => [agentId, profileId])).toEqual([
			['main', 'acme:a'],
			['main', 'acme:b'],
		]);
		expect(work?.profiles.map(({profileId}) => profileId)).toEqual(['other:mine']);
	});

	test('is told of a damaged file of the main agent, and served by a good one of its own', async () => {
		const {ask, paths} = await withAgents({}, {profiles: {'other:x': key('x', 'other')}});
		writeJson(paths.profiles('main'), [canary('damaged')]);
		expect(await ask({providerId: 'other'})).toMatchObject({profileId: 'other:x'});
		const error = await refusal(ask());
		expect(error).toMatchObject({code: 'store_damaged'});
		expect(error.message).toContain(paths.profiles('main'));
		expect(error.message).not.toContain('canary');
	});
});

describe('what an agent only reads is not its own to end', () => {
	test.each(['remove', 'logout'] as const)('%s says whose it is, with the command for it', async name => {
		const {jarvis, ...sandbox} = await withAgents({});
		const before = bytes(sandbox, 'main');
		const end = (agentId: string, profileId: string) =>
			name === 'remove' ? jarvis.removeProfile(agentId, profileId) : jarvis.logOut(agentId, profileId);
		expect(await refusal(end('work', 'acme:a'))).toMatchObject({
			code: 'profile_unknown',
			message: 'acme:a is the profile of the agent main; work only reads it, and has none of that name.',
			next: `For all that use it: jarvis models auth ${name} 'acme:a' --agent main`,
		});
		expect((await refusal(end('work', 'acme:gone'))).message).toBe(
			'The agent work has no profile acme:gone.',
		);
		expect(bytes(sandbox, 'main')).toBe(before);
		await end('main', 'acme:a');
		expect(Object.keys(readStore(sandbox, 'main').profiles)).toEqual(['acme:b']);
	});
});

describe('nothing is copied', () => {
	test('the main agent’s file stays as it is, and no secret of it comes into the other', async () => {
		const {ask, jarvis, ...sandbox} = await withAgents({usageStats: {'acme:a': {lastUsed: 5}}});
		const before = bytes(sandbox, 'main');
		const work = {agentId: 'work', profileId: 'acme:a'};
		await ask({sessionKey: 'chat:1'});
		await jarvis.reportSuccess(work);
		await jarvis.reportFailure(work, {reason: 'billing'});
		await ask({sessionKey: 'chat:1'});
		await jarvis.sendToSession('work', 'chat:1', '/model acme/m@acme:b');
		await jarvis.clearCooldown(work);
		expect(bytes(sandbox, 'main')).toBe(before);
		expect(bytes(sandbox, 'work')).not.toContain('canary');
		expect(readStore(sandbox, 'work').profiles).toEqual({});
		expect(readFileSync(sandbox.paths.sessions('work'), 'utf8')).not.toContain('canary');
		expect(existsSync(sandbox.paths.sessions('main'))).toBe(false);
	});
});

describe('what is known of a profile that is read', () => {
	const failed = (until: number, at = now - 10) => ({
		...{cooldownUntil: until, lastFailureAt: at, lastFailureReason: 'auth', errorCount: 2},
	});
	const proven = (at: number, outcome = 'used') => ({lastProven: {at, outcome}});

	function merged(owner: object, own: object): UsageStats {
		const document = (usage: object) =>
			decodeAgentCredentials({profiles: two, usageStats: {'acme:a': usage}} as unknown as JsonObject);
		const main = document(owner);
		const mine = decodeAgentCredentials({usageStats: {'acme:a': own}} as unknown as JsonObject);
		return inheritedProfiles(mine, main).find(({profileId}) => profileId === 'acme:a')?.usage ?? {};
	}

	test.each<[string, object, object, number | undefined]>([
		['neither has failed', {}, {}, undefined],
		['the owner has set it aside', failed(now + 5), {}, now + 5],
		['the agent has', {}, failed(now + 5), now + 5],
		['both have, the owner for longer', failed(now + 9), failed(now + 5), now + 9],
		['both have, the agent for longer', failed(now + 5), failed(now + 9), now + 9],
		['the owner has disabled it', {disabledUntil: now + 9}, failed(now + 5), now + 9],
		['the owner used it since', proven(now), failed(now + 5), undefined],
		['the owner used it just then', proven(now - 10), failed(now + 5), undefined],
		['the owner logged in since', proven(now, 'login'), failed(now + 5), undefined],
		['the owner probed it since', proven(now, 'probed'), failed(now + 5), undefined],
		['the owner used it before', proven(now - 11), failed(now + 5), now + 5],
		['the owner failed since', proven(now, 'auth'), failed(now + 5), now + 5],
		['the owner refreshed it since', proven(now, 'refreshed'), failed(now + 5), undefined],
		[
			'the owner refreshed it since, and it was at its limit',
			proven(now, 'refreshed'),
			{...failed(now + 5), lastFailureReason: 'rate_limit'},
			now + 5,
		],
		['the agent used it since', failed(now + 5), proven(now), now + 5],
		['the owner used it, and failed since', {...failed(now + 3), ...proven(now)}, failed(now + 5), now + 3],
	])('where %s', (_, owner, own, until) => {
		expect(setAsideUntil({usage: merged(owner, own)}, now)?.until).toBe(until);
	});

	test('is the last use and the newest proof of both, and a refusal of the owner’s alone', () => {
		const needsLogin = {fingerprint: 'f', since: 5, reason: 'invalid_grant'};
		expect(merged({lastUsed: 5, ...proven(3), needsLogin}, {lastUsed: 7, ...proven(4, 'auth')})).toEqual({
			...{lastUsed: 7, needsLogin},
			lastProven: {at: 4, outcome: 'auth'},
		});
		expect(merged({lastUsed: 9, ...proven(4)}, {lastUsed: 7, ...proven(4, 'auth'), needsLogin})).toEqual({
			lastUsed: 9,
			lastProven: {at: 4, outcome: 'used'},
		});
	});

	test('decides: the agent has its own cooldown, until the owner proves the profile', async () => {
		const {ask, jarvis} = await withAgents({});
		await jarvis.reportFailure({agentId: 'work', profileId: 'acme:a'}, {reason: 'billing', at: now - hour});
		expect(await ask()).toMatchObject({profileId: 'acme:b'});
		expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'acme:a'});
		await jarvis.reportSuccess({agentId: 'main', profileId: 'acme:a'}, {at: now});
		expect(await ask({tried: ['acme:b']})).toMatchObject({profileId: 'acme:a', reason: 'ok'});
	});
});

describe('a refresh through the agent that reads', () => {
	let crew: Crew;

	beforeAll(async () => {
		crew = await assemble(8);
	}, 60_000);
	afterAll(() => crew.dismiss());

	async function withExpired(members: object = {}) {
		const sandbox = await openSandbox();
		const entry = {...(await expiredEntry(sandbox.server)), ...members};
		writeStore(sandbox, 'main', {profiles: {'acme:maya': entry}});
		writeStore(sandbox, 'work', {profiles: {}, usageStats: {'acme:maya': {lastUsed: 5}}});
		return {...sandbox, entry};
	}

	it('writes the owner’s record, once, and nothing into its own file', async () => {
		const sandbox = await withExpired();
		const before = bytes(sandbox, 'work');
		const ask = () => sandbox.open().resolve({providerId, agentId: 'work'});
		const first = await ask();
		expect(first).toMatchObject({owner: 'main', agentId: 'work', kind: 'oauth'});
		const {profiles} = readStore(sandbox);
		expect(profiles['acme:maya']).toMatchObject({access: first.secret});
		expect(profiles['acme:maya']?.refresh).not.toBe(sandbox.entry.refresh);
		const written = bytes(sandbox, 'main');
		expect((await ask()).secret).toBe(first.secret);
		expect(bytes(sandbox, 'main')).toBe(written);
		expect(bytes(sandbox, 'work')).toBe(before);
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	it('is one request for 8 processes of both agents', async () => {
		const sandbox = await withExpired();
		const before = bytes(sandbox, 'work');
		sandbox.server.setTokenDelay(50);
		const {stateDir} = sandbox;
		const agents = ['main', 'work'];
		const jobs = Array.from({length: 8}, (_, index) => ({
			...{stateDir, providerId, agentId: agents[index % 2] ?? ''},
		}));
		const answers = await crew.run(jobs);
		const {access} = readStore(sandbox).profiles['acme:maya'] ?? {};
		expect(answers).toEqual(answers.map(() => ({secret: access})));
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(bytes(sandbox, 'work')).toBe(before);
	}, 60_000);

	it('that is refused marks the owner’s record, and names the owner’s login', async () => {
		const sandbox = await withExpired({refresh: canary('refused')});
		const before = bytes(sandbox, 'work');
		const error = await refusal(sandbox.open().resolve({providerId, agentId: 'work'}));
		expect(error).toMatchObject({code: 'needs_login', next: expect.stringContaining('--agent main')});
		expect(readStore(sandbox).usageStats?.['acme:maya']).toHaveProperty('needsLogin');
		expect(bytes(sandbox, 'work')).toBe(before);
		const again = await refusal(sandbox.open().resolve({providerId, agentId: 'work'}));
		expect(again).toMatchObject({code: 'needs_login'});
		expect(sandbox.server.refreshRequests).toBe(1);
	});
});
