import {readFileSync} from 'node:fs';
import {afterEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import type {DeviceState, Login} from '../../source/auth/login/contract.ts';
import type {JarvisOptions} from '../../source/core.ts';
import type {AuthorizationServerOptions} from '../../source/sandbox/authorization-server.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {type Answer, type Asked, type LocalServer, serve} from '../support/local-server.ts';
import {
	canary,
	declareProvider,
	deviceMethod,
	openSandbox,
	providerId,
	reaches,
	readStore,
	type Sandbox,
	soon,
	typeCode,
} from '../support/sandbox.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
const request = {providerId, agentId: 'main', method: 'device_code'};

/** How long (s) a client of the real server waits between two polls. */
const pollSeconds = 0.05;

async function openDevice(
	options: Partial<AuthorizationServerOptions> = {},
	changes: Record<string, unknown> = {},
): Promise<Sandbox> {
	const sandbox = await openSandbox({pollSeconds, ...options});
	const {stateDir, server} = sandbox;
	declareProvider(stateDir, server, {}, {methods: [deviceMethod(server, changes)]});
	return sandbox;
}

async function startDevice(
	sandbox: Sandbox,
	options: Omit<JarvisOptions, 'stateDir'> = {},
): Promise<{readonly login: Login; readonly state: DeviceState}> {
	const login = await sandbox.open(options).startLogin(request);
	onTestFinished(() => login.cancel());
	return {login, state: await reaches(login, 'device')};
}

const polls = ({server}: Sandbox) => server.tokenRequests.filter(({body}) => body.grant_type === grantType);

describe('at the real server', () => {
	test('a code that is approved stores the credential, under its account', async () => {
		const before = Date.now();
		const sandbox = await openDevice();
		const {login, state} = await startDevice(sandbox);
		expect(state).toEqual({
			step: 'device',
			userCode: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
			verificationUri: `${sandbox.server.issuer}/oauth/device`,
			verificationUriComplete: `${sandbox.server.issuer}/oauth/device?user_code=${state.userCode}`,
			until: expect.any(Number),
			browser: 'not asked',
		});
		expect(state.until).toBeGreaterThan(before + 9 * 60_000);
		// It goes on asking until somebody decides.
		await vi.waitFor(() => expect(polls(sandbox).length).toBeGreaterThan(2), soon);
		expect(login.state()).toBe(state);
		await typeCode(state, 'tomas@example.test');
		expect(await login.finished).toEqual({
			step: 'done',
			result: {
				...{profileId: 'acme:tomas@example.test', provider: 'acme', agentId: 'main', kind: 'oauth'},
				...{accountId: 'sandbox-account-tomas', email: 'tomas@example.test'},
				expires: expect.any(Number),
			},
		});
		const {profiles, usageStats} = readStore(sandbox);
		expect(profiles).toEqual({
			'acme:tomas@example.test': {
				...{type: 'oauth', provider: 'acme', expires: expect.any(Number), expiresIn: 60},
				...{
					access: expect.any(String),
					refresh: expect.any(String),
					clientId: 'jarvis-sandbox',
					method: 'device_code',
				},
				...{accountId: 'sandbox-account-tomas', email: 'tomas@example.test'},
			},
		});
		expect(usageStats?.['acme:tomas@example.test']).toMatchObject({lastProven: {outcome: 'login'}});
		expect(polls(sandbox).every(({body}) => body.client_id === 'jarvis-sandbox')).toBe(true);
	});

	test('the address with the code in it does as well, and opens in a browser where there is one', async () => {
		const sandbox = await openDevice();
		const opened: string[] = [];
		const {login, state} = await startDevice(sandbox, {
			async openBrowser(url) {
				opened.push(url);
				await visit(url);
			},
		});
		expect(opened).toEqual([state.verificationUriComplete]);
		expect(await login.finished).toMatchObject({result: {profileId: 'acme:maya@example.test'}});
	});

	test('it is refreshed later by the client that it was made for', async () => {
		const clientId = 'jarvis-device';
		const sandbox = await openDevice({extraClientIds: [clientId]}, {clientId});
		const {login, state} = await startDevice(sandbox);
		await typeCode(state);
		await login.finished;
		const {refresh} = readStore(sandbox).profiles['acme:maya@example.test'] ?? {};
		const later = sandbox.open({now: () => Date.now() + 120_000});
		expect(
			await later.refresh(
				{agentId: 'main', profileId: 'acme:maya@example.test', provider: 'acme'},
				'expired',
			),
		).toBe('refreshed');
		expect(sandbox.server.tokenRequests.at(-1)?.body).toMatchObject({
			...{grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh},
		});
		const entry = readStore(sandbox).profiles['acme:maya@example.test'];
		expect(entry).toMatchObject({clientId, email: 'maya@example.test', accountId: 'sandbox-account-maya'});
		expect(entry?.refresh).not.toBe(refresh);
	});

	test('one that is denied ends the login', async () => {
		const sandbox = await openDevice();
		const {login, state} = await startDevice(sandbox);
		await typeCode(state, 'deny');
		expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_denied'}});
		expect(() => readStore(sandbox)).toThrow('ENOENT');
	});

	test('a person chooses the account on its page, or types the code into it', async () => {
		const sandbox = await openDevice({consent: 'ask'});
		const {login, state} = await startDevice(sandbox);
		const asked = await visit(state.verificationUri);
		expect(asked.body).toContain('Type the code');
		const unknown = await visit(`${state.verificationUri}?user_code=NONE-SUCH`);
		expect(unknown).toMatchObject({status: 400, body: expect.stringContaining('does not work')});
		const typed = state.userCode.toLowerCase().replace('-', ' ');
		await visit(`${state.verificationUri}?user_code=${encodeURIComponent(typed)}`, {choose: 'Wren'});
		expect(await login.finished).toMatchObject({result: {email: 'wren@example.test'}});
	});

	test('one that runs out is told', async () => {
		const sandbox = await openDevice({deviceCodeSeconds: 1, pollSeconds: 0.4});
		const {login, state} = await startDevice(sandbox);
		const outcome = await login.finished;
		expect(outcome).toMatchObject({
			step: 'failed',
			error: {code: 'login_timed_out', message: 'The code ran out before it was typed in.'},
		});
		// Nobody approves it afterwards.
		await expect(typeCode(state)).rejects.toThrow();
	});

	test('a server that offers it to nobody says so', async () => {
		const sandbox = await openDevice();
		const {stateDir, server} = sandbox;
		const method = deviceMethod(server, {clientId: 'nobody'});
		declareProvider(stateDir, server, {}, {methods: [method]});
		const login = await sandbox.open().startLogin(request);
		expect(await login.finished).toMatchObject({
			step: 'failed',
			error: {code: 'login_server_error', message: expect.stringContaining('invalid_client')},
		});
	});

	test('by the issuer alone, its ID token is checked', async () => {
		const sandbox = await openDevice();
		const {stateDir, server} = sandbox;
		const method = deviceMethod(server, {
			...{issuer: server.issuer, deviceAuthorizationEndpoint: undefined, tokenEndpoint: undefined},
			accountIdClaim: undefined,
		});
		declareProvider(stateDir, server, {}, {methods: [method]});
		const {login, state} = await startDevice(sandbox);
		await typeCode(state);
		expect(await login.finished).toMatchObject({result: {email: 'maya@example.test'}});
	});
});

/** A server that speaks RFC 8628, and answers polls in turn: the last answer stays. */
async function openSpoken(
	answers: readonly (Answer | ((asked: Asked) => Answer))[],
	device: Record<string, unknown> = {},
): Promise<Sandbox & {readonly spoken: LocalServer; readonly polled: () => readonly Asked[]}> {
	const spoken: LocalServer = await serve(asked => {
		if (asked.path === '/device') {
			return {
				body: {
					...{device_code: canary('device code'), user_code: 'ABCD-1234', interval: 1, expires_in: 900},
					verification_uri: `${spoken.origin}/activate`,
					...device,
				},
			};
		}
		const answer = answers[Math.min(spoken.on('/token').length, answers.length) - 1] ?? {status: 500};
		return typeof answer === 'function' ? answer(asked) : answer;
	});
	const sandbox = await openSandbox();
	const endpoints = {
		deviceAuthorizationEndpoint: `${spoken.origin}/device`,
		tokenEndpoint: `${spoken.origin}/token`,
	};
	const method = deviceMethod(sandbox.server, endpoints);
	declareProvider(sandbox.stateDir, sandbox.server, {}, {methods: [method]});
	return {...sandbox, spoken, polled: () => spoken.on('/token')};
}

const tokens = {
	body: {access_token: canary('access'), refresh_token: canary('refresh'), token_type: 'bearer', scope: ''},
};
const refusal = (error: string, more: object = {}) => ({status: 400, body: {error, ...more}});
const pending = refusal('authorization_pending');

describe('how it polls', () => {
	afterEach(() => {
		vi.useRealTimers();
	});

	/** Time stands still but for `pass`: only what waits with setTimeout is held up, and no network is. */
	async function startPolling(answers: Parameters<typeof openSpoken>[0], device = {}) {
		const sandbox = await openSpoken(answers, device);
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'performance']});
		let answered = 0;
		const counted: typeof fetch = async (...given) => {
			const response = await fetch(...given);
			answered += 1;
			return response;
		};
		const login = await sandbox.open({fetch: counted}).startLogin(request);
		const shown = Promise.withResolvers<DeviceState>();
		login.subscribe(() => {
			const state = login.state();
			if (state.step === 'device') shown.resolve(state);
		});
		const state = await shown.promise;
		/** Lets time (s) go by; then the count of polls, once each that was sent is answered. */
		const pass = async (seconds: number): Promise<number> => {
			await vi.advanceTimersByTimeAsync(seconds * 1000);
			for (let turn = 0; turn < 2000 && answered < sandbox.polled().length + 1; turn++) await turnOfLoop();
			await turnsOfLoop(20);
			return sandbox.polled().length;
		};
		return {sandbox, login, state, pass};
	}

	const turnOfLoop = () => new Promise(resolve => setImmediate(resolve));
	const turnsOfLoop = async (count: number) => {
		for (let turn = 0; turn < count; turn++) await turnOfLoop();
	};

	test('at the interval that the server says, the first time after it too', async () => {
		const {pass, login} = await startPolling([pending], {interval: 7});
		expect(await pass(6.9)).toBe(0);
		expect(await pass(0.2)).toBe(1);
		expect(await pass(6.8)).toBe(1);
		expect(await pass(0.2)).toBe(2);
		login.cancel();
	});

	test('every five seconds where it says none', async () => {
		const {pass, login} = await startPolling([pending], {interval: undefined});
		expect(await pass(4.9)).toBe(0);
		expect(await pass(0.2)).toBe(1);
		login.cancel();
	});

	test('five seconds more after each slow_down, for good', async () => {
		const {pass, login} = await startPolling([
			refusal('slow_down'),
			pending,
			refusal('slow_down', {interval: 99}),
			tokens,
		]);
		expect(await pass(1.1)).toBe(1);
		expect(await pass(5.8)).toBe(1);
		expect(await pass(0.3)).toBe(2);
		expect(await pass(5.8)).toBe(2);
		expect(await pass(0.3)).toBe(3);
		expect(await pass(10.8)).toBe(3);
		expect(await pass(0.3)).toBe(4);
		vi.useRealTimers();
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('until the code runs out, though that is longer than logins wait', async () => {
		const {pass, login, state} = await startPolling([pending], {interval: 60, expires_in: 1800});
		expect(state.until).toBeGreaterThan(Date.now() + 1_700_000);
		for (let minute = 1; minute < 30; minute++) expect(await pass(60)).toBe(minute);
		expect(login.state()).toBe(state);
		expect(await pass(60)).toBe(29);
		vi.useRealTimers();
		expect(await login.finished).toMatchObject({
			error: {code: 'login_timed_out', message: 'The code ran out before it was typed in.'},
		});
	});

	test('no more once it is cancelled', async () => {
		const {pass, login, sandbox} = await startPolling([pending]);
		expect(await pass(1.1)).toBe(1);
		login.cancel();
		expect(await login.finished).toEqual({step: 'cancelled'});
		expect(await pass(60)).toBe(1);
		expect(() => readStore(sandbox)).toThrow('ENOENT');
	});
});

