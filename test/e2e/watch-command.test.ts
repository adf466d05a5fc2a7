import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {metricsIn} from '../support/metrics.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	readStore,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {modeOf} from '../support/state-folder.ts';
import {
	emptyState,
	errorIn,
	openProgram,
	program,
	run,
	shellScript,
	start,
	stateWithKeys,
	until,
} from './support.ts';

type State = ReturnType<typeof emptyState>;

const day = 86_400_000;

/** Gives the main agent one token of `acme`, which ends in so long (ms). */
function giveToken(state: State, endsIn: number, id = 'acme:a'): void {
	const profile = {type: 'token', provider: 'acme', token: canary('token'), expires: Date.now() + endsIn};
	writeStore(state, 'main', {profiles: {[id]: profile}});
}

async function startWatch(state: State, ...args: readonly string[]) {
	const watch = start(state, ['watch', ...args]);
	await watch.says(/Watching .+\n/);
	return watch;
}

const eventsIn = (text: string): Record<string, unknown>[] =>
	text
		.split('\n')
		.filter(line => line !== '')
		.map(line => JSON.parse(line));

describe('watch', () => {
	test('tells what changes and when it is well again; the hook and the metrics say the same', async () => {
		const state = emptyState();
		giveToken(state, 100 * day);
		const elsewhere = temporaryFolder();
		const [told, variables, metrics] = ['told', 'variables', 'jarvis.prom'].map(name =>
			join(elsewhere, name),
		);
		const hook = shellScript(elsewhere, 'hook', `cat >> '${told}'; env >> '${variables}'`);
		const watch = await startWatch(state, '--json', '--hook', hook, '--textfile', metrics ?? '');
		expect(watch.stderr()).toContain('nothing needs a person.');
		expect(watch.stdout()).toBe('');
		const needy = () => metricsIn(readFileSync(metrics ?? '', 'utf8')).get('jarvis_needs_person');
		await until(() => expect(needy()).toEqual([[{}, 0]]));
		giveToken(state, -1000);
		await watch.prints('"event":"expired"');
		await until(() => expect(needy()).toEqual([[{}, 1]]));
		giveToken(state, 100 * day);
		await watch.prints('"event":"well"');
		const about = {agentId: 'main', provider: 'acme', profileId: 'acme:a', kind: 'token'};
		expect(eventsIn(watch.stdout())).toEqual([
			{
				...{at: expect.any(Number), event: 'expired', level: 'now', reasonCode: 'expired', ...about},
				...{expires: expect.any(Number), left: 0, of: 1, why: 'expired, and cannot be refreshed'},
				next: "jarvis models auth paste-token --provider acme --agent main --profile-id 'acme:a'",
			},
			{
				...{at: expect.any(Number), event: 'well', level: 'well', was: 'expired', ...about},
				...{expires: expect.any(Number), left: 1, why: 'it can be used again'},
			},
		]);
		await until(() => expect(readFileSync(told ?? '', 'utf8')).toBe(watch.stdout()));
		await until(() => expect(readFileSync(variables ?? '', 'utf8')).toMatch(/^JARVIS_EVENT=well$/m));
		const environment = readFileSync(variables ?? '', 'utf8');
		expect(environment).toMatch(/^JARVIS_PROFILE=acme:a$/m);
		expect(environment).toMatch(/^JARVIS_TEXT=✗ expired · main acme:a · expired/m);
		await until(() => expect(needy()).toEqual([[{}, 0]]));
		expect(modeOf(metrics ?? '')).toBe('644');
		watch.signal('SIGTERM');
		const {code, stdout, stderr} = await watch.ended;
		expect({code, stderr}).toEqual({code: 0, stderr: expect.stringMatching(/^Watching .+\n$/)});
		expect(stdout + environment + readFileSync(metrics ?? '', 'utf8')).not.toContain('canary');
	});

	test('tells by the clock alone that an end is near, and reached', async () => {
		const state = emptyState();
		giveToken(state, 100 * day);
		const watch = await startWatch(state, '--warn', '1h,1s');
		giveToken(state, 2500);
		await watch.prints(/! ends in [12]s .+! ends in [01]s .+✗ expired .+\n$/s);
		watch.signal('SIGINT');
		expect(await watch.ended).toMatchObject({code: 130, stdout: expect.stringMatching(/^(.+\n){3}$/)});
	});

	test('waits for a state folder that is not there yet', async () => {
		const stateDir = join(temporaryFolder(), 'later');
		const state = {stateDir, paths: statePaths(stateDir)};
		const watch = await startWatch(state);
		await watch.prints(/✗ missing +main +it has no profile → jarvis onboard --agent main\n/);
		await run(state, ['models', 'auth', 'paste-token', '--provider', 'groq'], {input: canary('token')});
		await watch.prints(/✓ well again +main /);
	});

	test('tells of a login that its server has refused, whoever asked', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		const watch = await startWatch(sandbox);
		sandbox.server.setTokenFailure({status: 400, body: '{"error":"invalid_grant"}'});
		await run(sandbox, ['models', 'auth', 'token', '--provider', 'acme']);
		await watch.prints(/✗ log in again +main acme:maya .+ → jarvis models auth login --provider acme .+\n/);
	});

	test('keeps tokens fresh, of which nobody need hear', async () => {
		const sandbox = await openSandbox({accessTokenSeconds: 3});
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		const metrics = join(temporaryFolder(), 'jarvis.prom');
		const watch = await startWatch(sandbox, '--keep-fresh', '--textfile', metrics);
		await until(() => expect(sandbox.server.refreshRequests).toBeGreaterThan(1));
		await until(() => {
			const [[labels, value] = []] =
				metricsIn(readFileSync(metrics, 'utf8')).get('jarvis_profile_last_refresh_success') ?? [];
			expect([labels?.profile, value]).toEqual(['acme:maya', 1]);
		});
		watch.signal('SIGTERM');
		expect(await watch.ended).toMatchObject({code: 0, stdout: ''});
		expect(readStore(sandbox).usageStats?.['acme:maya']).not.toHaveProperty('needsLogin');
	});

	test('follows refs: one that is mended is well after a reload', async () => {
		const state = emptyState();
		const path = join(state.stateDir, 'kept-elsewhere');
		writeJson(state.paths.config, {
			secrets: {providers: {kept: {source: 'file', path, mode: 'singleValue'}}},
		});
		const keyRef = {source: 'file', provider: 'kept', id: 'value'};
		writeStore(state, 'main', {profiles: {'acme:a': {type: 'api_key', provider: 'acme', keyRef}}});
		const watch = await startWatch(state);
		await watch.prints(/✗ ref unresolved +main acme:a .+ → jarvis secrets reload\n/);
		writeFileSync(path, canary('key'));
		chmodSync(path, 0o600);
		await run(state, ['secrets', 'reload']);
		await watch.prints(/✓ well again +main acme:a/);
		rmSync(path);
		await run(state, ['secrets', 'reload']);
		await watch.prints(/✗ secrets degraded .+ → jarvis secrets reload\n/);
		expect(watch.stdout().match(/\n/g)).toHaveLength(3);
	});

	test('a file that cannot be read is told, and is no all-clear of what was in it', async () => {
		const state = emptyState();
		giveToken(state, -1000);
		const watch = await startWatch(state);
		await watch.prints('✗ expired');
		const file = state.paths.profiles('main');
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.slice(0, -10));
		await watch.prints(/✗ unreadable +main +.+ is not valid JSON/);
		writeFileSync(file, text);
		await watch.prints('✓ well again');
		expect(watch.stdout().match(/\n/g)).toHaveLength(3);
	});

	test('ends silently when nobody reads any more', async () => {
		const state = emptyState();
		giveToken(state, -1000);
		const piped = start(state, [], {
			command: ['sh', '-c', '"$@" | head -n 1; echo ended', 'sh', process.execPath, program, 'watch'],
		});
		await piped.prints('expired');
		await piped.says('Watching');
		// It is noticed at the next line.
		const move = setInterval(() => giveToken(state, Date.now() % 2 === 0 ? -1000 : 100 * day), 50);
		const outcome = await piped.ended.finally(() => clearInterval(move));
		expect(outcome.stdout).toMatch(/^.+ ✗ expired .+\nended\n$/);
		expect(outcome.stderr).toMatch(/^Watching .+\n$/);
	});

	test('rings a terminal, and nothing else', async () => {
		const state = emptyState();
		giveToken(state, -1000);
		const terminal = openProgram(state, ['watch', '--bell'], {env: {TMUX: undefined}});
		await terminal.waitFor(/✗ expired/);
		await until(() => expect(terminal.raw()).toContain('\u0007\u001b]9;jarvis: ✗ expired main acme:a\u0007'));
		await terminal.press('\u0003');
		expect(await terminal.exited).toEqual({exitCode: 130});
		expect((await run(state, ['watch', '--once', '--bell'])).stdout).not.toContain('\u0007');
	});
});

