import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {surelyStarts} from '../../source/host/executable.ts';
import {temporaryFolder} from '../support/sandbox.ts';

const shell = execFileSync('sh', ['-c', 'readlink -f "$(command -v sh)"'], {encoding: 'utf8'}).trim();

/** A file that may be executed. */
function executable(content: string | Buffer): string {
	const file = join(temporaryFolder(), 'program');
	writeFileSync(file, content);
	chmodSync(file, 0o755);
	return file;
}

/** A binary of this machine with something in it changed. */
function changed(change: (bytes: Buffer) => void): string {
	const bytes = readFileSync(shell);
	change(bytes);
	return executable(bytes);
}

describe.runIf(process.platform === 'linux')('a file that surely starts', () => {
	it.each([
		['Node', () => process.execPath],
		['a binary', () => shell],
		['a script', () => executable('#!/bin/sh\nexit 0\n')],
		['a script with a word for its interpreter', () => executable('#! /usr/bin/env  sh\nexit 0\n')],
	])('is %s', (_what, make) => {
		const file = make();
		expect(surelyStarts(file)).toBe(true);
		expect(spawnSync(file, ['--version'], {input: ''}).error).toBeUndefined();
	});

	it.each([
		['a binary for another machine', () => changed(bytes => bytes.writeUInt16LE(0x1234, 18))],
		[
			'a binary whose loader is not there',
			() => changed(bytes => void bytes.write('/lib/none-', bytes.indexOf('/lib'), 'latin1')),
		],
		['a binary that was cut off', () => executable(readFileSync(shell).subarray(0, 20))],
		['a script whose interpreter is not there', () => executable('#!/no/such/program\n')],
		['a script with the line ends of Windows', () => executable('#!/bin/sh\r\nexit 0\r\n')],
		['a script whose interpreter is a script', () => executable(`#!${executable('#!/bin/sh\n')}\n`)],
		['a text', () => executable('exit 0\n')],
		['nothing', () => executable('')],
		['what is not there', () => join(temporaryFolder(), 'program')],
	])('is not %s', (_what, make) => {
		expect(surelyStarts(make())).toBe(false);
	});
});
