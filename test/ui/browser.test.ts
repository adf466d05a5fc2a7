import {describe, expect, test} from 'vitest';
import {surroundings} from '../../source/host/browser.ts';

const ssh = {SSH_CONNECTION: '10.0.0.1 50000 10.0.0.2 22', USER: 'maya'};

describe('whether a browser can be opened', () => {
	test.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, boolean, string | undefined]>([
		['a Linux machine without a display', {}, 'linux', false, 'there is no display here'],
		['an X display', {DISPLAY: ':0'}, 'linux', true, undefined],
		['a Wayland display', {WAYLAND_DISPLAY: 'wayland-0'}, 'linux', true, undefined],
		['WSL', {WSL_DISTRO_NAME: 'Ubuntu'}, 'linux', true, undefined],
		['a Mac', {}, 'darwin', true, undefined],
		['Windows', {}, 'win32', true, undefined],
		['SSH', ssh, 'linux', false, 'this is an SSH session'],
		[
			'SSH with a forwarded display',
			{...ssh, DISPLAY: 'localhost:10.0'},
			'linux',
			false,
			'this is an SSH session',
		],
		['SSH to a Mac', {SSH_TTY: '/dev/ttys0'}, 'darwin', false, 'this is an SSH session'],
		['SSH with a browser of the person’s choice', {...ssh, BROWSER: 'lynx'}, 'linux', true, undefined],
		['a browser of the person’s choice', {BROWSER: 'lynx'}, 'linux', true, undefined],
		['an empty display', {DISPLAY: ''}, 'linux', false, 'there is no display here'],
	])('on %s', (_where, env, platform, browser, whyNot) => {
		const told = surroundings(env, platform);
		expect([told.browser, told.whyNot]).toEqual([browser, whyNot]);
	});
});

describe('the command that brings the port over SSH', () => {
	test('names the person, and the address by which they came', () => {
		expect(surroundings(ssh, 'linux').forward?.('1455')).toBe('ssh -N -L 1455:127.0.0.1:1455 maya@10.0.0.2');
		expect(surroundings({...ssh, BROWSER: 'lynx'}, 'linux').forward?.('80')).toContain('-L 80:127.0.0.1:80');
	});

	test('names nobody where it is not known who it is', () => {
		const {USER: _, ...env} = ssh;
		expect(surroundings(env, 'linux').forward?.('1455')).toBe('ssh -N -L 1455:127.0.0.1:1455 10.0.0.2');
		expect(surroundings({...env, LOGNAME: 'wren'}, 'linux').forward?.('1455')).toContain('wren@10.0.0.2');
	});

	test('is not there where nobody is elsewhere, or the address is not known', () => {
		expect(surroundings({}, 'linux').forward).toBeUndefined();
		expect(surroundings({SSH_TTY: '/dev/pts/0'}, 'linux').forward).toBeUndefined();
		expect(surroundings({SSH_CONNECTION: ''}, 'linux').forward).toBeUndefined();
	});
});
