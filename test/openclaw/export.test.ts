import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it, vi} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {runExportOpenclaw} from '../../source/commands/openclaw.ts';
import type {Jarvis} from '../../source/core.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {acquireLock} from '../../source/store/lock.ts';
import {contentOf} from '../support/openclaw.ts';
import {declareProvider} from '../support/sandbox.ts';
import {exposed, put, temporaryFolder} from '../support/state-folder.ts';
import {
	byProfile,
	credentialsOf,
	documentOf,
	hour,
	jarvisWith,
	key,
	maya,
	noor,
	now,
	oauth,
	openclawFolder,
} from './folders.ts';

const plain = {merge: false, withRefreshTokens: false};
const merging = {merge: true, withRefreshTokens: false};

const soon = {interval: 5, timeout: 10_000};

function emptyFolder(): string {
	return join(temporaryFolder(), 'exported');
}

async function outcomes(
	jarvis: Jarvis,
	folder: string,
	wanted: typeof plain,
): Promise<Record<string, string>> {
	const {profiles} = await jarvis.exportOpenclaw(folder, wanted);
	return byProfile(profiles);
}

/** Where in a folder a text stands. */
function filesWith(folder: string, text: string): string[] {
	return Object.entries(contentOf(folder)).flatMap(([file, content]) =>
		content.includes(text) ? [file] : [],
	);
}

describe('an empty folder', () => {
	it('gets all but refresh tokens, private, with a file for each agent', async () => {
		const jarvis = jarvisWith(
			{
				main: {
					profiles: {'acme:a': {...oauth('1'), fromTheFuture: 1}, 'other:key': key('1', 'other')},
					order: {acme: ['acme:a']},
					usageStats: {'acme:a': {lastUsed: 5, disabledCount: 1}},
					fromTheFuture: {a: 1},
				},
				work: {profiles: {}},
			},
			{
				agents: {list: [{id: 'work', default: true, readsMain: false}]},
				models: {providers: {acme: {auth: {issuer: 'https://a.example.test'}}}},
			},
		);
		const before = contentOf(jarvis.paths.root);
		const folder = emptyFolder();
		const done = await jarvis.exportOpenclaw(folder, plain);
		expect(done.profiles.map(({outcome}) => outcome)).toEqual(['access_only', 'written']);
		const {refresh: _, ...withoutRefresh} = oauth('1');
		expect(documentOf(folder)).toEqual({
			version: 1,
			profiles: {'acme:a': {...withoutRefresh, fromTheFuture: 1}, 'other:key': key('1', 'other')},
			order: {acme: ['acme:a']},
			usageStats: {'acme:a': {lastUsed: 5, disabledCount: 1}},
			fromTheFuture: {a: 1},
		});
		expect(documentOf(folder, 'work')).toEqual({version: 1, profiles: {}});
		// What openclaw does not know would make it refuse the file.
		expect(JSON.parse(readFileSync(join(folder, 'openclaw.json'), 'utf8'))).toEqual({
			agents: {list: [{id: 'main'}, {id: 'work', default: true}]},
		});
		expect(done.config.left).toEqual(['models.providers.acme']);
		expect(done.notes).toEqual([expect.stringContaining('work is kept from the main agent’s profiles here')]);
		expect(exposed(folder)).toEqual([]);
		const {[jarvis.paths.auditLog]: log, ...after} = contentOf(jarvis.paths.root);
		for (const file of Object.keys(after)) if (file.startsWith(jarvis.paths.locks)) delete after[file];
		expect(after).toEqual(before);
		expect(log).toContain('"event":"exported"');
	});

	it('says by an order that an agent uses its own profiles alone', async () => {
		const jarvis = jarvisWith({
			main: {profiles: {'acme:main': key('m')}},
			work: {profiles: {'acme:one': key('1'), 'acme:two': oauth('2')}},
		});
		const folder = emptyFolder();
		await jarvis.exportOpenclaw(folder, plain);
		expect(documentOf(folder, 'work').order).toEqual({acme: ['acme:two', 'acme:one']});
		expect(documentOf(folder).order).toBeUndefined();
	});

	it('gets bindings that mean the same there, and that come back as they were', async () => {
		const bindings = [
			{agentId: 'main', match: {channel: 'any'}},
			{agentId: 'main', match: {channel: 'one', accountId: 'default'}},
		];
		const jarvis = jarvisWith({}, {bindings});
		const folder = emptyFolder();
		await jarvis.exportOpenclaw(folder, plain);
		await jarvis.exportOpenclaw(folder, merging);
		expect(JSON.parse(readFileSync(join(folder, 'openclaw.json'), 'utf8')).bindings).toEqual([
			{agentId: 'main', match: {channel: 'any', accountId: '*'}},
			{agentId: 'main', match: {channel: 'one', accountId: 'default'}},
		]);
		await jarvis.importOpenclaw(folder, {dryRun: false});
		expect(JSON.parse(readFileSync(jarvis.paths.config, 'utf8'))).toEqual({bindings});
	});

	it('gets one agent where one is named', async () => {
		const jarvis = jarvisWith({
			main: {profiles: {'acme:m': key('m')}},
			work: {profiles: {'acme:w': key('w')}},
		});
		const folder = emptyFolder();
		const {profiles} = await jarvis.exportOpenclaw(folder, {...plain, agentId: 'work'});
		expect(profiles.map(({profileId}) => profileId)).toEqual(['acme:w']);
		expect(filesWith(folder, 'acme:m')).toEqual([]);
	});
});

