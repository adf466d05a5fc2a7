import {chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, expect, test, vi} from 'vitest';
import {resolveRefs} from '../../../source/auth/secrets/resolve-refs.ts';
import {decodeSecrets} from '../../../source/store/secrets-config.ts';
import {soon} from '../../support/sandbox.ts';
import {temporaryFolder} from '../../support/state-folder.ts';
import {answering, givesAll, isAlive, outcomes, programOf, refTo} from './programs.ts';

const isRoot = process.getuid?.() === 0;
const exec = (command: string, more = {}) => ({source: 'exec', command, ...more});

describe('the protocol', () => {
	test('one request for all refs of a provider, and an outcome for each', async () => {
		const calls = join(temporaryFolder(), 'calls');
		const command = programOf(
			answering(`request => {
				require('node:fs').appendFileSync(${JSON.stringify(calls)}, JSON.stringify(request) + '\\n');
				return {
					values: {good: 'not-a-secret', empty: '', odd: 7, unasked: 'not-a-secret-either'},
					errors: {refused: {message: 'sealed: not-a-secret-but-long-enough-to-be-one'}},
				};
			}`),
		);
		const all = await outcomes(exec(command), ['good', 'empty', 'odd', 'refused', 'silent', 'good']);
		expect(all).toEqual({
			good: 'not-a-secret',
			empty: expect.stringMatching(/^not_found/),
			odd: expect.stringMatching(/^bad_answer/),
			refused: 'not_found: the program refused it: sealed: …',
			silent: expect.stringMatching(/^not_found/),
		});
		expect(
			readFileSync(calls, 'utf8')
				.trim()
				.split('\n')
				.map(line => JSON.parse(line)),
		).toEqual([{protocolVersion: 1, provider: 'store', ids: ['good', 'empty', 'odd', 'refused', 'silent']}]);
	});

	test.each([
		['no JSON', "#!/bin/sh\nprintf 'not-a-secret'"],
		['JSON of another version', '#!/bin/sh\nprintf \'{"protocolVersion":2,"values":{"a":"not-a-secret"}}\''],
		['nothing', '#!/bin/sh\n:'],
	])('%s is no answer, and is not quoted', async (_, source) => {
		const {a} = await outcomes(exec(programOf(source)), ['a']);
		expect(a).toMatch(/^bad_answer/);
		expect(a).not.toContain('not-a-secret');
	});

	test('plain text counts where it is allowed, for one ref', async () => {
		const plain = exec(programOf('#!/bin/sh\nprintf \'{"user":"not"}\\n\''), {jsonOnly: false});
		expect(await outcomes(plain, ['a'])).toEqual({a: '{"user":"not"}'});
		expect(await outcomes(plain, ['a', 'b'])).toEqual({
			a: expect.stringMatching(/^bad_answer/),
			b: expect.stringMatching(/^bad_answer/),
		});
		expect(await outcomes(exec(programOf(givesAll), {jsonOnly: false}), ['a', 'b'])).toEqual({
			...{a: 'not-a-secret-a', b: 'not-a-secret-b'},
		});
	});

	test('arguments come as they are, and the environment is what is configured and no more', async () => {
		const command = programOf(
			answering(`() => ({values: {all: JSON.stringify([process.argv.slice(2), process.env])}})`),
		);
		const provider = exec(command, {
			args: ['$(id)', '; exit 1', 'a b'],
			...{env: {FIXED: 'yes'}, passEnv: ['PASSED', 'ABSENT']},
		});
		const {all = ''} = await outcomes(provider, ['all'], {env: {PASSED: 'on', SECRET: 'not-a-secret'}});
		const [args, env] = JSON.parse(all);
		expect(args).toEqual(['$(id)', '; exit 1', 'a b']);
		expect(env).toEqual({FIXED: 'yes', PASSED: 'on'});
	});
});

