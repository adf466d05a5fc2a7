import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {orderOf} from '../../source/auth/snapshot.ts';
import {runImportOpenclaw} from '../../source/commands/openclaw.ts';
import type {Jarvis} from '../../source/core.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {contentOf} from '../support/openclaw.ts';
import {put, temporaryFolder} from '../support/state-folder.ts';
import {
	byProfile,
	credentialsOf,
	type Document,
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

/** Imports a folder; what became of each profile, by `agent/profile`. */
async function outcomes(jarvis: Jarvis, folder: string): Promise<Record<string, string>> {
	const {profiles} = await jarvis.importOpenclaw(folder, {dryRun: false});
	return byProfile(profiles);
}

function only(profiles: Document['profiles']): Readonly<Record<string, Document>> {
	return {main: {profiles}};
}

describe('a profile of an id that is here', () => {
	const here = {...oauth('here', maya), labelled: 'here'};
	it.each([
		['fresher, of the same account', {...oauth('new', maya), expires: now + 2 * hour}, 'renewed', 'new'],
		['older, of the same account', {...oauth('old', maya), expires: now}, 'fresher_here', 'here'],
		['the same', here, 'same', 'here'],
		[
			'fresher, of another account',
			{...oauth('new', noor), expires: now + 2 * hour},
			'other_account',
			'here',
		],
		['fresher, of an unknown account', {...oauth('new'), expires: now + 2 * hour}, 'other_secret', 'here'],
		[
			'fresher, without a refresh token',
			{...oauth('new', maya), expires: now + 2 * hour, refresh: undefined},
			'fresher_here',
			'here',
		],
		['of another kind', key('new'), 'other_secret', 'here'],
	])('%s', async (_what, theirs, outcome, name) => {
		const usage = {'acme:a': {lastUsed: 5}};
		const folder = openclawFolder({
			main: {profiles: {'acme:a': {...theirs, added: 'there'}}, usageStats: usage},
		});
		const jarvis = jarvisWith(only({'acme:a': here}));
		expect(await outcomes(jarvis, folder)).toEqual({'main/acme:a': outcome});
		const {profiles, usageStats} = documentOf(jarvis.paths.root);
		expect(profiles['acme:a']).toMatchObject({access: `not-a-secret-access-${name}`, labelled: 'here'});
		if (outcome === 'renewed') expect(profiles['acme:a']).toMatchObject({added: 'there'});
		// What another profile did says nothing of this one.
		expect(usageStats).toEqual(
			name === 'new' || outcome === 'same' || outcome === 'fresher_here' ? usage : undefined,
		);
		expect(await runImportOpenclaw({...quiet(jarvis), arguments: [folder]})).toBe(
			outcome === 'other_account' ? 1 : 0,
		);
	});

	it('holds another key: nothing says which one is newer', async () => {
		const jarvis = jarvisWith(only({'acme:a': key('here')}));
		const folder = openclawFolder(only({'acme:a': key('there'), 'acme:b': key('b')}));
		expect(await outcomes(jarvis, folder)).toEqual({'main/acme:a': 'other_secret', 'main/acme:b': 'added'});
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toEqual(key('here'));
	});
});

describe('a login that is linked here', () => {
	const link = {program: 'codex', file: '/nowhere/auth.json', entry: 'default'};
	const linked = (account: object) => ({type: 'oauth', provider: 'acme', ...account, link});

	it.each([
		['of the same account', maya],
		['of an account that is not known', {}],
	])('stays linked, though openclaw has a copy of it with its refresh token, %s', async (_what, account) => {
		const jarvis = jarvisWith(only({'acme:a': linked(account)}));
		const folder = openclawFolder(only({'acme:a': oauth('copy', maya)}));
		expect(await outcomes(jarvis, folder)).toEqual({'main/acme:a': 'linked'});
		expect(documentOf(jarvis.paths.root).profiles).toEqual({'acme:a': linked(account)});
	});

	it('is not taken a second time under another id, but another account is', async () => {
		const jarvis = jarvisWith(only({'acme:linked': linked(maya)}));
		const folder = openclawFolder(only({'acme:a': oauth('copy', maya), 'acme:b': oauth('other', noor)}));
		const {profiles} = await jarvis.importOpenclaw(folder, {dryRun: false});
		expect(profiles).toMatchObject([
			{profileId: 'acme:a', outcome: 'held_here', heldBy: 'main/acme:linked'},
			{profileId: 'acme:b', outcome: 'added'},
		]);
		expect(contentOf(jarvis.paths.root)[jarvis.paths.profiles('main')]).not.toContain('refresh-copy');
	});
});

describe('a login that JARVIS has refreshed since', () => {
	function refreshed(profiles: Document['profiles']): Jarvis {
		const jarvis = jarvisWith(only(profiles));
		const spent = fingerprint('not-a-secret-refresh-1');
		const issued = fingerprint('not-a-secret-refresh-2');
		writeJournal(jarvis.paths, 'acme', {
			spent,
			startedAt: now,
			finishedAt: now,
			outcome: 'refreshed',
			issued,
		});
		return jarvis;
	}
	const folder = () => openclawFolder(only({'acme:a': oauth('1')}));

	it('stays as it is, though its account is not known', async () => {
		const jarvis = refreshed({'acme:a': oauth('2')});
		expect(await outcomes(jarvis, folder())).toEqual({'main/acme:a': 'fresher_here'});
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toEqual(oauth('2'));
	});

	it('is not taken a second time under its older id', async () => {
		const jarvis = refreshed({'acme:renamed': oauth('2')});
		const {profiles} = await jarvis.importOpenclaw(folder(), {dryRun: false});
		expect(profiles).toEqual([
			{
				...{agentId: 'main', profileId: 'acme:a', provider: 'acme', outcome: 'held_here'},
				heldBy: 'main/acme:renamed',
			},
		]);
		expect(Object.keys(documentOf(jarvis.paths.root).profiles)).toEqual(['acme:renamed']);
	});

	it('is left where what came of it is gone: its token is spent', async () => {
		const jarvis = refreshed({});
		expect(await outcomes(jarvis, folder())).toEqual({'main/acme:a': 'spent'});
		expect(documentOf(jarvis.paths.root).profiles).toEqual({});
	});
});

describe('the copies that openclaw makes', () => {
	it('are read of the main agent, which gets the younger of the two', async () => {
		const younger = oauth('younger', {...maya, expires: now + 3 * hour});
		const folder = openclawFolder({
			main: {profiles: {'acme:a': {...oauth('older', maya), label: 'main'}}},
			work: {profiles: {'acme:a': younger}, usageStats: {'acme:a': {lastUsed: 7}}},
		});
		const jarvis = jarvisWith();
		expect(await outcomes(jarvis, folder)).toEqual({'main/acme:a': 'added', 'work/acme:a': 'read_of_main'});
		expect(documentOf(jarvis.paths.root).profiles['acme:a']).toEqual({...younger, label: 'main'});
		expect(documentOf(jarvis.paths.root, 'work')).toMatchObject({
			profiles: {},
			usageStats: {'acme:a': {lastUsed: 7}},
		});
		const work = (await jarvis.snapshot()).agents.find(({id}) => id === 'work');
		expect(work?.inherited.map(({profileId}) => profileId)).toEqual(['acme:a']);
	});

	it('are left where the agent has a login of its own, which is told; its keys stay', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:a': oauth('1', maya), 'acme:key': key('1')}},
			work: {profiles: {'acme:a': oauth('1', maya), 'acme:key': key('1'), 'acme:own': oauth('own', noor)}},
		});
		const jarvis = jarvisWith();
		const {profiles, notes} = await jarvis.importOpenclaw(folder, {dryRun: false});
		expect(
			profiles.filter(({agentId}) => agentId === 'work').map(({profileId, outcome}) => [profileId, outcome]),
		).toEqual([
			['acme:own', 'added'],
			['acme:key', 'added'],
			['acme:a', 'copy_left'],
		]);
		expect(notes).toEqual([expect.stringMatching(/work has profiles of acme itself.*: acme:a\.$/)]);
		expect(Object.keys(documentOf(jarvis.paths.root, 'work').profiles)).toEqual(['acme:own', 'acme:key']);
	});

	it('are left where the agent has something of its own here already', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:a': oauth('1', maya)}},
			work: {profiles: {'acme:a': oauth('1', maya)}},
		});
		const jarvis = jarvisWith({work: {profiles: {'acme:mine': key('mine')}}});
		expect(await outcomes(jarvis, folder)).toEqual({'main/acme:a': 'added', 'work/acme:a': 'copy_left'});
		const apart = jarvisWith({}, {agents: {list: [{id: 'work', readsMain: false}]}});
		expect(await outcomes(apart, folder)).toEqual({'main/acme:a': 'added', 'work/acme:a': 'copy_left'});
	});

	it('are not read of a main agent that has another account under that id here', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:a': oauth('1', maya)}},
			work: {profiles: {'acme:a': oauth('1', maya)}},
		});
		const jarvis = jarvisWith({main: {profiles: {'acme:a': oauth('here', noor)}}});
		expect(await outcomes(jarvis, folder)).toEqual({
			'main/acme:a': 'other_account',
			'work/acme:a': 'copy_left',
		});
	});

	it('may be two logins where no account is known: only the younger keeps its refresh token', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:default': oauth('1')}},
			work: {profiles: {'acme:default': oauth('2', {expires: now + 2 * hour})}},
		});
		const jarvis = jarvisWith();
		expect(await outcomes(jarvis, folder)).toEqual({
			'main/acme:default': 'access_only',
			'work/acme:default': 'added',
		});
		expect(documentOf(jarvis.paths.root).profiles['acme:default']).not.toHaveProperty('refresh');
		expect(documentOf(jarvis.paths.root, 'work').profiles['acme:default']).toHaveProperty('refresh');
	});

	it('are known by their token, under another id and without an account too', async () => {
		const folder = openclawFolder({
			main: {profiles: {'acme:default': oauth('1')}},
			work: {profiles: {'acme:work': oauth('1')}},
		});
		const jarvis = jarvisWith();
		expect(await outcomes(jarvis, folder)).toEqual({
			'main/acme:default': 'added',
			'work/acme:work': 'read_of_main',
		});
	});

	it('of two agents beside the main one have one owner too', async () => {
		const folder = openclawFolder({
			home: {profiles: {'acme:a': oauth('1', maya)}},
			work: {profiles: {'acme:a': oauth('1', maya)}},
		});
		expect(await outcomes(jarvisWith(), folder)).toEqual({
			'home/acme:a': 'added',
			'work/acme:a': 'copy_left',
		});
	});
});

