import {existsSync, readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import type {AuthorizationServerOptions} from '../../source/sandbox/authorization-server.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	callbackAt,
	declareProvider,
	deviceMethod,
	openSandbox,
	type Sandbox,
	temporaryFolder,
	typeCode,
} from '../support/sandbox.ts';
import {errorIn, firstAccount, openProgram, shellScript, start, stored, until} from './support.ts';

const profileId = `acme:${firstAccount}`;
const login = ['models', 'auth', 'login', '--provider', 'acme', '--method', 'device_code'];

async function openDevice(options: Partial<AuthorizationServerOptions> = {}): Promise<Sandbox> {
	const sandbox = await openSandbox({pollSeconds: 0.1, ...options});
	const {stateDir, server, port} = sandbox;
	const redirectUris = [callbackAt(port)];
	declareProvider(stateDir, server, {redirectUris}, {methods: [deviceMethod(server)]});
	return sandbox;
}

/** Code and address as a command tells them: each alone on its line. */
async function toldCode(command: ReturnType<typeof start>) {
	const told = await command.says(/^On any device, open\n\nhttp\S+\n\nand type the code\n\n {4}\S+\n\n/m);
	const [verificationUri = '', userCode = ''] = told.match(/^http\S+$|^ {4}\S+$/gm) ?? [];
	return {verificationUri, userCode: userCode.trim()};
}

it('tells code and address alone on their lines, and ends once it is approved', async () => {
	const sandbox = await openDevice();
	const command = start(sandbox, login);
	const code = await toldCode(command);
	expect(code).toEqual({
		verificationUri: `${sandbox.server.issuer}/oauth/device`,
		userCode: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
	});
	expect(command.stdout()).toBe('');
	// A QR code is for those who see a terminal.
	expect(command.stderr()).not.toMatch(/[▀▄█]/);
	await typeCode(code);
	const {code: exit, stdout, stderr} = await command.ended;
	expect({exit, stdout}).toEqual({exit: 0, stdout: `${profileId}\n`});
	expect(stderr).toMatch(
		/\nLogged in: acme:maya@example\.test of the agent main, good for (?:1m )?\d+s\.\n$/,
	);
	expect(stderr).toMatch(/^Waiting for it; the code is good for (9m|10m)/m);
	expect(stored(sandbox, profileId)).toMatchObject({type: 'oauth', email: firstAccount});
});

it('without a browser, and with no method named, the code is what is taken', async () => {
	const sandbox = await openDevice();
	const command = start(sandbox, login.slice(0, -2));
	await typeCode(await toldCode(command), 'wren@example.test');
	expect(await command.ended).toMatchObject({code: 0, stdout: 'acme:wren@example.test\n'});
	const browser = start(sandbox, [...login.slice(0, -2), '--method', 'oauth', '--no-browser']);
	await browser.says('Open this link in a browser:');
});

it('a browser that is there is shown the page with the code in it', async () => {
	const sandbox = await openDevice();
	const file = `${temporaryFolder()}/opened`;
	const browser = shellScript(
		temporaryFolder(),
		'browser',
		`printf %s "$1" > '${file}.part'; mv '${file}.part' '${file}'`,
	);
	const command = start(sandbox, login, {env: {BROWSER: browser}});
	const {userCode} = await toldCode(command);
	await until(() => expect(existsSync(file)).toBe(true));
	const url = readFileSync(file, 'utf8');
	expect(url).toBe(`${sandbox.server.issuer}/oauth/device?user_code=${userCode}`);
	await visit(url);
	expect(await command.ended).toMatchObject({code: 0});
});

it('a terminal shows the address as a QR code too, and what is to be typed on any screen', async () => {
	const sandbox = await openDevice();
	const terminal = openProgram(sandbox, login, {columns: 80, rows: 24});
	await terminal.waitFor(/[▀▄█]{8}[\s\S]*\nhttp[\s\S]*and type the code\s+\S{9}[\s\S]*the code is good for/);
	const [verificationUri = '', userCode = ''] =
		terminal.text().match(/^http\S+$|^ {4}[B-Z]{4}-[B-Z]{4}$/gm) ?? [];
	await typeCode({verificationUri, userCode: userCode.trim()});
	await terminal.waitFor(`Logged in: ${profileId}`);
	expect(await terminal.exited).toEqual({exitCode: 0});
});

it.each([
	['is denied', 'login_denied', {}, 'deny'],
	['runs out', 'login_timed_out', {deviceCodeSeconds: 1}, undefined],
])('exits with 1 when the code %s', async (_why, code, options, hint) => {
	const sandbox = await openDevice(options);
	const command = start(sandbox, [...login, '--json']);
	const told = await toldCode(command);
	if (hint) await typeCode(told, hint);
	const {code: exit, stdout, stderr} = await command.ended;
	expect({exit, stdout}).toEqual({exit: 1, stdout: ''});
	expect(errorIn({stderr: `${stderr.trimEnd().split('\n').at(-1)}\n`}).code).toBe(code);
	expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
});

it('ctrl+c cancels it at once', async () => {
	// The next poll is later than this test waits.
	const sandbox = await openDevice({pollSeconds: 60});
	const command = start(sandbox, login);
	await command.says('the code is good for');
	command.signal('SIGINT');
	expect(await command.ended).toMatchObject({code: 130, stdout: ''});
});

it('a pipe that ends leaves it waiting: there is nothing to paste', async () => {
	const sandbox = await openDevice();
	const command = start(sandbox, login);
	command.end();
	await typeCode(await toldCode(command));
	expect(await command.ended).toMatchObject({code: 0});
});

it('the dashboard shows the code large, with a QR code where there is room', async () => {
	const sandbox = await openDevice();
	const terminal = openProgram(sandbox, [], {rows: 45});
	await terminal.waitFor(/1 Agents.*5 Login/);
	await terminal.press('5');
	await terminal.waitFor(/▸ {2}Acme/);
	await terminal.press('\r');
	await terminal.waitFor(/▸ {2}by a code/);
	await terminal.press('\r');
	await terminal.waitFor(/and type the code\s+(\S ){8}\S[\s\S]*until the code runs out[\s\S]*[▀▄█]{8}/);
	const [letters = ''] = /(?<=and type the code\s+)(\S ){8}\S/.exec(terminal.text()) ?? [];
	const verificationUri = /^http\S+$/m.exec(terminal.text())?.[0] ?? '';
	await typeCode({verificationUri, userCode: letters.replaceAll(' ', '')});
	await terminal.waitFor(`✓ Logged in. ${profileId} is stored`);
	terminal.write('q');
	await terminal.exited;
});
