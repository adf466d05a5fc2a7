import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test, vi} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {startSandbox} from '../../source/sandbox/sandbox.ts';
import {temporaryFolder} from '../support/sandbox.ts';

test('a sandbox has agents in every state, is private, and is removed with what a killed one left', async () => {
	const folder = temporaryFolder();
	vi.stubEnv('TMPDIR', folder);
	const {pid} = spawnSync(process.execPath, ['-e', '0']);
	const abandoned = join(folder, `jarvis-sandbox-${pid}-killed`);
	const running = join(folder, `jarvis-sandbox-${process.pid}-running`);
	mkdirSync(abandoned);
	mkdirSync(running);
	const sandbox = await startSandbox();
	expect(existsSync(abandoned)).toBe(false);
	expect(existsSync(running)).toBe(true);
	expect(statSync(sandbox.stateDir).mode & 0o777).toBe(0o700);
	const {agents} = await openJarvis({stateDir: sandbox.stateDir}).snapshot();
	expect(agents.map(agent => [agent.id, agent.profiles.length, agent.broken.length])).toEqual([
		['main', 7, 0],
		['personal', 1, 0],
		['work', 4, 1],
	]);
	await sandbox.close();
	expect(existsSync(sandbox.stateDir)).toBe(false);
	vi.unstubAllEnvs();
});
