import {readFileSync} from 'node:fs';
import {isSystemError, JarvisError, shellWord} from '../errors.ts';
import {backupPaths, followLink} from './write.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
	[key: string]: JsonValue;
}

/** Whether a value is a JSON object (and not an array). */
export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object's own member, whatever its name: `constructor` and the like are data here. */
export function member(object: unknown, key: string): JsonValue | undefined {
	return isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An object's member if it is a text that is not empty. */
export function textMember(object: unknown, key: string): string | undefined {
	const value = member(object, key);
	return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Sets a member, also one of a name such as `__proto__` that an assignment would treat otherwise. */
export function setMember(object: JsonObject, key: string, value: JsonValue): void {
	Object.defineProperty(object, key, {value, writable: true, enumerable: true, configurable: true});
}

/** A member that is an object; made when it is missing or of another type. */
export function objectMember(object: JsonObject, key: string): JsonObject {
	const present = member(object, key);
	if (isObject(present)) return present;
	const made: JsonObject = {};
	setMember(object, key, made);
	return made;
}

/** A file's text, or `undefined` when there is none. Throws system errors. */
export function readTextIfThere(file: string): string | undefined {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return undefined;
		throw error;
	}
}

/**
 * Parses the text of a credential file.
 * @throws `store_damaged` naming the file, line and column and the newest backup that can be read. Never
 * quotes the text, which holds secrets.
 */
export async function parseJsonFile(file: string, text: string): Promise<JsonObject> {
	const parsed = tryParseJson(text);
	if (parsed) return parsed;
	throw await damaged(file, text);
}

/** The JSON object in a text, or `undefined`. */
export function tryParseJson(text: string): JsonObject | undefined {
	try {
		const value: unknown = JSON.parse(withoutMark(text));
		return isObject(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function withoutMark(text: string): string {
	return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

// V8's own message quotes the text around the fault, so the place is found by a parser that counts.
async function damaged(file: string, content: string): Promise<JarvisError> {
	const text = withoutMark(content);
	const {parse, printParseErrorCode} = await import('jsonc-parser');
	const faults: import('jsonc-parser').ParseError[] = [];
	try {
		parse(text, faults, {disallowComments: true, allowTrailingComma: false, allowEmptyContent: false});
	} catch {
		// It nests deeper than the parser can follow.
	}
	const fault = faults[0];
	const before = text.slice(0, fault?.offset ?? 0).split('\n');
	const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
	const what =
		text.trim() === '' ? 'the file is empty' : fault ? printParseErrorCode(fault.error) : 'no object';
	const good = backupPaths(followLink(file)).find(backup => {
		const content = readOrUndefined(backup);
		return content !== undefined && tryParseJson(content) !== undefined;
	});
	return new JarvisError(
		'store_damaged',
		`${file} is not valid JSON (${place}: ${what}). It is left as it is.`,
		good
			? `Its last good version can be put back with: cp ${shellWord(good)} ${shellWord(file)}`
			: 'Mend it by hand; there is no readable backup beside it.',
	);
}

function readOrUndefined(file: string): string | undefined {
	try {
		return readTextIfThere(file);
	} catch {
		return undefined;
	}
}
