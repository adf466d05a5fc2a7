import {EventEmitter, once} from 'node:events';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {setImmediate, setTimeout} from 'node:timers/promises';
import {isSystemError} from '../../source/errors.ts';
import {openGuard} from '../../source/store/guard.ts';
import {acquireLock, type HeldLock, type LockOptions, withLock} from '../../source/store/lock.ts';
import {serve} from '../support/workers.ts';

type Options = Pick<LockOptions, 'waitMs' | 'holderLimitMs'>;

const looks = new EventEmitter();
let held: HeldLock | undefined;
let waiting: Promise<void> | undefined;

/** The lock that this worker has taken. */
function mine(): HeldLock {
	if (!held) throw new Error('This worker has taken no lock.');
	return held;
}

const commands = {
	async acquire(folder: string, name: string, options: Options = {}): Promise<void> {
		held = await acquireLock(folder, name, options);
	},

	/** Begins to wait for a lock; returns when it has been looked at for the first time. */
	async beginWaiting(folder: string, name: string, options: Options = {}): Promise<void> {
		const settled = () => {
			// The look itself comes right behind this question.
			globalThis.setImmediate(() => looks.emit('look'));
			return false;
		};
		const first = once(looks, 'look');
		waiting = acquireLock(folder, name, {...options, settled}).then(lock => {
			held = lock;
		});
		waiting.catch(() => {});
		await first;
	},

	/** Returns when the lock has been looked at so many times more. */
	async look(times: number): Promise<void> {
		for (let turn = 0; turn < times; turn++) await Promise.race([once(looks, 'look'), waiting]);
	},

	/** Returns when the waiting has come to an end. */
	async endWaiting(): Promise<void> {
		await waiting;
	},

	isHeld: () => held?.isHeld() ?? false,

	/** Makes a file under the proof that the lock is held. */
	commit: (file: string) => mine().commit(() => writeFileSync(file, 'done')),

	release: () => mine().release(),

	exit: (code: number) => process.exit(code),

	/** Keeps the event loop busy until there is a file, and exits without it having run again. */
	exitUpon(file: string): void {
		while (!existsSync(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
		process.exit(7);
	},

	/** Stays in a guard's section until it is killed. */
	stayInGuard(file: string): void {
		const guard = openGuard(file);
		const stay = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
		while (!guard.tryRun(stay));
	},

	/**
	 * Tries for a lock until one of all who do has had it. While it is held there is a file that only one
	 * process can make.
	 */
	async compete(folder: string, name: string, round: number): Promise<'held' | 'settled' | 'collided'> {
		const claim = `${folder}/claim`;
		const over = `${folder}/over-${round}`;
		const lock = await acquireLock(folder, name, {settled: () => existsSync(over)});
		if (!lock) return 'settled';
		try {
			writeFileSync(claim, String(process.pid), {flag: 'wx'});
		} catch (error) {
			if (isSystemError(error, 'EEXIST')) return 'collided';
			throw error;
		}
		await setTimeout(2);
		await lock.commit(() => rmSync(claim));
		writeFileSync(over, '');
		await lock.release();
		return 'held';
	},

	/** Counts in a file that knows nothing of locks. */
	async count(folder: string, name: string, times: number): Promise<void> {
		const file = `${folder}/count`;
		for (let turn = 0; turn < times; turn++) {
			await withLock(folder, name, async () => {
				const count = Number(readFileSync(file, 'utf8'));
				await setImmediate();
				writeFileSync(file, String(count + 1));
			});
		}
	},
};

export type LockWorker = typeof commands;

serve(commands);
