import {existsSync, readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {slashCommands} from '../../source/auth/routing/slash-command.ts';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, refusal, temporaryFolder, writeJson} from '../support/sandbox.ts';

const now = 1_900_000_000_000;
const minute = 60_000;
const chat = 'chat:1';
const key = (name: string, provider = 'acme') => ({type: 'api_key', provider, key: canary(name)});
const document = {
	profiles: {'acme:a': key('a'), 'acme:me@example.test': key('b'), 'other:x': key('x', 'other')},
};
const config = {
	agents: {
		defaults: {
			model: {primary: 'acme/one', fallbacks: ['other/two']},
			models: {'acme/org/opus@2026': {alias: 'Opus'}, 'other/two': {}},
		},
	},
};
/** What another program left in a session. */
const left = {sessionId: 's', updatedAt: 5, compactionCount: 2, quirk: [1]};

function open(sessions?: object, main: object = document, settings: object = config) {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	writeJson(paths.profiles('main'), main);
	writeJson(paths.config, settings);
	if (sessions) writeJson(paths.sessions('main'), sessions);
	const jarvis = openJarvis({stateDir, env: {}, now: () => now});
	return {
		paths,
		jarvis,
		send: (line: string, session = chat) => jarvis.sendToSession('main', session, line),
		stored: (): Record<string, Record<string, unknown>> =>
			JSON.parse(readFileSync(paths.sessions('main'), 'utf8')),
		bytes: () => readFileSync(paths.sessions('main'), 'utf8'),
	};
}

/** Lines without what only aligns them. */
const told = (lines: readonly string[]) => lines.map(line => line.replace(/ +/g, ' '));

const pinned = (profileId: string, compactions = 0) => ({
	...{authProfileOverride: profileId, authProfileOverrideSource: 'user'},
	authProfileOverrideCompactionCount: compactions,
});

