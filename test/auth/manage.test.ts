import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {
	canary,
	openSandbox,
	readStore,
	refusal,
	temporaryFolder,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';

const key = (name: string, provider = 'acme') => ({
	type: 'api_key',
	provider,
	key: canary(name),
	note: {kept: [1]},
});
const document = {
	version: 1,
	profiles: {
		'acme:a': key('a'),
		'acme:b': key('b'),
		'other:x': key('x', 'other'),
		'acme:odd': {type: 'passkey'},
	},
	order: {acme: ['acme:b', 'acme:a'], other: ['other:x']},
	lastGood: {acme: 'acme:a', other: 'other:x'},
	usageStats: {'acme:a': {lastUsed: 5, later: 'kept'}, 'acme:b': {lastUsed: 6}},
	future: {deep: true},
};

function open() {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env: {}});
	writeStore(jarvis, 'main', document);
	const bytes = () => readFileSync(jarvis.paths.profiles('main'), 'utf8');
	return {jarvis, bytes, before: bytes()};
}

describe('removing a profile', () => {
	test('takes it away wherever it is named, and nothing else', async () => {
		const {jarvis, bytes} = open();
		await jarvis.removeProfile('main', 'acme:a');
		const {'acme:a': _, ...profiles} = document.profiles;
		expect(readStore(jarvis)).toEqual({
			...document,
			profiles,
			order: {acme: ['acme:b'], other: ['other:x']},
			lastGood: {other: 'other:x'},
			usageStats: {'acme:b': {lastUsed: 6}},
		});
		expect(bytes()).not.toContain(canary('a'));
	});

	test('works for an entry that is not understood', async () => {
		const {jarvis} = open();
		await jarvis.removeProfile('main', 'acme:odd');
		expect(Object.keys(readStore(jarvis).profiles)).toEqual(['acme:a', 'acme:b', 'other:x']);
	});

	test.each(['acme:gone', '__proto__', 'constructor', ''])('%j, which is not there, is refused', async id => {
		const {jarvis, bytes, before} = open();
		expect(await refusal(jarvis.removeProfile('main', id))).toMatchObject({code: 'profile_unknown'});
		expect(bytes()).toBe(before);
	});

	test('that is the last of an order does not leave an order that excludes all others', async () => {
		const {jarvis} = open();
		writeStore(jarvis, 'main', {
			profiles: {'acme:a': key('a'), 'acme:b': key('b')},
			order: {acme: ['acme:a']},
		});
		await jarvis.removeProfile('main', 'acme:a');
		expect(await jarvis.resolve({providerId: 'acme'})).toMatchObject({profileId: 'acme:b'});
	});

	test('touches no other agent', async () => {
		const {jarvis, bytes, before} = open();
		writeStore(jarvis, 'work', document);
		await jarvis.removeProfile('work', 'acme:a');
		expect(bytes()).toBe(before);
	});
});

describe('renaming a profile', () => {
	test('changes its name wherever it is named, in its place', async () => {
		const {jarvis} = open();
		await jarvis.renameProfile('main', 'acme:a', 'acme:maya@example.test');
		const stored = readStore(jarvis);
		expect(Object.keys(stored.profiles)).toEqual(['acme:maya@example.test', 'acme:b', 'other:x', 'acme:odd']);
		expect(stored).toEqual({
			...document,
			profiles: {...stored.profiles, 'acme:maya@example.test': key('a')},
			order: {acme: ['acme:b', 'acme:maya@example.test'], other: ['other:x']},
			lastGood: {acme: 'acme:maya@example.test', other: 'other:x'},
			usageStats: {'acme:maya@example.test': {lastUsed: 5, later: 'kept'}, 'acme:b': {lastUsed: 6}},
		});
	});

	test('to the name that it has changes nothing', async () => {
		const {jarvis, bytes, before} = open();
		await jarvis.renameProfile('main', 'acme:a', 'acme:a');
		expect(bytes()).toBe(before);
	});

	test.each([
		['acme:gone', 'acme:new', 'profile_unknown'],
		['acme:odd', 'acme:new', 'profile_unknown'],
		['acme:a', 'acme:b', 'profile_exists'],
		['acme:a', 'acme:odd', 'profile_exists'],
		['acme:a', 'other:a', 'profile_foreign'],
		['acme:a', 'acme', 'profile_invalid_id'],
		['acme:a', 'acme:', 'profile_invalid_id'],
		['acme:a', ':a', 'profile_invalid_id'],
		['acme:a', 'acme:a b', 'profile_invalid_id'],
		['acme:a', 'acme:../b', 'profile_invalid_id'],
		['acme:a', "acme:'b'", 'profile_invalid_id'],
		['acme:a', 'acme:$(b)', 'profile_invalid_id'],
		['acme:a', 'acme:..', 'profile_invalid_id'],
		['acme:a', 'acme:b\u202E', 'profile_invalid_id'],
		['acme:a', 'ACME:b', 'profile_invalid_id'],
		['acme:a', `acme:${'x'.repeat(191)}`, 'profile_invalid_id'],
	])('%s to %s is %s', async (from, to, code) => {
		const {jarvis, bytes, before} = open();
		expect(await refusal(jarvis.renameProfile('main', from, to))).toMatchObject({code});
		expect(bytes()).toBe(before);
	});
});

