import {describe, expect, it, test} from 'vitest';
import type {ModelRef} from '../../source/auth/routing/model-ref.ts';
import {
	applyDefaultModel,
	applyModel,
	parseSlashCommand,
	slashCommands,
	slashHelp,
} from '../../source/auth/routing/slash-command.ts';
import type {JsonObject} from '../../source/store/json.ts';
import {pinOf, type Session, setPin} from '../../source/store/sessions.ts';

test.each([
	['/model', 'model-status'],
	['/model status', 'model-status'],
	['  /MODEL   Status \n', 'model-status'],
	['/model:', 'model-status'],
	['/model: status', 'model-status'],
	['/model list', 'model-list'],
	['/Model:List', 'model-list'],
	['/model default', 'model-default'],
	['/model : DEFAULT', 'model-default'],
	['/reset', 'reset'],
	['/new', 'reset'],
	['/NEW ', 'reset'],
	['/help', 'help'],
])('%j is %s', (line, kind) => {
	expect(parseSlashCommand(line)).toEqual({kind});
});

test.each([
	['/model Opus', 'Opus'],
	['/model: Opus', 'Opus'],
	['/model:Opus', 'Opus'],
	['/MODEL\tOpus@anthropic:Work ', 'Opus@anthropic:Work'],
	['/model anthropic/opus@anthropic:me@example.test', 'anthropic/opus@anthropic:me@example.test'],
	['/model Claude Opus', 'Claude Opus'],
	['/model a:b', 'a:b'],
	['/model list all', 'list all'],
	['/model opus\nmore', 'opus\nmore'],
])('%j sets a model', (line, ref) => {
	expect(parseSlashCommand(line)).toEqual({kind: 'model-set', ref});
});

test.each([
	'',
	'/',
	'model opus',
	'/models',
	'/model@anthropic:work',
	'/model/opus',
	'//model',
	'/ model',
	'/constructor',
	'/modél',
	'hello',
])('%j is no command, and those that there are are listed', line => {
	expect(parseSlashCommand(line)).toEqual({
		problem: {
			code: 'slash_command_unknown',
			message: 'There is no such slash command.',
			next:
				'Those that there are: /model, /model status, /model list, /model default, ' +
				'/model <model>[@<profile id>], /reset, /new, /help.',
		},
	});
});

test.each(['/reset now', '/NEW: session', '/help model'])('%j has a word too many', line => {
	expect(parseSlashCommand(line)).toMatchObject({
		problem: {code: 'slash_command_unknown', message: expect.stringContaining('takes no further words')},
	});
});

describe('the table', () => {
	it('shows usages that are read as what they say', () => {
		for (const {kind, usage} of slashCommands) {
			for (const line of usage) expect(parseSlashCommand(line)).toMatchObject({kind});
		}
	});

	it('makes the help, one line each, in columns', () => {
		const lines = slashHelp();
		expect(lines).toHaveLength(slashCommands.length);
		const columns = lines.map((line, index) => line.indexOf(slashCommands[index]?.help ?? '?'));
		expect(new Set(columns).size).toBe(1);
		expect(lines[0]).toMatch(/^\/model, \/model status {2,}Shows/);
	});
});

const profiles = [
	{profileId: 'anthropic:work', provider: 'anthropic'},
	{profileId: 'openai:odd', provider: 'anthropic'},
];
const opus: ModelRef = {provider: 'anthropic', model: 'opus'};
const setsOpus = {model: opus};

function pinned(profileId: string, source: 'auto' | 'user'): Session {
	return {
		compactionCount: 1,
		authProfileOverride: profileId,
		authProfileOverrideSource: source,
		authProfileOverrideCompactionCount: 1,
	};
}

describe('a model', () => {
	it('with a profile pins it for the person', () => {
		const before = [undefined, pinned('anthropic:other', 'user'), pinned('anthropic:work', 'auto')];
		for (const session of before) {
			expect(applyModel(session, {...opus, profileId: 'anthropic:work'}, profiles)).toEqual({
				patch: {...setsOpus, pin: {profileId: 'anthropic:work', source: 'user'}},
				sentences: [
					'This session uses anthropic/opus from now on, with the profile anthropic:work and no other of anthropic.',
				],
			});
		}
	});

	it('without one keeps a person’s pin of the provider, and says so', () => {
		for (const profileId of ['anthropic:work', 'openai:odd', 'anthropic:gone']) {
			const {patch, sentences} = applyModel(pinned(profileId, 'user'), opus, profiles);
			expect(patch).toEqual(setsOpus);
			expect(sentences.join()).toContain(`keeps to the profile ${profileId}, as you chose.`);
		}
	});

	it('without one drops a person’s pin of another provider, and says so', () => {
		for (const profileId of ['openai:default', 'openai:gone']) {
			const {patch, sentences} = applyModel(pinned(profileId, 'user'), opus, profiles);
			expect(patch).toEqual({...setsOpus, pin: null});
			expect(sentences.join()).toContain(
				`no longer keeps to the profile ${profileId}, which belongs to openai.`,
			);
		}
	});

	it('without one drops an automatic pin, of which nobody needs to hear', () => {
		for (const session of [undefined, {compactionCount: 0}, pinned('anthropic:work', 'auto')]) {
			expect(applyModel(session, opus, profiles)).toEqual({
				patch: {...setsOpus, pin: null},
				sentences: ['This session uses anthropic/opus from now on.'],
			});
		}
	});

	it('that is new says so last', () => {
		const note = 'A note.';
		for (const profileId of [undefined, 'anthropic:work']) {
			const ref = profileId === undefined ? {...opus, note} : {...opus, note, profileId};
			expect(applyModel(pinned('anthropic:work', 'user'), ref, profiles).sentences.at(-1)).toBe(note);
		}
	});

	it('is in the session’s entry afterwards, the pin with the compactions so far', () => {
		const document: JsonObject = {a: {sessionId: 'x', compactionCount: 4}};
		const {patch} = applyModel(undefined, {...opus, profileId: 'anthropic:work'}, profiles);
		setPin(document, 'a', patch, {now: 1, sessionId: 'y'});
		expect(document.a).toMatchObject({
			sessionId: 'x',
			providerOverride: 'anthropic',
			modelOverride: 'opus',
			authProfileOverride: 'anthropic:work',
			authProfileOverrideSource: 'user',
			authProfileOverrideCompactionCount: 4,
		});
		expect(pinOf(document.a as unknown as Session)).toEqual({profileId: 'anthropic:work', source: 'user'});
		setPin(document, 'a', applyDefaultModel(undefined).patch, {now: 2, sessionId: 'y'});
		expect(document.a).toEqual({sessionId: 'x', compactionCount: 4, updatedAt: 2});
	});
});

test('the default clears model and pin, and tells of a person’s', () => {
	const patch = {model: null, pin: null};
	const quiet = {patch, sentences: ['This session uses the default model from now on.']};
	expect(applyDefaultModel(undefined)).toEqual(quiet);
	expect(applyDefaultModel(pinned('anthropic:work', 'auto'))).toEqual(quiet);
	const {sentences} = applyDefaultModel(pinned('anthropic:\u001b[31mwork', 'user'));
	expect(sentences.join()).toContain('no longer keeps to the profile anthropic:work.');
});
