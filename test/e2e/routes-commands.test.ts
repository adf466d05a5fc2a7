import {readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {canary, writeJson, writeStore} from '../support/sandbox.ts';
import {emptyState, errorIn, program, run, runJson} from './support.ts';

const telegram = {channel: 'telegram'};
const team = {...telegram, accountId: 'team'};
const maya = {...telegram, peer: {kind: 'direct', id: '-5:1'}};

/** A state folder with the agents work and home, and some configuration. */
function stateOf(config: Record<string, unknown> = {}) {
	const state = emptyState();
	writeJson(state.paths.config, {agents: {list: [{id: 'work'}, {id: 'home'}]}, ...config});
	return state;
}

const bound = [
	{agentId: 'work', match: telegram},
	{agentId: 'home', match: team},
	{agentId: 'work', match: {channel: 'discord', guildId: 'g'}},
	{agentId: 'gone', match: maya},
];

/** The lines of a table, its columns set apart by `|`. */
function table(stdout: string): string[] {
	return stdout
		.trimEnd()
		.split('\n')
		.map(line => line.replace(/ {2,}/g, ' | '));
}

it('messages are bound, routed and unbound', async () => {
	const state = stateOf();
	const none = {added: [], updated: [], skipped: [], conflicts: []};
	const bind = ['agents', 'bind', '--agent', 'work', '--channel', 'telegram'];
	const binding = {agentId: 'work', match: telegram};
	expect(await runJson(state, bind)).toEqual({agentId: 'work', ...none, added: [binding]});
	expect(await runJson(state, [...bind, '--account', '*'])).toEqual({
		...{agentId: 'work', ...none, skipped: [binding]},
	});
	expect(await run(state, [...bind.with(3, 'home'), '--peer', 'dm:-5:1'])).toEqual({
		...{code: 0, stdout: '', stderr: 'Bound telegram, direct -5:1 to the agent home.\n'},
	});
	const route = ['agents', 'route', '--channel', 'telegram', '--account', '-7'];
	expect(await runJson(state, [...route, '--peer', 'direct:-5:1'])).toEqual({
		from: {...maya, accountId: '-7'},
		...{agentId: 'home', matchedBy: 'peer', binding: {index: 1, agentId: 'home', match: maya}},
		why: 'the most specific binding that matches is for this peer',
		considered: [
			{index: 1, agentId: 'home', match: maya, outcome: 'chosen', why: 'answers'},
			{index: 0, ...binding, outcome: 'outranked', why: 'matches, and is less specific'},
		],
	});
	expect(await runJson(state, ['agents', 'list'])).toMatchObject([
		{agentId: 'main', bindings: 0},
		{agentId: 'work', bindings: 1},
		{agentId: 'home', bindings: 1},
	]);
	const unbind = ['agents', 'unbind', '--agent', 'home', '--channel', 'telegram', '--peer', 'direct:-5:1'];
	expect(await runJson(state, unbind)).toEqual({agentId: 'home', match: maya, removed: 1});
	expect(await runJson(state, [...route, '--peer', 'dm:-5:1'])).toMatchObject({agentId: 'work'});
	expect(await runJson(state, ['agents', 'unbind', '--agent', 'work', '--all'])).toEqual({
		...{agentId: 'work', match: null, removed: 1},
	});
	expect(await runJson(state, route)).toMatchObject({agentId: 'main', matchedBy: 'default', binding: null});
	expect(await runJson(state, ['agents', 'bindings'])).toEqual([]);
});

it('bindings are listed with those that are out of use', async () => {
	const state = stateOf({bindings: bound});
	const problem = 'its match has members that are not known here: guildId';
	expect(await runJson(state, ['agents', 'bindings'])).toEqual([
		{index: 0, ...bound[0]},
		{index: 1, ...bound[1]},
		{index: 2, agentId: 'work', match: {channel: 'discord'}, problem},
		{index: 3, ...bound[3], problem: 'passed over: there is no agent gone'},
	]);
	expect(table((await run(state, ['agents', 'bindings', '--agent', 'work'])).stdout)).toEqual([
		'MESSAGES OF | AGENT | STATE',
		'telegram | work | ✓ in use',
		`discord | work | ✗ ${problem}`,
	]);
	expect(await runJson(state, ['agents', 'bindings', '--agent', 'gone'])).toHaveLength(1);
	expect(await run(state, ['agents', 'bindings', '--agent', 'main'])).toMatchObject({
		...{code: 0, stdout: expect.stringMatching(/^The agent main has no bindings\./)},
	});
});

it('a route is told to a person with the bindings that were considered', async () => {
	const state = stateOf({bindings: bound});
	const route = ['agents', 'route', '--channel', 'telegram', '--account', 'team', '--peer', 'dm:-5:1'];
	expect(table((await run(state, route)).stdout)).toEqual([
		'telegram, account team, direct -5:1: the agent home answers, because the most specific binding that matches is for this account.',
		' | MESSAGES OF | AGENT | WHY',
		'– | telegram, direct -5:1 | gone | passed over: there is no agent gone',
		'✓ | telegram, account team | home | answers',
		'– | telegram | work | matches, and is less specific',
	]);
	expect((await run(state, ['agents', 'route', '--channel', 'signal'])).stdout).toBe(
		'signal: the agent main answers, because no binding matches, and main is the default agent.\n',
	);
});

it('channels list has exactly the documented shape, and no secret', async () => {
	const state = stateOf({
		bindings: bound,
		channels: {
			signal: {accounts: {a: {token: canary('signal')}, b: {}}},
			telegram: {botToken: canary('telegram'), accounts: {main: {}}},
		},
	});
	writeStore(state, 'main', {profiles: {'key:a': {type: 'api_key', provider: 'key', key: canary('key')}}});
	const expires = Date.now() - 1000;
	const oauth = {type: 'oauth', provider: 'acme', access: canary('a'), refresh: canary('r'), expires};
	writeStore(state, 'work', {profiles: {'acme:maya': oauth}});
	const chat = {signal: ['a', 'b'], telegram: ['main', 'team'], discord: []};
	expect(await runJson(state, ['channels', 'list'])).toEqual({
		chat,
		auth: [{id: 'key:a', provider: 'key', type: 'api_key', isExternal: false}],
	});
	expect(await runJson(state, ['channels', 'list', '--agent', 'work'])).toEqual({
		chat,
		// Its own, and what it reads of the main agent.
		auth: [
			{id: 'acme:maya', provider: 'acme', type: 'oauth', isExternal: false},
			{id: 'key:a', provider: 'key', type: 'api_key', isExternal: false},
		],
	});
	expect(table((await run(state, ['channels', 'list'])).stdout)).toEqual([
		...['CHANNEL | ACCOUNTS', 'signal | a, b', 'telegram | main, team', 'discord | –', ''],
		...['PROFILE | PROVIDER | KIND', 'key:a | key | api_key'],
	]);
	expect(await runJson(emptyState(), ['channels', 'list'])).toEqual({chat: {}, auth: []});
});

it('an agent that is deleted takes its bindings along, and says so', async () => {
	const state = stateOf({bindings: bound});
	const outcome = await run(state, ['agents', 'delete', 'work', '--yes']);
	expect(outcome.stderr).toBe('Deleted the agent work and its 2 bindings.\n');
	expect(await runJson(state, ['agents', 'delete', 'home', '--yes'])).toMatchObject({bindings: 1});
	expect(await runJson(state, ['agents', 'bindings'])).toMatchObject([{agentId: 'gone'}]);
});

const toHome = ['--agent', 'home', '--channel'];

it.each([
	[['bind', ...toHome, 'telegram'], 1, 'binding_conflict'],
	[['bind', '--agent', 'nobody', '--channel', 'x'], 1, 'agent_unknown'],
	[['bind', ...toHome, 'Telegram'], 2, 'binding_invalid'],
	[['bind', ...toHome, 'x', '--account', ''], 2, 'binding_invalid'],
	[['bind', ...toHome, 'x', '--peer', '5'], 2, 'binding_invalid'],
	[['bind', '--agent', 'home'], 2, 'usage'],
	[['bind', '--channel', 'x'], 2, 'usage'],
	[['unbind', ...toHome, 'telegram'], 1, 'binding_unknown'],
	[['unbind', '--agent', 'main', '--all'], 1, 'binding_unknown'],
	[['unbind', '--agent', 'nobody', '--all'], 1, 'agent_unknown'],
	[['unbind', '--agent', 'home'], 2, 'usage'],
	[['unbind', ...toHome, 'telegram', '--all'], 2, 'usage'],
	[['unbind', '--agent', 'home', '--all', '--peer', 'dm:5'], 2, 'usage'],
	[['bindings', '--agent', 'nobody'], 1, 'agent_unknown'],
	[['route', '--channel', 'x', '--peer', 'thread:5'], 2, 'binding_invalid'],
])('agents %j is refused', async (args, exit, code) => {
	const state = stateOf({bindings: bound});
	const before = readFileSync(state.paths.config, 'utf8');
	const outcome = await run(state, ['agents', ...args, '--json']);
	expect(outcome).toMatchObject({code: exit, stdout: ''});
	expect(errorIn(outcome).code).toBe(code);
	expect(readFileSync(state.paths.config, 'utf8')).toBe(before);
});

it('the command that a conflict gives ends it', async () => {
	const peer = {kind: 'group', id: "it's 5"};
	const state = stateOf({bindings: [{agentId: 'work', match: {channel: 'x', accountId: '-1', peer}}]});
	const bind = ['agents', 'bind', ...toHome, 'x', '--account', '-1', '--peer', "group:it's 5"];
	const {next} = errorIn(await run(state, [...bind, '--json']));
	const [, given = ''] = /: jarvis (.*)$/.exec(next) ?? [];
	const command = ['sh', '-c', `"$0" "$1" ${given}`] as const;
	const undone = await run(state, [process.execPath, program], {command});
	expect(undone).toMatchObject({code: 0});
	expect(await run(state, bind)).toMatchObject({code: 0});
});