describe('a folder that holds something', () => {
	const jarvis = jarvisWith(undefined, {});
	it.each([
		['another program’s files', () => filled('notes.txt'), merging],
		['an openclaw state, without --merge', () => openclawFolder({}), plain],
		['an openclaw state in SQLite', () => filled('openclaw.json', 'state/openclaw.sqlite'), merging],
		[
			'the state of another JARVIS',
			() => filled('jarvis.json', 'agents/main/agent/auth-profiles.json'),
			merging,
		],
		['JARVIS’s own state', () => jarvis.paths.root, merging],
		['a folder within it', () => join(jarvis.paths.root, 'agents/x'), plain],
		[
			'a state whose agents are elsewhere',
			() => openclawFolder({}, {agents: {list: [{id: 'w', agentDir: '/else/where'}]}}),
			merging,
		],
		['a file', () => join(filled('a-file'), 'a-file'), plain],
	])('%s is refused, and nothing is written', async (_what, make, wanted) => {
		const folder = make();
		const before = JSON.stringify([contentOf(jarvis.paths.root), wanted === plain ? '' : contentOf(folder)]);
		const failed = jarvis.exportOpenclaw(folder, wanted);
		await expect(failed).rejects.toMatchObject({
			code: expect.stringMatching(/^(export_refused|openclaw_unsupported)$/),
		});
		expect(JSON.stringify([contentOf(jarvis.paths.root), wanted === plain ? '' : contentOf(folder)])).toBe(
			before,
		);
	});
});

