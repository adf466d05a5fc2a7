import {readFileSync, readlinkSync} from 'node:fs';
import {hostname} from 'node:os';

/**
 * Who a process is, so that another one can prove later that it is gone. A pid alone proves nothing: it
 * may have been given to another process, or belong to another machine or container.
 */
export interface ProcessIdentity {
	readonly pid: number;
	/** Host, boot and pid namespace in which `pid` means something. */
	readonly realm: string;
	/** When the process started, in the kernel's own ticks; absent where the system does not tell. */
	readonly started?: string;
}

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
	own ??= withStart(process.pid, currentRealm());
	return own;
}

/**
 * Whether the process is dead beyond doubt: `'dead'`, `'alive'`, or `'unknown'` when it belongs to
 * another machine, or its pid is in use and nothing tells whether by the same process.
 */
export function livenessOf(identity: ProcessIdentity): 'dead' | 'alive' | 'unknown' {
	const here = ownIdentity();
	if (identity.realm !== here.realm) {
		// Same host, other boot: everything of the earlier boot is gone.
		const [host, boot] = identity.realm.split(' ');
		const [ownHost, ownBoot] = here.realm.split(' ');
		return host === ownHost && boot && ownBoot && boot !== ownBoot ? 'dead' : 'unknown';
	}
	try {
		process.kill(identity.pid, 0);
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'ESRCH' ? 'dead' : 'unknown';
	}
	if (identity.started === undefined) return identity.pid === here.pid ? 'alive' : 'unknown';
	const now = startOf(identity.pid);
	return now === undefined ? 'unknown' : now === identity.started ? 'alive' : 'dead';
}

function withStart(pid: number, realm: string): ProcessIdentity {
	const started = startOf(pid);
	return started === undefined ? {pid, realm} : {pid, realm, started};
}

function currentRealm(): string {
	const boot = readOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
	const namespace = readOr('', () => readlinkSync('/proc/self/ns/pid'));
	return [hostname(), boot, namespace].join(' ').trimEnd();
}

function startOf(pid: number): string | undefined {
	return readOr(undefined, () => {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// Fields are counted behind the command's closing bracket: the command itself may hold spaces.
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const zombie = fields[0] === 'Z' || fields[0] === 'X';
		return zombie ? 'ended' : fields[19];
	});
}

function readOr<T>(fallback: T, read: () => T): T {
	try {
		return read();
	} catch {
		return fallback;
	}
}
