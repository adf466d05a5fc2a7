import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {json} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {oneMethod, pluginFolder} from '../support/plugins.ts';
import {canary, openSandbox, temporaryFolder, writeJson, writeStore} from '../support/sandbox.ts';
import {names, put} from '../support/state-folder.ts';
import {emptyState, errorIn, openProgram, redirectFrom, run, runJson, start, stored} from './support.ts';

const root = new URL('../../', import.meta.url);
const add = ['plugins', 'add'];
const login = ['models', 'auth', 'login', '--provider'];
const key = canary('key');
const simple = oneMethod(`login: async () => ({type: 'api_key', key: '${key}'})`, 'own');

/** Makes the only profile's access token be over; `changes` replace members of it. */
function endToken(
	state: ReturnType<typeof emptyState>,
	profileId: string,
	changes: Record<string, unknown> = {},
): void {
	const entry = {...stored(state, profileId), expires: Date.now() - 1000, ...changes};
	writeStore(state, 'main', {profiles: {[profileId]: entry}});
}

describe('plugins', () => {
	it('are added, listed, used and removed', async () => {
		const state = emptyState();
		expect(await run(state, ['plugins', 'list'])).toMatchObject({code: 0, stdout: ''});
		const folder = pluginFolder(simple);
		const added = await run(state, [...add, folder]);
		expect(added).toEqual({
			...{code: 0, stdout: ''},
			stderr: 'Added Acme (own): custom.\nLog in: jarvis models auth login --provider own\n',
		});
		expect(await run(state, [...login, 'own'])).toMatchObject({code: 0, stdout: 'own:default\n'});
		expect(await runJson(state, ['plugins', 'list'])).toEqual([
			{id: 'own', label: 'Acme', kind: 'code', methods: ['custom'], from: folder},
		]);
		expect((await run(state, ['plugins', 'list'])).stdout).toMatch(/^own +Acme +code +custom +\//m);
		const token = ['models', 'auth', 'token', '--provider', 'own'];
		expect(await run(state, token)).toMatchObject({code: 0, stdout: `${key}\n`});

		const removed = await run(state, ['plugins', 'remove', 'own', '--yes']);
		expect(removed).toMatchObject({code: 0, stdout: ''});
		expect(removed.stderr).toContain('Removed the plugin own. One profile is left without a provider');
		expect(stored(state, 'own:default')).toMatchObject({key});
		const gone = await run(state, ['plugins', 'remove', 'own', '--yes', '--json']);
		expect(gone.code).toBe(1);
		expect(errorIn(gone).code).toBe('plugin_unknown');
		expect(existsSync(join(folder, 'index.js'))).toBe(true);
	});

	it.each([
		['badm', {id: 'badm', label: 'Bad', auth: []}, ['badm', 'BadM'], /auth: /],
		// Its folder, and the id that it means.
		[
			'folder',
			{id: 'meant', label: 'Bad', auth: [{method: 'api_key'}]},
			['folder', 'meant'],
			/folder's name/,
		],
		['torn', '{"id": "torn", ', ['torn'], /not valid JSON/],
	])(
		'with a fault in the folder %s are named by who wants to log in there',
		async (folder, manifest, ids, fault) => {
			const state = emptyState();
			const file = state.paths.plugin(folder);
			put(file, manifest);
			for (const id of ids) {
				const onboard = ['onboard', '--non-interactive', '--provider', id];
				const ways = [
					[...login, id],
					onboard,
					['models', 'auth', 'login', '--provider', id, '--method', 'api-key'],
				];
				for (const {code, stderr} of await Promise.all(ways.map(words => run(state, words)))) {
					expect(code).toBe(1);
					expect(stderr).toContain(
						`There is no provider "${id}", as its plugin is out of use: ${file} is left out: `,
					);
					expect(stderr).toMatch(fault);
					expect(stderr).toContain('docs/plugins.md');
				}
			}
			const {code, stderr} = await run(state, [...login, 'another']);
			expect({code, isNamed: stderr.includes(file)}).toEqual({code: 1, isNamed: false});
			expect((await run(state, [...login, 'openai', '--method', 'api-key'])).stderr).not.toContain(file);
		},
	);

	it('tell in JSON what was added and removed', async () => {
		const state = emptyState();
		const folder = pluginFolder(simple);
		const plugin = {id: 'own', label: 'Acme', kind: 'code', methods: ['custom'], from: folder};
		expect(await runJson(state, [...add, folder])).toEqual({added: [plugin]});
		writeStore(state, 'main', {profiles: {'own:a': {type: 'api_key', provider: 'own', key}}});
		writeStore(state, 'work', {profiles: {'own:b': {type: 'api_key', provider: 'own', key}}});
		expect(await runJson(state, ['plugins', 'remove', 'own', '--yes'])).toEqual({
			...{id: 'own', removed: true, profiles: 2},
		});
	});

	it('are removed only when that is wanted', async () => {
		const state = emptyState();
		await run(state, [...add, pluginFolder(simple)]);
		const unasked = await run(state, ['plugins', 'remove', 'own']);
		expect(unasked.code).toBe(2);
		expect(unasked.stderr).toContain('Add --yes.');
		const terminal = openProgram(state, ['plugins', 'remove', 'own']);
		await terminal.waitFor('Type own to do it:');
		await terminal.press('n\r');
		await terminal.waitFor('Nothing was removed.');
		expect(await terminal.exited).toEqual({exitCode: 130});
		expect(await runJson(state, ['plugins', 'list'])).toHaveLength(1);
	});

	it('that cannot be read are listed with the reason, beside the others', async () => {
		const state = emptyState();
		await run(state, [...add, pluginFolder(simple)]);
		writeJson(state.paths.plugin('broken'), {id: 'broken'});
		const {code, stdout, stderr} = await run(state, ['plugins', 'list']);
		expect(code).toBe(0);
		expect(stdout).toMatch(/^broken +– +out of use/m);
		expect(stdout).toMatch(/^own /m);
		expect(stderr).toContain('broken: ');
		expect(stderr).toContain('label: ');
		expect(await run(state, ['plugins', 'remove', 'broken', '--yes'])).toMatchObject({code: 0});
		expect(await runJson(state, ['plugins', 'list'])).toHaveLength(1);
	});

	it('that misbehave end with 1 and a sentence, and no secret', async () => {
		const state = emptyState();
		const secret = canary('thrown');
		const text = oneMethod(
			`async login() { console.log('${secret}'); throw new TypeError('${secret}'); }`,
			'own',
		);
		await run(state, [...add, pluginFolder(text)]);
		const failed = await run(state, [...login, 'own', '--json']);
		expect(failed).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(failed)).toMatchObject({
			code: 'plugin_failed',
			message: 'The plugin own failed in its login (TypeError).',
			plugin: 'own',
		});
		expect(failed.stderr).not.toContain('canary');
		// Whoever writes it sees more.
		const debugged = await run(state, [...login, 'own'], {env: {JARVIS_DEBUG: '1'}});
		expect(debugged).toMatchObject({code: 1, stdout: ''});
		expect(debugged.stderr).toContain(`TypeError: ${secret}\n    at `);
		const broken = await run(state, [...add, pluginFolder('{'), '--json']);
		expect(errorIn(broken)).toMatchObject({
			code: 'plugin_failed',
			next: expect.stringContaining('Nothing was'),
		});
	});

	it('take what a pipe says before they ask', async () => {
		const state = emptyState();
		const text = oneMethod(
			`login: async io => ({type: 'api_key', key: await io.ask({message: 'Key?'})})`,
			'own',
		);
		await run(state, [...add, pluginFolder(text)]);
		for (const input of [key, `${key}\n`]) {
			const piped = await run(state, [...login, 'own'], {input});
			expect(piped).toMatchObject({code: 0, stdout: 'own:default\n'});
			expect(stored(state, 'own:default')).toMatchObject({key});
		}
	});

	it('are cancelled with ctrl+c, whatever they do', async () => {
		const state = emptyState();
		const text = oneMethod(`login(io) { io.progress('waits'); return new Promise(() => {}); }`, 'own');
		await run(state, [...add, pluginFolder(text)]);
		const running = start(state, [...login, 'own']);
		await running.says('waits');
		running.signal('SIGINT');
		expect(await running.ended).toMatchObject({code: 130, stdout: ''});
	});
});

