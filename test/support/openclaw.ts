import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {openTerminal} from './terminal.ts';

/**
 * The real openclaw, where `JARVIS_OPENCLAW` says where its `openclaw.mjs` is, and what it wrote and said once
 * (test/openclaw/recorded, made by `npm run test:openclaw -- --record`).
 */
export const openclawProgram = process.env.JARVIS_OPENCLAW;

/** What openclaw says of a state folder, as its commands print it. */
export interface Said {
	/** When it was asked (epoch ms). */
	readonly at: number;
	/** `models status --json`, by agent. */
	readonly status: Readonly<Record<string, Json>>;
	/** `models auth order get --json`, by agent and provider. */
	readonly order: Readonly<Record<string, Readonly<Record<string, Json>>>>;
	readonly agents: Json;
	readonly bindings: Json;
	/** `sessions --json` of the main agent. */
	readonly sessions: Json;
}

export type Json = null | boolean | number | string | Json[] | {[key: string]: Json};

export const agentsSaid = ['main', 'work'] as const;
export const providersSaid = ['anthropic', 'openai', 'openai-codex'] as const;

const recorded = fileURLToPath(new URL('../openclaw/recorded', import.meta.url));
/** Stands in the recording for the folder that it was made in. */
const anywhere = '/home/maya/.openclaw';