describe('a link in an openclaw state', () => {
	const one = () => jarvisWith({main: {profiles: {'acme:a': oauth('1', maya)}}});
	it.each([
		['its agents', (paths: Jarvis['paths']) => [paths.agents, 'agents']],
		['an agent', (paths: Jarvis['paths']) => [paths.agent('main'), 'agents/main']],
		[
			'one file',
			(paths: Jarvis['paths']) => [paths.profiles('main'), 'agents/main/agent/auth-profiles.json'],
		],
		[
			'a file that JARVIS has not made yet',
			(paths: Jarvis['paths']) => [paths.profiles('later'), 'agents/main/agent/auth-profiles.json'],
		],
		[
			'an earlier version',
			(paths: Jarvis['paths']) => [paths.profiles('main'), 'agents/first/agent/auth-profiles.json.bak'],
		],
		[
			'the file of an agent that is only there',
			(paths: Jarvis['paths']) => [paths.profiles('main'), 'agents/other/agent/auth-profiles.json'],
		],
		[
			'the sessions',
			(paths: Jarvis['paths']) => [paths.sessions('main'), 'agents/main/sessions/sessions.json'],
		],
		['the configuration', (paths: Jarvis['paths']) => [paths.config, 'openclaw.json']],
		['a place that is neither program’s', () => [join(temporaryFolder(), 'elsewhere'), 'agents/main/agent']],
	])('that makes %s JARVIS’s own, or leads outside, is refused', async (_what, link) => {
		const jarvis = one();
		const {paths} = jarvis;
		const folder = join(temporaryFolder(), 'openclaw');
		const [to = '', from = ''] = link(paths);
		put(join(folder, 'agents/first/agent/auth-profiles.json'), {profiles: {}});
		if (from !== 'openclaw.json') put(join(folder, 'openclaw.json'), {});
		if (from === 'agents') rmSync(join(folder, from), {recursive: true});
		mkdirSync(dirname(join(folder, from)), {recursive: true});
		symlinkSync(to, join(folder, from));
		const before = contentOf(paths.root);
		await expect(jarvis.exportOpenclaw(folder, merging)).rejects.toMatchObject({code: 'export_refused'});
		expect(contentOf(paths.root)).toEqual(before);
	});

	it('is nothing to refuse where it is to the folder itself, or within it', async () => {
		const folder = openclawFolder({main: {profiles: {'acme:a': oauth('1', maya)}}});
		const named = join(temporaryFolder(), 'named');
		symlinkSync(folder, named);
		symlinkSync(join(folder, 'agents/main'), join(folder, 'agents/same'));
		await one().exportOpenclaw(named, merging);
		expect(documentOf(folder).profiles['acme:a']).not.toHaveProperty('refresh');
	});
});

