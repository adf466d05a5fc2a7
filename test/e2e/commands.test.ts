import {existsSync, readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {declare} from '../support/plugins.ts';
import {canary, readStore, type StoredDocument, writeJson, writeStore} from '../support/sandbox.ts';
import {modeOf} from '../support/state-folder.ts';
import {emptyState, errorIn, openProgram, run, runJson, stateWithKeys} from './support.ts';

const hour = 3_600_000;
const status = ['models', 'status'];
const order = ['models', 'auth', 'order'];

const staticKey = {type: 'api_key', provider: 'key', key: canary('key')};
const tokenFor = (ms: number) => ({
	...{type: 'token', provider: 'setup', token: canary('setup')},
	expires: Date.now() + ms,
});
const oauthFor = (ms: number, more: Record<string, string> = {}) => ({
	...{type: 'oauth', provider: 'acme', access: canary('access'), email: 'maya@example.test'},
	...more,
	expires: Date.now() + ms,
});
const refreshable = {refresh: canary('refresh')};

function stateOf(profiles: StoredDocument['profiles'], more: Partial<StoredDocument> = {}) {
	const state = emptyState();
	declare(state.stateDir, 'acme');
	writeStore(state, 'main', {version: 1, profiles, ...more});
	return state;
}

it('status is a table for people', async () => {
	const state = stateOf(
		{'acme:maya': oauthFor(3 * hour, refreshable), 'key:a': staticKey, 'setup:old': tokenFor(-hour)},
		{
			usageStats: {
				'key:a': {
					lastUsed: Date.now() - 5 * 60_000,
					lastProven: {at: Date.now() - 3 * 60_000, outcome: 'auth'},
				},
			},
		},
	);
	const {code, stdout, stderr} = await run(state, status);
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	expect(stdout.split('\n').map(line => line.replace(/ {2,}/g, ' | '))).toEqual([
		'Agent main (default)',
		'PROFILE | KIND | ACCOUNT | STATE | LEFT | PROVEN | LAST USED',
		expect.stringMatching(/^acme:maya \| oauth \| maya@example\.test \| ✓ ok \| 2h 59m \| never \| never$/),
		'key:a | api_key | – | • static | – | ✗ auth 3m ago | 5m ago',
		'setup:old | token | – | ✗ expired | over | never | never',
		'',
	]);
	expect(await run(state, [])).toEqual({code, stdout, stderr});
});

it('status in a terminal leaves out what has no room, and never the state', async () => {
	const id = 'acme:maya.long-name@example.test';
	const state = stateOf({[id]: oauthFor(3 * hour, refreshable), 'key:a': staticKey});
	const terminal = openProgram(state, status, {columns: 75});
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(terminal.text()).toMatch(/PROFILE +STATE +LEFT +PROVEN +LAST USED\n/);
	expect(terminal.text()).toMatch(/acme:maya\.long-name@example\.test +✓ ok +2h 59m +never +never\n/);
});

it('status --json has the documented shape', async () => {
	const state = stateOf(
		{
			'acme:maya': oauthFor(hour, refreshable),
			'setup:work': tokenFor(hour),
			'setup:key': {type: 'api_key', provider: 'setup', key: canary('key')},
			'other:new': {type: 'passkey', provider: 'other'},
		},
		{usageStats: {'setup:key': {cooldownUntil: Date.now() + hour, errorCount: 2}}},
	);
	const model = {primary: 'setup/model-1', fallbacks: ['absent/model-2']};
	writeJson(state.paths.config, {agents: {defaults: {model, models: {'setup/model-1': {alias: 'Best'}}}}});
	const storePath = state.paths.profiles('main');
	const shape = await runJson<{auth: {oauth: {profiles: unknown[]}}}>(state, status);
	expect(shape).toMatchObject({
		configPath: state.paths.config,
		agentDir: state.paths.agentCredentials('main'),
		...{defaultModel: 'setup/model-1', resolvedDefault: expect.any(String), fallbacks: ['absent/model-2']},
		...{imageModel: null, imageFallbacks: [], allowed: ['setup/model-1'], aliases: expect.any(Object)},
		auth: {
			storePath,
			shellEnvFallback: expect.any(Object),
			providersWithOAuth: ['acme (1)', 'setup (1)'],
			missingProvidersInUse: ['absent'],
			providers: [
				{
					provider: 'acme',
					effective: {kind: 'profiles', detail: storePath},
					profiles: {count: 1, oauth: 1, token: 0, apiKey: 0, labels: ['acme:maya (maya@example.test)']},
				},
				{provider: 'setup', profiles: {count: 2, oauth: 0, token: 1, apiKey: 1}},
			],
			unusableProfiles: [{profileId: 'setup:key', provider: 'setup', kind: 'cooldown'}],
			oauth: {
				warnAfterMs: 24 * hour,
				providers: [
					{provider: 'absent', status: 'missing', profiles: []},
					{provider: 'acme', status: 'ok', profiles: [{profileId: 'acme:maya', status: 'ok'}]},
					{
						...{provider: 'setup', status: 'expiring', expiresAt: expect.any(Number)},
						profiles: [{profileId: 'setup:key'}, {profileId: 'setup:work'}],
					},
				],
				profiles: [
					{
						...{profileId: 'acme:maya', provider: 'acme', type: 'oauth', status: 'ok', reasonCode: 'ok'},
						...{health: 'ok', source: 'store', label: 'acme:maya (maya@example.test)', owner: 'main'},
						...{expiresAt: expect.any(Number), remainingMs: expect.any(Number), lastProven: null},
					},
					{profileId: 'setup:work', status: 'expiring', reasonCode: 'ok'},
					{profileId: 'setup:key', status: 'static', reasonCode: 'cooldown'},
				],
			},
		},
	});
	expect(JSON.stringify(shape)).not.toMatch(/canary-/);
});

it.each([
	['nothing is there', {}, 1],
	['a key is static', {'key:a': staticKey}, 0],
	['a token is good for longer than a day', {'setup:a': tokenFor(25 * hour)}, 0],
	['a token expires within a day', {'setup:a': tokenFor(23 * hour)}, 2],
	['a token is expired', {'setup:a': tokenFor(-1000)}, 1],
	['an OAuth token is over and can be refreshed', {'acme:a': oauthFor(-hour, refreshable)}, 0],
	['an OAuth token expires soon and can be refreshed', {'acme:a': oauthFor(hour, refreshable)}, 0],
	[
		'an OAuth token expires soon, and its provider cannot refresh it',
		{'anthropic:a': {...oauthFor(hour, refreshable), provider: 'anthropic'}},
		2,
	],
	[
		'an OAuth token is over, and nobody knows its provider any more',
		{'gone:a': {...oauthFor(-hour, refreshable), provider: 'gone'}},
		1,
	],
	['an OAuth token is over and cannot be refreshed', {'acme:a': oauthFor(-hour)}, 1],
	['one is expired and one is expiring', {'setup:a': tokenFor(hour), 'setup:b': tokenFor(-hour)}, 1],
])('status --check when %s', async (_what, profiles, code) => {
	const state = stateOf(profiles);
	const outcomes = await Promise.all(
		[['--check'], ['--check', '--json'], []].map(flags => run(state, [...status, ...flags])),
	);
	expect(outcomes.map(outcome => outcome.code)).toEqual([code, code, 0]);
	expect(outcomes.map(outcome => outcome.stderr).join('')).toBe('');
});

it.each([
	['a profile of another provider', {'key:a': staticKey}],
	['nothing at all', {}],
])('status --check names a model’s provider that has no credential, beside %s', async (_what, profiles) => {
	const state = stateOf(profiles);
	const defaults = {model: {primary: 'best', fallbacks: ['far/two']}, models: {'setup/one': {alias: 'Best'}}};
	writeJson(state.paths.config, {agents: {defaults}});
	const {code, stdout} = await run(state, [...status, '--check']);
	expect(code).toBe(1);
	const login = (provider: string) => `jarvis models auth login --provider ${provider} --agent main\n`;
	expect(stdout).toContain(
		`\n✗ no credential of setup, for the primary model best. Log in: ${login('setup')}✗ no credential of far, for the fallback far/two. Log in: ${login('far')}`,
	);
	expect(await runJson(state, status)).toMatchObject({
		...{defaultModel: 'best', resolvedDefault: 'setup/one', allowed: ['setup/one']},
		auth: {missingProvidersInUse: ['far', 'setup']},
	});
});

it('list prints the profiles of one agent', async () => {
	const state = stateOf({'key:a': staticKey, 'acme:maya': oauthFor(hour, refreshable)});
	expect(await run(state, ['models', 'auth', 'list'])).toMatchObject({
		code: 0,
		stdout: expect.stringMatching(/^Agent main \(default\)\nPROFILE .*\nkey:a .*\nacme:maya .*\n$/),
	});
	expect(await runJson(state, ['models', 'auth', 'list'])).toEqual({
		agentId: 'main',
		authStorePath: state.paths.profiles('main'),
		profiles: [
			{
				...{profileId: 'key:a', provider: 'key', type: 'api_key', status: 'static', reasonCode: 'ok'},
				owner: 'main',
			},
			{
				owner: 'main',
				...{profileId: 'acme:maya', provider: 'acme', type: 'oauth', status: 'ok', reasonCode: 'ok'},
				...{email: 'maya@example.test', expires: readStore(state).profiles['acme:maya']?.expires},
			},
		],
		brokenEntries: [],
	});
});

it('a name that another program wrote breaks no row, and turns none around', async () => {
	const state = emptyState();
	const keyOf = (name: string) => ({
		[`acme:${name}`]: {type: 'api_key', provider: 'acme', key: 'not-a-secret'},
	});
	writeStore(state, 'main', {
		profiles: {...keyOf('a\nb'), ...keyOf('x\u202egnp.exe'), ...keyOf('e\u001b[31mr')},
	});
	for (const command of [
		status,
		['models', 'auth', 'list'],
		['which', 'acme'],
		['secrets', 'audit'],
		['doctor'],
	]) {
		const {stdout} = await run(state, command);
		expect(stdout).not.toMatch(/\p{Bidi_Control}|^b/mu);
		expect(stdout).not.toContain('\u001b');
	}
	const {stdout} = await run(state, status);
	expect(stdout).toMatch(/^acme:ab .*static/m);
	expect(stdout).toMatch(/^acme:xgnp.exe .*static/m);
	// A command that helps works as it is typed.
	const audit = await run(state, ['secrets', 'audit']);
	const [, word = ''] = /secrets seal (\$'acme:a.*?') --agent/.exec(audit.stdout) ?? [];
	const echoed = await run(state, ['-c', `printf %s ${word}`], {command: ['bash']});
	expect(echoed.stdout).toBe('acme:a\nb');
	// As data they are what they are, and do nothing to a terminal either.
	const list = await run(state, ['models', 'auth', 'list', '--json']);
	expect(list.stdout).toContain(String.raw`acme:x\u202egnp.exe`);
	const {profiles} = await runJson<{profiles: {profileId: string}[]}>(state, ['models', 'auth', 'list']);
	expect(profiles.map(({profileId}) => profileId)).toContain('acme:a\nb');
	expect(profiles.map(({profileId}) => profileId)).toContain('acme:x\u202egnp.exe');
});

it('a secret is given out as it is stored, also with what a terminal would act on', async () => {
	const state = emptyState();
	const odd = 'not-a-secret-\u202e\u0085-odd';
	writeStore(state, 'main', {profiles: {'acme:a': {type: 'api_key', provider: 'acme', key: odd}}});
	const token = ['models', 'auth', 'token', '--profile', 'acme:a'];
	expect(await run(state, token)).toMatchObject({code: 0, stdout: `${odd}\n`});
	expect((await runJson<{token: string}>(state, token)).token).toBe(odd);
});

const remove = ['models', 'auth', 'remove', 'key:002'];

it('remove refuses where nobody can be asked', async () => {
	const state = stateWithKeys(3);
	const before = readFileSync(state.paths.profiles('main'), 'utf8');
	const refused = await run(state, [...remove, '--json'], {input: 'key:002\n'});
	expect(refused).toMatchObject({code: 2, stdout: ''});
	expect(errorIn(refused)).toMatchObject({code: 'terminal_required', next: 'Add --yes.'});
	expect(readFileSync(state.paths.profiles('main'), 'utf8')).toBe(before);
});

it('remove and logout take no secrets away that are not in the file, and say what stays', async () => {
	const state = emptyState();
	const link = {program: 'gh', file: '/nowhere/hosts.yml', entry: 'github.com/maya'};
	const keyRef = {source: 'env', provider: 'default', id: 'GROQ'};
	writeStore(state, 'main', {
		profiles: {
			'github:maya': {type: 'token', provider: 'github', link},
			'groq:vault': {type: 'api_key', provider: 'groq', keyRef},
		},
	});
	for (const command of ['remove', 'logout']) {
		for (const [id, stays] of [
			['github:maya', 'The login of gh stays as it is.'],
			['groq:vault', 'The secret itself stays where it is kept.'],
		] as const) {
			const {stderr} = await run(state, ['models', 'auth', command, id]);
			expect(stderr).toContain(stays);
			expect(stderr).not.toContain('its secrets');
		}
	}
});

it('remove takes --yes', async () => {
	const state = stateWithKeys(3);
	expect(await runJson(state, [...remove, '--yes'])).toEqual({
		...{agentId: 'main', profileId: 'key:002', removed: true},
	});
	expect(Object.keys(readStore(state).profiles)).toEqual(['key:001', 'key:003']);
});

it.each([
	['key:002', 0, 'Removed key:002', 2],
	['002', 130, 'Nothing was removed.', 3],
	['', 130, 'Nothing was removed.', 3],
])('remove in a terminal asks for the name, and takes %j', async (typed, exitCode, said, left) => {
	const state = stateWithKeys(3);
	const terminal = openProgram(state, remove);
	await terminal.waitFor('Type key:002 to do it:');
	terminal.write(`${typed}\r`);
	await terminal.waitFor(said);
	expect(await terminal.exited).toEqual({exitCode});
	expect(Object.keys(readStore(state).profiles)).toHaveLength(left);
});

it.each([
	['ctrl+c', '\u{3}'],
	['ctrl+d', '\u{4}'],
])('%s at the question leaves everything as it is', async (_key, key) => {
	const state = stateWithKeys(3);
	const terminal = openProgram(state, remove);
	await terminal.waitFor('Type key:002 to do it:');
	terminal.write(key);
	expect(await terminal.exited).toEqual({exitCode: 130});
	expect(terminal.text()).not.toContain('fault');
	expect(Object.keys(readStore(state).profiles)).toHaveLength(3);
});

it('an order is set, shown and cleared', async () => {
	const state = stateWithKeys(3);
	const base = {
		agentId: 'main',
		agentDir: state.paths.agentCredentials('main'),
		provider: 'key',
		authStorePath: state.paths.profiles('main'),
	};
	const provider = ['--provider', 'key'];
	expect(await runJson(state, [...order, 'get', ...provider])).toMatchObject({...base, order: null});
	const ids = ['key:003', 'key:001'];
	expect(await runJson(state, [...order, 'set', ...provider, ...ids])).toMatchObject({
		...base,
		order: ids,
		effective: [
			{profileId: 'key:003', place: 1, reason: 'ok'},
			{profileId: 'key:001', place: 2, reason: 'ok'},
			{profileId: 'key:002', reason: 'excluded_by_auth_order'},
		],
	});
	expect(readStore(state).order).toEqual({key: ids});
	expect(await run(state, [...order, 'get', ...provider])).toMatchObject({
		code: 0,
		stdout: expect.stringMatching(/own order\n.*\n1\. +key:003 .*\n2\. +key:001 .*\n– +key:002 .*\n$/),
	});
	expect(await runJson(state, [...order, 'clear', ...provider])).toMatchObject({...base, order: null});
	expect(readStore(state).order ?? {}).toEqual({});
});

it.each([
	[[...order, 'set', '--provider', 'key', 'key:009'], 'profile_unknown'],
	[[...order, 'set', '--provider', 'other', 'key:001'], 'profile_foreign'],
	[[...order, 'get', '--provider', 'key', '--agent', 'nobody'], 'agent_unknown'],
	[['models', 'auth', 'remove', 'key:009', '--yes'], 'profile_unknown'],
])('%j is refused', async (args, code) => {
	const state = stateWithKeys(3);
	const before = readFileSync(state.paths.profiles('main'), 'utf8');
	const outcome = await run(state, [...args, '--json']);
	expect(outcome).toMatchObject({code: 1, stdout: ''});
	expect(errorIn(outcome).code).toBe(code);
	expect(readFileSync(state.paths.profiles('main'), 'utf8')).toBe(before);
});

it('agents are added, listed, made the default and deleted', async () => {
	const state = emptyState();
	const added = {
		...{agentId: 'work', name: 'At work', workspace: '/srv/work', profiles: 0, default: false},
		agentDir: state.paths.agentCredentials('work'),
	};
	const bindings = {added: [], updated: [], skipped: [], conflicts: []};
	const add = ['agents', 'add', 'work', '--non-interactive', '--name', 'At work', '--workspace', '/srv/work'];
	expect(await runJson(state, add)).toEqual({...added, bindings});
	expect(modeOf(state.paths.agentCredentials('work'))).toBe('700');
	expect(modeOf(state.paths.config)).toBe('600');
	expect(await runJson(state, ['agents', 'list'])).toMatchObject([
		{agentId: 'main', default: true},
		{...added, bindings: 0},
	]);

	expect(await runJson(state, ['agents', 'set-default', 'work'])).toEqual({agentId: 'work', default: true});
	expect((await run(state, ['agents', 'list'])).stdout).toMatch(
		/\nmain +0 .*\nwork +default +0 +0 +\/srv\/work\n$/,
	);
	expect(await run(state, status)).toMatchObject({
		stdout: expect.stringMatching(/^Agent work \(default\)\n/),
	});
	await runJson(state, ['agents', 'set-default', 'main']);
	expect(await runJson(state, ['agents', 'delete', 'work', '--yes'])).toEqual({
		...{agentId: 'work', deleted: true, bindings: 0},
	});
	expect(existsSync(state.paths.agent('work'))).toBe(false);
});

it.each([
	[['add', 'work'], 1, 'agent_exists'],
	[['add', '../work'], 2, 'agent_invalid_id'],
	[['add', 'Work'], 2, 'agent_invalid_id'],
	[['delete', 'main', '--yes'], 1, 'agent_protected'],
	[['delete', 'work', '--yes'], 1, 'agent_protected'],
	[['delete', 'other'], 2, 'terminal_required'],
	[['delete', 'nobody', '--yes'], 1, 'agent_unknown'],
	[['set-default', 'nobody'], 1, 'agent_unknown'],
])('agents %j is refused', async (args, exit, code) => {
	const state = emptyState();
	for (const id of ['work', 'other']) writeStore(state, id, {profiles: {}});
	writeJson(state.paths.config, {agents: {list: [{id: 'work', default: true}, {id: 'other'}]}});
	const before = readFileSync(state.paths.config, 'utf8');
	const outcome = await run(state, ['agents', ...args, '--json']);
	expect(outcome).toMatchObject({code: exit, stdout: ''});
	expect(errorIn(outcome).code).toBe(code);
	expect(readFileSync(state.paths.config, 'utf8')).toBe(before);
	expect(existsSync(state.paths.profiles('work'))).toBe(true);
});
