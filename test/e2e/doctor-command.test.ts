import {chmodSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {findingTable} from '../../source/doctor/findings.ts';
import {canary, writeStore} from '../support/sandbox.ts';
import {modeOf, put, text} from '../support/state-folder.ts';
import {emptyState, errorIn, openProgram, run, stateWithKeys} from './support.ts';

// Whoever else uses this machine may have the ports of Codex.
const only = Object.keys(findingTable).filter(id => id !== 'port_taken');
const doctor = ['doctor', '--only', only.join(',')];

interface Report {
	readonly findings: readonly {readonly id: string; readonly severity: string; readonly fix?: string}[];
	readonly fixed?: readonly {readonly id: string; readonly outcome: string}[];
}

const reportOf = ({stdout}: {readonly stdout: string}): Report => JSON.parse(stdout);

function damagedState() {
	const state = stateWithKeys(1);
	const file = state.paths.profiles('main');
	chmodSync(state.stateDir, 0o700);
	put(`${file}.bak`, text(file));
	put(file, `{"profiles": {"key:default": {"key": "${canary('cut')}`);
	chmodSync(file, 0o640);
	return {state, file};
}

it('says that nothing is wrong, and exits with 0', async () => {
	const state = stateWithKeys(2);
	chmodSync(state.stateDir, 0o700);
	expect(await run(state, doctor)).toEqual({code: 0, stdout: '✓ Nothing is wrong.\n', stderr: ''});
	expect(await run(emptyState(), doctor)).toMatchObject({code: 0});
});

it('mends what costs nothing, and leaves what would be asked where nobody is', async () => {
	const {state, file} = damagedState();
	const found = await run(state, [...doctor, '--json']);
	expect(found.code).toBe(1);
	expect(reportOf(found).findings.map(({id}) => id)).toEqual(['file_mode', 'file_damaged']);
	const planned = await run(state, [...doctor, '--fix', '--dry-run', '--json']);
	expect(reportOf(planned).fixed?.map(({outcome}) => outcome)).toEqual([
		'would be mended',
		'would be mended',
	]);
	expect(modeOf(file)).toBe('640');
	const fixed = await run(state, [...doctor, '--fix', '--json']);
	expect(fixed.code).toBe(1);
	expect(fixed.stderr).toContain('--yes says yes to all of it');
	expect(reportOf(fixed)).toMatchObject({
		findings: [{id: 'file_damaged', severity: 'error', fix: expect.stringContaining('.bak')}],
		fixed: [
			{id: 'file_mode', outcome: 'mended'},
			{id: 'file_damaged', outcome: 'left'},
		],
	});
	const agreed = await run(state, [...doctor, '--fix', '--yes']);
	expect(agreed.code).toBe(0);
	expect(agreed.stdout).toMatch(/^mended: .*auth-profiles\.json .*\n\n✓ Nothing is wrong\.\n$/);
	expect(JSON.parse(text(file)).profiles).toHaveProperty(['key:001']);
	expect(found.stdout + planned.stdout + fixed.stdout + agreed.stdout).not.toContain(
		canary('cut').slice(0, 20),
	);
	const log = await run(state, ['log', '--event', 'repaired']);
	expect(log.stdout.match(/file_mode|file_damaged/g)).toEqual(['file_mode', 'file_damaged']);
});

it('asks at a terminal, and no is what nothing means', async () => {
	const {state, file} = damagedState();
	const before = text(file);
	for (const [answer, ending] of [
		['\r', /left: .*put .*file_damaged/s],
		['y\r', /Nothing is wrong/],
	] as const) {
		const terminal = await openProgram(state, [...doctor, '--fix']);
		await terminal.waitFor('[y/N]');
		await terminal.press(answer);
		await terminal.exited;
		expect(terminal.text().replaceAll('\n', '')).toMatch(ending);
		if (answer === '\r') expect(text(file)).toBe(before);
	}
	expect(JSON.parse(text(file)).profiles).toHaveProperty(['key:001']);
});

it('notes alone are no reason to fail', async () => {
	const state = stateWithKeys(1);
	chmodSync(state.stateDir, 0o700);
	put(state.paths.config, {agents: {list: [{id: 'work'}]}});
	const {code, stdout} = await run(state, doctor);
	expect(code).toBe(0);
	expect(stdout).toMatch(
		/^• agent_without_folder {2}.*\n {4}.*\n {4}--fix: make it\n\n1 note\. jarvis doctor --fix mends one/,
	);
	await run(state, [...doctor, '--fix']);
	expect(readdirSync(state.paths.agents)).toContain('work');
});

it.each([
	[['--dry-run'], '--fix'],
	[['--only', 'headache'], 'docs/doctor.md'],
])('%j is told to be wrong', async (flags, next) => {
	const outcome = await run(emptyState(), ['doctor', ...flags, '--json']);
	expect(outcome.code).toBe(2);
	expect(errorIn(outcome)).toMatchObject({code: 'usage', next: expect.stringContaining(next)});
});

it('shows no secret of what it compares', async () => {
	const state = emptyState();
	const entry = {
		type: 'oauth',
		provider: 'openai-codex',
		access: canary('a'),
		refresh: canary('r'),
		expires: 1,
	};
	writeStore(state, 'main', {profiles: {'openai-codex:a': entry, 'openai-codex:b': entry}});
	put(join(state.stateDir, 'no-home', '.codex', 'auth.json'), {tokens: {refresh_token: canary('r')}});
	const env = {ANTHROPIC_API_KEY: canary('ambient'), JARVIS_DEBUG: '1'};
	for (const flags of [[], ['--json'], ['--fix', '--dry-run']]) {
		const {code, stdout, stderr} = await run(state, ['doctor', ...flags], {env});
		expect(code).toBe(1);
		expect(stdout + stderr).toContain('refresh_shared');
		expect(stdout + stderr).not.toContain('canary-');
	}
});
