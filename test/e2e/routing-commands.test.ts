import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {describe, expect, it} from 'vitest';
import {commandTable} from '../../source/commands/table.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	readStore,
	type Sandbox,
	type StoredDocument,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {emptyState, errorIn, firstAccount, run, runJson, start, stored} from './support.ts';
import {commandsIn, runLine} from './typed-lines.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const token = ['models', 'auth', 'token'];
const report = ['models', 'auth', 'report'];
const clear = ['models', 'auth', 'cooldown', 'clear'];

const keyOf = (provider: string, name: string) => ({type: 'api_key', provider, key: canary(name)});

const profiles = {
	'anthropic:work': keyOf('anthropic', 'work'),
	'anthropic:me@example.test': keyOf('anthropic', 'me'),
	'openai:default': keyOf('openai', 'openai'),
};
const order = {anthropic: ['anthropic:work', 'anthropic:me@example.test']};

type State = ReturnType<typeof emptyState>;

function stateOf(more: Partial<StoredDocument> = {}): State {
	const state = emptyState();
	const model = {primary: 'anthropic/opus', fallbacks: ['openai/gpt']};
	const models = {'anthropic/opus': {alias: 'Opus'}, 'openai/gpt': {alias: 'Gpt'}};
	writeJson(state.paths.config, {agents: {list: [{id: 'work'}], defaults: {model, models}}});
	writeStore(state, 'main', {version: 1, profiles, order, ...more});
	return state;
}

const cooling = (ms = hour) => ({
	...{cooldownUntil: Date.now() + ms, errorCount: 1, lastFailureAt: Date.now() - second},
	...{lastFailureReason: 'rate_limit', failureCounts: {rate_limit: 1}},
});
const disabled = () => ({
	...{disabledUntil: Date.now() + 5 * hour, errorCount: 1, lastFailureAt: Date.now() - second},
	...{disabledReason: 'billing', lastFailureReason: 'billing', failureCounts: {billing: 1}},
});
const allAside = () => ({'anthropic:work': disabled(), 'anthropic:me@example.test': cooling()});

const alone = (name: string) => ({code: 0, stdout: `${canary(name)}\n`, stderr: ''});

const sessionOf = ({paths}: State, key: string, agentId = 'main') =>
	JSON.parse(readFileSync(paths.sessions(agentId), 'utf8'))[key];