describe('the documentation', () => {
	const docs = readFileSync(new URL('../../docs/watch.md', import.meta.url), 'utf8');
	const blocks = docs.split('\n```').filter((_, index) => index % 2 === 1);
	const block = (language: string, start: string) =>
		blocks.find(text => text.startsWith(`${language}\n${start}`))?.slice(language.length + 1) ?? '';

	test('has a hook that sends each event, and one that needs a person to tmux', async () => {
		const state = emptyState();
		giveToken(state, -1000);
		const folder = temporaryFolder();
		const sent = join(folder, 'sent');
		shellScript(folder, 'curl', `echo "$*" >> '${sent}'; cat >> '${sent}'`);
		shellScript(folder, 'tmux', `echo "$*" >> '${sent}'`);
		const hook = shellScript(folder, 'jarvis-told', block('sh', '#!/bin/sh'));
		const env = {PATH: `${folder}:${process.env.PATH}`, TMUX: 'one', JARVIS_WEBHOOK: 'http://127.0.0.1/x'};
		const {stdout, stderr} = await run(state, ['watch', '--once', '--json', '--hook', hook], {env});
		expect(stderr).toBe('');
		const [first, second, third] = readFileSync(sent, 'utf8').split('\n');
		expect(first).toMatch(/--json @- http:\/\/127\.0\.0\.1\/x$/);
		expect(`${second}\n`).toBe(stdout);
		expect(third).toMatch(/^display-message ✗ expired · main acme:a · /);
	});

	test('has a unit that systemd understands', context => {
		if (spawnSync('systemd-analyze', ['--version']).status !== 0) context.skip('There is no systemd here.');
		const home = temporaryFolder();
		const file = join(home, 'jarvis-watch.service');
		// It must name programs that are there.
		writeFileSync(file, block('ini', '[Unit]').replace('%h/.local/bin/jarvis ', `${process.execPath} `));
		const {status, stderr} = spawnSync('systemd-analyze', ['--user', 'verify', file], {
			encoding: 'utf8',
			env: {...process.env, XDG_RUNTIME_DIR: home, HOME: home},
		});
		expect({status, stderr}).toEqual({status: 0, stderr: ''});
	});
});

