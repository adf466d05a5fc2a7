import {randomBytes} from 'node:crypto';
import {readFileSync, rmdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, JarvisError} from '../errors.ts';
import type {Guard} from './guard.ts';
import {livenessOf, ownIdentity, type ProcessIdentity} from './process-identity.ts';
import {ensurePrivateFolder} from './write.ts';

/**
 * How long (ms) a holder that lives may show no sign of life before its lock may be taken. A holder whose
 * event loop runs shows one every second; only a stopped or suspended one shows none.
 */
export const holderLimitMs = 10_000;

/** The longest time (ms) between two looks at a holder that counts as watching it. */
const longestLookMs = 250;

/** How long (ms) to wait for a lock before giving up: longer than a stalled holder can keep it. */
export const lockWaitMs = 30_000;

export interface LockOptions {
	readonly waitMs?: number;
	/** At least 2,000: proper-lockfile shows signs of life once a second. */
	readonly holderLimitMs?: number;
	readonly signal?: AbortSignal;
	/**
	 * Looked at before each try and while waiting: as soon as it gives a value, waiting ends without the
	 * lock. For a caller whose wish another process may fulfil meanwhile.
	 */
	readonly settled?: () => boolean;
}

export interface HeldLock {
	/** Whether this process still holds the lock. May be outdated a moment later: see `commit`. */
	isHeld(): boolean;
	/** Throws `lock_lost` when this process holds the lock no more. */
	assertHeld(): void;
	/**
	 * Runs `effect` with proof that the lock is held while it runs, and returns its result. Throws
	 * `lock_lost`, without running it, when the lock was taken by another process meanwhile (this one was
	 * stopped for longer than the limit).
	 */
	commit<T>(effect: () => T): Promise<T>;
	release(): Promise<void>;
}

/** Who holds a lock. */
export interface LockOwner extends ProcessIdentity {
	readonly nonce: string;
}

/**
 * Takes an inter-process lock, or waits for it. Returns `undefined` when `settled` ended the waiting.
 *
 * The lock itself is proper-lockfile's folder with its heartbeat. Age alone decides nothing: the folder
 * holds a record of its owner, every step that takes or breaks a lock happens in a guard that the kernel
 * releases, an owner that is provably dead is replaced at once, and one that lives only after this
 * process has watched it for the whole limit without a heartbeat (so that no clock matters).
 *
 * @param name names the lock within `folder`: letters, digits, `-`, `_` and `.`
 * @throws `lock_timeout`, or the signal's reason
 */
export async function acquireLock(
	folder: string,
	name: string,
	options: LockOptions = {},
): Promise<HeldLock | undefined> {
	const limitMs = options.holderLimitMs ?? holderLimitMs;
	const waitMs = options.waitMs ?? lockWaitMs;
	ensurePrivateFolder(folder);
	const paths = lockPaths(folder, name);
	let tools: LockTools | undefined;
	const watched = watchHolder(paths, limitMs);
	const since = performance.now();
	try {
		for (;;) {
			options.signal?.throwIfAborted();
			if (options.settled?.()) {
				tools?.guard.close();
				return undefined;
			}
			// Looking costs less than the guard, which the holder needs to commit and to release.
			if (watched.mayTake()) {
				tools ??= await loadTools(paths);
				const {guard, lockfile} = tools;
				const taken = guard.tryRun(() =>
					watched.mayTake() ? take(paths, limitMs, lockfile) : undefined,
				)?.value;
				if (taken) return heldLock(paths, guard, taken);
			}
			if (performance.now() > since + waitMs) throw timedOut(paths, waitMs);
			const waitedMs = performance.now() - since;
			await new Promise(resume => setTimeout(resume, pauseAfter(waitedMs)));
		}
	} catch (error) {
		tools?.guard.close();
		throw error;
	}
}

/** Runs `work` while holding a lock, and releases it however that ends. */
export async function withLock<T>(
	folder: string,
	name: string,
	work: (lock: HeldLock) => Promise<T>,
	options: Omit<LockOptions, 'settled'> = {},
): Promise<T> {
	const lock = await acquireLock(folder, name, options);
	if (!lock) throw new JarvisError('unexpected', 'A lock was not taken.', 'Report this.');
	try {
		return await work(lock);
	} finally {
		await lock.release();
	}
}

/**
 * How long (ms) to pause between two looks: a tenth of what one has waited already. Many that look all the time
 * would take from the holder what it needs to come to its end; but no more than a few times as long as those
 * who come later, who would always be first.
 */
function pauseAfter(waitedMs: number): number {
	return (0.5 + Math.random()) * Math.min(24, Math.max(8, waitedMs / 10));
}

interface LockPaths {
	readonly target: string;
	/** proper-lockfile's folder. */
	readonly held: string;
	readonly owner: string;
	readonly guard: string;
}

/** What taking a lock needs, and waiting for one to no avail does not. */
interface LockTools {
	readonly guard: Guard;
	readonly lockfile: Lockfile;
}

type Lockfile = typeof import('proper-lockfile');

async function loadTools(paths: LockPaths): Promise<LockTools> {
	const [{openGuard}, {default: lockfile}] = await Promise.all([
		import('./guard.ts'),
		import('proper-lockfile'),
	]);
	return {lockfile, guard: openGuard(paths.guard)};
}