/** Fails unless there is such a command, with these flags and so many arguments. */
function expectToExist(line: string): void {
	const words = [...line.matchAll(/'[^']*'|\S+/g)].map(([word]) => word).slice(1);
	const spec = commandTable.find(({path}) => path.every((word, index) => words[index] === word));
	if (!spec) expect.fail(`There is no command ${line}`);
	const rest = words.slice(spec.path.length);
	let given = 0;
	for (let at = 0; at < rest.length; at++) {
		const word = rest[at] ?? '';
		if (!word.startsWith('--')) given += 1;
		else {
			const flag = spec.flags.find(({name}) => name === word.slice(2));
			expect(flag, `${word} of ${line}`).toBeDefined();
			if (flag?.value !== undefined) at += 1;
		}
	}
	for (const flag of spec.flags.filter(({required}) => required)) expect(rest).toContain(`--${flag.name}`);
	if (spec.arguments.some(({variadic}) => variadic))
		expect(given, line).toBeGreaterThanOrEqual(spec.arguments.length);
	else expect(given, line).toBe(spec.arguments.length);
}

describe('token', () => {
	it('prints the token alone, whatever it is asked for by', async () => {
		const state = stateOf();
		for (const [args, name] of [
			[[], 'work'],
			[['--model', 'opus'], 'work'],
			[['--model', 'anthropic/some-other/model@2026'], 'work'],
			[['--model', 'Opus@anthropic:me@example.test'], 'me'],
			[['--model', 'Gpt'], 'openai'],
			[['--provider', 'openai'], 'openai'],
			[['--profile', 'anthropic:me@example.test'], 'me'],
			[['--session', 'chat:42'], 'work'],
			[['--min-ttl', '5m'], 'work'],
			[['--ready'], 'work'],
		] as const) {
			expect(await run(state, [...token, ...args]), args.join(' ')).toEqual(alone(name));
		}
	});

	it('--json tells the model to call, and why it is this one', async () => {
		const state = stateOf();
		expect(await runJson(state, token)).toEqual({
			...{agentId: 'main', profileId: 'anthropic:work', provider: 'anthropic', model: 'opus'},
			...{kind: 'api_key', token: canary('work'), reason: 'ok', why: 'place 1 of the order'},
			passedOver: [],
		});
	});

	it('refuses a model of another provider than the one that it is asked for', async () => {
		const state = stateOf();
		const refused = await run(state, [...token, '--provider', 'openai', '--model', 'Opus']);
		expect(refused).toMatchObject({code: 2, stdout: ''});
		expect(refused.stderr).toContain('anthropic/opus is no model of openai.');
		expect(await run(state, [...token, '--provider', 'Anthropic', '--model', 'Opus'])).toEqual(alone('work'));
	});

	it('goes to the fallback once every profile of the model is out, and tells the model', async () => {
		const state = stateOf({usageStats: allAside()});
		expect(await run(state, token)).toEqual({
			...alone('openai'),
			stderr: 'This is for openai/gpt, fallback 1: every profile for anthropic/opus is out.\n',
		});
		expect(await runJson(state, [...token, '--model', 'Opus'])).toMatchObject({
			...{profileId: 'openai:default', provider: 'openai', model: 'gpt', token: canary('openai')},
			modelWhy: expect.stringContaining('every profile for anthropic/opus is out'),
			passedOver: [
				{profileId: 'anthropic:me@example.test', reason: 'cooldown', until: expect.any(Number)},
				{profileId: 'anthropic:work', reason: 'disabled', until: expect.any(Number)},
			],
		});
	});

	it('where all are set aside hands out the one that is back soonest, and says so apart', async () => {
		const state = stateOf({usageStats: allAside()});
		const {code, stdout, stderr} = await run(state, [...token, '--provider', 'anthropic']);
		expect({code, stdout}).toEqual({code: 0, stdout: `${canary('me')}\n`});
		expect(stderr).toMatch(
			/^anthropic:me@example\.test is cooling down after a rate limit, back in 59m; it is handed out all the same\.\n$/,
		);
		// Scripts that take JSON read it there.
		const json = await run(state, [...token, '--provider', 'anthropic', '--json']);
		expect(json).toMatchObject({code: 0, stderr: ''});
		expect(JSON.parse(json.stdout)).toMatchObject({reason: 'cooldown', until: expect.any(Number)});
	});

	it('one that is asked for by name is handed out though it is set aside, and nothing is claimed of others', async () => {
		const state = stateOf({usageStats: {'anthropic:work': disabled()}});
		const {stdout, stderr} = await run(state, [...token, '--profile', 'anthropic:work']);
		expect(stdout).toBe(`${canary('work')}\n`);
		expect(stderr).toContain('it is handed out all the same');
		expect(stderr).not.toContain('nothing else');
	});

	it('--ready fails rather, with all that was passed over and a command that helps', async () => {
		const state = stateOf({usageStats: allAside()});
		const args = [...token, '--provider', 'anthropic', '--ready'];
		const json = await run(state, [...args, '--json']);
		expect(json).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(json)).toMatchObject({
			code: 'profiles_set_aside',
			agentId: 'main',
			passedOver: [
				{
					...{provider: 'anthropic', profileId: 'anthropic:me@example.test', reason: 'cooldown'},
					...{why: 'cooling down after a rate limit', until: expect.any(Number)},
				},
				{
					...{provider: 'anthropic', profileId: 'anthropic:work', reason: 'disabled'},
					...{why: 'disabled after a billing failure', until: expect.any(Number)},
				},
			],
		});
		const plain = await run(state, args);
		expect(plain).toMatchObject({code: 1, stdout: ''});
		expect(plain.stderr).toContain('cooling down after a rate limit, back in 59m (cooldown); anthropic:work');
		const [line = ''] = commandsIn(plain.stderr);
		expect(await runLine(state, line)).toMatchObject({code: 0});
		expect(await run(state, args)).toEqual(alone('me'));
	});

	it('exits with 3 where only a person can help, with the typed reasons', async () => {
		const old = {type: 'token', provider: 'setup', token: canary('old'), expires: 1_700_000_000_000};
		const state = stateOf({profiles: {'setup:old': old, 'setup:none': {type: 'token', provider: 'setup'}}});
		const outcome = await run(state, [...token, '--provider', 'setup', '--json']);
		expect(outcome).toMatchObject({code: 3, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({
			code: 'no_credential',
			passedOver: [
				{profileId: 'setup:old', reason: 'expired'},
				{profileId: 'setup:none', reason: 'missing_credential'},
			],
		});
		expectToExist(commandsIn(errorIn(outcome).next)[0] ?? '');
	});

	it('of a model that leads nowhere says which providers there are', async () => {
		const outcome = await run(stateOf(), [...token, '--model', 'mistral/small', '--json']);
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({
			code: 'model_unknown',
			next: expect.stringContaining('Providers that there are: anthropic, openai.'),
		});
	});
});

describe('a token for some time at least', () => {
	async function withEntry(changes: Record<string, unknown>, accessTokenSeconds = 60): Promise<Sandbox> {
		const sandbox = await openSandbox({accessTokenSeconds});
		const entry = await expiredEntry(sandbox.server, firstAccount);
		writeStore(sandbox, 'main', {profiles: {'acme:maya': {...entry, ...changes}}});
		return sandbox;
	}
	const wanted = (span: string) => [...token, '--provider', 'acme', '--min-ttl', span];

	it('lives so long: one that does not is refreshed, and one that does is not', async () => {
		const sandbox = await withEntry({expires: Date.now() + 30 * second});
		const old = stored(sandbox, 'acme:maya');
		expect(await run(sandbox, wanted('10s'))).toEqual({code: 0, stdout: `${old.access}\n`, stderr: ''});
		expect(sandbox.server.refreshRequests).toBe(0);
		const asked = Date.now();
		const answer = await runJson<{readonly token: string; readonly expires: number}>(sandbox, wanted('45s'));
		expect(answer.token).not.toBe(old.access);
		expect(answer.expires).toBeGreaterThan(asked + 45 * second);
		// The token itself says the same.
		const [, claims = ''] = answer.token.split('.');
		const {exp} = JSON.parse(Buffer.from(claims, 'base64url').toString());
		expect(exp * second).toBeGreaterThan(asked + 45 * second);
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	it.each([
		['whose lifetime is known spends no refresh', {}, 0],
		['whose lifetime is not known spends one refresh and no more', {expiresIn: undefined}, 1],
	])(
		'that no token of the server lives fails, though nobody must log in, and one %s',
		async (_what, changes, requests) => {
			const sandbox = await withEntry({expires: Date.now() + 30 * second, ...changes});
			for (const _ of ['first', 'second', 'third']) {
				const outcome = await run(sandbox, [...wanted('2h'), '--json']);
				expect(outcome).toMatchObject({code: 1, stdout: ''});
				expect(errorIn(outcome)).toMatchObject({code: 'short_lived', next: 'Ask for less with --min-ttl.'});
				expect(sandbox.server.refreshRequests).toBe(requests);
			}
			const plain = await run(sandbox, wanted('2h'));
			expect(plain.stderr.trimEnd().split('\n')).toHaveLength(2);
			// Who asks for less is served by what there is.
			expect(await run(sandbox, wanted('10s'))).toMatchObject({code: 0, stderr: ''});
			expect(sandbox.server.refreshRequests).toBe(requests);
		},
	);

	it('passes over one that is over too soon for one that is not', async () => {
		const setup = (name: string, ms: number) => ({
			...{type: 'token', provider: 'setup', token: canary(name), expires: Date.now() + ms},
		});
		const state = stateOf({
			profiles: {'setup:short': setup('short', minute), 'setup:long': setup('long', hour)},
			order: {setup: ['setup:short', 'setup:long']},
		});
		expect(await run(state, [...token, '--provider', 'setup'])).toEqual(alone('short'));
		const {passedOver, ...about} = await runJson<{readonly token: string; readonly passedOver: unknown}>(
			state,
			[...token, '--provider', 'setup', '--min-ttl', '5m'],
		);
		expect(about.token).toBe(canary('long'));
		expect(passedOver).toMatchObject([{profileId: 'setup:short', reason: 'short_lived'}]);
	});
});

describe('reports', () => {
	const usageOf = (state: State, profileId: string, agentId = 'main') =>
		readStore(state, agentId).usageStats?.[profileId] ?? {};

	it('set a profile aside, and a success brings it back', async () => {
		const state = stateOf();
		const said = await run(state, [...report, 'anthropic:work', 'rate_limit']);
		expect(said).toEqual({code: 0, stdout: '', stderr: ''});
		expect(usageOf(state, 'anthropic:work')).toMatchObject({errorCount: 1, failureCounts: {rate_limit: 1}});
		expect(await run(state, token)).toEqual(alone('me'));
		expect(await runJson(state, [...report, 'anthropic:work', 'ok'])).toEqual({
			...{agentId: 'main', profileId: 'anthropic:work', outcome: 'ok'},
		});
		expect(usageOf(state, 'anthropic:work')).not.toHaveProperty('cooldownUntil');
		expect(readStore(state).lastGood).toEqual({anthropic: 'anthropic:work'});
		expect(await run(state, token)).toEqual(alone('work'));
	});

	it('of many shells at once are all counted, and set it aside once', async () => {
		const state = stateOf();
		const before = Date.now();
		const outcomes = await Promise.all(
			Array.from({length: 8}, (_, index) =>
				run(state, [...report, 'anthropic:work', index % 2 === 0 ? 'rate_limit' : 'auth']),
			),
		);
		expect(outcomes).toEqual(Array(8).fill({code: 0, stdout: '', stderr: ''}));
		const {cooldownUntil, ...usage} = usageOf(state, 'anthropic:work');
		expect(usage).toMatchObject({errorCount: 1, failureCounts: {rate_limit: 4, auth: 4}});
		expect(cooldownUntil).toBeGreaterThanOrEqual(before + minute);
		expect(cooldownUntil).toBeLessThanOrEqual(Date.now() + minute);
	});

	it('tell with --retry-after when the provider says that it is back, and with --permanent that it is not', async () => {
		const state = stateOf();
		const before = Date.now();
		await run(state, [...report, 'anthropic:work', 'rate_limit', '--retry-after', '90s']);
		const {cooldownUntil} = usageOf(state, 'anthropic:work');
		expect(cooldownUntil).toBeGreaterThanOrEqual(before + 90 * second);
		expect(cooldownUntil).toBeLessThan(before + 2 * minute);
		await run(state, [...report, 'openai:default', 'auth', '--permanent']);
		expect(usageOf(state, 'openai:default')).toMatchObject({
			disabledReason: 'auth',
			disabledUntil: expect.any(Number),
		});
	});

	it('of a request that began before the failure do not bring the profile back', async () => {
		const state = stateOf({usageStats: {'anthropic:work': cooling()}});
		await run(state, [...report, 'anthropic:work', 'ok', '--took', '20s']);
		expect(usageOf(state, 'anthropic:work')).toMatchObject({cooldownUntil: expect.any(Number)});
		await run(state, [...report, 'anthropic:work', 'ok', '--took', '0s']);
		expect(usageOf(state, 'anthropic:work')).not.toHaveProperty('cooldownUntil');
	});

	it('of a refusal have the token refreshed, once, before it is handed out again', async () => {
		const sandbox = await openSandbox();
		const entry = await expiredEntry(sandbox.server, firstAccount);
		const withTimeLeft = {...entry, expires: Date.now() + hour, expiresIn: 7200};
		writeStore(sandbox, 'main', {profiles: {'acme:maya': withTimeLeft}});
		const ask = () => run(sandbox, [...token, '--provider', 'acme']);
		expect(await ask()).toEqual({code: 0, stdout: `${entry.access}\n`, stderr: ''});
		await run(sandbox, [...report, 'acme:maya', 'auth']);
		const renewed = await ask();
		expect(renewed).toEqual({code: 0, stdout: `${stored(sandbox, 'acme:maya').access}\n`, stderr: ''});
		expect(renewed.stdout).not.toContain(String(entry.access));
		expect(await ask()).toEqual(renewed);
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	it('of a timeout or the network set nothing aside', async () => {
		const state = stateOf();
		for (const outcome of ['timeout', 'network']) await run(state, [...report, 'anthropic:work', outcome]);
		expect(usageOf(state, 'anthropic:work')).toEqual({failureCounts: {timeout: 1, network: 1}});
		expect(await run(state, token)).toEqual(alone('work'));
	});

	it.each([[[...report, 'anthropic:gone', 'auth']], [[...clear, 'anthropic:gone']]])(
		'%j of a profile that there is not fails, and writes nothing',
		async args => {
			const state = stateOf();
			const before = readFileSync(state.paths.profiles('main'));
			const outcome = await run(state, [...args, '--json']);
			expect(outcome).toMatchObject({code: 1, stdout: ''});
			expect(errorIn(outcome).code).toBe('profile_unknown');
			for (const line of commandsIn(errorIn(outcome).next)) expectToExist(line);
			expect(readFileSync(state.paths.profiles('main'))).toEqual(before);
		},
	);

	it('are forgotten by cooldown clear, which says whether there were any', async () => {
		const state = stateOf({usageStats: {'anthropic:work': cooling()}});
		expect(await run(state, [...clear, 'anthropic:work'])).toEqual({
			...{code: 0, stdout: '', stderr: 'anthropic:work is used again.\n'},
		});
		expect(await run(state, token)).toEqual(alone('work'));
		expect((await run(state, [...clear, 'anthropic:work'])).stderr).toBe(
			'anthropic:work had no failures to forget.\n',
		);
		expect(await runJson(state, [...clear, 'anthropic:work'])).toEqual({
			...{agentId: 'main', profileId: 'anthropic:work', cleared: false},
		});
	});
});

describe('which', () => {
	/** Profiles of one provider in every state that `which` tells apart. */
	function everyState(): State {
		const past = 1_700_000_000_000;
		const keyRef = {source: 'env', provider: 'default', id: 'NOT_SET'};
		const state = stateOf({
			profiles: {
				...profiles,
				'anthropic:cooling': keyOf('anthropic', 'cooling'),
				'anthropic:out': keyOf('anthropic', 'out'),
				'anthropic:left-out': keyOf('anthropic', 'left-out'),
				'anthropic:over': {type: 'token', provider: 'anthropic', token: canary('over'), expires: past},
				'anthropic:no secret': {type: 'api_key', provider: 'anthropic'},
				'anthropic:ref': {type: 'api_key', provider: 'anthropic', keyRef},
				'anthropic:login': {
					...{type: 'oauth', provider: 'anthropic', access: canary('access'), expires: past},
					email: "o'hara@example.test",
				},
			},
			order: {
				anthropic: [
					...['anthropic:cooling', 'anthropic:work', 'anthropic:out', 'anthropic:over', 'anthropic:ghost'],
					...['anthropic:no secret', 'anthropic:ref', 'anthropic:login', 'openai:default'],
				],
			},
			usageStats: {'anthropic:cooling': cooling(), 'anthropic:out': disabled()},
		});
		return state;
	}

	it('shows every candidate in its turn with reason, why and what would change it', async () => {
		const state = everyState();
		const {code, stdout, stderr} = await run(state, ['which', 'opus']);
		expect({code, stderr}).toEqual({code: 0, stderr: ''});
		expect(stdout).toMatch(
			/^Agent main\nwould use anthropic:work for anthropic\/opus: place 2 of the order\n/,
		);
		const heads = [
			...stdout.matchAll(/^ +(\d+\.|–) (\S.*\S) {2}(\w+)\n {7}why {5}(.+)\n {7}change {2}(.+)$/gm),
		];
		expect(heads.map(([, turn, profileId, reason]) => [turn, profileId, reason])).toEqual([
			['1.', 'anthropic:work', 'ok'],
			['3.', 'anthropic:cooling', 'cooldown'],
			['4.', 'anthropic:out', 'disabled'],
			['–', 'anthropic:over', 'expired'],
			['–', 'anthropic:ghost', 'unknown_profile'],
			['–', 'anthropic:no secret', 'missing_credential'],
			['–', 'anthropic:ref', 'unresolved_ref'],
			['–', 'anthropic:login', 'expired'],
			['–', 'openai:default', 'ineligible_profile'],
			['–', 'anthropic:me@example.test', 'excluded_by_auth_order'],
			['–', 'anthropic:left-out', 'excluded_by_auth_order'],
			['2.', 'openai:default', 'ok'],
		]);
		expect(stdout).toMatch(
			/why {5}cooling down after a rate limit, back in 59m \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)/,
		);
		expect(stdout).toContain('openai/gpt (fallback 1), no explicit order');
		expect(stdout).not.toContain('canary');
	});

	it('names only commands that there are', async () => {
		const state = everyState();
		await run(state, ['sessions', 'send', "o'chat", '/model Opus@anthropic:work']);
		const texts = await Promise.all(
			[
				['which', 'opus'],
				['which', 'anthropic', '--session', "o'chat", '--min-ttl', '5m'],
				['which', 'nobody'],
				['which', 'openai', '--agent', 'work'],
			].map(async args => (await run(state, args)).stdout),
		);
		const lines = texts.flatMap(commandsIn);
		expect(lines.length).toBeGreaterThan(12);
		for (const line of lines) expectToExist(line);
	});

	it('names commands that do what they are named for', async () => {
		const state = everyState();
		const lineBehind = async (args: readonly string[], wanted: string) => {
			const {stdout} = await run(state, args);
			return commandsIn(stdout.slice(stdout.indexOf(`${wanted}\n`)))[0] ?? '';
		};
		await runLine(state, await lineBehind(['which', 'opus'], 'anthropic:cooling  cooldown'));
		expect(readStore(state).usageStats?.['anthropic:cooling'] ?? {}).toEqual({});
		await run(state, ['sessions', 'send', "o'chat", '/model Opus@anthropic:work', '--agent', 'work']);
		const go = ['which', 'opus', '--session', "o'chat", '--agent', 'work'];
		await runLine(state, await lineBehind(go, '(of the agent main)  excluded_by_pin'));
		expect(sessionOf(state, "o'chat", 'work')).not.toHaveProperty('authProfileOverride');
		await runLine(state, await lineBehind(['which', 'opus'], 'anthropic:left-out  excluded_by_auth_order'));
		expect(readStore(state).order ?? {}).toEqual({});
	});

	it('--json is the whole decision, and nothing is refreshed or written for it', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		const before = readFileSync(sandbox.paths.profiles('main'));
		const which = await runJson(sandbox, ['which', 'acme']);
		expect(which).toMatchObject({
			agentId: 'main',
			chosen: {profileId: 'acme:maya', turn: 1, reason: 'ok'},
			options: [{provider: 'acme', origin: 'request', candidates: [{profileId: 'acme:maya', kind: 'oauth'}]}],
		});
		expect(readFileSync(sandbox.paths.profiles('main'))).toEqual(before);
		expect(sandbox.server.refreshRequests).toBe(0);
	});

	it('exits with 3 where nothing can be used, and says what it can all the same', async () => {
		const old = {type: 'token', provider: 'setup', token: canary('old'), expires: 1_700_000_000_000};
		const state = stateOf({profiles: {'setup:old': old}});
		for (const [target, said] of [
			['setup', 'setup:old  expired'],
			['mistral', 'no profile. Log in: jarvis models auth login --provider mistral --agent main'],
		] as const) {
			const {code, stdout, stderr} = await run(state, ['which', target]);
			expect({code, stderr}).toEqual({code: 3, stderr: ''});
			expect(stdout).toContain('would use nothing');
			expect(stdout).toContain(said);
		}
		const short = {...old, expires: Date.now() + hour};
		writeStore(state, 'main', {profiles: {'setup:short': short}});
		expect(await run(state, ['which', 'setup', '--min-ttl', '2h'])).toMatchObject({
			...{code: 1, stdout: expect.stringContaining('would use nothing')},
		});
		const unknown = await run(state, ['which', 'mistrall']);
		expect(unknown).toMatchObject({code: 1, stdout: ''});
		expect(unknown.stderr).toContain('Did you mean mistral?');
	});
});

describe('sessions', () => {
	it('of a session that never had a model show what it keeps to, and that no model is configured', async () => {
		const state = emptyState();
		writeStore(state, 'main', {version: 1, profiles: {'groq:default': keyOf('groq', 'groq')}});
		await run(state, [...token, '--session', 'zz', '--provider', 'groq']);
		const none = 'model      none configured. Set one: jarvis models set <provider>/<model>';
		for (const args of [
			['sessions', 'show', 'zz'],
			['sessions', 'send', 'zz', '/model'],
		]) {
			expect(await run(state, args)).toEqual({
				...{code: 0, stderr: ''},
				stdout: `${none}\nprofile    groq:default (kept for the session)\n`,
			});
		}
		expect(await runJson(state, ['sessions', 'show', 'zz'])).toMatchObject({
			which: {chosen: {profileId: 'groq:default'}},
		});
		expect(await run(state, [...token, '--session', 'zz'])).toEqual(alone('groq'));
		await run(state, ['sessions', 'reset', 'zz']);
		expect(await run(state, ['sessions', 'show', 'zz'])).toEqual({
			...{code: 0, stderr: ''},
			stdout: `${none}\nprofile    by the order of the provider that is asked for\n`,
		});
		expect(await runJson(state, ['sessions', 'show', 'zz'])).toMatchObject({which: null});
	});

	it('are listed, shown, sent to and reset', async () => {
		const state = stateOf();
		expect(await run(state, ['sessions', 'list'])).toEqual({
			...{code: 0, stdout: 'The agent main has no sessions.\n', stderr: ''},
		});
		const sent = await run(state, ['sessions', 'send', 'review', '/model Opus@anthropic:me@example.test']);
		expect(sent).toMatchObject({code: 0, stderr: ''});
		expect(sent.stdout).toBe(
			'This session uses anthropic/opus from now on, with the profile anthropic:me@example.test and no other of anthropic.\n',
		);
		expect(await run(state, [...token, '--session', 'chat:42'])).toEqual(alone('work'));
		expect(await run(state, [...token, '--session', 'review'])).toEqual(alone('me'));
		const {stdout: list} = await run(state, ['sessions', 'list']);
		expect(list.split('\n').map(line => line.replace(/ {2,}/g, ' | '))).toEqual([
			'SESSION | MODEL | PROFILE | PIN | CHANGED',
			expect.stringMatching(/^chat:42 \| default \| anthropic:work \| kept \| /),
			expect.stringMatching(/^review \| anthropic\/opus \| anthropic:me@example\.test \| pinned \| /),
			'',
		]);
		const {stdout: shown} = await run(state, ['sessions', 'show', 'review']);
		expect(shown).toContain('profile    anthropic:me@example.test (the session is pinned to it)\n');
		expect(await runJson(state, ['sessions', 'show', 'review'])).toMatchObject({
			...{agentId: 'main', key: 'review', model: 'anthropic/opus', compactionCount: 0},
			pin: {profileId: 'anthropic:me@example.test', source: 'user'},
			which: {chosen: {profileId: 'anthropic:me@example.test'}},
		});
		expect(await run(state, ['sessions', 'reset', 'review'])).toEqual({
			...{code: 0, stdout: ''},
			stderr: 'The session review begins anew: it has no model and no profile of its own.\n',
		});
		expect(await runJson(state, ['sessions', 'list'])).toMatchObject({
			sessions: [
				{key: 'review', model: null, pin: null},
				{key: 'chat:42', pin: {source: 'auto'}},
			],
		});
		expect(await run(state, [...token, '--session', 'review'])).toEqual(alone('work'));
	});

	it('take a command as one word or as several, with flags before and behind it', async () => {
		const state = stateOf();
		await run(state, ['sessions', 'send', 'one', '/model Gpt@openai:default']);
		await run(state, ['sessions', 'send', 'several', '/model', 'Gpt@openai:default', '--agent', 'main']);
		await run(state, ['sessions', 'send', '--agent', 'main', 'several-2', '/model:', 'gpt']);
		for (const key of ['one', 'several', 'several-2'])
			expect(sessionOf(state, key)).toMatchObject({providerOverride: 'openai', modelOverride: 'gpt'});
		const {lines} = await runJson<{readonly lines: readonly string[]}>(state, [
			...['sessions', 'send', 'one', '/model', 'list'],
		]);
		expect(lines).toContain('▸ openai/gpt (Gpt): openai:default');
		const help = await run(state, ['sessions', 'send', 'one', '/help']);
		expect(help.stdout).toContain('/model <model>[@<profile id>]');
	});

	it('keep to a profile, leave it when it cools down, and are never taken from a person’s', async () => {
		const state = stateOf();
		await run(state, [...token, '--session', 'kept']);
		await run(state, ['sessions', 'send', 'pinned', '/model Opus@anthropic:work']);
		await run(state, [
			'models',
			'auth',
			'order',
			'set',
			'--provider',
			'anthropic',
			...[...order.anthropic].reverse(),
		]);
		for (const key of ['kept', 'pinned'])
			expect(await run(state, [...token, '--session', key])).toEqual(alone('work'));
		await run(state, [...report, 'anthropic:work', 'rate_limit']);
		expect(await run(state, [...token, '--session', 'kept'])).toEqual(alone('me'));
		expect(sessionOf(state, 'kept')).toMatchObject({authProfileOverride: 'anthropic:me@example.test'});
		const own = await run(state, [...token, '--session', 'pinned']);
		expect(own.stdout).toBe(`${canary('work')}\n`);
		expect(own.stderr).toContain('it is handed out all the same');
		expect(sessionOf(state, 'pinned')).toMatchObject({authProfileOverride: 'anthropic:work'});
	});

	it('whose pin cannot be used fail with the command that lets them go, of the right agent', async () => {
		const state = stateOf({order: {}});
		writeStore(state, 'work', {profiles: {'setup:mine': {type: 'token', provider: 'setup'}}});
		writeJson(state.paths.sessions('work'), {
			"it's": {
				...{providerOverride: 'setup', modelOverride: 'm'},
				...{authProfileOverride: 'setup:mine', authProfileOverrideSource: 'user'},
			},
		});
		const failed = await run(state, [
			...token,
			'--session',
			"it's",
			'--agent',
			'work',
			'--provider',
			'setup',
		]);
		expect(failed).toMatchObject({code: 3, stdout: ''});
		expect(failed.stderr).toContain('is pinned to setup:mine, and no other profile is tried');
		const line = /jarvis sessions send .*/.exec(failed.stderr)?.[0] ?? '';
		expect(await runLine(state, line)).toMatchObject({code: 0, stderr: ''});
		expect(sessionOf(state, "it's", 'work')).not.toHaveProperty('authProfileOverride');
	});

	it('one that there is not cannot be shown, and has nothing to reset', async () => {
		const state = stateOf();
		const outcome = await run(state, ['sessions', 'show', 'nobody', '--json']);
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({
			code: 'session_unknown',
			message: 'The agent main has no session "nobody".',
		});
		for (const line of commandsIn(errorIn(outcome).next)) expectToExist(line);
		expect(await run(state, ['sessions', 'send', 'nobody', '/reset'])).toMatchObject({code: 0, stderr: ''});
		expect(await run(state, ['sessions', 'reset', 'nobody'])).toEqual({
			...{code: 0, stdout: ''},
			stderr: 'The agent main has no session nobody: there is nothing to begin anew.\n',
		});
		expect(await runJson(state, ['sessions', 'reset', 'nobody'])).toMatchObject({reset: false});
		expect((await run(state, ['sessions', 'list'])).stdout).toBe('The agent main has no sessions.\n');
	});

	it('a wrong profile is answered with those that there are', async () => {
		const state = stateOf();
		const outcome = await run(state, ['sessions', 'send', 's', '/model Opus@anthropic:wrok', '--json']);
		expect(outcome).toMatchObject({code: 1, stdout: ''});
		expect(errorIn(outcome)).toMatchObject({
			code: 'profile_unknown',
			next: expect.stringContaining('anthropic:me@example.test, anthropic:work'),
		});
	});

	it('of one key that many processes ask for at once are given one profile', async () => {
		const state = stateOf({order: {}});
		const outcomes = await Promise.all(
			Array.from({length: 8}, () => run(state, [...token, '--provider', 'anthropic', '--session', 'chat'])),
		);
		expect(new Set(outcomes.map(({stdout}) => stdout)).size).toBe(1);
		for (const {code, stderr} of outcomes) expect({code, stderr}).toEqual({code: 0, stderr: ''});
	});
});

describe('an agent without profiles of a provider', () => {
	it('reads main’s, notes what it learns in its own file, and copies nothing', async () => {
		const state = stateOf();
		const before = readFileSync(state.paths.profiles('main'));
		const args = [...token, '--agent', 'work', '--provider', 'anthropic'];
		const set = ['models', 'auth', 'order', 'set', '--provider', 'anthropic', '--agent', 'work'];
		expect(await run(state, [...set, ...order.anthropic])).toMatchObject({code: 0});
		expect(await run(state, args)).toEqual(alone('work'));
		expect(await runJson(state, args)).toMatchObject({agentId: 'work', owner: 'main'});
		await run(state, [...report, 'anthropic:work', 'billing', '--agent', 'work']);
		expect(readStore(state, 'work').usageStats).toMatchObject({
			'anthropic:work': {disabledReason: 'billing'},
		});
		expect(await run(state, args)).toEqual(alone('me'));
		// The main agent has met no failure.
		expect(await run(state, [...token, '--provider', 'anthropic'])).toEqual(alone('work'));
		expect(readFileSync(state.paths.profiles('main'))).toEqual(before);
		expect(readFileSync(state.paths.profiles('work'), 'utf8')).not.toContain('canary');
		await run(state, [...clear, 'anthropic:work', '--agent', 'work']);
		expect(await run(state, args)).toEqual(alone('work'));
	});

	it('is told where the owner has set one aside itself', async () => {
		const state = stateOf({usageStats: {'anthropic:work': cooling()}});
		const {code, stderr} = await run(state, [...clear, 'anthropic:work', '--agent', 'work']);
		expect(code).toBe(0);
		expect(stderr).toContain('add --agent main to clear that');
		expect(await runJson(state, [...clear, 'anthropic:work', '--agent', 'work'])).toMatchObject({
			heldBy: 'main',
		});
	});

	it('does not read them once it has one of that provider itself', async () => {
		const state = stateOf();
		writeStore(state, 'work', {profiles: {'anthropic:mine': keyOf('anthropic', 'mine')}});
		expect(await run(state, [...token, '--agent', 'work', '--provider', 'anthropic'])).toEqual(alone('mine'));
		expect(await run(state, [...token, '--agent', 'work', '--provider', 'openai'])).toEqual(alone('openai'));
		const other = await run(state, [...token, '--agent', 'work', '--profile', 'anthropic:work', '--json']);
		expect(errorIn(other).code).toBe('profile_unknown');
	});

	it('has main’s token refreshed in main’s file, once for both', async () => {
		const sandbox = await openSandbox();
		writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server)}});
		writeJson(sandbox.paths.config, {agents: {list: [{id: 'work'}]}});
		sandbox.server.setTokenDelay(50);
		const outcomes = await Promise.all(
			['main', 'work', 'main', 'work'].map(agent =>
				run(sandbox, [...token, '--provider', 'acme', '--agent', agent]),
			),
		);
		const {access} = stored(sandbox, 'acme:maya');
		expect(outcomes).toEqual(Array(4).fill({code: 0, stdout: `${access}\n`, stderr: ''}));
		expect(sandbox.server.refreshRequests).toBe(1);
		expect(readdirSync(join(sandbox.stateDir, 'agents'))).toEqual(['main']);
	});
});

