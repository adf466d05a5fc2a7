import {describe, expect, it, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {canary, readStore, refusal, temporaryFolder, writeJson, writeStore} from '../support/sandbox.ts';

const now = 1_900_000_000_000;
const minute = 60_000;
const key = (name: string, provider = 'openai') => ({type: 'api_key', provider, key: canary(name)});
const env = {OPENAI_COMPANY: canary('company')};
/** The name of a variable, as jarvis.json has it in a secret's place. */
const variable = (name: string) => `\${${name}}`;
const byName = {openai: {apiKey: variable('OPENAI_COMPANY')}};
const id = 'openai:jarvis.json';

function open(main: object, providers: object = byName, config: object = {}) {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env, now: () => now});
	writeStore(jarvis, 'main', {profiles: {}, ...main});
	writeJson(jarvis.paths.config, {models: {providers}, agents: {list: [{id: 'work'}]}, ...config});
	return jarvis;
}

const openai = {providerId: 'openai'};

describe('a key of jarvis.json', () => {
	test.each([
		['the name of a variable', variable('OPENAI_COMPANY'), canary('company')],
		['a secret ref', {source: 'env', provider: 'default', id: 'OPENAI_COMPANY'}, canary('company')],
		['a text', canary('plain'), canary('plain')],
	])('is %s', async (_, apiKey, secret) => {
		const jarvis = open({}, {openai: {apiKey}});
		expect(await jarvis.resolve(openai)).toMatchObject({
			...{secret, profileId: id, owner: 'jarvis.json', kind: 'api_key', agentId: 'main'},
			why: 'for when no profile is ready',
		});
	});

	it('is of the provider that its name means, behind whose profiles it stands', async () => {
		const google = {'google:a': key('a', 'google')};
		const jarvis = open({}, {gemini: {apiKey: canary('gemini')}});
		for (const providerId of ['google', 'gemini'])
			expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'google:jarvis.json'});
		const [main] = (await jarvis.snapshot()).agents;
		expect(main?.inherited).toMatchObject([{profileId: 'google:jarvis.json', provider: 'google'}]);
		writeStore(jarvis, 'main', {profiles: google});
		for (const providerId of ['google', 'gemini'])
			expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'google:a'});
		// The id itself goes before another name of it.
		const both = open({}, {gemini: {apiKey: canary('gemini')}, google: {apiKey: canary('google')}});
		expect(await both.resolve({providerId: 'google'})).toMatchObject({secret: canary('google')});
	});

	test.each([[''], ['   '], ['a\nb'], [5], [{source: 'cloud', id: 'x'}], [null]])(
		'is none where it is %j',
		async apiKey => {
			expect(await refusal(open({}, {openai: {apiKey}}).resolve(openai))).toMatchObject({
				code: 'no_credential',
			});
		},
	);

	it('serves every agent, also one that is kept from the main agent', async () => {
		const list = [{id: 'work'}, {id: 'apart', readsMain: false}];
		const jarvis = open({}, byName, {agents: {list}});
		for (const agentId of ['main', 'work', 'apart'])
			expect(await jarvis.resolve({...openai, agentId})).toMatchObject({agentId, owner: 'jarvis.json'});
	});

	it('comes behind every profile that is ready, and before those that are set aside', async () => {
		const jarvis = open({
			profiles: {'openai:a': key('a'), 'openai:b': key('b')},
			usageStats: {'openai:b': {cooldownUntil: now + minute, lastFailureAt: now - 1}},
		});
		const turns = async () =>
			(await jarvis.which(openai)).options[0]?.candidates
				.filter(({turn}) => turn !== undefined)
				.map(({profileId}) => profileId);
		expect(await turns()).toEqual(['openai:a', id, 'openai:b']);
		expect((await jarvis.resolve(openai)).profileId).toBe('openai:a');
		expect((await jarvis.resolve({...openai, tried: ['openai:a']})).profileId).toBe(id);
		// An order leaves profiles out, and gives it a place where it names it.
		await jarvis.setOrder('main', 'openai', ['openai:b']);
		expect(await turns()).toEqual([id, 'openai:b']);
		await jarvis.setOrder('main', 'openai', [id, 'openai:a']);
		expect(await turns()).toEqual([id, 'openai:a']);
	});

	it('is not tried where a person wants one profile, and is where they want it', async () => {
		const jarvis = open({profiles: {'openai:a': {...key('a'), key: ''}}}, byName, {
			agents: {defaults: {model: {primary: 'openai/gpt'}}},
		});
		expect(await refusal(jarvis.resolve({...openai, profileId: 'openai:a'}))).toMatchObject({
			code: 'no_credential',
		});
		expect((await jarvis.resolve({...openai, profileId: id})).secret).toBe(canary('company'));
		await jarvis.sendToSession(undefined, 'chat', `/model openai/gpt@${id}`);
		expect((await jarvis.resolve({sessionKey: 'chat'})).profileId).toBe(id);
	});

	it('is kept for no session: its profiles are gone back to', async () => {
		const jarvis = open({profiles: {'openai:a': key('a')}}, byName, {
			agents: {defaults: {model: {primary: 'openai/gpt'}}},
		});
		const ask = () => jarvis.resolve({sessionKey: 'chat'});
		await jarvis.reportFailure({profileId: 'openai:a'}, {reason: 'rate_limit'});
		expect((await ask()).profileId).toBe(id);
		await jarvis.clearCooldown({profileId: 'openai:a'});
		expect((await ask()).profileId).toBe('openai:a');
	});

	it('is set aside after failures, in the file of the agent that met them', async () => {
		const jarvis = open({});
		await jarvis.reportFailure({profileId: id, agentId: 'work'}, {reason: 'auth'});
		expect(readStore(jarvis, 'work').usageStats).toHaveProperty([id, 'cooldownUntil']);
		const ready = (agentId: string) => jarvis.resolve({...openai, agentId, readyOnly: true});
		expect(await refusal(ready('work'))).toMatchObject({code: 'profiles_set_aside'});
		expect((await ready('main')).profileId).toBe(id);
	});

	it('gives way to a profile of its name', async () => {
		const jarvis = open({profiles: {[id]: key('own')}});
		const found = await jarvis.resolve(openai);
		expect(found).toMatchObject({profileId: id, secret: canary('own')});
		expect(found).not.toHaveProperty('owner');
	});
});

