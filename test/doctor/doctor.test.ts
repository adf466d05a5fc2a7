import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {join} from 'node:path';
import {afterEach, describe, expect, onTestFinished, test} from 'vitest';
import {fingerprint, identityName} from '../../source/auth/identity.ts';
import {commandTable} from '../../source/commands/table.ts';
import {openJarvis} from '../../source/core.ts';
import {thisMachine} from '../../source/doctor/doctor.ts';
import {type Finding, type FindingId, findingTable} from '../../source/doctor/findings.ts';
import type {Machine} from '../../source/doctor/subject.ts';
import {profileIdsIn} from '../../source/store/damaged.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';
import {readAllJournals} from '../../source/store/read-journal.ts';
import {openReplySlot, readKeptReplies} from '../../source/store/reply-slot.ts';
import type {OAuthCredential} from '../../source/store/schema.ts';
import {ensurePrivateFolder} from '../../source/store/write.ts';
import type {LockWorker} from '../store/lock-worker.ts';
import {
	canary,
	declareProvider,
	freePort,
	readStore,
	takePort,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {modeOf, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorker} from '../support/workers.ts';

afterEach(endWorkers);

const hour = 3_600_000;

/** A state folder in which nothing is wrong, and a machine around it. */
interface World {
	readonly stateDir: string;
	readonly paths: StatePaths;
	readonly home: string;
	readonly port: number;
	readonly env: NodeJS.ProcessEnv;
	/** Changes of what is there. */
	machine: Partial<Machine>;
	now: () => number;
	online: boolean;
}

const endpoints = {
	authorizationEndpoint: 'http://127.0.0.1:9/authorize',
	tokenEndpoint: 'http://127.0.0.1:9/token',
	clientId: 'a-client',
};

const oauth = (name: string, more: Partial<OAuthCredential> = {}) => ({
	...{type: 'oauth' as const, provider: 'acme', expires: Date.now() + 48 * hour, accountId: name},
	...{access: canary(`${name}-access`), refresh: canary(`${name}-refresh`), ...more},
});

async function healthy(): Promise<World> {
	const folder = temporaryFolder();
	const stateDir = join(folder, 'state');
	const home = join(folder, 'home');
	mkdirSync(home);
	ensurePrivateFolder(stateDir);
	const port = await freePort();
	declareProvider(stateDir, endpoints, {redirectUris: [`http://127.0.0.1:${port}/auth/callback`]});
	const paths = statePaths(stateDir);
	writeStore({paths}, 'main', {
		profiles: {
			'acme:maya': oauth('maya'),
			'openai:default': {type: 'api_key', provider: 'openai', key: canary('key')},
			'anthropic:default': {type: 'api_key', provider: 'anthropic', key: canary('anthropic')},
		},
		usageStats: {'acme:maya': {lastUsed: Date.now() - hour}},
	});
	writeJson(paths.config, {auth: {order: {acme: ['acme:maya']}}});
	writeJson(paths.sessions('main'), {});
	const world: World = {
		...{stateDir, paths, home, port, machine: {}, now: Date.now, online: false},
		env: {HOME: home, PATH: join(folder, 'bin')},
	};
	world.machine = {fileSystem: () => ({type: 0xef53, free: 2 ** 40})};
	return world;
}

const open = ({stateDir, env, now}: World) => openJarvis({stateDir, env, now});

async function examine(world: World): Promise<Finding[]> {
	const machine = {...thisMachine(), ...world.machine};
	const found = await open(world).doctor({machine, online: world.online});
	// Whoever else uses this machine may listen there.
	return found.filter(({where}) => where !== 'port 1455' && where !== 'port 1457');
}

const old = (path: string, ageMs = hour) => {
	const then = (Date.now() - ageMs) / 1000;
	utimesSync(path, then, then);
};

const change = (
	world: World,
	edit: (profiles: Record<string, Record<string, unknown>>) => void,
	agentId = 'main',
) => {
	const document = existsSync(world.paths.profiles(agentId)) ? readStore(world, agentId) : {profiles: {}};
	edit(document.profiles);
	writeStore(world, agentId, document);
};

/** Puts a profile beside the others. */
const add =
	(id: string, entry: object, agentId = 'main') =>
	(world: World) =>
		change(world, profiles => Object.assign(profiles, {[id]: entry}), agentId);

const script = new URL('../store/lock-worker.ts', import.meta.url);

async function lockHeld({paths}: World) {
	const worker = await startWorker<LockWorker>(script);
	await worker.call('acquire', paths.locks, 'store-main');
	return worker;
}

interface Case {
	readonly make: (world: World) => unknown;
	/** What the finding names as its place. */
	readonly where: string | RegExp;
	/** What is so once it is mended. */
	readonly mended?: (world: World) => void;
}

const backup = (world: World, file: string) => {
	put(`${file}.bak`, text(file));
	put(file, '{"profiles": {"acme:');
	expect(readdirSync(world.stateDir)).toContain('agents');
};

const cases: Record<FindingId, Case> = {
	folder_mode: {
		make: ({paths}) => put(join(paths.journal, 'x'), '') ?? chmod(paths.journal, 0o750),
		where: /journal$/,
		mended: ({paths}) => expect(modeOf(paths.journal)).toBe('700'),
	},
	file_mode: {
		make: ({paths}) => chmod(paths.profiles('main'), 0o644),
		where: /auth-profiles\.json$/,
		mended: ({paths}) => expect(modeOf(paths.profiles('main'))).toBe('600'),
	},
	owner_foreign: {
		make: world => {
			world.machine = {...world.machine, uid: 4242};
		},
		where: /auth-profiles\.json$/,
	},
	file_unreadable: {
		make: ({paths}) => {
			rmSync(paths.profiles('main'));
			mkdirSync(paths.profiles('main'), {mode: 0o700});
		},
		where: /auth-profiles\.json$/,
	},
	file_damaged: {
		make: world => backup(world, world.paths.profiles('main')),
		where: /auth-profiles\.json$/,
		mended: world => {
			expect(Object.keys(readStore(world).profiles)).toContain('acme:maya');
			const folder = world.paths.agentCredentials('main');
			const [kept = ''] = readdirSync(folder).filter(name => name.includes('.damaged-'));
			expect(text(join(folder, kept))).toBe('{"profiles": {"acme:');
			expect(modeOf(join(folder, kept))).toBe('600');
		},
	},
	config_fault: {
		make: ({paths}) => writeJson(paths.config, {auth: {order: {acme: 'maya'}}}),
		where: /jarvis\.json$/,
	},
	config_ignored: {
		make: ({paths}) => writeJson(paths.config, {agents: {defaults: {model: {fallbacks: 'openai/x'}}}}),
		where: /jarvis\.json, agents\.defaults\.model\.fallbacks$/,
	},
	entry_broken: {
		make: add('acme:odd', {type: 'passkey', provider: 'acme'}),
		where: 'acme:odd of the agent main',
	},
	leftover_temporary: {
		make: ({paths}) => {
			const file = `${paths.profiles('main')}.99-abc.tmp`;
			put(file, text(paths.profiles('main')));
			old(file);
		},
		where: /\.tmp$/,
		mended: ({paths, stateDir}) => {
			expect(readdirSync(paths.agentCredentials('main'))).toEqual(['auth-profiles.json']);
			expect(readdirSync(stateDir)).not.toContain('salvaged');
		},
	},
	leftover_agent: {
		make: ({stateDir}) =>
			put(join(stateDir, '.deleting-work-7', 'agent', 'auth-profiles.json'), {profiles: {}}),
		where: /\.deleting-work-7$/,
		mended: ({stateDir}) => expect(readdirSync(stateDir)).not.toContain('.deleting-work-7'),
	},
	leftover_login: {
		make: ({paths}) => {
			put(join(paths.pendingLogins, 'x.waiting'), {verifier: canary('verifier')});
			old(join(paths.pendingLogins, 'x.waiting'));
		},
		where: /x\.waiting$/,
		mended: ({paths}) => expect(readdirSync(paths.pendingLogins)).toEqual([]),
	},
	lock_left: {
		make: async world => {
			const worker = await lockHeld(world);
			worker.signal('SIGKILL');
			await worker.gone;
		},
		where: /store-main\.held$/,
		mended: ({paths}) => expect(existsSync(join(paths.locks, 'store-main.held'))).toBe(false),
	},
	lock_stuck: {
		make: async world => {
			const worker = await lockHeld(world);
			worker.signal('SIGSTOP');
			old(join(world.paths.locks, 'store-main.held'), 60_000);
		},
		where: /store-main\.held$/,
	},
	reply_kept: {
		make: world => {
			const {refresh} = oauth('maya');
			const credential = oauth('maya', {access: canary('new-access'), refresh: canary('new-refresh')});
			const identity = identityName(credential, [credential]);
			const slot = openReplySlot(world.paths, identity);
			writeJournal(world.paths, identity, {spent: fingerprint(refresh), startedAt: 1});
			slot.keep({spent: fingerprint(refresh), startedAt: 1, credential});
			slot.close();
		},
		where: /\.reply$/,
		mended: world => {
			expect(readStore(world).profiles['acme:maya']).toMatchObject({refresh: canary('new-refresh')});
			const [name = ''] = readdirSync(world.paths.journal);
			expect(readKeptReplies(world.paths, name.replace(/\..*/, ''))).toEqual([]);
			expect(readAllJournals(world.paths)[0]).toMatchObject({outcome: 'refreshed'});
		},
	},
	refresh_cut_off: {
		make: ({paths}) =>
			writeJournal(paths, 'abc', {spent: fingerprint(canary('maya-refresh')), startedAt: Date.now() - hour}),
		where: 'acme:maya of the agent main',
	},
	refresh_spent: {
		make: ({paths}) => {
			const {refresh} = oauth('maya');
			put(`${paths.profiles('main')}.damaged-1`, `{"refresh": "${canary('newest-refresh')}", oops`);
			const issued = fingerprint(canary('newest-refresh'));
			const spent = fingerprint(refresh);
			writeJournal(paths, 'abc', {spent, startedAt: 1, finishedAt: 2, outcome: 'refreshed', issued});
		},
		where: 'acme:maya of the agent main',
		mended: world => expect(readStore(world).profiles['acme:maya']?.refresh).toBe(canary('newest-refresh')),
	},
	refresh_shared: {
		make: add('acme:copy', oauth('maya'), 'work'),
		where: 'acme:maya of the agent main, acme:copy of the agent work',
	},
	account_twice: {
		make: add('acme:second', oauth('maya', {refresh: canary('second')})),
		where: 'acme:maya of the agent main, acme:second of the agent main',
	},
	grant_elsewhere: {
		make: ({home}) =>
			put(join(home, '.codex', 'auth.json'), {tokens: {refresh_token: canary('maya-refresh')}}),
		where: /^acme:maya of the agent main, .*\.codex\/auth\.json$/,
	},
	grant_set_aside: {
		make: ({paths}) =>
			put(`${paths.legacyOAuth}.imported`, {acme: {type: 'oauth', refresh: canary('maya-refresh')}}),
		where: /^acme:maya of the agent main, .*oauth\.json\.imported$/,
	},
	refresh_in_copy: {
		make: world => {
			const file = world.paths.profiles('main');
			add('acme:given', {...oauth('given'), refresh: undefined})(world);
			put(`${file}.bak`, {profiles: {'acme:given': oauth('given'), 'acme:maya': oauth('maya')}});
			// The token before that one is worth nothing.
			put(`${file}.bak.1`, {profiles: {'acme:given': oauth('given', {refresh: canary('spent')})}});
			const spent = {spent: fingerprint(canary('spent')), startedAt: 1, outcome: 'refreshed' as const};
			writeJournal(world.paths, 'abc', {...spent, issued: fingerprint(canary('given-refresh'))});
		},
		where: /^acme:given of the agent main, .*\.bak$/,
		mended: ({paths}) => {
			const copy = JSON.parse(text(`${paths.profiles('main')}.bak`));
			expect(copy.profiles['acme:given']).not.toHaveProperty('refresh');
			expect(copy.profiles['acme:given']).toHaveProperty('access');
			expect(copy.profiles['acme:maya']).toEqual(
				oauth('maya', {expires: copy.profiles['acme:maya'].expires}),
			);
			expect(text(`${paths.profiles('main')}.bak.1`)).toContain(canary('spent'));
		},
	},
	refresh_missing: {
		make: add('acme:short', {...oauth('short'), refresh: undefined}),
		where: 'acme:short of the agent main',
	},
	refresh_unsupported: {
		make: add('gone:left', {...oauth('left'), provider: 'gone'}),
		where: 'gone:left of the agent main',
	},
	needs_login: {
		make: world => {
			const document = readStore(world);
			const needsLogin = {
				since: 1,
				reason: 'invalid_grant',
				fingerprint: fingerprint(canary('maya-refresh')),
			};
			writeStore(world, 'main', {...document, usageStats: {'acme:maya': {needsLogin}}});
		},
		where: 'acme:maya of the agent main',
	},
	profile_unusable: {
		make: add('acme:over', {type: 'token', provider: 'acme', token: canary('over'), expires: 1}),
		where: 'acme:over of the agent main',
	},
	profile_expiring: {
		make: add('acme:soon', {
			type: 'token',
			provider: 'acme',
			token: canary('soon'),
			expires: Date.now() + hour,
		}),
		where: 'acme:soon of the agent main',
	},
	env_overrides: {
		make: ({env}) => {
			env.ANTHROPIC_API_KEY = canary('ambient');
			// The profile's own, and one of a provider without profiles.
			env.OPENAI_API_KEY = canary('key');
			env.GROQ_API_KEY = canary('groq');
		},
		where: 'ANTHROPIC_API_KEY',
	},
	clock_behind: {
		make: world => {
			world.now = () => Date.now() - 3 * hour;
		},
		where: 'the usage of acme:maya of the agent main',
	},
	clock_off: {
		make: async world => {
			const server = createServer((_, reply) => reply.writeHead(404).end());
			server.listen(0, '127.0.0.1');
			await once(server, 'listening');
			onTestFinished(() => void server.close());
			const {port} = server.address() as {port: number};
			declareProvider(world.stateDir, {...endpoints, tokenEndpoint: `http://127.0.0.1:${port}/token`});
			change(world, profiles => {
				delete profiles['openai:default'];
				delete profiles['anthropic:default'];
			});
			world.now = () => Date.now() + 2 * hour;
			world.online = true;
		},
		where: /^127\.0\.0\.1:\d+$/,
	},
	port_taken: {make: ({port}) => takePort(port), where: /^port \d+$/},
	file_system_remote: {
		make: world => {
			world.machine = {fileSystem: () => ({type: 0x6969, free: 2 ** 40}), platform: 'linux'};
		},
		where: /state$/,
	},
	disk_full: {
		make: world => {
			world.machine = {fileSystem: () => ({type: 0xef53, free: 4096})};
		},
		where: /state$/,
	},
	node_old: {
		make: world => {
			world.machine = {...world.machine, nodeVersion: '22.12.0'};
		},
		where: 'Node.js 22.12.0',
	},
	path_twice: {
		make: world => {
			const [a, b, c] = ['a', 'b', 'c'].map(name => join(world.home, name, 'jarvis'));
			for (const file of [a, b]) put(file ?? '', '#!/bin/sh\n') ?? chmod(file ?? '', 0o755);
			mkdirSync(join(world.home, 'c'));
			// A link to the first is the first.
			symlinkSync(a ?? '', c ?? '');
			world.env.PATH = ['a', 'c', 'b'].map(name => join(world.home, name)).join(':');
		},
		where: /\/a\/jarvis, .*\/b\/jarvis$/,
	},
	tmux_clipboard: {
		make: ({env, home}) => {
			tmux({env, home}, 'external', 'off');
		},
		where: 'tmux',
	},
	plugin_out: {
		make: ({paths}) =>
			writeJson(paths.plugin('openai'), {id: 'openai', label: 'Mine', auth: [{method: 'api_key'}]}),
		where: /jarvis\.plugin\.json$/,
	},
	binding_out: {
		make: ({paths}) =>
			writeJson(paths.config, {bindings: [{agentId: 'nobody', match: {channel: 'telegram'}}]}),
		where: /bindings\[0\]$/,
	},
	agent_without_folder: {
		make: ({paths}) => writeJson(paths.config, {agents: {list: [{id: 'work'}]}}),
		where: /agents\/work$/,
		mended: ({paths}) => expect(modeOf(paths.agentCredentials('work'))).toBe('700'),
	},
	log_blocked: {make: ({paths}) => mkdirSync(paths.auditLog, {mode: 0o700}), where: /audit\.jsonl$/},
	unchecked: {make: ({paths}) => put(paths.locks, 'no folder'), where: 'locks'},
};

function chmod(path: string, mode: number): void {
	process.getBuiltinModule('node:fs').chmodSync(path, mode);
}

function tmux({env, home}: Pick<World, 'env' | 'home'>, clipboard: string, passthrough: string): void {
	const file = join(home, 'bin', 'tmux');
	const answers = `*set-clipboard) echo ${clipboard};; *allow-passthrough) echo ${passthrough};;`;
	put(file, `#!/bin/sh\ncase "$*" in ${answers} esac\n`);
	chmod(file, 0o755);
	Object.assign(env, {TMUX: '/tmp/tmux-1/default,1,0', PATH: join(home, 'bin')});
}

test('finds nothing where nothing is wrong', async () => {
	expect(await examine(await healthy())).toEqual([]);
	const empty = temporaryFolder();
	const nothing = await healthy();
	expect(
		await examine({...nothing, stateDir: join(empty, 'none'), paths: statePaths(join(empty, 'none'))}),
	).toEqual([]);
	expect(readdirSync(empty)).toEqual([]);
});

describe.each(Object.keys(findingTable) as FindingId[])('%s', id => {
	const {make, where, mended} = cases[id];
	test('is found, and mended if the table says so', async () => {
		const world = await healthy();
		await make(world);
		const before = statesOf(world.stateDir);
		const all = await examine(world);
		// To look changes nothing.
		expect(statesOf(world.stateDir)).toEqual(before);
		const [found] = all.filter(
			finding =>
				finding.id === id &&
				(typeof where === 'string' ? finding.where === where : where.test(finding.where)),
		);
		if (!found) expect.fail(`found only ${JSON.stringify(all, undefined, 2)}`);
		expect(found.severity).toBe(findingTable[id].severity);
		expectToExist(found.next);
		expect(JSON.stringify(all)).not.toContain('canary-');
		expect(found.mend !== undefined).toBe('fix' in findingTable[id]);
		if (!found.mend) return;
		const jarvis = open(world);
		await jarvis.mend(found);
		const after = await examine(world);
		expect(after.filter(other => other.id === id && other.where === found.where)).toEqual([]);
		mended?.(world);
		const [noted] = await jarvis.auditLog({events: ['repaired']}, 1);
		expect(noted?.note).toContain(id);
	});
});

/** Fails unless what is advised is a sentence, or a command that there is, with flags that it has. */
function expectToExist(next: string): void {
	const [name, ...words] = next.split(/ (?:>|\|)/, 1)[0]?.split(' ') ?? [];
	expect(next.length).toBeGreaterThan(5);
	if (name !== 'jarvis') return;
	const spec = commandTable.find(({path}) => path.every((word, index) => words[index] === word));
	if (!spec) return expect.fail(`there is no command ${next}`);
	const flags = words.filter(word => word.startsWith('--')).map(word => word.slice(2));
	expect(spec.flags.map(flag => flag.name)).toEqual(expect.arrayContaining(flags));
	const given = words.slice(spec.path.length).filter((word, index, all) => {
		const before = spec.flags.find(flag => `--${flag.name}` === all[index - 1]);
		return !word.startsWith('--') && !before?.value;
	});
	expect(given).toHaveLength(spec.arguments.length);
}

/** Names, sizes and modes of all that is in a folder. */
function statesOf(folder: string): string[] {
	const {statSync} = process.getBuiltinModule('node:fs');
	return readdirSync(folder, {recursive: true})
		.map(name => {
			const stats = statSync(join(folder, String(name)), {throwIfNoEntry: false});
			return `${name} ${stats?.size} ${stats?.mode}`;
		})
		.sort();
}

test('an agent in jarvis.json whose id can be none keeps no other finding back', async () => {
	const world = await healthy();
	writeJson(world.paths.config, {agents: {list: [{id: 'Bad Id'}, {id: 'work'}]}});
	expect(await examine(world)).toMatchObject([
		{id: 'config_fault', where: `${world.paths.config}, agents.list[0]`},
		{id: 'agent_without_folder', where: world.paths.agent('work')},
	]);
});

test('a profile of a provider that nobody knows is advised what can be done, and nothing that a shell would do', async () => {
	const world = await healthy();
	const over = {type: 'token', token: canary('over'), expires: 1};
	change(world, profiles => {
		profiles['x; y:z'] = {...over, provider: 'x; y'};
		profiles['anthropic:empty'] = {type: 'api_key', provider: 'anthropic'};
	});
	writeJson(world.paths.config, {auth: {order: {'x; y': ['acme:maya']}}});
	const found = await examine(world);
	expect(found.map(({next}) => next).sort()).toEqual([
		expect.stringMatching(
			/^Nothing here knows its provider\. .*: jarvis models auth remove 'x; y:z' --agent main$/,
		),
		"jarvis models auth login --provider anthropic --method api_key --agent main --profile-id 'anthropic:empty'",
		"jarvis models auth order get --provider 'x; y'",
	]);
});

test('models that name no provider are settings that are left out of use, and an alias is none of them', async () => {
	const world = await healthy();
	const models = {'acme/one': {alias: 'One'}};
	const model = {primary: 'x', fallbacks: ['one', 'acme/two', 'y']};
	writeJson(world.paths.config, {agents: {defaults: {model, models}}});
	const found = await examine(world);
	expect(found).toMatchObject([
		{id: 'config_ignored', where: `${world.paths.config}, agents.defaults.model.primary`},
		{id: 'config_ignored', where: `${world.paths.config}, agents.defaults.model.fallbacks, "y"`},
	]);
	expect(found[0]?.what).toBe('It is not provider/model or an alias, and left out of use.');
});

test.each([
	['a write that was cut off', '{"profiles": {"acme:new": {"refresh": "canary-'],
	['one whose secrets are stored nowhere', {profiles: {'acme:new': oauth('new')}}],
	['one that is not understood', {profiles: {'acme:new': {type: 'passkey', secret: canary('passkey')}}}],
])('the temporary file of %s is moved, and not removed', async (_, content) => {
	const world = await healthy();
	const file = `${world.paths.profiles('main')}.99-abc.tmp`;
	put(file, content);
	const kept = text(file);
	expect(await examine(world)).toEqual([]);
	old(file);
	const [found] = await examine(world);
	await found?.mend?.run();
	const [name = ''] = readdirSync(join(world.stateDir, 'salvaged'));
	expect(text(join(world.stateDir, 'salvaged', name))).toBe(kept);
	expect(modeOf(join(world.stateDir, 'salvaged'))).toBe('700');
	expect(await examine(world)).toEqual([]);
});

test.each([
	['Codex', '.codex/auth.json', (token: string) => ({tokens: {refresh_token: token}})],
	['Claude Code', '.claude/.credentials.json', (token: string) => ({claudeAiOauth: {refreshToken: token}})],
	['Gemini CLI', '.gemini/oauth_creds.json', (token: string) => ({refresh_token: token})],
	[
		'openclaw',
		'.openclaw/agents/main/agent/auth-profiles.json',
		(token: string) => ({profiles: {'acme:x': {type: 'oauth', refresh: token}}}),
	],
	['openclaw', '.openclaw/credentials/oauth.json', (token: string) => ({acme: {refresh: token}})],
	['pi', '.pi/agent/auth.json', (token: string) => ({acme: {type: 'oauth', refresh: token}})],
	['opencode', '.local/share/opencode/auth.json', (token: string) => ({acme: {refresh: token}})],
] as const)(
	'%s with the same grant in %s is told, and one of its own is not',
	async (program, file, shape) => {
		const world = await healthy();
		put(join(world.home, file), shape(canary('another')));
		expect(await examine(world)).toEqual([]);
		put(join(world.home, file), shape(canary('maya-refresh')));
		expect(await examine(world)).toEqual([
			expect.objectContaining({id: 'grant_elsewhere', what: expect.stringContaining(program)}),
		]);
		put(join(world.home, file), 'not json');
		expect(await examine(world)).toEqual([]);
	},
);

test.each([
	['agents/main/agent/auth.json', 'grant_elsewhere'],
	['agents/work/agent/auth.json', 'grant_elsewhere'],
	['credentials/oauth.json', 'grant_elsewhere'],
	['credentials/oauth.json.imported', 'grant_set_aside'],
	['../home/.codex/auth.json.before-jarvis', 'grant_set_aside'],
	['../home/.codex/auth.json.before-jarvis.1', 'grant_set_aside'],
] as const)(
	'%s with the grant of a profile is told (%s), and with another one it is not',
	async (file, id) => {
		const world = await healthy();
		const path = join(world.stateDir, file);
		put(path, {acme: {type: 'oauth', refresh: canary('another')}, tokens: {refresh_token: ''}});
		expect(await examine(world)).toEqual([]);
		put(path, {acme: {type: 'oauth', refresh: canary('maya-refresh')}, tokens: {refresh_token: ''}});
		const [found, ...others] = await examine(world);
		expect(found).toMatchObject({id, where: `acme:maya of the agent main, ${path}`});
		expect(others).toEqual([]);
		expectToExist(found?.next ?? '');
		// It is taken over, and set aside, by whatever reads credentials.
		expect(found?.next === 'jarvis models status').toBe(path === world.paths.legacyOAuth);
	},
);

test('a damaged jarvis.json keeps no other finding back, and has its backup put back', async () => {
	const world = await healthy();
	backup(world, world.paths.config);
	chmod(world.paths.profiles('main'), 0o604);
	const found = await examine(world);
	expect(found.map(({id}) => id).sort()).toEqual(['file_damaged', 'file_mode']);
	for (const finding of found) await open(world).mend(finding);
	expect(await examine(world)).toEqual([]);
	expect(JSON.parse(text(world.paths.config))).toEqual({auth: {order: {acme: ['acme:maya']}}});
});

test('a damaged sealed.json is put back with what it still shows, and what is lost is said before', async () => {
	const world = await healthy();
	const {paths} = world;
	const [older, newer, cut] = ['0', '1', '2'].map(digit => `openai/${digit.repeat(12)}`) as [
		string,
		string,
		string,
	];
	for (const id of [older, newer, cut]) {
		const keyRef = {source: 'keychain', provider: 'default', id};
		add(`openai:ref-${id.at(-1)}`, {type: 'api_key', provider: 'openai', keyRef})(world);
	}
	const sealed = (mark: string) => mark.repeat(44);
	const before = {version: 1, keyId: 'a-key', entries: {[older]: sealed('a')}};
	put(`${paths.sealed}.bak`, before);
	const after = JSON.stringify({
		...before,
		entries: {...before.entries, [newer]: sealed('b'), [cut]: sealed('c')},
	});
	put(paths.sealed, after.slice(0, -8));
	const found = await examine(world);
	const [damage] = found.filter(({id}) => id === 'file_damaged');
	expect(damage?.where).toBe(paths.sealed);
	expect(damage?.what).toContain(`The backup lacks ${cut}, which refs need`);
	const unusable = found.filter(({id}) => id === 'profile_unusable');
	expect(unusable.map(({next}) => next)).toEqual(Array(3).fill('jarvis doctor --fix'));
	if (damage) await open(world).mend(damage);
	expect(JSON.parse(text(paths.sealed))).toEqual({
		...before,
		entries: {[older]: sealed('a'), [newer]: sealed('b')},
	});
});

test.each([
	['write-back.json', {version: 1, writeBacks: []}],
	['sealed.json', {version: 1, keyId: 'a-key', entries: {}}],
	['agents/main/sessions/sessions.json', {}],
])('a damaged %s is found, and put back from its backup', async (name, good) => {
	const world = await healthy();
	const file = join(world.stateDir, name);
	put(file, '{');
	expect((await examine(world)).map(({id, next, mend}) => [id, next, mend])).toEqual([
		['file_damaged', 'Mend it by hand; there is no readable backup beside it.', undefined],
	]);
	put(`${file}.bak`, good);
	const [found] = await examine(world);
	if (found) await open(world).mend(found);
	expect(JSON.parse(text(file))).toEqual(good);
	expect(await examine(world)).toEqual([]);
});

test('a backup that is put back is said to lack what only the damaged file shows, and no secret is said', async () => {
	const world = await healthy();
	const file = world.paths.profiles('main');
	const whole = text(file);
	put(`${file}.bak`, whole);
	const more = JSON.parse(whole);
	more.profiles['openai:new'] = {type: 'api_key', provider: 'openai', key: canary('only-here')};
	more.profiles['gone:other'] = {type: 'api_key', provider: 'openai', key: 'not:whole'};
	put(file, JSON.stringify(more).replace('"usageStats"', '"usageStats'));
	const [found] = await examine(world);
	expect(found?.id).toBe('file_damaged');
	expect(found?.what).toContain('The backup lacks openai:new: what is left of that stays');
	expect(found?.mend?.what).toContain('auth-profiles.json.damaged-<time>');
	expect(JSON.stringify(found)).not.toContain('canary');
});

test.each([
	['a quote too few', (all: string) => all.replace('"key":', '"key:')],
	['a cut', (all: string) => all.slice(0, -12)],
	['nothing', () => ''],
])('names that are read from a damaged file are no secrets: %s', (_, damage) => {
	const secret = 'openai:not-a-secret';
	const entry = {type: 'api_key', provider: 'openai', key: secret, 'acme:x': {provider: 'acme', key: secret}};
	const ids = profileIdsIn(damage(JSON.stringify({profiles: {'openai:a': entry, 'openai:b': entry}})));
	expect(['openai:a', 'openai:b']).toEqual(expect.arrayContaining(ids));
});

test('what is mended meanwhile is not mended again', async () => {
	const world = await healthy();
	const file = world.paths.profiles('main');
	const whole = text(file);
	backup(world, file);
	const [found] = await examine(world);
	put(file, whole.replace('openai:default', 'openai:newer'));
	await found?.mend?.run();
	expect(Object.keys(readStore(world).profiles)).toContain('openai:newer');
});

test('a live lock is not removed, also when it was dead when it was looked at', async () => {
	const world = await healthy();
	const dead = await lockHeld(world);
	dead.signal('SIGKILL');
	await dead.gone;
	const [found] = await examine(world);
	expect(found?.id).toBe('lock_left');
	const alive = await lockHeld(world);
	await found?.mend?.run();
	expect(await alive.call('isHeld')).toBe(true);
	expect(await examine(world)).toEqual([]);
});

test('a token that was issued in the future tells that the clock is behind', async () => {
	const world = await healthy();
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const access = `${part({alg: 'none'})}.${part({iat: Math.floor(Date.now() / 1000) + 7200})}.x`;
	change(world, profiles => Object.assign(profiles['acme:maya'] ?? {}, {access}));
	expect(await examine(world)).toEqual([
		expect.objectContaining({id: 'clock_behind', where: 'the token of acme:maya of the agent main'}),
	]);
});

test('a plugin that others may read is none of doctor’s affair, one that they may change is', async () => {
	const world = await healthy();
	chmod(world.paths.plugin('acme'), 0o644);
	expect(await examine(world)).toEqual([]);
	chmod(world.paths.plugin('acme'), 0o664);
	expect((await examine(world)).map(({id}) => id)).toEqual(['file_mode']);
});

test('a state folder that is a link is looked at, and links without an end are not followed', async () => {
	const world = await healthy();
	const link = join(world.home, 'state');
	symlinkSync(world.stateDir, link);
	for (const name of ['one', 'two']) symlinkSync('.', join(world.stateDir, name));
	symlinkSync('self', join(world.stateDir, 'self'));
	const linked = {...world, stateDir: link, paths: statePaths(link)};
	expect(await examine(linked)).toEqual([]);
	chmod(world.paths.profiles('main'), 0o644);
	expect((await examine(linked)).map(({id}) => id)).toEqual(['file_mode']);
});

test('what helps with a ref that does not resolve is what an audit of the secrets says', async () => {
	const world = await healthy();
	const ref = (source: string, id: string) => ({source, provider: 'default', id});
	add('openai:ref', {type: 'api_key', provider: 'openai', keyRef: ref('env', 'UNSET')})(world);
	add('openai:sealed', {type: 'token', provider: 'openai', tokenRef: ref('keychain', 'openai/0123')})(world);
	const found = (await examine(world)).filter(({id}) => id === 'profile_unusable');
	expect(found.map(({where}) => where)).toEqual(
		['openai:ref', 'openai:sealed'].map(id => `${id} of the agent main`),
	);
	const audited = await open(world).auditSecrets();
	expect(found.map(({next}) => next)).toEqual(
		audited.filter(({code}) => code === 'unresolved_ref').map(({next}) => next),
	);
	expect(found[0]?.next).toBe('Set the variable where JARVIS runs.');
});

test('to remove a profile is never the first thing, where it may be good', async () => {
	const world = await healthy();
	const file = world.paths.profiles('main');
	add('acme:newer', {type: 'passkey', provider: 'acme'})(world);
	add('acme:odd', {type: 'api_key'})(world);
	add('acme:ref', {...oauth('ref'), keyRef: {source: 'env', provider: 'default', id: 'SET'}})(world);
	const remove = (id: string) => `To remove it: jarvis models auth remove '${id}' --agent main`;
	expect((await examine(world)).map(({where, next}) => [where.split(' ')[0], next])).toEqual([
		['acme:ref', `Take keyRef and tokenRef out of it in ${file}.`],
		[
			'acme:newer',
			`Upgrade JARVIS if a newer one wrote it, or mend its type in ${file}. ${remove('acme:newer')}`,
		],
		['acme:odd', `Mend it in ${file}. ${remove('acme:odd')}`],
	]);
	writeJson(world.paths.config, {});
	const report = await open(world).reloadSecrets();
	expect(report.problems.map(({next}) => next)).toEqual([`Take keyRef and tokenRef out of it in ${file}.`]);
});

test('a refresh that is under way is no finding', async () => {
	const world = await healthy();
	const credential = oauth('maya', {access: canary('new-access'), refresh: canary('new-refresh')});
	const identity = identityName(credential, [credential]);
	const slot = openReplySlot(world.paths, identity);
	slot.keep({spent: fingerprint(canary('maya-refresh')), startedAt: 1, credential});
	slot.close();
	const worker = await startWorker<LockWorker>(script);
	await worker.call('acquire', world.paths.locks, `refresh-${identity}`);
	expect(await examine(world)).toEqual([]);
	await worker.call('release');
	expect((await examine(world)).map(({id}) => id)).toEqual(['reply_kept']);
});

test('the holder of a port is named', async () => {
	const world = await healthy();
	await takePort(world.port);
	const [found] = await examine(world);
	expect(found?.what).toContain(`(process ${process.pid})`);
	expect(found?.next).toBe(`ps -fp ${process.pid}`);
});

test.each([
	['on', 'off'],
	['external', 'on'],
	['off', 'all'],
])(
	'tmux with set-clipboard %s and allow-passthrough %s lets programs copy',
	async (clipboard, passthrough) => {
		const world = await healthy();
		tmux(world, clipboard, passthrough);
		expect(await examine(world)).toEqual([]);
	},
);

test('no server is asked unless that is wanted', async () => {
	const world = await healthy();
	let asked = 0;
	const jarvis = openJarvis({
		...{stateDir: world.stateDir, env: world.env},
		fetch: async () => {
			asked += 1;
			return new Response(null, {headers: {date: new Date().toUTCString()}});
		},
	});
	await jarvis.doctor();
	expect(asked).toBe(0);
	await jarvis.doctor({online: true});
	expect(asked).toBe(3);
});

test('writing of a file that is under way is no finding', async () => {
	const world = await healthy();
	writeFileSync(`${world.paths.profiles('main')}.1-abc.tmp`, '{', {mode: 0o600});
	expect(await examine(world)).toEqual([]);
});

test('a linked login is for its own program to renew', async () => {
	const world = await healthy();
	const file = join(world.home, '.claude', '.credentials.json');
	const login = (expiresAt: number) =>
		put(file, {claudeAiOauth: {accessToken: canary('access'), refreshToken: canary('refresh'), expiresAt}});
	add('anthropic:claude', {
		...{type: 'oauth', provider: 'anthropic'},
		link: {program: 'claude', file, entry: 'claudeAiOauth'},
	})(world);
	login(Date.now() + hour);
	expect(await examine(world)).toEqual([]);
	login(Date.now() - hour);
	expect(await examine(world)).toMatchObject([
		{
			id: 'profile_unusable',
			what: expect.stringContaining('claude'),
			next: 'Run claude, which renews its own login.',
		},
	]);
});

test('what is no file where another program would keep its login is not waited for', async () => {
	const world = await healthy();
	const folder = join(world.home, '.local/share/opencode');
	mkdirSync(folder, {recursive: true});
	execFileSync('mkfifo', [join(folder, 'auth.json')]);
	expect(await examine(world)).toEqual([]);
});

test('a pasted token is pasted anew, not replaced by a key', async () => {
	const world = await healthy();
	add('groq:soon', {type: 'token', provider: 'groq', token: canary('soon'), expires: Date.now() + hour})(
		world,
	);
	const next = "jarvis models auth paste-token --provider groq --agent main --profile-id 'groq:soon'";
	expect(await examine(world)).toMatchObject([{id: 'profile_expiring', next}]);
});
