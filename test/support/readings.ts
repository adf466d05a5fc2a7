import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {onTestFinished, vi} from 'vitest';

/**
 * Counts how often a file or a folder is read from now on, until the test is over. It is read all the same.
 * @returns tells how often so far
 */
export function countReadings(path: string): () => number {
	const readings = [vi.spyOn(fs, 'readFileSync'), vi.spyOn(fs, 'readdirSync')];
	syncBuiltinESMExports();
	onTestFinished(() => {
		for (const spy of readings) spy.mockRestore();
		syncBuiltinESMExports();
	});
	return () => readings.flatMap(({mock}) => mock.calls.filter(([of]) => String(of) === path)).length;
}