describe('the rest of a file', () => {
	it('is kept where it is not understood, and a reference gets its own member', async () => {
		const folder = openclawFolder({
			main: {
				fromTheFuture: {a: 1},
				profiles: {
					'acme:future': {type: 'passkey', provider: 'acme'},
					'acme:env': {type: 'api_key', provider: 'acme', key: `\${ACME_KEY}`},
					'acme:ref': {
						mode: 'token',
						provider: 'acme',
						token: {source: 'exec', provider: 'vault', id: 'a/b'},
					},
					'no-colon': key('x'),
				},
				order: {acme: []},
			},
		});
		const jarvis = jarvisWith();
		expect(await outcomes(jarvis, folder)).toEqual({
			...{'main/acme:future': 'not_understood', 'main/acme:env': 'added'},
			...{'main/acme:ref': 'added', 'main/no-colon': 'id_refused'},
		});
		expect(documentOf(jarvis.paths.root)).toEqual({
			version: 1,
			profiles: {
				'acme:future': {type: 'passkey', provider: 'acme'},
				'acme:env': {
					type: 'api_key',
					provider: 'acme',
					keyRef: {source: 'env', provider: 'default', id: 'ACME_KEY'},
				},
				'acme:ref': {
					mode: 'token',
					provider: 'acme',
					tokenRef: {source: 'exec', provider: 'vault', id: 'a/b'},
				},
			},
			fromTheFuture: {a: 1},
		});
	});

	it('comes of the older files where an agent has no other', async () => {
		const folder = openclawFolder({});
		put(join(folder, 'credentials/oauth.json'), {
			acme: {access: 'not-a-secret-a', refresh: 'not-a-secret-r', expires: now},
		});
		put(join(folder, 'agents/work/agent/auth.json'), {other: {type: 'api_key', key: 'not-a-secret-k'}});
		const jarvis = jarvisWith();
		expect(await outcomes(jarvis, folder)).toEqual({
			'main/acme:default': 'added',
			'work/other:default': 'added',
		});
	});
});

