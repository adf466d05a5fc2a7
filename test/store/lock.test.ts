import {existsSync, mkdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {acquireLock, withLock} from '../../source/store/lock.ts';
import {ownIdentity} from '../../source/store/process-identity.ts';
import {names, put, temporaryFolder, text} from '../support/state-folder.ts';
import {endWorkers} from '../support/workers.ts';
import {holdingWorker, lockWorker, soon, take, touch} from './lock-helpers.ts';

afterAll(endWorkers);

/** Puts a lock of another owner into place, as old as it is said to be. */
function forge(folder: string, owner: unknown, ageMs = 0): void {
	const held = join(folder, 'x.held');
	put(join(held, 'owner.json'), owner);
	touch(held, -ageMs);
}

const alive = {...ownIdentity(), nonce: 'canary-nonce'};
const anHour = 3_600_000;

describe('a lock', () => {
	it('is one for each name', async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		await withLock(folder, 'y', async other => expect(other.isHeld()).toBe(true), soon);
		await lock.release();
	});

	it('excludes others of the same process too', async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		await expect(take(folder, {waitMs: 100})).rejects.toMatchObject({code: 'lock_timeout'});
		await lock.release();
		await (await take(folder, soon)).release();
	});

	it('goes to the one that waits when it is released, and leaves nothing but its guard', async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		const worker = await lockWorker();
		await worker.call('beginWaiting', folder, 'x', soon);
		await lock.release();
		await worker.call('endWaiting');
		expect(await worker.call('isHeld')).toBe(true);
		expect(lock.isHeld()).toBe(false);
		await worker.call('release');
		expect(names(folder)).toEqual(['x.guard']);
	});

	it('is released when the work under it fails', async () => {
		const folder = temporaryFolder();
		const fault = new Error('canary');
		await expect(withLock(folder, 'x', () => Promise.reject(fault))).rejects.toBe(fault);
		await (await take(folder, soon)).release();
	});

	it('makes its folder readable by its owner alone', async () => {
		const folder = join(temporaryFolder(), 'state', 'locks');
		await (await take(folder)).release();
		expect(statSync(folder).mode & 0o777).toBe(0o700);
	});
});

describe('waiting', () => {
	it('ends without the lock as soon as its purpose is fulfilled', async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		let looks = 0;
		expect(await acquireLock(folder, 'x', {settled: () => ++looks === 3})).toBeUndefined();
		expect(lock.isHeld()).toBe(true);
		await lock.release();
	});

	it('ends before the first try when the purpose is fulfilled already', async () => {
		const folder = temporaryFolder();
		expect(await acquireLock(folder, 'x', {settled: () => true})).toBeUndefined();
		expect(existsSync(join(folder, 'x.held'))).toBe(false);
	});

	it('ends with the process that holds the lock named, and changes nothing', async () => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder);
		const before = text(join(folder, 'x.held/owner.json'));
		await expect(take(folder, {waitMs: 150})).rejects.toMatchObject({
			code: 'lock_timeout',
			message: expect.stringContaining(`process ${worker.pid} `),
			next: expect.stringContaining(`ps -fp ${worker.pid}`),
		});
		expect(text(join(folder, 'x.held/owner.json'))).toBe(before);
	});

	it('ends with the reason of a signal that is raised meanwhile', async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		const stop = new AbortController();
		const settled = () => {
			setImmediate(() => stop.abort(new Error('enough')));
			return false;
		};
		await expect(take(folder, {signal: stop.signal, settled})).rejects.toThrow('enough');
		await expect(take(folder, {signal: stop.signal})).rejects.toThrow('enough');
		await lock.release();
	});
});

describe('a holder that is gone', () => {
	it('is replaced at once when it was killed while holding', async () => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder);
		worker.signal('SIGKILL');
		await worker.gone;
		await (await take(folder, soon)).release();
	});

	it('is replaced at once by one that was waiting for it already', async () => {
		const folder = temporaryFolder();
		const [worker, waiting] = await Promise.all([holdingWorker(folder), lockWorker()]);
		await waiting.call('beginWaiting', folder, 'x', soon);
		worker.signal('SIGKILL');
		await waiting.call('endWaiting');
		expect(await waiting.call('isHeld')).toBe(true);
	});

	it.each(['exit', 'SIGTERM', 'SIGINT'])('is replaced at once when it ended by %s', async way => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder);
		if (way === 'exit') worker.call('exit', 0);
		else worker.signal(way as NodeJS.Signals);
		await worker.gone;
		await (await take(folder, soon)).release();
	});

	it('is replaced at once although its lock carries a time in the future', async () => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder);
		worker.signal('SIGKILL');
		await worker.gone;
		touch(join(folder, 'x.held'), anHour);
		await (await take(folder, soon)).release();
	});

	it.each([
		['whose number another process has now', {...alive, started: '1'}],
		['from before the machine was started again', {...alive, realm: earlierBoot(alive.realm)}],
		['that died while it wrote its record', '{"pid":'],
		['that left a record of another form', {pid: '1'}],
	])('is replaced at once: one %s', async (_, owner) => {
		const folder = temporaryFolder();
		forge(folder, owner);
		await (await take(folder, soon)).release();
	});

	it('is replaced at once when it died before it wrote its record', async () => {
		const folder = temporaryFolder();
		mkdirSync(join(folder, 'x.held'));
		await (await take(folder, soon)).release();
	});
});

function earlierBoot(realm: string): string {
	const [host, , ...rest] = realm.split(' ');
	return [host, '00000000-0000-0000-0000-000000000000', ...rest].join(' ');
}

describe('a holder that may live', () => {
	it.each([
		['back', -anHour],
		['forward', anHour],
	])("keeps its lock when somebody sets the lock's time %s", async (_, byMs) => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder);
		touch(join(folder, 'x.held'), byMs);
		await expect(take(folder, {waitMs: 700})).rejects.toMatchObject({code: 'lock_timeout'});
		expect(await worker.call('isHeld')).toBe(true);
		await worker.call('commit', join(folder, 'proof'));
		expect(text(join(folder, 'proof'))).toBe('done');
	});

	it('of another machine is waited for as long as the limit, however old its lock looks', async () => {
		const folder = temporaryFolder();
		forge(folder, {...alive, realm: 'elsewhere 1 2'}, anHour);
		const from = performance.now();
		await (await take(folder, {holderLimitMs: 300})).release();
		expect(performance.now() - from).toBeGreaterThan(300);
	});
});
