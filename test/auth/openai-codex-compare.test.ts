import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {promisify} from 'node:util';
import {beforeAll, expect, onTestFinished, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {type Asked, fetchVia, type LocalServer, serve} from '../support/local-server.ts';
import {canary, reaches, readStore, temporaryFolder} from '../support/sandbox.ts';

/**
 * The seed has its login flows from pi-ai. Its published package logs in and refreshes in a process of its own,
 * JARVIS does the same, and both talk to one recording server: what they send is compared field by field.
 */
const packageName = '@mariozechner/pi-ai@0.73.1';

interface Difference {
	readonly theirs: string | RegExp | undefined;
	readonly ours: string | RegExp | undefined;
}

/** All that may differ; the reasons stand in docs/login.md. A random value has its form compared. */
const differences: Readonly<Record<'authorize' | 'headers', Readonly<Record<string, Difference>>>> = {
	authorize: {
		originator: {theirs: 'pi', ours: 'jarvis'},
		redirect_uri: {
			theirs: 'http://localhost:1455/auth/callback',
			// The second one that is registered, where the first one's port is taken.
			ours: /^http:\/\/127\.0\.0\.1:145[57]\/auth\/callback$/,
		},
		state: {theirs: /^[0-9a-f]{32}$/, ours: /^[\w-]{43}$/},
		code_challenge: {theirs: /^[\w-]{43}$/, ours: /^[\w-]{43}$/},
	},
	headers: {
		accept: {theirs: '*/*', ours: 'application/json'},
		'content-type': {
			theirs: 'application/x-www-form-urlencoded',
			ours: 'application/x-www-form-urlencoded;charset=UTF-8',
		},
		'user-agent': {theirs: 'node', ours: /^oauth4webapi\//},
	},
};

interface Recorded {
	readonly authorize: URL;
	readonly exchange: Asked;
	readonly refresh: Asked;
	readonly result: Record<string, unknown>;
	readonly refreshed: Record<string, unknown>;
}

const code = canary('code');
const claims = {'https://api.openai.com/auth': {chatgpt_account_id: 'account-maya'}};
const jwt = (name: string) =>
	[{alg: 'none'}, {...claims, name}]
		.map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
		.concat('x')
		.join('.');

/** A token endpoint that gives tokens to everybody. */
async function recordingServer(): Promise<LocalServer> {
	let count = 0;
	return serve(({path}) => {
		if (path !== '/oauth/token') return {status: 404};
		count += 1;
		const tokens = {access_token: jwt(`access ${count}`), refresh_token: canary(`refresh ${count}`)};
		return {body: {...tokens, token_type: 'bearer', expires_in: 3600}};
	});
}

/** Fetches the package with npm, and unpacks what it needs of it; `undefined` where there is no way to the registry. */
async function unpackTheirs(folder: string): Promise<string | undefined> {
	const run = promisify(execFile);
	const pack = ['pack', packageName, '--ignore-scripts', '--silent', '--pack-destination', folder];
	try {
		const {stdout} = await run('npm', pack, {cwd: folder, timeout: 90_000});
		await run('tar', [
			'-xzf',
			join(folder, stdout.trim()),
			'-C',
			folder,
			'package/dist/utils/oauth',
			'package/package.json',
		]);
	} catch (error) {
		const told = String((error as {stderr?: unknown}).stderr ?? error);
		if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(told)) return undefined;
		throw error;
	}
	return join(folder, 'package/dist/utils/oauth/openai-codex.js');
}

/** Logs in and refreshes as they do, in a process whose every request goes to the recording server. */
async function recordTheirs(module: string, folder: string): Promise<Recorded> {
	const server = await recordingServer();
	const preload = join(folder, 'preload.mjs');
	writeFileSync(
		preload,
		`const reach = globalThis.fetch;
globalThis.fetch = (input, init = {}) => {
	const {host, pathname, search} = new URL(input);
	const headers = {...Object.fromEntries(new Headers(init.headers)), 'x-asked-host': host};
	return reach(${JSON.stringify(server.origin)} + pathname + search, {...init, headers});
};
`,
	);
	const script = `
		const {loginOpenAICodex, refreshOpenAICodexToken} = await import(${JSON.stringify(module)});
		// It loads what it needs of Node beside, and refuses to work until it has.
		await new Promise(resolve => setTimeout(resolve, 100));
		let authorize;
		const result = await loginOpenAICodex({
			onAuth: ({url}) => (authorize = url),
			onManualCodeInput: async () => ${JSON.stringify(code)},
			onPrompt: async () => ${JSON.stringify(code)},
		});
		const refreshed = await refreshOpenAICodexToken(result.refresh);
		process.stdout.write(JSON.stringify({authorize, result, refreshed}), () => process.exit(0));
	`;
	const child = spawn(process.execPath, ['--import', preload, '--input-type=module', '-e', script], {
		env: {PATH: process.env.PATH, HOME: folder},
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	onTestFinished(() => void child.kill('SIGKILL'));
	const [told, failed] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
	if (told === '') throw new Error(failed);
	const {authorize, result, refreshed} = JSON.parse(told);
	return {authorize: new URL(authorize), result, refreshed, ...requestsOf(server)};
}

async function recordOurs(): Promise<Recorded> {
	const server = await recordingServer();
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}, fetch: fetchVia({'auth.openai.com': server})});
	const login = await jarvis.startLogin({providerId: 'openai-codex', agentId: 'main'});
	onTestFinished(() => login.cancel());
	const authorize = new URL((await reaches(login, 'waiting')).url);
	await login.paste(code);
	expect(await login.finished).toMatchObject({step: 'done'});
	const profileId = 'openai-codex:default';
	const stored = () => ({...readStore({paths: statePaths(stateDir)}).profiles[profileId]});
	const result = stored();
	await jarvis.refresh({agentId: 'main', profileId, provider: 'openai-codex'}, 'always');
	return {authorize, result, refreshed: stored(), ...requestsOf(server)};
}