describe('a package', () => {
	/** An archive of a package, as npm makes one. */
	function archive(text: string): string {
		const folder = pluginFolder(text);
		writeJson(join(folder, 'package.json'), {
			...{name: 'own-plugin', version: '1.0.0', type: 'module', exports: './index.js'},
			scripts: {install: 'touch ran', postinstall: 'touch ran'},
		});
		const pack = ['pack', '--silent', '--ignore-scripts', '--offline'];
		const name = execFileSync('npm', pack, {cwd: folder, encoding: 'utf8'}).trim();
		return join(folder, name);
	}

	it('is installed because it was asked for, without its scripts, and goes with its plugin', async () => {
		const state = emptyState();
		mkdirSync(join(state.stateDir, 'no-home'));
		const env = {npm_config_offline: 'true'};
		const added = await run(state, [...add, archive(simple)], {env});
		expect(added).toMatchObject({code: 0, stderr: expect.stringContaining('Added Acme (own)')});
		const [folder = ''] = names(state.paths.pluginPackages);
		const installed = join(state.paths.pluginPackages, folder, 'node_modules/own-plugin');
		expect(names(installed)).toEqual(['index.js', 'package.json']);
		expect(await run(state, [...login, 'own'])).toMatchObject({code: 0});
		await run(state, ['plugins', 'remove', 'own', '--yes']);
		expect(names(state.paths.pluginPackages)).toEqual([]);
	});

	it.each<[string, () => string, string]>([
		['that is no plugin', () => archive('export const nothing = 1;'), 'plugin_invalid'],
		['whose id is taken', () => archive(oneMethod('login() {}', 'openai')), 'plugin_conflict'],
		['that is not to be had', () => './nothing.tgz', 'plugin_invalid'],
	])('%s leaves nothing behind', async (_, spec, code) => {
		const state = emptyState();
		const failed = await run(state, [...add, spec(), '--json'], {env: {npm_config_offline: 'true'}});
		expect(failed).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(failed).code).toBe(code);
		expect(names(state.paths.pluginPackages)).toEqual([]);
		expect(await runJson(state, ['plugins', 'list'])).toEqual([]);
	});

	it('cannot be installed without npm, which is said', async () => {
		const state = emptyState();
		const failed = await run(state, [...add, 'own-plugin', '--json'], {env: {PATH: '/nowhere'}});
		expect(errorIn(failed)).toMatchObject({
			code: 'plugin_invalid',
			message: 'own-plugin could not be installed: there is no npm. Nothing was added.',
		});
	});
});

