import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {inspect} from 'node:util';
import {describe, expect, it, test} from 'vitest';
import {orderOf, providersInUse} from '../../source/auth/snapshot.ts';
import {openJarvis} from '../../source/core.ts';
import {canary, temporaryFolder, writeJson, writeStore} from '../support/sandbox.ts';

const now = 1_900_000_000_000;

function open() {
	return openJarvis({stateDir: temporaryFolder(), env: {}});
}

const secretMembers = {
	'acme:oauth': {
		...{type: 'oauth', provider: 'acme', email: 'maya@example.test', accountId: 'acc-1', expires: now},
		...{access: canary('access'), refresh: canary('refresh'), idToken: canary('id'), clientId: 'client'},
	},
	'acme:token': {type: 'token', provider: 'acme', token: canary('token')},
	'acme:key': {type: 'api_key', provider: 'acme', key: canary('key'), metadata: {note: canary('note')}},
	'acme:old': {mode: 'api_key', provider: 'acme', apiKey: canary('old-key')},
	'acme:odd': {type: 'passkey', provider: 'acme', secret: canary('passkey')},
	'acme:none': {type: 'api_key', key: canary('none')},
};

test('an empty state folder has the main agent and nothing else', async () => {
	const {agents, defaultAgent, problems} = await open().snapshot();
	expect(agents).toMatchObject([{id: 'main', isDefault: true, profiles: [], broken: [], order: new Map()}]);
	expect([defaultAgent, problems]).toEqual(['main', []]);
});

test('tells of all agents, with folder or in jarvis.json, the main one first', async () => {
	const jarvis = open();
	writeStore(jarvis, 'work', {profiles: {}});
	writeStore(jarvis, 'alpha', {profiles: {}});
	const list = [
		{id: 'listed', name: 'Listed', workspace: '/tmp/w'},
		{id: 'work', default: true},
		{name: 'no id'},
	];
	writeJson(jarvis.paths.config, {agents: {list}});
	const {agents, defaultAgent} = await jarvis.snapshot();
	expect(agents.map(({id, isDefault, name, workspace}) => [id, isDefault, name, workspace])).toEqual([
		['main', false, undefined, undefined],
		['alpha', false, undefined, undefined],
		['work', true, undefined, undefined],
		['listed', false, 'Listed', '/tmp/w'],
	]);
	expect(defaultAgent).toBe('work');
});

test('no secret is anywhere in it, not even in part', async () => {
	const jarvis = open();
	writeStore(jarvis, 'main', {
		profiles: secretMembers,
		order: {acme: ['acme:key', 'acme:oauth']},
		lastGood: {acme: 'acme:key'},
		usageStats: {'acme:oauth': {lastUsed: 5, note: canary('usage')}},
		future: canary('future'),
	});
	writeStore(jarvis, 'work', {profiles: {'acme:copy': secretMembers['acme:oauth']}});
	const secrets = {models: {providers: {acme: {apiKey: canary('config')}}}, other: canary('other')};
	writeJson(jarvis.paths.config, secrets);
	const snapshot = await jarvis.snapshot();
	expect(snapshot.agents[0]?.profiles).toHaveLength(4);
	for (const text of [JSON.stringify(snapshot), inspect(snapshot, {depth: Infinity, maxArrayLength: null})]) {
		expect(text).toContain('acme:oauth');
		expect(text).not.toContain('canary');
		for (const name of ['access', 'refresh', 'token', 'key', 'old-key', 'passkey', 'note', 'none']) {
			expect(text).not.toContain(canary(name).slice(-5));
		}
	}
});

test('an agent whose file is broken takes no other one down', async () => {
	const jarvis = open();
	writeStore(jarvis, 'main', {profiles: {'acme:a': {type: 'api_key', provider: 'acme', key: canary('a')}}});
	writeStore(jarvis, 'broken', {profiles: {}});
	writeStore(jarvis, 'work', {profiles: {'acme:w': {type: 'api_key', provider: 'acme', key: canary('w')}}});
	writeFileSync(jarvis.paths.profiles('broken'), `{"profiles": {"acme:x": {"key": "${canary('x')}"}`);
	const {agents, problems} = await jarvis.snapshot();
	expect(agents.map(({id, profiles, problem}) => [id, profiles.length, problem?.code])).toEqual([
		['main', 1, undefined],
		['broken', 0, 'store_damaged'],
		['work', 1, undefined],
	]);
	expect(problems.map(({code}) => code)).toEqual(['store_damaged']);
	expect(problems[0]?.message).toContain(jarvis.paths.profiles('broken'));
	expect(inspect(problems, {depth: Infinity})).not.toContain('canary');
});

test.skipIf(process.getuid?.() === 0)(
	'an agent whose file may not be read takes no other one down',
	async () => {
		const jarvis = open();
		writeStore(jarvis, 'locked', {profiles: {}});
		chmodSync(jarvis.paths.profiles('locked'), 0o000);
		const {agents, problems} = await jarvis.snapshot();
		expect(agents.map(({id}) => id)).toEqual(['main', 'locked']);
		expect(problems.map(({code}) => code)).toEqual(['store_inaccessible']);
	},
);

