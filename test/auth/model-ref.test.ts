import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {type ModelRefContext, parseModelRef} from '../../source/auth/routing/model-ref.ts';

const context: ModelRefContext = {
	agentId: 'work',
	aliases: new Map([
		['Opus', 'anthropic/opus'],
		['Claude Opus', 'anthropic/opus'],
		['@home', 'ollama/small'],
		['mini', 'gpt-mini'],
		['__proto__', 'openai/constructor'],
	]),
	configuredModels: ['anthropic/opus', 'openai/org/gpt', 'openai/gpt@2026', 'ollama/small', 'Mini'],
	defaultProvider: 'openai',
	profiles: [
		{profileId: 'anthropic:work', provider: 'anthropic'},
		{profileId: 'anthropic:me@example.test', provider: 'anthropic'},
		{profileId: 'openai:default', provider: 'openai'},
		{profileId: 'cf:default', provider: 'cf'},
		{profileId: 'odd', provider: 'cf'},
		{profileId: 'constructor', provider: '__proto__'},
	],
};

function parse(text: string, change: Partial<ModelRefContext> = {}) {
	return parseModelRef(text, {...context, ...change});
}

/** What a reference is read as: `provider/model`, and behind a space the profile; `(new)` with a note. */
function read(text: string, change: Partial<ModelRefContext> = {}): string {
	const parsed = parse(text, change);
	if ('problem' in parsed) return parsed.problem.code;
	const {provider, model, profileId, note} = parsed.ok;
	return [`${provider}/${model}`, profileId, note && '(new)'].filter(Boolean).join(' ');
}

test.each([
	['Opus', 'anthropic/opus'],
	['  oPUS ', 'anthropic/opus'],
	['claude opus', 'anthropic/opus'],
	['claude opus@anthropic:work', 'anthropic/opus anthropic:work'],
	['anthropic/opus', 'anthropic/opus'],
	['openai/org/gpt', 'openai/org/gpt'],
	['gpt-mini', 'openai/gpt-mini'],
	['mini', 'openai/gpt-mini'],
	['anthropic/sonnet', 'anthropic/sonnet (new)'],
	['sonnet', 'openai/sonnet (new)'],
	['org/gpt', 'model_unknown'],
	['Anthropic/opus', 'model_unknown'],
	['Opus@anthropic:work', 'anthropic/opus anthropic:work'],
	['opus @ anthropic:work', 'anthropic/opus anthropic:work'],
	['opus@anthropic:me@example.test', 'anthropic/opus anthropic:me@example.test'],
	['anthropic/opus@2026@anthropic:work', 'anthropic/opus@2026 anthropic:work (new)'],
	['anthropic/o@1@anthropic:me@example.test', 'anthropic/o@1 anthropic:me@example.test (new)'],
	['openai/gpt@2026', 'openai/gpt@2026'],
	['gpt@2026@openai:default', 'openai/gpt@2026 openai:default'],
	['gpt@2025', 'openai/gpt@2025 (new)'],
	['anthropic/a@b@c', 'anthropic/a@b@c (new)'],
	['cf/@cf/meta/llama', 'cf/@cf/meta/llama (new)'],
	['cf/@cf/meta/llama@cf:default', 'cf/@cf/meta/llama cf:default (new)'],
	['cf/m@odd', 'cf/m odd (new)'],
	['@home', 'ollama/small'],
	['opus@openai:default', 'profile_foreign'],
	['anthropic/x@2@openai:default', 'profile_foreign'],
	['anthropic/x@cf:default', 'profile_foreign'],
	['x@anthropic:me@example.test', 'profile_foreign'],
	['opus@wrok', 'profile_unknown'],
	['opus@me@example.test', 'profile_unknown'],
	['gpt@2026@wrok', 'profile_unknown'],
	['anthropic/x@anthropic:wrok', 'profile_unknown'],
	['anthropic/x@anthropic:you@example.test', 'profile_unknown'],
	['anthropic/x@cf:wrok', 'profile_unknown'],
	['anthropic/x@sky:wrok', 'anthropic/x@sky:wrok (new)'],
	['anthropic/x@anthropic:', 'anthropic/x@anthropic: (new)'],
	['ollama/small@ollama:me', 'profile_unknown'],
	['opus@', 'profile_unknown'],
	['sky/x@anthropic:work', 'model_unknown'],
	['sky/x@anthropic:wrok', 'model_unknown'],
	['', 'usage'],
	[' \n ', 'usage'],
	['@anthropic:work', 'usage'],
	['@anthropic:me@example.test', 'usage'],
	['@', 'usage'],
	['@nothing', 'usage'],
	['/x', 'usage'],
	['anthropic/', 'usage'],
	['anthropic/@anthropic:work', 'usage'],
	['/', 'usage'],
	['two words', 'usage'],
	['anthropic/opus\nand more', 'usage'],
	['anthropic/\u001b[31mopus', 'usage'],
	['anthropic/o\u202epus', 'usage'],
	['x'.repeat(501), 'usage'],
	['__proto__', 'openai/constructor'],
	['__proto__/x@constructor', '__proto__/x constructor (new)'],
	['constructor', 'openai/constructor'],
	['toString', 'openai/toString (new)'],
	['toString/valueOf', 'model_unknown'],
])('%j is read as %s', (text, expected) => {
	expect(read(text)).toBe(expected);
});

