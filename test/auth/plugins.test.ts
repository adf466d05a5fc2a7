import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {oneMethod, pluginFolder} from '../support/plugins.ts';
import {
	callbackAt,
	canary,
	freePort,
	obtainTokens,
	openSandbox,
	providerId,
	reaches,
	readStore,
	refusal,
	type Sandbox,
	startWaiting,
	temporaryFolder,
	waiting,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';

const examples = new URL('../../examples/plugins/', import.meta.url);

/** A plugin whose tokens are counted: the first access token is `canary-access-1`. */
const counting = `
let count = 0;
const issue = () => {
	count += 1;
	return {type: 'oauth', access: 'canary-access-' + count, refresh: 'canary-refresh-' + count,
		expires: Date.now() + 3600e3, email: 'maya@example.test', metadata: {tenant: 'a'}};
};
const spent = credential => ({...issue(), access: credential.refresh + '-' + credential.metadata.tenant});
`;

/** Adds a module as a plugin, and returns the object over the state folder. */
async function withPlugin(sandbox: Sandbox, text: string): Promise<ReturnType<Sandbox['open']>> {
	const jarvis = sandbox.open();
	await jarvis.addPlugin(pluginFolder(text), '/');
	return jarvis;
}

async function logIn(jarvis: ReturnType<Sandbox['open']>, id = 'own') {
	const login = await jarvis.startLogin({providerId: id, agentId: 'main'});
	return login.finished;
}

const profile = {agentId: 'main', profileId: 'own:maya@example.test', provider: 'own'};

describe('a code plugin', () => {
	it('logs in, refreshes and revokes as any other provider', async () => {
		const sandbox = await openSandbox();
		const witness = join(temporaryFolder(), 'revoked');
		const text = `${counting}
			import {writeFileSync} from 'node:fs';
			${oneMethod(
				`login: async () => issue(), refresh: async credential => spent(credential),
				async revoke({refresh, metadata}) { writeFileSync('${witness}', refresh + metadata.tenant); }`,
				'own',
			)}`;
		const jarvis = await withPlugin(sandbox, text);
		expect(await logIn(jarvis)).toMatchObject({step: 'done', result: {profileId: profile.profileId}});
		expect(await jarvis.resolve({providerId: 'own'})).toMatchObject({secret: 'canary-access-1'});
		expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
		// Each use has a worker of its own: the module began anew.
		expect(readStore(sandbox).profiles[profile.profileId]).toEqual({
			...{type: 'oauth', provider: 'own', access: 'canary-refresh-1-a', refresh: 'canary-refresh-1'},
			...{expires: expect.any(Number), email: 'maya@example.test', metadata: {tenant: 'a'}},
		});
		expect(await jarvis.logOut('main', profile.profileId)).toEqual({outcome: 'revoked'});
		expect(readFileSync(witness, 'utf8')).toBe('canary-refresh-1a');
		expect(readStore(sandbox).profiles).toEqual({});
	});

	it('is loaded when it is added and when it is used, and for nothing else', async () => {
		const sandbox = await openSandbox();
		const witness = join(temporaryFolder(), 'loaded');
		const text = `${counting}
			import {appendFileSync} from 'node:fs';
			appendFileSync('${witness}', 'x');
			${oneMethod('login: async () => issue(), refresh: async credential => spent(credential)', 'own')}`;
		const loads = () => (existsSync(witness) ? readFileSync(witness, 'utf8').length : 0);
		const folder = pluginFolder(text);
		const jarvis = sandbox.open();
		expect(loads()).toBe(0);
		await jarvis.addPlugin(folder, '/');
		expect(loads()).toBe(1);
		await jarvis.plugins();
		await jarvis.providers();
		await jarvis.bestMethod('own', {browser: false});
		const other = await startWaiting(sandbox);
		await visit(other.state.url);
		expect(await other.login.finished).toMatchObject({step: 'done'});
		expect(loads()).toBe(1);
		await logIn(jarvis);
		await jarvis.resolve({providerId: 'own'});
		await jarvis.snapshot();
		expect(loads()).toBe(2);
		await jarvis.refresh(profile, 'always');
		expect(loads()).toBe(3);
		await jarvis.removePlugin('own');
		expect(loads()).toBe(3);
	});

	it.each<[string, string, string]>([
		['throws', `() => { throw new TypeError('${canary('thrown')}'); }`, 'failed in its refresh (TypeError)'],
		['ends', '() => process.exit(0)', 'ended in the middle of its refresh'],
		['lies', `async () => ({type: 'oauth', access: 5})`, 'gave a token that is not of the contract (access)'],
	])('whose refresh %s is named, and its profile is as it was', async (_, refresh, what) => {
		const sandbox = await openSandbox();
		const text = counting + oneMethod(`login: async () => issue(), refresh: ${refresh}`, 'own');
		const jarvis = await withPlugin(sandbox, text);
		await logIn(jarvis);
		const before = readStore(sandbox).profiles;
		const error = await refusal(jarvis.refresh(profile, 'always'));
		expect(error).toMatchObject({code: 'refresh_unavailable', exitCode: 1});
		expect(error.message).toContain(`Acme gave no token: its plugin ${what}.`);
		expect(JSON.stringify(error)).not.toContain('canary');
		expect(readStore(sandbox).profiles).toEqual(before);
		// It may be over soon, but it is good now.
		expect(await jarvis.resolve({providerId: 'own'})).toMatchObject({secret: 'canary-access-1'});
	});

	it('that says that its server wants a new login marks the profile', async () => {
		const sandbox = await openSandbox();
		const refresh = `() => { throw Object.assign(new Error(), {code: 'needs_login'}); }`;
		const text = counting + oneMethod(`login: async () => issue(), refresh: ${refresh}`, 'own');
		const jarvis = await withPlugin(sandbox, text);
		await logIn(jarvis);
		expect(await refusal(jarvis.refresh(profile, 'always'))).toMatchObject({code: 'needs_login'});
		const [facts] = (await jarvis.snapshot()).agents[0]?.profiles ?? [];
		expect(facts?.needsLogin).toMatchObject({reason: 'invalid_grant'});
	});

	it('refreshes once for many that ask', async () => {
		const sandbox = await openSandbox();
		const witness = join(temporaryFolder(), 'refreshes');
		const text = `${counting}
			import {appendFileSync} from 'node:fs';
			${oneMethod(
				`login: async () => issue(),
				async refresh(credential) { appendFileSync('${witness}', 'x'); return spent(credential); }`,
				'own',
			)}`;
		const jarvis = await withPlugin(sandbox, text);
		await logIn(jarvis);
		const document = readStore(sandbox);
		writeStore(sandbox, 'main', {
			...document,
			profiles: {[profile.profileId]: {...document.profiles[profile.profileId], expires: Date.now() - 1}},
		});
		const given = await Promise.all(
			Array.from({length: 8}, () => sandbox.open().resolve({providerId: 'own'})),
		);
		expect(new Set(given.map(({secret}) => secret))).toEqual(new Set(['canary-refresh-1-a']));
		expect(readFileSync(witness, 'utf8')).toBe('x');
	});

	it('that fails ends its own login, and takes nothing else down', async () => {
		const sandbox = await openSandbox();
		const jarvis = await withPlugin(sandbox, oneMethod('login: () => process.exit(3)', 'own'));
		const other = await startWaiting(sandbox);
		expect(await logIn(jarvis)).toMatchObject({
			step: 'failed',
			error: {code: 'plugin_failed', message: 'The plugin own ended in the middle of its login.'},
		});
		await visit(other.state.url);
		expect(await other.login.finished).toMatchObject({step: 'done'});
		expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:maya@example.test']);
	});

	it('has the redirect come back to the program, and judges it itself', async () => {
		const sandbox = await openSandbox();
		const redirectUri = callbackAt(await freePort());
		const text = oneMethod(
			`async login(io) {
				const params = await io.redirect({
					redirectUris: ['${redirectUri}'],
					url: to => 'http://127.0.0.1:1/authorize?state=s&to=' + encodeURIComponent(to),
					isOurs: params => params.get('state') === 's',
				});
				return {type: 'api_key', key: params.get('code')};
			}`,
			'own',
		);
		const jarvis = await withPlugin(sandbox, text);
		const login = await jarvis.startLogin({providerId: 'own', agentId: 'main'});
		const state = await waiting(login);
		expect(state).toMatchObject({listening: true, redirectUri});
		expect(new URL(state.url).searchParams.get('to')).toBe(redirectUri);
		expect((await visit(`${redirectUri}?code=stolen&state=other`)).status).toBe(400);
		expect((await visit(`${redirectUri}?code=canary-code&state=s`)).status).toBe(200);
		expect(await login.finished).toMatchObject({step: 'done', result: {profileId: 'own:default'}});
		expect(readStore(sandbox).profiles['own:default']).toMatchObject({key: 'canary-code'});
	});

	it('asks, and asks again while its check is not content', async () => {
		const sandbox = await openSandbox();
		const text = oneMethod(
			`async login(io) {
				const key = await io.ask({message: 'Key?', secret: true, check: text => text === 'bad' ? 'Not that.' : undefined});
				const kind = await io.choose({message: 'Which?', options: [{id: 'a', label: 'A'}, {id: 'b', label: 'B'}]});
				return {type: 'api_key', key: key + kind};
			}`,
			'own',
		);
		const jarvis = await withPlugin(sandbox, text);
		const login = await jarvis.startLogin({providerId: 'own', agentId: 'main'});
		expect(await reaches(login, 'asking')).toMatchObject({message: 'Key?', secret: true});
		expect(await refusal(login.paste('bad'))).toMatchObject({code: 'secret_malformed', message: 'Not that.'});
		await login.paste('good');
		await expect.poll(() => login.state()).toMatchObject({step: 'asking', message: 'Which?'});
		await login.paste('b');
		expect(await login.finished).toMatchObject({step: 'done'});
		expect(readStore(sandbox).profiles['own:default']).toMatchObject({key: 'goodb'});
	});

	it('may stand for several providers, and hold methods that are data', async () => {
		const sandbox = await openSandbox();
		const login = 'login: async () => ({type: "token", token: "canary-token"})';
		const text = `export default [
			{id: 'one', label: 'One', auth: [{method: 'custom', ${login}}]},
			{id: 'two', label: 'Two', aliases: ['zwei'], auth: [{method: 'api_key', madeAt: 'here'}, {method: 'custom', ${login}}]},
		];`;
		const jarvis = await withPlugin(sandbox, text);
		expect(await jarvis.plugins()).toMatchObject([
			{id: providerId, kind: 'manifest', methods: ['oauth']},
			{id: 'one', kind: 'code', methods: ['custom']},
			{id: 'two', kind: 'code', methods: ['api_key', 'custom']},
		]);
		const started = await jarvis.startLogin({providerId: 'zwei', agentId: 'main', method: 'custom'});
		expect(await started.finished).toMatchObject({step: 'done', result: {profileId: 'two:default'}});
		const pasted = await jarvis.startLogin({providerId: 'two', agentId: 'main'});
		await reaches(pasted, 'asking');
		await pasted.paste('canary-key');
		expect(await pasted.finished).toMatchObject({step: 'done', result: {kind: 'api_key'}});
	});

	it('that is gone, or holds another provider now, is told so', async () => {
		const sandbox = await openSandbox();
		const folder = pluginFolder(counting + oneMethod('login: async () => issue()', 'own'));
		const jarvis = sandbox.open();
		await jarvis.addPlugin(folder, '/');
		writeFileSync(join(folder, 'index.js'), counting + oneMethod('login: async () => issue()', 'openai'));
		expect(await logIn(jarvis)).toMatchObject({step: 'failed', error: {code: 'plugin_failed'}});
		writeFileSync(join(folder, 'package.json'), '{}');
		rmSync(join(folder, 'index.js'));
		expect(await logIn(jarvis)).toMatchObject({step: 'failed', error: {code: 'plugin_failed'}});
		expect((await jarvis.plugins())[1]).toMatchObject({
			id: 'own',
			problem: expect.stringContaining('not there'),
		});
		expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
	});
});

describe('adding', () => {
	it.each<[string, string]>([
		['a built-in provider', 'openai-codex'],
		['another name of a built-in provider', 'copilot'],
		['another plugin', providerId],
	])('with an id of %s is refused', async (_, id) => {
		const sandbox = await openSandbox();
		const before = await sandbox.open().plugins();
		const adding = withPlugin(sandbox, oneMethod('login() {}', id));
		expect(await refusal(adding)).toMatchObject({code: 'plugin_conflict'});
		expect(await sandbox.open().plugins()).toEqual(before);
	});

	it.each<[string, string, string]>([
		['nothing', 'nothing', './nothing is not there'],
		['an empty folder', '', './ holds neither'],
	])('%s says what is missing', async (_, name, why) => {
		const sandbox = await openSandbox();
		const error = await refusal(sandbox.open().addPlugin(`./${name}`, temporaryFolder()));
		expect(error).toMatchObject({code: 'plugin_invalid', exitCode: 1});
		expect(error.message).toBe(
			`${why}${name ? '' : ' a jarvis.plugin.json nor a package.json'}. Nothing was added.`,
		);
	});

	it('a package that Node finds from the folder uses that one', async () => {
		const sandbox = await openSandbox();
		const folder = temporaryFolder();
		const module = join(folder, 'node_modules/@acme/plugin');
		writeJson(join(module, 'package.json'), {name: '@acme/plugin', type: 'module', exports: './p.js'});
		writeFileSync(join(module, 'p.js'), oneMethod('login() {}', 'own'));
		const added = await sandbox.open().addPlugin('@acme/plugin', folder);
		expect(added).toEqual([{id: 'own', label: 'Acme', kind: 'code', methods: ['custom'], from: module}]);
		expect(existsSync(sandbox.paths.pluginPackages)).toBe(false);
	});

	it('a built-in’s id, put there by hand, is left out and said to be', async () => {
		const sandbox = await openSandbox();
		const manifest = {id: 'openai', label: 'Mine', auth: [{method: 'api_key'}]};
		writeJson(sandbox.paths.plugin('openai'), manifest);
		const jarvis = sandbox.open();
		expect((await jarvis.providers()).providers.get('openai')).toMatchObject({origin: 'built in'});
		expect((await jarvis.plugins()).find(({id}) => id === 'openai')).toMatchObject({
			problem: 'a built-in provider has its id',
		});
	});
});

describe('the example of a manifest, at a real server', () => {
	/** The example, with the addresses of the server in place of the invented ones. */
	async function openExample(): Promise<Sandbox> {
		const sandbox = await openSandbox();
		const {server, paths, port} = sandbox;
		const text = readFileSync(new URL('acme-manifest/jarvis.plugin.json', examples), 'utf8')
			.replaceAll('https://login.acme.example', server.issuer)
			.replaceAll('acme-cli', server.clientId)
			.replace('http://127.0.0.1:8123/auth/callback', callbackAt(port));
		await sandbox.open().removePlugin(providerId);
		const folder = temporaryFolder();
		writeFileSync(join(folder, 'jarvis.plugin.json'), text);
		await sandbox.open().addPlugin(folder, '/');
		expect(existsSync(paths.plugin(providerId))).toBe(true);
		return sandbox;
	}

	test('it logs in, refreshes, and is revoked', async () => {
		const sandbox = await openExample();
		const jarvis = sandbox.open();
		const {login, state} = await startWaiting(sandbox, {providerId: 'acme-models'});
		await visit(state.url);
		const profileId = 'acme:maya@example.test';
		expect(await login.finished).toMatchObject({step: 'done', result: {profileId}});
		expect(await jarvis.refresh({agentId: 'main', profileId, provider: 'acme'}, 'always')).toBe('refreshed');
		const {refresh} = readStore(sandbox).profiles[profileId] ?? {};
		expect(await jarvis.logOut('main', profileId)).toEqual({outcome: 'revoked'});
		const reply = await fetch(sandbox.server.tokenEndpoint, {
			method: 'POST',
			body: new URLSearchParams({
				...{grant_type: 'refresh_token', client_id: sandbox.server.clientId},
				refresh_token: String(refresh),
			}),
		});
		expect({status: reply.status, body: await reply.json()}).toMatchObject({
			status: 400,
			body: {error: 'invalid_grant'},
		});
	});

	test('one login’s revocation leaves another account’s alone', async () => {
		const sandbox = await openExample();
		const jarvis = sandbox.open();
		const other = await obtainTokens(sandbox.server, 'tomas@example.test');
		const {login, state} = await startWaiting(sandbox);
		await visit(state.url);
		await login.finished;
		await jarvis.logOut('main', 'acme:maya@example.test');
		const reply = await fetch(sandbox.server.tokenEndpoint, {
			method: 'POST',
			body: new URLSearchParams({
				...{grant_type: 'refresh_token', client_id: sandbox.server.clientId},
				refresh_token: String(other.refresh_token),
			}),
		});
		expect(reply.status).toBe(200);
	});

	test('it takes an API key, and offers what it says', async () => {
		const sandbox = await openExample();
		const jarvis = sandbox.open();
		const {auth, env} = (await jarvis.providers()).providers.get('acme') ?? {};
		expect(auth?.map(({method}) => method)).toEqual(['oauth', 'device_code', 'api_key']);
		expect(env).toEqual(['ACME_API_KEY']);
		expect(await jarvis.bestMethod('acme', {browser: false})).toBe('device_code');
		const login = await jarvis.startLogin({providerId: 'acme', agentId: 'main', method: 'api_key'});
		await reaches(login, 'asking');
		await login.paste(canary('key'));
		expect(await login.finished).toMatchObject({step: 'done', result: {kind: 'api_key'}});
	});
});
