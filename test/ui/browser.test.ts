import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, onTestFinished, test, vi} from 'vitest';
import {openBrowser, surroundings} from '../../source/host/browser.ts';
import {soon, temporaryFolder} from '../support/sandbox.ts';

const ssh = {SSH_CONNECTION: '10.0.0.1 50000 10.0.0.2 22', USER: 'maya'};

const vscode = {VSCODE_IPC_HOOK_CLI: '/tmp/vscode-ipc.sock'};
const codespace = {
	...{CODESPACES: 'true', CODESPACE_NAME: 'fuzzy-canary', USER: 'codespace'},
	GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN: 'app.github.dev',
};
const docker = ['/.dockerenv'];

/** What is told of a machine on which these files are, and no others. */
function around(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = 'linux', files: readonly string[] = []) {
	const {forward, publish, ...told} = surroundings(env, platform, path => files.includes(path));
	return {...told, forward: forward?.('1455'), publish: publish?.('1455')};
}

describe('whether a browser can be opened', () => {
	test.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, boolean, string | undefined]>([
		['a Linux machine without a display', {}, 'linux', false, 'there is no display here'],
		['an X display', {DISPLAY: ':0'}, 'linux', true, undefined],
		['a Wayland display', {WAYLAND_DISPLAY: 'wayland-0'}, 'linux', true, undefined],
		['an empty display', {DISPLAY: ''}, 'linux', false, 'there is no display here'],
		['WSL', {WSL_DISTRO_NAME: 'Ubuntu'}, 'linux', true, undefined],
		['WSL over SSH', {WSL_DISTRO_NAME: 'Ubuntu', ...ssh}, 'linux', false, 'this is an SSH session'],
		['a Mac', {}, 'darwin', true, undefined],
		['Windows', {}, 'win32', true, undefined],
		['SSH', ssh, 'linux', false, 'this is an SSH session'],
		['SSH with a terminal alone', {SSH_TTY: '/dev/pts/0'}, 'linux', false, 'this is an SSH session'],
		['SSH with a forwarded display', {...ssh, DISPLAY: ':10'}, 'linux', false, 'this is an SSH session'],
		['SSH to a Mac', {SSH_TTY: '/dev/ttys0'}, 'darwin', false, 'this is an SSH session'],
		['SSH with a browser of the person’s choice', {...ssh, BROWSER: 'lynx'}, 'linux', true, undefined],
		['a browser of the person’s choice', {BROWSER: 'lynx'}, 'linux', true, undefined],
		['VS Code over SSH', {...ssh, ...vscode}, 'linux', true, undefined],
		['a codespace', codespace, 'linux', false, 'this is a codespace'],
		['a codespace over SSH', {...codespace, ...ssh}, 'linux', false, 'this is a codespace'],
		['VS Code in a codespace', {...codespace, ...vscode}, 'linux', true, undefined],
		['what only calls itself a codespace', {CODESPACES: 'true'}, 'linux', false, 'there is no display here'],
	])('on %s', (_where, env, platform, browser, whyNot) => {
		const told = around(env, platform);
		expect([told.browser, told.whyNot]).toEqual([browser, whyNot]);
	});

	test('in a container too, where it has a display', () => {
		expect(around({DISPLAY: ':0'}, 'linux', docker).browser).toBe(true);
		expect(around({}, 'linux', docker)).toMatchObject({browser: false, whyNot: 'there is no display here'});
	});

	test('with a word of how, where that is not plain', () => {
		expect(around({WSL_DISTRO_NAME: 'Ubuntu'}).note).toContain('BROWSER=wslview');
		expect(around({...ssh, ...vscode}).note).toContain('VS Code opens the link');
		for (const env of [{DISPLAY: ':0'}, {BROWSER: 'lynx', ...vscode}, ssh])
			expect(around(env).note).toBeUndefined();
	});
});

describe('the way back from a browser elsewhere', () => {
	test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
		['SSH', ssh, 'ssh -N -L 1455:127.0.0.1:1455 maya@10.0.0.2'],
		['SSH with a browser', {...ssh, BROWSER: 'lynx'}, 'ssh -N -L 1455:127.0.0.1:1455 maya@10.0.0.2'],
		[
			'SSH at another port',
			{...ssh, SSH_CONNECTION: '10.0.0.1 5 10.0.0.2 2222'},
			'ssh -N -L 1455:127.0.0.1:1455 -p 2222 maya@10.0.0.2',
		],
		[
			'SSH by IPv6',
			{...ssh, SSH_CONNECTION: '2001:db8::1 5 2001:db8::2 22'},
			'ssh -N -L 1455:127.0.0.1:1455 maya@2001:db8::2',
		],
		['SSH of nobody', {SSH_CONNECTION: ssh.SSH_CONNECTION}, 'ssh -N -L 1455:127.0.0.1:1455 10.0.0.2'],
		[
			'SSH by login name',
			{SSH_CONNECTION: ssh.SSH_CONNECTION, LOGNAME: 'wren'},
			'ssh -N -L 1455:127.0.0.1:1455 wren@10.0.0.2',
		],
		['SSH that names no address', {SSH_TTY: '/dev/pts/0'}, undefined],
		['SSH with an empty address', {SSH_CONNECTION: ''}, undefined],
		['a codespace', codespace, 'gh codespace ports forward 1455:1455 -c fuzzy-canary'],
		['a codespace over SSH', {...codespace, ...ssh}, 'gh codespace ports forward 1455:1455 -c fuzzy-canary'],
		[
			'a codespace without a name',
			{...codespace, CODESPACE_NAME: undefined},
			'gh codespace ports forward 1455:1455',
		],
		['a machine of one’s own', {DISPLAY: ':0'}, undefined],
	])('on %s', (_where, env, forward) => {
		expect(around(env)).toMatchObject({forward, publish: undefined});
	});

	test.each<[string, NodeJS.ProcessEnv, readonly string[]]>([
		['Docker', {}, docker],
		['Podman', {}, ['/run/.containerenv']],
		['one that says so', {container: 'podman'}, []],
	])('of a container (%s) is its published port', (_what, env, files) => {
		expect(around(env, 'linux', files)).toMatchObject({
			...{publish: '-p 127.0.0.1:1455:1455', forward: undefined},
		});
	});

	test('of a container that is reached by SSH is that of SSH', () => {
		expect(around(ssh, 'linux', docker)).toMatchObject({forward: expect.any(String), publish: undefined});
	});
});

test.each<[string, NodeJS.ProcessEnv, readonly string[]]>([
	['$BROWSER', {BROWSER: 'my-browser'}, ['https://example.test/?a=1&b=2']],
	['VS Code’s own command', vscode, ['--openExternal', 'https://example.test/?a=1&b=2']],
])('a link is handed to %s', async (_what, env, given) => {
	const folder = temporaryFolder();
	const file = join(folder, 'given');
	const script = `#!/bin/sh\nprintf '%s\\n' "$@" > '${file}.part'; mv '${file}.part' '${file}'\n`;
	for (const name of ['my-browser', 'code']) writeFileSync(join(folder, name), script, {mode: 0o755});
	vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
	onTestFinished(() => void vi.unstubAllEnvs());
	await openBrowser('https://example.test/?a=1&b=2', env);
	await vi.waitFor(() => expect(existsSync(file)).toBe(true), soon);
	expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toEqual(given);
});

test('an opener that is not there is told', async () => {
	await expect(openBrowser('https://example.test/', {BROWSER: '/no/such/browser'})).rejects.toThrow();
});
