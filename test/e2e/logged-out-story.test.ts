import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import type {Jarvis} from '../../source/core.ts';
import {claimsOf, refresh} from '../sandbox/client.ts';
import {apiClient, type TokenSource} from '../support/api-client.ts';
import {
	type CodexSandbox,
	codexFile,
	codexProfile,
	codexTokens,
	openCodexSandbox,
	ownLogin,
	storedCodex,
} from '../support/codex.ts';
import {serve} from '../support/local-server.ts';
import {temporaryFolder, writeJson, writeStore} from '../support/sandbox.ts';
import {run} from './support.ts';

/**
 * Two programs that log in as the same person log each other out: the reason why there is JARVIS, against the
 * real authorization server, which rotates refresh tokens and ends the grant of one that comes twice. The
 * program is the same in all of it (`apiClient`); only what its tokens come from is another.
 */

/** `npm run story` has 1,000 of them. */
const expiries = Number(process.env.JARVIS_EXPIRIES ?? 120);

/** How long (ms) after its time the token of one expiry is asked for: the server's lives a minute. */
const step = 61_000;

const tokenCommand = ['models', 'auth', 'token', '--provider', 'openai-codex'];

const profile = {agentId: 'main', profileId: codexProfile, provider: 'openai-codex'};

/**
 * A clock, and a model's API that takes one token: the newest that the server gave, unless its time is over, or
 * the server has refused somebody since, which here ends the grant.
 */
async function openWorld({server}: CodexSandbox) {
	let later = 0;
	let eventsBefore = 0;
	const api = await serve(({headers}) => {
		const last = server.events.length > eventsBefore ? server.events.at(-1) : undefined;
		const isGood = last?.accessToken && headers.authorization === `Bearer ${last.accessToken}`;
		return {status: isGood ? 200 : 401};
	});
	return {
		api,
		now: () => Date.now() + later,
		/** How far (ms) the clock has been moved on. */
		later: () => later,
		/** Has the time of every token that there is go by. */
		expire() {
			later += step;
			eventsBefore = server.events.length;
		},
	};
}

function refusals({server}: CodexSandbox) {
	return server.events.filter(({type}) => type === 'refused');
}

it('a program that refreshes by itself does well alone, and ends the login for both where another one holds it', async () => {
	const sandbox = await openCodexSandbox();
	const {api, expire} = await openWorld(sandbox);
	writeJson(sandbox.authFile, ownLogin(storedCodex(sandbox)));
	const program = apiClient(api.origin, await codexTokens(sandbox.authFile, sandbox.server));
	for (let expiry = 1; expiry <= 3; expiry++) {
		expire();
		expect(await program.ask()).toBe(200);
	}
	expect([sandbox.server.refreshRequests, api.asked.length, refusals(sandbox)]).toEqual([3, 3, []]);
	// Now JARVIS has a copy of the login too.
	const {access_token: access, refresh_token: refreshToken} = codexFile(sandbox).tokens ?? {};
	const copy = {...storedCodex(sandbox), access, refresh: refreshToken};
	writeStore(sandbox, 'main', {version: 1, profiles: {[codexProfile]: copy}});
	const jarvis = sandbox.open();
	expire();
	expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
	expect(await program.ask()).toBe(401);
	expect(refusals(sandbox)[0]).toMatchObject({reason: 'refresh token already used'});
	await expect(jarvis.refresh(profile, 'always')).rejects.toMatchObject({code: 'needs_login'});
	expect([sandbox.server.refreshRequests, refusals(sandbox).length]).toEqual([7, 3]);
	const {code, stderr} = await run(sandbox, [...tokenCommand, '--min-ttl', '5m']);
	expect([code, stderr]).toEqual([3, expect.stringContaining('models auth login')]);
});

/** Has a process of the built program live later than it is. */
function laterClock(): (offsetMs: number) => Record<string, string> {
	const file = join(temporaryFolder(), 'clock.cjs');
	writeFileSync(file, 'const now = Date.now; Date.now = () => now() + Number(process.env.LATER_MS);\n');
	return offsetMs => ({NODE_OPTIONS: `--require ${file}`, LATER_MS: String(offsetMs)});
}

function fromLibrary(jarvis: Jarvis): TokenSource {
	return async () => (await jarvis.resolve({providerId: 'openai-codex'})).secret;
}

it(`the same program that asks JARVIS does not: ${expiries} expiries, two of it each, commands among them`, async () => {
	const sandbox = await openCodexSandbox();
	const {api, now, later, expire} = await openWorld(sandbox);
	const byLibrary = () => apiClient(api.origin, fromLibrary(sandbox.open({now})));
	const [first, second] = [byLibrary(), byLibrary()];
	const clock = laterClock();
	const byCommand = apiClient(api.origin, async () => {
		const {stdout} = await run(sandbox, tokenCommand, {env: clock(later())});
		return stdout.trim();
	});
	const answers: number[] = [];
	for (let expiry = 1; expiry <= expiries; expiry++) {
		expire();
		const programs = expiry % 2 === 0 ? [first, second] : [second, first];
		// Those in a row ask at the same moment: it is the commands that find the token over, or all of them.
		let rows = programs.map(program => [program]);
		if (expiry % 10 === 0) rows = [programs];
		if (expiry % 50 === 0) rows = [[byCommand, byCommand], programs];
		if (expiry % 100 === 0) rows = [[...programs, byCommand, byCommand]];
		for (const row of rows) answers.push(...(await Promise.all(row.map(program => program.ask()))));
	}
	// Each was taken at once: none asked again.
	const commands = Math.floor(expiries / 50) * 2;
	expect(answers).toEqual(Array(2 * expiries + commands).fill(200));
	expect(api.asked.length).toBe(answers.length);
	expect(new Set(api.asked.map(({headers}) => headers.authorization)).size).toBe(expiries);
	expect(sandbox.server.refreshRequests).toBe(expiries);
	expect(refusals(sandbox)).toEqual([]);
	const {access, refresh: last} = storedCodex(sandbox);
	expect(api.asked.at(-1)?.headers.authorization).toBe(`Bearer ${access}`);
	expect(await claimsOf(sandbox.server, String(access))).toMatchObject({iss: sandbox.server.issuer});
	expect(await refresh(sandbox.server, String(last))).toHaveProperty('access_token');
}, 300_000);

it('a program with a file of its own that is kept in step goes on, and never asks the token endpoint', async () => {
	const sandbox = await openCodexSandbox();
	const {api, now, expire} = await openWorld(sandbox);
	const jarvis = sandbox.open({now});
	writeJson(sandbox.authFile, ownLogin(storedCodex(sandbox)));
	await jarvis.switchWriteBackOn({program: 'codex'});
	const start = async () => apiClient(api.origin, await codexTokens(sandbox.authFile, sandbox.server));
	const [running, tokens] = [await start(), new Set()];
	for (let expiry = 1; expiry <= 50; expiry++) {
		expire();
		await jarvis.resolve({providerId: 'openai-codex'});
		// One that runs all the while, and one that is started now.
		const programs = [running, await start()];
		expect(await Promise.all(programs.map(program => program.ask()))).toEqual([200, 200]);
		tokens.add(storedCodex(sandbox).access);
	}
	expect(tokens.size).toBe(50);
	// The one that runs all the while reads its file again when its token is refused.
	expect(api.asked.length).toBe(3 * 50);
	expect([sandbox.server.refreshRequests, refusals(sandbox)]).toEqual([50, []]);
});
