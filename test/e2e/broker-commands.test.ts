import {spawnSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, expect, test, vi} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {ask, type EventStream, giveGrant, profileId, subscribe, tokenOf} from '../broker/support.ts';
import {
	openSandbox,
	providerId,
	readStore,
	type Sandbox,
	soon,
	temporaryFolder,
	writeStore,
} from '../support/sandbox.ts';
import {errorIn, program, run, runJson, start} from './support.ts';

/** Starts the broker as it is shipped, and waits until it listens. */
async function startBroker(sandbox: Pick<Sandbox, 'stateDir'>, ...args: readonly string[]) {
	const broker = start(sandbox, ['broker', ...args]);
	await broker.says(/The broker listens at .+\./);
	return broker;
}

/** Lets the present access token run out. */
function expire(sandbox: Sandbox): void {
	const document = readStore(sandbox);
	const profile = {...document.profiles[profileId], expires: Date.now() - 1000};
	writeStore(sandbox, 'main', {...document, profiles: {[profileId]: profile}});
}

describe('the broker', () => {
	test('says where it listens, who asked, and that another one runs; and ends when told', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		const idle = await run(sandbox, ['broker', 'status']);
		expect(idle).toMatchObject({code: 1, stdout: expect.stringContaining('Start it: jarvis broker')});
		const broker = await startBroker(sandbox, '--keep-fresh');
		const socket = sandbox.paths.brokerSocket;
		expect(broker.stderr()).toBe(`The broker listens at ${socket}, keeps tokens fresh.\n`);
		const token = await tokenOf(socket);
		expect((await run(sandbox, ['models', 'auth', 'token', '--provider', providerId])).stdout).toBe(
			`${token}\n`,
		);
		const status = await runJson<Record<string, unknown>>(sandbox, ['broker', 'status']);
		expect(status).toMatchObject({running: true, pid: broker.pid, requests: 1, renewals: [{profileId}]});
		const {code, stdout} = await run(sandbox, ['broker', 'status']);
		expect({code, stdout}).toEqual({code: 0, stdout: expect.stringMatching(/pid \d+, uid \d+: once/)});
		expect(stdout).not.toContain(token);
		const second = await run(sandbox, ['broker', '--socket', join(sandbox.stateDir, 'other', 'b.sock')]);
		expect(second).toMatchObject({code: 1, stderr: expect.stringContaining(`(pid ${broker.pid})`)});
		expect(await run(sandbox, ['broker', 'stop'])).toMatchObject({code: 0});
		expect(await broker.ended).toMatchObject({
			code: 0,
			stderr: expect.stringContaining('The broker has ended.'),
		});
		expect(existsSync(socket)).toBe(false);
		const again = await run(sandbox, ['broker', 'stop', '--json']);
		expect({code: again.code, error: errorIn(again).code}).toEqual({code: 1, error: 'broker_not_running'});
	});

	test('is one of many that are started at once, in the place of one that was killed', async () => {
		const sandbox = await openSandbox();
		const killed = await startBroker(sandbox);
		killed.signal('SIGKILL');
		await killed.ended;
		expect(existsSync(sandbox.paths.brokerSocket)).toBe(true);
		const all = Array.from({length: 5}, () => start(sandbox, ['broker']));
		const outcomes = await Promise.all(
			all.map(each => Promise.race([each.ended, each.says('The broker listens').then(() => 'listens')])),
		);
		expect(outcomes.filter(outcome => outcome === 'listens')).toHaveLength(1);
		for (const outcome of outcomes) {
			if (typeof outcome === 'string') continue;
			expect(outcome).toMatchObject({code: 1, stderr: expect.stringContaining('A broker runs already')});
		}
		const {pid} = await runJson<{pid: number}>(sandbox, ['broker', 'status']);
		expect(all[outcomes.indexOf('listens')]?.pid).toBe(pid);
	});

	test('that is killed under load is started again, and no token is lost', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		const {server, paths} = sandbox;
		let isOver = false;
		let answers = 0;
		// Clients that come back when the broker does.
		const clients = Array.from({length: 20}, async () => {
			while (!isOver) {
				const answer = await ask(paths.brokerSocket, '/v1/token?provider=acme').catch(() => undefined);
				if (answer) expect(answer).toMatchObject({status: 200});
				answers += answer ? 1 : 0;
				if (!answer) await new Promise(resolve => setTimeout(resolve, 10));
			}
		});
		const rounds = 3;
		for (let round = 0; round < rounds; round += 1) {
			const broker = await startBroker(sandbox);
			const before = answers;
			await vi.waitFor(() => expect(answers).toBeGreaterThan(before + 100), soon);
			// While a refresh is under way a kill may lose what the server sends, whoever refreshes.
			broker.signal('SIGKILL');
			await broker.ended;
			expire(sandbox);
		}
		const last = await startBroker(sandbox);
		await vi.waitFor(() => expect(server.refreshRequests).toBe(rounds + 1), soon);
		await tokenOf(paths.brokerSocket);
		isOver = true;
		await Promise.all(clients);
		expect(server.refreshRequests).toBe(rounds + 1);
		expect(server.events.filter(({type}) => type === 'refused')).toEqual([]);
		// The grant is alive: what is in the store can be refreshed.
		expect(await sandbox.open().refresh({agentId: 'main', profileId, provider: providerId}, 'always')).toBe(
			'refreshed',
		);
		last.signal('SIGTERM');
		expect(await last.ended).toMatchObject({code: 0});
	});

	test('that is ended while a refresh is under way gives its token to those that wait for it', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		const broker = await startBroker(sandbox);
		sandbox.server.setTokenDelay(500);
		const asked = Array.from({length: 20}, () => tokenOf(sandbox.paths.brokerSocket));
		await vi.waitFor(() => expect(sandbox.server.refreshRequests).toBe(1), soon);
		broker.signal('SIGTERM');
		const tokens = new Set(await Promise.all(asked));
		expect([...tokens]).toEqual([readStore(sandbox).profiles[profileId]?.access]);
		expect(await broker.ended).toMatchObject({code: 0});
	});

	test('that is ended while it renews stores what comes of that', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		const before = readStore(sandbox).profiles[profileId];
		sandbox.server.setTokenDelay(500);
		const broker = await startBroker(sandbox, '--keep-fresh');
		await vi.waitFor(() => expect(sandbox.server.refreshRequests).toBe(1), soon);
		broker.signal('SIGTERM');
		expect(await broker.ended).toMatchObject({code: 0});
		expect(readStore(sandbox).profiles[profileId]?.refresh).not.toBe(before?.refresh);
		sandbox.server.setTokenDelay(0);
		const profile = {agentId: 'main', profileId, provider: providerId};
		expect(await sandbox.open().refresh(profile, 'always')).toBe('refreshed');
	});

	test('tells those that subscribed what another process refreshed', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		await startBroker(sandbox);
		const streams = await Promise.all(Array.from({length: 5}, () => subscribe(sandbox.paths.brokerSocket)));
		const tokens = async () =>
			new Set(await Promise.all(streams.map(async (stream: EventStream) => (await stream.next()).token)));
		const [first, ...more] = await tokens();
		expect(more).toEqual([]);
		// As the refresh key of the dashboard does.
		await sandbox.open().refresh({agentId: 'main', profileId, provider: providerId}, 'always');
		const [second, ...others] = await tokens();
		expect(others).toEqual([]);
		expect(second).not.toBe(first);
		expect(second).toBe(readStore(sandbox).profiles[profileId]?.access);
	});

	test('does not start where it cannot look who asks, unless a person says so', async () => {
		const sandbox = await openSandbox();
		await giveGrant(sandbox);
		const folder = join(temporaryFolder(), 'dist');
		cpSync(dirname(program), folder, {recursive: true});
		const options = {command: [process.execPath, join(folder, 'jarvis.cjs')] as const};
		const refused = await run(sandbox, ['broker'], options);
		expect(refused).toMatchObject({code: 1, stderr: expect.stringContaining('koffi is not installed')});
		expect(existsSync(sandbox.paths.brokerSocket)).toBe(false);
		const broker = start(sandbox, ['broker', '--no-peer-check'], options);
		await broker.says('does not look which user asks');
		await tokenOf(sandbox.paths.brokerSocket);
	});
});