describe('the page on plugins', () => {
	const page = readFileSync(new URL('docs/plugins.md', root), 'utf8');

	/** The page's code of a language, in its order. */
	function blocks(language: string): string[] {
		const found = page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'));
		return [...found].map(([, text = '']) => text);
	}

	interface Gateway {
		readonly address: string;
		readonly asked: [string, Record<string, string>][];
	}

	/** A gateway as the page's plugin expects it: every refresh token is good once. */
	async function openGateway(): Promise<Gateway> {
		const asked: Gateway['asked'] = [];
		let good = 'canary-code';
		const server = createServer(async (request, response) => {
			const body = (await json(request)) as Record<string, string>;
			asked.push([request.url ?? '', body]);
			if (body.code !== good && body.refresh !== good) {
				response.writeHead(401).end('canary-refused');
				return;
			}
			good = `canary-refresh-${asked.length}`;
			const access = `canary-access-${asked.length}`;
			const email = 'maya@example.test';
			response.end(JSON.stringify({access, refresh: good, lifetime: 3600, email}));
		}).listen(0, '127.0.0.1');
		onTestFinished(() => {
			server.close();
			server.closeAllConnections();
		});
		await once(server, 'listening');
		return {address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked};
	}

	it('has a code plugin that works as it stands there', async () => {
		const state = emptyState();
		const gateway = await openGateway();
		const folder = join(temporaryFolder(), 'acme-gateway');
		mkdirSync(folder);
		writeFileSync(join(folder, 'package.json'), blocks('json')[1] ?? '');
		writeFileSync(join(folder, 'index.js'), blocks('js')[0] ?? '');
		await runJson(state, [...add, folder]);

		const running = start(state, [...login, 'acme-gateway']);
		await running.says('The address of your gateway');
		running.type('nowhere\n');
		await running.says('That is no address.');
		running.type(`${gateway.address}/somewhere\n`);
		await running.says(`${gateway.address}/connect`);
		running.type('canary-code\n');
		const profileId = 'acme-gateway:maya@example.test';
		expect(await running.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
		expect(gateway.asked).toEqual([['/token', {code: 'canary-code'}]]);

		const token = ['models', 'auth', 'token', '--provider', 'acme-gateway'];
		expect(await run(state, token)).toMatchObject({code: 0, stdout: 'canary-access-1\n'});
		endToken(state, profileId);
		expect(await run(state, token)).toMatchObject({code: 0, stdout: 'canary-access-2\n'});
		expect(gateway.asked.at(-1)).toEqual(['/token', {refresh: 'canary-refresh-1'}]);
		expect(stored(state, profileId)).toMatchObject({metadata: {gateway: gateway.address}});

		const out = await run(state, ['models', 'auth', 'logout', profileId, '--yes']);
		expect(out).toMatchObject({code: 0, stderr: expect.stringContaining('ended it at its server')});
		expect(gateway.asked.at(-1)).toEqual(['/revoke', {refresh: 'canary-refresh-2'}]);
	});

	it('has one that says when a person must log in again', async () => {
		const state = emptyState();
		const gateway = await openGateway();
		const folder = pluginFolder(blocks('js')[0] ?? '');
		await runJson(state, [...add, folder]);
		writeStore(state, 'main', {
			profiles: {
				'acme-gateway:maya': {
					...{type: 'oauth', provider: 'acme-gateway', access: key, refresh: key, expires: 1},
					metadata: {gateway: gateway.address},
				},
			},
		});
		const failed = await run(state, ['models', 'auth', 'token', '--provider', 'acme-gateway', '--json']);
		expect(failed).toMatchObject({code: 3, stdout: ''});
		expect(errorIn(failed).code).toBe('needs_login');
		expect(failed.stderr).not.toContain('canary-refused');
	});

	it('has a manifest that is added as it stands there', async () => {
		const state = emptyState();
		const folder = temporaryFolder();
		writeFileSync(join(folder, 'jarvis.plugin.json'), blocks('json')[0] ?? '');
		await runJson(state, [...add, folder]);
		expect(await runJson(state, ['plugins', 'list'])).toMatchObject([
			{id: 'acme', kind: 'manifest', methods: ['oauth', 'device_code', 'api_key']},
		]);
	});

	it('names the files and the commands of both', () => {
		for (const name of ['acme-manifest', 'pi-ai']) {
			expect(existsSync(new URL(`examples/plugins/${name}/README.md`, root))).toBe(true);
		}
		expect(blocks('sh').join('')).toContain('jarvis plugins add ./acme-gateway\n');
	});
});

describe('the example that wraps pi-ai', () => {
	let example: string;

	/**
	 * The example, with the package that it names in its node_modules: what its logins need, which is the package
	 * alone and none of those that it needs for models.
	 */
	beforeAll(() => {
		example = join(mkdtempSync(join(tmpdir(), 'jarvis-test-')), 'pi-ai');
		cpSync(fileURLToPath(new URL('examples/plugins/pi-ai', root)), example, {recursive: true});
		const {dependencies} = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8'));
		const [[name, version] = []] = Object.entries<string>(dependencies);
		const pack = ['pack', '--silent', '--ignore-scripts', `${name}@${version}`];
		const packed = execFileSync('npm', pack, {cwd: example, encoding: 'utf8'}).trim();
		const folder = join(example, 'node_modules', String(name));
		mkdirSync(folder, {recursive: true});
		execFileSync('tar', ['-xzf', packed, '-C', folder, '--strip-components=1'], {cwd: example});
		rmSync(join(example, packed));
	}, 60_000);

	afterAll(() => {
		rmSync(join(example, '..'), {recursive: true, force: true});
	});

	it('adds three providers beside the built-in ones', async () => {
		const state = emptyState();
		await runJson(state, [...add, example]);
		expect(await runJson(state, ['plugins', 'list'])).toMatchObject([
			{id: 'pi-anthropic', kind: 'code', methods: ['oauth']},
			{id: 'pi-github-copilot', kind: 'code', methods: ['oauth']},
			{id: 'pi-openai-codex', kind: 'code', methods: ['oauth']},
		]);
	});

	it('logs in to a real server, refreshes there, and finds out when that refuses', async () => {
		const codex = 'app_EMoamEEZ73f0CkXaXp7hrann';
		const sandbox = await openSandbox({
			extraClientIds: [codex],
			redirectUris: ['http://localhost:1455/auth/callback'],
			accessTokenSeconds: 3600,
		});
		// Its server's address is in its code: this alone sends what is meant for it to the one here.
		const preload = join(temporaryFolder(), 'preload.mjs');
		writeFileSync(
			preload,
			`const real = globalThis.fetch;
			globalThis.fetch = (url, init) =>
				real(String(url).replace('https://auth.openai.com', '${sandbox.server.issuer}'), init);`,
		);
		const env = {NODE_OPTIONS: `--import ${JSON.stringify(preload)}`};
		await runJson(sandbox, [...add, example]);

		const running = start(sandbox, [...login, 'pi-openai-codex'], {env});
		await running.says(/^https:.*\n[\s\S]*:\n$/m);
		expect(running.stderr()).toContain('A browser window should open. Complete login to finish.');
		const link = /^https:\S+$/m.exec(running.stderr())?.[0] ?? '';
		const here = link.replace('https://auth.openai.com', sandbox.server.issuer);
		running.type(`${await redirectFrom(here)}\n`);
		const profileId = 'pi-openai-codex:default';
		expect(await running.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
		const {access, refresh} = stored(sandbox, profileId);
		expect(stored(sandbox, profileId)).toMatchObject({accountId: 'sandbox-account-maya'});

		const token = ['models', 'auth', 'token', '--provider', 'pi-openai-codex'];
		endToken(sandbox, profileId);
		const refreshed = await run(sandbox, token, {env});
		expect(refreshed).toMatchObject({code: 0, stderr: ''});
		expect(refreshed.stdout.trim()).not.toBe(access);
		expect(stored(sandbox, profileId)).toMatchObject({access: refreshed.stdout.trim()});
		expect(sandbox.server.refreshRequests).toBe(1);

		// The one that was spent ends the grant (RFC 9700, section 4.14.2). For its own account the journal knows it.
		endToken(sandbox, profileId, {refresh, accountId: 'another'});
		const refused = await run(sandbox, [...token, '--json'], {env});
		expect(refused).toMatchObject({code: 3, stdout: ''});
		expect(errorIn(refused).code).toBe('needs_login');
		expect(refused.stderr).not.toContain(String(refresh));
	});
});
