import {expect, it} from 'vitest';
import {serve, silence} from '../support/local-server.ts';
import {
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {errorIn, openProgram, run, stored} from './support.ts';

const keyOf = (name: string, provider = 'acme') => ({type: 'api_key', provider, key: canary(name)});
const maya = 'acme:maya@example.test';
const probeStatus = ['models', 'status', '--probe'];

/** A probe that judges by the key that it is sent. */
async function openProbing() {
	const sandbox = await openSandbox();
	const {stateDir, server} = sandbox;
	const probed = await serve(({headers}) => {
		const sent = String(headers.authorization);
		if (sent.includes(canary('bad'))) return {status: 401, body: {error: sent}};
		if (sent.includes(canary('slow'))) return silence;
		return sent.includes(canary('busy')) ? {status: 429, headers: {'retry-after': '600'}, body: sent} : {};
	});
	const probes = [{url: `${probed.origin}/models`}];
	declareProvider(stateDir, server, {revocationEndpoint: server.revocationEndpoint}, {probes});
	return {sandbox, probed};
}

async function statusOf(sandbox: Sandbox, ...flags: readonly string[]) {
	const {code, stdout} = await run(sandbox, [...probeStatus, '--json', ...flags]);
	return {code, ...JSON.parse(stdout)};
}

it('probes all, tells the results as a table, and what was proven in the status', async () => {
	const {sandbox} = await openProbing();
	writeStore(sandbox, 'main', {
		profiles: {
			'acme:bad': keyOf('bad'),
			[maya]: await expiredEntry(sandbox.server),
			'other:default': keyOf('other', 'other'),
		},
	});
	const {code, stdout, stderr} = await run(sandbox, probeStatus);
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	expect(stdout).toMatch(/\nacme:bad +api_key +– +• static +– +✗ auth (just now|\ds ago) +never\n/);
	expect(stdout).toMatch(/\n\nPROBED +OUTCOME +ANSWER +WHY\n/);
	expect(stdout).toMatch(/\nacme:bad +✗ auth +\d+ ms +the provider refuses it \(status 401\)\n/);
	expect(stdout).toMatch(/\nacme:maya@example\.test +✓ ok +\d+ ms +it works\n/);
	expect(stdout).toMatch(/\nother:default +• unknown +– +There is no provider "other"\.\n$/);
	expect(stdout).not.toContain('canary');
	// It was over: the probe took the way that its use takes.
	expect(sandbox.server.refreshRequests).toBe(1);

	const status = await statusOf(sandbox, '--check');
	expect(status.code).toBe(1);
	expect(status.auth.probes).toEqual([
		{
			...{profileId: 'acme:bad', provider: 'acme', outcome: 'auth', status: 401},
			...{why: expect.any(String), latencyMs: expect.any(Number)},
		},
		expect.objectContaining({profileId: maya, outcome: 'ok', status: 200}),
		expect.objectContaining({profileId: 'other:default', outcome: 'unknown'}),
	]);
	const proven = status.auth.oauth.profiles.map(
		({profileId, lastProven}: {profileId: string; lastProven?: {outcome: string}}) => [
			profileId,
			lastProven?.outcome,
		],
	);
	expect(proven).toContainEqual([maya, 'probed']);
	expect(JSON.stringify(status)).not.toContain('canary');
});

it('probes one provider only, within the time and as many at once as is said', async () => {
	const {sandbox, probed} = await openProbing();
	writeStore(sandbox, 'main', {
		profiles: {'acme:slow': keyOf('slow'), 'acme:good': keyOf('good'), 'other:default': keyOf('x', 'other')},
	});
	const flags = ['--probe-provider', 'acme', '--probe-timeout', '0.3s', '--probe-concurrency', '1'];
	const status = await statusOf(sandbox, ...flags);
	expect(status.code).toBe(0);
	expect(
		status.auth.probes.map(({profileId, outcome}: Record<string, string>) => [profileId, outcome]),
	).toEqual([
		['acme:slow', 'timeout'],
		['acme:good', 'ok'],
	]);
	expect(probed.asked.map(({waiting}) => waiting)).toEqual([0, 0]);
	// No answer is no proof: what is stored decides, and the person is told.
	const checked = await run(sandbox, [...probeStatus, ...flags, '--check']);
	expect(checked).toMatchObject({
		code: 0,
		stderr: 'One probe had no answer, which says nothing of the credentials: --check does not count it.\n',
	});
	expect(checked.stdout).toMatch(/\nacme:slow +• timeout +– +no answer in time\n/);
	for (const wrong of [
		['--probe-timeout', 'soon'],
		['--probe-concurrency', '0'],
		['--probe-concurrency', 'many'],
	]) {
		expect(await run(sandbox, [...probeStatus, ...wrong])).toMatchObject({code: 2, stdout: ''});
	}
});

it('sets aside what fails only with --probe-report', async () => {
	const {sandbox} = await openProbing();
	writeStore(sandbox, 'main', {profiles: {'acme:busy': keyOf('busy')}});
	await statusOf(sandbox);
	expect(readStore(sandbox).usageStats?.['acme:busy']).not.toHaveProperty('cooldownUntil');
	const status = await statusOf(sandbox, '--probe-report');
	expect(status.auth.unusableProfiles).toMatchObject([{profileId: 'acme:busy', kind: 'cooldown'}]);
	const until = Number(readStore(sandbox).usageStats?.['acme:busy']?.cooldownUntil);
	expect(until - Date.now()).toBeGreaterThan(9 * 60_000);
});

const logout = ['models', 'auth', 'logout'];

it('logs out at the server and here, tells so, and leaves all others', async () => {
	const {sandbox} = await openProbing();
	const {server} = sandbox;
	writeStore(sandbox, 'main', {
		profiles: {[maya]: await expiredEntry(server), 'acme:default': keyOf('key')},
	});
	const {refresh} = stored(sandbox, maya);
	const asked = await run(sandbox, [...logout, maya, '--json']);
	expect({...asked, stderr: ''}).toEqual({code: 2, stdout: '', stderr: ''});
	expect(errorIn(asked)).toMatchObject({code: 'terminal_required', next: 'Add --yes.'});
	expect(stored(sandbox, maya).refresh).toBe(refresh);

	const {code, stdout, stderr} = await run(sandbox, [...logout, maya, '--yes']);
	expect({code, stdout}).toEqual({code: 0, stdout: ''});
	expect(stderr).toBe(`Removed ${maya} from the agent main, and ended it at its server.\n`);
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:default']);
	writeStore(sandbox, 'main', {
		profiles: {[maya]: {type: 'oauth', provider: 'acme', access: 'a', refresh, expires: 1}},
	});
	expect(await run(sandbox, ['models', 'auth', 'token', '--provider', 'acme'])).toMatchObject({code: 3});
});

it.each([
	[
		'a server that is down',
		{revocationEndpoint: 'http://127.0.0.1:1/revoke'},
		{outcome: 'failed', why: expect.any(String)},
		/^Removed acme:maya@example\.test from the agent main, but its server did not end it: /,
	],
	[
		'a provider that has no revocation',
		{},
		{outcome: 'not offered', hint: expect.any(String)},
		/^Removed acme:maya@example\.test from the agent main\. Acme has no way to end a login from here\.\n$/,
	],
])('%s is told, and the profile is gone all the same', async (_what, changes, told, words) => {
	const sandbox = await openSandbox();
	for (const json of [true, false]) {
		writeStore(sandbox, 'main', {profiles: {[maya]: await expiredEntry(sandbox.server)}});
		declareProvider(sandbox.stateDir, sandbox.server, changes);
		const {code, stdout, stderr} = await run(sandbox, [
			...logout,
			maya,
			'--yes',
			...(json ? ['--json'] : []),
		]);
		expect(code).toBe(0);
		if (json) expect(JSON.parse(stdout)).toEqual({agentId: 'main', profileId: maya, removed: true, ...told});
		else expect(stderr).toMatch(words);
		expect(readStore(sandbox).profiles).toEqual({});
	}
});

it('asks first in a terminal: the name does it, anything else does not', async () => {
	const {sandbox} = await openProbing();
	writeStore(sandbox, 'main', {profiles: {'acme:default': keyOf('key')}});
	const refused = openProgram(sandbox, [...logout, 'acme:default']);
	await refused.waitFor('Type acme:default to do it:');
	refused.write('yes\r');
	await refused.waitFor('Nothing was changed.');
	expect(await refused.exited).toEqual({exitCode: 130});
	expect(stored(sandbox, 'acme:default')).toBeDefined();
	const meant = openProgram(sandbox, [...logout, 'acme:default']);
	await meant.waitFor('Type acme:default to do it:');
	meant.write('acme:default\r');
	await meant.waitFor('goes on working until it is deleted at its provider.');
	expect(await meant.exited).toEqual({exitCode: 0});
	expect(readStore(sandbox).profiles).toEqual({});
	expect(await run(sandbox, [...logout, 'acme:default', '--yes'])).toMatchObject({code: 1});
});
