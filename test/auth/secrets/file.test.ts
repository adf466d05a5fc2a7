import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, lchownSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {put, temporaryFolder} from '../../support/state-folder.ts';
import {outcomes} from './programs.ts';

const isRoot = process.getuid?.() === 0;

function file(content: unknown): string {
	const path = join(temporaryFolder(), 'secrets');
	put(path, content);
	return path;
}

const asJson = (path: string, more = {}) => ({source: 'file', path, ...more});
const asValue = (path: string, more = {}) => ({source: 'file', path, mode: 'singleValue', ...more});

test('a JSON document is read by pointers', async () => {
	const path = file({
		plain: 'not-a-secret-1',
		'a/b~c': {'': 'not-a-secret-2', list: ['x', 'not-a-secret-3']},
		...{empty: '', number: 7},
	});
	const wanted = {
		'/plain': 'not-a-secret-1',
		'/a~1b~0c/': 'not-a-secret-2',
		'/a~1b~0c/list/1': 'not-a-secret-3',
		'/a~1b~0c/list/01': expect.stringMatching(/^not_found/),
		'/a~1b~0c/list/length': expect.stringMatching(/^not_found/),
		'/constructor': expect.stringMatching(/^not_found/),
		'/plain/0': expect.stringMatching(/^not_found/),
		'/empty': expect.stringMatching(/^not_found/),
		'/number': expect.stringMatching(/^bad_answer/),
		plain: expect.stringMatching(/^invalid_ref/),
		'/plain~2': expect.stringMatching(/^invalid_ref/),
		value: expect.stringMatching(/^invalid_ref/),
	};
	expect(await outcomes(asJson(path), Object.keys(wanted))).toEqual(wanted);
});

test.each([
	['without a line end', 'not-a-secret', 'not-a-secret'],
	['with one', 'not-a-secret\n', 'not-a-secret'],
	['with one of Windows', 'not-a-secret\r\n', 'not-a-secret'],
	['with lines of its own', 'not-a\n secret \n\n', expect.stringMatching(/^bad_answer/)],
	['after a byte order mark', '\ufeffnot-a-secret', 'not-a-secret'],
	['that is empty', '\n', expect.stringMatching(/^not_found/)],
])('a single value %s', async (_, content, value) => {
	expect(await outcomes(asValue(file(content)), ['value'])).toEqual({value});
});

test('a single value has no other ids', async () => {
	const all = await outcomes(asValue(file('not-a-secret')), ['value', '/value']);
	expect(all['/value']).toMatch(/^invalid_ref/);
});

describe('what is not read', () => {
	test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o644])(
		'a file that others have rights to (%o)',
		async mode => {
			const path = file('not-a-secret');
			chmodSync(path, mode);
			expect((await outcomes(asValue(path), ['value'])).value).toMatch(/^insecure: others have rights to/);
			chmodSync(path, 0o400);
			expect(await outcomes(asValue(path), ['value'])).toEqual({value: 'not-a-secret'});
		},
	);

	test.runIf(isRoot)('a file of another user, and one behind another user’s link', async () => {
		const path = file('not-a-secret');
		const link = join(temporaryFolder(), 'link');
		symlinkSync(path, link);
		expect(await outcomes(asValue(link), ['value'])).toEqual({value: 'not-a-secret'});
		lchownSync(link, 12_345, 12_345);
		expect((await outcomes(asValue(link), ['value'])).value).toMatch(/^insecure: another user owns/);
		chownSync(path, 12_345, 12_345);
		expect((await outcomes(asValue(path), ['value'])).value).toMatch(/^insecure: another user owns/);
	});

	test('what is no regular file, without waiting for it', async () => {
		const folder = temporaryFolder();
		const pipe = join(folder, 'pipe');
		execFileSync('mkfifo', ['-m', '600', pipe]);
		expect((await outcomes(asValue(pipe), ['value'])).value).toMatch(/^insecure: .* is no regular file/);
		expect((await outcomes(asValue(folder), ['value'])).value).toMatch(/^insecure: .* is no regular file/);
	});

	test('a file that is too large, by one byte', async () => {
		const path = file('x'.repeat(101));
		expect((await outcomes(asValue(path, {maxBytes: 100}), ['value'])).value).toMatch(/^too_large/);
		expect((await outcomes(asValue(path, {maxBytes: 101}), ['value'])).value).toBe('x'.repeat(101));
	});

	test('a file that is not there, or no JSON: and the failure quotes nothing of it', async () => {
		expect((await outcomes(asJson('/nowhere/secrets'), ['/a']))['/a']).toMatch(/^not_found/);
		const path = file('{"a": "not-a-secret", oops}');
		const failure = (await outcomes(asJson(path), ['/a']))['/a'];
		expect(failure).toMatch(/^bad_answer: .* is not valid JSON$/);
		put(path, Buffer.from([0x22, 0xff, 0x22]).toString('latin1'));
		execFileSync('sh', ['-c', `printf '"\\377"' > ${path}`]);
		expect((await outcomes(asJson(path), ['/a']))['/a']).toMatch(/^bad_answer: .* is not UTF-8$/);
	});

	test.each([
		['without a path', {source: 'file'}],
		['with a relative one', asJson('secrets.json')],
		['of an unknown mode', asJson('/a', {mode: 'yaml'})],
		['with a limit that is none', asJson('/a', {maxBytes: -1})],
	])('a provider %s', async (_, provider) => {
		expect((await outcomes(provider, ['/a']))['/a']).toMatch(/^unknown_provider: the provider store/);
	});
});
