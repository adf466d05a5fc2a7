import {existsSync, lstatSync, realpathSync, rmSync, statSync, unlinkSync} from 'node:fs';
import {createConnection, type Server} from 'node:net';
import {homedir} from 'node:os';
import {dirname, join, sep} from 'node:path';
import {isSystemError, JarvisError, shellWord} from '../errors.ts';
import {type Guard, openGuard} from '../store/guard.ts';
import {isObject, readTextIfThere, textMember, tryParseJson} from '../store/json.ts';
import type {StatePaths} from '../store/paths.ts';
import {ensurePrivateFolder, writeDurably} from '../store/write.ts';
import {maxConnections} from './contract.ts';

/** The place where the broker is asked: one broker for a state folder, one for a socket, and nobody else's. */

/** The longest path (bytes) that a socket can have everywhere: macOS has room for 104 with the end. */
const longestPath = 103;

/** A socket that this process alone may serve, until it is released. */
export interface ClaimedSocket {
	readonly path: string;
	/** Listens, with nobody else able to connect at any moment. Throws `broker_socket_unsafe`. */
	listen(server: Server): Promise<void>;
	/** Takes the socket's name away: nobody can connect any more. */
	hide(): void;
	/** Lets another broker begin. */
	release(): void;
}

/**
 * Makes sure that no other broker serves the state folder or the socket, and that the socket is where nobody
 * else can come to. What a broker left that was killed is replaced; a socket that somebody answers at never is.
 * @throws `broker_running`, `broker_socket_unsafe`, system errors
 */
export async function claimSocket(paths: StatePaths, path: string): Promise<ClaimedSocket> {
	assertLength(path);
	const folder = dirname(path);
	ensurePrivateFolder(paths.root);
	ensurePrivateFolder(paths.locks);
	ensurePrivateFolder(folder);
	assertPrivate(folder, paths);
	const guards: Guard[] = [];
	const release = () => {
		for (const guard of guards.splice(0)) guard.close();
	};
	try {
		// Of the state folder, and of the socket: another state folder's broker may have been given the same one.
		for (const file of [guardOf(paths), `${path}.guard`]) {
			const guard = openGuard(file);
			guards.push(guard);
			if (!guard.tryHold()) throw await alreadyRunning(paths, path);
		}
		await removeStale(path);
	} catch (error) {
		release();
		throw error;
	}
	return {
		path,
		async listen(server) {
			await listenPrivately(server, path);
			const record = {pid: process.pid, socket: path};
			writeDurably(paths.brokerRecord, `${JSON.stringify(record)}\n`);
		},
		hide() {
			for (const file of [path, paths.brokerRecord]) rmSync(file, {force: true});
		},
		release,
	};
}

/** Where the broker of a state folder is asked: where the last one that started said, or at the usual place. */
export function socketOf(paths: StatePaths): string {
	return recordOf(paths).socket ?? paths.brokerSocket;
}

function recordOf(paths: StatePaths): {readonly socket?: string; readonly pid?: number} {
	let record: unknown;
	try {
		record = tryParseJson(readTextIfThere(paths.brokerRecord) ?? '');
	} catch {
		return {};
	}
	if (!isObject(record)) return {};
	const socket = textMember(record, 'socket');
	return {
		...(socket === undefined ? {} : {socket}),
		...(typeof record.pid === 'number' ? {pid: record.pid} : {}),
	};
}

/** Waits (ms at most) until no broker serves the state folder. Returns whether that is so. */
export async function untilFree(paths: StatePaths, waitMs: number): Promise<boolean> {
	const guard = openGuard(guardOf(paths));
	try {
		await guard.run(() => {}, waitMs);
		return true;
	} catch (error) {
		if (error instanceof JarvisError && error.code === 'lock_timeout') return false;
		throw error;
	} finally {
		guard.close();
	}
}

function guardOf({locks}: StatePaths): string {
	return join(locks, 'broker.guard');
}

