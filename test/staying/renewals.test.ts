import {describe, expect, onTestFinished, test, vi} from 'vitest';
import type {ProfileFacts} from '../../source/auth/facts.ts';
import {openJarvis} from '../../source/core.ts';
import {JarvisError} from '../../source/errors.ts';
import {dueOf, inUse, startRenewals} from '../../source/staying/renewals.ts';
import {openBroker, profileId, tokenOf} from '../broker/support.ts';
import {apiKey, fill, hour, minute, noon, oauth, second} from '../screens/state.ts';
import {declare} from '../support/plugins.ts';
import {
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	soon,
	temporaryFolder,
	writeStore,
} from '../support/sandbox.ts';

async function idsInUse(stateDir: string): Promise<string[]> {
	const jarvis = openJarvis({stateDir, env: {}, now: () => noon});
	return inUse(await jarvis.snapshot(), noon).map(({agentId, profileId: id}) => `${agentId}/${id}`);
}

describe('what is kept fresh', () => {
	test('is what agents would be given, each once', async () => {
		const stateDir = temporaryFolder();
		const jarvis = openJarvis({stateDir, env: {}});
		declare(stateDir, 'acme', 'beta');
		await fill(stateDir, 'main', {
			profiles: {
				'gone:left': oauth('gone'),
				'acme:good': oauth('acme'),
				'acme:over': oauth('acme', {expires: noon - hour}),
				'acme:aside': oauth('acme'),
				'acme:key': apiKey('acme'),
				'acme:spent': {...oauth('acme'), refresh: ''},
				'beta:in': oauth('beta'),
				'beta:out': oauth('beta'),
			},
			order: {beta: ['beta:in']},
			usage: {'acme:aside': {cooldownUntil: noon + minute, lastFailureAt: noon - minute}},
		});
		// It reads the main agent's of beta, and has its own of acme.
		await jarvis.addAgent({id: 'work'});
		await fill(stateDir, 'work', {profiles: {'acme:work': oauth('acme')}});
		expect(await idsInUse(stateDir)).toEqual([
			'main/acme:good',
			'main/acme:over',
			'main/beta:in',
			'work/acme:work',
		]);
	});

	test('is nothing that only a person can mend', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
		sandbox.server.setTokenFailure({status: 400, body: '{"error":"invalid_grant"}'});
		await sandbox
			.open()
			.resolve({providerId})
			.catch(() => {});
		expect(readStore(sandbox).usageStats?.[profileId]).toHaveProperty('needsLogin');
		const jarvis = sandbox.open();
		expect(inUse(await jarvis.snapshot(), Date.now())).toEqual([]);
	});
});

describe('when', () => {
	const facts = (more: Partial<ProfileFacts>) =>
		({agentId: 'main', profileId: 'acme:a', provider: 'acme', expires: noon + hour, ...more}) as ProfileFacts;

	test.each([
		['an hour', 3600, 0, 5 * minute + 30 * second],
		['an hour, the latest', 3600, 1, 4.5 * minute + 30 * second],
		['a minute', 60, 0, 15 * second + 6 * second],
		['a day', 86_400, 0, 5 * minute + 30 * second],
	])(
		'a token that lives %s is renewed ahead of the moment at which it counts as over',
		(_, expiresIn, fraction, lead) => {
			const due = dueOf(facts({expiresIn}), expiresIn * 1000, fraction);
			expect(due).toMatchObject({at: noon + hour - lead, leadMs: lead});
		},
	);

	test('one without an expiry never is', () => {
		const {expires: _, ...without} = facts({});
		expect(dueOf(without as ProfileFacts, hour, 0)).toBeUndefined();
		expect(dueOf(facts({expires: 'invalid'}), hour, 0)).toBeUndefined();
	});
});

