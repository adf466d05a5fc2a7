import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, refusal, temporaryFolder, writeStore} from '../support/sandbox.ts';

const now = 1_900_000_000_000;
const profileId = 'acme:a';

function open() {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	const key = {type: 'api_key', provider: 'acme', key: canary('a')};
	writeStore({paths}, 'main', {profiles: {[profileId]: key}});
	return {
		jarvis: openJarvis({stateDir, env: {}, now: () => now}),
		bytes: () => readFileSync(paths.profiles('main'), 'utf8'),
	};
}

describe('what is not understood is refused, and nothing is noted of it', () => {
	test.each([
		[{reason: 'nope'}, 'reason'],
		[{}, 'reason'],
		[{reason: 'auth', permanent: 'yes'}, 'permanent'],
		[{reason: 'rate_limit', resetAt: 1e20}, 'resetAt'],
		// In microseconds.
		[{reason: 'rate_limit', resetAt: now * 1000}, 'resetAt'],
		[{reason: 'rate_limit', resetAt: Number.NaN}, 'resetAt'],
		[{reason: 'rate_limit', resetAt: String(now)}, 'resetAt'],
		[{reason: 'rate_limit', startedAt: Number.POSITIVE_INFINITY}, 'startedAt'],
		[{reason: 'rate_limit', at: -1}, 'at'],
	])('a failure %j', async (failure, member) => {
		const {jarvis, bytes} = open();
		const before = bytes();
		const error = await refusal(jarvis.reportFailure({profileId}, failure as never));
		expect(error).toMatchObject({code: 'usage', exitCode: 2});
		expect(error.message).toMatch(new RegExp(`^${member} is `));
		expect(bytes()).toBe(before);
	});

	test.each([[{at: Number.NaN}], [{startedAt: '5'}]])('a success %j', async success => {
		const {jarvis, bytes} = open();
		const before = bytes();
		expect((await refusal(jarvis.reportSuccess({profileId}, success as never))).code).toBe('usage');
		expect(bytes()).toBe(before);
	});

	test.each([
		[{minTtlMs: Number.NaN}],
		[{minTtlMs: -1}],
		[{minTtlMs: Number.POSITIVE_INFINITY}],
		[{minTtlMs: '5m'}],
		[{tried: 'acme:a'}],
		[{tried: [1]}],
		[{profileId: 5}],
		[{sessionKey: null}],
	])('a request %j', async more => {
		const {jarvis} = open();
		const request = {providerId: 'acme', ...more} as never;
		expect((await refusal(jarvis.resolve(request))).code).toBe('usage');
		expect((await refusal(jarvis.which(request))).code).toBe('usage');
	});

	test('a span to hand out or to refresh for, and a word that says nothing of when', async () => {
		const {jarvis} = open();
		const profile = {agentId: 'main', profileId, provider: 'acme'};
		for (const asked of [
			jarvis.handOut({providerIds: ['acme'], minTtlMs: Number.NaN}, 'a program'),
			jarvis.refresh(profile, {withinMs: Number.NaN}),
			jarvis.refresh(profile, 'sometimes' as never),
			jarvis.refresh(profile, undefined as never),
		]) {
			expect((await refusal(asked)).code).toBe('usage');
		}
	});

	test('no text is told that was given in the place of a number: it might be a secret', async () => {
		const {jarvis} = open();
		const error = await refusal(jarvis.resolve({providerId: 'acme', minTtlMs: canary('slip') as never}));
		expect(error.message).not.toContain('canary');
	});
});

test('what is documented is taken, an undefined member too', async () => {
	const {jarvis} = open();
	await jarvis.reportFailure(
		{profileId},
		{reason: 'rate_limit', at: now, startedAt: now - 5, resetAt: now + 60_000, permanent: undefined},
	);
	await jarvis.reportSuccess({profileId}, {startedAt: undefined});
	expect(await jarvis.resolve({providerId: 'acme', minTtlMs: 0, tried: [], model: undefined})).toMatchObject({
		profileId,
	});
});