const quick = {interval: 0.02};

async function spokenOutcome(...[answers, device]: Parameters<typeof openSpoken>) {
	const sandbox = await openSpoken(answers, {...quick, ...device});
	const login = await sandbox.open().startLogin(request);
	onTestFinished(() => login.cancel());
	return {...sandbox, outcome: await login.finished};
}

describe('what a server may answer', () => {
	test.each<[string, Answer]>([
		['its own failure', {status: 503, body: 'busy'}],
		['a limit', {status: 429, body: {error: 'temporarily_unavailable'}}],
		['a gateway’s page', {status: 502, body: '<html>canary</html>'}],
	])('%s between two polls is no answer', async (_what, answer) => {
		const {outcome, polled} = await spokenOutcome([pending, answer, answer, tokens]);
		expect(outcome).toMatchObject({step: 'done', result: {profileId: 'acme:default'}});
		expect(polled()).toHaveLength(4);
	});

	test('a network that is down between two polls is none either', async () => {
		const sandbox = await openSpoken([pending, tokens], quick);
		let polls = 0;
		const jarvis = sandbox.open({
			async fetch(input, init) {
				if (String(input).endsWith('/token') && ++polls === 2)
					throw new TypeError('fetch failed', {cause: Object.assign(new Error(), {code: 'ENETDOWN'})});
				return fetch(input, init);
			},
		});
		const login = await jarvis.startLogin(request);
		expect(await login.finished).toMatchObject({step: 'done'});
		expect(polls).toBe(3);
		expect(sandbox.polled()).toHaveLength(2);
	});

	test('GitHub tells errors with status 200', async () => {
		const at200 = (error: string) => ({body: {error, error_description: 'A sentence.'}});
		const {outcome, polled} = await spokenOutcome([at200('authorization_pending'), tokens]);
		expect(outcome).toMatchObject({step: 'done'});
		expect(polled()).toHaveLength(2);
		expect((await spokenOutcome([at200('access_denied')])).outcome).toMatchObject({
			error: {code: 'login_denied'},
		});
		expect((await spokenOutcome([at200('expired_token')])).outcome).toMatchObject({
			error: {code: 'login_timed_out'},
		});
		expect((await spokenOutcome([at200('device_flow_disabled')])).outcome).toMatchObject({
			error: {code: 'login_server_error', message: expect.stringContaining('device_flow_disabled')},
		});
	});

	test.each<[string, Answer, string]>([
		['a code that it does not know', refusal('invalid_grant'), 'login_server_error'],
		['a client that may not', refusal('unauthorized_client'), 'login_server_error'],
		['no token', {body: {token_type: 'bearer'}}, 'login_server_error'],
	])('%s ends the login', async (_what, answer, code) => {
		const {outcome, polled} = await spokenOutcome([answer]);
		expect(outcome).toMatchObject({step: 'failed', error: {code}});
		expect(polled()).toHaveLength(1);
	});

	test.each([
		['a script', 'javascript:alert(1)'],
		['a file', 'file:///etc/passwd'],
		['no address', 'not an address'],
		['an address with control codes', 'https://example.test/\u001B]52;c;Y2FuYXJ5\u0007'],
	])('%s in place of the page is neither shown nor opened', async (_what, address) => {
		const opened: string[] = [];
		for (const member of ['verification_uri', 'verification_uri_complete']) {
			const sandbox = await openSpoken([tokens], {...quick, [member]: address});
			const login = await sandbox.open({openBrowser: async url => void opened.push(url)}).startLogin(request);
			const shown: unknown[] = [];
			login.subscribe(() => shown.push(login.state()));
			await login.finished;
			expect(JSON.stringify(shown)).not.toContain(JSON.stringify(address).slice(1, -1));
		}
		expect(opened.filter(url => !url.startsWith('http'))).toEqual([]);
	});

	test('nothing that is secret is told', async () => {
		const {outcome, stateDir} = await spokenOutcome([
			refusal('invalid_request', {error_description: 'No.', device_code: canary('device code')}),
		]);
		expect(JSON.stringify(outcome)).not.toContain('canary');
		expect(() => readFileSync(`${stateDir}/agents/main/agent/auth-profiles.json`)).toThrow('ENOENT');
	});
});

test('a server that cannot be reached, or has no such login, is told', async () => {
	const sandbox = await openSandbox();
	const {stateDir, server} = sandbox;
	const failureOf = async (changes: Record<string, unknown>) => {
		declareProvider(stateDir, server, {}, {methods: [deviceMethod(server, changes)]});
		const login = await sandbox.open().startLogin(request);
		const outcome = await login.finished;
		return outcome.step === 'failed' ? outcome.error.code : outcome.step;
	};
	expect(await failureOf({deviceAuthorizationEndpoint: 'http://127.0.0.1:1/device'})).toBe(
		'login_unreachable',
	);
	expect(await failureOf({deviceAuthorizationEndpoint: `${server.issuer}/none`})).toBe('login_server_error');
	expect(await failureOf({deviceAuthorizationEndpoint: 'http://login.example.test/device'})).toBe(
		'insecure_endpoint',
	);
});

test('a provider that has no device login says which it has', async () => {
	const sandbox = await openSandbox();
	await expect(sandbox.open().startLogin(request)).rejects.toMatchObject({code: 'login_unsupported'});
});
