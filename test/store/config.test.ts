import {statSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {addAgent, deleteAgent, setDefaultAgent} from '../../source/store/agents.ts';
import {type ConfigEdit, readConfig, updateConfig} from '../../source/store/config.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {emptyState, modeOf, names, put, text} from '../support/state-folder.ts';

function stateWith(config: unknown): StatePaths {
	const paths = emptyState();
	put(paths.config, config);
	return paths;
}

/** As a person writes it: comments everywhere, a layout of its own. */
const handmade = `// All of it.
{
  "$schema": "https://example.test/schema.json",
  "agents": {
    "list": [
      // The first one.
      {"id": "adam", "name": "Adam"}, // behind adam
      /* The second one. */
      {"id": "zoe", "default": true}, // behind zoe
    ],
  },

  /* The order
     of things. */
  "auth": {"order": {"acme": ["acme:b", "acme:a"]}}, // behind the order
}
`;

/** What stands behind the list of agents. */
const rest = handmade.slice(handmade.indexOf('    ],'));

/** The comments of a text, in their order. */
function commentsOf(content: string): string[] {
	return content.match(/\/\/.*|\/\*[\s\S]*?\*\//g)?.map(comment => comment.trimEnd()) ?? [];
}

async function listOf(paths: StatePaths) {
	return (await readConfig(paths)).agents.map(({id, isDefault}) => (isDefault ? `${id}*` : id));
}

describe('reading jarvis.json', () => {
	it('takes a missing file for an empty configuration', async () => {
		const config = await readConfig(emptyState());
		expect(config.agents).toMatchObject([]);
		expect(config.defaultAgent).toBeUndefined();
		expect([config.order.size, config.profiles.size, config.endpointOverrides.size]).toEqual([0, 0, 0]);
	});

	it('understands JSON5', async () => {
		const paths = stateWith(`\ufeff{
			// comment
			agents: {list: [{id: 'adam', name: 'A\\
dam', default: true,}, {id: "zoe", workspace: '/w'}]},
			auth: {order: {'acme': ['acme:a', ]}, profiles: {'acme:a': {provider: 'acme', mode: 'oauth'}}},
			number: +.5, hex: 0xff, /* more */
		}`);
		const config = await readConfig(paths);
		expect(config.agents).toMatchObject([
			{id: 'adam', index: 0, name: 'Adam', isDefault: true},
			{id: 'zoe', index: 1, workspace: '/w', isDefault: false},
		]);
		expect([...config.order]).toEqual([['acme', ['acme:a']]]);
		expect([...config.profiles]).toEqual([['acme:a', 'acme']]);
	});

	it.each([
		['{\n  agents: {list: [}\n}', 'line 2, column 19'],
		['{"a": 1', 'line 1, column 8'],
		['{\n\n"a" 1}', 'line 3, column 5'],
		['', 'line 1, column 1'],
		['// nothing\n', 'line 2, column 1'],
		['[]', 'it holds no object'],
		['5', 'it holds no object'],
	])('names the place of a fault: %j', async (content, place) => {
		const paths = stateWith(content);
		const failure = {
			code: 'config_damaged',
			message: expect.stringContaining(`${paths.config} is not valid`),
		};
		await expect(readConfig(paths)).rejects.toMatchObject(failure);
		await expect(readConfig(paths)).rejects.toThrow(`(${place})`);
		await expect(addAgent(paths, {id: 'adam'})).rejects.toMatchObject({code: 'config_damaged'});
		expect(text(paths.config)).toBe(content);
		expect(names(paths.root)).not.toContain('agents');
	});

	it.each([
		[{order: 5}, 'auth.order is no object of providers'],
		[{order: {acme: 'acme:a'}}, 'auth.order.acme is no list of profile ids'],
		[{order: {acme: ['acme:a', 5]}}, 'auth.order.acme is no list of profile ids'],
	])('does not let a profile in by an order that it cannot read: %j', async (auth, fault) => {
		const reading = readConfig(stateWith({auth}));
		await expect(reading).rejects.toMatchObject({
			code: 'config_damaged',
			message: expect.stringContaining(fault),
		});
	});

	it('takes parts of another type for absent', async () => {
		const config = await readConfig(
			stateWith({
				agents: {list: [5, {name: 'no id'}, {id: 7}, {id: 'adam', default: 'yes', name: 5}]},
				auth: 'x',
			}),
		);
		expect(config.agents).toMatchObject([{id: 'adam', index: 3, isDefault: false}]);
		expect(config.order.size).toBe(0);
		expect((await readConfig(stateWith({agents: [], auth: [], models: null}))).agents).toEqual([]);
	});

	it('takes the first agent that is marked for the default, and none if none is', async () => {
		const list = [{id: 'adam'}, {id: 'eve', default: true}, {id: 'zoe', default: true}];
		expect((await readConfig(stateWith({agents: {list}}))).defaultAgent).toBe('eve');
		expect((await readConfig(stateWith({agents: {list: [{id: 'adam'}]}}))).defaultAgent).toBeUndefined();
	});

	it("reads a provider's own endpoints", async () => {
		const acme = {issuer: 'https://id.example.test', clientId: 'client'};
		const other = {authorizationEndpoint: 'https://a.example.test', tokenEndpoint: 'https://t.example.test'};
		const providers = {
			acme: {auth: {...acme, future: 1}},
			other: {auth: {...other, clientId: 5}},
			none: {apiKey: 'canary'},
			odd: {auth: 'x'},
			// As a computed key, since a plain one would set the prototype.
			['__proto__']: {auth: acme},
		};
		const {endpointOverrides} = await readConfig(stateWith({models: {providers}}));
		expect([...endpointOverrides]).toEqual([
			['acme', acme],
			['other', other],
			['__proto__', acme],
		]);
	});
});

describe('editing jarvis.json', () => {
	it('makes it, private', async () => {
		const paths = emptyState();
		await addAgent(paths, {id: 'adam', name: 'Adam', workspace: '/w'});
		expect(JSON.parse(text(paths.config))).toEqual({
			agents: {list: [{id: 'adam', name: 'Adam', workspace: '/w'}]},
		});
		expect(text(paths.config)).toMatch(/^\{\n {2}"agents": \{\n[\s\S]*\}\n$/);
		expect(modeOf(paths.config)).toBe('600');
	});

	it('keeps comments and layout when an agent is added', async () => {
		const paths = stateWith(handmade);
		await addAgent(paths, {id: 'eve'});
		expect(await listOf(paths)).toEqual(['adam', 'zoe*', 'eve']);
		const written = text(paths.config);
		expect(commentsOf(written)).toEqual(commentsOf(handmade));
		expect(written).toContain(handmade.slice(0, handmade.indexOf('{"id": "zoe"')));
		expect(written).toContain(rest);
	});

	it('keeps comments and layout when the default changes', async () => {
		const paths = stateWith(handmade);
		await setDefaultAgent(paths, 'adam');
		expect(await listOf(paths)).toEqual(['adam*', 'zoe']);
		const written = text(paths.config);
		expect(commentsOf(written)).toEqual(commentsOf(handmade));
		expect(written).toContain(rest);
	});

	it('keeps what does not stand between the agents when one is deleted', async () => {
		const paths = stateWith(handmade);
		await deleteAgent(paths, 'adam');
		expect(await listOf(paths)).toEqual(['zoe*']);
		const written = text(paths.config);
		expect(commentsOf(written)).toEqual(expect.arrayContaining(['// All of it.', '// behind the order']));
		expect(written).toContain(rest);
	});

	it("keeps the others' comments when an agent is deleted", async () => {
		const paths = stateWith(handmade);
		await deleteAgent(paths, 'adam');
		const comments = commentsOf(text(paths.config));
		expect(comments).toEqual(expect.arrayContaining(['/* The second one. */', '// behind zoe']));
	});

	it.each([
		['tabs', '{\n\t"agents": {\n\t\t"list": [\n\t\t\t{"id": "adam"}\n\t\t]\n\t}\n}\n', /^ |\t /m],
		['four spaces', '{\n    "agents": {\n        "list": []\n    }\n}\n', /^( {4})* {1,3}\S/m],
	])('keeps to an indentation by %s', async (_, content, other) => {
		const paths = stateWith(content);
		await addAgent(paths, {id: 'eve'});
		expect(text(paths.config)).not.toMatch(other);
	});

	it('keeps to line ends of Windows', async () => {
		const paths = stateWith('{\r\n  "agents": {\r\n    "list": []\r\n  }\r\n}\r\n');
		await addAgent(paths, {id: 'eve'});
		expect(text(paths.config)).not.toMatch(/[^\r]\n/);
	});

	it('keeps the version before as a backup', async () => {
		const paths = stateWith(handmade);
		await addAgent(paths, {id: 'eve'});
		expect(text(`${paths.config}.bak`)).toBe(handmade);
	});

	it.each([
		['a key without quotes', '{agents: {list: []}}'],
		['single quotes', "{'agents': {}}"],
		['a number of another form', '{"a": +1}'],
		['a number without its end', '{"a": 5.}'],
		['a hexadecimal number', '{"a": 0xff}'],
		['an infinite number', '{"a": Infinity}'],
		['a text of two lines', '{"a": "b\\\nc"}'],
		['an escape of another form', '{"a": "\\x41"}'],
	])('refuses to write back %s, says what to change, and leaves the file', async (_, content) => {
		const paths = stateWith(content);
		const before = statSync(paths.config).ino;
		await expect(addAgent(paths, {id: 'eve'})).rejects.toMatchObject({
			code: 'config_uneditable',
			next: expect.stringContaining('{"id":"eve"}'),
		});
		expect(text(paths.config)).toBe(content);
		expect(statSync(paths.config).ino).toBe(before);
		expect(names(paths.root)).toEqual(['jarvis.json', 'locks']);
	});

	it('writes back a file that only has a byte order mark', async () => {
		const paths = stateWith('\ufeff{"agents": {}}');
		await addAgent(paths, {id: 'eve'});
		expect(await listOf(paths)).toEqual(['eve']);
	});

	it('needs no writing back when there is nothing to change', async () => {
		const paths = stateWith("{agents: {list: [{id: 'adam', default: true}]}}");
		await setDefaultAgent(paths, 'adam');
	});

	it('names a part of the wrong type', async () => {
		const paths = stateWith({agents: {list: {}}});
		await expect(addAgent(paths, {id: 'eve'})).rejects.toMatchObject({code: 'config_damaged'});
	});

	it('sets and removes members on any path', async () => {
		const paths = stateWith(handmade);
		const edits: ConfigEdit[] = [
			{path: ['auth', 'order', 'other'], value: ['other:x']},
			{path: ['auth', 'order', 'acme'], value: undefined},
			{path: ['models', 'providers', 'acme', 'auth', 'issuer'], value: 'https://id.example.test'},
		];
		await updateConfig(paths, () => edits);
		const config = await readConfig(paths);
		expect([...config.order]).toEqual([['other', ['other:x']]]);
		expect([...config.endpointOverrides]).toEqual([['acme', {issuer: 'https://id.example.test'}]]);
	});

	it('loses no change of two at the same time', async () => {
		const paths = stateWith(handmade);
		const ids = Array.from({length: 8}, (_, index) => `agent-${index}`);
		await Promise.all(ids.map(id => addAgent(paths, {id})));
		expect((await listOf(paths)).sort()).toEqual(['adam', ...ids, 'zoe*'].sort());
	});
});
