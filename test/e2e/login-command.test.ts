import {existsSync, readdirSync} from 'node:fs';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {hinted, openSandbox, type Sandbox, takePort, temporaryFolder} from '../support/sandbox.ts';
import {modeOf} from '../support/state-folder.ts';
import {
	errorIn,
	firstAccount,
	openProgram,
	redirectFrom,
	run,
	shellScript,
	start,
	stored,
	toldLink,
} from './support.ts';

const profileId = `acme:${firstAccount}`;
const login = ['models', 'auth', 'login', '--provider', 'acme'];
const finish = ['models', 'auth', 'finish'];

function startLogin(sandbox: Sandbox, ...flags: readonly string[]): ReturnType<typeof start> {
	return start(sandbox, [...login, '--no-browser', ...flags]);
}

it('ends by the callback, and prints the profile id alone', async () => {
	const sandbox = await openSandbox();
	const command = startLogin(sandbox);
	const link = await toldLink(command);
	expect(link).toMatch(sandbox.server.authorizationEndpoint);
	expect(command.stdout()).toBe('');
	expect(await visit(link)).toMatchObject({status: 200});
	const {code, stdout, stderr} = await command.ended;
	expect({code, stdout}).toEqual({code: 0, stdout: `${profileId}\n`});
	expect(stderr).toMatch(/^Log in to Acme for the agent main\.\nOpen this link in a browser:\n\nhttp\S+\n\n/);
	expect(stderr).toMatch(/\nLogged in: acme:maya@example\.test of the agent main, good for \d+s\.\n$/);
	expect(stored(sandbox, profileId)).toMatchObject({type: 'oauth', email: firstAccount});
	expect(modeOf(sandbox.paths.profiles('main'))).toBe('600');
	expect(readdirSync(sandbox.paths.pendingLogins)).toEqual([]);
});

it('prints one JSON object with --json', async () => {
	const sandbox = await openSandbox();
	expect(await run(sandbox, ['agents', 'add', 'work'])).toMatchObject({code: 0});
	const command = startLogin(sandbox, '--json', '--agent', 'work', '--profile-id', 'acme:mine');
	await visit(hinted(await toldLink(command), 'wren@example.test'));
	const {code, stdout} = await command.ended;
	expect(code).toBe(0);
	expect(JSON.parse(stdout)).toEqual({
		profileId: 'acme:mine',
		provider: 'acme',
		agentId: 'work',
		kind: 'oauth',
		accountId: 'sandbox-account-wren',
		email: 'wren@example.test',
		expires: stored(sandbox, 'acme:mine', 'work').expires,
	});
});

const halves = (text: string) => text.match(/.{1,50}/g)?.join('\n') ?? '';
const codeAndState = (address: string) => {
	const {searchParams} = new URL(address);
	return `${searchParams.get('code')}#${searchParams.get('state')}`;
};

it.each([
	['the whole address', (address: string) => address],
	['the address wrapped over lines', halves],
	['code#state', codeAndState],
	['the query alone', (address: string) => new URL(address).search],
	['the address in quotes, without a line end', (address: string) => `"${address}"`],
])('ends by %s on a pipe', async (_what, form) => {
	const sandbox = await openSandbox();
	const command = startLogin(sandbox);
	const pasted = form(await redirectFrom(await toldLink(command)));
	command.type(pasted.endsWith('"') ? pasted : `${pasted}\n`);
	command.end();
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
});

it('a wrong paste is told on a pipe too, which may correct it while it is open', async () => {
	const sandbox = await openSandbox();
	const command = startLogin(sandbox);
	const address = await redirectFrom(await toldLink(command));
	command.type('https://example.test/nothing-in-it\n');
	await command.says('The pasted text holds no code.');
	command.type('made-up-code\n');
	await command.says('Acme refused the code');
	command.type(`${address}\n`);
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
});

it.each([
	['the person denies it', 'login_denied', (link: string) => redirectFrom(link, 'deny')],
	[
		'the address is of another login and the pipe ends',
		'login_state_mismatch',
		async (link: string) => (await redirectFrom(link)).replace(/state=[^&]+/, 'state=another'),
	],
	['what is pasted is the link and the pipe ends', 'login_paste_unreadable', async (link: string) => link],
	['the server refuses the code and the pipe ends', 'login_code_refused', async () => 'made-up-code'],
])('exits with 1 when %s', async (_why, code, paste) => {
	const sandbox = await openSandbox();
	for (const json of [false, true]) {
		const command = startLogin(sandbox, ...(json ? ['--json'] : []));
		command.type(`${await paste(await toldLink(command))}\n`);
		command.end();
		const outcome = await command.ended;
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		if (json) expect(errorIn({stderr: `${outcome.stderr.split('\n').at(-2)}\n`}).code).toBe(code);
		else expect(outcome.stderr).toContain('\njarvis: ');
	}
	expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
	expect(readdirSync(sandbox.paths.pendingLogins)).toEqual([]);
});

