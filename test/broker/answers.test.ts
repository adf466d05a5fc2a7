import {appendFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import type {Resolved, ResolveRequest} from '../../source/auth/resolve.ts';
import {keepAnswers, longestKeptMs} from '../../source/broker/answers.ts';
import {openJarvis} from '../../source/core.ts';
import {asJarvisError} from '../../source/errors.ts';
import {apiKey, fill, hour, minute, noon, oauth, token} from '../screens/state.ts';
import {temporaryFolder} from '../support/sandbox.ts';

/** A state folder with one good token of `acme`, and a count of how often the files were gone by. */
async function withToken() {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:a': oauth('acme', {expires: noon + hour})}});
	const clock = {now: noon};
	const jarvis = openJarvis({stateDir, env: {}, now: () => clock.now});
	let resolved = 0;
	const answers = keepAnswers({
		...jarvis,
		resolve(request: ResolveRequest) {
			resolved += 1;
			return jarvis.resolve(request);
		},
	});
	return {stateDir, jarvis, clock, answers, resolved: () => resolved};
}

const acme = {providerId: 'acme'};

describe('an answer', () => {
	test('is made once for all that ask at once, and given again while nothing changes', async () => {
		const {answers, clock, resolved} = await withToken();
		const all = await Promise.all(Array.from({length: 100}, () => answers.get(acme)));
		expect(new Set(all.map(({secret}) => secret)).size).toBe(1);
		clock.now += longestKeptMs - 1;
		await answers.get(acme);
		expect(resolved()).toBe(1);
		clock.now += 1;
		await answers.get(acme);
		expect(resolved()).toBe(2);
	});

	test('is made anew when the clock was set back, and when its token may be over', async () => {
		const {answers, clock, resolved} = await withToken();
		await answers.get(acme);
		clock.now -= 1;
		await answers.get(acme);
		expect(resolved()).toBe(2);
		// Within the last half minute a token may count as over at any moment.
		clock.now = noon + hour - 29_000;
		await answers.get({...acme, minTtlMs: 1}).catch(() => {});
		await answers.get({...acme, minTtlMs: 1}).catch(() => {});
		expect(resolved()).toBe(4);
	});

	test('that is an error is not remembered', async () => {
		const {answers, stateDir, resolved} = await withToken();
		const code = () => answers.get({providerId: 'beta'}).then(undefined, error => asJarvisError(error).code);
		expect(await code()).toBe('provider_unknown');
		expect(await code()).toBe('provider_unknown');
		expect(resolved()).toBe(2);
		await fill(stateDir, 'main', {profiles: {'beta:a': apiKey('beta')}});
		expect((await answers.get({providerId: 'beta'})).profileId).toBe('beta:a');
	});

	test('that is under way is not given to who asks after a file has changed', async () => {
		const {stateDir, jarvis, clock} = await withToken();
		const late = Promise.withResolvers<void>();
		let asked = 0;
		const answers = keepAnswers({
			...jarvis,
			async resolve(request: ResolveRequest): Promise<Resolved> {
				asked += 1;
				const found = await jarvis.resolve(request);
				if (asked === 1) await late.promise;
				return found;
			},
		});
		const before = answers.get(acme);
		// It has read the files by then.
		while (asked === 0) await Promise.resolve();
		await fill(stateDir, 'main', {order: {acme: ['acme:b']}, profiles: {'acme:b': apiKey('acme')}});
		expect((await answers.get(acme)).profileId).toBe('acme:b');
		late.resolve();
		await before;
		clock.now += 1;
		expect((await answers.get(acme)).profileId).toBe('acme:b');
	});

	test('of a file that was written to in place is made anew', async () => {
		const {answers, jarvis, resolved} = await withToken();
		await answers.get(acme);
		appendFileSync(jarvis.paths.profiles('main'), ' ');
		await answers.get(acme);
		expect(resolved()).toBe(2);
	});
});

test('whatever happens, the answer is the one that resolve gives', async () => {
	const stateDir = temporaryFolder();
	const clock = {now: noon};
	const jarvis = openJarvis({stateDir, env: {}, now: () => clock.now});
	const ids = ['acme:a', 'acme:b', 'acme:c'];
	await fill(stateDir, 'main', {
		profiles: {
			'acme:a': token('acme', {expires: noon + 5 * minute}),
			'acme:b': apiKey('acme'),
			'acme:c': token('acme', {expires: noon + 2 * hour}),
		},
	});
	await jarvis.addAgent({id: 'work'});
	const answers = keepAnswers(jarvis);
	// A generator of its own, so that a failure can be repeated.
	let seed = 20_260_115;
	const pick = <T>(all: readonly T[]): T => {
		seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
		return all[Math.floor((seed / 2 ** 31) * all.length)] as T;
	};
	const steps: readonly (() => unknown)[] = [
		() =>
			jarvis.reportFailure({profileId: pick(ids), agentId: pick(['main', 'work'])}, {reason: 'rate_limit'}),
		() => jarvis.reportFailure({profileId: pick(ids)}, {reason: 'billing'}),
		() => jarvis.reportSuccess({profileId: pick(ids), agentId: pick(['main', 'work'])}),
		() => jarvis.clearCooldown({profileId: pick(ids)}),
		() => jarvis.setOrder('main', 'acme', pick([undefined, ids, [...ids].reverse(), ids.slice(1)])),
		() => jarvis.sendToSession('main', 'chat:1', `/model acme/large@${pick(ids)}`),
		() => jarvis.sessionCompacted('main', 'chat:1'),
		() => jarvis.setDefaultAgent(pick(['main', 'work'])),
		() => {
			clock.now += pick([1, 999, 20_000, 61_000, 10 * minute]);
		},
		() => {},
	];
	const requests: readonly ResolveRequest[] = [
		{providerId: 'acme'},
		{providerId: 'acme', readyOnly: true},
		{providerId: 'acme', minTtlMs: 4 * minute},
		{providerId: 'acme', agentId: 'work'},
		{providerId: 'acme', tried: ['acme:a']},
		{sessionKey: 'chat:1', agentId: 'main'},
		{model: 'acme/large', sessionKey: 'chat:2'},
		{profileId: 'acme:c'},
	];
	const outcome = (promise: Promise<Resolved>) =>
		promise.then(
			({until: _, ...resolved}) => resolved,
			error => asJarvisError(error).toJSON(),
		);
	const given = new Set<string>();
	for (let step = 0; step < 400; step += 1) {
		await Promise.resolve(pick(steps)()).catch(() => {});
		const request = pick(requests);
		// The first one may pin the session, which the second one then says.
		await outcome(jarvis.resolve(request));
		const expected = await outcome(jarvis.resolve(request));
		expect({step, request, answer: await outcome(answers.get(request))}).toEqual({
			step,
			request,
			answer: expected,
		});
		const answer = await outcome(answers.get(request));
		expect({step, request, answer}).toEqual({step, request, answer: expected});
		given.add('profileId' in answer ? answer.profileId : 'none');
	}
	expect([...given].sort()).toEqual([...ids, 'none']);
});
