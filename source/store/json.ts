import {readFileSync} from 'node:fs';
import {isSystemError} from '../errors.ts';
import type {MendedBy} from './damaged.ts';

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
 * Parses the text of a credential or session file.
 * @param mendedBy who puts a damaged one right: doctor, unless it is of another program
 * @throws `store_damaged` naming the file, line and column and the newest backup that can be read. Never
 * quotes the text, which holds secrets.
 */
export async function parseJsonFile(
	file: string,
	text: string,
	mendedBy: MendedBy = 'doctor',
): Promise<JsonObject> {
	const parsed = tryParseJson(text);
	if (parsed) return parsed;
	const {damaged} = await import('./damaged.ts');
	throw damaged(file, withoutMark(text), mendedBy);
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

/** A text without the byte order mark that some editors put before it. */
function withoutMark(text: string): string {
	return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
