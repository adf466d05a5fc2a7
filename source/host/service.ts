import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {JarvisError} from '../errors.ts';
import {homeFolder} from '../store/paths.ts';
import {writeDurably} from '../store/write.ts';

/** The broker as a service of the person's own: a user unit of systemd, an agent of launchd. */

/** What is to run, and where its file goes. */
export interface Service {
	readonly file: string;
	readonly content: string;
	/** The commands that start it, and those that end it for good. */
	readonly enable: readonly string[];
	readonly disable: readonly string[];
	/** What else is removed with the file, where it was enabled. */
	readonly links: readonly string[];
}

/** A command, word by word; the program's file is an absolute path. */
export type CommandLine = readonly [string, ...string[]];

const unit = 'jarvis-broker.service';
const label = 'jarvis-auth.broker';

/**
 * The service that runs a command on this system.
 * @throws `broker_no_service` where there is no service manager that is known
 */
export function serviceFor(command: CommandLine, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Service {
	const home = homeFolder(env);
	if (platform === 'linux') {
		const folder = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'systemd', 'user');
		return {
			file: join(folder, unit),
			content: systemdUnit(command),
			enable: ['systemctl --user daemon-reload', `systemctl --user enable --now ${unit}`],
			disable: [`systemctl --user stop ${unit}`, 'systemctl --user daemon-reload'],
			links: [join(folder, 'default.target.wants', unit)],
		};
	}
	if (platform === 'darwin') {
		const file = join(home, 'Library', 'LaunchAgents', `${label}.plist`);
		return {
			file,
			content: launchdAgent(command, join(home, 'Library', 'Logs', 'jarvis-broker.log')),
			enable: [`launchctl bootstrap gui/$(id -u) ${file}`],
			disable: [`launchctl bootout gui/$(id -u)/${label}`],
			links: [],
		};
	}
	throw new JarvisError(
		'broker_no_service',
		`JARVIS knows no service manager of ${platform}.`,
		'Start it by hand: jarvis broker',
	);
}

/** Puts the service's file in place. Throws system errors. */
export function installService({file, content}: Service): void {
	writeDurably(file, content);
}

/** Removes the service's file. Returns whether it was there. Throws system errors. */
export function uninstallService({file, links}: Service): boolean {
	const isThere = existsSync(file);
	for (const path of [...links, file]) rmSync(path, {force: true});
	return isThere;
}

/**
 * A user unit. Of the hardening of systemd it has what works without privileges and without a namespace of
 * its own: plugins and secret refs may run programs, and the peer's user must stay who it is. What fails at its start,
 * such as a secret ref of a vault that is locked, is tried again ever more seldom; before systemd 254, which does not
 * know that, every five seconds.
 */
function systemdUnit(command: CommandLine): string {
	return `[Unit]
Description=JARVIS token broker

[Service]
Type=exec
ExecStart=${command.map(systemdWord).join(' ')}
Restart=on-failure
RestartSec=5
RestartSteps=8
RestartMaxDelaySec=5min
RestartPreventExitStatus=2
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

function launchdAgent(command: CommandLine, log: string): string {
	const strings = command.map(word => `		<string>${xmlText(word)}</string>`).join('\n');
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>${label}</string>
	<key>ProgramArguments</key>
	<array>
${strings}
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ProcessType</key>
	<string>Background</string>
	<key>Umask</key>
	<integer>63</integer>
	<key>StandardErrorPath</key>
	<string>${xmlText(log)}</string>
</dict>
</plist>
`;
}

/** A word of ExecStart, whose quotes, specifiers and variables are systemd's own (systemd.service(5)). */
function systemdWord(word: string): string {
	const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
	return /^[\w./:=@%$+,-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, String.raw`\$&`)}"`;
}

function xmlText(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