describe('the examples of docs/broker.md', () => {
	const page = readFileSync(new URL('../../docs/broker.md', import.meta.url), 'utf8');
	const blocks = (language: string) =>
		[...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
			([, text = '']) => text,
		);

	/** A home with a key of anthropic, and a broker for it. */
	async function home() {
		const folder = temporaryFolder();
		const stateDir = join(folder, '.jarvis');
		const key = {type: 'api_key', provider: 'anthropic', key: 'not-a-secret-key'};
		writeStore({paths: statePaths(stateDir)}, 'main', {profiles: {'anthropic:default': key}});
		await startBroker({stateDir});
		const execute = (command: string, args: readonly string[], input: string) =>
			spawnSync(command, args, {
				input,
				encoding: 'utf8',
				timeout: 10_000,
				env: {PATH: process.env.PATH, HOME: folder},
			});
		return {folder, execute};
	}

	const has = (command: string) => spawnSync(command, ['--version']).status === 0;

	test('for curl', async context => {
		if (!has('curl')) context.skip('There is no curl here.');
		const {execute} = await home();
		const [, ask = '', push = '', report = ''] = blocks('sh');
		const asked = execute('bash', ['-e'], ask);
		expect(asked).toMatchObject({status: 0, stderr: ''});
		const [json = '', token] = asked.stdout.trim().split('\n');
		expect(JSON.parse(json)).toMatchObject({profileId: 'anthropic:default', token: 'not-a-secret-key'});
		expect(token).toBe('not-a-secret-key');
		const pushed = execute('bash', [], `${push.trim()} --max-time 1`);
		expect(JSON.parse(pushed.stdout)).toMatchObject({event: 'token', token: 'not-a-secret-key'});
		const [definition = ''] = ask.split('\n');
		const reported = execute('bash', ['-e'], `${definition}\n${report}`);
		expect(JSON.parse(reported.stdout)).toEqual({profileId: 'anthropic:default', outcome: 'rate_limit'});
	});

	test.for([
		['Python', 'python', 'python3', '-'],
		['Node', 'js', process.execPath, '--input-type=module'],
	] as const)('for %s', async ([, language, command, argument], context) => {
		if (!has(command)) context.skip(`There is no ${command} here.`);
		const {execute} = await home();
		const [source = ''] = blocks(language);
		const {status, stdout, stderr} = execute(command, [argument], source);
		expect({status, stdout, stderr}).toEqual({status: 0, stdout: 'anthropic:default 16\n', stderr: ''});
	});
});

