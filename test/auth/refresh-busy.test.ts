import {describe, expect, test} from 'vitest';
import type {TokenFailure} from '../../source/sandbox/authorization-server.ts';
import {
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	soon,
	writeStore,
} from '../support/sandbox.ts';

const profileId = 'acme:maya';

async function withGrant() {
	const sandbox = await openSandbox();
	const entry = await expiredEntry(sandbox.server);
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** Asks at a time (ms since now), and returns the error. */
async function refusedAt(sandbox: Sandbox, now: number) {
	return refusal(sandbox.open({now: () => now}).resolve({providerId}));
}

describe('a server that asks to be left alone', () => {
	const body = '{"error":"slow_down"}';
	const in5Minutes = () => new Date(Date.now() + 300_000).toUTCString();
	test.each<[string, () => TokenFailure, number]>([
		['429, in seconds', () => ({status: 429, body, headers: {'Retry-After': '300'}}), 300],
		['429, by a date', () => ({status: 429, body, headers: {'Retry-After': in5Minutes()}}), 300],
		['503, without a body', () => ({status: 503, body: '', headers: {'Retry-After': '300'}}), 300],
		['for a day: believed for an hour', () => ({status: 429, body, headers: {'Retry-After': '86400'}}), 3600],
	])('with %s', async (_, answer, seconds) => {
		const {sandbox} = await withGrant();
		sandbox.server.setTokenFailure(answer());
		const now = Date.now();
		const told = await refusedAt(sandbox, now);
		expect(told).toMatchObject({code: 'refresh_unavailable', exitCode: 1});
		const [, until = ''] =
			/Acme asked to wait until (\S+Z) \(.+\)\. The profile is as it was\.$/.exec(told.message) ?? [];
		expect(Math.abs(Date.parse(until) - (now + seconds * 1000))).toBeLessThan(2000);

		sandbox.server.setTokenFailure(undefined);
		const again = await refusedAt(sandbox, Date.parse(until) - 1);
		expect(again).toMatchObject({code: 'refresh_unavailable', exitCode: 1});
		expect(again.message).toContain(`Acme asked to wait until ${until}`);
		expect(sandbox.server.refreshRequests).toBe(1);

		const later = sandbox.open({now: () => Date.parse(until)});
		const {secret} = await later.resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]?.access).toBe(secret);
		expect(sandbox.server.refreshRequests).toBe(2);
	});

	test('is asked at once for another token: the wait is for the one that was sent', async () => {
		const {sandbox} = await withGrant();
		sandbox.server.setTokenFailure({status: 429, body, headers: {'Retry-After': '300'}});
		await refusedAt(sandbox, Date.now());
		sandbox.server.setTokenFailure(undefined);
		writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(sandbox.server)}});
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
	});

	test('by a process whose clock is ahead keeps nobody else waiting', async () => {
		const {sandbox} = await withGrant();
		sandbox.server.setTokenFailure({status: 429, body, headers: {'Retry-After': '300'}});
		await refusedAt(sandbox, Date.now() + 5 * 3_600_000);
		sandbox.server.setTokenFailure(undefined);
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
	});
});

test('a server that is too slow: whoever waited is told the same, and sends no second request', async () => {
	const {sandbox, entry} = await withGrant();
	sandbox.server.setTokenFailure({status: 200, body: '{}'});
	sandbox.server.setTokenDelay(60_000);
	const first = refusal(sandbox.open().resolve({providerId}));
	await expect.poll(() => sandbox.server.refreshRequests, soon).toBe(1);
	const waiting = Array.from({length: 3}, () => refusal(sandbox.open().resolve({providerId})));
	const errors = await Promise.all([first, ...waiting]);
	expect(errors.map(({code}) => code)).toEqual(Array(4).fill('refresh_unavailable'));
	expect(errors[0]?.message).toContain('no answer in time');
	expect(sandbox.server.refreshRequests).toBe(1);
	sandbox.server.setTokenFailure(undefined);
	sandbox.server.setTokenDelay(0);
	await sandbox.open().resolve({providerId});
	expect(sandbox.server.tokenRequests.at(-1)?.body.refresh_token).toBe(entry.refresh);
	expect(sandbox.server.events.at(-1)?.type).toBe('refreshed');
}, 60_000);