/** What the program loads, when it is run with these words. */
async function loadedBy(state: State, args: readonly string[]): Promise<readonly string[]> {
	const list = join(temporaryFolder(), 'loaded.txt');
	const hooks = join(temporaryFolder(), 'hooks.cjs');
	writeFileSync(
		hooks,
		`const {appendFileSync} = require('node:fs');
		require('node:module').registerHooks({load: (url, context, next) => {
			appendFileSync(${JSON.stringify(list)}, url + '\\n');
			return next(url, context);
		}});`,
	);
	const program = fileURLToPath(new URL('../../dist/jarvis.cjs', import.meta.url));
	const command = [process.execPath, '--require', hooks, program] as const;
	const {code, stderr} = await start(state, args, {command: [...command]}).ended;
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	return readFileSync(list, 'utf8')
		.split('\n')
		.filter(url => url.startsWith('file:'))
		.map(url => fileURLToPath(url));
}

/** Texts that are in the bundle because of a part that no quick command needs. */
const heavy = {
	React: 'react.transitional.element',
	Ink: 'ink-box',
	commander: 'commander.helpDisplayed',
	valibot: 'kind:"schema"',
	oauth4webapi: 'oauth4webapi/v',
};

describe('the quick way', () => {
	const heavyIn = (files: readonly string[]) => {
		const texts = files.map(file => readFileSync(file, 'utf8'));
		return Object.entries(heavy).flatMap(([part, mark]) =>
			texts.some(text => text.includes(mark)) ? [part] : [],
		);
	};

	it.each([
		['one file and no more', [...token, '--provider', 'anthropic']],
		['one file and no more', [...token, '--provider', 'anthropic', '--json', '--min-ttl', '5m', '--ready']],
		['one file and no more', ['models', 'status', '--json']],
		['no heavy part', [...token, '--session', 'chat:42']],
		['no heavy part', [...token, '--model', 'Opus']],
		['no heavy part', token],
	])('loads %s for %j', async (what, args) => {
		const state = stateOf();
		await run(state, [...token, '--session', 'chat:42']);
		const files = await loadedBy(state, args);
		const names = files.map(file => basename(file));
		expect(names.slice(0, 2)).toEqual(['jarvis.cjs', 'cli.cjs']);
		if (what === 'one file and no more') expect(names).toHaveLength(2);
		expect(heavyIn(files)).toEqual([]);
	});

	it('is not that of which, by whose parts these would be known', async () => {
		expect(heavyIn(await loadedBy(stateOf(), ['which', 'anthropic']))).toContain('commander');
	});
});
