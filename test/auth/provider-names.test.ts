import {describe, expect, it, test} from 'vitest';
import {providersFrom} from '../../source/auth/providers/registry.ts';
import {
	configWordsOf,
	orderWordsOf,
	providerWordsOf,
	renamed,
	withProviderIds,
} from '../../source/auth/routing/provider-names.ts';
import {openJarvis} from '../../source/core.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {statePaths} from '../../source/store/paths.ts';
import {declare} from '../support/plugins.ts';
import {countReadings} from '../support/readings.ts';
import {canary, refusal, writeJson} from '../support/sandbox.ts';
import {temporaryFolder} from '../support/state-folder.ts';

describe('the words that stand for providers', () => {
	test.each([
		['claude/opus', ['claude']],
		['opus', []],
		['/opus', []],
		['claude/org/opus@Anthropic:work', ['claude', 'Anthropic']],
		['opus@me@example.test', []],
		['opus@anthropic:me@example.test', ['anthropic']],
	])('of %s are %j', (ref, words) => {
		expect(providerWordsOf(ref)).toEqual(words);
	});

	test('of a configuration are those of its models, orders and profiles', () => {
		const config = decodeConfig({
			agents: {
				defaults: {model: {primary: 'a/1', fallbacks: ['b/2']}, models: {'c/3': {alias: 'three'}}},
			},
			auth: {order: {d: ['d:x']}, profiles: {'e:x': {provider: 'e'}}},
		});
		expect(orderWordsOf(config)).toEqual(['d', 'e']);
		expect(new Set(configWordsOf(config))).toEqual(new Set(['a', 'b', 'c', 'd', 'e']));
	});
});

describe('a configuration with ids', () => {
	const config = decodeConfig({
		agents: {
			defaults: {
				model: {primary: 'claude/opus', fallbacks: ['Opus', 'openai/gpt']},
				models: {'claude/opus': {alias: 'Opus'}, 'anthropic/opus': {}},
			},
		},
		auth: {order: {claude: ['anthropic:b'], openai: []}, profiles: {'anthropic:b': {provider: 'claude'}}},
	});
	const ids = new Map([['claude', 'anthropic']]);

	it('has them in models, aliases, orders and profiles', () => {
		const {models, order, profiles} = renamed(config, ids);
		expect(models).toMatchObject({primary: 'anthropic/opus', fallbacks: ['Opus', 'openai/gpt']});
		expect(models.configured).toEqual(['anthropic/opus', 'Opus', 'openai/gpt']);
		expect([...models.aliases]).toEqual([['Opus', 'anthropic/opus']]);
		expect([...order]).toEqual([
			['openai', []],
			['anthropic', ['anthropic:b']],
		]);
		expect([...profiles]).toEqual([['anthropic:b', 'anthropic']]);
	});

	it('lets the order under the id itself go before one under another name', () => {
		const two = decodeConfig({auth: {order: {claude: ['anthropic:b'], anthropic: ['anthropic:a']}}});
		expect([...renamed(two, ids).order]).toEqual([['anthropic', ['anthropic:a']]]);
	});

	it('is the same one where there is nothing to look up, and what is an id is not looked up', async () => {
		const never = () => Promise.reject(new Error('looked up'));
		expect(await withProviderIds(config, ['claude', 'openai'], () => true, never)).toBe(config);
		expect(await withProviderIds(config, [], () => false, never)).toBe(config);
		const asked: string[] = [];
		const same = await withProviderIds(
			config,
			['openai', 'x', 'x'],
			word => word === 'openai',
			async word => {
				asked.push(word);
				return word;
			},
		);
		expect(same).toBe(config);
		expect(asked).toEqual(['x']);
	});
});

test('the endpoints of jarvis.json are those of the provider that their name means', () => {
	const tokenEndpoint = 'http://127.0.0.1:9/token';
	const config = decodeConfig({models: {providers: {codex: {auth: {tokenEndpoint}}}}});
	expect(providersFrom(config, []).get('openai-codex')?.auth[0]).toMatchObject({tokenEndpoint});
});

test('doctor takes an order under another name for that of its provider', async () => {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env: {}});
	const order = (ids: readonly string[]) => writeJson(jarvis.paths.config, {auth: {order: {claude: ids}}});
	const faults = async () => (await jarvis.doctor()).filter(({id}) => id === 'config_fault');
	order(['anthropic:a']);
	expect(await faults()).toEqual([]);
	order(['openai:a']);
	expect(await faults()).toMatchObject([{what: expect.stringContaining('openai:a is of another provider')}]);
});

