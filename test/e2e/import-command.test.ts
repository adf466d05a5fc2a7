import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {dayMs, writeAll, writeCodex} from '../support/other-programs.ts';
import {canary, readStore, temporaryFolder, writeJson} from '../support/sandbox.ts';
import {exposed, put} from '../support/state-folder.ts';
import {emptyState, errorIn, openProgram, run, stored} from './support.ts';

const profileId = 'openai-codex:maya@example.test';

/** A machine where all programs are logged in, and how commands are run there. */
function machine() {
	const home = temporaryFolder();
	const state = emptyState();
	writeAll(home, Date.now());
	const jarvis = (...args: readonly string[]) => run(state, args, {env: {HOME: home}});
	return {home, state, jarvis};
}

/** Fails when a text holds a secret of the machine. */
function expectNoSecret(home: string, texts: string): void {
	const {access_token: access} = JSON.parse(readFileSync(join(home, '.codex', 'auth.json'), 'utf8')).tokens;
	expect(texts).not.toContain('canary');
	expect(texts).not.toContain(access.slice(0, 40));
}

it('--list tells of every login, and of no secret', async () => {
	const {home, jarvis} = machine();
	const [plain, json] = await Promise.all([jarvis('import', '--list'), jarvis('import', '--list', '--json')]);
	expect(plain.code).toBe(0);
	expect(plain.stdout.split('\n').map(line => line.split(/ {2,}/).slice(0, 4))).toEqual(
		expect.arrayContaining([
			['codex:tokens', 'openai-codex', 'oauth', 'maya@example.test'],
			['gh:github.com/work-bot', 'github', 'token', 'work-bot'],
		]),
	);
	expect(plain.stderr).toBe('Take one over: jarvis import codex:tokens --adopt\n');
	expect(json).toMatchObject({code: 0, stderr: ''});
	const {logins, ...rest} = JSON.parse(json.stdout);
	expect(rest).toEqual({agentId: 'main', openclaw: null, problems: []});
	expect(logins).toHaveLength(9);
	expect(logins[0]).toMatchObject({
		...{id: 'codex:tokens', program: 'codex', file: join(home, '.codex', 'auth.json'), state: 'new'},
		...{provider: 'openai-codex', kind: 'oauth', email: 'maya@example.test', profileId, refusals: {}},
	});
	expectNoSecret(home, plain.stdout + plain.stderr + json.stdout);
});

it('a login is linked, handed out, and refused when it is over', async () => {
	const {home, state, jarvis} = machine();
	const linked = await jarvis('import', 'codex', '--link', '--json');
	expect(linked).toMatchObject({code: 0, stderr: ''});
	expect(JSON.parse(linked.stdout)).toMatchObject({
		agentId: 'main',
		taken: [{id: 'codex:tokens', profileId, how: 'link', refreshedBy: 'codex'}],
		refused: [],
	});
	expect(stored(state, profileId)).not.toHaveProperty('access');
	const {access} = writeCodex(home, {expires: Date.now() + 9 * dayMs});
	const token = await jarvis('models', 'auth', 'token', '--provider', 'openai-codex');
	expect(token).toEqual({code: 0, stdout: `${access}\n`, stderr: ''});
	const status = await jarvis('models', 'status', '--json');
	expect(JSON.parse(status.stdout).auth.oauth.profiles[0]).toMatchObject({
		...{profileId, health: 'ok', owner: 'main', refreshedBy: 'codex'},
		link: {program: 'codex', file: join(home, '.codex', 'auth.json'), entry: 'tokens'},
	});
	expect((await jarvis('models', 'status')).stdout).toMatch(/maya@example\.test ← codex +oauth .*✓ ok/);

	writeCodex(home, {expires: Date.now() - 1000});
	const over = await jarvis('models', 'auth', 'token', '--provider', 'openai-codex', '--json');
	expect(over).toMatchObject({code: 3, stdout: ''});
	expect(errorIn(over)).toMatchObject({
		code: 'no_credential',
		next: 'Run codex, which renews its own login.',
	});
	expect((await jarvis('models', 'status', '--check')).code).toBe(1);
	expect((await jarvis('models', 'status')).stdout).toContain('✗ see codex');
	expect(exposed(state.stateDir)).toEqual([]);
	expectNoSecret(home, over.stderr + linked.stdout + status.stdout);
});

