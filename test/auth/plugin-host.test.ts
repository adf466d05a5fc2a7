import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it, test, vi} from 'vitest';
import type {LoginIo} from '../../source/auth/providers/contract.ts';
import {
	describePlugin,
	loginByPlugin,
	type PluginMethod,
	pluginLimits,
	refreshByPlugin,
	revokeByPlugin,
} from '../../source/auth/providers/plugin-host.ts';
import type {PluginLimits} from '../../source/auth/providers/plugin-run.ts';
import {lockWaitMs} from '../../source/store/lock.ts';
import type {OAuthCredential} from '../../source/store/schema.ts';
import {oneMethod, pluginFolder, quietIo} from '../support/plugins.ts';
import {canary, refusal, soon, temporaryFolder} from '../support/sandbox.ts';

const secret = canary('plugin');
const good = `({type: 'oauth', access: '${canary('access')}', refresh: '${canary('refresh')}', expires: Date.now() + 3600e3})`;
const credential: OAuthCredential = {type: 'oauth', provider: 'acme', access: secret, refresh: secret};

/** For plugins that do not hang: a machine that is busy must not look like one. */
const patient = {loadMs: 20_000, answerMs: 20_000};
/** For those that do. */
const short = {loadMs: 20_000, answerMs: 600};

function methodOf(text: string): PluginMethod {
	return {providerId: 'acme', module: join(pluginFolder(text), 'index.js'), export: 0, method: 0};
}

function logIn(members: string, io: Partial<LoginIo> = {}, limits = patient): Promise<unknown> {
	return loginByPlugin(methodOf(oneMethod(members)), quietIo(io), limits);
}

function describeText(text: string, limits = patient): Promise<unknown> {
	return describePlugin('./acme', join(pluginFolder(text), 'index.js'), limits);
}

