import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {serveGit} from '../support/git-server.ts';
import {
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	temporaryFolder,
	writeStore,
} from '../support/sandbox.ts';
import {emptyState, program, run, stored} from './support.ts';

type State = Pick<Sandbox, 'stateDir' | 'paths'>;

/** Runs real git, which knows no helper but ours. */
async function git(state: State, helper: string, args: readonly string[]) {
	const home = join(state.stateDir, 'git-home');
	mkdirSync(home, {recursive: true});
	const config = `[credential]\n\thelper = ${helper}\n[user]\n\tname = Maya\n\temail = maya@example.test\n`;
	writeFileSync(join(home, 'config'), config);
	return run(state, args, {
		command: ['git'],
		env: {
			...{GIT_CONFIG_GLOBAL: join(home, 'config'), GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0'},
			...{GIT_ASKPASS: 'true', JARVIS_STATE_DIR: state.stateDir},
		},
	});
}

/** A line of a git configuration that calls the built program. */
function helperLine(...flags: readonly string[]): string {
	return `"!'${process.execPath}' '${program}' git-credential ${flags.join(' ')}"`;
}

const tokenOf = (name: string) => ({type: 'token', provider: 'acme', token: canary(name)});

describe('real git', () => {
	it('clones, commits and pushes with a token that was over, refreshed once', async () => {
		const sandbox = await openSandbox();
		const newest = () => String(stored(sandbox, 'acme:maya').access);
		const server = await serveGit(password => password === newest());
		declareProvider(sandbox.stateDir, sandbox.server, {}, {git: {hosts: [server.host], username: 'bot'}});
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		const folder = join(temporaryFolder(), 'clone');
		const inClone = (...args: string[]) => git(sandbox, helperLine(), ['-C', folder, ...args]);
		expect(await git(sandbox, helperLine(), ['clone', '--quiet', server.url, folder])).toMatchObject({
			code: 0,
		});
		await inClone('commit', '--quiet', '--allow-empty', '-m', 'first');
		expect(await inClone('push', '--quiet', 'origin', 'HEAD:main')).toMatchObject({code: 0});
		expect(await inClone('ls-remote', 'origin', 'main')).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/^[0-9a-f]{40}\trefs\/heads\/main\n$/),
		});
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(new Set(server.asked.map(one => one?.join(' ')))).toEqual(new Set([undefined, `bot ${newest()}`]));
		// Git says that it was taken, which proves that it works.
		expect(readStore(sandbox)).toMatchObject({
			lastGood: {acme: 'acme:maya'},
			usageStats: {'acme:maya': {lastProven: {outcome: 'used'}}},
		});
		const log = readFileSync(sandbox.paths.auditLog, 'utf8');
		expect(log).toContain(`"note":"to git, for ${server.host}"`);
		expect(log).not.toContain(newest());
	});

	it('says that one was refused: it is set aside, and the next one is used', async () => {
		const state = emptyState();
		const server = await serveGit(password => password === canary('good'));
		writeStore(state, 'main', {
			profiles: {'acme:bad': tokenOf('bad'), 'acme:good': tokenOf('good')},
			order: {acme: ['acme:bad', 'acme:good']},
		});
		const helper = helperLine('--provider', 'acme', '--host', server.host);
		const refused = await git(state, helper, ['ls-remote', server.url]);
		expect(refused.code).toBe(128);
		expect(readStore(state).usageStats).toMatchObject({
			'acme:bad': {failureCounts: {auth: 1}, lastFailureReason: 'auth', cooldownUntil: expect.any(Number)},
		});
		expect(await git(state, helper, ['ls-remote', server.url])).toMatchObject({code: 0});
		expect(server.asked.map(one => one?.[1])).toEqual([
			undefined,
			canary('bad'),
			undefined,
			canary('good'),
			...server.asked.slice(4).map(() => canary('good')),
		]);
		// Of one that is not in use any more nothing is learned.
		const before = readStore(state);
		const stale = `protocol=http\nhost=${server.host}\nusername=x\npassword=${canary('older')}\n`;
		const args = ['git-credential', '--provider', 'acme', '--host', server.host, 'erase'];
		expect(await run(state, args, {input: stale})).toEqual({code: 0, stdout: '', stderr: ''});
		expect(readStore(state)).toEqual(before);
	});

	it('gets the profile that the address names, and nothing for a host that is none of the provider’s', async () => {
		const state = emptyState();
		const server = await serveGit(password => password === canary('work'));
		const other = await serveGit(() => true);
		writeStore(state, 'main', {profiles: {'acme:default': tokenOf('default'), 'acme:work': tokenOf('work')}});
		const helper = helperLine('--provider', 'acme', '--host', server.host);
		const named = server.url.replace('//', '//work@');
		expect(await git(state, helper, ['ls-remote', named])).toMatchObject({code: 0});
		expect(server.asked).toContainEqual(['work', canary('work')]);
		const {code, stderr} = await git(state, helper, ['ls-remote', other.url]);
		expect(code).toBe(128);
		expect(stderr).toContain(`${other.host} is no host of acme, and gets nothing.`);
		expect(other.asked.map(one => one?.[1] ?? '').join('')).toBe('');
	});
});