test('of two profiles that end the text, the one behind the last @ is meant', () => {
	const ids = ['anthropic:me', 'anthropic:x@anthropic:me'];
	const profiles = ids.map(profileId => ({profileId, provider: 'anthropic'}));
	expect(read('anthropic/o@anthropic:x@anthropic:me', {profiles})).toBe(
		'anthropic/o@anthropic:x anthropic:me (new)',
	);
	expect(read('opus@anthropic:x@anthropic:me', {profiles: profiles.slice(1)})).toBe(
		'anthropic/opus anthropic:x@anthropic:me',
	);
});

describe('where no model is configured', () => {
	const bare = {aliases: new Map(), configuredModels: []};

	it('each is taken without a note', () => {
		expect(read('anthropic/anything', bare)).toBe('anthropic/anything');
		expect(read('anything', bare)).toBe('openai/anything');
	});

	it('a provider is one with a profile, or the default one', () => {
		expect(read('ollama/small', bare)).toBe('model_unknown');
		expect(read('ollama/small', {...bare, defaultProvider: 'ollama'})).toBe('ollama/small');
	});
});

describe('without a default provider', () => {
	const none = {defaultProvider: undefined};

	it.each(['sonnet', 'gpt-mini', 'mini', 'sonnet@anthropic:work', 'sonnet@anthropic:wrok'])(
		'a bare %s is unknown, and provider/model is asked for',
		text => {
			const parsed = parse(text, none);
			expect(parsed).toMatchObject({
				problem: {code: 'model_unknown', next: expect.stringContaining('Write provider/model.')},
			});
		},
	);

	it('an alias is none the worse', () => {
		expect(read('opus@anthropic:work', none)).toBe('anthropic/opus anthropic:work');
	});
});

