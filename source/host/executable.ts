import {accessSync, closeSync, constants, openSync, readSync} from 'node:fs';

/**
 * Whether the system surely starts a file: a binary for this machine whose loader is there, or a script whose
 * interpreter is such a one. `false` says nothing: it may start all the same.
 */
export function surelyStarts(file: string): boolean {
	const head = startOf(file, 256);
	if (head.subarray(0, 2).toString('latin1') !== '#!') return isBinary(file, head);
	// The kernel takes a carriage return for a part of the name.
	const [, interpreter] = /^#![\t ]*(\/[^\t\n ]+)[^\n]*\n/.exec(head.toString('latin1')) ?? [];
	return interpreter !== undefined && isExecutable(interpreter) && isBinary(interpreter);
}

/** Whether a file may be executed. */
export function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

function isBinary(file: string, head = startOf(file, 256)): boolean {
	const magic = head.subarray(0, 4).toString('hex');
	// Mach-O, of one architecture and of several.
	if (magic === 'cffaedfe' || magic === 'cafebabe') return true;
	return magic === '7f454c46' && isLoadable(file, head);
}

/** Where an ELF file of 64 bits has what is looked at here (elf(5)). */
const elf = {
	headerSize: 64,
	smallestSegment: 56,
	classAndOrder: [4, 6],
	machine: [18, 20],
	segmentsAt: 32,
	segmentSize: 54,
	segmentCount: 56,
	interpreterType: 3,
	nameAt: 8,
	nameSize: 32,
} as const;

// One for another machine, or whose loader is missing (one built for musl on a system without it), is refused.
function isLoadable(file: string, head: Buffer): boolean {
	const own = startOf(process.execPath, 64);
	const differs = ([from, to]: readonly [number, number]) =>
		!head.subarray(from, to).equals(own.subarray(from, to));
	// 64 bits, little-endian: nothing else is read here.
	if (
		head.length < elf.headerSize ||
		differs(elf.classAndOrder) ||
		differs(elf.machine) ||
		head.readUInt16BE(4) !== 0x0201
	)
		return false;
	const at = Number(head.readBigUInt64LE(elf.segmentsAt));
	const size = head.readUInt16LE(elf.segmentSize);
	if (size < elf.smallestSegment) return false;
	const segments = startOf(file, size * head.readUInt16LE(elf.segmentCount), at);
	for (let offset = 0; offset + size <= segments.length; offset += size) {
		const segment = segments.subarray(offset, offset + size);
		if (segment.readUInt32LE(0) !== elf.interpreterType) continue;
		const name = startOf(
			file,
			Math.min(4096, Number(segment.readBigUInt64LE(elf.nameSize))),
			Number(segment.readBigUInt64LE(elf.nameAt)),
		);
		return isExecutable(name.toString('latin1').replace(/\0.*$/s, ''));
	}
	// It needs no loader.
	return segments.length > 0;
}

/** So many bytes of a file, or what there is of them; none of one that cannot be read. */
function startOf(file: string, length: number, from = 0): Buffer {
	const bytes = Buffer.alloc(length);
	try {
		const fd = openSync(file, 'r');
		try {
			return bytes.subarray(0, readSync(fd, bytes, 0, length, from));
		} finally {
			closeSync(fd);
		}
	} catch {
		return bytes.subarray(0, 0);
	}
}
