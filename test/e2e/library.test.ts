import {execFileSync, spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {beforeAll, expect, it} from 'vitest';
import {canary, expiredEntry, openSandbox, type Sandbox, writeStore} from '../support/sandbox.ts';
import {put, temporaryFolder} from '../support/state-folder.ts';
import {emptyState, firstAccount, run, stored} from './support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(root, 'node_modules');

/** A program of somebody else's: a folder with the packed package in it, and Node's types. */
let consumer: string;
let installed: string;

beforeAll(() => {
	consumer = temporaryFolder();
	installed = join(consumer, 'node_modules/jarvis-auth');
	put(join(consumer, 'package.json'), {name: 'consumer', private: true, type: 'module'});
	mkdirSync(installed, {recursive: true});
	const archive = join(consumer, packInto(consumer));
	execFileSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
	mkdirSync(join(consumer, 'node_modules/@types'));
	symlinkSync(join(modules, '@types/node'), join(consumer, 'node_modules/@types/node'));
});

/** Packs what was built, as `npm pack` does it, into an archive. Other tests use the build meanwhile. */
function packInto(folder: string): string {
	const copy = temporaryFolder();
	for (const name of ['package.json', 'README.md', 'LICENSE', 'docs', 'dist'])
		cpSync(join(root, name), join(copy, name), {recursive: true});
	execFileSync(process.execPath, [join(root, 'scripts/declarations.ts'), join(copy, 'dist/types')]);
	const pack = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', folder];
	return execFileSync('npm', pack, {cwd: copy, encoding: 'utf8'}).trim();
}

/** Runs a script of the consumer's, which must end by itself, and returns the JSON that it prints. */
async function runScript<T>(state: Pick<Sandbox, 'stateDir'>, text: string): Promise<T> {
	const script = join(consumer, 'script.js');
	writeFileSync(script, text);
	const {code, stdout, stderr} = await run(state, [], {command: [process.execPath, script]});
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	return JSON.parse(stdout);
}

it('brings no other package in, and keeps to its own files', () => {
	const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
	expect(manifest).not.toHaveProperty('dependencies');
	expect(manifest).not.toHaveProperty('peerDependencies');
	// Native, and loaded where it is there only (docs/keychain.md).
	expect(Object.keys(manifest.optionalDependencies)).toEqual(['@napi-rs/keyring', 'koffi']);
	expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'docs', 'package.json']);
});

const typed = `
import {
	type AgentSnapshot, asJarvisError, type ErrorCode, errorTable, type Jarvis, JarvisError,
	type JarvisOptions, type Login, type LoginOutcome, type LoginResult, type LoginState, openJarvis,
	type ProfileFacts, type Provider, type ProviderListing, type Resolved, type Snapshot, type WaitingState,
} from 'jarvis-auth';

const options: JarvisOptions = {
	stateDir: 'state', env: process.env, now: () => 0, fetch, openBrowser: async url => void url.length,
};
const jarvis: Jarvis = openJarvis(options);
export const resolved: Resolved = await jarvis.resolve({providerId: 'acme', agentId: 'main'});
export const parts: [string, number | undefined] = [resolved.secret, resolved.expires];
const snapshot: Snapshot = await jarvis.snapshot();
const agents: readonly AgentSnapshot[] = snapshot.agents;
export const facts: readonly ProfileFacts[] = agents.flatMap(agent => agent.profiles);
const listing: ProviderListing = await jarvis.providers();
export const provider: Provider | undefined = listing.providers.get('acme');
const login: Login = await jarvis.startLogin({providerId: 'acme', agentId: 'main'});
const state: LoginState = login.state();
export const waiting: WaitingState | undefined = state.step === 'waiting' ? state : undefined;
const outcome: LoginOutcome = await login.finished;
export const result: LoginResult | undefined = outcome.step === 'done' ? outcome.result : undefined;
try {
	await jarvis.refresh({agentId: 'main', profileId: 'acme:maya', provider: 'acme'}, 'always');
} catch (error) {
	const {code}: {code: ErrorCode} = error instanceof JarvisError ? error : asJarvisError(error);
	process.exitCode = errorTable[code].exit;
}

// What is wrong must be seen: nothing of it is an \`any\`.
// @ts-expect-error
await jarvis.resolve({providerId: 1});
// @ts-expect-error
resolved.nothing;
// @ts-expect-error
facts[0]?.nothing;
// @ts-expect-error
login.nothing;
// @ts-expect-error
listing.nothing;
// @ts-expect-error
new JarvisError('no_such_code', '', '');
// @ts-expect-error
openJarvis({fetch: 'no function'});
`;

