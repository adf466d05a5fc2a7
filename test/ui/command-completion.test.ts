import {expect, test} from 'vitest';
import {decodeConfig} from '../../source/store/config.ts';
import {commandCompletions} from '../../source/ui/command-completion.ts';
import {apiKey} from '../screens/state.ts';
import {agentOf, stateOf} from './state-of.ts';

const config = decodeConfig({
	agents: {
		defaults: {
			model: {primary: 'anthropic/opus', fallbacks: ['openai/org/gpt@latest']},
			models: {'anthropic/opus': {alias: 'Opus'}, 'openai/org/gpt@latest': {alias: 'Gpt'}},
		},
	},
});

const main = agentOf('main', {
	profiles: {
		'anthropic:work': apiKey('anthropic'),
		'anthropic:me@example.test': apiKey('anthropic'),
		'openai:default': apiKey('openai'),
	},
});
const reader = {...agentOf('reader'), inherited: main.profiles};
const apart = agentOf('apart', {profiles: {'anthropic:mine': apiKey('anthropic')}});

function completions(begun: string, agentId = 'main'): string[] {
	const state = stateOf();
	const snapshot = {...state.snapshot, agents: [main, reader, apart], config};
	return commandCompletions({...state, snapshot}, agentId, begun);
}

test('commands follow what is begun, those of one form once, and none that holds a placeholder', () => {
	const all = ['/model', '/model status', '/model list', '/model default', '/reset', '/new', '/help'];
	expect(completions('')).toEqual(all);
	expect(completions('/')).toEqual(all);
	expect(completions('/RE')).toEqual(['/reset']);
	expect(completions('/model')).toEqual(all.slice(0, 4));
	expect(completions('hello')).toEqual([]);
	expect(completions('/reset now')).toEqual([]);
});

test('aliases and models follow /model, and then its words', () => {
	expect(completions('/model ')).toEqual([
		...['/model Opus', '/model Gpt', '/model anthropic/opus', '/model openai/org/gpt@latest'],
		...['/model default', '/model list', '/model status'],
	]);
	expect(completions('/model oP')).toEqual(['/model Opus', '/model openai/org/gpt@latest']);
	expect(completions('/model li')).toEqual(['/model list']);
	expect(completions('/model nothing')).toEqual([]);
});

test('how it was typed stays: case, colon and spaces', () => {
	expect(completions('/MODEL:  an')).toEqual(['/MODEL:  anthropic/opus']);
	expect(completions('/model:g')).toEqual(['/model:Gpt']);
});

test('profiles of the model’s provider follow an @', () => {
	expect(completions('/model opus@')).toEqual([
		'/model opus@anthropic:work',
		'/model opus@anthropic:me@example.test',
	]);
	expect(completions('/model Opus@anthropic:w')).toEqual(['/model Opus@anthropic:work']);
	expect(completions('/model openai/other@')).toEqual(['/model openai/other@openai:default']);
	expect(completions('/model Nobody@')).toEqual([]);
});

test('an @ in the id of a profile or in a model stops nothing', () => {
	expect(completions('/model Opus@anthropic:me@ex')).toEqual(['/model Opus@anthropic:me@example.test']);
	expect(completions('/model anthropic/opus@anthropic:me@ex')).toEqual([
		'/model anthropic/opus@anthropic:me@example.test',
	]);
	expect(completions('/model openai/org/gpt@lat')).toEqual(['/model openai/org/gpt@latest']);
	expect(completions('/model openai/org/gpt@latest@open')).toEqual([
		'/model openai/org/gpt@latest@openai:default',
	]);
});

test('the profiles are those that the agent can use: what it reads of the main agent too', () => {
	expect(completions('/model gpt@', 'reader')).toEqual(['/model gpt@openai:default']);
	expect(completions('/model opus@', 'apart')).toEqual(['/model opus@anthropic:mine']);
	expect(completions('/model opus@', 'gone')).toEqual([]);
});