test('a folder in the place of a file is a problem of that agent alone', async () => {
	const jarvis = open();
	writeJson(join(jarvis.paths.profiles('odd'), 'x.json'), {});
	const {agents, problems} = await jarvis.snapshot();
	expect(agents.map(({id, problem}) => [id, problem?.code])).toEqual([
		['main', undefined],
		['odd', 'store_inaccessible'],
	]);
	expect(problems).toHaveLength(1);
});

test('an entry that is not understood is named, and the others are in use', async () => {
	const jarvis = open();
	writeStore(jarvis, 'main', {profiles: {...secretMembers, 'acme:text': 'canary' as never}});
	const [main] = (await jarvis.snapshot()).agents;
	expect(main?.broken).toEqual([
		{profileId: 'acme:odd', problem: 'is of a type that is not known here'},
		{profileId: 'acme:none', problem: 'names no provider'},
		{profileId: 'acme:text', problem: 'is not an object'},
	]);
	expect(main?.profiles.map(({profileId}) => profileId)).toEqual([
		'acme:oauth',
		'acme:token',
		'acme:key',
		'acme:old',
	]);
});

test('a damaged jarvis.json is told of, and the agents are shown all the same', async () => {
	const jarvis = open();
	writeStore(jarvis, 'work', {profiles: {}});
	writeFileSync(jarvis.paths.config, '{\n\tagents: [\n');
	const {agents, defaultAgent, problems} = await jarvis.snapshot();
	expect(agents.map(({id}) => id)).toEqual(['main', 'work']);
	expect(defaultAgent).toBe('main');
	expect(problems.map(({code}) => code)).toEqual(['config_damaged']);
	expect(problems[0]?.message).toMatch(/line \d+, column \d+/);
});

test('an agent id that could lead out of the folder is a problem, not a path', async () => {
	const jarvis = open();
	writeJson(jarvis.paths.config, {agents: {list: [{id: '../../etc'}]}});
	const {agents, problems} = await jarvis.snapshot();
	expect(agents.map(({id, problem}) => [id, problem?.code])).toEqual([
		['main', undefined],
		['../../etc', 'agent_invalid_id'],
	]);
	expect(problems).toHaveLength(1);
});

test('an agent’s providers and their orders are read from it', async () => {
	const jarvis = open();
	writeStore(jarvis, 'main', {
		profiles: {
			'zeta:a': {type: 'api_key', provider: 'zeta', key: canary('a')},
			'acme:a': {type: 'api_key', provider: 'acme', key: canary('a')},
			'acme:b': {type: 'api_key', provider: 'acme', key: canary('b')},
		},
		order: {later: ['later:x'], acme: ['acme:b']},
	});
	writeJson(jarvis.paths.config, {auth: {order: {zeta: []}, profiles: {'acme:a': {provider: 'acme'}}}});
	const {agents, config} = await jarvis.snapshot();
	const [agent] = agents;
	if (!agent) throw new Error('there is always a main agent');
	expect(providersInUse(agent)).toEqual(['acme', 'later', 'zeta']);
	const tried = (provider: string) =>
		orderOf({agent, config}, provider, now)
			.places.filter(({place}) => place)
			.map(({profileId}) => profileId);
	expect([tried('acme'), tried('zeta'), tried('later')]).toEqual([['acme:b'], [], []]);
});

test('reading changes nothing', async () => {
	const jarvis = open();
	writeStore(jarvis, 'main', {profiles: secretMembers});
	const {readFileSync, readdirSync} = await import('node:fs');
	const look = () => [
		readdirSync(jarvis.paths.root, {recursive: true}).sort(),
		readFileSync(jarvis.paths.profiles('main'), 'utf8'),
	];
	const before = look();
	await jarvis.snapshot();
	expect(look()).toEqual(before);
});

describe('what must not come back', () => {
	it('a file in the place of the folder of agents is told of', async () => {
		const jarvis = open();
		writeFileSync(jarvis.paths.agents, '');
		expect((await jarvis.snapshot()).problems).toHaveLength(1);
	});

	it('text of the file is freed of what a terminal would act on, wherever it is shown', async () => {
		const jarvis = open();
		const disabled = {disabledUntil: now + 1, disabledReason: '\u001B[2Jbilling'};
		writeStore(jarvis, 'main', {
			profiles: {'acme:a': {type: 'api_key', provider: 'acme', key: canary('a')}},
			usageStats: {'acme:a': disabled},
		});
		const {agents, config} = await jarvis.snapshot();
		const [agent] = agents;
		const places = agent && orderOf({agent, config}, 'acme', now).places;
		expect(places?.[0]?.why).toBe('disabled after a billing failure');
	});
});

test('whether refs resolve is found out for the agent that is meant, and only glanced at for others', async () => {
	const jarvis = open();
	const missing = {source: 'file', path: '/no/such/file', mode: 'singleValue'};
	writeJson(jarvis.paths.config, {secrets: {providers: {main: missing, work: missing}}});
	for (const id of ['main', 'work']) {
		const keyRef = {source: 'file', provider: id, id: 'value'};
		writeStore(jarvis, id, {profiles: {'acme:ref': {type: 'api_key', provider: 'acme', keyRef}}});
	}
	const {agents} = await jarvis.snapshot({refs: 'resolve', refsOf: 'work'});
	expect(agents.map(({id, profiles}) => [id, profiles[0]?.unresolved?.code])).toEqual([
		['main', undefined],
		['work', 'not_found'],
	]);
});
