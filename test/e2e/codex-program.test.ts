import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {text} from 'node:stream/consumers';
import {describe, expect, it, onTestFinished} from 'vitest';
import {type CodexSandbox, codexProfile, openCodexSandbox, ownLogin, storedCodex} from '../support/codex.ts';
import {type Asked, type LocalServer, serve} from '../support/local-server.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';

/**
 * The real Codex CLI with a file that JARVIS keeps in step, against a model's API and a token endpoint on this
 * machine that note what they are asked. It is 400 MB: JARVIS_CODEX=<its binary> has it tried.
 */
const codex = process.env.JARVIS_CODEX ?? '';

interface World {
	readonly sandbox: CodexSandbox;
	readonly server: LocalServer;
	/** The tokens with which models were asked since the last look, and the answers. */
	answers(): string[];
	/** What the token endpoint and the revocation endpoint were sent so far. */
	authCalls(): readonly Asked[];
	/** Refuses every token but the newest. */
	beStrict(): void;
	start(args: readonly string[]): ChildProcess;
	run(args: readonly string[]): Promise<{readonly code: number | null; readonly output: string}>;
}

const jarvisProfile = {agentId: 'main', profileId: codexProfile, provider: 'openai-codex'};

async function openWorld(): Promise<World> {
	const sandbox = await openCodexSandbox();
	const names = new Map<string, string>();
	let isStrict = false;
	const seen: string[] = [];
	const server = await serve(asked => {
		if (asked.path.startsWith('/oauth/')) return {status: 400, body: {error: {code: 'refresh_token_reused'}}};
		if (asked.path !== '/v1/responses') return {status: 404, body: {}};
		const token = String(asked.headers.authorization).replace('Bearer ', '');
		if (!names.has(token)) names.set(token, `token ${names.size + 1}`);
		const isRefused = isStrict && token !== storedCodex(sandbox).access;
		seen.push(`${names.get(token)}: ${isRefused ? 401 : 200}`);
		if (isRefused) return {status: 401, body: {error: {message: 'unauthorized', code: 'token_expired'}}};
		return {headers: {'content-type': 'text/event-stream'}, body: pong};
	});
	mkdirSync(join(sandbox.home, 'work'), {recursive: true});
	writeFileSync(join(sandbox.home, 'config.toml'), configuration(server.origin));
	const start = (args: readonly string[]) => {
		const child = spawn(codex, args, {
			cwd: join(sandbox.home, 'work'),
			stdio: ['pipe', 'pipe', 'pipe'],
			env: {
				PATH: process.env.PATH,
				HOME: temporaryFolder(),
				CODEX_HOME: sandbox.home,
				CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${server.origin}/oauth/token`,
				CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${server.origin}/oauth/revoke`,
				// Whatever it asks of other machines stays on this one.
				HTTPS_PROXY: 'http://127.0.0.1:9',
				NO_PROXY: '127.0.0.1',
			},
		});
		onTestFinished(async () => {
			const gone = child.exitCode ?? child.signalCode ?? once(child, 'exit');
			child.kill('SIGKILL');
			await gone;
		});
		return child;
	};
	return {
		...{sandbox, server, start},
		answers: () => seen.splice(0),
		authCalls: () => server.asked.filter(({path}) => path.startsWith('/oauth/')),
		beStrict: () => {
			isStrict = true;
		},
		async run(args) {
			const child = start(args);
			child.stdin?.end();
			const output = [child.stdout, child.stderr].map(stream => (stream ? text(stream) : ''));
			const [code] = (await once(child, 'exit')) as [number | null];
			return {code, output: (await Promise.all(output)).join('\n')};
		},
	};
}

const events = [
	{type: 'response.created', response: {id: 'r'}},
	{
		type: 'response.output_item.done',
		item: {type: 'message', role: 'assistant', id: 'm', content: [{type: 'output_text', text: 'PONG'}]},
	},
	{
		type: 'response.completed',
		response: {
			id: 'r',
			usage: {
				...{input_tokens: 1, input_tokens_details: null, total_tokens: 2},
				...{output_tokens: 1, output_tokens_details: null},
			},
		},
	},
];
const pong = events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

function configuration(origin: string): string {
	return `
chatgpt_base_url = "${origin}/backend-api/"
model = "gpt-5"
model_provider = "local"
cli_auth_credentials_store = "file"
check_for_update_on_startup = false
[model_providers.local]
name = "local"
base_url = "${origin}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
`;
}

const exec = ['exec', '--skip-git-repo-check', '--ephemeral', '-s', 'read-only', 'say PONG'];