describe('the timer', () => {
	/** Renewals over a state folder in which nothing but time and what is refreshed changes. */
	async function withTimer(outcome: () => Promise<void>) {
		const stateDir = temporaryFolder();
		declare(stateDir, 'acme');
		await fill(stateDir, 'main', {
			profiles: {'acme:a': oauth('acme', {expires: noon + hour, expiresIn: 3600})},
		});
		vi.useFakeTimers({now: noon, toFake: ['setTimeout', 'clearTimeout', 'Date']});
		onTestFinished(() => void vi.useRealTimers());
		const jarvis = openJarvis({stateDir, env: {}});
		const asked: number[] = [];
		const renewals = startRenewals(
			{
				...{snapshot: jarvis.snapshot, env: {}, now: Date.now},
				async refresh() {
					asked.push(Date.now() - noon);
					await outcome();
					const expires = Date.now() + hour;
					await fill(stateDir, 'main', {profiles: {'acme:a': oauth('acme', {expires, expiresIn: 3600})}});
					return 'refreshed' as const;
				},
			},
			() => 0,
		);
		onTestFinished(() => renewals.stop());
		await renewals.plan();
		return {renewals, asked};
	}

	/** Files are read and written in real time. */
	const settled = (check: () => void) => vi.waitFor(check, soon);
	const lead = 5 * minute + 30 * second;

	test('renews ahead of expiry, and plans the next one by the new token', async () => {
		const {renewals, asked} = await withTimer(async () => {});
		expect(renewals.list()).toEqual([{agentId: 'main', profileId: 'acme:a', at: noon + hour - lead}]);
		await vi.advanceTimersByTimeAsync(hour - lead - second);
		expect(asked).toEqual([]);
		await vi.advanceTimersByTimeAsync(second);
		expect(asked).toEqual([hour - lead]);
		await settled(() => expect(renewals.list()[0]?.at).toBe(noon + 2 * (hour - lead)));
	});

	test('that was asleep renews as soon as it wakes', async () => {
		const {renewals, asked} = await withTimer(async () => {});
		// The machine slept: the clock went on, timers did not.
		vi.setSystemTime(noon + 3 * hour);
		await vi.advanceTimersByTimeAsync(minute);
		expect(asked).toEqual([3 * hour + minute]);
		await settled(() => expect(renewals.list()[0]?.at).toBeGreaterThan(noon + 3 * hour));
	});

	test('leaves what failed alone for longer and longer', async () => {
		const {renewals, asked} = await withTimer(async () => {
			throw new JarvisError('refresh_unavailable', 'The server is not there.', 'Wait.');
		});
		await vi.advanceTimersByTimeAsync(hour - lead);
		for (let seconds = 0; seconds < 45 * 60; seconds += 5) {
			await vi.advanceTimersByTimeAsync(5 * second);
			// It reads the files before it plans.
			for (let turn = 0; turn < 3; turn += 1) await new Promise(resolve => setImmediate(resolve));
		}
		const pauses = asked.slice(1).map((at, index) => Math.round((at - (asked[index] ?? 0)) / (15 * second)));
		expect(pauses).toEqual([2, 4, 8, 16, 32, 60]);
		expect(renewals.list()).toMatchObject([{failed: 'refresh_unavailable'}]);
	});
});

describe('a broker that keeps tokens fresh', () => {
	test('renews each while it is still good: who asks meanwhile does not wait', async () => {
		const sandbox = await openSandbox({accessTokenSeconds: 3});
		const {server} = sandbox;
		writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(server)}});
		const {socket} = await openBroker(sandbox, {keepFresh: true});
		const first = await tokenOf(socket);
		expect(server.refreshRequests).toBe(1);
		server.setTokenDelay(500);
		await vi.waitFor(() => expect(server.refreshRequests).toBe(2), soon);
		expect(await tokenOf(socket)).toBe(first);
		await vi.waitFor(async () => expect(await tokenOf(socket)).not.toBe(first), soon);
		expect(server.refreshRequests).toBe(2);
		expect(server.events.filter(({type}) => type === 'refused')).toEqual([]);
		expect(await sandbox.open().brokerStatus()).toMatchObject({keepFresh: true, renewals: [{profileId}]});
	});
});