describe('a program that does not do what it should', () => {
	test('what it says on standard error, or before it fails, is not told', async () => {
		const command = programOf('#!/bin/sh\necho not-a-secret; echo not-a-secret >&2; exit 3');
		const {a} = await outcomes(exec(command, {jsonOnly: false}), ['a']);
		expect(a).toBe(`unavailable: ${command} ended with exit code 3`);
	});

	test.each([
		['never answers', {timeoutMs: 1500}, /^timed_out: .* took longer than 1500 ms/],
		[
			'writes nothing',
			{timeoutMs: Number.MAX_SAFE_INTEGER, noOutputTimeoutMs: 1500},
			/^timed_out: .* wrote nothing for 1500 ms/,
		],
	])('one that %s is ended with all that it started', async (_, limits, failure) => {
		const pids = join(temporaryFolder(), 'pids');
		const command = programOf(`#!/bin/sh
			/bin/sleep 600 & echo $! > ${pids}; echo $$ >> ${pids}; wait`);
		const {a} = await outcomes(exec(command, limits), ['a']);
		expect(a).toMatch(failure);
		const started = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
		expect(started).toHaveLength(2);
		await vi.waitFor(() => expect(started.filter(isAlive)).toEqual([]), soon);
	});

	test('one that writes too much is ended', async () => {
		const command = programOf("#!/bin/sh\nwhile :; do printf 'not-a-secret'; done");
		const {a} = await outcomes(exec(command, {maxOutputBytes: 1000, timeoutMs: 60_000}), ['a']);
		expect(a).toMatch(/^too_large: .* wrote more than 1000 bytes/);
	});

	test('one that reads nothing of a large request', async () => {
		const ids = Array.from({length: 500}, (_, index) => `${'x'.repeat(200)}${index}`);
		const all = await outcomes(exec(programOf('#!/bin/sh\nexit 0')), ids);
		expect(new Set(Object.values(all).map(text => text.split(':')[0]))).toEqual(new Set(['bad_answer']));
	});

	test('one that is not there, or cannot be run', async () => {
		expect((await outcomes(exec('/nowhere/give'), ['a'])).a).toMatch(/^unavailable: there is no/);
		const command = programOf('#!/nowhere/sh\n');
		const odd = exec(programOf(givesAll), {args: ['a\0b']});
		expect((await outcomes(odd, ['a'])).a).toMatch(/^unavailable: .* cannot be started/);
		expect((await outcomes(exec(command), ['a'])).a).toMatch(/^unavailable: .* cannot be started \(ENOENT\)/);
	});
});

describe('a program that is not run', () => {
	/** A program that leaves a trace when it runs. */
	function traced(): {readonly command: string; readonly ran: () => boolean} {
		const trace = join(temporaryFolder(), 'ran');
		return {command: programOf(`#!/bin/sh\n: > ${trace}`), ran: () => existsSync(trace)};
	}

	test.each([0o720, 0o702, 0o777])('because others can change it (%o)', async mode => {
		const {command, ran} = traced();
		chmodSync(command, mode);
		expect((await outcomes(exec(command), ['a'])).a).toMatch(/^insecure: .* can be changed by others/);
		expect(ran()).toBe(false);
	});

	test.each([0o777, 0o770])('because others can put another in its place (%o)', async mode => {
		const {command, ran} = traced();
		chmodSync(dirname(command), mode);
		expect((await outcomes(exec(command), ['a'])).a).toMatch(/^insecure: .* a folder that others can change/);
		expect(ran()).toBe(false);
		chmodSync(dirname(command), mode | 0o1000);
		await outcomes(exec(command), ['a']);
		expect(ran()).toBe(true);
	});

	test.runIf(isRoot)('because it is another user’s', async () => {
		const {command, ran} = traced();
		chownSync(command, 12_345, 12_345);
		expect((await outcomes(exec(command), ['a'])).a).toMatch(/^insecure: .* belongs to another user/);
		expect(ran()).toBe(false);
	});

	test.runIf(isRoot)('because its folder is another user’s, who can put another in its place', async () => {
		const {command, ran} = traced();
		for (const mode of [0o755, 0o1777]) {
			chmodSync(dirname(command), mode);
			chownSync(dirname(command), 12_345, 12_345);
			expect((await outcomes(exec(command), ['a'])).a).toMatch(/^insecure: .* a folder of another user/);
		}
		expect(ran()).toBe(false);
	});

	test('because it is a link, unless links into trusted folders are allowed', async () => {
		const {command, ran} = traced();
		const link = join(temporaryFolder(), 'link');
		symlinkSync(command, link);
		const elsewhere = temporaryFolder();
		const prefix = dirname(command).slice(0, -1);
		mkdirSync(prefix);
		for (const more of [
			{},
			{allowSymlinkCommand: true},
			{trustedDirs: [dirname(command)]},
			{allowSymlinkCommand: true, trustedDirs: [elsewhere, prefix]},
		]) {
			expect((await outcomes(exec(link, more), ['a'])).a).toMatch(/^insecure/);
		}
		expect(ran()).toBe(false);
		await outcomes(exec(link, {allowSymlinkCommand: true, trustedDirs: [dirname(command)]}), ['a']);
		expect(ran()).toBe(true);
	});

	test('by the name of a link: what it led to when it was looked at is started', async () => {
		const command = programOf('#!/bin/sh\nprintf %s "$0"');
		const link = join(temporaryFolder(), 'link');
		symlinkSync(command, link);
		const allowed = {allowSymlinkCommand: true, trustedDirs: [dirname(command)], jsonOnly: false};
		expect(await outcomes(exec(link, allowed), ['a'])).toEqual({a: realpathSync(command)});
	});

	test('because it lies outside the trusted folders, is a folder, or has no absolute path', async () => {
		const {command, ran} = traced();
		const folder = join(temporaryFolder(), 'trusted');
		mkdirSync(folder);
		const outside = exec(command, {trustedDirs: [folder]});
		expect((await outcomes(outside, ['a'])).a).toMatch(/^insecure: .* none of the trustedDirs/);
		expect((await outcomes(exec(folder), ['a'])).a).toMatch(/^insecure: .* is no regular file/);
		expect((await outcomes(exec('give'), ['a'])).a).toMatch(/^unknown_provider/);
		expect(ran()).toBe(false);
	});
});