/** A Codex that runs on, as an editor starts it: each turn asks the model once. */
async function openAppServer(world: World) {
	const child = world.start(['app-server']);
	const waiting = new Map<number, (result: Record<string, unknown>) => void>();
	let turnEnded = (_: string) => {};
	if (!child.stdout) throw new Error('it has no standard output');
	createInterface({input: child.stdout}).on('line', line => {
		const {id, method, result, params} = JSON.parse(line);
		if (method === 'turn/completed') turnEnded(params.turn.status);
		else if (id !== undefined && method === undefined) waiting.get(id)?.(result);
	});
	let count = 0;
	const ask = (method: string, params: unknown) =>
		new Promise<Record<string, unknown>>(resolve => {
			count += 1;
			waiting.set(count, resolve);
			child.stdin?.write(`${JSON.stringify({id: count, method, params})}\n`);
		});
	await ask('initialize', {clientInfo: {name: 'test', version: '1'}});
	child.stdin?.write(`${JSON.stringify({method: 'initialized'})}\n`);
	const {thread} = await ask('thread/start', {
		...{cwd: join(world.sandbox.home, 'work'), approvalPolicy: 'never', sandbox: 'read-only'},
	});
	const {id: threadId} = thread as {id: string};
	return async () => {
		const ended = new Promise<string>(resolve => {
			turnEnded = resolve;
		});
		await ask('turn/start', {threadId, input: [{type: 'text', text: 'say PONG'}]});
		return ended;
	};
}

describe.skipIf(codex === '')('the real Codex CLI (set JARVIS_CODEX to its binary)', () => {
	it('with a login of its own refreshes by itself: these servers would see it', async () => {
		const world = await openWorld();
		writeJson(world.sandbox.authFile, ownLogin(storedCodex(world.sandbox)));
		expect((await world.run(exec)).code).toBe(0);
		expect(JSON.parse(world.authCalls()[0]?.body ?? '{}')).toMatchObject({
			grant_type: 'refresh_token',
			refresh_token: storedCodex(world.sandbox).refresh,
			refresh_reason: 'proactive_expiry',
		});
	});

	it('kept in step it works with each new token, started anew, and asks no token endpoint', async () => {
		const world = await openWorld();
		const jarvis = world.sandbox.open();
		await jarvis.switchWriteBackOn({program: 'codex'});
		world.beStrict();
		expect(await world.run(['login', 'status'])).toMatchObject({
			...{code: 0, output: expect.stringContaining('Logged in using ChatGPT')},
		});
		for (let expiry = 1; expiry <= 3; expiry++) {
			expect(await world.run(exec)).toMatchObject({code: 0, output: expect.stringContaining('PONG')});
			expect(world.answers()).toEqual([`token ${expiry}: 200`]);
			await jarvis.refresh(jarvisProfile, 'always');
		}
		expect(world.authCalls()).toEqual([]);
	});

	it('that runs on goes on through every expiry, and through one that nobody renewed in time', async () => {
		const world = await openWorld();
		const jarvis = world.sandbox.open();
		// The ID token of its own login stays: by that it knows that each new token is of the same person.
		writeJson(world.sandbox.authFile, ownLogin(storedCodex(world.sandbox)));
		await jarvis.switchWriteBackOn({program: 'codex'});
		world.beStrict();
		const turn = await openAppServer(world);
		expect([await turn(), world.answers()]).toEqual(['completed', ['token 1: 200']]);
		for (let expiry = 2; expiry <= 20; expiry++) {
			await jarvis.refresh(jarvisProfile, 'always');
			expect(await turn()).toBe('completed');
			expect(world.answers()).toEqual([`token ${expiry - 1}: 401`, `token ${expiry}: 200`]);
		}
		// The file is behind: it fails, spends nothing, and works again as soon as the file is right.
		const behind = readFileSync(world.sandbox.authFile, 'utf8');
		await jarvis.refresh(jarvisProfile, 'always');
		const right = readFileSync(world.sandbox.authFile, 'utf8');
		writeFileSync(world.sandbox.authFile, behind);
		expect(await turn()).toBe('failed');
		writeFileSync(world.sandbox.authFile, right);
		expect(await turn()).toBe('completed');
		expect(world.authCalls()).toEqual([]);
	});

	it('logged out ends nothing but its own file, and stays logged out', async () => {
		const world = await openWorld();
		const jarvis = world.sandbox.open();
		await jarvis.switchWriteBackOn({program: 'codex'});
		expect((await world.run(['logout'])).code).toBe(0);
		expect(existsSync(world.sandbox.authFile)).toBe(false);
		expect(world.authCalls()).toEqual([]);
		expect(await jarvis.refresh(jarvisProfile, 'always')).toBe('refreshed');
		expect(existsSync(world.sandbox.authFile)).toBe(false);
		expect(await jarvis.writeBacks()).toMatchObject([{stopped: {reason: 'logged_out'}}]);
	});
});
