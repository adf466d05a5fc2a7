import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {recordedState} from '../support/openclaw.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {exposed} from '../support/state-folder.ts';
import {emptyState, errorIn, run, runJson} from './support.ts';

it('takes a state over from where openclaw keeps it, and writes one that it does not write over', async () => {
	const state = emptyState();
	const theirs = join(temporaryFolder(), 'openclaw');
	recordedState(theirs);
	// One that is over would be refreshed before it is written, at its real server.
	const file = join(theirs, 'agents/main/agent/auth-profiles.json');
	const document = JSON.parse(readFileSync(file, 'utf8'));
	document.profiles['openai-codex:default'].expires = Date.now() + 3_600_000;
	writeJson(file, document);
	const nothing = await run(state, ['import', 'openclaw', '--json']);
	expect(nothing.code).toBe(1);
	expect(errorIn(nothing)).toMatchObject({
		code: 'openclaw_absent',
		message: expect.stringContaining('.openclaw'),
	});

	const env = {OPENCLAW_STATE_DIR: theirs};
	const tried = await run(state, ['import', 'openclaw', '--dry-run'], {env});
	expect(tried).toMatchObject({
		code: 0,
		stdout: expect.stringMatching(/main +openai-codex:default +✓ taken/),
	});
	expect(tried.stdout + tried.stderr).not.toContain('not-a-secret');
	expect(existsSync(state.paths.config)).toBe(false);
	const imported = await run(state, ['import', 'openclaw'], {env});
	expect(imported).toMatchObject({
		code: 0,
		stderr: expect.stringContaining(`jarvis export openclaw '${theirs}' --merge`),
	});

	const folder = join(temporaryFolder(), 'exported');
	const {profiles} = await runJson<{profiles: unknown[]}>(state, ['export', 'openclaw', folder]);
	expect(profiles).toHaveLength(4);
	expect(exposed(folder)).toEqual([]);
	const again = await run(state, ['export', 'openclaw', folder, '--json']);
	expect(again.code).toBe(1);
	expect(errorIn(again)).toMatchObject({code: 'export_refused', next: expect.stringContaining('--merge')});
	const asked = await run(state, ['export', 'openclaw', folder, '--merge', '--with-refresh-tokens']);
	expect(asked).toMatchObject({code: 2, stderr: expect.stringContaining('Add --yes.')});
});