test('which says whose it is, and a command of what changes that names an agent', async () => {
	const [option] = (await open({}).which(openai)).options;
	expect(option?.candidates[0]).toMatchObject({owner: 'jarvis.json', turn: 1});
	expect(option?.candidates[0]?.change).toBe(
		'a profile of openai that is ready: jarvis models auth login --provider openai --agent main',
	);
});

test('the snapshot has it beside what an agent reads, without its secret', async () => {
	const jarvis = open({profiles: {'openai:a': key('a')}}, {openai: {apiKey: canary('plain')}});
	const {agents} = await jarvis.snapshot();
	for (const {inherited} of agents)
		expect(inherited).toContainEqual(expect.objectContaining({profileId: id, agentId: 'jarvis.json'}));
	expect(JSON.stringify(agents)).not.toContain(canary('plain'));
});

test('a program gets it in its variable', async () => {
	const {env: given} = await open({}).handOut({all: true}, 'true');
	expect(given.OPENAI_API_KEY).toBe(canary('company'));
});

describe('one whose ref does not resolve', () => {
	const missing = {openai: {apiKey: variable('NOBODY_SET_IT')}};

	it('is passed over, and said to be', async () => {
		const error = await refusal(open({}, missing).resolve(openai));
		expect(error).toMatchObject({code: 'unresolved_ref'});
		expect(error.message).toContain('the environment has no NOBODY_SET_IT');
	});

	it('is found by doctor, by the audit and by a reload', async () => {
		const jarvis = open({}, missing);
		const place = 'models.providers.openai.apiKey';
		const found = await jarvis.doctor();
		expect(found).toContainEqual(
			expect.objectContaining({id: 'profile_unusable', where: `${jarvis.paths.config}, ${place}`}),
		);
		expect(await jarvis.auditSecrets()).toContainEqual(
			expect.objectContaining({code: 'unresolved_ref', place}),
		);
		const {ok, refs} = await jarvis.reloadSecrets();
		expect(ok).toBe(false);
		expect(refs).toMatchObject([{usedBy: [{agentId: 'jarvis.json', profileId: id}]}]);
	});
});

test('a variable that jarvis.json names is no other secret than the profiles', async () => {
	const apiKey = variable('OPENAI_API_KEY');
	for (const [providers, count] of [
		[{}, 1],
		[{openai: {apiKey}}, 0],
	] as const) {
		const stateDir = temporaryFolder();
		const jarvis = openJarvis({stateDir, env: {OPENAI_API_KEY: canary('ambient')}});
		writeStore(jarvis, 'main', {profiles: {'openai:a': key('a')}});
		writeJson(jarvis.paths.config, {models: {providers}});
		const found = await jarvis.doctor();
		expect(found.filter(finding => finding.id === 'env_overrides')).toHaveLength(count);
	}
});

test('a program that stays reads it from what was loaded', async () => {
	const jarvis = open({});
	expect(await jarvis.activateSecrets()).toMatchObject({ok: true, refs: [{ref: {id: 'OPENAI_COMPANY'}}]});
	expect((await jarvis.resolve(openai)).secret).toBe(canary('company'));
});
