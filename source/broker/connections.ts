import {type Server, STATUS_CODES} from 'node:http';
import type {Socket} from 'node:net';
import {JarvisError} from '../errors.ts';
import type {SparingLog} from '../store/sparing-log.ts';
import {maxConnections, type Peer} from './contract.ts';
import {mayAsk, type PeerLookup} from './peer.ts';
import {statusOf} from './replies.ts';

/** Who is let in. Nothing of a connection that is not is read: it is told why, and closed. */

/** How long (ms) who is turned away has for reading why. */
const refusalMs = 1000;

export interface Connections {
	/** Who is at the other end of a connection that was let in. */
	peerOf(socket: Socket): Peer;
	open(): number;
	/** Closes all but those that are named: whoever has not asked in full by now, or does not read. */
	closeExcept(kept: ReadonlySet<Socket | null>): void;
	refused(): number;
}

/**
 * Lets a server's connections in, or not.
 * @param lookup tells who connects; without it everybody is let in who can open the socket
 */
export function guardConnections(
	server: Server,
	lookup: PeerLookup | undefined,
	log: SparingLog,
): Connections {
	const peers = new Map<Socket, Peer>();
	let refused = 0;

	function turnAway(socket: Socket, error: JarvisError, peer: Peer | undefined): void {
		refused += 1;
		// Whoever is not let in may call itself anything, and start as many processes as it likes.
		log.note(`refused\n${peer?.uid}`, 'broker', {by: wordsFor(peer), note: error.message});
		const status = statusOf(error);
		const body = `${JSON.stringify(error)}\n`;
		socket.on('error', () => {});
		// What it sends is thrown away: closing on it would take the answer away too.
		socket.resume();
		socket.end(
			[
				`HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
				...['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`],
				...['cache-control: no-store', 'connection: close', '', body],
			].join('\r\n'),
		);
		setTimeout(() => socket.destroy(), refusalMs).unref();
	}

	// The server's own listener reads what comes: it is called for those that are let in, and no others.
	const [accept] = server.listeners('connection');
	server.removeAllListeners('connection');
	server.on('connection', (socket: Socket) => {
		const peer = lookup ? lookup(socket) : {};
		if (lookup && !mayAsk(peer)) return turnAway(socket, ofOtherUser(peer), peer);
		if (peers.size >= maxConnections) return turnAway(socket, tooMany(), peer);
		peers.set(socket, peer ?? {});
		socket.once('close', () => peers.delete(socket));
		accept?.call(server, socket);
	});
	return {
		peerOf: socket => peers.get(socket) ?? {},
		open: () => peers.size,
		refused: () => refused,
		closeExcept(kept) {
			for (const socket of peers.keys()) if (!kept.has(socket)) socket.destroy();
		},
	};
}

function wordsFor({uid, pid, command}: Peer = {}): string {
	const who = `broker client ${command ?? 'unknown'}${pid === undefined ? '' : `, pid ${pid}`}`;
	return uid === undefined ? who : `${who}, uid ${uid}`;
}

function ofOtherUser(peer: Peer | undefined): JarvisError {
	return new JarvisError(
		'broker_refused',
		peer?.uid === undefined
			? 'The broker cannot tell which user asks.'
			: `The user ${peer.uid} may not ask: the broker is for the user ${process.getuid?.()}.`,
		'Ask as the user whose credentials they are.',
	);
}

function tooMany(): JarvisError {
	return new JarvisError(
		'broker_busy',
		`${maxConnections} connections are open already.`,
		'Close those that are not used, or use one for many requests.',
	);
}