describe('/model <model>', () => {
	test('says at once of a profile that cannot be used why, and what helps', async () => {
		const over = {type: 'token', provider: 'acme', token: canary('over'), expires: now - 1};
		const usageStats = {
			'acme:a': {cooldownUntil: now + 5 * minute, lastFailureAt: now, lastFailureReason: 'rate_limit'},
		};
		const {send, jarvis} = open(undefined, {
			profiles: {...document.profiles, 'acme:over': over},
			usageStats,
		});
		const paste = 'jarvis models auth paste-token --provider acme --agent main --profile-id';
		const fault = [
			'acme:over cannot be used now: expired, and cannot be refreshed.',
			`A new secret: ${paste} 'acme:over'`,
		];
		expect(await send('/model acme/one@acme:over')).toEqual([
			'This session uses acme/one from now on, with the profile acme:over and no other of acme.',
			...fault,
		]);
		// Also where it was chosen before.
		expect((await send('/model acme/org/opus@2026')).slice(1)).toEqual(fault);
		expect((await send('/model acme/one@acme:a')).slice(1)).toEqual([
			'acme:a is cooling down after a rate limit, back in 5m.',
		]);
		expect(await send('/model acme/one@acme:me@example.test')).toHaveLength(1);
		await jarvis.removeProfile('main', 'acme:me@example.test');
		expect((await send('/model acme/one')).slice(1)).toEqual([
			'acme:me@example.test cannot be used now: no such profile is stored.',
			`To let the session go: jarvis sessions send 'chat:1' '/model default' --agent main`,
		]);
	});

	test.each([
		['acme/new', {providerOverride: 'acme', modelOverride: 'new'}],
		['OPUS', {providerOverride: 'acme', modelOverride: 'org/opus@2026'}],
		['bare', {providerOverride: 'acme', modelOverride: 'bare'}],
		['other/two', {providerOverride: 'other', modelOverride: 'two'}],
		[
			'opus@acme:me@example.test',
			{providerOverride: 'acme', modelOverride: 'org/opus@2026', ...pinned('acme:me@example.test')},
		],
		[
			'acme/org/opus@2026@acme:a',
			{providerOverride: 'acme', modelOverride: 'org/opus@2026', ...pinned('acme:a')},
		],
		['two@other:x', {providerOverride: 'other', modelOverride: 'two', ...pinned('other:x')}],
	])('%s makes the session, with what it uses', async (ref, expected) => {
		// A bare model is of the default model's provider.
		const settings = ref.startsWith('two') ? {agents: {defaults: {model: 'other/one'}}} : config;
		const {send, stored} = open(undefined, document, settings);
		const [said = ''] = await send(`/model ${ref}`);
		expect(stored()).toEqual({[chat]: {sessionId: expect.any(String), updatedAt: now, ...expected}});
		expect(said).toContain(`This session uses ${expected.providerOverride}/${expected.modelOverride}`);
	});

	test('decides what the session is handed out, until it is sent back', async () => {
		const {send, jarvis} = open();
		await send('/model: opus@acme:me@example.test');
		const ask = () => jarvis.resolve({sessionKey: chat});
		expect(await ask()).toMatchObject({model: 'org/opus@2026', profileId: 'acme:me@example.test'});
		await send('/model other/two');
		expect(await ask()).toMatchObject({model: 'two', profileId: 'other:x'});
		await send('/model default');
		expect(await ask()).toMatchObject({model: 'one', profileId: 'acme:a'});
	});

	test('keeps a person’s profile for another model of its provider, and says so', async () => {
		const {send, stored} = open({[chat]: left});
		await send('/model opus@acme:a');
		const [said] = await send('/model acme/one');
		expect(said).toBe(
			'This session uses acme/one from now on. It keeps to the profile acme:a, as you chose.',
		);
		expect(stored()[chat]).toEqual({
			...{...left, updatedAt: now, providerOverride: 'acme', modelOverride: 'one'},
			...pinned('acme:a', 2),
		});
		const [gone] = await send('/model other/two');
		expect(gone).toContain('It no longer keeps to the profile acme:a, which belongs to acme.');
		expect(stored()[chat]).not.toHaveProperty('authProfileOverride');
	});

	test('lets an automatic profile go', async () => {
		const {send, jarvis, stored} = open();
		await jarvis.resolve({sessionKey: chat});
		expect(stored()[chat]).toMatchObject({authProfileOverride: 'acme:a', authProfileOverrideSource: 'auto'});
		await send('/model opus');
		expect(stored()[chat]).not.toHaveProperty('authProfileOverride');
	});

	test.each([
		['opus@other:x', 'profile_foreign', 'acme:a, acme:me@example.test'],
		['opus@acme:gone', 'profile_unknown', 'acme:a, acme:me@example.test'],
		['gone/model', 'model_unknown', 'jarvis models auth login'],
		['two words', 'usage', ''],
		['acme/', 'usage', ''],
	])('%s is %s, and changes nothing', async (ref, code, said) => {
		const {send, bytes} = open({[chat]: left});
		const before = bytes();
		const error = await refusal(send(`/model ${ref}`));
		expect(error).toMatchObject({code, next: expect.stringContaining(said)});
		expect(`${error.message} ${error.next}`).not.toContain('canary');
		expect(bytes()).toBe(before);
	});

	test('can name a profile that is read of the main agent', async () => {
		const {jarvis, paths} = open();
		writeJson(paths.profiles('work'), {profiles: {}});
		await jarvis.sendToSession('work', chat, '/model opus@acme:me@example.test');
		expect(await jarvis.resolve({agentId: 'work', sessionKey: chat})).toMatchObject({
			...{owner: 'main', profileId: 'acme:me@example.test'},
		});
		expect(existsSync(paths.sessions('main'))).toBe(false);
	});
});