it('a denial that comes back to the port ends it too', async () => {
	const sandbox = await openSandbox();
	const command = startLogin(sandbox);
	const {body} = await visit(hinted(await toldLink(command), 'deny'));
	expect(body).toContain('The login was not granted');
	const {code, stdout, stderr} = await command.ended;
	expect({code, stdout}).toEqual({code: 1, stdout: ''});
	expect(stderr).toContain('jarvis: Acme did not grant the login (access_denied');
});

it.each([
	['without --provider', ['models', 'auth', 'login'], "option '--provider <id>' not specified"],
	['with an unknown flag', [...login, '--no-browsers'], '(Did you mean --no-browser?)'],
	['with a word too many', [...login, 'acme'], 'too many arguments'],
])('exits with 2 %s', async (_what, args, said) => {
	const sandbox = await openSandbox();
	const {code, stdout, stderr} = await run(sandbox, args);
	expect({code, stdout}).toEqual({code: 2, stdout: ''});
	expect(stderr).toContain(said);
	expect(existsSync(sandbox.paths.pendingLogins)).toBe(false);
});

it('exits with 2 with an impossible profile id', async () => {
	const sandbox = await openSandbox();
	const outcome = await run(sandbox, [...login, '--profile-id', 'no colon', '--json']);
	expect(outcome).toMatchObject({code: 2, stdout: ''});
	expect(errorIn(outcome).code).toBe('profile_invalid_id');
});

it.each(['SIGINT', 'SIGTERM'] as const)('exits with 130 on %s, and forgets the login', async signal => {
	const sandbox = await openSandbox();
	const command = startLogin(sandbox);
	const link = await toldLink(command);
	command.signal(signal);
	const {code, stdout, stderr} = await command.ended;
	expect({code, stdout}).toEqual({code: 130, stdout: ''});
	expect(stderr).toContain('The login was cancelled. Nothing was stored.');
	expect(readdirSync(sandbox.paths.pendingLogins)).toEqual([]);
	await expect(visit(link)).rejects.toThrow();
});

it.each([
	['its argument', (address: string) => ({args: [address]})],
	['standard input', (address: string) => ({args: ['-'], input: `${halves(address)}\n`})],
])('another process ends it with the address as %s', async (_where, how) => {
	const sandbox = await openSandbox();
	await takePort(sandbox.port);
	const command = startLogin(sandbox);
	const address = await redirectFrom(await toldLink(command));
	expect(command.stderr()).toContain(`Port ${sandbox.port} is taken here`);
	const {args, ...input} = how(address);
	expect(await run(sandbox, [...finish, ...args], input)).toMatchObject({code: 0, stdout: `${profileId}\n`});
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
	expect(sandbox.server.tokenRequests).toHaveLength(1);
});

it('an address that no login waits for ends nothing', async () => {
	const address = 'http://127.0.0.1/auth/callback?code=canary-code&state=canary-state';
	const outcome = await run(await openSandbox(), [...finish, address, '--json']);
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(errorIn(outcome).code).toBe('login_state_mismatch');
});

it('a port that is taken leaves the paste', async () => {
	const sandbox = await openSandbox();
	await takePort(sandbox.port);
	const command = startLogin(sandbox);
	command.type(`${await redirectFrom(await toldLink(command))}\n`);
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
});

