import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {runHook} from '../../source/host/hook.ts';
import {processState, shellScript, until} from '../e2e/support.ts';
import {temporaryFolder} from '../support/sandbox.ts';

function hook(body: string, more: Partial<Parameters<typeof runHook>[0]> = {}) {
	const folder = temporaryFolder();
	const file = shellScript(folder, 'hook', body);
	const call = {
		name: 'hook',
		file,
		env: {...process.env, FOLDER: folder},
		input: 'told\n',
		timeoutMs: 20_000,
	};
	return {folder, run: (unwanted?: AbortSignal) => runHook({...call, ...more}, unwanted)};
}

test('gets what it is given on standard input, and no argument', async () => {
	const {folder, run} = hook('echo "$# $(cat)" > "$FOLDER/out"');
	expect(await run()).toBeUndefined();
	expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('0 told\n');
});

test('what goes wrong is said', async () => {
	expect(await hook('exit 3').run()).toBe('ended with exit code 3');
	expect(await hook('kill -9 $$').run()).toBe('ended with SIGKILL');
	expect(await hook('', {file: '/nowhere/hook'}).run()).toMatch(/cannot be started|exit code/);
	// It may not want to know: a pipe that nobody reads is no fault.
	expect(await hook('exec 0<&-; exit 0', {input: 'x'.repeat(1_000_000)}).run()).toBeUndefined();
});

test('is ended with all that it started when it takes too long, or is no longer wanted', async () => {
	const body = 'sleep 60 & echo $! > "$FOLDER/pid"; wait';
	const pidIn = (folder: string) => Number(readFileSync(join(folder, 'pid'), 'utf8'));
	const slow = hook(body, {timeoutMs: 300});
	expect(await slow.run()).toBe('took longer than 300 ms, and was ended');
	const {folder, run} = hook(body);
	const unwanted = new AbortController();
	const ended = run(unwanted.signal);
	await until(() => expect(pidIn(folder)).toBeGreaterThan(0));
	unwanted.abort();
	expect(await ended).toBe('was ended with the watch');
	for (const pid of [pidIn(folder), pidIn(slow.folder)]) {
		await until(() => expect(processState(pid) ?? 'Z').toBe('Z'));
	}
});
