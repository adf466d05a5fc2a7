import {readFileSync, readlinkSync} from 'node:fs';
import type {Socket} from 'node:net';
import {basename} from 'node:path';
import {clean} from '../auth/facts.ts';
import {JarvisError} from '../errors.ts';
import type {Peer} from './contract.ts';

/**
 * Who is at the other end of a Unix socket. Node has no call for it, so that the C library is asked, through
 * koffi: loaded only here, because only the broker needs it, and it may be absent.
 */

/** Tells who connected; `undefined` where the kernel does not say. */
export type PeerLookup = (socket: Socket) => Peer | undefined;

type Getsockopt = (fd: number, level: number, name: number, value: Buffer, length: number[]) => number;
type Library = import('koffi').LibraryHandle;

/**
 * Loads what tells who connected.
 * @throws `broker_no_peer_check` where the system or the installation cannot tell
 */
export async function loadPeerLookup(): Promise<PeerLookup> {
	const makeLookup = lookups[process.platform];
	if (!makeLookup) throw noPeerCheck(`${process.platform} is not known to tell`);
	let library: Library;
	try {
		const {load} = await import('koffi');
		// The program itself: the C library is in it already, whatever its file is called here.
		library = load(null);
	} catch (error) {
		throw noPeerCheck('the optional package koffi is not installed, or does not load', error);
	}
	return makeLookup(library);
}

/** Whether a peer may have tokens: the broker's own user, and root, who can read the files anyway. */
export function mayAsk(peer: Peer | undefined): peer is Peer {
	return peer?.uid !== undefined && (peer.uid === process.getuid?.() || peer.uid === 0);
}

const lookups: Readonly<Partial<Record<NodeJS.Platform, (library: Library) => PeerLookup>>> = {
	linux(library) {
		const getsockopt = getsockoptOf(library);
		// <asm/socket.h>; powerpc has numbers of its own.
		const [solSocket, soPeercred] = process.arch === 'ppc64' ? [1, 21] : [1, 17];
		return socket => {
			// struct ucred {pid_t pid; uid_t uid; gid_t gid;}
			const ucred = asked(getsockopt, socket, solSocket, soPeercred, 12);
			if (!ucred) return undefined;
			const pid = ucred.readInt32LE(0);
			const command = commandOf(pid);
			// A process of another pid namespace has the number 0 here.
			return {
				uid: ucred.readUInt32LE(4),
				...(pid > 0 ? {pid} : {}),
				...(command === undefined ? {} : {command}),
			};
		};
	},
	darwin(library) {
		const getsockopt = getsockoptOf(library);
		const getpeereid = library.func('int getpeereid(int fd, _Out_ uint32_t *uid, _Out_ uint32_t *gid)');
		// <sys/un.h>: SOL_LOCAL, LOCAL_PEERPID
		const [solLocal, localPeerpid] = [0, 2];
		return socket => {
			const fd = descriptorOf(socket);
			const [uid] = fd === undefined ? [] : ownerOf(getpeereid, fd);
			if (uid === undefined) return undefined;
			const pid = asked(getsockopt, socket, solLocal, localPeerpid, 4)?.readInt32LE(0);
			return {uid, ...(pid === undefined ? {} : {pid})};
		};
	},
};

function getsockoptOf(library: Library): Getsockopt {
	return library.func(
		'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
	);
}

function ownerOf(getpeereid: (fd: number, uid: number[], gid: number[]) => number, fd: number): number[] {
	const uid = [0];
	return getpeereid(fd, uid, [0]) === 0 ? uid : [];
}

function asked(
	getsockopt: Getsockopt,
	socket: Socket,
	level: number,
	name: number,
	size: number,
): Buffer | undefined {
	const fd = descriptorOf(socket);
	if (fd === undefined) return undefined;
	const value = Buffer.alloc(size);
	const length = [size];
	return getsockopt(fd, level, name, value, length) === 0 && length[0] === size ? value : undefined;
}

// Node gives the number of a socket's descriptor in no documented way; where it is not there, nobody is let in.
function descriptorOf(socket: Socket): number | undefined {
	const {_handle: handle} = socket as Socket & {readonly _handle?: {readonly fd?: unknown} | null};
	return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** Names of a process's first thread that say nothing of the program. */
const threadNames = new Set(['MainThread', 'node-MainThread']);

function commandOf(pid: number): string | undefined {
	try {
		const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
		return clean(threadNames.has(name) ? basename(readlinkSync(`/proc/${pid}/exe`)) : name);
	} catch {
		// It has ended, or is another user's.
		return undefined;
	}
}

function noPeerCheck(why: string, cause?: unknown): JarvisError {
	return new JarvisError(
		'broker_no_peer_check',
		`The broker cannot tell which user asks: ${why}.`,
		'Install the optional packages (npm install --include=optional), or rely on the socket’s mode alone: jarvis broker --no-peer-check',
		{cause},
	);
}