function requestsOf({asked}: LocalServer): Pick<Recorded, 'exchange' | 'refresh'> {
	const [exchange, refresh, ...others] = asked;
	if (!exchange || !refresh) expect.fail(`only ${asked.length} requests were made`);
	expect(others).toEqual([]);
	return {exchange, refresh};
}

/** Fails unless both have the same fields, those of the table as it says, and all others alike. */
function expectAlike(
	theirs: Readonly<Record<string, unknown>>,
	ours: Readonly<Record<string, unknown>>,
	table: Readonly<Record<string, Difference>>,
): void {
	for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours), ...Object.keys(table)])) {
		const told = table[name] ?? {theirs: theirs[name] as string, ours: theirs[name] as string};
		for (const [who, value, wanted] of [
			['theirs', theirs[name], told.theirs],
			['ours', ours[name], told.ours],
		] as const) {
			if (wanted instanceof RegExp) expect(value, `${name} of ${who}`).toMatch(wanted);
			else expect(value, `${name} of ${who}`).toBe(wanted);
		}
	}
}

const formOf = ({body}: Asked) => Object.fromEntries(new URLSearchParams(body));
/** What a request says of itself, without what its connection does. */
function headersOf({headers}: Asked): Record<string, unknown> {
	const ofConnection = [
		'host',
		'connection',
		'content-length',
		'sec-fetch-mode',
		'accept-encoding',
		'accept-language',
	];
	return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.includes(name)));
}

let module: string | undefined;
let folder = '';

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'jarvis-compare-'));
	module = await unpackTheirs(folder);
	return () => rmSync(folder, {recursive: true, force: true});
}, 120_000);

test('what we send to OpenAI is what pi-ai sends, but for what is said in the table', async context => {
	if (!module) return context.skip('there is no way to npm’s registry');
	const [theirs, ours] = [await recordTheirs(module, folder), await recordOurs()];

	expect(`${ours.authorize.origin}${ours.authorize.pathname}`).toBe(
		`${theirs.authorize.origin}${theirs.authorize.pathname}`,
	);
	const query = ({authorize}: Recorded) => Object.fromEntries(authorize.searchParams);
	expectAlike(query(theirs), query(ours), differences.authorize);
	expect([...ours.authorize.searchParams.keys()]).toHaveLength(Object.keys(query(ours)).length);

	for (const request of ['exchange', 'refresh'] as const) {
		expect(ours[request].method).toBe(theirs[request].method);
		expect(ours[request].path).toBe(theirs[request].path);
		expectAlike(headersOf(theirs[request]), headersOf(ours[request]), differences.headers);
	}
	const verifier = {theirs: /^[\w-]{43}$/, ours: /^[\w-]{43}$/};
	expectAlike(formOf(theirs.exchange), formOf(ours.exchange), {
		code_verifier: verifier,
		redirect_uri: {
			theirs: query(theirs).redirect_uri,
			ours: query(ours).redirect_uri,
		},
	});
	expectAlike(formOf(theirs.refresh), formOf(ours.refresh), {});
	expect(formOf(ours.refresh).refresh_token).toBe(canary('refresh 1'));

	for (const name of ['access', 'refresh', 'accountId']) {
		expect(ours.result[name]).toBe(theirs.result[name]);
		expect(ours.refreshed[name]).toBe(theirs.refreshed[name]);
	}
	const apart = Number(ours.result.expires) - Number(theirs.result.expires);
	expect(Math.abs(apart)).toBeLessThan(60_000);
}, 60_000);

test('every difference stands in the docs', () => {
	const docs = readFileSync(new URL('../../docs/login.md', import.meta.url), 'utf8');
	for (const name of [...Object.keys(differences.authorize), ...Object.keys(differences.headers)]) {
		if (name !== 'code_challenge') expect(docs).toMatch(new RegExp(`^\\| \`${name}\``, 'm'));
	}
});
