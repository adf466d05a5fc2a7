import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it, onTestFinished} from 'vitest';
import {healthOf} from '../../source/auth/health.ts';
import {fingerprint} from '../../source/auth/identity.ts';
import type {ImportHow} from '../../source/auth/import/judge.ts';
import {programs} from '../../source/auth/import/programs.ts';
import {readEntries} from '../../source/auth/import/read.ts';
import {openJarvis} from '../../source/core.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {statePaths} from '../../source/store/paths.ts';
import {dayMs, writeAll, writeClaude, writeCodex, writeGh} from '../support/other-programs.ts';
import {
	canary,
	obtainTokens,
	readStore,
	refusal,
	startServer,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {exposed, put} from '../support/state-folder.ts';

const profileId = 'openai-codex:maya@example.test';

/** A home with no login, and JARVIS in it. */
function machine(now: () => number = Date.now) {
	const home = temporaryFolder();
	const stateDir = `${home}/.jarvis`;
	const env = {HOME: home};
	const jarvis = openJarvis({stateDir, env, now});
	const paths = statePaths(stateDir);
	const take = (id: string, how: ImportHow, more = {}) =>
		jarvis.importLogin({agentId: 'main', id, how, ...more});
	const states = async (agentId = 'main') => {
		const {logins} = await jarvis.foundLogins(agentId);
		return Object.fromEntries(logins.map(({id, state}) => [id, state]));
	};
	const profiles = (agentId = 'main') => readStore({paths}, agentId).profiles;
	return {home, env, jarvis, paths, take, states, profiles};
}

const later = () => Date.now() + 9 * dayMs;

describe('what is found', () => {
	it('is every login of every program, without a secret', async () => {
		const {home, jarvis} = machine();
		writeAll(home, Date.now());
		mkdirSync(`${home}/.openclaw/agents`, {recursive: true});
		const found = await jarvis.foundLogins('main');
		expect(
			found.logins.map(({id, provider, kind, email, name, state}) => [
				id,
				provider,
				kind,
				email ?? name,
				state,
			]),
		).toEqual([
			['codex:tokens', 'openai-codex', 'oauth', 'maya@example.test', 'new'],
			['claude:claudeAiOauth', 'anthropic', 'oauth', 'maya@example.test', 'new'],
			['gemini:oauth_creds', 'google-gemini-cli', 'oauth', 'maya@example.test', 'new'],
			['gh:github.com/maya', 'github', 'token', 'maya', 'new'],
			['gh:github.com/work-bot', 'github', 'token', 'work-bot', 'elsewhere'],
			['gh:ghe.example.test/maya', 'ghe.example.test', 'token', 'maya', 'new'],
			['pi:anthropic', 'anthropic', 'api_key', undefined, 'elsewhere'],
			['pi:github-copilot', 'github-copilot', 'oauth', undefined, 'new'],
			['pi:groq', 'groq', 'api_key', undefined, 'new'],
		]);
		expect(found.problems).toEqual([]);
		expect(found.openclaw).toBe(`${home}/.openclaw`);
		expect(JSON.stringify(found)).not.toContain('canary');
	});

	it('is looked for where the programs are told to keep it', async () => {
		const from = temporaryFolder();
		writeAll(from, Date.now());
		const env = {
			...{HOME: temporaryFolder(), CODEX_HOME: `${from}/.codex`, CLAUDE_CONFIG_DIR: `${from}/.claude`},
			...{
				XDG_CONFIG_HOME: `${from}/.config`,
				PI_CODING_AGENT_DIR: `${from}/.pi/agent`,
				GEMINI_CLI_HOME: from,
			},
		};
		const jarvis = openJarvis({stateDir: `${from}/state`, env});
		const ids = async () => (await jarvis.foundLogins('main')).logins.map(({program}) => program);
		expect([...new Set(await ids())]).toEqual(['codex', 'claude', 'gemini', 'gh', 'pi']);
		const gh = {...env, GH_CONFIG_DIR: `${from}/nowhere`};
		const other = openJarvis({stateDir: `${from}/state`, env: gh});
		expect((await other.foundLogins('main')).logins.map(({program}) => program)).not.toContain('gh');
	});

	it('is not of an account that is named above a folder which was chosen', async () => {
		const home = temporaryFolder();
		const chosen = join(home, 'claude-of-work');
		put(join(chosen, '.credentials.json'), readFileSync(writeClaude(home, later()), 'utf8'));
		const jarvis = openJarvis({stateDir: `${home}/state`, env: {HOME: home, CLAUDE_CONFIG_DIR: chosen}});
		const emails = async () => (await jarvis.foundLogins('main')).logins.map(({email}) => email);
		expect(await emails()).toEqual([undefined]);
		put(join(chosen, '.claude.json'), {oauthAccount: {emailAddress: 'work@example.test'}});
		expect(await emails()).toEqual(['work@example.test']);
	});

	it('is nothing where there is nothing, or where nobody is logged in', async () => {
		const {home, jarvis} = machine();
		expect(await jarvis.foundLogins('main')).toEqual({logins: [], problems: []});
		put(`${home}/.codex/auth.json`, {});
		put(`${home}/.claude/.credentials.json`, {mcpOAuth: {}});
		put(`${home}/.config/gh/hosts.yml`, '');
		put(`${home}/.pi/agent/auth.json`, {
			acme: {type: 'oauth'},
			'../up': {type: 'api_key', key: 'x'},
			list: [],
		});
		expect(await jarvis.foundLogins('main')).toEqual({logins: [], problems: []});
	});

	it('names each file that cannot be read, quotes nothing of it, and goes on', async () => {
		const {home, jarvis} = machine();
		writeAll(home, Date.now());
		writeFileSync(`${home}/.codex/auth.json`, `{"OPENAI_API_KEY": "${canary('torn')}`);
		writeFileSync(`${home}/.config/gh/hosts.yml`, `github.com: [${canary('torn')}: {`);
		rmSync(`${home}/.pi/agent/auth.json`);
		mkdirSync(`${home}/.pi/agent/auth.json`);
		const {logins, problems} = await jarvis.foundLogins('main');
		expect(logins.map(({program}) => program)).toEqual(['claude', 'gemini']);
		expect(problems.map(({message}) => message).sort()).toEqual(
			[
				expect.stringMatching(/\.codex\/auth\.json is not valid JSON \(line 1, column \d+: .*\)/),
				expect.stringMatching(/hosts\.yml is not valid YAML/),
				expect.stringMatching(/\.pi\/agent\/auth\.json is no login file/),
			].sort(),
		);
		expect(JSON.stringify(problems)).not.toContain('canary');
	});

	it('is in the keychain of macOS where there is no file', () => {
		const claude = programs.find(({id}) => id === 'claude');
		const files = (platform: NodeJS.Platform) => claude?.files({env: {HOME: '/home/maya'}, platform});
		expect(files('linux')).toEqual(['/home/maya/.claude/.credentials.json']);
		expect(files('darwin')).toEqual([
			'/home/maya/.claude/.credentials.json',
			'keychain:Claude Code-credentials',
		]);
	});
});

describe.skipIf(process.platform === 'win32')('the keychain of macOS', () => {
	const claude = programs.find(({id}) => id === 'claude');
	const item = 'keychain:Claude Code-credentials';
	const ask = (body: string, home = temporaryFolder()) => {
		const file = `${temporaryFolder()}/security`;
		writeFileSync(file, `#!/bin/sh\n${body}\n`, {mode: 0o755});
		if (!claude) expect.fail('Claude Code is among the programs');
		return readEntries(claude, item, {security: file, home});
	};

	it('gives the login that is in it', async () => {
		const login = JSON.stringify({claudeAiOauth: {accessToken: canary('keychain'), expiresAt: 1000}});
		const entries = await ask(
			`[ "$*" = "find-generic-password -s Claude Code-credentials -w" ] && echo '${login}'`,
		);
		expect(entries?.map(({entry, credential}) => [entry, credential])).toEqual([
			['claudeAiOauth', {type: 'oauth', provider: 'anthropic', access: canary('keychain'), expires: 1000}],
		]);
	});

	it('is of the account that the home names, whatever lies in the current folder', async () => {
		const login = `echo '${JSON.stringify({claudeAiOauth: {accessToken: canary('keychain')}})}'`;
		const of = (email: string) => ({oauthAccount: {accountUuid: `uuid-${email}`, emailAddress: email}});
		const current = join(temporaryFolder(), 'current');
		put(join(current, '.claude.json'), of('other@example.test'));
		put(join(current, '..', '.claude.json'), of('other@example.test'));
		const before = process.cwd();
		process.chdir(current);
		onTestFinished(() => process.chdir(before));
		const emails = async (home?: string) => (await ask(login, home))?.map(({credential}) => credential.email);
		expect(await emails()).toEqual([undefined]);
		const home = temporaryFolder();
		put(join(home, '.claude.json'), of('maya@example.test'));
		expect(await emails(home)).toEqual(['maya@example.test']);
	});

	it('that has no such item is as a file that is not there', async () => {
		expect(await ask('exit 44')).toBeUndefined();
		if (claude) expect(await readEntries(claude, item, {security: '/nowhere/security'})).toBeUndefined();
	});

	it('that is locked, or takes too long, says what helps', async () => {
		for (const body of ['exit 51', 'exec sleep 30']) {
			const error = await refusal(ask(body));
			expect(error.code).toBe('import_refused');
			expect(error.next).toContain('security unlock-keychain');
		}
	});
});

describe('adopting', () => {
	it('stores the login, and JARVIS refreshes it from then on', async () => {
		const {home, jarvis, paths, take, profiles} = machine();
		const server = await startServer({accessTokenSeconds: 60});
		const {tokenEndpoint, clientId} = server;
		writeJson(paths.config, {models: {providers: {'openai-codex': {auth: {tokenEndpoint, clientId}}}}});
		const {refresh_token: refresh = ''} = await obtainTokens(server);
		const {file} = writeCodex(home, {refresh, expires: Date.now() - 1000});
		const before = readFileSync(file, 'utf8');
		const taken = await take('codex:tokens', 'adopt');
		expect(taken).toMatchObject({profileId, provider: 'openai-codex', how: 'adopt', refreshedBy: 'jarvis'});
		expect(taken.note).toContain('Codex is logged out at the next refresh here');
		const {secret} = await jarvis.resolve({providerId: 'openai-codex'});
		expect(server.refreshRequests).toBe(1);
		expect(profiles()[profileId]).toMatchObject({
			access: secret,
			email: 'maya@example.test',
			accountId: 'account-maya',
		});
		// Codex's own file is never changed by it.
		expect(readFileSync(file, 'utf8')).toBe(before);
		expect(exposed(paths.root)).toEqual([]);

		// What Codex still holds is spent, and would end the grant.
		const error = await refusal(take('codex:tokens', 'adopt'));
		expect(error.code).toBe('import_refused');
		expect(error.message).toContain(`what ${profileId} has is newer`);
		expect(profiles()[profileId]?.access).toBe(secret);
	});

	it('takes keys and tokens, each under an id that nothing else has', async () => {
		const {home, paths, take, profiles} = machine();
		writeAll(home, Date.now());
		writeStore({paths}, 'main', {
			profiles: {'groq:default': {type: 'api_key', provider: 'groq', key: canary('own')}},
		});
		expect((await take('pi:groq', 'adopt')).profileId).toBe('groq:pi');
		expect((await take('gh:github.com/maya', 'adopt')).note).toContain('goes on as before');
		expect(profiles()).toEqual({
			'groq:default': {type: 'api_key', provider: 'groq', key: canary('own')},
			'groq:pi': {type: 'api_key', provider: 'groq', key: canary('pi-groq')},
			'github:maya': {type: 'token', provider: 'github', token: canary('gh-maya')},
		});
	});

	it('of what no provider here can refresh is refused, with what can be done', async () => {
		const {home, paths, take} = machine();
		writeAll(home, Date.now());
		for (const id of ['claude:claudeAiOauth', 'gemini:oauth_creds']) {
			const error = await refusal(take(id, 'adopt'));
			expect(error.code).toBe('import_refused');
			expect(error.message).toMatch(/no provider here can refresh it, and JARVIS does not pose as/);
			expect(error.next).toContain(`jarvis import '${id}' --link`);
		}
		expect(() => readStore({paths})).toThrow();
	});

	const account = (more = {}) => ({
		...{type: 'oauth', provider: 'openai-codex', access: canary('own'), refresh: canary('own-refresh')},
		...{expires: Date.now() + 5 * dayMs, accountId: 'account-maya', email: 'maya@example.test'},
		...more,
	});

	it.each([
		['older than what is stored', {expires: Date.now() + 30 * dayMs}, 'older', /is newer/],
		['the same as what is stored', {refresh: canary('codex-refresh')}, 'here', /has it already/],
		['newer than what is stored', {}, 'newer', undefined],
		[
			'the only good one, the stored one being refused',
			{expires: Date.now() + 30 * dayMs},
			'newer',
			undefined,
			true,
		],
	] as const)('%s', async (_, stored, state, why, isRefused?: boolean) => {
		const {home, paths, take, states, profiles} = machine();
		writeCodex(home, {expires: later()});
		const needsLogin = {since: 1, fingerprint: fingerprint(canary('own-refresh')), reason: 'invalid_grant'};
		writeStore({paths}, 'main', {
			profiles: {'openai-codex:me': account(stored)},
			...(isRefused ? {usageStats: {'openai-codex:me': {needsLogin}}} : {}),
		});
		const before = profiles();
		expect(await states()).toEqual({'codex:tokens': state});
		if (why) {
			expect((await refusal(take('codex:tokens', 'adopt'))).message).toMatch(why);
			expect(profiles()).toEqual(before);
		} else {
			expect((await take('codex:tokens', 'adopt')).profileId).toBe('openai-codex:me');
			expect(profiles()['openai-codex:me']?.refresh).toBe(canary('codex-refresh'));
			expect(readStore({paths}).usageStats?.['openai-codex:me'] ?? {}).toEqual({});
		}
	});

	it.each([
		['nothing else', {}],
		['a link to it beside', {'openai-codex:linked': 'link'}],
	])('into one of several profiles of the account is judged by that one: %s', async (_, more) => {
		const {home, paths, take, profiles} = machine();
		const {file} = writeCodex(home, {expires: later()});
		const fresher = {expires: Date.now() + 30 * dayMs, refresh: canary('fresher')};
		const link = {type: 'oauth', provider: 'openai-codex', link: {program: 'codex', file, entry: 'tokens'}};
		writeStore({paths}, 'main', {
			profiles: {
				...Object.fromEntries(Object.keys(more).map(id => [id, link])),
				'openai-codex:old': account(),
				'openai-codex:fresh': account(fresher),
				'openai-codex:refused': account({...fresher, refresh: canary('refused')}),
			},
			usageStats: {
				'openai-codex:refused': {
					needsLogin: {since: 1, fingerprint: fingerprint(canary('refused')), reason: 'invalid_grant'},
				},
			},
		});
		const before = profiles();
		const error = await refusal(take('codex:tokens', 'adopt', {profileId: 'openai-codex:fresh'}));
		expect(error.message).toContain('what openai-codex:fresh has is newer');
		expect(profiles()).toEqual(before);
		await take('codex:tokens', 'adopt', {profileId: 'openai-codex:refused'});
		expect(profiles()['openai-codex:refused']?.refresh).toBe(canary('codex-refresh'));
	});

	it.each([
		[
			'of another account',
			account({accountId: 'account-omar', email: 'omar@example.test'}),
			/is of omar@example\.test, and this is a login of maya@example\.test/,
		],
		[
			'of no known account',
			account({accountId: undefined, email: undefined}),
			/is of an account that is not known/,
		],
		[
			'of another kind',
			{type: 'token', provider: 'openai-codex', token: canary('token')},
			/is of another kind/,
		],
		['of an unknown form', {type: 'passkey', provider: 'openai-codex'}, /form that is not known/],
	])('never writes over a profile %s', async (_, stored, why) => {
		const {home, paths, take, profiles} = machine();
		writeCodex(home, {expires: later()});
		writeStore({paths}, 'main', {profiles: {'openai-codex:work': JSON.parse(JSON.stringify(stored))}});
		const before = profiles();
		const error = await refusal(take('codex:tokens', 'adopt', {profileId: 'openai-codex:work'}));
		expect(error.code).toBe('import_refused');
		expect(error.message).toMatch(why);
		expect(profiles()).toEqual(before);
		// Without a name it goes beside it.
		expect((await take('codex:tokens', 'adopt')).profileId).toBe(profileId);
		expect(profiles()['openai-codex:work']).toEqual(before['openai-codex:work']);
	});

	it('never puts one refresh token into the files of two agents', async () => {
		const {home, jarvis, paths, take, profiles} = machine();
		writeCodex(home, {expires: later()});
		await jarvis.addAgent({id: 'work'});
		await take('codex:tokens', 'adopt');
		const error = await refusal(take('codex:tokens', 'adopt', {agentId: 'work'}));
		expect(error.message).toContain('the agent main has this very login');
		expect(() => profiles('work')).toThrow();
		expect((await jarvis.resolve({providerId: 'openai-codex', agentId: 'work'})).owner).toBe('main');
		expect(paths.root).toBeTruthy();
	});

	it('of what JARVIS has spent is refused, however late it runs out', async () => {
		const {home, paths, take, states} = machine();
		writeCodex(home, {expires: later()});
		writeStore({paths}, 'main', {profiles: {'openai-codex:me': account({expires: Date.now() + 1000})}});
		const spent = fingerprint(canary('codex-refresh'));
		writeJournal(paths, 'codex', {spent, startedAt: 1, finishedAt: 2, outcome: 'refreshed', issued: 'next'});
		expect(await states()).toEqual({'codex:tokens': 'older'});
		expect((await refusal(take('codex:tokens', 'adopt'))).code).toBe('import_refused');
	});

	it('and linking is refused for tokens that JARVIS itself keeps in step there', async () => {
		const {home, take, states} = machine();
		const {file} = writeCodex(home, {expires: later()});
		await take('codex:tokens', 'adopt');
		const written = JSON.parse(readFileSync(file, 'utf8'));
		put(file, {...written, auth_mode: 'chatgptAuthTokens', tokens: {...written.tokens, refresh_token: ''}});
		expect(await states()).toEqual({'codex:tokens': 'here'});
		for (const how of ['adopt', 'link'] as const) {
			const error = await refusal(take('codex:tokens', how, {profileId: 'openai-codex:other'}));
			expect(error.message).toContain('by JARVIS where write-back is on');
		}
	});

	it('of what is not there, or under an impossible id, says so', async () => {
		const {home, take} = machine();
		writeCodex(home, {expires: later()});
		expect((await refusal(take('codex:OPENAI_API_KEY', 'adopt'))).code).toBe('import_unknown');
		expect((await refusal(take('emacs', 'adopt'))).code).toBe('import_unknown');
		const named = (id: string) => refusal(take('codex:tokens', 'adopt', {profileId: id}));
		expect((await named('anthropic:x')).message).toContain('is an id of anthropic');
		expect((await named('no id')).code).toBe('profile_invalid_id');
	});

	it('is noted in the audit log, without a secret', async () => {
		const {home, paths, take} = machine();
		writeCodex(home, {expires: later()});
		await take('codex:tokens', 'adopt');
		const log = readFileSync(paths.auditLog, 'utf8');
		expect(JSON.parse(log)).toMatchObject({
			event: 'imported',
			profileId,
			note: `adopted from ${home}/.codex/auth.json`,
		});
		expect(log).not.toContain('canary');
	});
});

describe('a linked profile', () => {
	it('is read where its program keeps it at each use, and no secret of it is stored', async () => {
		const {home, jarvis, paths, take} = machine();
		const first = writeCodex(home, {expires: later()});
		await take('codex:tokens', 'link');
		expect(readStore({paths}).profiles[profileId]).toEqual({
			...{type: 'oauth', provider: 'openai-codex', email: 'maya@example.test', accountId: 'account-maya'},
			link: {program: 'codex', file: first.file, entry: 'tokens'},
		});
		const use = async () => (await jarvis.resolve({providerId: 'openai-codex'})).secret;
		expect(await use()).toBe(first.access);
		// Codex refreshes, and JARVIS has the new one.
		const second = writeCodex(home, {expires: later() + 1000, refresh: canary('codex-next')});
		expect(second.access).not.toBe(first.access);
		expect(await use()).toBe(second.access);
		expect(readFileSync(paths.profiles('main'), 'utf8')).not.toContain('canary');
	});

	it('of another agent is read through the main agent', async () => {
		const {home, jarvis, take} = machine();
		const {access} = writeCodex(home, {expires: later()});
		await jarvis.addAgent({id: 'work'});
		await take('codex:tokens', 'link');
		const {secret, owner} = await jarvis.resolve({providerId: 'openai-codex', agentId: 'work'});
		expect({secret, owner}).toEqual({secret: access, owner: 'main'});
	});

	it('works for every program', async () => {
		const {home, jarvis, take} = machine();
		writeAll(home, Date.now());
		for (const [id, providerId, name] of [
			['claude:claudeAiOauth', 'anthropic', 'claude-access'],
			['gh:github.com/maya', 'github', 'gh-maya'],
			['gh:ghe.example.test/maya', 'ghe.example.test', 'ghe'],
			['pi:github-copilot', 'github-copilot', 'pi-access'],
			['pi:groq', 'groq', 'pi-groq'],
		] as const) {
			await take(id, 'link');
			expect((await jarvis.resolve({providerId})).secret).toBe(canary(name));
		}
	});

	it('that is over is refused, with what to run; nothing is sent to any server', async () => {
		const home = temporaryFolder();
		writeClaude(home, Date.now() - 1000);
		const jarvis = openJarvis({
			...{stateDir: `${home}/.jarvis`, env: {HOME: home}},
			fetch: () => Promise.reject(new Error('nothing may be fetched')),
		});
		await jarvis.importLogin({agentId: 'main', id: 'claude:claudeAiOauth', how: 'link'});
		const error = await refusal(jarvis.resolve({providerId: 'anthropic'}));
		expect(error.code).toBe('no_credential');
		expect(error.exitCode).toBe(3);
		expect(error.message).toContain('over, and claude, whose login it is, has not renewed it (expired)');
		expect(error.next).toBe('Run claude, which renews its own login.');
		const {paths} = jarvis;
		const over = {type: 'token', provider: 'anthropic', token: canary('own'), expires: 1};
		writeStore({paths}, 'main', {profiles: {...readStore({paths}).profiles, 'anthropic:own': over}});
		expect((await refusal(jarvis.resolve({providerId: 'anthropic'}))).next).toMatch(
			/^Run claude, .*\.\nOr a new secret: jarvis models auth paste-token .* --profile-id 'anthropic:own'$/,
		);
		const forced = await refusal(
			jarvis.refresh(
				{agentId: 'main', profileId: 'anthropic:maya@example.test', provider: 'anthropic'},
				'always',
			),
		);
		expect(forced.code).toBe('login_unsupported');
		expect(forced.message).toContain('never refreshed here');
	});

	it.each([
		['is logged out', (home: string) => rmSync(`${home}/.codex/auth.json`), /Codex CLI is logged out/],
		[
			'has a key instead',
			(home: string) => put(`${home}/.codex/auth.json`, {OPENAI_API_KEY: canary('key')}),
			/codex is logged out/,
		],
		[
			'is logged in as another account',
			(home: string) =>
				void writeCodex(home, {expires: later(), account: 'account-omar', email: 'omar@example.test'}),
			/codex is logged in as omar@example\.test now/,
		],
		[
			'left a damaged file',
			(home: string) => writeFileSync(`${home}/.codex/auth.json`, '{"'),
			/is not valid JSON/,
		],
	])('hands nothing out once its program %s', async (_, change, why) => {
		const {home, jarvis, take} = machine();
		writeCodex(home, {expires: later()});
		await take('codex:tokens', 'link');
		change(home);
		const error = await refusal(jarvis.resolve({providerId: 'openai-codex'}));
		expect(error.code).toBe('no_credential');
		expect(error.message).toMatch(why);
		const [facts] = (await jarvis.snapshot()).agents[0]?.profiles ?? [];
		expect(facts?.link?.problem).toMatch(why);
		expect(facts?.hasValue).toBe(false);
		// The problem is of this moment, and of no file.
		writeCodex(home, {expires: later()});
		expect((await jarvis.resolve({providerId: 'openai-codex'})).profileId).toBe(profileId);
	});

	it('never takes the place of a credential', async () => {
		const {home, take, profiles} = machine();
		writeCodex(home, {expires: later()});
		await take('codex:tokens', 'adopt');
		const error = await refusal(take('codex:tokens', 'link'));
		expect(error.message).toContain('a link would take its place');
		expect(profiles()[profileId]?.refresh).toBe(canary('codex-refresh'));
		const beside = await take('codex:tokens', 'link', {profileId: 'openai-codex:linked'});
		expect(beside.profileId).toBe('openai-codex:linked');
	});

	it('can be adopted later, and lives on under its id', async () => {
		const {home, take, states, profiles} = machine();
		writeCodex(home, {expires: later()});
		await take('codex:tokens', 'link', {profileId: 'openai-codex:work'});
		expect(await states()).toEqual({'codex:tokens': 'linked'});
		expect((await refusal(take('codex:tokens', 'link'))).message).toContain('is linked to it already');
		await take('codex:tokens', 'adopt');
		expect(profiles()['openai-codex:work']).toMatchObject({refresh: canary('codex-refresh')});
		expect(profiles()['openai-codex:work']).not.toHaveProperty('link');
	});

	it('is removed alone: its program’s login stays, and its server is not told', async () => {
		const {home, jarvis, take, profiles} = machine();
		const file = writeGh(home);
		await take('gh:github.com/maya', 'link');
		const outcome = await jarvis.logOut('main', 'github:maya');
		expect(outcome).toEqual({outcome: 'not offered', hint: 'It is the login of gh, and goes on there.'});
		expect(profiles()).toEqual({});
		expect(readFileSync(file, 'utf8')).toContain(canary('gh-maya'));
	});

	it('is told of as such, and does not alarm before its end', async () => {
		const {home, jarvis, take} = machine();
		writeClaude(home, Date.now() + 3_600_000);
		await take('claude:claudeAiOauth', 'link');
		const [facts] = (await jarvis.snapshot()).agents[0]?.profiles ?? [];
		expect(facts).toMatchObject({refreshable: false, hasValue: true, link: {program: 'claude'}});
		expect(facts?.secrets.map(({name}) => name)).toEqual(['access token']);
		if (!facts) expect.fail('there is a profile');
		expect(healthOf(facts, Date.now()).status).toBe('ok');
	});
});

it('of those who take one login at once, one takes it', async () => {
	const {home, take, profiles} = machine();
	writeCodex(home, {expires: later()});
	const outcomes = await Promise.allSettled(Array.from({length: 8}, () => take('codex:tokens', 'adopt')));
	expect(outcomes.filter(({status}) => status === 'fulfilled')).toHaveLength(1);
	expect(Object.keys(profiles())).toEqual([profileId]);
});
