import {availableParallelism} from 'node:os';
import {defineConfig} from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.{ts,tsx}'],
		setupFiles: ['test/support/clean-slate.ts'],
		testTimeout: 30_000,
		hookTimeout: 30_000,
		pool: 'forks',
		// A process for each file loads everything anew, which took two fifths of the time of the whole suite.
		isolate: false,
		// By default one core stays idle, which on two cores is half of them; much of a test is waiting for processes.
		maxWorkers: Math.max(4, availableParallelism()),
		env: {TZ: 'UTC'},
	},
});