describe('an openclaw state', () => {
	it('keeps what is only there, and what is not known', async () => {
		const config =
			'{\n  // Mine.\n  "gateway": {"auth": {"token": "not-a-secret-g"}},\n  "agents": {"list": [{"id": "main", "name": "M"}, {"id": "home"}]}\n}\n';
		const there = {...oauth('old', maya), expires: now, theirs: 1};
		const folder = openclawFolder(
			{
				main: {
					profiles: {'acme:a': there, 'acme:only': key('only')},
					usageStats: {'acme:a': {theirs: 1}},
					top: 1,
				},
			},
			config,
		);
		const jarvis = jarvisWith(
			{main: {profiles: {'acme:a': oauth('new', maya)}, usageStats: {'acme:a': {lastUsed: 5}}}},
			{auth: {order: {acme: ['acme:a']}}, agents: {list: [{id: 'main', name: 'Main'}]}},
		);
		expect(await outcomes(jarvis, folder, merging)).toEqual({'main/acme:a': 'access_only'});
		const {refresh: _, ...written} = oauth('new', maya);
		expect(documentOf(folder)).toMatchObject({
			profiles: {'acme:a': {...written, theirs: 1}, 'acme:only': key('only')},
			...{usageStats: {'acme:a': {theirs: 1, lastUsed: 5}}, top: 1},
		});
		expect(documentOf(folder).profiles['acme:a']).not.toHaveProperty('refresh');
		const text = readFileSync(join(folder, 'openclaw.json'), 'utf8');
		expect(text).toContain('// Mine.');
		expect(text).toContain('"name": "Main"');
		expect(text).toContain('not-a-secret-g');
		expect(text).toContain('"id": "home"');
	});

	it('loses every refresh token of a login that JARVIS holds, copies and spent ones too, and no other', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:a': oauth('1', maya), 'acme:theirs': oauth('theirs')}},
			work: {profiles: {'acme:a': {...oauth('stray', maya), expires: now - hour}}},
			home: {profiles: {'acme:other-name': oauth('1')}},
		});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('2', {...maya, expires: now + 2 * hour})}}});
		const spent = fingerprint('not-a-secret-refresh-1');
		const issued = fingerprint('not-a-secret-refresh-2');
		writeJournal(jarvis.paths, 'acme', {
			spent,
			startedAt: now,
			finishedAt: now,
			outcome: 'refreshed',
			issued,
		});
		await jarvis.exportOpenclaw(folder, merging);
		const texts = Object.values(contentOf(folder)).join('\n');
		expect(texts.match(/not-a-secret-refresh-\w+/g)).toEqual(['not-a-secret-refresh-theirs']);
		expect(documentOf(folder, 'home').profiles['acme:other-name']).toMatchObject({
			access: 'not-a-secret-access-2',
		});
	});

	it('keeps earlier versions, but none with a refresh token that was taken out', async () => {
		const theirs = {'acme:theirs': oauth('theirs')};
		const folder = openclawFolder({
			main: {profiles: {'acme:a': oauth('stray', {...maya, expires: now}), ...theirs}},
		});
		const file = credentialsOf(folder);
		// As an earlier export left them.
		put(`${file}.bak`, {profiles: {'acme:a': oauth('here', maya), ...theirs}});
		put(`${file}.bak.1`, {profiles: {'acme:old': oauth('stray', maya), ...theirs}});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('here', maya)}}});
		await jarvis.exportOpenclaw(folder, merging);
		expect(filesWith(folder, 'refresh-here')).toEqual([]);
		expect(filesWith(folder, 'refresh-stray')).toEqual([]);
		expect(filesWith(folder, 'refresh-theirs').sort()).toEqual([file, `${file}.bak`, `${file}.bak.1`]);
		expect(exposed(folder)).toEqual([]);

		put(`${file}.bak`, {profiles: {'acme:a': oauth('here', maya)}});
		await jarvis.exportOpenclaw(folder, merging);
		expect(filesWith(folder, 'refresh-here')).toEqual([]);
		put(file, {profiles: theirs});
		await jarvis.exportOpenclaw(folder, merging);
		expect(JSON.parse(readFileSync(`${file}.bak`, 'utf8'))).toEqual({profiles: theirs});
	});

	it.each([
		[
			'of the same account that is fresher',
			oauth('there', {...maya, expires: now + 2 * hour}),
			'fresher_there',
		],
		['of another account', oauth('there', noor), 'other_account'],
		[
			'of an account that is not known, with a refresh token',
			oauth('there', {expires: now}),
			'other_account',
		],
		['of another provider', oauth('there', {...maya, provider: 'other'}), 'other_account'],
		['of another kind', key('there'), 'other_account'],
		['of a kind that is not known here', {type: 'passkey', provider: 'acme'}, 'other_account'],
	])('keeps a token %s, and the command ends with 1', async (_what, there, outcome) => {
		const folder = openclawFolder({main: {profiles: {'acme:a': there}}});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('here', maya)}}});
		let text = '';
		const put = (line: string) => {
			text += line;
		};
		const context = {jarvis, arguments: [folder], stdin: process.stdin, print: put, tell: put};
		expect(await runExportOpenclaw({...context, flags: {merge: true, json: true}})).toBe(1);
		expect(JSON.parse(text).profiles).toMatchObject([{outcome}]);
		expect(documentOf(folder).profiles['acme:a']).toEqual(there);
		expect(text).not.toContain('not-a-secret');
	});

	it('keeps its own keys where JARVIS has others, unless one took the place of the other', async () => {
		const ref = {source: 'env', provider: 'default', id: 'ACME_KEY'};
		const acme = {type: 'api_key', provider: 'acme'};
		const renewed = (name: string, expires: number) => ({...key(name), email: 'maya@example.test', expires});
		const folder = openclawFolder({
			main: {
				profiles: {
					...{'acme:other': key('there'), 'acme:same': key('same'), 'acme:none': acme},
					...{'acme:env': {...acme, key: `\${ACME_KEY}`}, 'acme:vault': {...acme, keyRef: {source: 'new'}}},
					'acme:renewed': renewed('old', now),
				},
			},
		});
		const jarvis = jarvisWith({
			main: {
				profiles: {
					...{'acme:other': key('here'), 'acme:same': {...key('same'), label: 'mine'}, 'acme:none': key('n')},
					...{'acme:env': {...acme, keyRef: ref}, 'acme:vault': key('v')},
					'acme:renewed': renewed('new', now + hour),
				},
			},
		});
		expect(await outcomes(jarvis, folder, merging)).toEqual({
			...{'main/acme:other': 'other_secret', 'main/acme:same': 'written', 'main/acme:none': 'written'},
			...{'main/acme:env': 'written', 'main/acme:vault': 'other_secret', 'main/acme:renewed': 'written'},
		});
		expect(documentOf(folder).profiles).toMatchObject({
			...{'acme:other': key('there'), 'acme:same': {label: 'mine'}, 'acme:none': key('n')},
			...{'acme:vault': {keyRef: {source: 'new'}}, 'acme:renewed': key('new')},
		});
	});

	it('gets the token of a login whose account is not known, where JARVIS has refreshed that one', async () => {
		const folder = openclawFolder({main: {profiles: {'acme:a': {...oauth('1'), expires: now}}}});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('2')}}});
		const [spent, issued] = [fingerprint('not-a-secret-refresh-1'), fingerprint('not-a-secret-refresh-2')];
		const times = {startedAt: now, finishedAt: now};
		writeJournal(jarvis.paths, 'acme', {spent, ...times, outcome: 'refreshed', issued});
		expect(await outcomes(jarvis, folder, merging)).toEqual({'main/acme:a': 'access_only'});
		expect(documentOf(folder).profiles['acme:a']).toMatchObject({access: 'not-a-secret-access-2'});
		expect(documentOf(folder).profiles['acme:a']).not.toHaveProperty('refresh');
	});

	it('is waited for while openclaw holds its lock, but not when that was left behind', async () => {
		const folder = openclawFolder({main: {profiles: {}}});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': key('a')}}});
		const lock = `${credentialsOf(folder)}.lock`;
		put(lock, {pid: process.pid, createdAt: new Date().toISOString()});
		const done = jarvis.exportOpenclaw(folder, merging);
		await sleep(200);
		expect(documentOf(folder).profiles).toEqual({});

		rmSync(lock);
		await done;
		expect(documentOf(folder).profiles).toHaveProperty('acme:a');

		put(lock, {pid: process.pid, createdAt: new Date().toISOString()});
		const longAgo = new Date(Date.now() - 60_000);
		utimesSync(lock, longAgo, longAgo);
		await jarvis.exportOpenclaw(folder, merging);
		put(lock, {pid: 2 ** 22 + 1, createdAt: new Date().toISOString()});
		await jarvis.exportOpenclaw(folder, merging);
	});
});

