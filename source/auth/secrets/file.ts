import {constants} from 'node:fs';
import {lstat, open} from 'node:fs/promises';
import {setTimeout as pause} from 'node:timers/promises';
import {isSystemError} from '../../errors.ts';
import {type JsonValue, member} from '../../store/json.ts';
import type {FileProvider} from '../../store/secrets-config.ts';
import {failed, type Resolution} from './refs.ts';
import {RefFault, type SecretBatch} from './resolve-refs.ts';
import {hasMode, isOwnedByUs} from './trust.ts';

/**
 * Secrets in a file of which only this user knows: members of a JSON document by JSON pointer (RFC 6901), or
 * the whole text. The file is judged after it was opened, so that no other can be put in its place meanwhile.
 */
export async function resolveFromFile({
	name,
	provider,
	ids,
}: SecretBatch<'file'>): Promise<ReadonlyMap<string, Resolution>> {
	const {path, mode, timeoutMs} = provider;
	const ending = new AbortController();
	const text = await Promise.race([
		readPrivate(provider),
		pause(timeoutMs, undefined, {signal: ending.signal}).then(() => {
			throw new RefFault('timed_out', `reading ${path} took longer than ${timeoutMs} ms`);
		}),
	]).finally(() => ending.abort());
	if (mode === 'singleValue') {
		const value = text.replace(/\r?\n$/, '');
		const outcome = value === '' ? failed('not_found', `${path} is empty`) : {value};
		return new Map(
			ids.map(id => [
				id,
				id === 'value' ? outcome : failed('invalid_ref', `${name} holds one secret, whose id is value`),
			]),
		);
	}
	const document = parse(text, path);
	return new Map(ids.map(id => [id, at(document, id, provider)]));
}

async function readPrivate({path, maxBytes}: FileProvider): Promise<string> {
	try {
		// Whoever can put a link there decides which file is read.
		if (!isOwnedByUs(await lstat(path))) throw foreign(path);
		// A pipe would keep us waiting until somebody writes to it.
		const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
		try {
			const stats = await file.stat();
			if (!stats.isFile()) throw new RefFault('insecure', `${path} is no regular file`);
			if (!isOwnedByUs(stats)) throw foreign(path);
			if (hasMode(stats, 0o077)) {
				throw new RefFault('insecure', `others have rights to ${path} (take them away: chmod 600)`);
			}
			const bytes = Buffer.alloc(Math.min(stats.size, maxBytes) + 1);
			let length = 0;
			for (;;) {
				const {bytesRead} = await file.read(bytes, length, bytes.length - length);
				length += bytesRead;
				if (bytesRead === 0 || length === bytes.length) break;
			}
			if (length > maxBytes) throw new RefFault('too_large', `${path} is larger than ${maxBytes} bytes`);
			if (length > stats.size) throw new RefFault('unreadable', `${path} is being written`);
			return decoded(bytes.subarray(0, length), path);
		} finally {
			await file.close();
		}
	} catch (error) {
		if (error instanceof RefFault) throw error;
		if (isSystemError(error, 'ENOENT', 'ENOTDIR')) {
			throw new RefFault('not_found', `there is no file ${path}`);
		}
		const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
		throw new RefFault('unreadable', `${path} cannot be read${code}`);
	}
}

function foreign(path: string): RefFault {
	return new RefFault('insecure', `another user owns ${path}`);
}

function decoded(bytes: Uint8Array, path: string): string {
	try {
		return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
	} catch {
		throw new RefFault('bad_answer', `${path} is not UTF-8`);
	}
}

// The parser's message quotes the text.
function parse(text: string, path: string): JsonValue {
	try {
		return JSON.parse(text) as JsonValue;
	} catch {
		throw new RefFault('bad_answer', `${path} is not valid JSON`);
	}
}

function at(document: JsonValue, pointer: string, {path}: FileProvider): Resolution {
	if (!pointer.startsWith('/')) return failed('invalid_ref', `${path} is JSON, whose ids begin with /`);
	let value: JsonValue | undefined = document;
	for (const part of pointer.slice(1).split('/')) {
		const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
		value = Array.isArray(value)
			? /^(?:0|[1-9]\d*)$/.test(key)
				? value[Number(key)]
				: undefined
			: member(value, key);
	}
	if (value === undefined || value === '') return failed('not_found', `${path} has nothing at ${pointer}`);
	if (typeof value !== 'string') return failed('bad_answer', `${path} has no text at ${pointer}`);
	return {value};
}