describe('the protocol', () => {
	function github(): State {
		const state = emptyState();
		const token = {type: 'token', provider: 'github', token: canary('github'), expires: 4_000_000_000_999};
		writeStore(state, 'main', {profiles: {'github:default': token}});
		return state;
	}
	const asking =
		'capability[]=authtype\nprotocol=https\nhost=GitHub.com\nwwwauth[]=Basic realm="x"\nnew=thing\n\n';

	it('tells the name, the secret and its end, to the second', async () => {
		expect(await run(github(), ['git-credential', 'get'], {input: asking})).toEqual({
			code: 0,
			stdout: `username=x-access-token\npassword=${canary('github')}\npassword_expiry_utc=4000000000\n`,
			stderr: '',
		});
	});

	it('gives a header of its own to a server that takes no other, if git can send one', async () => {
		const bearer = asking.replace('Basic realm="x"', 'Bearer');
		const get = ['git-credential', '--username', 'maya', 'get'];
		const {stdout} = await run(github(), get, {input: bearer});
		expect(stdout.split('\n')).toEqual([
			...['capability[]=authtype', 'authtype=Bearer', `credential=${canary('github')}`, 'ephemeral=1'],
			...['password_expiry_utc=4000000000', ''],
		]);
		const older = await run(github(), get, {input: bearer.replace(/^capability.*\n/, '')});
		expect(older.stdout).toContain(`username=maya\npassword=${canary('github')}\n`);
	});

	it.each([
		['a host that nobody knows', 'get', 'protocol=https\nhost=git.example.test\n\n'],
		['a provider without a profile', 'get', 'protocol=https\nhost=gitlab.com\n\n'],
		['no host', 'get', 'protocol=https\n\n'],
		['nothing', 'get', ''],
		['what it does not know', 'capability', ''],
	])('is silent for %s, so that git asks elsewhere', async (_what, operation, input) => {
		expect(await run(github(), ['git-credential', operation], {input})).toEqual({
			code: 0,
			stdout: '',
			stderr: '',
		});
	});

	it.each([
		['a profile’s name', 'maya', 'maya'],
		['a profile’s name in other letters', 'Bob', 'bob'],
		['an account’s e-mail', 'bob@example.test', 'bob'],
		['a name that is no account’s', 'oauth2', 'maya'],
		['the provider’s own name', 'x-access-token', 'maya'],
		['no profile’s name', 'carol', undefined],
	])('gives %s its own credential, and no other', async (_what, username, whose) => {
		const state = emptyState();
		const tokenOfAccount = (name: string) => ({type: 'token', provider: 'github', token: canary(name)});
		writeStore(state, 'main', {
			profiles: {
				'github:maya': tokenOfAccount('maya'),
				'github:bob': {...tokenOfAccount('bob'), email: 'bob@example.test'},
			},
			order: {github: ['github:maya', 'github:bob']},
		});
		const input = `protocol=https\nhost=github.com\nusername=${username}\n\n`;
		const answer = whose === undefined ? '' : `username=${username}\npassword=${canary(whose)}\n`;
		expect(await run(state, ['git-credential', 'get'], {input})).toEqual({
			...{code: 0, stdout: answer, stderr: ''},
		});
	});

	it('gives the only profile under no other name, unless the helper’s line says whose it is for', async () => {
		const input = 'protocol=https\nhost=github.com\nusername=carol\n\n';
		const asked = (...flags: string[]) => run(github(), ['git-credential', ...flags, 'get'], {input});
		expect(await asked()).toEqual({code: 0, stdout: '', stderr: ''});
		const given = `username=carol\npassword=${canary('github')}\n`;
		expect((await asked('--profile', 'github:default')).stdout).toContain(given);
		expect((await asked('--username', 'carol')).stdout).toContain(given);
	});

	it('gives no other profile’s name the one that the helper’s line names', async () => {
		const state = github();
		const profile = (name: string) => ({type: 'token', provider: 'github', token: canary(name)});
		writeStore(state, 'main', {profiles: {'github:work': profile('work'), 'github:home': profile('home')}});
		const input = 'protocol=https\nhost=github.com\nusername=home\n\n';
		const args = ['git-credential', '--profile', 'github:work', 'get'];
		expect(await run(state, args, {input})).toEqual({code: 0, stdout: '', stderr: ''});
	});

	it('gives a password as it is, whatever it looks like', async () => {
		const state = emptyState();
		const password = 'say jarvis log to me';
		const profile = {type: 'token', provider: 'github', token: password};
		writeStore(state, 'main', {profiles: {'github:default': profile}});
		const input = 'protocol=https\nhost=github.com\n\n';
		const {stdout} = await run(state, ['git-credential', 'get', '--state-dir', state.stateDir], {input});
		expect(stdout).toBe(`username=x-access-token\npassword=${password}\n`);
	});

	it('gives what is kept under a host’s name to that host, and to no other', async () => {
		const state = emptyState();
		const input = (host: string) => `protocol=https\nhost=${host}\n\n`;
		const stored = await run(
			state,
			[
				'models',
				'auth',
				'paste-token',
				'--provider',
				'ghe.example.test',
				'--profile-id',
				'ghe.example.test:maya',
			],
			{input: canary('ghe')},
		);
		expect(stored.code).toBe(0);
		const get = async (host: string) =>
			(await run(state, ['git-credential', 'get'], {input: input(host)})).stdout;
		expect(await get('ghe.example.test')).toBe(`username=x-access-token\npassword=${canary('ghe')}\n`);
		expect(await get('ghe.example.test.evil.test')).toBe('');
		expect(await get('github.com')).toBe('');
	});

	it('says of one that is set aside that it is, and gives it all the same where it was asked for by name', async () => {
		const state = github();
		const input = 'protocol=https\nhost=github.com\nusername=default\n';
		const refused = `${input}password=${canary('github')}\n\n`;
		await run(state, ['git-credential', 'erase'], {input: refused});
		const {stdout, stderr} = await run(state, ['git-credential', 'get'], {input});
		expect(stdout).toContain(`password=${canary('github')}\n`);
		expect(stderr).toMatch(/^github:default is .*, back in \d+s; it is handed out all the same\.\n$/);
	});

	it('gives no secret that would be a further line, wherever it is from', async () => {
		const state = emptyState();
		const value = `${canary('line')}\nusername=evil`;
		const input = 'protocol=https\nhost=github.com\n\n';
		const get = (profile: object, env = {}) => {
			writeStore(state, 'main', {profiles: {'github:nl': {type: 'token', provider: 'github', ...profile}}});
			return run(state, ['git-credential', 'get'], {input, env});
		};
		const stored = await get({token: value});
		expect(stored).toMatchObject({code: 1, stdout: ''});
		expect(stored.stderr).toContain('The secret for github:nl has line breaks');
		const ref = await get({tokenRef: {source: 'env', provider: 'default', id: 'NL'}}, {NL: value});
		expect(ref).toMatchObject({code: 1, stdout: ''});
		expect(ref.stderr).toContain('its value has line breaks');
		expect(stored.stderr + ref.stderr).not.toContain(canary('line'));
	});

	it('sends nothing in the clear', async () => {
		const input = 'protocol=http\nhost=github.com\n\n';
		const {code, stdout, stderr} = await run(github(), ['git-credential', 'get'], {input});
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toContain('Use https');
	});
});
