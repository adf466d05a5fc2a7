import {afterAll, describe, expect, it} from 'vitest';
import {addAgent, deleteAgent} from '../../source/store/agents.ts';
import {bind, matchOf, unbind} from '../../source/store/bindings.ts';
import {readConfig} from '../../source/store/config.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {emptyState, names, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorkers} from '../support/workers.ts';
import type {BindingsWorker} from './bindings-worker.ts';

afterAll(endWorkers);

/** As a person writes it: comments everywhere, entries that this version does not know. */
const handmade = `// All of it.
{
  "agents": {"list": [{"id": "work"}, {"id": "home"}]}, // behind the agents
  "bindings": [
    // The team.
    {"agentId": "work", "match": {"channel": "telegram", "accountId": "*"}}, // behind the team
    /* Not known here. */
    {"agentId": "work", "match": {"channel": "discord", "guildId": "g"}, "comment": "kept"}, // behind discord
    // The family.
    {"agentId": "home", "match": {"channel": "telegram", "peer": {"kind": "dm", "id": "5"}}}, // behind the family
    "odd", // behind odd
  ],
  /* Secrets may be here. */
  "channels": {"telegram": {"accounts": {"work": {"token": "canary-bot"}}}},
}
`;

function stateWith(config: unknown): StatePaths {
	const paths = emptyState();
	put(paths.config, config);
	return paths;
}

async function boundIn(paths: StatePaths) {
	return (await readConfig(paths)).bindings.map(({agentId, match}) => [agentId, match] as const);
}