describe('a model by another name of its provider', () => {
	const key = (name: string) => ({type: 'api_key', provider: 'anthropic', key: canary(name)});

	function stateOf(config: object) {
		const stateDir = temporaryFolder();
		const paths = statePaths(stateDir);
		writeJson(paths.profiles('main'), {profiles: {'anthropic:a': key('a'), 'anthropic:b': key('b')}});
		writeJson(paths.config, config);
		return {paths, jarvis: openJarvis({stateDir, env: {}})};
	}
	const models = {'claude/opus': {alias: 'Opus'}};
	const primary = {agents: {defaults: {model: {primary: 'claude/opus'}, models}}};
	const order = {auth: {order: {claude: ['anthropic:b']}}};

	test.each([
		[{}],
		[{model: 'claude/opus'}],
		[{model: 'Anthropic/opus'}],
		[{model: 'opus'}],
		[{model: 'Claude/opus@anthropic:a'}],
		[{model: 'claude/opus', providerId: 'Claude'}],
		[{providerId: 'anthropic', sessionKey: 'chat'}],
	])('is understood in %j', async request => {
		const {jarvis} = stateOf(primary);
		const found = await jarvis.resolve(request);
		expect(found).toMatchObject({provider: 'anthropic', profileId: 'anthropic:a'});
		expect(found.model).toBe('sessionKey' in request ? undefined : 'opus');
		expect((await jarvis.which(request)).options).toMatchObject([{provider: 'anthropic'}]);
	});

	test.each([[{providerId: 'anthropic'}], [{providerId: 'Claude'}], [{model: 'claude/opus'}], [{}]])(
		'and the order of jarvis.json under it holds for %j',
		async request => {
			const {jarvis} = stateOf({...primary, ...order});
			expect(await jarvis.resolve(request)).toMatchObject({profileId: 'anthropic:b'});
			const {agents, config} = await jarvis.snapshot();
			expect(config.order.get('anthropic')).toEqual(['anthropic:b']);
			expect(agents).toHaveLength(1);
		},
	);

	test('is what a session takes, and keeps by the id; one that another program wrote is read so', async () => {
		const {jarvis, paths} = stateOf(order);
		await jarvis.sendToSession('main', 'chat', '/model Claude/opus@anthropic:a');
		const [facts] = await jarvis.sessions('main');
		expect(facts?.session).toMatchObject({providerOverride: 'anthropic', modelOverride: 'opus'});
		writeJson(paths.sessions('main'), {old: {providerOverride: 'claude', modelOverride: 'opus'}});
		expect(await jarvis.resolve({sessionKey: 'old'})).toMatchObject({
			profileId: 'anthropic:b',
			model: 'opus',
		});
		expect(await jarvis.sendToSession('main', 'old', '/model list')).toEqual([
			'▸ anthropic/opus: anthropic:a, anthropic:b',
		]);
	});

	test('that nothing has is told as it was written', async () => {
		const {jarvis} = stateOf({});
		expect((await refusal(jarvis.resolve({model: 'cloud/opus'}))).message).toContain('no profile of cloud');
	});
});

test('all names of a look are looked up in one reading of what declares providers', async () => {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	declare(stateDir, 'acme', 'beta');
	const named = ['ACME/a', 'Beta/b', 'gone/c', 'lost/d'];
	writeJson(paths.config, {agents: {defaults: {model: {primary: 'claude/opus', fallbacks: named}}}});
	const jarvis = openJarvis({stateDir, env: {}});
	const readings = countReadings(paths.plugins);
	const models = (await jarvis.models()).map(({name}) => name);
	expect(models).toEqual(['anthropic/opus', 'acme/a', 'beta/b', 'gone/c', 'lost/d']);
	expect(readings()).toBe(1);
	const {config} = await jarvis.snapshot();
	expect(config.models.fallbacks).toEqual(['acme/a', 'beta/b', 'gone/c', 'lost/d']);
	expect(readings()).toBe(2);
	// What is built in needs none.
	expect(await jarvis.providerIdOf('Claude')).toBe('anthropic');
	expect(readings()).toBe(2);
});
