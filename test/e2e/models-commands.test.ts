import {readFileSync, writeFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {canary, writeJson, writeStore} from '../support/sandbox.ts';
import {emptyState, errorIn, run, runJson} from './support.ts';

it('models are set, named, put behind each other and listed, with a credential or without', async () => {
	const state = emptyState();
	expect(await run(state, ['models', 'list'])).toMatchObject({
		...{code: 0, stderr: ''},
		stdout: 'No model is configured. Set the primary one: jarvis models set <provider>/<model>\n',
	});
	expect(await run(state, ['models', 'set', 'claude/opus'])).toEqual({
		...{code: 0, stdout: ''},
		stderr:
			'anthropic/opus is the primary model now.\n' +
			"There is no credential for it. See why: jarvis which 'anthropic/opus'\n",
	});
	writeStore(state, 'main', {
		profiles: {'anthropic:work': {type: 'api_key', provider: 'anthropic', key: canary('key')}},
	});
	expect(await run(state, ['models', 'set', 'claude/opus'])).toMatchObject({
		stderr: 'anthropic/opus is the primary model now.\n',
	});
	expect(await runJson(state, ['models', 'aliases', 'add', 'Big', 'opus'])).toEqual({
		...{alias: 'Big', model: 'anthropic/opus'},
	});
	expect(await run(state, ['models', 'aliases', 'add', 'Opus', 'big'])).toMatchObject({
		stderr: 'Opus is anthropic/opus now. It was called Big before.\n',
	});
	for (const model of ['openai/gpt', 'sonnet', 'opus'])
		expect(await runJson(state, ['models', 'fallbacks', 'add', model])).toMatchObject({
			added: true,
			available: model !== 'openai/gpt',
		});
	expect(await runJson(state, ['models', 'fallbacks', 'add', 'Opus'])).toEqual({
		...{model: 'anthropic/opus', added: false, available: true},
	});
	expect(await run(state, ['models', 'fallbacks', 'list'])).toMatchObject({
		stdout: '1. openai/gpt\n2. anthropic/sonnet\n3. anthropic/opus\n',
	});
	expect((await run(state, ['models', 'list'])).stdout).toBe(
		[
			'MODEL             USED AS              ALIAS  CREDENTIAL OF main',
			'anthropic/opus    primary, fallback 3  Opus   ✓ anthropic:work',
			'openai/gpt        fallback 1           –      ✗ none of openai',
			'anthropic/sonnet  fallback 2           –      ✓ anthropic:work\n',
		].join('\n'),
	);
	expect(await runJson(state, ['models', 'list'])).toMatchObject({
		...{agentId: 'main', count: 3},
		models: [
			{key: 'anthropic/opus', tags: ['default', 'fallback#3', 'alias:Opus'], profileId: 'anthropic:work'},
			{key: 'openai/gpt', tags: ['fallback#1'], available: false, profileId: null},
			{key: 'anthropic/sonnet', tags: ['fallback#2'], available: true},
		],
	});
	// What is set is what is used.
	expect(await runJson(state, ['which', 'OPUS'])).toMatchObject({
		options: [{name: 'anthropic/opus'}, {name: 'openai/gpt'}, {name: 'anthropic/sonnet'}],
	});
	expect(await runJson(state, ['models', 'fallbacks', 'remove', 'Opus'])).toMatchObject({removed: true});
	expect(await runJson(state, ['models', 'fallbacks', 'list'])).toEqual({
		fallbacks: ['openai/gpt', 'anthropic/sonnet'],
	});
	expect(await runJson(state, ['models', 'aliases', 'remove', 'opus'])).toMatchObject({
		model: 'anthropic/opus',
	});
	expect(await runJson(state, ['models', 'aliases', 'list'])).toEqual({aliases: {}});
	expect(await runJson(state, ['models', 'fallbacks', 'clear'])).toEqual({removed: 2});
	expect(await runJson(state, ['models', 'fallbacks', 'clear'])).toEqual({removed: 0});
});

it('a provider that nobody knows has no credential, and keeps back no other model', async () => {
	const state = emptyState();
	writeJson(state.paths.config, {
		agents: {defaults: {model: {primary: 'aa/one', fallbacks: ['claude/opus', 'gone']}}},
	});
	writeStore(state, 'main', {
		profiles: {'anthropic:work': {type: 'api_key', provider: 'anthropic', key: canary('key')}},
	});
	expect(await run(state, ['models', 'list'])).toEqual({
		...{code: 0, stderr: ''},
		stdout: [
			'MODEL           USED AS     ALIAS  CREDENTIAL OF main',
			'aa/one          primary     –      ✗ none of aa',
			'anthropic/opus  fallback 1  –      ✓ anthropic:work',
			'gone            fallback 2  –      ✗ names no provider\n',
		].join('\n'),
	});
	expect(await runJson(state, ['models', 'list'])).toMatchObject({
		models: [
			{key: 'aa/one', available: false, profileId: null},
			{profileId: 'anthropic:work'},
			{provider: null},
		],
	});
});

it('what is refused changes nothing', async () => {
	const state = emptyState();
	writeJson(state.paths.config, {
		agents: {defaults: {model: 'groq/a', models: {'groq/a': {alias: 'Fast'}, 'groq/b': {}}}},
	});
	const before = readFileSync(state.paths.config, 'utf8');
	for (const [args, code, exit] of [
		[['aliases', 'add', 'fast', 'groq/b'], 'model_alias_taken', 1],
		[['aliases', 'add', 'a/b', 'groq/b'], 'usage', 2],
		[['aliases', 'remove', 'slow'], 'model_not_listed', 1],
		[['fallbacks', 'remove', 'b'], 'model_not_listed', 1],
		[['set', 'groq/'], 'usage', 2],
	] as const) {
		const outcome = await run(state, ['models', ...args, '--json']);
		expect([errorIn(outcome).code, outcome.code]).toEqual([code, exit]);
	}
	expect(readFileSync(state.paths.config, 'utf8')).toBe(before);
});

it('comments, a short form and an alias among the fallbacks are met as people write them', async () => {
	const state = emptyState();
	const text = `{
  // mine
  "agents": {"defaults": {
    "model": "groq/a", // the fast one
    "models": {"groq/b": {"alias": "Slow"}, "claude/opus": {"alias": "Opus"}},
  }},
}
`;
	writeJson(state.paths.config, {});
	writeFileSync(state.paths.config, text);
	await runJson(state, ['models', 'fallbacks', 'add', 'Slow']);
	await runJson(state, ['models', 'set', 'Slow']);
	const written = readFileSync(state.paths.config, 'utf8');
	expect(written).toContain('// mine');
	expect(written).toContain('// the fast one');
	expect(await runJson(state, ['models', 'list'])).toMatchObject({
		models: [
			{key: 'groq/b', tags: ['default', 'fallback#1', 'alias:Slow']},
			{key: 'anthropic/opus', tags: ['alias:Opus']},
		],
	});
	// What was written by an alias that goes is named by itself, and an entry for that alone goes with it.
	await runJson(state, ['models', 'aliases', 'add', 'Quick', 'Slow']);
	await runJson(state, ['models', 'aliases', 'remove', 'quick']);
	expect(await runJson(state, ['models', 'list'])).toMatchObject({
		models: [{key: 'groq/b', tags: ['default', 'fallback#1']}, {key: 'anthropic/opus'}],
	});
	expect(
		JSON.parse(
			readFileSync(state.paths.config, 'utf8')
				.replace(/\/\/.*/g, '')
				.replace(/,(?=\s*\})/g, ''),
		),
	).toEqual({
		agents: {
			defaults: {
				model: {primary: 'groq/b', fallbacks: ['groq/b']},
				models: {'claude/opus': {alias: 'Opus'}},
			},
		},
	});
	// Another name of a provider is that provider.
	await runJson(state, ['models', 'aliases', 'add', 'Best', 'anthropic/opus']);
	expect(readFileSync(state.paths.config, 'utf8')).toContain('"claude/opus": {"alias": "Best"}');
});

it('an alias that goes leaves what was written by it as it was meant', async () => {
	for (const change of [
		['add', 'quick', 'groq/b'],
		['remove', 'O'],
	]) {
		const state = emptyState();
		const model = {primary: 'o', fallbacks: ['x/y', 'O']};
		writeJson(state.paths.config, {agents: {defaults: {model, models: {'groq/b': {alias: 'o'}}}}});
		await runJson(state, ['models', 'aliases', ...change]);
		expect(JSON.parse(readFileSync(state.paths.config, 'utf8')).agents.defaults.model).toEqual({
			...{primary: 'groq/b', fallbacks: ['x/y', 'groq/b']},
		});
	}
});

it('a credential that is set aside is listed so', async () => {
	const state = emptyState();
	writeStore(state, 'main', {
		profiles: {'groq:a': {type: 'api_key', provider: 'groq', key: canary('key')}},
		usageStats: {'groq:a': {cooldownUntil: Date.now() + 3_600_000, lastFailureAt: Date.now() - 1}},
	});
	await runJson(state, ['models', 'set', 'groq/b']);
	expect((await run(state, ['models', 'list'])).stdout).toMatch(
		/^groq\/b +primary +– +~ groq:a, back in \d+m$/m,
	);
});
