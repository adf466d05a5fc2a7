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
	// The logins of other programs are the sandbox's too, and one of them can be refreshed there.
	vi.stubEnv('CODEX_HOME', join(folder, 'codex'));
	const jarvis = openJarvis({...sandbox.options, stateDir: sandbox.stateDir});
	const {logins} = await jarvis.foundLogins('work');
	expect(logins.map(({id, state}) => [id, state])).toEqual([
		['codex:tokens', 'new'],
		['claude:claudeAiOauth', 'new'],
		['gh:github.com/maya', 'new'],
	]);
	for (const {file} of logins) expect(file.startsWith(sandbox.stateDir)).toBe(true);
	const {profileId} = await jarvis.importLogin({agentId: 'work', id: 'codex:tokens', how: 'adopt'});
	const refreshed = await jarvis.refresh({agentId: 'work', profileId, provider: 'openai-codex'}, 'always');
	expect(refreshed).toBe('refreshed');
	// A broker can be started on it from another terminal, which has none of its variables.
	const broker = await openJarvis({stateDir: sandbox.stateDir, env: {}}).startBroker();
	expect(await jarvis.brokerStatus()).toMatchObject({running: true, secretsDegraded: false});
	await broker.stop();
	await sandbox.close();
	expect(existsSync(sandbox.stateDir)).toBe(false);
	vi.unstubAllEnvs();
});