interface Taken {
	readonly nonce: string;
	readonly release: () => void;
}

/** The paths of a lock. */
export function lockPaths(folder: string, name: string): LockPaths {
	const target = join(folder, name);
	const held = `${target}.held`;
	return {target, held, owner: join(held, 'owner.json'), guard: `${target}.guard`};
}

// Only ever called inside the guard, after the holder was found to be gone: so a lock without an owner's
// record is one whose taker died in here, and proper-lockfile's own takeover (by age, and able to let two
// in) never runs: the owner's record keeps its rmdir from succeeding.
function take(paths: LockPaths, limitMs: number, lockfile: Lockfile): Taken | undefined {
	rmSync(paths.held, {recursive: true, force: true});
	const releaseFolder = lockfile.lockSync(paths.target, {
		lockfilePath: paths.held,
		realpath: false,
		stale: limitMs,
		update: 1000,
		// Being compromised is found out where it matters, by `commit`; the default would end the process.
		onCompromised: () => {},
	});
	const {mtime} = statSync(paths.held);
	const nonce = randomBytes(16).toString('hex');
	const owner: LockOwner = {...ownIdentity(), nonce};
	try {
		writeFileSync(paths.owner, JSON.stringify(owner), {mode: 0o600});
	} catch (error) {
		// An earlier holder that ended just now removed the folder by proper-lockfile's exit hook.
		if (isSystemError(error, 'ENOENT')) return undefined;
		throw error;
	}
	// Making the record changed the folder's time, which proper-lockfile would take for another's heartbeat.
	utimesSync(paths.held, mtime, mtime);
	return {nonce, release: () => releaseOr(releaseFolder, () => rmdirSync(paths.held))};
}

function heldLock(paths: LockPaths, guard: Guard, taken: Taken): HeldLock {
	const isHeld = () => readOwner(paths)?.nonce === taken.nonce;
	const assertHeld = () => {
		if (!isHeld()) throw lost(paths);
	};
	return {
		isHeld,
		assertHeld,
		commit: effect =>
			guard.run(() => {
				assertHeld();
				return effect();
			}, lockWaitMs),
		async release() {
			try {
				await guard.run(() => {
					if (!isHeld()) return;
					unlinkSync(paths.owner);
					taken.release();
				}, lockWaitMs);
			} finally {
				guard.close();
			}
		},
	};
}

/** Watches the present holder, if any, and tells whether its lock may be taken. */
function watchHolder(paths: LockPaths, limitMs: number): {mayTake(): boolean} {
	let seen = '';
	let watchedMs = 0;
	let lastLook = performance.now();
	return {
		mayTake() {
			const beat = statSync(paths.held, {throwIfNoEntry: false})?.mtimeMs;
			if (beat === undefined) return true;
			const owner = readOwner(paths);
			// Without a record only the guard's holder can tell: its taker is dead, or just writing it.
			const liveness = owner ? livenessOf(owner) : 'dead';
			if (liveness === 'dead') return true;
			const sign = `${owner?.nonce} ${beat}`;
			const now = performance.now();
			// While this process was stopped or suspended itself, so may the holder have been.
			watchedMs = sign === seen ? watchedMs + Math.min(now - lastLook, longestLookMs) : 0;
			seen = sign;
			lastLook = now;
			return watchedMs > limitMs;
		},
	};
}

/** Who holds a lock, as its folder says. Throws system errors. */
export function readOwner(paths: Pick<LockPaths, 'owner'>): LockOwner | undefined {
	try {
		const value: unknown = JSON.parse(readFileSync(paths.owner, 'utf8'));
		return isOwner(value) ? value : undefined;
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined;
		throw error;
	}
}

function isOwner(value: unknown): value is LockOwner {
	if (typeof value !== 'object' || value === null) return false;
	const {pid, realm, nonce, started} = value as Record<string, unknown>;
	return (
		Number.isInteger(pid) &&
		typeof realm === 'string' &&
		typeof nonce === 'string' &&
		(started === undefined || typeof started === 'string')
	);
}

// proper-lockfile lets go of a lock whose folder's time was changed by somebody, and releases it no more.
function releaseOr(release: () => void, otherwise: () => void): void {
	try {
		release();
	} catch (error) {
		if (!isSystemError(error, 'ERELEASED', 'ENOTACQUIRED')) throw error;
		removeIfThere(otherwise);
	}
}

function removeIfThere(remove: () => void): void {
	try {
		remove();
	} catch (error) {
		if (!isSystemError(error, 'ENOENT')) throw error;
	}
}

function timedOut(paths: LockPaths, waitMs: number): JarvisError {
	const owner = readOwner(paths);
	const holder = owner ? `process ${owner.pid} on ${owner.realm.split(' ')[0]}` : 'another process';
	return new JarvisError(
		'lock_timeout',
		`Waited ${Math.round(waitMs / 1000)} s for ${paths.held}, which ${holder} holds.`,
		owner ? `See what it does: ps -fp ${owner.pid}. Nothing was changed.` : 'Try again. Nothing was changed.',
	);
}

function lost(paths: LockPaths): JarvisError {
	return new JarvisError(
		'lock_lost',
		`This process was stopped for so long that another one took ${paths.held}. It has written nothing.`,
		'Run the command again.',
	);
}
