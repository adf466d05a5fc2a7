import {execFile} from 'node:child_process';
import {accessSync, closeSync, constants, existsSync, openSync, realpathSync, statSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {promisify} from 'node:util';
import {codeFlowOf} from '../auth/providers/contract.ts';
import {isSystemError, shellWord} from '../errors.ts';
import {peekPending} from '../store/pending-logins.ts';
import {type Finding, finding} from './findings.ts';
import {holderOfPort} from './port-holder.ts';
import type {Machine, Subject} from './subject.ts';

/** The oldest Node.js that runs JARVIS. */
const oldestNode = [22, 13] as const;

/** Less free room (bytes) than this may not hold the next writes. */
const leastFree = 1024 * 1024;

/** Network file systems by the number that Linux gives them (statfs(2)). */
const remoteTypes: ReadonlyMap<number, string> = new Map([
	[0x6969, 'NFS'],
	[0x517b, 'SMB'],
	[0xff534d42, 'CIFS'],
	[0xfe534d42, 'SMB'],
	[0x01021997, '9p'],
	[0x5346414f, 'AFS'],
	[0x73757245, 'Coda'],
	[0x00c36400, 'Ceph'],
]);

/** How long (ms) tmux may take to answer. */
const tmuxTimeoutMs = 2000;

/** Ports that browser logins come back to, and that somebody else has. */
export async function checkPorts({providers, paths, env}: Subject): Promise<Finding[]> {
	const found: Finding[] = [];
	const seen = new Set<number>();
	for (const provider of providers.values()) {
		for (const uri of codeFlowOf(provider)?.redirectUris ?? []) {
			const port = Number(new URL(uri).port);
			if (!port || seen.has(port)) continue;
			seen.add(port);
			const holder = await holderOfPort(port, env);
			const isOurs =
				holder && peekPending(paths).some(({redirectUri}) => new URL(redirectUri).port === String(port));
			if (!holder || isOurs) continue;
			const {pid, command} = holder;
			const who = pid === undefined ? 'Another program' : `${command ?? 'The process'} (process ${pid})`;
			found.push(
				finding('port_taken', {
					where: `port ${port}`,
					what: `${who} has it: a browser login of ${provider.label} cannot come back there.`,
					next: pid === undefined ? `lsof -nP -iTCP:${port}` : `ps -fp ${pid}`,
				}),
			);
		}
	}
	return found;
}

/** The program itself: what runs it, and which of several is meant by its name. */
export function checkProgram({machine, env}: Subject): Finding[] {
	const [major = 0, minor = 0] = machine.nodeVersion.split('.').map(Number);
	const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
	const old = finding('node_old', {
		where: `Node.js ${machine.nodeVersion}`,
		what: `JARVIS needs ${oldestNode.join('.')} or newer.`,
		next: 'Install a newer Node.js.',
	});
	const [first, ...others] = programs(env);
	const twice = finding('path_twice', {
		where: [first, ...others].join(', '),
		what: `${first} is the one that runs; the others are other installations.`,
		next: 'type -a jarvis',
	});
	return [...(isOld ? [old] : []), ...(others.length > 0 ? [twice] : [])];
}

// Links to one program are one.
function programs({PATH = ''}: NodeJS.ProcessEnv): string[] {
	const found = new Map<string, string>();
	for (const folder of PATH.split(delimiter)) {
		const file = join(folder, 'jarvis');
		try {
			accessSync(file, constants.X_OK);
			const real = realpathSync(file);
			if (statSync(real).isFile() && !found.has(real)) found.set(real, file);
		} catch {
			// Not there, or not to be run.
		}
	}
	return [...found.values()];
}

/** The disk that the state folder is on, and whether the log can be written. */
export function checkDisk({paths, machine}: Subject): Finding[] {
	if (!existsSync(paths.root)) return [];
	return [...fileSystem(paths.root, machine), ...log(paths)];
}

function fileSystem(root: string, {platform, fileSystem}: Machine): Finding[] {
	const {type, free} = fileSystem(root);
	const remote = platform === 'linux' ? remoteTypes.get(type) : undefined;
	const onRemote = finding('file_system_remote', {
		where: root,
		what: `It is on ${remote}: changes by other machines are not noticed, and locks hold as far as that carries them.`,
		next: 'Set JARVIS_STATE_DIR to a folder on a local disk, and move it there.',
	});
	const full = finding('disk_full', {
		where: root,
		what: `Only ${Math.floor(free / 1024)} KiB are free on its disk.`,
		next: `df -h ${shellWord(root)}`,
	});
	return [...(remote ? [onRemote] : []), ...(free < leastFree ? [full] : [])];
}

function log({auditLog}: Subject['paths']): Finding[] {
	if (!existsSync(auditLog)) return [];
	try {
		closeSync(openSync(auditLog, 'a'));
		return [];
	} catch (error) {
		if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ELOOP')) throw error;
		const {code} = error;
		return [
			finding('log_blocked', {
				where: auditLog,
				what: `It cannot be written (${code}): what is done is not noted.`,
				next: `ls -ld ${shellWord(auditLog)}`,
			}),
		];
	}
}

/** Whether tmux lets programs copy (tmux(1), `set-clipboard` and `allow-passthrough`). */
export async function checkTmux({env}: Subject): Promise<Finding[]> {
	if (!env.TMUX) return [];
	const ask = async (...args: readonly string[]) => {
		const {stdout} = await promisify(execFile)('tmux', ['show-options', ...args], {
			env,
			timeout: tmuxTimeoutMs,
		});
		return stdout.trim();
	};
	try {
		if ((await ask('-sv', 'set-clipboard')) === 'on') return [];
		const passes = await ask('-gwv', 'allow-passthrough').catch(() => 'off');
		if (passes === 'on' || passes === 'all') return [];
	} catch {
		// An old tmux, or none that answers: nothing is known.
		return [];
	}
	return [
		finding('tmux_clipboard', {
			where: 'tmux',
			what: 'Neither set-clipboard nor allow-passthrough is on: over SSH, what is copied gets nowhere.',
			next: 'tmux set -s set-clipboard on',
		}),
	];
}
