import {describe, expect, test} from 'vitest';
import {assertAlias, listModels, modelMeant} from '../../source/auth/routing/models.ts';
import {decodeConfig} from '../../source/store/config.ts';
import type {JsonObject} from '../../source/store/json.ts';
import {refusal} from '../support/sandbox.ts';

function modelsOf(defaults: JsonObject) {
	return decodeConfig({agents: {defaults}}).models;
}

/** Two providers have a name besides their id. */
const providerIdOf = async (name: string) => ({claude: 'anthropic', gpt: 'openai'})[name] ?? name;

const isProvider = async (name: string) => ['anthropic', 'claude'].includes(name);

describe('the models that are configured', () => {
	test('are each listed once: the primary one, the fallbacks by their turn, the rest', () => {
		const models = modelsOf({
			model: {primary: 'Opus', fallbacks: ['openai/gpt', 'anthropic/opus', 'groq/a/b', 'openai/gpt']},
			models: {'zai/glm': {}, 'anthropic/opus': {alias: 'Opus'}, 'groq/a/b': {alias: 'Fast'}},
		});
		expect(listModels(models)).toEqual([
			{name: 'anthropic/opus', provider: 'anthropic', aliases: ['Opus'], isPrimary: true, fallback: 2},
			{name: 'openai/gpt', provider: 'openai', aliases: [], isPrimary: false, fallback: 1},
			{name: 'groq/a/b', provider: 'groq', aliases: ['Fast'], isPrimary: false, fallback: 3},
			{name: 'zai/glm', provider: 'zai', aliases: [], isPrimary: false},
		]);
	});

	test('are listed as they are written where they name no provider', () => {
		const models = modelsOf({model: 'opus', models: {'/x': {alias: 'X'}}});
		expect(listModels(models)).toEqual([
			{name: 'opus', aliases: [], isPrimary: true},
			{name: '/x', aliases: ['X'], isPrimary: false},
		]);
	});
});

describe('the model that a person means', () => {
	const models = modelsOf({model: 'anthropic/opus', models: {'openai/gpt-5': {alias: 'Big'}}});

	test.each([
		['groq/llama', 'groq/llama'],
		[' groq/org/llama@1 ', 'groq/org/llama@1'],
		['claude/sonnet', 'anthropic/sonnet'],
		['sonnet', 'anthropic/sonnet'],
		['bIG', 'openai/gpt-5'],
	])('%j is %s', async (text, name) => {
		expect(await modelMeant(text, models, providerIdOf, isProvider)).toBe(name);
	});

	test.each([
		'',
		' ',
		'/',
		'/opus',
		'anthropic/',
		'anthropic',
		'claude',
		'anthropic/o pus',
		'anthropic/op\u0000us',
		'x\u202ey',
	])('%j is refused', async text => {
		const {code, exitCode} = await refusal(modelMeant(text, models, providerIdOf, isProvider));
		expect([code, exitCode]).toEqual(['usage', 2]);
	});

	test('is unknown where nothing tells its provider', async () => {
		for (const defaults of [{}, {model: 'opus'}]) {
			const {code} = await refusal(modelMeant('sonnet', modelsOf(defaults), providerIdOf, isProvider));
			expect(code).toBe('model_unknown');
		}
	});
});

test('an alias is one word that means nothing else', () => {
	for (const alias of ['Opus', 'opus-4.5', 'größe', 'x'.repeat(64)])
		expect(() => assertAlias(alias)).not.toThrow();
	for (const alias of ['', 'a b', 'a/b', 'a@b', 'List', 'default', 'status', 'x\u200by', 'x'.repeat(65)])
		expect(() => assertAlias(alias), alias).toThrow('can be no alias');
});
