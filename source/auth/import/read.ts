import {execFile} from 'node:child_process';
import {readFileSync, statSync} from 'node:fs';
import {promisify} from 'node:util';
import {isSystemError, JarvisError, shellWord} from '../../errors.ts';
import {type JsonObject, parseJsonFile, tryParseJson} from '../../store/json.ts';
import {type Entry, homeOf, keychainPrefix, type Program} from './programs.ts';

/** A login file of more than this (bytes) is none. */
const largestFile = 1024 * 1024;

/** How long (ms) macOS may take to look into its keychain, which may be locked. */
const keychainTimeoutMs = 3000;

/** The program of macOS that looks into its keychain: by its full path, so that no other one is asked. */
const securityCommand = '/usr/bin/security';

export interface ReadOptions {
	/** The home of whoever is logged in; this process's if absent. */
	readonly home?: string;
	/** What looks into the keychain of macOS. */
	readonly security?: string;
}

/**
 * The logins in a program's file; `undefined` where there is no such file.
 * @throws `store_damaged` (the text is never quoted), `import_refused` for what is no file, system errors
 */
export async function readEntries(
	program: Program,
	file: string,
	{home = homeOf(process), security = securityCommand}: ReadOptions = {},
): Promise<readonly Entry[] | undefined> {
	const text = file.startsWith(keychainPrefix)
		? await readKeychain(file.slice(keychainPrefix.length), security)
		: readForeign(file);
	if (text === undefined) return undefined;
	const document = program.form === 'yaml' ? await parseYaml(file, text) : await parseJsonFile(file, text);
	return program.decode({document, file, home, read: readIfItCanBe});
}

/**
 * The text of another program's file; `undefined` where there is none.
 * @throws `import_refused` for what is no file, or too large for one, system errors
 */
export function readForeign(file: string): string | undefined {
	const stats = statSync(file, {throwIfNoEntry: false});
	if (!stats) return undefined;
	// A pipe would be waited for, and what is very large is something else.
	if (!stats.isFile() || stats.size > largestFile) {
		throw new JarvisError(
			'import_refused',
			`${file} is no login file.`,
			`Look at it: ls -ld ${shellWord(file)}`,
		);
	}
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) return undefined;
		throw error;
	}
}

function readIfItCanBe(path: string): JsonObject | undefined {
	try {
		return tryParseJson(readForeign(path) ?? '');
	} catch {
		// It only tells whose the login is.
		return undefined;
	}
}

/** An item of the keychain of macOS, `undefined` where there is none. */
async function readKeychain(service: string, security: string): Promise<string | undefined> {
	try {
		const args = ['find-generic-password', '-s', service, '-w'];
		const {stdout} = await promisify(execFile)(security, args, {timeout: keychainTimeoutMs});
		return stdout.trim();
	} catch (error) {
		// 44: there is no such item.
		if (isSystemError(error, 'ENOENT') || (error instanceof Error && 'code' in error && error.code === 44))
			return undefined;
		throw new JarvisError(
			'import_refused',
			`The keychain did not give "${service}" within ${keychainTimeoutMs / 1000} s.`,
			'Unlock it, and try again: security unlock-keychain',
		);
	}
}

async function parseYaml(file: string, text: string): Promise<JsonObject> {
	const {tryParseYaml} = await import('./yaml.ts');
	const document = tryParseYaml(text);
	if (document) return document;
	throw new JarvisError(
		'store_damaged',
		`${file} is not valid YAML. It is left as it is.`,
		'Log in to its program anew.',
	);
}
