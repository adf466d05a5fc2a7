import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, describe, expect, it} from 'vitest';
import {asJarvisError} from '../../source/errors.ts';
import {openGuard} from '../../source/store/guard.ts';
import {exposed, names, temporaryFolder} from '../support/state-folder.ts';
import {endWorkers} from '../support/workers.ts';
import {lockWorker} from './lock-helpers.ts';
import {fill, mountSmall, unmountAll} from './mounts.ts';

afterEach(unmountAll);
afterAll(endWorkers);

/** A guard, and another one of the same file. */
function twoGuards() {
	const folder = temporaryFolder();
	const file = join(folder, 'x.guard');
	return {folder, file, guard: openGuard(file), other: openGuard(file)};
}

describe('a guard', () => {
	it('lets one in at a time, and gives back what its section gives', async () => {
		const {guard, other} = twoGuards();
		const inside = guard.tryRun(() => other.tryRun(() => 'the other'));
		expect(inside).toEqual({value: undefined});
		expect(other.tryRun(() => 'the other')).toEqual({value: 'the other'});
		expect(await other.run(() => undefined, 1000)).toBeUndefined();
	});

	it('lets the next one in when a section throws', () => {
		const {guard, other} = twoGuards();
		const fault = new Error('canary');
		const fail = () => {
			throw fault;
		};
		expect(() => guard.tryRun(fail)).toThrow(fault);
		expect(other.tryRun(() => 1)).toEqual({value: 1});
		expect(guard.tryRun(() => 2)).toEqual({value: 2});
	});

	it('is waited for no longer than is said, and is free as soon as the process in it is killed', async () => {
		const {file, guard} = twoGuards();
		const worker = await lockWorker();
		worker.call('stayInGuard', file);
		await expect.poll(() => guard.tryRun(() => 'free'), {timeout: 10_000}).toBeUndefined();
		const failure = {code: 'lock_timeout', message: expect.stringContaining(file)};
		await expect(guard.run(() => 'free', 50)).rejects.toMatchObject(failure);
		const waiting = guard.run(() => 'free', 10_000);
		worker.signal('SIGKILL');
		expect(await waiting).toBe('free');
	});

	it('writes nothing, so that a full disk does not matter', context => {
		const folder = temporaryFolder();
		if (!mountSmall(folder)) context.skip('Mounting is not permitted here.');
		const guard = openGuard(join(folder, 'x.guard'));
		fill(folder);
		try {
			expect(guard.tryRun(() => names(folder))).toEqual({value: ['filler', 'x.guard']});
		} finally {
			guard.close();
		}
	});

	it('is private', () => {
		const {folder} = twoGuards();
		expect(exposed(folder)).toEqual([]);
	});

	it('that cannot be opened is inaccessible', () => {
		const file = join(temporaryFolder(), 'x.guard');
		mkdirSync(file);
		let code = '';
		try {
			openGuard(file);
		} catch (error) {
			code = asJarvisError(error).code;
		}
		expect(code).toBe('store_inaccessible');
	});
});
