import {chmodSync, existsSync, mkdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, it} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {bringInLegacy} from '../../source/auth/import/legacy.ts';
import {openJarvis} from '../../source/core.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {agentsWithLegacy} from '../../source/store/legacy.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {jwt} from '../support/other-programs.ts';
import {canary, readStore} from '../support/sandbox.ts';
import {emptyState, exposed, names, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorker, startWorkers} from '../support/workers.ts';
import type {LegacyCommands} from './import-legacy-worker.ts';

afterEach(endWorkers);

const worker = new URL('import-legacy-worker.ts', import.meta.url);
const hour = 3_600_000;
const now = 1_795_500_000_000;

const oauth = (name: string, expires = now + hour, more = {}) => ({
	...{access: canary(`${name}-access`), refresh: canary(`${name}-refresh`), expires},
	...more,
});
const stored = (name: string, expires: number, more = {}) => ({
	...{type: 'oauth', provider: 'acme'},
	...oauth(name, expires, more),
});
const key = (name: string) => ({type: 'api_key', key: canary(name)});

/** The first use of a state folder. Returns what was said of it, and the audit log's entries. */
async function use(paths: StatePaths) {
	const problems: string[] = [];
	const jarvis = openJarvis({
		stateDir: paths.root,
		env: {},
		now: () => now,
		tell: text => problems.push(text),
	});
	const {agents} = await jarvis.snapshot();
	const log = existsSync(paths.auditLog) ? text(paths.auditLog).trim().split('\n') : [];
	return {problems, agents, log: log.map(line => JSON.parse(line) as Record<string, unknown>)};
}

const store = (paths: StatePaths, agentId = 'main') => readStore({paths}, agentId).profiles;

