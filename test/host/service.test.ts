import {describe, expect, test} from 'vitest';
import {JarvisError} from '../../source/errors.ts';
import {serviceFor} from '../../source/host/service.ts';

const env = {HOME: '/home/maya'};
const command = ['/usr/bin/node', '/opt/jarvis/dist/jarvis.cjs', 'broker'] as const;

describe('a user unit of systemd', () => {
	test('stands where systemd looks for it, and $XDG_CONFIG_HOME says where that is', () => {
		expect(serviceFor(command, env, 'linux').file).toBe(
			'/home/maya/.config/systemd/user/jarvis-broker.service',
		);
		const moved = serviceFor(command, {...env, XDG_CONFIG_HOME: '/etc/maya'}, 'linux');
		expect(moved.file).toBe('/etc/maya/systemd/user/jarvis-broker.service');
	});

	test('starts what fails again, ever more seldom, and a wrong command line not at all', () => {
		const {content} = serviceFor(command, env, 'linux');
		expect(content).toContain(
			'\nRestart=on-failure\nRestartSec=5\nRestartSteps=8\nRestartMaxDelaySec=5min\n',
		);
		expect(content).toContain('\nRestartPreventExitStatus=2\n');
	});

	test.each([
		['/home/maya k/state', '"/home/maya k/state"'],
		['/home/100%/state', '/home/100%%/state'],
		['/home/$USER/state', '/home/$$USER/state'],
		[String.raw`/home/a"b\c`, String.raw`"/home/a\"b\\c"`],
		["/home/o'neil", `"/home/o'neil"`],
		['/home/é', '"/home/é"'],
	])('has the word %s as it is meant', (word, written) => {
		const {content} = serviceFor([...command, '--state-dir', word], env, 'linux');
		expect(content).toContain(`ExecStart=${command.join(' ')} --state-dir ${written}\n`);
	});
});

describe('an agent of launchd', () => {
	test('has each word by itself, as XML', () => {
		const {file, content, enable} = serviceFor([...command, '--state-dir', '/Users/a & <b>'], env, 'darwin');
		expect(file).toBe('/home/maya/Library/LaunchAgents/jarvis-auth.broker.plist');
		expect(content).toContain('<string>broker</string>\n\t\t<string>--state-dir</string>\n');
		expect(content).toContain('<string>/Users/a &amp; &lt;b&gt;</string>');
		expect(enable).toEqual([`launchctl bootstrap gui/$(id -u) ${file}`]);
	});
});

test('elsewhere there is none', () => {
	const make = () => serviceFor(command, env, 'win32');
	expect(make).toThrow(expect.objectContaining({code: 'broker_no_service'}));
	expect(make).toThrow(JarvisError);
});