/** The error of a plugin that did what it must not do; nothing that it held may be in it. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
	const error = await refusal(promise);
	expect(error).toMatchObject({code: 'plugin_failed', exitCode: 1});
	expect(JSON.stringify(error) + String(error.stack) + String(error.cause)).not.toContain('canary');
	return error.message;
}

it('gives a refresh less time than its lock is waited for', () => {
	expect(pluginLimits.refresh.useMs).toBeLessThan(lockWaitMs);
});

describe('a module', () => {
	it('says what it offers, which is all that is known of it', async () => {
		const text = `const login = async () => ${good};
			export default [
				{id: 'acme', label: 'Acme', aliases: ['ac'], env: ['ACME_KEY'], note: 'Be kind.',
					probes: [{url: 'https://api.acme.example/me'}],
					auth: [
						{method: 'oauth', label: 'account', hint: 'in a browser', login, refresh: login, revoke() {}},
						{method: 'api_key', madeAt: 'https://acme.example/keys'},
					]},
				{id: 'acme-two', label: 'Two', origin: 'built in', auth: [{method: 'custom', login}]},
			];`;
		expect(await describeText(text)).toEqual([
			{
				...{id: 'acme', label: 'Acme', aliases: ['ac'], env: ['ACME_KEY'], note: 'Be kind.'},
				probes: [{url: 'https://api.acme.example/me'}],
				auth: [
					{
						...{method: 'oauth', label: 'account', hint: 'in a browser'},
						...{code: true, refreshes: true, revokes: true},
					},
					{method: 'api_key', madeAt: 'https://acme.example/keys'},
				],
			},
			{
				...{id: 'acme-two', label: 'Two'},
				auth: [{method: 'custom', code: true, refreshes: false, revokes: false}],
			},
		]);
	});

	it.each<[string, string, string]>([
		['exports nothing as its default', 'export const nothing = 1;', '0: '],
		['exports no provider', 'export default 42;', '0: '],
		['exports an empty list', 'export default [];', 'Invalid length'],
		['has no id', 'export default {label: "A", auth: []};', '0.id: '],
		['has an id that is none', oneMethod(`login() {}`, '../acme'), '0.id: is not a provider id'],
		['has a label that moves the cursor', oneMethod('label: "\\x1b[2J", login() {}'), '0.auth.0.label: '],
		['has no way to log in', 'export default {id: "a", label: "A", auth: []};', '0.auth: '],
		['has a way without a login', oneMethod('refresh() {}'), '0.auth.0.method: '],
		[
			'has a way of another name',
			`export default {id: 'a', label: 'A', auth: [{method: 'x', login() {}}]};`,
			'0.auth.0.method',
		],
	])('that %s is not added, with the reason', async (_, text, reason) => {
		const error = await refusal(describeText(text));
		expect(error).toMatchObject({code: 'plugin_invalid', exitCode: 1});
		expect(error.message).toContain('./acme exports no provider of the documented form');
		expect(error.message).toContain(reason);
	});

	it.each<[string, string, string]>([
		['throws', `throw new TypeError('${secret}');`, 'could not be loaded (TypeError)'],
		['throws no error', `throw '${secret}';`, 'could not be loaded (Error)'],
		['throws nothing', 'throw undefined;', 'could not be loaded (Error)'],
		['is no JavaScript', `export default ${'{'};`, 'could not be loaded (SyntaxError)'],
		['needs what is not there', `import '${secret}';`, 'could not be loaded (Error, ERR_MODULE_NOT_FOUND)'],
		['ends its process', 'process.exit(7);', 'ended in the middle of its description'],
	])('that %s when it is loaded is named', async (_, text, what) => {
		expect(await failureOf(describeText(text))).toBe(`The plugin ./acme ${what}.`);
	});

	it.each<[string, string]>([
		['loops', 'for (;;);'],
		['waits', 'await new Promise(() => {});'],
	])('that %s when it is loaded is ended', async (_, text) => {
		const limits = {...patient, loadMs: 1000};
		expect(await failureOf(describeText(text, limits))).toBe('The plugin ./acme did not load within 1 s.');
	});

	it('that is not there is named', async () => {
		const missing = {providerId: 'acme', module: '/no/such/module.js', export: 0, method: 0};
		expect(await failureOf(loginByPlugin(missing, quietIo(), patient))).toBe(
			'The plugin acme could not be loaded (Error, ERR_MODULE_NOT_FOUND).',
		);
	});
});

describe('a login', () => {
	it('gives what the plugin gives, and nothing that the contract does not have', async () => {
		const text = `login: async () => ({...${good}, provider: 'openai-codex', origin: 'built in',
			email: 'maya@example.test', metadata: {tenant: 'a'}, toString() {}, later: undefined})`;
		expect(await logIn(text)).toEqual({
			...{type: 'oauth', access: canary('access'), refresh: canary('refresh')},
			...{expires: expect.any(Number), email: 'maya@example.test', metadata: {tenant: 'a'}},
		});
	});

	it('asks the person, and takes the answers in turn', async () => {
		const said: unknown[] = [];
		const io: Partial<LoginIo> = {
			progress: text => said.push(text),
			showCode: code => said.push(code),
			async showLink(link) {
				said.push(link);
				return 'pasted';
			},
			async ask({check, ...question}) {
				said.push(question, await check?.('wrong'), await check?.('right'));
				return 'right';
			},
			async choose(choice) {
				said.push(choice);
				return 'b';
			},
			async redirect({redirectUris, url, isOurs}) {
				const [redirectUri = ''] = redirectUris;
				const isAnyOurs = await isOurs(new URLSearchParams('state=2'));
				said.push(await url(redirectUri), isAnyOurs, await isOurs(new URLSearchParams('state=1')));
				return new URLSearchParams('code=c&state=1');
			},
		};
		const issued = await logIn(
			`async login(io) {
				io.progress('begins');
				io.showCode({userCode: 'AB-CD', verificationUri: 'https://acme.example/d', until: io.now() + 60e3});
				const answers = [
					await io.showLink({url: 'https://acme.example/', instructions: 'Log\\x1b[31m in'}),
					await io.ask({message: 'Name?', check: text => text === 'wrong' ? 'No.' : undefined}),
					await io.choose({message: 'Which?', options: [{id: 'a', label: 'A'}, {id: 'b', label: 'B'}]}),
					(await io.redirect({
						redirectUris: ['http://127.0.0.1:1/cb'],
						url: to => 'https://acme.example/authorize?to=' + to,
						isOurs: params => params.get('state') === '1',
					})).get('code'),
				];
				return {type: 'api_key', key: answers.join('+')};
			}`,
			io,
		);
		expect(issued).toEqual({type: 'api_key', key: 'pasted+right+b+c'});
		expect(said).toEqual([
			'begins',
			{userCode: 'AB-CD', verificationUri: 'https://acme.example/d', until: expect.any(Number)},
			{url: 'https://acme.example/', instructions: 'Log in'},
			{message: 'Name?'},
			'No.',
			undefined,
			{
				message: 'Which?',
				options: [
					{id: 'a', label: 'A'},
					{id: 'b', label: 'B'},
				],
			},
			'https://acme.example/authorize?to=http://127.0.0.1:1/cb',
			false,
			true,
		]);
	});

	it('has the time of the program', async () => {
		const now = () => 1_000_000_000_000;
		const text = `login: async io => ({type: 'token', token: 't', expires: io.now() + 1000})`;
		const {expires} = (await logIn(text, {now})) as {expires: number};
		expect(expires - now()).toBeGreaterThanOrEqual(1000);
		expect(expires - now()).toBeLessThan(60_000);
	});

	it.each<[string, string, string]>([
		['throws', `login() { throw new RangeError('${secret}'); }`, 'failed in its login (RangeError)'],
		[
			'rejects',
			`login: async () => { throw Object.assign(new Error('${secret}'), {name: '${secret}', code: 'ECONNREFUSED'}); }`,
			'failed in its login (Error, ECONNREFUSED)',
		],
		[
			'throws later',
			`login: () => new Promise(() => setTimeout(() => { throw new TypeError('${secret}'); }))`,
			'failed in its login (TypeError)',
		],
		[
			'forgets a promise',
			`login: () => { Promise.reject(new TypeError('${secret}')); return new Promise(() => {}); }`,
			'failed in its login (TypeError)',
		],
		['ends its process', 'login: () => process.exit(0)', 'ended in the middle of its login'],
		[
			'takes all memory',
			'login() { const all = []; for (;;) all.push(new Array(1e6).fill({})); }',
			'failed in its login (Error, ERR_WORKER_OUT_OF_MEMORY)',
		],
		['loops', 'login() { for (;;); }', 'did not answer for 1 s in its login'],
		[
			'tells without an end',
			`login(io) { for (;;) io.progress('${secret}'); }`,
			'did not answer for 1 s in its login',
		],
		[
			'asks without an end',
			`login(io) { for (;;) void io.ask({message: '?'}); }`,
			'failed in its login (RangeError)',
		],
	])('that %s is named', async (_, members, what) => {
		const io = {ask: () => new Promise<string>(() => {})};
		const limits = what.startsWith('did not answer') ? short : patient;
		expect(await failureOf(logIn(members, io, limits))).toBe(`The plugin acme ${what}.`);
	});

	it.each<[string, string, string]>([
		['nothing', 'undefined', 'all of it'],
		['a text', `'${secret}'`, 'all of it'],
		['a function', '() => {}', 'all of it'],
		['another type', `{type: 'magic', access: '${secret}'}`, 'type'],
		['no access token', `{type: 'oauth', refresh: '${secret}'}`, 'access'],
		['an empty one', `{type: 'oauth', access: ''}`, 'access'],
		['a number for a token', `{type: 'oauth', access: 42}`, 'access'],
		['a token of several lines', `{type: 'oauth', access: '${secret}\\n'}`, 'access'],
		['a token with an escape', `{type: 'token', token: '\\x1b[2J'}`, 'token'],
		['a huge token', `{type: 'oauth', access: 'a'.repeat(65537)}`, 'access'],
		['a key that is none', `{type: 'api_key', key: {}}`, 'key'],
		['an end in seconds', `{...${good}, expires: Date.now() / 1000 + 3600}`, 'expires'],
		['an end that is over', `{...${good}, expires: Date.now() - 1}`, 'expires'],
		['an end that is no number', `{...${good}, expires: NaN}`, 'expires'],
		['an end without end', `{...${good}, expires: Infinity}`, 'expires'],
		['an end in nanoseconds', `{...${good}, expires: Date.now() * 1e6}`, 'expires'],
		['an end that is a date', `{...${good}, expires: new Date(Date.now() + 1e6)}`, 'expires'],
		['a negative lifetime', `{...${good}, expiresIn: -1}`, 'expiresIn'],
		['an e-mail that hides', `{...${good}, email: 'a\\u202eb@example.test'}`, 'email'],
		['metadata that is no text', `{...${good}, metadata: {'${secret}': 1}}`, 'metadata'],
		[
			'too much metadata',
			`{...${good}, metadata: Object.fromEntries(Array.from({length: 51}, (_, i) => ['k' + i, 'v']))}`,
			'metadata',
		],
		['more than is sent', `{...${good}, name: 'a'.repeat(1e6)}`, 'all of it'],
	])('that gives %s is refused', async (_, given, member) => {
		expect(await failureOf(logIn(`login: async () => (${given})`))).toBe(
			`The plugin acme gave a login that is not of the contract (${member}).`,
		);
	});

	it.each<[string, string]>([
		['what cannot be JSON', 'const a = {}; a.a = a; return a;'],
		['a number that cannot be', 'return {type: "oauth", access: 1n};'],
	])('that gives %s is refused', async (_, body) => {
		expect(await failureOf(logIn(`async login() { ${body} }`))).toBe(
			'The plugin acme failed in its login (TypeError).',
		);
	});

	it.each<[string, string, string]>([
		[
			'a link that is a file',
			`io.showLink({url: 'file:///etc/passwd'})`,
			'asked for something that is not of the contract (url)',
		],
		[
			'a link of another machine in plain http',
			`io.showLink({url: 'http://acme.example/'})`,
			'asked for something that is not of the contract (url)',
		],
		['a question without words', 'io.ask({})', 'asked for something that is not of the contract (message)'],
		[
			'a choice of nothing',
			`io.choose({message: '?', options: []})`,
			'asked for something that is not of the contract (options)',
		],
		[
			'a redirect to nowhere',
			`io.redirect({redirectUris: ['nowhere']})`,
			'asked for something that is not of the contract (redirectUris)',
		],
		[
			'a code that is over',
			`io.showCode({userCode: 'A', verificationUri: 'https://a.example/', until: 1})`,
			'told something that is not of the contract (until)',
		],
		[
			'a code that is for ever',
			`io.showCode({userCode: 'A', verificationUri: 'https://a.example/', until: 8e15})`,
			'told something that is not of the contract (until)',
		],
		['progress that is no text', 'io.progress({})', 'told something that is not of the contract (all of it)'],
	])('that asks for or tells %s is ended', async (_, asking, what) => {
		const io = {
			ask: () => new Promise<string>(() => {}),
			redirect: () => new Promise<URLSearchParams>(() => {}),
		};
		const members = `login(io) { ${asking}; return new Promise(() => {}); }`;
		expect(await failureOf(logIn(members, io))).toBe(`The plugin acme ${what}.`);
	});

	it.each<[string, string, string]>([
		['throws', `throw new TypeError('${secret}')`, 'failed in its login (TypeError)'],
		['loops', 'for (;;);', 'did not answer for 1 s in its login'],
		['never answers', 'return new Promise(() => {});', 'did not answer for 1 s in its login'],
		['gives no text', 'return {};', 'answered something that is not of the contract (all of it)'],
	])('whose check %s is ended, and the question with it', async (_, body, what) => {
		const checked: Promise<unknown>[] = [];
		const io: Partial<LoginIo> = {
			ask: ({check}) => {
				checked.push(Promise.resolve(check?.('text')));
				return new Promise(() => {});
			},
		};
		const members = `login: io => io.ask({message: '?', check() { ${body} }})`;
		const limits = what.startsWith('did not answer') ? short : patient;
		expect(await failureOf(logIn(members, io, limits))).toBe(`The plugin acme ${what}.`);
		await expect(checked[0]).rejects.toMatchObject({code: 'plugin_failed'});
	});

	it('whose redirect cannot be judged takes nothing that comes, and ends', async () => {
		const judged: unknown[] = [];
		const io: Partial<LoginIo> = {
			async redirect({isOurs}) {
				judged.push(await isOurs(new URLSearchParams('code=c')));
				return new Promise(() => {});
			},
		};
		const members = `login: io => io.redirect({redirectUris: ['http://127.0.0.1:1/'], url: String, isOurs: () => 'yes'})`;
		expect(await failureOf(logIn(members, io))).toContain('answered something');
		await vi.waitFor(() => expect(judged).toEqual([false]));
	});

	it('that sends messages of its own past the worker is ended', async () => {
		const forged = (message: string) =>
			logIn(`async login() {
				const {parentPort} = await import('node:worker_threads');
				parentPort.postMessage(${message});
				return new Promise(() => {});
			}`);
		const what = 'The plugin acme sent something that is not of the contract.';
		expect(await failureOf(forged('null'))).toBe(what);
		expect(await failureOf(forged(`{type: '${secret}'}`))).toBe(what);
		expect(await failureOf(forged(`{type: 'done', json: '{'}`))).toContain('gave a login that is not');
		expect(await failureOf(forged(`{type: 'done', json: ${good}}`))).toContain('gave a login that is not');
		expect(await failureOf(forged(`{type: 'ask', id: 1, name: 'magic'}`))).toContain('asked for something');
	});

	it.each<[string, object]>([
		[`{code: 'login_denied'}`, {code: 'login_denied', message: 'The login of acme was denied.'}],
		[`{code: 'login_timed_out'}`, {code: 'login_timed_out'}],
		[`{code: 'login_unreachable'}`, {code: 'login_unreachable'}],
		[`{code: 'needs_login'}`, {code: 'needs_login', exitCode: 3}],
		[
			`{status: 503, retryAfter: '30'}`,
			{code: 'login_server_error', details: {status: 503, retryAfter: '30'}},
		],
		[`{status: 503, retryAfter: '${secret}'}`, {code: 'login_server_error', details: {status: 503}}],
		[`{status: 200}`, {code: 'plugin_failed'}],
		[`{code: 'store_full'}`, {code: 'plugin_failed'}],
	])('may say what went wrong: %s', async (members, expected) => {
		const error = await refusal(
			logIn(`login() { throw Object.assign(new Error('${secret}'), ${members}); }`),
		);
		expect(error).toMatchObject(expected);
		expect(JSON.stringify(error)).not.toContain('canary');
	});

	it('need not say that no answer came to what it fetched', async () => {
		const text = `async login({fetch}) {
			const {createServer} = await import('node:net');
			const server = createServer();
			await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
			const {port} = server.address();
			await new Promise(resolve => server.close(resolve));
			await fetch('http://127.0.0.1:' + port);
		}`;
		const error = await refusal(logIn(text));
		expect(error).toMatchObject({
			code: 'login_unreachable',
			message: 'The server of acme could not be reached.',
		});
		// An error of its own kind is one of its code.
		expect(await refusal(logIn(`login() { null.nothing; }`))).toMatchObject({code: 'plugin_failed'});
	});

	it('is ended when the person cancels, with what it had opened, after it was told so', async () => {
		const stop = new AbortController();
		const witness = join(temporaryFolder(), 'told');
		const text = `async login(io) {
			const {createServer} = await import('node:http');
			const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1', () => {
				io.showLink({url: 'http://127.0.0.1:' + server.address().port});
			});
			const {writeFileSync} = await import('node:fs');
			io.signal.addEventListener('abort', () => writeFileSync(${JSON.stringify(witness)}, ''));
			return new Promise(() => {});
		}`;
		const shown = Promise.withResolvers<string>();
		const io: Partial<LoginIo> = {
			signal: stop.signal,
			showLink: ({url}) => {
				shown.resolve(url);
				return new Promise(() => {});
			},
		};
		const login = logIn(text, io);
		login.catch(() => {});
		const url = await shown.promise;
		expect((await fetch(url)).status).toBe(200);
		stop.abort(new Error('cancelled'));
		await expect(login).rejects.toThrow('cancelled');
		await vi.waitFor(() => expect(fetch(url)).rejects.toThrow(), soon);
		expect(existsSync(witness)).toBe(true);
	});

	it('that is cancelled before it begins loads nothing', async () => {
		const signal = AbortSignal.abort(new Error('cancelled'));
		await expect(logIn('login() {}', {signal})).rejects.toThrow('cancelled');
	});

	it('prints nothing to where data is printed', async () => {
		const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
		const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
		try {
			await logIn(`async login() {
				console.log('${secret}'); console.error('${secret}'); process.stdout.write('${secret}');
				await new Promise(resume => setTimeout(resume, 50));
				return ${good};
			}`);
			expect([...printed.mock.calls, ...told.mock.calls].flat().join('')).not.toContain('canary');
		} finally {
			printed.mockRestore();
			told.mockRestore();
		}
	});
});

describe('a refresh', () => {
	const refresh = (members: string, limits: PluginLimits = patient) =>
		refreshByPlugin(methodOf(oneMethod(`login() {}, ${members}`)), credential, quietIo(), limits);

	it('has the credential, and gives a new one', async () => {
		const text = `async refresh({refresh, provider}) { return {...${good}, refresh: provider + refresh}; }`;
		expect(await refresh(text)).toMatchObject({access: canary('access'), refresh: `acme${secret}`});
	});

	it.each<[string, string, string]>([
		['throws', `refresh() { throw new Error('${secret}'); }`, 'failed in its refresh (Error)'],
		['waits', 'refresh: () => new Promise(() => {})', 'took longer than 1 s for its refresh'],
		[
			'gives a key',
			`refresh: async () => ({type: 'api_key', key: '${secret}'})`,
			'gave a token that is not of the contract (type)',
		],
		['is gone', '', 'gave a token that is not of the contract (all of it)'],
	])('that %s is named', async (name, members, what) => {
		expect(await failureOf(refresh(members, {...patient, useMs: name === 'waits' ? 1400 : 20_000}))).toBe(
			`The plugin acme ${what}.`,
		);
	});

	it('that loops is ended by what it does not answer', async () => {
		expect(await failureOf(refresh('refresh() { for (;;); }', short))).toBe(
			'The plugin acme did not answer for 1 s in its refresh.',
		);
	});

	it('of a module that holds another provider now is refused', async () => {
		const method = methodOf(oneMethod(`login() {}, refresh: async () => ${good}`, 'openai-codex'));
		expect(await failureOf(refreshByPlugin(method, credential, quietIo(), patient))).toContain(
			'gave a token',
		);
	});
});

test('a revocation is carried out, and what it gives is nobody’s business', async () => {
	const revoke = (members: string) =>
		revokeByPlugin(
			methodOf(oneMethod(`login() {}, ${members}`)),
			{type: 'api_key', key: secret},
			quietIo(),
			patient,
		);
	await revoke(`revoke({key}) { if (key !== '${secret}') throw new Error(); return () => {}; }`);
	expect(await failureOf(revoke(`revoke() { throw new Error('${secret}'); }`))).toBe(
		'The plugin acme failed in its revocation (Error).',
	);
});