describe('credentials/oauth.json', () => {
	it('becomes profiles of the main agent on first use, and is set aside whole', async () => {
		const paths = emptyState();
		const claims = {
			'https://api.openai.com/auth': {chatgpt_account_id: 'account-maya'},
			email: 'maya@example.test',
		};
		const codex = {...oauth('codex'), access: jwt(claims), projectId: 'kept'};
		const legacy = {'openai-codex': codex, acme: oauth('acme')};
		put(paths.legacyOAuth, legacy);
		const {problems, log} = await use(paths);
		expect(problems).toEqual([]);
		expect(store(paths)).toEqual({
			'openai-codex:maya@example.test': {
				...{...codex, type: 'oauth', provider: 'openai-codex'},
				...{accountId: 'account-maya', email: 'maya@example.test'},
			},
			'acme:default': {...legacy.acme, type: 'oauth', provider: 'acme'},
		});
		expect(existsSync(paths.legacyOAuth)).toBe(false);
		expect(JSON.parse(text(`${paths.legacyOAuth}.imported`))).toEqual(legacy);
		expect(log.map(({event, profileId}) => [event, profileId])).toEqual([
			['imported', 'openai-codex:maya@example.test'],
			['imported', 'acme:default'],
		]);
		expect(exposed(paths.root)).toEqual([]);
	});

	it('is brought in by whatever comes first, a token too', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: oauth('acme', Date.now() + hour)});
		const jarvis = openJarvis({stateDir: paths.root, env: {}});
		expect((await jarvis.resolve({providerId: 'acme'})).secret).toBe(canary('acme-access'));
		expect(agentsWithLegacy(paths, ['main'])).toEqual([]);
	});

	it.each([
		['older than what is stored of the account', {expires: now + 2 * hour}, 'stored'],
		['as old as what is stored', {expires: now + hour}, 'stored'],
		['newer than what is stored', {expires: now}, 'legacy'],
	])('%s', async (_, {expires}, kept) => {
		const paths = emptyState();
		put(paths.profiles('main'), {profiles: {'acme:me': stored('stored', expires, {accountId: 'maya'})}});
		put(paths.legacyOAuth, {acme: oauth('legacy', now + hour, {accountId: 'maya'})});
		await use(paths);
		expect(Object.keys(store(paths))).toEqual(['acme:me']);
		expect(store(paths)['acme:me']?.refresh).toBe(canary(`${kept}-refresh`));
		expect(existsSync(paths.legacyOAuth)).toBe(false);
	});

	it('older than a stored one that its server has refused is better than that', async () => {
		const paths = emptyState();
		const refresh = canary('stored-refresh');
		put(paths.profiles('main'), {
			profiles: {'acme:me': stored('stored', now + 2 * hour, {accountId: 'maya'})},
			usageStats: {
				'acme:me': {needsLogin: {since: 1, fingerprint: fingerprint(refresh), reason: 'invalid_grant'}},
			},
		});
		put(paths.legacyOAuth, {acme: oauth('legacy', now + hour, {accountId: 'maya'})});
		await use(paths);
		expect(store(paths)['acme:me']?.refresh).toBe(canary('legacy-refresh'));
		expect(readStore({paths}).usageStats?.['acme:me']).toBeUndefined();
	});

	it('of another account stands beside what is stored', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), {profiles: {'acme:default': stored('stored', now, {accountId: 'maya'})}});
		put(paths.legacyOAuth, {
			acme: oauth('legacy', now + hour, {accountId: 'omar', email: 'omar@example.test'}),
		});
		await use(paths);
		expect(Object.keys(store(paths))).toEqual(['acme:default', 'acme:omar@example.test']);
	});

	it('with a refresh token that was spent here brings nothing', async () => {
		const paths = emptyState();
		writeJournal(paths, 'acme', {
			...{spent: fingerprint(canary('legacy-refresh')), issued: 'another', startedAt: 1, finishedAt: 2},
			outcome: 'refreshed',
		});
		put(paths.legacyOAuth, {acme: oauth('legacy', now + hour)});
		await use(paths);
		expect(existsSync(paths.profiles('main'))).toBe(false);
		expect(existsSync(`${paths.legacyOAuth}.imported`)).toBe(true);
	});

	it('that comes again is not read again, which is told once', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: oauth('first')});
		await use(paths);
		put(paths.legacyOAuth, {other: oauth('second')});
		expect((await use(paths)).problems).toEqual([
			expect.stringContaining(`${paths.legacyOAuth} was brought in before, and is not read again.`),
		]);
		expect((await use(paths)).problems).toEqual([]);
		expect(Object.keys(store(paths))).toEqual(['acme:default']);
		expect(existsSync(paths.legacyOAuth)).toBe(true);
	});

	it('that another program writes meanwhile is left for the next time', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: oauth('first')});
		// It is asked for between reading the file and setting it aside.
		const findProvider = async () => {
			put(paths.legacyOAuth, {acme: oauth('second', now + 2 * hour)});
			throw new Error('no such provider');
		};
		expect(await bringInLegacy({paths, findProvider}, 'main')).toMatchObject({problems: []});
		expect(store(paths)['acme:default']?.refresh).toBe(canary('first-refresh'));
		expect(JSON.parse(text(paths.legacyOAuth))).toEqual({acme: oauth('second', now + 2 * hour)});
		await use(paths);
		expect(store(paths)['acme:default']?.refresh).toBe(canary('second-refresh'));
		expect(existsSync(paths.legacyOAuth)).toBe(false);
	});

	it('with an entry of an unknown form brings in the others, and keeps it', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: oauth('acme'), '../up': oauth('up'), empty: {}, text: canary('text')});
		const {problems} = await use(paths);
		expect(Object.keys(store(paths))).toEqual(['acme:default']);
		expect(problems).toEqual([
			expect.stringContaining(
				`a form that is not known here (../up, empty, text). They are kept in ${paths.legacyOAuth}.imported.`,
			),
		]);
		expect(text(`${paths.legacyOAuth}.imported`)).toContain(canary('text'));
	});
});