/** Runs the real openclaw on a state folder, without its plugins, and gives what it prints. */
export async function openclaw(stateDir: string, ...args: readonly string[]): Promise<string> {
	const child = spawn(process.execPath, [openclawProgram ?? '', ...args], {
		env: environment(stateDir),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const text = {stdout: '', stderr: ''};
	for (const name of ['stdout', 'stderr'] as const) {
		child[name].setEncoding('utf8').on('data', piece => {
			text[name] += piece;
		});
	}
	const [code] = await once(child, 'close');
	if (code !== 0)
		throw new Error(`openclaw ${args.join(' ')} ended with ${code}:\n${text.stdout}${text.stderr}`);
	return text.stdout;
}

/** The JSON that a command of openclaw prints; lines of its log may stand before it. */
export async function openclawJson(stateDir: string, ...args: readonly string[]): Promise<Json> {
	const printed = await openclaw(stateDir, ...args, '--json');
	return JSON.parse(printed.slice(printed.search(/^[[{]/m)));
}

/**
 * Has openclaw make a state: its own commands write all of it but the sessions. Its OAuth login comes of its own
 * migration of older files, and the second agent's copy of it of that agent's first use.
 */
export async function makeOpenclawState(stateDir: string, expires: number): Promise<void> {
	const grant = {access: 'not-a-secret-access-1', refresh: 'not-a-secret-refresh-1', expires};
	write(join(stateDir, 'credentials/oauth.json'), {
		'openai-codex': {...grant, accountId: 'account-1', email: 'maya@example.test'},
	});
	write(join(stateDir, 'agents/main/agent/auth.json'), {
		openai: {type: 'api_key', provider: 'openai', key: 'not-a-secret-key-1'},
	});
	const say = (...args: readonly string[]) => openclaw(stateDir, ...args);
	await say('models', 'status', '--json');
	await pasteToken(stateDir, 'anthropic:pasted', 'not-a-secret-token-pasted', '400d');
	await pasteToken(stateDir, 'anthropic:brief', 'not-a-secret-token-brief', '2h');
	await say('models', 'set', 'anthropic/claude-opus-4-6');
	await say('models', 'aliases', 'add', 'Opus', 'anthropic/claude-opus-4-6');
	await say('models', 'fallbacks', 'add', 'openai/gpt-5.2');
	await say(
		'agents',
		'add',
		'work',
		'--non-interactive',
		'--workspace',
		join(stateDir, 'workspace'),
		'--json',
	);
	const order = ['models', 'auth', 'order', 'set', '--agent'];
	await say(...order, 'main', '--provider', 'anthropic', 'anthropic:pasted', 'anthropic:brief');
	await say(...order, 'work', '--provider', 'openai-codex', 'openai-codex:default');
	const set = (path: string, value: Json) =>
		say('config', 'set', path, JSON.stringify(value), '--strict-json');
	await set('bindings', [
		{agentId: 'work', match: {channel: 'telegram', accountId: 'work'}},
		{agentId: 'work', match: {channel: 'discord', guildId: '1'}},
	]);
	await set('channels.telegram', {botToken: 'not-a-secret-bot-token', accounts: {work: {}}});
	await set('secrets.providers.default', {source: 'env'});
	await set('auth.cooldowns.billingBackoffHours', 2);
	write(join(stateDir, 'agents/main/sessions/sessions.json'), {
		'agent:main:main': {
			sessionId: '0b5f2f4e-8f0c-4a53-9d5b-0c7a3f1f9a11',
			updatedAt: expires - 7_200_000,
			compactionCount: 1,
			...{providerOverride: 'anthropic', modelOverride: 'claude-opus-4-6'},
			...{authProfileOverride: 'anthropic:brief', authProfileOverrideSource: 'user'},
			chatType: 'direct',
		},
		'agent:main:other': {sessionId: '5d0c5c1e-0d3c-4d0e-8f0e-2f9a6c1d7b22', updatedAt: expires - 7_200_000},
	});
}

/** What openclaw says of a state folder now. */
export async function askOpenclaw(stateDir: string): Promise<Said> {
	const status: Record<string, Json> = {};
	const order: Record<string, Record<string, Json>> = {};
	const at = Date.now();
	const ask = (...args: readonly string[]) => openclawJson(stateDir, ...args);
	for (const agent of agentsSaid) {
		const get = ['models', 'auth', 'order', 'get', '--agent', agent, '--provider'];
		const [ofAgent, ...orders] = await Promise.all([
			ask('models', 'status', '--agent', agent),
			...providersSaid.map(provider => ask(...get, provider)),
		]);
		status[agent] = ofAgent;
		order[agent] = Object.fromEntries(
			providersSaid.map((provider, index) => [provider, orders[index] ?? null]),
		);
	}
	const [agents, bindings, sessions] = await Promise.all([
		ask('agents', 'list'),
		ask('agents', 'bindings'),
		ask('sessions', '--agent', 'main'),
	]);
	return {at, status, order, agents, bindings, sessions};
}

/** Records a state and what openclaw says of it. */
export async function record(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'openclaw-'));
	const made = join(folder, 'state');
	try {
		// Half an hour of its hour is over whenever it is read: `at` is the time of the recording.
		await makeOpenclawState(made, Date.now() + 3_600_000);
		const said = await askOpenclaw(made);
		rmSync(recorded, {recursive: true, force: true});
		for (const name of recordedFiles) {
			const text = readFileSync(join(made, name), 'utf8').replaceAll(made, anywhere);
			write(join(recorded, 'state', name), text);
		}
		write(join(recorded, 'said.json'), JSON.stringify(said, undefined, 2).replaceAll(made, anywhere));
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
}

const recordedFiles = [
	'openclaw.json',
	'agents/main/agent/auth-profiles.json',
	'agents/main/sessions/sessions.json',
	'agents/work/agent/auth-profiles.json',
];

/** Puts the recorded state into a folder, and gives what openclaw said of it. */
export function recordedState(stateDir: string): Said {
	cpSync(join(recorded, 'state'), stateDir, {recursive: true});
	const config = join(stateDir, 'openclaw.json');
	writeFileSync(config, readFileSync(config, 'utf8').replaceAll(anywhere, stateDir));
	return JSON.parse(readFileSync(join(recorded, 'said.json'), 'utf8').replaceAll(anywhere, stateDir));
}

/** All files of a folder with their content. */
export function contentOf(folder: string): Record<string, string> {
	const names = readdirSync(folder, {recursive: true, withFileTypes: true}).filter(entry => entry.isFile());
	return Object.fromEntries(
		names.map(entry => {
			const file = join(entry.parentPath, entry.name);
			return [file, readFileSync(file, 'utf8')];
		}),
	);
}

/**
 * Where two JSON texts say another thing, by dotted paths; members that the first does not have are not looked
 * at. Elements of a list are told apart by what names them.
 */
export function differences(theirs: Json | undefined, ours: Json | undefined, path = ''): string[] {
	if (isList(theirs) && isList(ours)) {
		const named = (list: Json[]) =>
			new Map(list.map((entry, index) => [nameOf(entry) ?? String(index), entry]));
		const [there, here] = [named(theirs), named(ours)];
		return [...new Set([...there.keys(), ...here.keys()])].flatMap(name =>
			differences(there.get(name), here.get(name), `${path}${path === '' ? '' : '.'}${name}`),
		);
	}
	if (isObject(theirs) && isObject(ours)) {
		return Object.entries(theirs).flatMap(([key, value]) =>
			differences(value, ours[key], path === '' ? key : `${path}.${key}`),
		);
	}
	return JSON.stringify(theirs) === JSON.stringify(ours) ? [] : [path];
}

function isList(value: Json | undefined): value is Json[] {
	return Array.isArray(value);
}

function isObject(value: Json | undefined): value is {[key: string]: Json} {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: Json): string | undefined {
	const name = isObject(value) ? (value.profileId ?? value.provider ?? value.id) : undefined;
	return typeof name === 'string' ? name : undefined;
}

async function pasteToken(
	stateDir: string,
	profileId: string,
	token: string,
	expiresIn: string,
): Promise<void> {
	const [provider = ''] = profileId.split(':');
	const paste = ['models', 'auth', 'paste-token', '--provider', provider, '--profile-id', profileId];
	const terminal = openTerminal({
		command: process.execPath,
		args: [openclawProgram ?? '', ...paste, '--expires-in', expiresIn],
		env: environment(stateDir),
	});
	try {
		await terminal.waitFor(/Paste token/i);
		terminal.write(`${token}\r`);
		await terminal.exited;
	} finally {
		await terminal.close();
	}
}

// No plugin is loaded: some need packages that openclaw installs by scripts of its own.
function environment(stateDir: string): Record<string, string | undefined> {
	const nothing = `${stateDir}-plugins`;
	mkdirSync(nothing, {recursive: true});
	return {
		...{PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: `${stateDir}-home`},
		...{OPENCLAW_STATE_DIR: stateDir, OPENCLAW_BUNDLED_PLUGINS_DIR: nothing, CI: undefined},
	};
}

function write(file: string, content: unknown): void {
	mkdirSync(dirname(file), {recursive: true, mode: 0o700});
	const text = typeof content === 'string' ? content : JSON.stringify(content, undefined, 2);
	writeFileSync(file, `${text.trimEnd()}\n`, {mode: 0o600});
}
