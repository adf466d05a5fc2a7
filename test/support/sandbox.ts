import {createHash, randomInt} from 'node:crypto';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {type IncomingMessage, request} from 'node:http';
import {createServer, type Server} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {text} from 'node:stream/consumers';
import type {TokenEndpointResponse} from 'oauth4webapi';
import {expect, onTestFinished} from 'vitest';
import type {DeviceState, Login, LoginState, WaitingState} from '../../source/auth/login/contract.ts';
import {type JarvisOptions, type LoginRequest, openJarvis} from '../../source/core.ts';
import {JarvisError} from '../../source/errors.ts';
import {
	type AuthorizationServer,
	type AuthorizationServerOptions,
	startAuthorizationServer,
} from '../../source/sandbox/authorization-server.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';
import {login, redirectUri as registeredUri} from '../sandbox/client.ts';

/** The provider that `declareProvider` declares. */
export const providerId = 'acme';

/** How often and for how long (ms) something that is to happen soon is looked for, on a busy machine too. */
export const soon = {interval: 5, timeout: 10_000};

/** An `auth-profiles.json` as a test writes and reads it. */
export interface StoredDocument {
	readonly version?: number;
	readonly profiles: Record<string, Record<string, unknown>>;
	readonly order?: Record<string, readonly string[]>;
	readonly lastGood?: Record<string, string>;
	readonly usageStats?: Record<string, Record<string, unknown>>;
	readonly [unknown: string]: unknown;
}

export interface Sandbox {
	readonly server: AuthorizationServer;
	readonly stateDir: string;
	readonly paths: StatePaths;
	/** The port that the provider's only redirect URI names. */
	readonly port: number;
	open(options?: Omit<JarvisOptions, 'stateDir'>): ReturnType<typeof openJarvis>;
}

/** A state folder with one declared provider, and its real authorization server; gone after the test. */
export async function openSandbox(options: Partial<AuthorizationServerOptions> = {}): Promise<Sandbox> {
	const [server, port] = await Promise.all([startServer(options), freePort()]);
	const stateDir = temporaryFolder();
	declareProvider(stateDir, server, {redirectUris: [callbackAt(port)]});
	return {
		server,
		port,
		stateDir,
		paths: statePaths(stateDir),
		open: (more = {}) => openJarvis({env: {}, ...more, stateDir}),
	};
}

export async function startServer(
	options: Partial<AuthorizationServerOptions> = {},
): Promise<AuthorizationServer> {
	const server = await startAuthorizationServer({redirectUris: [registeredUri], consent: 'auto', ...options});
	onTestFinished(() => server.close());
	return server;
}

export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'jarvis-test-'));
	onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
	return folder;
}

/**
 * Writes the manifest of a provider of the server, with its endpoints and no issuer; `changes` replace
 * members of its OAuth method, `methods` stand behind it.
 */
export function declareProvider(
	stateDir: string,
	server: Pick<AuthorizationServer, 'authorizationEndpoint' | 'tokenEndpoint' | 'clientId'>,
	changes: Record<string, unknown> = {},
	{
		methods = [],
		...members
	}: {readonly methods?: readonly unknown[]; readonly [member: string]: unknown} = {},
): void {
	const {authorizationEndpoint, tokenEndpoint, clientId} = server;
	const method = {
		method: 'oauth',
		...{authorizationEndpoint, tokenEndpoint, clientId},
		scopes: ['openid', 'profile', 'email', 'offline_access'],
		redirectUris: [registeredUri],
		accountIdClaim: ['https://api.openai.com/auth', 'chatgpt_account_id'],
		emailClaim: ['email'],
		...changes,
	};
	writeJson(join(stateDir, 'plugins', providerId, 'jarvis.plugin.json'), {
		id: providerId,
		label: 'Acme',
		...members,
		auth: [method, ...methods],
	});
}

/** The device login at a server, as a manifest declares it. */
export function deviceMethod(
	server: Pick<AuthorizationServer, 'deviceAuthorizationEndpoint' | 'tokenEndpoint' | 'clientId'>,
	changes: Record<string, unknown> = {},
): Record<string, unknown> {
	const {deviceAuthorizationEndpoint, tokenEndpoint, clientId} = server;
	return {
		method: 'device_code',
		...{deviceAuthorizationEndpoint, tokenEndpoint, clientId},
		scopes: ['openid', 'profile', 'email', 'offline_access'],
		accountIdClaim: ['https://api.openai.com/auth', 'chatgpt_account_id'],
		emailClaim: ['email'],
		...changes,
	};
}

/** Types a code at its address as a person does, who approves as an account, or denies with `deny`. */
export async function typeCode(
	{verificationUri, userCode}: Pick<DeviceState, 'verificationUri' | 'userCode'>,
	hint = 'maya@example.test',
): Promise<void> {
	const url = new URL(verificationUri);
	url.searchParams.set('user_code', userCode);
	const {status} = await visit(hinted(url.href, hint));
	expect(status).toBe(200);
}

export function callbackAt(port: number): string {
	return `http://127.0.0.1:${port}/auth/callback`;
}

/** A thousand ports for each process of the tests, outside the range that the system gives to outgoing connections. */
const firstPort = 12_000 + (Number(process.env.VITEST_POOL_ID ?? 0) % 20) * 1000;
let portsGiven = randomInt(1000);

