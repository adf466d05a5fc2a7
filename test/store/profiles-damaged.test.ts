import {statSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {asJarvisError, type JarvisError} from '../../source/errors.ts';
import {removeProfile} from '../../source/store/edit.ts';
import {readLegacy} from '../../source/store/legacy.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {peekCredentials, readCredentials, updateCredentials} from '../../source/store/profiles.ts';
import {backupPaths} from '../../source/store/write.ts';
import {emptyState, names, put, text} from '../support/state-folder.ts';

const canary = 'canary-secret';
const good = {version: 1, profiles: {'acme:a': {type: 'api_key', provider: 'acme', key: canary}}};
const goodText = JSON.stringify(good, undefined, 2);

function stateWith(content: string): StatePaths {
	const paths = emptyState();
	put(paths.profiles('main'), content);
	return paths;
}

async function failure(work: Promise<unknown>): Promise<JarvisError> {
	return work.then(
		() => {
			throw new Error('It did not fail.');
		},
		error => asJarvisError(error),
	);
}

/** What a person sees, and what a log may hold: also the causes. */
function everythingOf(error: JarvisError): string {
	const causes: string[] = [];
	for (let at: unknown = error; at instanceof Error; at = at.cause) causes.push(String(at.stack), at.message);
	return [...causes, JSON.stringify(error), error.next].join('\n');
}

const damages: readonly (readonly [string, string, string])[] = [
	['cut off in a string', `{\n  "profiles": {\n    "acme:a": {"key": "${canary}`, 'line 3, column 23'],
	[
		'cut off behind a value',
		`{\n  "a": {"key": "${canary}"`,
		`line 2, column ${'  "a": {"key": "'.length + 15}`,
	],
	['with a trailing comma', `{\n  "a": {"key": "${canary}"},\n}`, 'line 3, column 1'],
	['with a comment', `{\n  // ${canary}\n  "a": 1\n}`, 'line 2, column 3'],
	['with a secret that has no quotes', `{\n  "key": ${canary}\n}`, 'line 2, column 10'],
	['with a key that has no quotes', `{\n  ${canary}: 1\n}`, 'line 2, column 3'],
	['with single quotes', `{"a": '${canary}'}`, 'line 1, column 7'],
	['with a line break in a string', `{\r\n  "key": "${canary}\r\n"}`, 'line 2, column 10'],
	['with an escape that there is not', `{"key": "\\${canary}"}`, 'line 1, column 9'],
	['with something behind its end', `{}\n${canary}`, 'line 2, column 1'],
	['that is empty', '', 'line 1, column 1: the file is empty'],
	['of zero bytes, as after a power cut', '\0'.repeat(64), 'line 1, column 1'],
	['that is binary', `\u0001\u007f${canary}\u0000`, 'line 1, column 1'],
	['that holds an array', `["${canary}"]`, 'line 1, column 1: no object'],
	['that holds a text', `"${canary}"`, 'line 1, column 1: no object'],
];

describe('a credential file', () => {
	it.each(damages)('%s is named with the place, and nothing of it is quoted', async (_, content, place) => {
		const paths = stateWith(content);
		const error = await failure(readCredentials(paths, 'main'));
		expect(error.code).toBe('store_damaged');
		expect(error.message).toContain(`${paths.profiles('main')} is not valid JSON (${place}`);
		expect(error.message).toMatch(/\(line \d+, column \d+: [\w ]+\)/);
		expect(everythingOf(error)).not.toContain('canary');
	});

	it.each(damages)('%s is never overwritten', async (_, content) => {
		const paths = stateWith(content);
		const before = statSync(paths.profiles('main')).ino;
		const error = await failure(
			updateCredentials(paths, 'main', document => removeProfile(document, 'acme:a')),
		);
		expect(error.code).toBe('store_damaged');
		expect(text(paths.profiles('main'))).toBe(content);
		expect(statSync(paths.profiles('main')).ino).toBe(before);
		expect(names(paths.agentCredentials('main'))).toEqual(['auth-profiles.json']);
		expect(peekCredentials(paths, 'main')).toBeUndefined();
	});

	it('with a byte order mark is fine', async () => {
		const current = await readCredentials(stateWith(`\ufeff${goodText}`), 'main');
		expect([...current.profiles.keys()]).toEqual(['acme:a']);
	});

	it('with a byte order mark has its faults where an editor shows them', async () => {
		const error = await failure(readCredentials(stateWith('\ufeff{\n  "a": x}'), 'main'));
		expect(error.message).toContain('line 2, column 8');
	});

	it('that nests without end is damaged too', async () => {
		const error = await failure(readCredentials(stateWith('{"a":'.repeat(100_000)), 'main'));
		expect(error.code).toBe('store_damaged');
	});

	it('that is a folder is inaccessible, not empty', async () => {
		const paths = emptyState();
		put(join(paths.profiles('main'), 'x'), '');
		const error = await failure(readCredentials(paths, 'main'));
		expect(error.code).toBe('store_inaccessible');
		expect(peekCredentials(paths, 'main')).toBeUndefined();
	});
});

describe('the way back', () => {
	it('is the newest backup that can be read', async () => {
		const paths = stateWith('{');
		const file = paths.profiles('main');
		const [newest, middle, oldest] = backupPaths(file) as [string, string, string];
		expect((await failure(readCredentials(paths, 'main'))).next).toContain('no readable backup');
		put(oldest, goodText);
		expect((await failure(readCredentials(paths, 'main'))).next).toContain(`version is ${oldest}. Put`);
		put(middle, goodText);
		put(newest, goodText.slice(0, 20));
		expect((await failure(readCredentials(paths, 'main'))).next).toContain(`version is ${middle}. Put`);
		put(newest, goodText);
		expect((await failure(readCredentials(paths, 'main'))).next).toContain(`version is ${newest}. Put`);
	});

	it('is what was there before, and doctor puts it back: a copy over the file would lose what it alone has', async () => {
		const paths = stateWith(goodText);
		await updateCredentials(paths, 'main', document => removeProfile(document, 'acme:a'));
		const file = paths.profiles('main');
		put(file, text(file).slice(0, -5));
		const {next} = await failure(readCredentials(paths, 'main'));
		const [, from] = /version is (.+)\. Put .*: jarvis doctor --fix$/.exec(next) ?? [];
		expect(JSON.parse(text(from ?? ''))).toEqual(good);
	});

	it('is also found where the file is a symbolic link', async () => {
		const [paths, elsewhere] = [emptyState(), stateWith(goodText)];
		put(join(paths.agentCredentials('main'), 'x'), '');
		symlinkSync(elsewhere.profiles('main'), paths.profiles('main'));
		await updateCredentials(paths, 'main', document => removeProfile(document, 'acme:a'));
		put(elsewhere.profiles('main'), '{');
		const {next} = await failure(readCredentials(paths, 'main'));
		expect(next).toContain(`${elsewhere.profiles('main')}.bak`);
	});

	it('of another program’s file is a copy: doctor knows only those of the state folder', async () => {
		const paths = stateWith('{');
		const file = paths.legacyOAuth;
		put(file, '{');
		put(`${file}.bak`, goodText);
		expect((await failure(readLegacy(file))).next).toContain(`cp '${file}.bak' '${file}'`);
	});
});