/** The comments of a text, in their order. */
function commentsOf(content: string): string[] {
	return content.match(/\/\/.*|\/\*.*?\*\//g) ?? [];
}

/** The lines of a text that are not in another one. */
function linesLost(before: string, after: string): string[] {
	const present = new Set(after.split('\n'));
	return before.split('\n').filter(line => !present.has(line));
}

describe('reading bindings', () => {
	it('takes what is understood, and names the rest with the reason', async () => {
		const match = {channel: 'telegram'};
		const peer = {kind: 'direct', id: '5'};
		const bindings = [
			{agentId: 'work', match: {...match, accountId: 'a', peer: {kind: 'dm', id: '5'}}},
			{agentId: 'work', type: 'route', comment: 'ours', match: {...match, accountId: '*', peer}},
			5,
			{match},
			{agentId: '../work', match},
			{agentId: 'work'},
			{agentId: 'work', match: {}},
			{agentId: 'work', match: {channel: 'Telegram'}},
			{agentId: 'work', match: {...match, accountId: ''}},
			{agentId: 'work', match: {...match, accountId: null}},
			{agentId: 'work', match: {...match, accountId: 'a\u{202e}b'}},
			{agentId: 'work', match: {...match, peer: null}},
			{agentId: 'work', match: {...match, peer: {kind: 'thread', id: '5'}}},
			{agentId: 'work', match: {...match, peer: {kind: 'group', id: 5}}},
			{agentId: 'work', match: {...match, peer: {...peer, topic: 1}, teamId: 'T', 'a\u{1b}b': 1}},
			{agentId: 'work', type: 'acp', match},
		];
		const config = await readConfig(stateWith({bindings}));
		expect(config.bindings).toEqual([
			{index: 0, agentId: 'work', match: {...match, accountId: 'a', peer}},
			{index: 1, agentId: 'work', match: {...match, peer}},
		]);
		const of = {agentId: 'work', channel: 'telegram'};
		expect(config.brokenBindings).toEqual([
			{index: 2, problem: 'is not an object'},
			{index: 3, channel: 'telegram', problem: 'names no agent'},
			{index: 4, channel: 'telegram', problem: 'names no agent'},
			{index: 5, agentId: 'work', problem: 'has no match'},
			{index: 6, agentId: 'work', problem: 'its match names no channel'},
			{index: 7, agentId: 'work', problem: 'its match names no channel'},
			...[8, 9, 10].map(index => ({...of, index, problem: 'its accountId is none'})),
			...[11, 12, 13].map(index => ({...of, index, problem: 'its peer is none'})),
			{
				...of,
				index: 14,
				problem:
					'its match has members that are not known here: teamId, (a name that cannot be shown), peer.topic',
			},
			{...of, index: 15, problem: 'is of a type that is not known here'},
		]);
	});

	it('takes of channels the names and the ids of accounts, and nothing else', async () => {
		const channels = {
			telegram: {
				token: 'canary-bot',
				accounts: {work: {token: 'canary-work'}, 'a\nb': {}, home: 'canary-home'},
			},
			signal: 'canary-signal',
			'Not one': {},
			constructor: {accounts: ['canary-list']},
		};
		const config = await readConfig(stateWith({channels}));
		expect([...config.channels]).toEqual([
			['telegram', ['work', 'home']],
			['signal', []],
			['constructor', []],
		]);
		expect(JSON.stringify([...config.channels])).not.toContain('canary');
	});

	it('takes parts of another type for absent', async () => {
		const config = await readConfig(stateWith({bindings: {a: 1}, channels: ['telegram']}));
		expect([config.bindings, config.brokenBindings, [...config.channels]]).toEqual([[], [], []]);
	});
});

describe('a match in words', () => {
	it.each([
		[{channel: 'telegram'}, {channel: 'telegram'}],
		[{channel: 't.2_x-y', accountId: '*'}, {channel: 't.2_x-y'}],
		[
			{channel: 't', accountId: '-5'},
			{channel: 't', accountId: '-5'},
		],
		[
			{channel: 't', peer: 'dm:a b:c@s.example.test'},
			{channel: 't', peer: {kind: 'direct', id: 'a b:c@s.example.test'}},
		],
		[
			{channel: 't', peer: 'direct:5'},
			{channel: 't', peer: {kind: 'direct', id: '5'}},
		],
		[
			{channel: 't', peer: 'group:-100'},
			{channel: 't', peer: {kind: 'group', id: '-100'}},
		],
		[
			{channel: 't', peer: 'channel:C1'},
			{channel: 't', peer: {kind: 'channel', id: 'C1'}},
		],
		[
			{channel: 't', accountId: '✓'.repeat(200)},
			{channel: 't', accountId: '✓'.repeat(200)},
		],
	])('%j is understood', (words, match) => {
		expect(matchOf(words)).toEqual(match);
	});

	it.each([
		[{channel: ''}],
		[{channel: 'Telegram'}],
		[{channel: '-t'}],
		[{channel: 't'.repeat(65)}],
		[{channel: '../t'}],
		[{channel: 't', accountId: ''}],
		[{channel: 't', accountId: 'a\u{7}'}],
		[{channel: 't', accountId: ' a'}],
		[{channel: 't', accountId: 'a'.repeat(201)}],
		[{channel: 't', peer: '5'}],
		[{channel: 't', peer: ':5'}],
		[{channel: 't', peer: 'dm:'}],
		[{channel: 't', peer: 'toString:5'}],
		[{channel: 't', peer: 'thread:5'}],
		[{channel: 't', peer: 'group:a\nb'}],
	])('%j is refused', words => {
		expect(() => matchOf(words)).toThrow(expect.objectContaining({code: 'binding_invalid', exitCode: 2}));
	});
});

describe('binding', () => {
	it('makes the file and the list', async () => {
		const paths = emptyState();
		const match = {channel: 'telegram', peer: {kind: 'direct', id: '5'}} as const;
		expect(await bind(paths, 'main', match)).toBe('added');
		expect(JSON.parse(text(paths.config))).toEqual({bindings: [{agentId: 'main', match}]});
	});

	it('keeps comments, layout and what is not known', async () => {
		const paths = stateWith(handmade);
		expect(await bind(paths, 'home', {channel: 'signal', accountId: 'a'})).toBe('added');
		expect((await boundIn(paths)).at(-1)).toEqual(['home', {channel: 'signal', accountId: 'a'}]);
		expect(linesLost(handmade, text(paths.config))).toEqual([]);
		expect(commentsOf(text(paths.config))).toEqual(commentsOf(handmade));
		expect((await readConfig(paths)).brokenBindings).toHaveLength(2);
	});

	it.each([
		['a comma', '{\n  "bindings": [\n    "odd", // behind odd\n  ],\n}\n', '    "odd", // behind odd\n    {'],
		['no comma', '{\n\t"bindings": [\n\t\t"odd" /* odd */\n\t]\n}\n', '\t\t"odd", /* odd */\n\t\t{\n\t\t\t"'],
		[
			'line ends of Windows',
			'{\r\n "bindings": [\r\n  "odd" // odd\r\n ]\r\n}\r\n',
			'  "odd", // odd\r\n  {\r\n   "',
		],
	])('leaves the comment behind the last one where it is, with %s', async (_, content, expected) => {
		const paths = stateWith(content);
		await bind(paths, 'main', {channel: 'signal'});
		expect(text(paths.config)).toContain(expected);
		expect(await boundIn(paths)).toEqual([['main', {channel: 'signal'}]]);
		const hasCommaAtTheEnd = (list: string) => /,[^\]"]*\]/.test(list);
		expect(hasCommaAtTheEnd(text(paths.config))).toBe(hasCommaAtTheEnd(content));
		await unbind(paths, 'main', undefined);
		expect(text(paths.config).replace('"odd",', '"odd"')).toBe(content.replace('"odd",', '"odd"'));
	});

	it('changes nothing when it is there already, however it is written', async () => {
		const paths = stateWith(handmade);
		expect(await bind(paths, 'work', {channel: 'telegram'})).toBe('skipped');
		expect(await bind(paths, 'home', matchOf({channel: 'telegram', peer: 'direct:5'}))).toBe('skipped');
		expect(text(paths.config)).toBe(handmade);
		expect(names(paths.root)).not.toContain('jarvis.json.bak');
	});

	it('is refused when another agent has it, and says which command helps', async () => {
		const paths = stateWith(handmade);
		await expect(bind(paths, 'home', {channel: 'telegram'})).rejects.toMatchObject({
			...{code: 'binding_conflict', exitCode: 1, message: expect.stringContaining('the agent work already')},
			next: expect.stringMatching(/: jarvis agents unbind --agent work --channel telegram$/),
		});
		await expect(bind(paths, 'work', matchOf({channel: 'telegram', peer: 'dm:5'}))).rejects.toMatchObject({
			next: expect.stringMatching(/--agent home --channel telegram --peer 'direct:5'$/),
		});
		expect(text(paths.config)).toBe(handmade);
	});

	it('is refused for an agent that there is not', async () => {
		const paths = stateWith(handmade);
		await expect(bind(paths, 'nobody', {channel: 'x'})).rejects.toMatchObject({code: 'agent_unknown'});
		expect(text(paths.config)).toBe(handmade);
	});

	it('says what to add by hand where the file cannot be written back', async () => {
		const paths = stateWith('{bindings: []}');
		await expect(bind(paths, 'main', {channel: 'telegram'})).rejects.toMatchObject({
			code: 'config_uneditable',
			next: expect.stringContaining('add to bindings: {"agentId":"main","match":{"channel":"telegram"}}'),
		});
	});

	it('names a list of another type', async () => {
		const paths = stateWith({bindings: {}});
		await expect(bind(paths, 'main', {channel: 'telegram'})).rejects.toMatchObject({code: 'config_damaged'});
	});

	it('gives the same messages to one of two agents at the same time', async () => {
		const paths = stateWith(handmade);
		const match = {channel: 'signal'};
		const outcomes = await Promise.allSettled(['work', 'home'].map(id => bind(paths, id, match)));
		expect(outcomes.map(({status}) => status).sort()).toEqual(['fulfilled', 'rejected']);
		expect((await boundIn(paths)).filter(([, {channel}]) => channel === 'signal')).toHaveLength(1);
	});

	it('loses nothing when two processes do it', async () => {
		const paths = stateWith(handmade);
		const before = await boundIn(paths);
		const workers = await startWorkers<BindingsWorker>(new URL('bindings-worker.ts', import.meta.url), 2);
		await Promise.all(workers.map((worker, index) => worker.call('work', paths.root, `w${index}`, 10)));
		const added = ['w0', 'w1'].flatMap(name =>
			[0, 2, 4, 6, 8].map(turn => ['main', {channel: 'telegram', accountId: `${name}-${turn}`}]),
		);
		const after = await boundIn(paths);
		expect(after.slice(0, before.length)).toEqual(before);
		expect(after).toHaveLength(before.length + added.length);
		expect(after).toEqual(expect.arrayContaining(added));
		expect(linesLost(handmade, text(paths.config))).toEqual([]);
	}, 60_000);
});

describe('unbinding', () => {
	it('removes one binding and keeps the rest as it is', async () => {
		const paths = stateWith(handmade);
		expect(await unbind(paths, 'work', {channel: 'telegram'})).toBe(1);
		expect(linesLost(handmade, text(paths.config))).toEqual([expect.stringContaining('// behind the team')]);
		expect(await boundIn(paths)).toHaveLength(1);
	});

	it('removes all of an agent, also what is not understood, and no other one', async () => {
		const paths = stateWith(handmade);
		expect(await unbind(paths, 'work', undefined)).toBe(2);
		expect(linesLost(handmade, text(paths.config))).toEqual([
			expect.stringContaining('// behind the team'),
			expect.stringContaining('// behind discord'),
		]);
		expect((await readConfig(paths)).brokenBindings).toEqual([{index: 1, problem: 'is not an object'}]);
	});

	it('removes the same binding as often as it is there', async () => {
		const one = {agentId: 'main', match: {channel: 'x'}};
		const paths = stateWith({bindings: [one, {agentId: 'main', match: {channel: 'y'}}, one]});
		expect(await unbind(paths, 'main', {channel: 'x'})).toBe(2);
		expect(await boundIn(paths)).toEqual([['main', {channel: 'y'}]]);
	});

	it('works for an agent that is gone', async () => {
		const paths = stateWith({bindings: [{agentId: 'gone', match: {channel: 'x'}}]});
		expect(await unbind(paths, 'gone', {channel: 'x'})).toBe(1);
		await expect(unbind(paths, 'gone', {channel: 'x'})).rejects.toMatchObject({code: 'agent_unknown'});
	});

	it.each([
		['another agent has it', 'home', {channel: 'telegram'}],
		['it is for one account only', 'work', {channel: 'telegram', accountId: 'a'}],
		['it is not understood', 'work', {channel: 'discord'}],
		['the agent has none at all', 'main', undefined],
	])('is refused when %s', async (_, agentId, match) => {
		const paths = stateWith(handmade);
		await expect(unbind(paths, agentId, match)).rejects.toMatchObject({
			...{code: 'binding_unknown', exitCode: 1},
			next: 'See those that there are: jarvis agents bindings',
		});
		expect(text(paths.config)).toBe(handmade);
	});
});

describe('an agent that is deleted', () => {
	it('takes its bindings along, so that a later one of its id does not get its messages', async () => {
		const paths = stateWith(handmade);
		expect(await deleteAgent(paths, 'work')).toBe(2);
		expect(text(paths.config)).not.toContain('"work", "match"');
		expect(text(paths.config)).toContain('// behind the family');
		await addAgent(paths, {id: 'work'});
		expect((await boundIn(paths)).map(([agentId]) => agentId)).toEqual(['home']);
		expect(await deleteAgent(paths, 'work')).toBe(0);
	});
});