describe('the order of a provider', () => {
	test('is set, without what is named twice, and taken away', async () => {
		const {jarvis} = open();
		await jarvis.setOrder('main', 'acme', ['acme:a', 'acme:b', 'acme:a']);
		expect(readStore(jarvis).order).toEqual({acme: ['acme:a', 'acme:b'], other: ['other:x']});
		await jarvis.setOrder('main', 'acme', undefined);
		expect(readStore(jarvis).order).toEqual({other: ['other:x']});
		await jarvis.setOrder('main', 'other', undefined);
		expect(readStore(jarvis)).not.toHaveProperty('order');
		await jarvis.setOrder('main', 'other', undefined);
		expect(readStore(jarvis)).toEqual({...document, order: undefined});
	});

	test('decides what is handed out', async () => {
		const {jarvis} = open();
		expect(await jarvis.resolve({providerId: 'acme'})).toMatchObject({profileId: 'acme:b'});
		await jarvis.setOrder('main', 'acme', ['acme:a']);
		expect(await jarvis.resolve({providerId: 'acme'})).toMatchObject({profileId: 'acme:a'});
	});

	test.each([
		['an id that is not stored', 'acme', ['acme:a', 'acme:gone'], 'profile_unknown', 'acme:gone'],
		['an entry that is not understood', 'acme', ['acme:odd'], 'profile_unknown', 'acme:odd'],
		['a profile of another provider', 'acme', ['acme:a', 'other:x'], 'profile_foreign', 'other:x'],
		['a provider that it is not of', 'other', ['acme:a'], 'profile_foreign', 'acme:a'],
	])('refuses %s, and stays as it was', async (_, providerId, ids, code, named) => {
		const {jarvis, bytes, before} = open();
		const error = await refusal(jarvis.setOrder('main', providerId, ids));
		expect(error).toMatchObject({code, message: expect.stringContaining(named)});
		expect(bytes()).toBe(before);
	});
});

describe('the secret of a profile', () => {
	test.each([
		['acme:key', {type: 'api_key', provider: 'acme', key: canary('key')}, canary('key')],
		['acme:token', {type: 'token', provider: 'acme', token: canary('token')}, canary('token')],
		[
			'acme:oauth',
			{type: 'oauth', provider: 'acme', access: canary('acc'), refresh: canary('ref')},
			canary('acc'),
		],
	])('of %s is shown to whom asks for it', async (id, entry, secret) => {
		const {jarvis} = open();
		writeStore(jarvis, 'main', {profiles: {[id]: entry}});
		expect(await jarvis.revealSecret('main', id)).toBe(secret);
	});

	test.each([
		['acme:gone', 'profile_unknown'],
		['acme:odd', 'profile_unknown'],
		['acme:none', 'no_credential'],
		['acme:ref', 'unresolved_ref'],
	])('of %s is %s', async (id, code) => {
		const {jarvis} = open();
		const keyRef = {source: 'env', provider: 'default', id: 'ACME_KEY'};
		writeStore(jarvis, 'main', {
			profiles: {
				'acme:odd': {},
				'acme:none': {type: 'api_key', provider: 'acme'},
				'acme:ref': {type: 'api_key', provider: 'acme', keyRef},
			},
		});
		expect(await refusal(jarvis.revealSecret('main', id))).toMatchObject({code});
	});
});

test('many changes at once are all kept', async () => {
	const {jarvis} = open();
	const profiles = Object.fromEntries(
		Array.from({length: 12}, (_, index) => [`acme:${index}`, key(`${index}`)]),
	);
	writeStore(jarvis, 'main', {profiles});
	const ids = Object.keys(profiles);
	await Promise.all([
		...ids.slice(0, 6).map(id => jarvis.removeProfile('main', id)),
		...ids.slice(6).map(id => jarvis.renameProfile('main', id, `${id}-renamed`)),
	]);
	expect(Object.keys(readStore(jarvis).profiles)).toEqual(ids.slice(6).map(id => `${id}-renamed`));
});

test('a session that keeps to a profile keeps to it under its new name', async () => {
	const sandbox = await openSandbox();
	writeStore(sandbox, 'main', {
		profiles: {'acme:a': {type: 'api_key', provider: 'acme', key: canary('a')}},
	});
	writeJson(sandbox.paths.config, {agents: {defaults: {model: {primary: 'acme/small'}}}});
	const jarvis = sandbox.open();
	await jarvis.sendToSession('main', 'chat:1', '/model acme/small@acme:a');
	await jarvis.renameProfile('main', 'acme:a', 'acme:b');
	expect(await jarvis.resolve({agentId: 'main', sessionKey: 'chat:1'})).toMatchObject({profileId: 'acme:b'});
	const [session] = await jarvis.sessions('main');
	expect(session?.pin).toEqual({profileId: 'acme:b', source: 'user'});
});