it('two logins at once each end with their own account', async () => {
	const sandbox = await openSandbox();
	const first = startLogin(sandbox);
	const firstLink = await toldLink(first);
	const second = startLogin(sandbox);
	const address = await redirectFrom(await toldLink(second), 'tomas@example.test');
	// Pasted into the wrong one of the two: it ends the one that it belongs to.
	first.type(`${address}\n`);
	expect(await second.ended).toMatchObject({code: 0, stdout: 'acme:tomas@example.test\n'});
	await first.says('That link ended another login');
	await visit(firstLink);
	expect(await first.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
});

it('in a terminal the link is one unwrapped line, and the address is pasted there', async () => {
	const sandbox = await openSandbox();
	const terminal = openProgram(sandbox, [...login, '--no-browser'], {columns: 60});
	await terminal.waitFor('press Enter:');
	const link = /\r\n(http\S+)\r\n/.exec(terminal.raw())?.[1] ?? '';
	expect(new URL(link).searchParams.get('code_challenge_method')).toBe('S256');
	const address = await redirectFrom(link);
	terminal.paste('https://example.test/\n');
	await terminal.waitFor('holds no code');
	terminal.paste('made-up-code\n');
	await terminal.waitFor('refused the code');
	// It waits on, and its link is not told again.
	expect(terminal.raw().split(link)).toHaveLength(2);
	terminal.paste(`${halves(address)}\n`);
	await terminal.waitFor(`Logged in: ${profileId}`);
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(terminal.buffer()).toBe('normal');
});

it('ctrl+c in a terminal cancels it', async () => {
	const terminal = openProgram(await openSandbox(), [...login, '--no-browser']);
	await terminal.waitFor('press Enter:');
	terminal.write('\u{3}');
	await terminal.waitFor('The login was cancelled.');
	expect(await terminal.exited).toEqual({exitCode: 130});
});

it('the browser that $BROWSER names is given the link, unless --no-browser says not to', async () => {
	const sandbox = await openSandbox();
	const folder = temporaryFolder();
	const script = `import("${new URL('../../source/sandbox/scripted-browser.ts', import.meta.url)}").then(({visit}) => visit(process.argv[1]))`;
	const browser = shellScript(folder, 'browser', `exec '${process.execPath}' -e '${script}' "$1"`);
	const command = start(sandbox, login, {env: {BROWSER: browser}});
	// The sandbox's server approves at once, so that the browser comes back by itself.
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
	expect(command.stderr()).toContain('If no browser opens, open this link:');

	const missing = start(sandbox, login, {env: {BROWSER: '/no/such/browser'}});
	await missing.says('No browser could be opened: open the link yourself.');
	const asked = start(sandbox, [...login, '--no-browser'], {env: {BROWSER: browser}});
	await asked.says('Open this link in a browser:');
});

it('over SSH it tells the line that brings the port, and the short address, which leads to the link', async () => {
	const sandbox = await openSandbox();
	const {port} = sandbox;
	const env = {SSH_CONNECTION: '10.0.0.1 50000 10.0.0.2 2222', USER: 'maya'};
	const command = start(sandbox, login, {env});
	const link = await toldLink(command);
	expect(command.stderr()).toContain(
		`run on your own machine: ssh -N -L ${port}:127.0.0.1:${port} -p 2222 maya@10.0.0.2\n`,
	);
	const [, short = ''] = /Or, with the port forwarded, open (http:\S+)\n/.exec(command.stderr()) ?? [];
	expect(new URL(short).origin).toBe(`http://127.0.0.1:${port}`);
	const followed = await visit(short, {stopAt: ({href}) => href === link});
	expect(followed.url).toBe(link);
	await visit(short);
	expect(await command.ended).toMatchObject({code: 0, stdout: `${profileId}\n`});
});

it('in a container it tells how to be reached, and listens where it is told to', async () => {
	const sandbox = await openSandbox();
	const {port} = sandbox;
	const env = {container: 'docker'};
	const inside = start(sandbox, login, {env});
	await toldLink(inside);
	expect(inside.stderr()).toContain(
		`In a container: publish its port (-p 127.0.0.1:${port}:${port}), and log in with --callback-bind 0.0.0.0.\n`,
	);
	expect(inside.stderr()).not.toContain('with the port forwarded');
	inside.signal('SIGINT');
	await inside.ended;
	const bound = start(sandbox, [...login, '--callback-bind', '0.0.0.0'], {env});
	await toldLink(bound);
	expect(bound.stderr()).toContain(`The container’s port must be published: -p 127.0.0.1:${port}:${port}.\n`);
	const [, short = ''] =
		/with the port (?:published|forwarded), open (http:\S+)\n/.exec(bound.stderr()) ?? [];
	await visit(short === '' ? await toldLink(bound) : short);
	expect(await bound.ended).toMatchObject({code: 0});
	const wrong = await run(sandbox, [...login, '--callback-bind', 'everywhere']);
	expect(wrong).toMatchObject({code: 2, stdout: ''});
});
