import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import type {Jarvis} from '../../source/core.ts';
import {claimsOf, refresh} from '../sandbox/client.ts';
import {
	type CodexSandbox,
	codexLike,
	codexProfile,
	openCodexSandbox,
	ownLogin,
	storedCodex,
} from '../support/codex.ts';
import {serve} from '../support/local-server.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {run} from './support.ts';

/**
 * Two programs that log in as the same person log each other out: the reason why there is JARVIS, against the
 * real authorization server, which rotates refresh tokens and ends the grant of one that comes twice.
 */

/** `npm run story` has 1,000 of them. */
const expiries = Number(process.env.JARVIS_EXPIRIES ?? 200);

/** How long (ms) after its time the token of one expiry is asked for: the server's lives a minute. */
const step = 61_000;

const tokenCommand = ['models', 'auth', 'token', '--provider', 'openai-codex'];

const profile = {agentId: 'main', profileId: codexProfile, provider: 'openai-codex'};

/** A model's API that takes the newest token and no other one. */
async function strictApi(sandbox: CodexSandbox) {
	const server = await serve(({headers}) => ({
		status: headers.authorization === `Bearer ${storedCodex(sandbox).access}` ? 200 : 401,
	}));
	return {...sandbox.server, api: server.origin};
}

function refusals({server}: CodexSandbox) {
	return server.events.filter(({type}) => type === 'refused');
}

it('a second program that holds a copy of the login and refreshes by itself ends it for both', async () => {
	const sandbox = await openCodexSandbox();
	const jarvis = sandbox.open();
	writeJson(sandbox.authFile, ownLogin(storedCodex(sandbox)));
	const second = await codexLike(sandbox.authFile, await strictApi(sandbox));
	expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
	expect(await second.ask()).toBe(401);
	expect(refusals(sandbox)[0]).toMatchObject({reason: 'refresh token already used'});
	await expect(jarvis.refresh(profile, 'always')).rejects.toMatchObject({code: 'needs_login'});
	expect([sandbox.server.refreshRequests, refusals(sandbox).length]).toEqual([4, 3]);
	const {code, stderr} = await run(sandbox, [...tokenCommand, '--min-ttl', '5m']);
	expect([code, stderr]).toEqual([3, expect.stringContaining('models auth login')]);
});

/** Has a process of the built program live later than it is. */
function laterClock(): (offsetMs: number) => Record<string, string> {
	const file = join(temporaryFolder(), 'clock.cjs');
	writeFileSync(file, 'const now = Date.now; Date.now = () => now() + Number(process.env.LATER_MS);\n');
	return offsetMs => ({NODE_OPTIONS: `--require ${file}`, LATER_MS: String(offsetMs)});
}

it(`the same program that asks JARVIS does not: ${expiries} expiries, two askers each, processes among them`, async () => {
	const sandbox = await openCodexSandbox();
	let later = 0;
	const now = () => Date.now() + later;
	const [first, second] = [sandbox.open({now}), sandbox.open({now})];
	const environment = laterClock();
	const tokens = new Set<string>();
	for (let expiry = 1; expiry <= expiries; expiry++) {
		later += step;
		const ask = async (jarvis: Jarvis) => (await jarvis.resolve({providerId: 'openai-codex'})).secret;
		const inTurn = expiry % 2 === 0 ? [first, second] : [second, first];
		const got = new Set<string>();
		if (expiry % 10 !== 0) for (const jarvis of inTurn) got.add(await ask(jarvis));
		else {
			// At the same moment, now and then together with processes of the program.
			const env = environment(later);
			const processes = Array.from({length: expiry % 100 === 0 ? 2 : 0}, () =>
				run(sandbox, tokenCommand, {env}),
			);
			for (const token of await Promise.all(inTurn.map(ask))) got.add(token);
			for (const {stdout} of await Promise.all(processes)) got.add(stdout.trim());
		}
		expect(got.size).toBe(1);
		for (const token of got) tokens.add(token);
	}
	expect(tokens.size).toBe(expiries);
	expect(sandbox.server.refreshRequests).toBe(expiries);
	expect(refusals(sandbox)).toEqual([]);
	const {access, refresh: last} = storedCodex(sandbox);
	expect(tokens.has(String(access))).toBe(true);
	expect(await claimsOf(sandbox.server, String(access))).toMatchObject({iss: sandbox.server.issuer});
	expect(await refresh(sandbox.server, String(last))).toHaveProperty('access_token');
}, 300_000);

it('a program with a file of its own that is kept in step goes on, and never asks the token endpoint', async () => {
	const sandbox = await openCodexSandbox();
	let later = 0;
	const jarvis = sandbox.open({now: () => Date.now() + later});
	writeJson(sandbox.authFile, ownLogin(storedCodex(sandbox)));
	await jarvis.switchWriteBackOn({program: 'codex'});
	const world = await strictApi(sandbox);
	const [running, tokens] = [await codexLike(sandbox.authFile, world), new Set()];
	for (let expiry = 1; expiry <= 50; expiry++) {
		later += step;
		await jarvis.resolve({providerId: 'openai-codex'});
		// One that runs all the while, and one that is started now.
		const clients = [running, await codexLike(sandbox.authFile, world)];
		expect(await Promise.all(clients.map(client => client.ask()))).toEqual([200, 200]);
		tokens.add(storedCodex(sandbox).access);
	}
	expect(tokens.size).toBe(50);
	expect([sandbox.server.refreshRequests, refusals(sandbox)]).toEqual([50, []]);
});
