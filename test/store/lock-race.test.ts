import {cpSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {names, temporaryFolder, text} from '../support/state-folder.ts';
import {endWorkers, startWorker, startWorkers, type Worker} from '../support/workers.ts';
import type {LockWorker} from './lock-worker.ts';

const script = new URL('lock-worker.ts', import.meta.url);
const forgedRounds = 975;
const killedRounds = 25;

let workers: Worker<LockWorker>[];

beforeAll(async () => {
	workers = await startWorkers<LockWorker>(script, 8);
});

afterAll(endWorkers);

/** Kills a process while it holds the lock. */
async function killHolder(folder: string): Promise<void> {
	const holder = await startWorker<LockWorker>(script);
	await holder.call('acquire', folder, 'x');
	holder.signal('SIGKILL');
	await holder.gone;
}

function competeAll(folder: string, round: number): Promise<string[]> {
	return Promise.all(workers.map(worker => worker.call('compete', folder, 'x', round)));
}

/** Whether the lock was held by one at a time. A second one may have had it behind the first. */
function isFair(outcome: readonly string[]): boolean {
	return outcome.includes('held') && outcome.every(each => each === 'held' || each === 'settled');
}

describe('eight processes at one stale lock at the same moment', () => {
	it(`never let two in, in ${forgedRounds} rounds with what a killed holder leaves`, async () => {
		const folder = temporaryFolder();
		await killHolder(folder);
		const leftovers = temporaryFolder();
		cpSync(join(folder, 'x.held'), leftovers, {recursive: true, preserveTimestamps: true});
		for (let round = 0; round < forgedRounds; round++) {
			if (round > 0) cpSync(leftovers, join(folder, 'x.held'), {recursive: true, preserveTimestamps: true});
			expect(await competeAll(folder, round)).toSatisfy(isFair);
			rmSync(join(folder, `over-${round}`), {force: true});
		}
		expect(names(folder)).toEqual(['x.guard']);
	}, 60_000);

	it(`never let two in, in ${killedRounds} rounds with a holder that is killed while they wait`, async () => {
		const folder = temporaryFolder();
		for (let round = 0; round < killedRounds; round++) {
			const holder = await startWorker<LockWorker>(script);
			await holder.call('acquire', folder, 'x');
			const outcome = competeAll(folder, round);
			holder.signal('SIGKILL');
			expect(await outcome).toSatisfy(isFair);
		}
	}, 60_000);
});

it('processes that count in one file under the lock lose no count', async () => {
	const folder = temporaryFolder();
	writeFileSync(join(folder, 'count'), '0');
	await Promise.all(workers.map(worker => worker.call('count', folder, 'x', 25)));
	expect(text(join(folder, 'count'))).toBe('200');
}, 60_000);
