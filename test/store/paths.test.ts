import {homedir, userInfo} from 'node:os';
import {basename, dirname, join, resolve} from 'node:path';
import fc from 'fast-check';
import {describe, expect, it, vi} from 'vitest';
import {
	assertAgentId,
	assertProfileId,
	isAgentId,
	isProviderId,
	providerOfProfileId,
	stateFolder,
	statePaths,
} from '../../source/store/paths.ts';

/** Texts that would lead elsewhere, break a line or a quotation, or pass for another. */
const tricks = [
	...['', '.', '..', '...', '../x', '..\\x', '/', '/etc', 'a/b', 'a\\b', 'a/../b', './a', 'a/', '~', '~/x'],
	...[
		'a\0b',
		'\0',
		'a\nb',
		'a\n',
		'\na',
		'a\rb',
		'a\tb',
		' a',
		'a ',
		'a b',
		'a\u00a0b',
		'a\u2028b',
		'a\u2029b',
	],
	...["a'b", 'a"b', 'a`b', 'a$b', '$(a)', 'a\u200bb', 'a\u202eb', '\ufeffa', 'a\u001b[31mb', 'a\u007f'],
];

describe('an agent id', () => {
	it.each(['a', 'main', '0', 'a-b_c9', 'constructor', 'a'.repeat(64)])('may be %j', id => {
		expect(assertAgentId(id)).toBe(id);
	});

	it.each([
		...tricks,
		...[
			'A',
			'Main',
			'-a',
			'_a',
			'a.b',
			'.a',
			'a:b',
			'a@b',
			'a%2fb',
			'__proto__',
			'a'.repeat(65),
			'a'.repeat(1e5),
		],
		// Cyrillic, full width, small capital, Turkish, combining, emoji.
		...['mаin', 'ｍain', 'ᴍain', 'ı', 'e\u0301', '🙂', 'ß'],
	])('may not be %j', id => {
		expect(isAgentId(id)).toBe(false);
		const paths = statePaths('/state');
		for (const use of [assertAgentId, paths.agent, paths.agentCredentials, paths.profiles]) {
			expect(() => use(id)).toThrow(expect.objectContaining({code: 'agent_invalid_id', exitCode: 2}));
		}
	});

	it('that is accepted, whatever it is, names a folder right below the agents', () => {
		const paths = statePaths('/state');
		const anyText = fc.oneof(fc.string({unit: 'binary'}), fc.stringMatching(/^[a-z0-9._/-]{1,8}$/));
		fc.assert(
			fc.property(anyText, id => {
				if (!isAgentId(id)) return;
				expect(dirname(resolve(paths.agent(id)))).toBe('/state/agents');
				expect(basename(paths.agent(id))).toBe(id);
				expect(id).toMatch(/^[\w-]+$/);
			}),
			{numRuns: 2000},
		);
	});

	it('that is refused is shown without its control characters', () => {
		expect(() => assertAgentId('a\u001b[31m\n')).toThrow('"a\\u001b[31m\\n" cannot be an agent id.');
	});
});

describe('a profile id', () => {
	it.each([
		...['openai-codex:default', 'acme:a@example.test', 'acme:a+b@example.test', 'acme:A.b:c', 'a.b_c:d'],
		...['acme:…', 'acme:日本', 'acme:.a', 'acme:a..b', 'acme:__proto__', `acme:${'a'.repeat(190)}`],
	])('may be %j', id => {
		expect(assertProfileId(id)).toBe(id);
	});

	it.each([
		...tricks,
		...tricks.map(trick => `acme:${trick}`).filter(id => id !== 'acme:~'),
		...tricks.map(trick => `${trick}:a`),
		...[
			'acme',
			':a',
			'acme:',
			'Acme:a',
			'аcme:a',
			'__proto__:a',
			`acme:${'a'.repeat(191)}`,
			`${'a'.repeat(65)}:a`,
		],
	])('may not be %j', id => {
		expect(() => assertProfileId(id)).toThrow(
			expect.objectContaining({code: 'profile_invalid_id', exitCode: 2}),
		);
	});

	it('that is accepted, whatever it is, stays one word within single quotes', () => {
		const anyName = fc.oneof(fc.string({unit: 'binary'}), fc.string({unit: 'grapheme'}), fc.string());
		fc.assert(
			fc.property(anyName, name => {
				try {
					assertProfileId(`acme:${name}`);
				} catch {
					return;
				}
				expect(name).not.toMatch(/[\p{Cc}\p{Cf}\s/\\'"`$]|^\.*$/u);
			}),
			{numRuns: 2000},
		);
	});

	it.each([
		['acme:a', 'acme'],
		['acme:a:b', 'acme'],
		['acme', 'acme'],
		[':a', ''],
	])('%j is of the provider %j', (id, provider) => {
		expect(providerOfProfileId(id)).toBe(provider);
	});
});

describe('a provider id', () => {
	it.each(['acme', 'openai-codex', 'a.b', '9', 'constructor'])('may be %j', id => {
		expect(isProviderId(id)).toBe(true);
	});

	it.each([...tricks, 'Acme', 'a:b', '-a', '__proto__', 'a'.repeat(65)])('may not be %j', id => {
		expect(isProviderId(id)).toBe(false);
	});
});

describe('the state folder', () => {
	it.each<[NodeJS.ProcessEnv, string]>([
		[{JARVIS_STATE_DIR: '/s', HOME: '/home/a'}, '/s'],
		[{JARVIS_STATE_DIR: '/s/../t/'}, '/t'],
		[{JARVIS_STATE_DIR: 'relative'}, resolve('relative')],
		[{JARVIS_STATE_DIR: '', HOME: '/home/a'}, '/home/a/.jarvis'],
		[{HOME: '/home/a'}, '/home/a/.jarvis'],
		[{HOME: ''}, join(homedir(), '.jarvis')],
		[{}, join(homedir(), '.jarvis')],
	])('of the environment %j is %s', (env, folder) => {
		expect(stateFolder(env)).toBe(folder);
	});

	// What `HOME=` gives: an empty one is no folder, least of all the one that a command is run in.
	it('is below the home of the account where HOME is empty', () => {
		vi.stubEnv('HOME', '');
		expect(stateFolder(process.env)).toBe(join(userInfo().homedir, '.jarvis'));
	});

	it('holds everything', () => {
		const paths = statePaths('/s');
		expect(paths.profiles('work')).toBe('/s/agents/work/agent/auth-profiles.json');
		expect(paths.agentCredentials('work')).toBe('/s/agents/work/agent');
		const {config, agents, plugins, locks, journal, pendingLogins} = paths;
		for (const path of [config, agents, plugins, locks, journal, pendingLogins]) {
			expect(dirname(path)).toBe('/s');
		}
	});
});