describe('what would keep out a profile that is here', () => {
	it.each([
		['an order of the agent', {order: {acme: ['acme:a']}}, {}, 'order of acme'],
		['auth.order', {}, {auth: {order: {acme: ['acme:a']}}}, 'auth.order.acme'],
		[
			'auth.profiles',
			{},
			{auth: {profiles: {'acme:a': {provider: 'acme', mode: 'api_key'}}}},
			'auth.profiles.acme:a',
		],
	])('%s is left, and told', async (_what, more, config, told) => {
		const folder = openclawFolder({main: {profiles: {'acme:a': key('a')}, ...more}}, config);
		const jarvis = jarvisWith(only({'acme:mine': key('mine')}));
		const done = await jarvis.importOpenclaw(folder, {dryRun: false});
		expect([...done.notes, ...done.config.kept].join('\n')).toContain(told);
		const snapshot = await jarvis.snapshot();
		const [agent] = snapshot.agents;
		if (!agent) expect.fail('There is no agent.');
		const {places} = orderOf({agent, config: snapshot.config}, 'acme', now);
		const tried = places.filter(({place}) => place !== undefined).map(({profileId}) => profileId);
		expect(tried.sort()).toEqual(['acme:a', 'acme:mine']);
	});
});

describe('the configuration', () => {
	const theirs = `{
		// As a person writes it.
		agents: {
			defaults: {model: 'acme/one', models: {'acme/one': {alias: 'One'}}},
			list: [{id: 'Work', workspace: '/w', memorySearch: {remote: {apiKey: 'not-a-secret-m', baseUrl: 'https://m.example.test'}}}, {id: 'home'}],
		},
		models: {providers: {acme: {baseUrl: 'https://acme.example.test', apiKey: 'not-a-secret-p', headers: {'x-a': 'not-a-secret-h', 'x-b': '\${ACME}'}, models: []}}},
		bindings: [{agentId: 'Work', match: {channel: 'chat'}}, {agentId: 'home', match: {channel: 'mail', accountId: '*'}}],
		channels: {chat: {token: 'not-a-secret-c', accounts: {one: {token: 'not-a-secret-d'}}}},
		gateway: {auth: {token: 'not-a-secret-g'}},
	}`;

	it('comes over without its plaintext secrets, and what is set here stays', async () => {
		const jarvis = jarvisWith(
			{},
			{agents: {defaults: {model: 'mine/model'}}, bindings: [{agentId: 'main', match: {channel: 'mail'}}]},
		);
		const {config} = await jarvis.importOpenclaw(openclawFolder({}, theirs), {dryRun: false});
		const text = readFileSync(jarvis.paths.config, 'utf8');
		expect(text).not.toContain('not-a-secret');
		expect(JSON.parse(text)).toEqual({
			agents: {
				defaults: {model: 'mine/model', models: {'acme/one': {alias: 'One'}}},
				list: [
					{
						id: 'work',
						workspace: '/w',
						memorySearch: {remote: {baseUrl: 'https://m.example.test'}},
						default: true,
					},
					{id: 'home'},
				],
			},
			bindings: [
				{agentId: 'main', match: {channel: 'mail'}},
				{agentId: 'work', match: {channel: 'chat', accountId: 'default'}},
			],
			models: {
				providers: {acme: {baseUrl: 'https://acme.example.test', headers: {'x-b': `\${ACME}`}, models: []}},
			},
			channels: {chat: {accounts: {one: {}}}},
		});
		expect(config.kept).toEqual(['agents.defaults.model', 'bindings.0']);
		expect(config.left).toEqual([
			'models.providers.acme.apiKey',
			'models.providers.acme.headers.x-a',
			'agents.list.0.memorySearch.remote.apiKey',
		]);
		expect(await jarvis.agent(undefined)).toBe('work');
	});

	it('is taken once', async () => {
		const jarvis = jarvisWith();
		const folder = openclawFolder({}, theirs);
		await jarvis.importOpenclaw(folder, {dryRun: false});
		const before = contentOf(jarvis.paths.root);
		const {config} = await jarvis.importOpenclaw(folder, {dryRun: false});
		expect([config.taken, config.kept]).toEqual([[], []]);
		expect(contentOf(jarvis.paths.root)).toEqual(before);
	});
});