test.each(['../a', 'a/../b', 'a/./b', './a', '-a', 'a b', '', 'a\nb', 'x'.repeat(257)])(
	'%j is no id of a program',
	async id => {
		const trace = join(temporaryFolder(), 'ran');
		const all = await outcomes(exec(programOf(`#!/bin/sh\n: > ${trace}`)), [id]);
		expect(Object.values(all)).toEqual([expect.stringMatching(/^invalid_ref/)]);
		expect(existsSync(trace)).toBe(false);
	},
);

describe('limits', () => {
	test('refs of one provider, and the size of a request', async () => {
		const provider = exec(programOf(givesAll));
		const failures = async (resolution: object) =>
			Object.values(await outcomes(provider, ['a', 'b'], {resolution: {...resolution}}));
		expect(await failures({maxRefsPerProvider: 2})).toEqual(['not-a-secret-a', 'not-a-secret-b']);
		for (const limit of [{maxRefsPerProvider: 1}, {maxBatchBytes: 20}]) {
			for (const failure of await failures(limit)) expect(failure).toMatch(/^too_large/);
		}
	});

	test('providers are asked at once, as many as are allowed', async () => {
		// Each waits for the other to begin.
		const folder = temporaryFolder();
		const pair = (own: string, other: string, timeoutMs: number) =>
			exec(
				programOf(`#!/bin/sh
				: > ${folder}/${own}; while [ ! -e ${folder}/${other} ]; do /bin/sleep 0.01; done; printf ${own}`),
				{jsonOnly: false, timeoutMs},
			);
		const together = async (names: readonly [string, string], limit: number, timeoutMs: number) => {
			const [a, b] = names;
			const providers = {a: pair(a, b, timeoutMs), b: pair(b, a, timeoutMs)};
			const config = decodeSecrets({providers, resolution: {maxProviderConcurrency: limit}});
			const all = await resolveRefs([refTo('exec', 'a', 'x'), refTo('exec', 'b', 'x')], {env: {}, config});
			return [...all.values()].map(outcome => ('value' in outcome ? outcome.value : outcome.failure.code));
		};
		expect(await together(['one', 'two'], 2, 10_000)).toEqual(['one', 'two']);
		expect(await together(['three', 'four'], 1, 1500)).toEqual(['timed_out', 'four']);
	});
});