describe('a problem tells what there is', () => {
	function problemOf(text: string, change: Partial<ModelRefContext> = {}) {
		const parsed = parse(text, change);
		if ('ok' in parsed) throw new Error('It was read.');
		return parsed.problem;
	}

	it('of the right provider, where the profile is of another one', () => {
		expect(problemOf('opus@openai:default')).toEqual({
			code: 'profile_foreign',
			message: 'openai:default belongs to openai, not to anthropic.',
			next: 'The agent work has these profiles of anthropic: anthropic:me@example.test, anthropic:work.',
		});
	});

	it('where there is no such profile', () => {
		const {message, next} = problemOf('opus@me@example.test');
		expect(message).toBe('The agent work has no profile me@example.test.');
		expect(next).toContain('anthropic:me@example.test, anthropic:work');
		expect(problemOf('opus@').message).toBe('No profile is named behind the @.');
	});

	it('or how to log in, where the provider has none', () => {
		expect(problemOf('ollama/small@ollama:me').next).toBe(
			'The agent work has no profile of ollama. Log in: jarvis models auth login --provider ollama --agent work',
		);
	});

	it('where the provider is unknown', () => {
		const {message, next} = problemOf('sky/x');
		expect(message).toContain('no profile of sky');
		expect(next).toContain('__proto__, anthropic, cf, ollama, openai.');
		const none = {aliases: new Map(), configuredModels: [], defaultProvider: undefined, profiles: []};
		expect(problemOf('sky/x', none).next).toBe(
			'Log in: jarvis models auth login --provider <id> --agent work',
		);
	});

	it('without what a terminal would act on, whoever wrote the profile’s id', () => {
		const profiles = [{profileId: 'anthropic:\u001b[31mred', provider: 'anthropic'}];
		expect(problemOf('opus@wrok', {profiles}).next).toContain('anthropic: anthropic:red.');
	});

	it('and a note says which model is new', () => {
		const parsed = parse('anthropic/sonnet');
		expect('ok' in parsed && parsed.ok.note).toContain('anthropic/sonnet is not among the configured models');
	});
});

/** Texts that an id may hold, an `@` often among them. */
const word = fc
	.array(fc.constantFrom('a', 'B', '1', '-', '.', '@', ':', 'é', '__proto__'), {minLength: 1, maxLength: 8})
	.map(parts => parts.join(''));
const providerId = fc.constantFrom('a', 'b', 'openai-codex', 'constructor', '__proto__');
const modelId = fc
	.array(word, {minLength: 1, maxLength: 3})
	.map(parts => parts.join('/'))
	.filter(model => !model.startsWith('@'));
const profiles = fc.array(
	fc.tuple(providerId, word).map(([provider, name]) => ({profileId: `${provider}:${name}`, provider})),
	{minLength: 1, maxLength: 6},
);

test('provider/model@profile of parts that exist is read as its parts', () => {
	const parts = profiles.chain(all =>
		fc.record({profiles: fc.constant(all), chosen: fc.constantFrom(...all), model: modelId}),
	);
	fc.assert(
		fc.property(parts, ({profiles, chosen: {profileId, provider}, model}) => {
			// An id that ends in another one's is cut at the last @ that yields one.
			const shorter = profiles.some(
				other => other.provider === provider && profileId.endsWith(`@${other.profileId}`),
			);
			fc.pre(!shorter);
			const change = {profiles, aliases: new Map(), configuredModels: [`${provider}/${model}`]};
			expect(parse(`${provider}/${model}@${profileId}`, change)).toEqual({ok: {provider, model, profileId}});
		}),
	);
});

test('a configured model is read as itself, whatever it holds', () => {
	fc.assert(
		fc.property(providerId, modelId, profiles, (provider, model, all) => {
			const ref = `${provider}/${model}`;
			fc.pre(!all.some(({profileId}) => ref.endsWith(`@${profileId}`)));
			const change = {profiles: all, aliases: new Map(), configuredModels: [ref]};
			expect(parse(ref, change)).toEqual({ok: {provider, model}});
		}),
	);
});

test('no text makes it throw, and what it reads exists', () => {
	const text = fc.oneof(
		fc.string({unit: 'binary'}),
		fc
			.array(fc.oneof(word, fc.constantFrom('/', '@', ' ', 'opus', 'anthropic:work', 'openai/', '\u0000')))
			.map(parts => parts.join('')),
	);
	fc.assert(
		fc.property(text, fc.option(providerId, {nil: undefined}), (text, defaultProvider) => {
			const parsed = parse(text, {defaultProvider});
			if ('problem' in parsed) {
				const {message, next} = parsed.problem;
				expect(`${message}${next}`).not.toMatch(/\p{Cc}/u);
				return;
			}
			const {provider, model, profileId} = parsed.ok;
			expect(provider).not.toContain('/');
			expect([provider, model]).not.toContain('');
			if (profileId !== undefined) expect(context.profiles).toContainEqual({profileId, provider});
		}),
	);
});
