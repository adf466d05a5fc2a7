import {
	closeSync,
	constants,
	fdatasyncSync,
	fstatSync,
	fsyncSync,
	openSync,
	readdirSync,
	readSync,
	writeSync,
} from 'node:fs';
import {join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {member, textMember, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {decodeCredential, type OAuthCredential} from './schema.ts';
import {ensurePrivateFolder, makePrivate, syncFolder} from './write.ts';

/** A server's reply to a refresh that is not in the store yet. */
export interface KeptReply {
	/** Fingerprint of the refresh token that was spent for it. */
	readonly spent: string;
	/** When its request was begun, as the journal has it (epoch ms). */
	readonly startedAt: number;
	readonly credential: OAuthCredential;
}

/**
 * Room on the disk for the next reply, made before it is asked for: once the server has rotated, nothing
 * that is still to do may need space, a folder that can be written to, or another lock. The file has its
 * size beforehand and is written in place; it is only ever touched under the identity's refresh lock.
 */
export interface ReplySlot {
	/** The replies that are in it: more than one only while a store that one belongs to cannot be read. */
	readonly kept: readonly KeptReply[];
	/** Writes a reply into the room that is there, durably. Throws system errors. */
	keep(reply: KeptReply): void;
	/** Overwrites a reply that is stored or good for nothing: no secret stays behind. */
	clear(reply: KeptReply): void;
	close(): void;
}

/** A reply takes a multiple of this (bytes); the largest that are common, with an ID token, take one. */
const blockBytes = 8192;

interface Segment {
	readonly reply: KeptReply;
	readonly start: number;
	readonly bytes: number;
}

/**
 * Opens an identity's slot and makes sure, durably, that there is room for one more reply in it. What a
 * write that was cut off has left is overwritten.
 * @throws system errors; `ENOSPC` when there is no room
 */
export function openReplySlot(paths: StatePaths, name: string): ReplySlot {
	ensurePrivateFolder(paths.journal);
	const file = slotFile(paths, name);
	const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
	try {
		makePrivate(file);
		const content = contentOf(descriptor);
		const segments = segmentsOf(content);
		const free = () => segments.reduce((end, {start, bytes}) => Math.max(end, start + bytes), 0);
		const rest = content.subarray(free());
		if (rest.length < blockBytes || rest.some(byte => byte !== 0)) {
			writeAll(descriptor, Buffer.alloc(Math.max(rest.length, blockBytes)), free());
			fsyncSync(descriptor);
			if (content.length === 0) syncFolder(paths.journal);
		}
		return {
			get kept() {
				return segments.map(({reply}) => reply);
			},
			keep(reply) {
				const text = Buffer.from(JSON.stringify({version: 1, ...reply}));
				const start = free();
				// At least one zero follows: it ends the text.
				const padded = Buffer.alloc(wholeBlocks(text.length + 1));
				text.copy(padded);
				writeAll(descriptor, padded, start);
				fdatasyncSync(descriptor);
				segments.push({reply, start, bytes: padded.length});
			},
			clear(reply) {
				const index = segments.findIndex(segment => segment.reply === reply);
				const [segment] = index < 0 ? [] : segments.splice(index, 1);
				// Not flushed: after a power cut it is found to be stored, and overwritten again.
				if (segment) writeAll(descriptor, Buffer.alloc(segment.bytes), segment.start);
			},
			close: () => closeSync(descriptor),
		};
	} catch (error) {
		closeSync(descriptor);
		throw error;
	}
}

/** The replies in an identity's slot, which is mostly empty or not there. Throws system errors. */
export function readKeptReplies(paths: StatePaths, name: string): KeptReply[] {
	let descriptor: number;
	try {
		descriptor = openSync(slotFile(paths, name), 'r');
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
	try {
		return segmentsOf(contentOf(descriptor)).map(({reply}) => reply);
	} finally {
		closeSync(descriptor);
	}
}

/** The identities that have a slot or a journal. Throws system errors. */
export function slotNames(paths: StatePaths): string[] {
	try {
		const names = readdirSync(paths.journal).map(name => name.replace(/\.(reply|json)$/, ''));
		return [...new Set(names)].filter(name => /^[0-9a-f]+$/.test(name)).sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return [];
		throw error;
	}
}

/** The file of an identity's slot. */
export function slotFile(paths: StatePaths, name: string): string {
	return join(paths.journal, `${name}.reply`);
}

function contentOf(descriptor: number): Buffer {
	const content = Buffer.alloc(fstatSync(descriptor).size);
	let read = 0;
	while (read < content.length) {
		const got = readSync(descriptor, content, read, content.length - read, read);
		if (got === 0) break;
		read += got;
	}
	return content.subarray(0, read);
}

// Each reply begins a block and is followed by a zero. One that was torn is no JSON, and counts as none.
function segmentsOf(content: Buffer): Segment[] {
	const segments: Segment[] = [];
	let start = 0;
	while (start < content.length) {
		const zero = content.indexOf(0, start);
		const end = zero < 0 ? content.length : zero;
		const bytes = wholeBlocks(end - start + 1);
		const reply = end === start ? undefined : decodeReply(content.toString('utf8', start, end));
		if (reply) segments.push({reply, start, bytes});
		start += bytes;
	}
	return segments;
}

function decodeReply(text: string): KeptReply | undefined {
	const document = tryParseJson(text);
	const spent = textMember(document, 'spent');
	const startedAt = member(document, 'startedAt');
	const credential = decodeCredential(member(document, 'credential') ?? null);
	if (!spent || typeof startedAt !== 'number') return undefined;
	if (typeof credential === 'string' || credential.type !== 'oauth' || !credential.access) return undefined;
	return {spent, startedAt, credential};
}

function wholeBlocks(bytes: number): number {
	return Math.ceil(bytes / blockBytes) * blockBytes;
}

// A write may be a short one: what is not wholly there must not count as kept.
function writeAll(descriptor: number, bytes: Buffer, position: number): void {
	let written = 0;
	while (written < bytes.length) {
		written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
	}
}