describe('/model and /model status', () => {
	test('tell model, profile and why, and what stands behind', async () => {
		const {send, jarvis} = open();
		await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'rate_limit', at: now});
		for (const line of ['/model', '/model status', '/MODEL: Status']) {
			const [model, profile, ...others] = told(await send(line));
			expect([model, profile]).toEqual([
				'model acme/one (the primary model)',
				'profile acme:me@example.test (API key, never used)',
			]);
			expect(others.sort()).toEqual([
				'turn 2 other:x for other/two: API key, never used',
				'turn 3 acme:a: cooling down after a rate limit',
			]);
		}
	});

	test('tell of a pin that cannot be used, and of the fallback that is', async () => {
		const {send, jarvis} = open();
		await send('/model opus@acme:a');
		await jarvis.removeProfile('main', 'acme:a');
		const [model, profile, pin, ...others] = told(await send('/model'));
		expect([model, profile, pin]).toEqual([
			'model acme/org/opus@2026 (the session’s model)',
			'profile other:x for other/two (API key, never used)',
			'pin acme:a (pinned), which cannot be used now',
		]);
		expect(others).toEqual([
			expect.stringMatching(/^not tried ?acme:a: no such profile is stored$/),
			expect.stringMatching(/^not tried ?acme:me@example\.test: the session is pinned to acme:a$/),
			expect.stringMatching(/^not tried ?acme:a for acme\/one: no such profile is stored$/),
			expect.stringMatching(/^not tried ?acme:me@example\.test for acme\/one: the session is pinned/),
		]);
	});

	test('tell of a pin that is set aside when it comes back', async () => {
		const {send, jarvis} = open();
		await send('/model opus@acme:a');
		await jarvis.reportFailure({profileId: 'acme:a'}, {reason: 'auth', at: now});
		const [, profile] = told(await send('/model'));
		expect(profile).toBe('profile acme:a (cooling down after a refusal, back in 1m 0s)');
	});

	test('change nothing, and make no session', async () => {
		const {send, paths} = open();
		for (const {usage} of slashCommands) {
			const line = usage[0] ?? '';
			if (/status|list|help|model$/.test(line)) await send(line);
		}
		expect(existsSync(paths.sessions('main'))).toBe(false);
	});

	test('say so where no model is configured', async () => {
		const {send} = open(undefined, document, {});
		expect(told(await send('/model'))[0]).toContain('none configured');
	});

	test('say so where nothing can be used', async () => {
		const {send} = open(undefined, {profiles: {}});
		expect(told(await send('/model'))).toEqual([
			'model acme/one (the primary model)',
			'profile none can be used',
		]);
	});
});

describe('/model list', () => {
	test('tells the models, with the one in use, their aliases, and the profiles', async () => {
		const {send} = open();
		const lines = told(await send('/model list'));
		const used = lines.filter(line => line.startsWith('▸'));
		expect(used).toEqual([expect.stringContaining('▸ acme/one')]);
		expect(lines).toContainEqual(expect.stringContaining('other/two'));
		expect(lines).toContainEqual(expect.stringContaining('acme/org/opus@2026 (Opus)'));
		for (const id of Object.keys(document.profiles)) expect(lines.join('\n')).toContain(id);
		await send('/model acme/else');
		const [first, second] = told(await send('/model list'));
		expect(first).toContain('▸ acme/else');
		expect(second).toMatch(/^ ?acme\/one/);
	});

	test('tells each once, also where it goes by its alias', async () => {
		const defaults = {
			model: {primary: 'Opus', fallbacks: ['Fast', 'acme/opus']},
			models: {'acme/opus': {alias: 'Opus'}, 'other/fast': {alias: 'fast'}},
		};
		const {send} = open(undefined, document, {agents: {defaults}});
		const opus = ' acme/opus (Opus): acme:a, acme:me@example.test';
		const fast = ' other/fast (fast): other:x';
		expect(told(await send('/model list'))).toEqual([`▸${opus}`, fast]);
		await send('/model fast');
		expect(told(await send('/model list'))).toEqual([opus, `▸${fast}`]);
	});

	test('says so where there are none', async () => {
		const {send} = open(undefined, {profiles: {}}, {});
		const [said] = await send('/model list');
		expect(said).toBe('No model is configured. Set the primary one: jarvis models set <provider>/<model>');
	});
});

describe('/model default', () => {
	test('takes model and pin away, and nothing else', async () => {
		const {send, stored} = open({[chat]: left});
		await send('/model opus@acme:a');
		expect(await send('/model default')).toEqual([
			'This session uses the default model from now on. It no longer keeps to the profile acme:a.',
		]);
		expect(stored()[chat]).toEqual({...left, updatedAt: now});
	});
});