describe('auth.json', () => {
	const legacy = {acme: {type: 'oauth', ...oauth('acme')}, groq: key('groq'), key: key('key')};

	it('becomes profiles of its agent; its keys leave it, its OAuth entries stay', async () => {
		const paths = emptyState();
		for (const agentId of ['main', 'work'])
			put(paths.legacyAuth(agentId), {...legacy, acme: {type: 'oauth', ...oauth(agentId)}});
		await use(paths);
		for (const agentId of ['main', 'work']) {
			expect(store(paths, agentId)).toEqual({
				'acme:default': {type: 'oauth', provider: 'acme', ...oauth(agentId)},
				'groq:default': {...legacy.groq, provider: 'groq'},
				'key:default': {...legacy.key, provider: 'key'},
			});
			expect(JSON.parse(text(paths.legacyAuth(agentId)))).toEqual({acme: {type: 'oauth', ...oauth(agentId)}});
		}
		// No backup holds what was to go.
		expect(names(paths.agentCredentials('main'))).toEqual([
			'auth-profiles.json',
			'auth.json',
			'auth.json.seen',
		]);
		expect(exposed(paths.root)).toEqual([]);
	});

	it('is left alone from then on, until it changes', async () => {
		const paths = emptyState();
		put(paths.legacyAuth('main'), legacy);
		await use(paths);
		expect(agentsWithLegacy(paths, ['main'])).toEqual([]);
		const before = [statSync(paths.legacyAuth('main')).ino, text(paths.profiles('main'))];
		await openJarvis({stateDir: paths.root, env: {}}).removeProfile('main', 'acme:default');
		// What a person removed does not come back.
		expect((await use(paths)).agents[0]?.profiles).toHaveLength(2);
		expect(statSync(paths.legacyAuth('main')).ino).toBe(before[0]);
		put(paths.legacyAuth('main'), {...JSON.parse(text(paths.legacyAuth('main'))), more: key('more')});
		await use(paths);
		expect(store(paths)['more:default']).toEqual({...key('more'), provider: 'more'});
		expect(JSON.parse(text(paths.legacyAuth('main')))).not.toHaveProperty('more');
	});

	it('keeps a key that is another one than is stored, and says so once', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), {profiles: {'groq:default': {...key('stored'), provider: 'groq'}}});
		put(paths.legacyAuth('main'), {groq: key('groq'), key: key('key')});
		const {problems} = await use(paths);
		expect(problems).toEqual([
			expect.stringContaining(
				`${paths.legacyAuth('main')} holds another key of groq than groq:default. It was left there.`,
			),
		]);
		expect(store(paths)['groq:default']?.key).toBe(canary('stored'));
		expect(JSON.parse(text(paths.legacyAuth('main')))).toEqual({groq: key('groq')});
		expect((await use(paths)).problems).toEqual([]);
	});

	it('of another agent with the main agent’s refresh token brings none in: it is read of the main agent', async () => {
		const paths = emptyState();
		put(paths.legacyAuth('main'), legacy);
		put(paths.legacyAuth('work'), {acme: legacy.acme, groq: key('own')});
		const {agents} = await use(paths);
		expect(Object.keys(store(paths, 'work'))).toEqual(['groq:default']);
		expect(agents.find(({id}) => id === 'work')?.inherited.map(({profileId}) => profileId)).toContain(
			'acme:default',
		);
		expect(text(paths.profiles('work'))).not.toContain(canary('acme-refresh'));
	});

	it('of an isolated agent brings in a login of its own of the same account, and never the same token', async () => {
		const paths = emptyState();
		const login = (name: string) => ({type: 'oauth', ...oauth(name, now, {accountId: 'maya'})});
		put(paths.config, {
			agents: {list: [{id: 'work', readsMain: false}, {id: 'twin', readsMain: false}, {id: 'reader'}]},
		});
		put(paths.legacyAuth('main'), {acme: login('main')});
		put(paths.legacyAuth('work'), {acme: login('work')});
		put(paths.legacyAuth('twin'), {acme: login('main')});
		put(paths.legacyAuth('reader'), {acme: login('reader')});
		const {agents} = await use(paths);
		const own = Object.fromEntries(agents.map(({id, profiles}) => [id, profiles.length]));
		expect(own).toEqual({main: 1, work: 1, twin: 0, reader: 0});
	});

	it('tells entries that do not say what they are by what they hold', async () => {
		const paths = emptyState();
		put(paths.legacyAuth('main'), {
			acme: oauth('acme'),
			groq: {key: canary('groq')},
			setup: {token: canary('setup')},
		});
		await use(paths);
		expect(Object.values(store(paths)).map(({type}) => type)).toEqual(['oauth', 'api_key', 'token']);
	});
});