describe('handing over', () => {
	it('gives openclaw the refresh token, and leaves it in no record here', async () => {
		const jarvis = jarvisWith({
			main: {profiles: {'acme:a': oauth('1', maya)}},
			work: {profiles: {'acme:same': oauth('1', maya), 'acme:own': oauth('own', noor)}},
			// One that held it earlier.
			other: {profiles: {}},
		});
		const {root} = jarvis.paths;
		const file = jarvis.paths.profiles('main');
		put(`${file}.bak`, {profiles: {'acme:a': oauth('1', maya), 'acme:key': key('kept')}});
		put(`${file}.damaged-2026-01-01`, `{"refresh": "not-a-secret-refresh-1", "more": "not-a-secret-more"`);
		put(`${jarvis.paths.profiles('other')}.bak.2`, {profiles: {'acme:a': oauth('1', maya)}});
		const folder = emptyFolder();
		expect(await outcomes(jarvis, folder, {merge: false, withRefreshTokens: true})).toEqual({
			'main/acme:a': 'handed_over',
			'work/acme:own': 'handed_over',
			// One of two records of one grant gets its token.
			'work/acme:same': 'access_only',
		});
		expect(filesWith(folder, 'not-a-secret-refresh-1')).toEqual([credentialsOf(folder)]);
		// Nor in any copy, of which all else stays.
		for (const token of ['1', 'own']) expect(filesWith(root, `not-a-secret-refresh-${token}`)).toEqual([]);
		expect(documentOf(root).profiles).toHaveProperty('acme:a.access');
		expect(readFileSync(`${file}.bak`, 'utf8')).toContain(key('kept').key);
		expect(readFileSync(`${file}.damaged-2026-01-01`, 'utf8')).toContain('not-a-secret-more');
		expect(documentOf(folder, 'work').profiles['acme:own']).toMatchObject({
			refresh: 'not-a-secret-refresh-own',
		});
		for (const agentId of ['main', 'work']) {
			for (const entry of Object.values(documentOf(jarvis.paths.root, agentId).profiles)) {
				expect(entry).not.toHaveProperty('refresh');
				expect(entry).toHaveProperty('access');
			}
		}
		// It is the only one that there is now.
		const written = contentOf(folder);
		expect(await outcomes(jarvis, folder, merging)).toEqual({
			'main/acme:a': 'refreshed_there',
			'work/acme:own': 'refreshed_there',
			'work/acme:same': 'access_only',
		});
		expect(contentOf(folder)).toEqual(written);

		const {profiles} = await jarvis.importOpenclaw(folder, {dryRun: false});
		expect(profiles.map(({profileId, outcome}) => [profileId, outcome])).toEqual([
			['acme:a', 'renewed'],
			['acme:same', 'same'],
			['acme:own', 'renewed'],
		]);
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toEqual(oauth('1', maya));
	});

	const server = {
		authorizationEndpoint: 'https://acme.example.test/authorize',
		tokenEndpoint: 'https://acme.example.test/token',
		clientId: 'jarvis',
	};

	/** Hands over, and stops it when all is written and the refresh tokens are about to be. */
	async function halfway(then: (jarvis: Jarvis, file: string) => Promise<void>) {
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('1', maya)}}, work: {profiles: {}}});
		declareProvider(jarvis.paths.root, server);
		const folder = openclawFolder({});
		const [first, second] = [credentialsOf(folder), credentialsOf(folder, 'work')];
		const taken = {pid: process.pid, createdAt: new Date().toISOString()};
		put(`${second}.lock`, taken);
		const done = outcomes(jarvis, folder, {merge: true, withRefreshTokens: true});
		await vi.waitFor(() => expect(documentOf(folder).profiles).toHaveProperty('acme:a'), soon);
		await vi.waitFor(() => expect(existsSync(`${first}.lock`)).toBe(false), soon);
		put(`${first}.lock`, taken);
		rmSync(`${second}.lock`);
		await then(jarvis, first);
		rmSync(`${first}.lock`);
		expect(await done).toEqual({'main/acme:a': 'not_handed_over'});
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toEqual(oauth('1', maya));
		expect(filesWith(folder, 'not-a-secret-refresh-1')).toEqual([]);
	}

	it('gives no token that was spent before: the newest one in its place, or none', async () => {
		const jarvis = jarvisWith({
			main: {profiles: {'acme:a': oauth('1', maya)}},
			work: {profiles: {'acme:own': oauth('own', noor)}},
		});
		const {paths} = jarvis;
		declareProvider(paths.root, server);
		for (const [spent, issued] of [
			['1', 'live'],
			['own', 'nowhere'],
		]) {
			const [from, to] = [spent, issued].map(name => fingerprint(`not-a-secret-refresh-${name}`));
			const times = {startedAt: 1, finishedAt: 2, outcome: 'refreshed'} as const;
			writeJournal(paths, `of-${spent}`, {...times, spent: from ?? '', issued: to ?? ''});
		}
		put(`${paths.profiles('main')}.bak`, {profiles: {'acme:a': oauth('live', maya)}});
		const folder = emptyFolder();
		expect(await outcomes(jarvis, folder, {merge: false, withRefreshTokens: true})).toEqual({
			'main/acme:a': 'handed_over',
			'work/acme:own': 'not_handed_over',
		});
		expect(filesWith(folder, 'not-a-secret-refresh-live')).toEqual([credentialsOf(folder)]);
		for (const spent of ['1', 'own']) expect(filesWith(folder, `not-a-secret-refresh-${spent}"`)).toEqual([]);
		expect(filesWith(paths.root, 'not-a-secret-refresh-live')).toEqual([]);
	});

	it.each([
		['is gone', {}],
		['is a key now', {'acme:a': key('a')}],
		['is of another provider now', {'acme:a': oauth('there', {provider: 'other', refresh: undefined})}],
		['is of another account now', {'acme:a': oauth('there', {...noor, refresh: undefined})}],
		['was logged in anew there', {'acme:a': oauth('there', maya)}],
	])('keeps the refresh token here where the profile %s', async (_what, profiles) => {
		await halfway(async (_, file) => put(file, {profiles}));
	});

	/** Another process takes the lock of a refresh, as one does that saw no sign of life of its holder. */
	function stealRefreshLock({paths}: Jarvis): void {
		const held = readdirSync(paths.locks).filter(name => /^refresh-.*\.held$/.test(name));
		expect(held).toHaveLength(1);
		const owner = join(paths.locks, held[0] ?? '', 'owner.json');
		put(owner, {...JSON.parse(readFileSync(owner, 'utf8')), nonce: 'of-another-process'});
	}

	it('keeps the refresh token here where another process took over the refresh', async () => {
		let written: {readonly file: string; readonly at: number} | undefined;
		await halfway(async (jarvis, file) => {
			written = {file, at: statSync(file).mtimeMs};
			await vi.waitFor(() => stealRefreshLock(jarvis), soon);
		});
		// openclaw never had it.
		expect(statSync(written?.file ?? '').mtimeMs).toBe(written?.at);
	});

	it('takes it back where another process took over the refresh after openclaw got it', async () => {
		let stolen: Promise<void> | undefined;
		await halfway(async (jarvis, file) => {
			const store = await acquireLock(jarvis.paths.locks, 'store-main');
			stolen = vi
				.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('refresh-1'), soon)
				.then(() => stealRefreshLock(jarvis))
				.finally(() => store?.release());
		});
		await stolen;
	});

	it('is asked for, and without a terminal needs --yes', async () => {
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('1')}}});
		const folder = emptyFolder();
		const context = {
			jarvis,
			arguments: [folder],
			stdin: {isTTY: false} as NodeJS.ReadStream,
			print: () => {},
			tell: () => {},
		};
		const flags = {'with-refresh-tokens': true} as const;
		await expect(runExportOpenclaw({...context, flags})).rejects.toMatchObject({code: 'terminal_required'});
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toHaveProperty('refresh');
		expect(await runExportOpenclaw({...context, flags: {...flags, yes: true}})).toBe(0);
		expect(documentOf(folder).profiles['acme:a']).toHaveProperty('refresh');
	});
});

function filled(...names: readonly string[]): string {
	const folder = temporaryFolder();
	mkdirSync(folder, {recursive: true});
	for (const name of names) put(join(folder, name), '{}');
	return folder;
}