/** A port that nobody listens on, and that no other test is given soon. */
export async function freePort(): Promise<number> {
	for (;;) {
		portsGiven += 1;
		const port = firstPort + (portsGiven % 1000);
		const server = await listenOn(port).catch(() => undefined);
		if (!server) continue;
		server.close();
		await once(server, 'close');
		return port;
	}
}

/** Takes a port until the test ends. Rejects if it is taken already. */
export async function takePort(port: number, host = '127.0.0.1'): Promise<void> {
	const server = await listenOn(port, host);
	onTestFinished(() => void server.close());
}

async function listenOn(port: number, host = '127.0.0.1'): Promise<Server> {
	const server = createServer();
	server.listen({port, host, exclusive: true});
	await once(server, 'listening');
	return server;
}

export function writeJson(file: string, value: unknown): void {
	mkdirSync(dirname(file), {recursive: true, mode: 0o700});
	writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`, {mode: 0o600});
}

export function writeStore({paths}: Pick<Sandbox, 'paths'>, agentId: string, document: StoredDocument): void {
	writeJson(paths.profiles(agentId), document);
}

export function readStore({paths}: Pick<Sandbox, 'paths'>, agentId = 'main'): StoredDocument {
	return JSON.parse(readFileSync(paths.profiles(agentId), 'utf8'));
}

/** A grant that the server really made, as an entry of the store whose access token is over. */
export async function expiredEntry(
	server: AuthorizationServer,
	email = 'maya@example.test',
): Promise<Record<string, unknown>> {
	const tokens = await obtainTokens(server, email);
	return {
		type: 'oauth',
		provider: providerId,
		access: tokens.access_token,
		refresh: tokens.refresh_token,
		expires: Date.now() - 1000,
		expiresIn: 60,
		accountId: `sandbox-account-${email.split('@')[0]}`,
		email,
	};
}

export async function obtainTokens(
	server: AuthorizationServer,
	email = 'maya@example.test',
): Promise<TokenEndpointResponse> {
	return login(server, {parameters: {login_hint: email}});
}

/** The error that a promise rejects with, which must be one that a person can meet. */
export async function refusal(promise: Promise<unknown>): Promise<JarvisError> {
	const outcome = await promise.then(
		value => ({value}),
		(error: unknown) => ({error}),
	);
	if ('error' in outcome && outcome.error instanceof JarvisError) return outcome.error;
	expect.fail(`expected a JarvisError, got ${'error' in outcome ? String(outcome.error) : 'a value'}`);
}

/** Waits for a login to reach a step, and returns that state. Rejects when it ends on another one. */
export async function reaches<Step extends LoginState['step']>(
	login: Login,
	step: Step,
): Promise<Extract<LoginState, {readonly step: Step}>> {
	return new Promise((resolve, reject) => {
		const look = () => {
			const state = login.state();
			if (isAt(state, step)) resolve(state);
			else if (state.step === 'failed') reject(state.error);
			else if (state.step === 'done' || state.step === 'cancelled') reject(new Error(`is ${state.step}`));
			else return;
			unsubscribe();
		};
		const unsubscribe = login.subscribe(look);
		look();
	});
}

function isAt<Step extends LoginState['step']>(
	state: LoginState,
	step: Step,
): state is Extract<LoginState, {readonly step: Step}> {
	return state.step === step;
}

/** Waits until a login waits for its person; the login is cancelled when the test ends. */
export async function waiting(login: Login): Promise<WaitingState> {
	onTestFinished(() => login.cancel());
	return reaches(login, 'waiting');
}

/** Starts a login of the declared provider, and waits until it waits for its person. */
export async function startWaiting(
	sandbox: Sandbox,
	request: Partial<LoginRequest> = {},
): Promise<{readonly login: Login; readonly state: WaitingState}> {
	const login = await sandbox.open().startLogin({providerId, agentId: 'main', ...request});
	return {login, state: await waiting(login)};
}

/** The address that the browser would come back to: the visit stops before it goes there. */
export async function redirectOf({url, redirectUri = ''}: WaitingState, hint?: string): Promise<string> {
	const stopAt = (to: URL) => to.href.startsWith(redirectUri);
	return (await visit(hint ? hinted(url, hint) : url, {stopAt})).url;
}

/** The same, as the path and query that are asked of the callback port. */
export async function redirectPath(state: WaitingState, hint?: string): Promise<string> {
	const {pathname, search} = new URL(await redirectOf(state, hint));
	return pathname + search;
}

/** What the callback port answers to a request. */
export async function askCallback(
	port: number,
	path: string,
	{
		method = 'GET',
		host = `127.0.0.1:${port}`,
		address = '127.0.0.1',
	}: {readonly method?: string; readonly host?: string; readonly address?: string} = {},
) {
	const sent = request({host: address, port, path, method, headers: {host}});
	sent.end();
	const [response] = (await once(sent, 'response')) as [IncomingMessage];
	return {status: response.statusCode, headers: response.headers, body: await text(response)};
}

/** An authorize URL that makes the sandbox's server answer as this account, or `deny`. */
export function hinted(url: string, hint: string): string {
	const hinting = new URL(url);
	hinting.searchParams.set('login_hint', hint);
	return hinting.href;
}

/** A text that does not look like a real secret, the same for the same name. */
export function canary(name: string): string {
	return `canary-${name}-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
}