describe('/reset and /new', () => {
	test.each(['/reset', '/new', '/NEW:'])('%s begins anew', async line => {
		const {send, stored} = open({[chat]: left, 'chat:2': left});
		await send('/model opus@acme:a');
		expect(await send(line)).toEqual([
			'This session begins anew: it has no model and no profile of its own.',
		]);
		const {sessionId, ...entry} = stored()[chat] ?? {};
		expect(sessionId).not.toBe(left.sessionId);
		expect(entry).toEqual({quirk: [1], compactionCount: 0, updatedAt: now});
		expect(stored()['chat:2']).toEqual(left);
	});

	test('make none where there is none: that begins so by itself', async () => {
		const {send, jarvis, paths} = open();
		expect(await send('/new')).toEqual([
			'This session begins anew: it has no model and no profile of its own.',
		]);
		expect(await jarvis.resetSession('main', chat)).toBe(false);
		expect(existsSync(paths.sessions('main'))).toBe(false);
		await send('/model opus@acme:a');
		expect(await jarvis.resetSession('main', chat)).toBe(true);
		expect(await refusal(jarvis.resetSession('main', ''))).toMatchObject({code: 'session_invalid_key'});
	});

	test('a compaction needs a session that there is', async () => {
		const {jarvis, paths} = open();
		expect(await refusal(jarvis.sessionCompacted('main', chat))).toMatchObject({
			code: 'session_unknown',
			next: expect.stringContaining('jarvis sessions list --agent main'),
		});
		expect(existsSync(paths.sessions('main'))).toBe(false);
	});
});

describe('any other line', () => {
	test('/help lists all commands', async () => {
		const lines = await open().send('/help');
		expect(lines).toHaveLength(slashCommands.length);
		for (const {help, usage} of slashCommands) {
			expect(lines.some(line => line.includes(help) && line.includes(usage[0] ?? ''))).toBe(true);
		}
	});

	test.each(['/modle', '/reset now', 'model opus', '', '/', '/help me'])('%j is no command', async line => {
		const {send} = open();
		expect(await refusal(send(line))).toMatchObject({code: 'slash_command_unknown', exitCode: 2});
	});

	test('of a session whose key is none is refused first', async () => {
		const {send, paths} = open();
		const error = await refusal(send('/model opus', ' chat\u001b[31m'));
		expect(error).toMatchObject({code: 'session_invalid_key'});
		expect(error.message).not.toContain('\u001b');
		expect(existsSync(paths.sessions('main'))).toBe(false);
	});
});

describe('the list of sessions', () => {
	test('has the one that changed last first, each with the pin that is in force', async () => {
		const {send, jarvis} = open({
			old: {...left, authProfileOverride: 'acme:a', authProfileOverrideCompactionCount: 1},
			older: {sessionId: 'o', updatedAt: 4},
			none: {},
		});
		await send('/model opus@acme:a', 'new');
		const sessions = await jarvis.sessions('main');
		expect(sessions.map(({key: name, pin}) => [name, pin])).toEqual([
			['new', {profileId: 'acme:a', source: 'user'}],
			['old', undefined],
			['older', undefined],
			['none', undefined],
		]);
		const {agents} = await jarvis.snapshot({sessions: true});
		expect(agents[0]?.sessions).toEqual(sessions);
		expect((await jarvis.snapshot()).agents[0]?.sessions).toEqual([]);
	});

	test('that cannot be read is told, and the agent is shown all the same', async () => {
		const {jarvis, paths} = open();
		writeJson(paths.sessions('main'), [canary('x')]);
		const [main] = (await jarvis.snapshot({sessions: true})).agents;
		expect(main).toMatchObject({sessions: [], sessionsProblem: {code: 'store_damaged'}});
		expect(main?.profiles).toHaveLength(3);
	});
});

test('no line holds a secret, or what a terminal would act on', async () => {
	const odd = 'acme:\u001b[31mred';
	const {send, jarvis} = open(
		{[chat]: {authProfileOverride: odd, authProfileOverrideSource: 'user'}},
		{
			profiles: {...document.profiles, [odd]: {...key('odd'), email: '\u001b]0;x\u0007'}},
			usageStats: {'acme:a': {cooldownUntil: now + minute, lastFailureReason: 'a\u001b[2Jb'}},
		},
		{
			agents: {
				defaults: {model: 'acme/\u001b[1mone', models: {'acme/\u001b[1mone': {alias: '\u001b[0mO'}}},
			},
		},
	);
	const lines = [
		...(await send('/model')),
		...(await send('/model list')),
		...(await send('/model acme/x')),
		...(await send('/model default')),
		...(await send('/model')),
		...(await send('/reset')),
	];
	const errors = await Promise.all([refusal(send('/model acme/x@acme:gone')), refusal(send('/model no/x'))]);
	const which = JSON.stringify(await jarvis.which({sessionKey: chat, model: 'acme/x'}));
	const said = [...lines, ...errors.flatMap(({message, next}) => [message, next])].join('\n');
	expect(said).not.toContain('\u001b');
	expect(said + which).not.toContain('canary');
});