describe('--once', () => {
	test.each([
		[0, 100 * day, []],
		[2, 10 * day, ['ends_soon']],
		[1, -1000, ['expired']],
	])('ends with %i', async (code, endsIn, expected) => {
		const state = emptyState();
		giveToken(state, endsIn);
		const outcome = await run(state, ['watch', '--once', '--json']);
		expect(outcome).toMatchObject({code, stderr: ''});
		expect(eventsIn(outcome.stdout).map(({event}) => event)).toEqual(expected);
	});

	test('tells of a damaged configuration', async () => {
		const state = stateWithKeys(1);
		writeFileSync(state.paths.config, '{oops');
		const outcome = await run(state, ['watch', '--once']);
		expect(outcome).toMatchObject({code: 1, stdout: expect.stringMatching(/✗ unreadable .+jarvis\.json/)});
	});

	test('only of the agent that is named', async () => {
		const state = stateWithKeys(1);
		writeStore(state, 'work', {profiles: {'acme:w': {type: 'token', provider: 'acme'}}});
		const of = (id: string) => run(state, ['watch', '--once', '--agent', id]);
		expect(await of('main')).toMatchObject({code: 0, stdout: ''});
		expect(await of('work')).toMatchObject({code: 1, stdout: expect.stringContaining('work acme:w')});
		expect(await of('gone')).toMatchObject({code: 1, stderr: expect.stringContaining('gone')});
	});

	test('runs the hook for each event, never twice at once, and without what is secret', async () => {
		const state = emptyState();
		const keyRef = (id: string) => ({source: 'env', provider: 'default', id});
		const keys = {type: 'api_key', provider: 'acme'};
		writeStore(state, 'main', {
			profiles: {
				'acme:a': keys,
				'acme:b': keys,
				'acme:c': keys,
				'ref:a': {type: 'api_key', provider: 'ref', keyRef: keyRef('CANARY')},
			},
		});
		const body = 'mkdir "$OUT/lock" || echo twice >> "$OUT/runs"; env >> "$OUT/runs"; rmdir "$OUT/lock"';
		const out = temporaryFolder();
		const hook = shellScript(out, 'hook', body);
		const env = {OUT: out, CANARY: canary('ref'), GROQ_API_KEY: canary('ambient'), KEPT: 'kept'};
		const outcome = await run(state, ['watch', '--once', '--hook', hook], {env});
		expect(outcome).toMatchObject({code: 1, stderr: ''});
		const runs = readFileSync(join(out, 'runs'), 'utf8');
		expect(runs.match(/^JARVIS_EVENT=missing$/gm)).toHaveLength(3);
		expect(runs.match(/^JARVIS_EVENT=all_out$/gm)).toHaveLength(1);
		expect(runs.match(/^KEPT=kept$/gm)).toHaveLength(4);
		expect(runs).not.toMatch(/twice|canary/);
		expect(existsSync(join(out, 'lock'))).toBe(false);
	});

	test('a hook that fails is told, and is not fatal; one that is not there is', async () => {
		const state = emptyState();
		const failing = await run(state, ['watch', '--once', '--hook', 'false']);
		expect(failing).toMatchObject({code: 1, stdout: expect.stringContaining('missing')});
		expect(failing.stderr).toBe('The hook false ended with exit code 1.\n');
		const gone = await run(state, ['watch', '--once', '--json', '--hook', 'no-such-program']);
		expect(gone).toMatchObject({code: 127, stdout: ''});
		expect(errorIn(gone).code).toBe('command_not_found');
	});
});