/** Whether somebody accepts connections at a path. */
function answers(path: string): Promise<boolean> {
	const {promise, resolve} = Promise.withResolvers<boolean>();
	const socket = createConnection(path);
	socket.once('connect', () => resolve(true));
	// A socket whose backlog is full is somebody's.
	socket.once('error', error => resolve(!isSystemError(error, 'ECONNREFUSED', 'ENOENT')));
	return promise.finally(() => socket.destroy());
}

async function removeStale(path: string): Promise<void> {
	const present = lstatSync(path, {throwIfNoEntry: false});
	if (!present) return;
	if (!present.isSocket()) throw unsafe(`${path} is there already, and is no socket`, 'Name another one');
	if (await answers(path)) {
		throw new JarvisError(
			'broker_running',
			`Somebody answers at ${path} already.`,
			`Find out who: ss -xlp src ${shellWord(path)}`,
		);
	}
	unlinkSync(path);
}

// The mode is the socket's from its first moment on.
async function listenPrivately(server: Server, path: string): Promise<void> {
	const {promise, resolve, reject} = Promise.withResolvers<void>();
	server.once('error', reject);
	const mask = process.umask(0o177);
	try {
		// Who finds the queue full is not told to wait, but turned away by the kernel.
		server.listen({path, backlog: maxConnections}, resolve);
	} finally {
		process.umask(mask);
	}
	try {
		await promise;
	} catch (error) {
		const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
		throw unsafe(
			`${path} cannot be listened at${code}`,
			'Name one on a file system that takes sockets',
			error,
		);
	} finally {
		server.off('error', reject);
	}
}

// Folders above it may be anybody's: only the last one must be closed.
function assertPrivate(folder: string, paths: StatePaths): void {
	const {mode, uid} = statSync(folder);
	if (uid !== process.getuid?.()) {
		throw unsafe(`The folder ${folder} belongs to another user`, 'Name a socket in a folder of your own');
	}
	if ((mode & 0o077) === 0) return;
	const shown = (mode & 0o777).toString(8);
	throw unsafe(
		`Others can use the folder ${folder} (mode ${shown})`,
		isOwn(folder, mode, paths)
			? `Close it (chmod 700 ${shellWord(folder)}), or name a socket in a folder that does not exist yet`
			: 'Name a socket in a folder of your own that does not exist yet',
	);
}

/** Whether closing a folder shuts nobody else out: to root /tmp is one of its own, and everybody's all the same. */
function isOwn(folder: string, mode: number, {root}: StatePaths): boolean {
	const isSticky = (mode & 0o1000) !== 0;
	// Where a link leads is what would be closed.
	const real = realpathSync(folder);
	const state = realpathSync(root);
	const home = homedir();
	const isAtHome = home !== '/' && existsSync(home) && real.startsWith(realpathSync(home) + sep);
	return !isSticky && (isAtHome || real === state || real.startsWith(state + sep));
}

function assertLength(path: string): void {
	if (Buffer.byteLength(path) <= longestPath) return;
	throw unsafe(
		`The path of a socket has ${longestPath} bytes at most, and ${path} is longer`,
		'Name a shorter one',
	);
}

async function alreadyRunning(paths: StatePaths, path: string): Promise<JarvisError> {
	const {socket = path, pid} = recordOf(paths);
	const who = pid === undefined ? '' : ` (pid ${pid})`;
	return new JarvisError(
		'broker_running',
		`A broker runs already${who}, at ${socket}.`,
		'Ask it as it is (jarvis broker status), or end it first: jarvis broker stop',
		{details: {socket, ...(pid === undefined ? {} : {pid})}},
	);
}

function unsafe(fault: string, next: string, cause?: unknown): JarvisError {
	return new JarvisError('broker_socket_unsafe', `${fault}.`, `${next}: jarvis broker --socket <path>`, {
		cause,
	});
}
