import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {runImportOpenclaw} from '../../source/commands/openclaw.ts';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';
import {contentOf, recordedState, type Said} from '../support/openclaw.ts';
import {exposed, temporaryFolder} from '../support/state-folder.ts';
import {askJarvis, expectSame} from './same.ts';

/** What openclaw 2026.3.31 wrote and said once, so that reading it is tried without openclaw. */
let folder: string;
let said: Said;
let paths: StatePaths;
let jarvis: Jarvis;
let before: Record<string, string>;

beforeAll(async () => {
	folder = join(temporaryFolder(), 'openclaw');
	said = recordedState(folder);
	before = contentOf(folder);
	paths = statePaths(join(temporaryFolder(), 'jarvis'));
	jarvis = openJarvis({stateDir: paths.root, env: {}, now: () => said.at});
});

async function printed(...flags: readonly string[]): Promise<{readonly code: number; readonly text: string}> {
	let text = '';
	const put = (line: string) => {
		text += `${line}\n`;
	};
	const code = await runImportOpenclaw({
		jarvis,
		flags: Object.fromEntries(flags.map(flag => [flag, true])),
		...{arguments: [folder], stdin: process.stdin, print: put, tell: put},
	});
	return {code, text};
}

describe('a state that openclaw wrote', () => {
	it('is shown by a dry run, without a secret and without a change', async () => {
		const {code, text} = await printed('dry-run');
		expect(code).toBe(0);
		expect(text).toMatch(/main +openai-codex:default +✓ taken\n/);
		expect(text).toMatch(/work +openai-codex:default +✓ a copy/);
		expect(text).toContain('Nothing was changed');
		expect(text + (await printed('dry-run', 'json')).text).not.toContain('not-a-secret');
		expect(existsSync(paths.root)).toBe(false);
	});

	it('is read the same: status, orders, agents, bindings', async () => {
		const {code, text} = await printed();
		expect(code).toBe(0);
		expect(text).toContain('logs both out');
		expect(text).not.toContain('not-a-secret');
		expectSame(said, await askJarvis(paths.root, said.at));
	});

	it('has one record of each refresh token, and no secret of a channel', () => {
		const files = Object.entries(contentOf(paths.root));
		const holding = (secret: string) =>
			files.filter(([, text]) => text.includes(secret)).map(([file]) => file);
		expect(holding('not-a-secret-refresh-1')).toEqual([paths.profiles('main')]);
		expect(holding('not-a-secret-bot-token')).toEqual([]);
		expect(exposed(paths.root)).toEqual([]);
	});

	it('brings the pins of sessions, and nothing else of them', async () => {
		expect(JSON.parse(readFileSync(paths.sessions('main'), 'utf8'))).toEqual({
			'agent:main:main': {
				sessionId: '0b5f2f4e-8f0c-4a53-9d5b-0c7a3f1f9a11',
				updatedAt: expect.any(Number),
				compactionCount: 1,
				...{providerOverride: 'anthropic', modelOverride: 'claude-opus-4-6'},
				...{authProfileOverride: 'anthropic:brief', authProfileOverrideSource: 'user'},
			},
		});
	});

	it('is taken once: again changes nothing, and openclaw’s own folder is as it was', async () => {
		const taken = contentOf(paths.root);
		await printed();
		expect(contentOf(paths.root)).toEqual(taken);
		expect(contentOf(folder)).toEqual(before);
	});
});
