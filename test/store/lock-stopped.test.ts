import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {afterAll, describe, expect, it} from 'vitest';
import {put, temporaryFolder, text} from '../support/state-folder.ts';
import {endWorkers} from '../support/workers.ts';
import {holdingWorker, lockWorker, take, touch} from './lock-helpers.ts';

afterAll(endWorkers);

/** The shortest limit that there is: signs of life come once a second. */
const limit = {holderLimitMs: 2000};

/** A process that was stopped for so long that this one has its lock now, and that is awake again. */
async function robbed(folder: string) {
	const worker = await holdingWorker(folder, limit);
	worker.signal('SIGSTOP');
	const lock = await take(folder, limit);
	return {worker, lock};
}

async function assertHeld(folder: string, lock: Awaited<ReturnType<typeof take>>): Promise<void> {
	expect(lock.isHeld()).toBe(true);
	await expect(take(folder, {waitMs: 200})).rejects.toMatchObject({code: 'lock_timeout'});
	let ran = false;
	await lock.commit(() => {
		ran = true;
	});
	expect(ran).toBe(true);
	await lock.release();
}

describe.concurrent('a holder that was stopped past the limit and wakes', () => {
	it('finds its lock lost, does nothing, lives on, and leaves the lock to its new holder', async () => {
		const folder = temporaryFolder();
		const {worker, lock} = await robbed(folder);
		const proof = join(folder, 'proof');
		worker.signal('SIGCONT');
		await expect(worker.call('commit', proof)).rejects.toMatchObject({code: 'lock_lost'});
		expect(existsSync(proof)).toBe(false);
		expect(await worker.call('isHeld')).toBe(false);
		await worker.call('release');
		await assertHeld(folder, lock);
		await worker.call('acquire', folder, 'x');
		await worker.call('commit', proof);
		expect(text(proof)).toBe('done');
	});

	it('leaves the lock to its new holder when it exits before it could notice', async () => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder, limit);
		const file = join(folder, 'exit now');
		worker.call('exitUpon', file);
		const lock = await take(folder, limit);
		put(file, '');
		expect(await worker.gone).toEqual({code: 7, signal: null});
		await assertHeld(folder, lock);
	});

	it('leaves the lock to its new holder when it is ended by SIGTERM', async () => {
		const folder = temporaryFolder();
		const {worker, lock} = await robbed(folder);
		worker.signal('SIGTERM');
		worker.signal('SIGCONT');
		expect(await worker.gone).toEqual({code: null, signal: 'SIGTERM'});
		await assertHeld(folder, lock);
	});
});

describe.concurrent('a holder that lives', () => {
	it('keeps its lock past the limit as long as it shows signs of life', async () => {
		const folder = temporaryFolder();
		const worker = await holdingWorker(folder, limit);
		await expect(take(folder, {...limit, waitMs: 3200})).rejects.toMatchObject({code: 'lock_timeout'});
		expect(await worker.call('isHeld')).toBe(true);
	});

	it('keeps its lock when the one who waits slept too', async () => {
		const folder = temporaryFolder();
		const [holder, waiting] = await Promise.all([holdingWorker(folder, limit), lockWorker()]);
		await waiting.call('beginWaiting', folder, 'x', limit);
		holder.signal('SIGSTOP');
		waiting.signal('SIGSTOP');
		await setTimeout(limit.holderLimitMs + 200);
		waiting.signal('SIGCONT');
		await waiting.call('look', 3);
		expect(await waiting.call('isHeld')).toBe(false);
		holder.signal('SIGCONT');
		await holder.call('commit', join(folder, 'proof'));
	});

	it("can release its lock after somebody changed the lock's time", async () => {
		const folder = temporaryFolder();
		const lock = await take(folder);
		touch(join(folder, 'x.held'), -5000);
		// Until it has shown a sign of life, or tried to.
		await setTimeout(1200);
		expect(lock.isHeld()).toBe(true);
		await lock.release();
		expect(existsSync(join(folder, 'x.held'))).toBe(false);
	});
});
