import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {expect, it} from 'vitest';
import {appendAudit} from '../../source/store/audit-log.ts';
import {rotateAuditLog} from '../../source/store/audit-rotation.ts';
import {emptyState, errorIn, program, run, start, stateWithKeys} from './support.ts';

const token = ['models', 'auth', 'token', '--provider', 'key', '--profile', 'key:001'];

type State = ReturnType<typeof emptyState>;

const note = ({paths}: State, words: string, at = Date.now()) =>
	appendAudit(paths, {
		at,
		event: 'refreshed',
		agentId: 'main',
		profileId: 'key:002',
		by: 'test',
		pid: 7,
		note: words,
	});

it('shows what was done, by whom, the newest last', async () => {
	const state = stateWithKeys(2);
	note(state, 'long ago', Date.now() - 7_200_000);
	await run(state, token);
	await run(state, ['agents', 'add', 'work']);
	const {code, stdout, stderr} = await run(state, ['log']);
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	expect(stdout.split('\n').map(line => line.replace(/ +/g, ' ').slice(20))).toEqual([
		'refreshed main key:002 test (7) long ago',
		expect.stringMatching(/^handed out main key:001 token ← .+ \d+$/),
		expect.stringMatching(/^agent added work agents add ← .+ \d+$/),
		'',
	]);
	const json = await run(state, ['log', '--json', '--profile', 'key:001']);
	expect(
		json.stdout
			.trim()
			.split('\n')
			.map(line => JSON.parse(line)),
	).toEqual([
		{
			...{
				at: expect.any(Number),
				event: 'handed_out',
				agentId: 'main',
				profileId: 'key:001',
				provider: 'key',
			},
			...{by: 'models auth token', pid: expect.any(Number), parent: expect.any(String)},
		},
	]);
});

it.each([
	[
		['--since', '1h'],
		['handed out', 'agent added'],
	],
	[
		['--event', 'refreshed,agent-added'],
		['refreshed', 'agent added'],
	],
	[
		['--agent', 'main'],
		['refreshed', 'handed out'],
	],
	[['--limit', '1'], ['agent added']],
	[['--limit', '0'], []],
])('%j leaves the rest out', async (flags, wanted) => {
	const state = stateWithKeys(1);
	note(state, 'long ago', Date.now() - 7_200_000);
	appendAudit(state.paths, {at: Date.now(), event: 'handed_out', agentId: 'main', by: 'test', pid: 1});
	appendAudit(state.paths, {at: Date.now(), event: 'agent_added', agentId: 'work', by: 'test', pid: 1});
	const {stdout} = await run(state, ['log', ...flags]);
	const events = stdout
		.split('\n')
		.slice(0, -1)
		.map(line => line.slice(21, 37).trim());
	expect(events).toEqual(wanted);
});

it.each([
	[['--event', 'birthday'], 'Name some of: login, '],
	[['--limit', 'many'], 'for example 20'],
	[['--since', 'monday'], 'for example 5m'],
])('%j is told to be wrong', async (flags, next) => {
	const outcome = await run(emptyState(), ['log', ...flags, '--json']);
	expect(outcome.code).toBe(2);
	expect(errorIn(outcome)).toMatchObject({code: 'usage', next: expect.stringContaining(next)});
});

it('follows across rotations until it is interrupted', async () => {
	const state = emptyState();
	note(state, 'before');
	const command = start(state, ['log', '--follow', '--limit', '5']);
	await command.prints('before');
	note(state, 'first');
	await command.prints('first');
	rotateAuditLog(state.paths, {bytes: 1, kept: 8});
	note(state, 'second');
	await command.prints('second');
	command.signal('SIGINT');
	const {code, stdout, stderr} = await command.ended;
	expect({code, stderr}).toEqual({code: 130, stderr: ''});
	expect(stdout.match(/before|first|second/g)).toEqual(['before', 'first', 'second']);
});

it('a reader that has seen enough ends it quietly', async () => {
	const state = emptyState();
	note(state, 'before');
	const script = `"$0" "$1" log --follow --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
	const reading = promisify(execFile)('bash', ['-c', script, process.execPath, program], {
		env: {...process.env, JARVIS_STATE_DIR: state.stateDir},
	});
	const timer = setInterval(() => note(state, 'more'), 20);
	const {stdout, stderr} = await reading.finally(() => clearInterval(timer));
	expect(stdout).toMatch(/^\{"at".*"before".*\}\n0\n$/);
	expect(stderr).toBe('');
});