/** The examples of a page, which must compile too. */
function examples(page: string): string[] {
	const found = readFileSync(join(installed, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm);
	const texts = [...found].map(([, text = '']) => text);
	expect(texts).not.toEqual([]);
	return texts;
}

it.each([
	['as Node does, without a browser’s types', {module: 'nodenext', lib: ['es2022']}],
	['as a bundler does', {module: 'esnext', moduleResolution: 'bundler'}],
])('type checks where modules are found %s', (_how, compilerOptions) => {
	const sources = [typed, ...examples('README.md'), ...examples('docs/library.md')];
	const files = sources.map((_, index) => `typed-${index}.ts`);
	for (const [index, file] of files.entries()) writeFileSync(join(consumer, file), sources[index] ?? '');
	put(join(consumer, 'tsconfig.json'), {
		compilerOptions: {target: 'es2022', strict: true, skipLibCheck: false, noEmit: true, ...compilerOptions},
		files,
	});
	const compiler = join(modules, 'typescript/bin/tsc');
	const {status, stdout} = spawnSync(process.execPath, [compiler, '-p', consumer], {encoding: 'utf8'});
	expect({status, stdout}).toEqual({status: 0, stdout: ''});
});

/** Texts that are in the bundle because of a part that a good token does not need. */
const marks = {
	React: 'react.transitional.element',
	Ink: 'ink-box',
	commander: 'commander.helpDisplayed',
	valibot: 'kind:"schema"',
	oauth4webapi: 'oauth4webapi/v',
	'proper-lockfile': 'ECOMPROMISED',
	JSON5: 'JSON5:',
};

function marksIn(files: readonly string[]): string[] {
	const texts = files.map(file => readFileSync(file, 'utf8'));
	return Object.entries(marks).flatMap(([part, mark]) =>
		texts.some(text => text.includes(mark)) ? [part] : [],
	);
}

it('hands out a good token, and loads nothing that this does not need', async () => {
	const state = emptyState();
	const key = canary('key');
	writeStore(state, 'main', {profiles: {'acme:default': {type: 'api_key', provider: 'acme', key}}});
	const {resolved, urls, builtins, waiting} = await runScript<{
		readonly resolved: unknown;
		readonly urls: readonly string[];
		readonly builtins: readonly string[];
		readonly waiting: readonly string[];
	}>(
		state,
		`import {registerHooks} from 'node:module';
		const urls = [];
		registerHooks({load: (url, context, next) => (urls.push(url), next(url, context))});
		const {openJarvis} = await import('jarvis-auth');
		const resolved = await openJarvis().resolve({providerId: 'acme'});
		const waiting = process.getActiveResourcesInfo();
		const builtins = process.moduleLoadList;
		console.log(JSON.stringify({resolved, urls, builtins, waiting}));`,
	);
	expect(resolved).toEqual({
		...{agentId: 'main', profileId: 'acme:default', provider: 'acme', kind: 'api_key', secret: key},
		...{reason: 'ok', why: 'API key, never used', passedOver: []},
	});
	const files = urls.filter(url => url.startsWith('file:')).map(url => fileURLToPath(url));
	expect(files).toContain(join(installed, 'dist/index.js'));
	expect(files.filter(file => !file.startsWith(installed))).toEqual([]);
	expect(marksIn(files)).toEqual([]);
	expect(builtins).not.toContain('NativeModule crypto');
	expect(builtins).not.toContain('NativeModule sqlite');
	expect(builtins).not.toContain('NativeModule internal/deps/undici/undici');
	expect(waiting.filter(what => what === 'Timeout')).toEqual([]);
	// The marks are those of what is there.
	const onDemand = join(installed, 'dist/on-demand');
	const all = readdirSync(onDemand).filter(name => name.endsWith('.js'));
	expect(marksIn(all.map(name => join(onDemand, name)))).toEqual(Object.keys(marks));
});

it('takes folder, environment and time from its options, and opens nothing before it is asked', async () => {
	const state = emptyState();
	const given = emptyState();
	const key = canary('env');
	const keyRef = {source: 'env', provider: 'default', id: 'CANARY_KEY'};
	writeStore(given, 'main', {
		profiles: {
			'a:default': {type: 'api_key', provider: 'a', keyRef},
			'b:default': {type: 'token', provider: 'b', token: canary('setup'), expires: 1_700_000_000_000},
		},
	});
	const options = {stateDir: given.stateDir, env: {CANARY_KEY: key}};
	const answer = await runScript(
		state,
		`import {openJarvis} from 'jarvis-auth';
		openJarvis({stateDir: '/dev/null/nothing'});
		const options = ${JSON.stringify(options)};
		const {secret} = await openJarvis(options).resolve({providerId: 'a'});
		const early = openJarvis({...options, now: () => 1_600_000_000_000}).resolve({providerId: 'b'});
		const late = openJarvis({...options, now: () => 1_800_000_000_000}).resolve({providerId: 'b'});
		const over = await late.catch(error => error.code);
		console.log(JSON.stringify([secret, (await early).kind, over]));`,
	);
	expect(answer).toEqual([key, 'token', 'no_credential']);
});

it('throws errors that a program can tell apart', async () => {
	const state = emptyState();
	writeStore(state, 'main', {profiles: {}});
	writeStore(state, 'broken', {profiles: {}});
	writeFileSync(state.paths.profiles('broken'), '{"profiles": canary');
	const answer = await runScript(
		state,
		`import {createRequire} from 'node:module';
		import {errorTable, JarvisError, openJarvis} from 'jarvis-auth';
		const required = createRequire(import.meta.url)('jarvis-auth');
		const jarvis = openJarvis();
		async function failure(request) {
			try {
				await jarvis.resolve(request);
			} catch (error) {
				const {code, exitCode, message, next} = error;
				const ours = error instanceof JarvisError && error instanceof required.JarvisError;
				return {ours, code, exitCode, said: [typeof message, typeof next], documented: errorTable[code].exit};
			}
		}
		console.log(JSON.stringify(await Promise.all([
			failure({providerId: 'acme'}),
			failure({providerId: 'acme', agentId: '../main'}),
			failure({providerId: 'acme', agentId: 'broken'}),
		])));`,
	);
	const failed = (code: string, exitCode: number) => ({
		...{ours: true, said: ['string', 'string']},
		...{code, exitCode, documented: exitCode},
	});
	expect(answer).toEqual([
		failed('no_credential', 3),
		failed('agent_invalid_id', 2),
		failed('store_damaged', 1),
	]);
});

it('waits for the secret that a login asks for, and is done with it when that is stored', async () => {
	const state = emptyState();
	const answer = await runScript(
		state,
		`import {openJarvis} from 'jarvis-auth';
		const login = await openJarvis().startLogin({providerId: 'groq', agentId: 'main', method: 'api_key'});
		// What keeps the process running is the open question, and nothing else.
		const asked = () => void setTimeout(() => login.paste('gsk_${canary('groq')}'), 200).unref();
		login.subscribe(() => login.state().step === 'asking' && asked());
		const {step, result} = await login.finished;
		console.log(JSON.stringify({step, profileId: result.profileId}));`,
	);
	expect(answer).toEqual({step: 'done', profileId: 'groq:default'});
});

it('refreshes a token that is over, by the fetch that it is given, and leaves nothing running', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {profiles: {'acme:maya': await expiredEntry(sandbox.server, firstAccount)}});
	const answer = await runScript(
		sandbox,
		`import {openJarvis} from 'jarvis-auth';
		const asked = [];
		const jarvis = openJarvis({fetch: (url, init) => (asked.push(String(url)), fetch(url, init))});
		const tokens = [];
		for (const providerId of ['acme', 'acme']) tokens.push((await jarvis.resolve({providerId})).secret);
		console.log(JSON.stringify({asked, tokens}));`,
	);
	const {access} = stored(sandbox, 'acme:maya');
	expect(answer).toEqual({asked: [sandbox.server.tokenEndpoint], tokens: [access, access]});
	expect(sandbox.server.refreshRequests).toBe(1);
});