describe('what is in the way', () => {
	it.each(['legacyOAuth', 'legacyAuth'] as const)(
		'a damaged %s is named once, and stops nothing else',
		async which => {
			const paths = emptyState();
			const file = which === 'legacyOAuth' ? paths.legacyOAuth : paths.legacyAuth('main');
			put(paths.legacyAuth('main'), {groq: key('groq')});
			put(paths.legacyOAuth, {acme: oauth('acme')});
			put(file, `{"acme": {"key": "${canary('damaged')}" oops`);
			const {problems} = await use(paths);
			expect(problems).toEqual([expect.stringContaining(`${file} is not valid JSON (line 1, column`)]);
			expect(problems.join()).not.toContain('canary');
			expect(Object.keys(store(paths))).toHaveLength(1);
			expect((await use(paths)).problems).toEqual([]);
			expect(text(file)).toContain('oops');
			// Mended, it is looked at again.
			put(file, which === 'legacyOAuth' ? {acme: oauth('acme')} : {groq: key('groq')});
			await use(paths);
			expect(Object.keys(store(paths)).sort()).toEqual(['acme:default', 'groq:default']);
		},
	);

	it('a folder in the place of the file is named once', async () => {
		const paths = emptyState();
		mkdirSync(paths.legacyOAuth, {recursive: true});
		put(paths.legacyAuth('main'), {groq: key('groq')});
		expect((await use(paths)).problems).toEqual([expect.stringContaining(paths.legacyOAuth)]);
		expect((await use(paths)).problems).toEqual([]);
		expect(Object.keys(store(paths))).toEqual(['groq:default']);
	});

	it('a damaged store keeps the old files as they are', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), '{oops');
		put(paths.legacyOAuth, {acme: oauth('acme')});
		put(paths.legacyAuth('main'), {groq: key('groq')});
		await use(paths);
		expect(JSON.parse(text(paths.legacyOAuth))).toEqual({acme: oauth('acme')});
		expect(JSON.parse(text(paths.legacyAuth('main')))).toEqual({groq: key('groq')});
		put(paths.profiles('main'), {profiles: {}});
		await use(paths);
		expect(Object.keys(store(paths)).sort()).toEqual(['acme:default', 'groq:default']);
	});

	it('rights of others on the old files are taken away', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: oauth('acme')});
		put(paths.legacyAuth('main'), {acme: oauth('other')});
		chmodSync(paths.legacyOAuth, 0o644);
		chmodSync(join(paths.root, 'credentials'), 0o755);
		chmodSync(paths.legacyAuth('main'), 0o644);
		await use(paths);
		expect(exposed(paths.root)).toEqual([]);
	});
});

describe('several processes', () => {
	function fill(paths: StatePaths) {
		put(paths.legacyOAuth, {acme: oauth('acme'), other: oauth('other')});
		put(paths.legacyAuth('main'), {groq: key('groq'), third: {type: 'oauth', ...oauth('third')}});
		put(paths.legacyAuth('work'), {groq: key('work')});
	}
	const all = ['acme:default', 'groq:default', 'other:default', 'third:default'];

	it('at once bring everything in once', async () => {
		const crew = await startWorkers<LegacyCommands>(worker, 6);
		for (let round = 0; round < 5; round += 1) {
			const paths = emptyState();
			fill(paths);
			const seen = await Promise.all(crew.map(one => one.call('use', paths.root)));
			for (const {ids, problems} of seen) {
				expect(problems).toEqual([]);
				expect([...new Set(ids)].sort()).toEqual(all);
			}
			expect(Object.keys(store(paths)).sort()).toEqual(all);
			expect(store(paths, 'work')).toEqual({'groq:default': {...key('work'), provider: 'groq'}});
			const log = readFileSync(paths.auditLog, 'utf8').trim().split('\n');
			expect(log).toHaveLength(5);
		}
	});

	it('one that is killed between the new file and the old one loses nothing and doubles nothing', async () => {
		const paths = emptyState();
		fill(paths);
		// Each goes one step further: the keys of one agent, of the other, and the file as a whole.
		for (let step = 0; step < 3; step += 1) {
			const victim = await startWorker<LegacyCommands>(worker);
			await victim.call('dieBeforeTheOldFileIsTouched');
			victim.call('use', paths.root).catch(() => {});
			expect((await victim.gone).signal).toBe('SIGKILL');
			// What is not in the new file yet is still in the old one.
			const held = [paths.legacyOAuth, paths.legacyAuth('main'), paths.legacyAuth('work')].map(text).join();
			for (const name of ['acme-refresh', 'groq', 'work', 'third-refresh'])
				expect(held).toContain(canary(name));
		}
		expect(Object.keys(store(paths))).toContain('groq:default');
		await use(paths);
		expect(Object.keys(store(paths)).sort()).toEqual(all);
		expect(JSON.parse(text(paths.legacyAuth('main')))).toEqual({third: {type: 'oauth', ...oauth('third')}});
		expect(existsSync(paths.legacyOAuth)).toBe(false);
	});
});