describe('the service', () => {
	test('is written, started by nobody but its user, and removed', async context => {
		if (process.platform !== 'linux') context.skip('This is about systemd.');
		const sandbox = await openSandbox();
		const home = temporaryFolder();
		const options = {env: {HOME: home}};
		const file = join(home, '.config', 'systemd', 'user', 'jarvis-broker.service');
		const printed = await run(sandbox, ['broker', 'install', '--keep-fresh', '--print'], options);
		expect(printed).toMatchObject({code: 0, stderr: ''});
		expect(existsSync(file)).toBe(false);
		const words = `${process.execPath} ${program} broker --state-dir ${sandbox.stateDir} --keep-fresh`;
		expect(printed.stdout).toContain(`ExecStart=${words}\n`);
		const installed = await run(sandbox, ['broker', 'install', '--keep-fresh'], options);
		expect(installed).toMatchObject({code: 0, stderr: expect.stringContaining(file)});
		expect(installed.stdout).toBe(
			'systemctl --user daemon-reload\nsystemctl --user enable --now jarvis-broker.service\n',
		);
		expect(readFileSync(file, 'utf8')).toBe(printed.stdout);
		expect(statSync(file).mode & 0o777).toBe(0o600);
		if (spawnSync('systemd-analyze', ['--version']).status === 0) {
			const {status, stderr} = spawnSync('systemd-analyze', ['--user', 'verify', file], {
				encoding: 'utf8',
				env: {...process.env, XDG_RUNTIME_DIR: home, HOME: home},
			});
			// What an older systemd does not know it passes over.
			const unknown = /^.*Unknown key .*'Restart(?:Steps|MaxDelaySec)' in section .*ignoring\.\n/gm;
			expect({status, stderr: stderr.replace(unknown, '')}).toEqual({status: 0, stderr: ''});
		}
		// What enabling it makes.
		const link = join(dirname(file), 'default.target.wants', 'jarvis-broker.service');
		mkdirSync(dirname(link));
		writeFileSync(link, '');
		expect(await run(sandbox, ['broker', 'uninstall'], options)).toMatchObject({code: 0});
		expect([existsSync(file), existsSync(link)]).toEqual([false, false]);
		const none = await run(sandbox, ['broker', 'uninstall'], options);
		expect(none).toMatchObject({code: 0, stderr: expect.stringContaining('There is no')});
	});
});