describe('what is not read', () => {
	it.each([
		['a folder that is not there', (folder: string) => join(folder, 'nowhere'), 'openclaw_absent'],
		[
			'a store in SQLite',
			(folder: string) => {
				put(join(folder, 'state/openclaw.sqlite'), '');
				return folder;
			},
			'openclaw_unsupported',
		],
		[
			'an agent’s store in SQLite',
			(folder: string) => {
				put(join(folder, 'agents/main/agent/openclaw-agent.sqlite'), '');
				return folder;
			},
			'openclaw_unsupported',
		],
		[
			'a configuration in several files',
			(folder: string) => {
				put(join(folder, 'openclaw.json'), {auth: {$include: './auth.json5'}});
				return folder;
			},
			'openclaw_unsupported',
		],
		[
			'a file that is no JSON',
			(folder: string) => {
				put(credentialsOf(folder), '{"profiles": {"acme:a": {"key": "not-a-secret-damaged"');
				return folder;
			},
			'store_damaged',
		],
	])('%s is refused before anything is taken', async (_what, change, code) => {
		const folder = change(openclawFolder({home: {profiles: {'acme:a': key('a')}}}));
		const jarvis = jarvisWith();
		const failed = jarvis.importOpenclaw(folder, {dryRun: false});
		await expect(failed).rejects.toMatchObject({code, message: expect.not.stringContaining('not-a-secret')});
		expect(existsSync(jarvis.paths.root)).toBe(false);
	});

	it('is looked for where openclaw itself looks', async () => {
		const home = temporaryFolder();
		const {openclawHome} = await import('../../source/store/openclaw/folder.ts');
		expect(openclawHome({HOME: home})).toBe(join(home, '.openclaw'));
		expect(openclawHome({HOME: home, OPENCLAW_STATE_DIR: '/elsewhere'})).toBe('/elsewhere');
	});
});

function quiet(jarvis: Jarvis): Omit<Parameters<typeof runImportOpenclaw>[0], 'arguments'> {
	return {jarvis, flags: {}, stdin: process.stdin, print: () => {}, tell: () => {}};
}