it('a login is adopted, and what that means is said', async () => {
	const {home, state, jarvis} = machine();
	const outcome = await jarvis('import', 'codex', '--adopt', '--profile-id', 'openai-codex:work');
	expect(outcome).toMatchObject({code: 0, stdout: 'openai-codex:work\n'});
	expect(outcome.stderr).toContain(
		'unless it has its tokens from JARVIS: jarvis models auth write-back on codex',
	);
	expect(stored(state, 'openai-codex:work').refresh).toBe(canary('codex-refresh'));
	expectNoSecret(home, outcome.stdout + outcome.stderr);
	const again = await jarvis('import', 'codex', '--adopt', '--json');
	expect(again).toMatchObject({code: 1, stdout: ''});
	expect(errorIn(again).code).toBe('import_refused');
});

it('of a program with several logins those that can be taken are, and the others are told', async () => {
	const {home, state, jarvis} = machine();
	const outcome = await jarvis('import', 'gh', 'pi:groq', '--adopt');
	expect(outcome).toMatchObject({code: 1, stdout: 'github:maya\nghe.example.test:maya\ngroq:default\n'});
	expect(outcome.stderr).toContain('gh keeps its token in the system’s keychain');
	expect(stored(state, 'github:maya')).toEqual({type: 'token', provider: 'github', token: canary('gh-maya')});
	expectNoSecret(home, outcome.stdout + outcome.stderr);
});

it.each([
	[['import'], 2, 'there is no terminal'],
	[['import', 'codex'], 2, '--adopt or --link'],
	[['import', 'emacs', '--link'], 1, 'There is no login "emacs" on this machine.'],
	[['import', 'codex', '--adopt', '--link'], 2, 'Only one of --adopt, --link and --list goes.'],
	[
		['import', 'gh', '--link', '--profile-id', 'github:x'],
		2,
		'--profile-id is for one login, and that names 3',
	],
	[['import', 'codex', '--link', '--profile-id', 'groq:x'], 1, 'is an id of groq'],
	[['import', 'claude', '--adopt'], 1, 'JARVIS does not pose as Claude Code'],
	[['import', 'codex', '--link', '--agent', 'nobody'], 1, 'There is no agent nobody'],
])('%j is refused in words', async (args, code, said) => {
	const outcome = await machine().jarvis(...args);
	expect({code: outcome.code, stdout: outcome.stdout}).toEqual({code, stdout: ''});
	expect(outcome.stderr).toContain(said);
});

it('in a terminal it asks which login, and who refreshes it', async () => {
	const {home, state} = machine();
	const terminal = openProgram(state, ['import'], {env: {HOME: home}});
	await terminal.waitFor('Which login?');
	await terminal.waitFor(/1–9:/);
	expect(terminal.text()).toContain('1. Codex CLI: openai-codex (maya@example.test, new)');
	await terminal.press('1', '\r');
	await terminal.waitFor('Who refreshes the login of Codex CLI from now on?');
	await terminal.waitFor(/1–2:/);
	await terminal.press('2', '\r');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(terminal.text()).toContain(`Linked ${home}`.slice(0, 20));
	expect(stored(state, profileId)).toHaveProperty('link');
	expectNoSecret(home, terminal.raw());
});

it.each([
	['secrets seal --all', ['secrets', 'seal', '--all', '--dry-run'], undefined],
	['secrets reload', ['secrets', 'reload'], undefined],
	['export openclaw', ['export', 'openclaw'], 'older:default'],
])('what an older file holds is there for %s, if that is the first command', async (_name, args, seen) => {
	const state = emptyState();
	put(state.paths.legacyAuth('main'), {older: {type: 'api_key', key: canary('older')}});
	const folder = args[0] === 'export' ? [join(temporaryFolder(), 'exported')] : [];
	const {stdout, stderr} = await run(state, [...args, ...folder]);
	if (seen !== undefined) expect(stdout + stderr).toContain(seen);
	expect(stdout + stderr).not.toContain('canary-');
	expect(readStore(state).profiles['older:default']).toMatchObject({key: canary('older')});
});

it('what older files hold is there at the first command; a damaged one is named once', async () => {
	const {state, jarvis} = machine();
	put(state.paths.legacyAuth('main'), {groq: {type: 'api_key', key: canary('legacy')}});
	writeJson(state.paths.legacyOAuth, {acme: 'oops'});
	put(state.paths.legacyOAuth, '{"acme": {');
	const first = await jarvis('models', 'auth', 'token', '--provider', 'groq');
	expect(first).toMatchObject({code: 0, stdout: `${canary('legacy')}\n`});
	expect(first.stderr).toMatch(/oauth\.json is not valid JSON .* Nothing of it was brought in\. Mend it/);
	const second = await jarvis('models', 'auth', 'token', '--provider', 'groq');
	expect(second).toEqual({code: 0, stdout: `${canary('legacy')}\n`, stderr: ''});
});
