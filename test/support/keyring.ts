import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {vi} from 'vitest';
import {compileCache} from './workers.ts';

/** A real Secret Service on a bus of its own, with an empty keyring that is unlocked. */
export interface Keyring {
	/** What a program needs to find it. */
	readonly env: {readonly DBUS_SESSION_BUS_ADDRESS: string; readonly NODE_COMPILE_CACHE: string};
	/** Where its keyrings are. */
	readonly home: string;
	lock(): void;
	/** Takes all that is in it away, as a person may. */
	empty(): void;
	/** Unlocks it again, with the password that it was made with. */
	unlock(): Promise<void>;
	/** Stops the service's process, so that it answers nothing, or lets it go on. */
	signal(name: 'SIGSTOP' | 'SIGCONT'): void;
	close(): Promise<void>;
}

const programs = ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'];

/** Why there can be none on this machine, which is no Linux or lacks the packages dbus and gnome-keyring. */
export const noKeyring: string | undefined = programs.find(
	name => spawnSync(name, ['--version'], {stdio: 'ignore'}).error,
);

/** Starts one. */
export async function startKeyring(): Promise<Keyring> {
	const home = mkdtempSync(join(tmpdir(), 'jarvis-keyring-'));
	const runtime = join(home, 'run');
	mkdirSync(runtime, {mode: 0o700});
	const running: ChildProcess[] = [];
	// No service of the machine is started by asking for it: what is not started here is absent.
	const config = join(home, 'bus.conf');
	writeFileSync(
		config,
		`<busconfig><type>session</type><listen>unix:path=${join(runtime, 'bus')}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
	);
	const bus = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address=1'], {
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	running.push(bus);
	const [address] = (await once(bus.stdout, 'data')) as [Buffer];
	const env = {DBUS_SESSION_BUS_ADDRESS: address.toString().trim(), NODE_COMPILE_CACHE: compileCache};
	const around = {PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: runtime, ...env};
	const openDaemon = (how: readonly string[] = []) => {
		const args = ['--foreground', '--unlock', '--components=secrets', ...how];
		const daemon = spawn('gnome-keyring-daemon', args, {env: around, stdio: ['pipe', 'ignore', 'ignore']});
		// The password that it is made with, or unlocked by, is empty.
		daemon.stdin.end('\n');
		running.push(daemon);
		return daemon;
	};
	const call = (to: string, path: string, method: string, ...args: string[]) =>
		execFileSync('dbus-send', ['--session', '--print-reply', `--dest=${to}`, path, method, ...args], {
			env: around,
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'ignore'],
		});
	const collection = '/org/freedesktop/secrets/collection/login';
	const isLocked = () =>
		!call(
			'org.freedesktop.secrets',
			collection,
			'org.freedesktop.DBus.Properties.Get',
			'string:org.freedesktop.Secret.Collection',
			'string:Locked',
		).includes('false');
	const waitUntil = (locked: boolean) =>
		vi.waitFor(
			() => {
				if (isLocked() !== locked) throw new Error(`The keyring is ${locked ? 'not ' : ''}locked.`);
			},
			{timeout: 15_000, interval: 50},
		);
	let daemon = openDaemon();
	await waitUntil(false);
	return {
		env,
		home,
		lock() {
			call(
				'org.freedesktop.secrets',
				'/org/freedesktop/secrets',
				'org.freedesktop.Secret.Service.Lock',
				`array:objpath:${collection}`,
			);
		},
		empty() {
			const items = call(
				'org.freedesktop.secrets',
				collection,
				'org.freedesktop.DBus.Properties.Get',
				'string:org.freedesktop.Secret.Collection',
				'string:Items',
			);
			for (const [item] of items.matchAll(/\/org\/freedesktop\/secrets\/collection\/login\/\w+/g))
				call('org.freedesktop.secrets', item, 'org.freedesktop.Secret.Item.Delete');
		},
		async unlock() {
			daemon = openDaemon(['--replace']);
			await waitUntil(false);
		},
		signal: name => void daemon.kill(name),
		async close() {
			for (const child of running.reverse()) {
				if (child.exitCode !== null || child.signalCode !== null) continue;
				const gone = once(child, 'exit');
				child.kill('SIGKILL');
				await gone;
			}
			rmSync(home, {recursive: true, force: true});
		},
	};
}
