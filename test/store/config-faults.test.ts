import {readFileSync} from 'node:fs';
import json5 from 'json5';
import {expect, it} from 'vitest';
import {configFaults} from '../../source/store/config-faults.ts';

const at = (document: object) =>
	configFaults(JSON.parse(JSON.stringify(document))).map(({path, expected}) => `${path}: ${expected}`);

it.each<[object, string[]]>([
	[{agents: 5}, ['agents: an object']],
	[{agents: {list: {}}}, ['agents.list: a list of agents']],
	[
		{agents: {list: ['work', {name: 'Work'}]}},
		['agents.list[0]: an object', 'agents.list[1].id: the agent’s id'],
	],
	[
		{agents: {list: [{id: 'work', name: 1, workspace: '', default: 'yes'}]}},
		[
			'agents.list[0].name: a text that is not empty',
			'agents.list[0].workspace: a text that is not empty',
			'agents.list[0].default: true or false',
		],
	],
	[{agents: {defaults: []}}, ['agents.defaults: an object']],
	[
		{agents: {defaults: {model: 1}}},
		['agents.defaults.model: a model, or an object with primary and fallbacks'],
	],
	[{agents: {defaults: {model: 'a/b'}}}, []],
	[
		{agents: {defaults: {model: {primary: '', fallbacks: 'openai/x'}}}},
		[
			'agents.defaults.model.primary: a text that is not empty',
			'agents.defaults.model.fallbacks: a list of models',
		],
	],
	[
		{agents: {defaults: {model: {fallbacks: ['a/b', 1]}}}},
		['agents.defaults.model.fallbacks[1]: a text that is not empty'],
	],
	[
		{agents: {defaults: {models: {'a/b': {alias: 3}, c: true}}}},
		['agents.defaults.models."a/b".alias: a text that is not empty', 'agents.defaults.models.c: an object'],
	],
	[{auth: []}, ['auth: an object']],
	[{auth: {profiles: {'a:b': {mode: 'token'}}}}, ['auth.profiles."a:b".provider: the provider’s id']],
	[
		{
			auth: {
				cooldowns: {failureWindowHours: -1, billingMaxHours: '5', billingBackoffHoursByProvider: {a: 0}},
			},
		},
		[
			'auth.cooldowns.billingMaxHours: a number of hours above 0',
			'auth.cooldowns.failureWindowHours: a number of hours above 0',
			'auth.cooldowns.billingBackoffHoursByProvider.a: a number of hours above 0',
		],
	],
	[{bindings: {}}, ['bindings: a list of bindings']],
	[{channels: {telegram: {accounts: []}}}, ['channels.telegram.accounts: an object of accounts']],
	[
		{models: {providers: {acme: {auth: {issuer: 1, clientId: 'x'}}, other: 'x'}}},
		['models.providers.acme.auth.issuer: a text that is not empty', 'models.providers.other: an object'],
	],
	[
		{
			models: {
				providers: {
					...{a: {apiKey: 5}, b: {apiKey: {source: 'x'}}, c: {apiKey: ''}, d: {apiKey: {source: 'env'}}},
					...{text: {apiKey: 'canary'}, variable: {apiKey: `\${CANARY}`}, none: {apiKey: null}},
					ref: {apiKey: {source: 'env', id: 'CANARY'}},
				},
			},
		},
		['a', 'b', 'c', 'd'].map(
			id => `models.providers.${id}.apiKey: a key, or a secret ref with a source and an id`,
		),
	],
	[
		{secrets: {providers: [], defaults: {env: 1}, resolution: {maxBatchBytes: 0}}},
		[
			'secrets.providers: an object of providers',
			'secrets.defaults.env: a text that is not empty',
			'secrets.resolution.maxBatchBytes: a whole number above 0',
		],
	],
	// What is null is meant to be absent, and what is not known here is nobody's fault.
	[{agents: null, auth: {cooldowns: null}, bindings: null, $schema: 1, other: {agents: 5}}, []],
	[JSON.parse('{"__proto__": 5, "agents": {"constructor": 1}}'), []],
])('%j has faults in %j', (document, expected) => {
	expect(at(document)).toEqual(expected);
});

it('the documented configuration has none', () => {
	const docs = readFileSync(new URL('../../docs/files.md', import.meta.url), 'utf8');
	const [, example = ''] = /```json5\n([\s\S]*?)```/.exec(docs) ?? [];
	expect(at(json5.parse(example))).toEqual([]);
});
