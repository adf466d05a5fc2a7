import {existsSync, readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {canary, readStore, refusal, temporaryFolder, writeJson, writeStore} from '../support/sandbox.ts';
import {put, text} from '../support/state-folder.ts';

const key = (name: string, provider = 'acme') => ({type: 'api_key', provider, key: canary(name)});

const config = `{
  // Who pays for what.
  "auth": {
    "order": {
      "acme": [
        "acme:b", // the company
        "acme:a", // Maya's own
      ],
      "other": ["other:x"]
    },
    "profiles": {
      // Maya's
      "acme:a": {"provider": "acme", "mode": "api_key" /* for now */},
      "acme:b": {"provider": "acme", "mode": "api_key"}
    }
  }
}
`;

function state() {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env: {}});
	writeStore(jarvis, 'main', {profiles: {'acme:a': key('a'), 'acme:b': key('b')}});
	put(jarvis.paths.config, config);
	return jarvis;
}

test('jarvis.json names it by its new id, in its place, and its comments stay', async () => {
	const jarvis = state();
	await jarvis.renameProfile('main', 'acme:a', 'acme:maya');
	expect(text(jarvis.paths.config)).toBe(config.replaceAll('"acme:a"', '"acme:maya"'));
	expect((await jarvis.which({providerId: 'acme'})).options[0]?.candidates).toMatchObject([
		{profileId: 'acme:b', turn: 1},
		{profileId: 'acme:maya', turn: 2},
	]);
});

test('where another agent has one of the old id, jarvis.json names both', async () => {
	const jarvis = state();
	writeStore(jarvis, 'work', {profiles: {'acme:a': key('work')}});
	await jarvis.renameProfile('main', 'acme:a', 'acme:maya');
	const after = text(jarvis.paths.config);
	expect(after).toContain("// Maya's own");
	for (const [agentId, profileId] of [
		['main', 'acme:maya'],
		['work', 'acme:a'],
	]) {
		const [option] = (await jarvis.which({providerId: 'acme', agentId})).options;
		expect(option?.candidates.find(place => place.profileId === profileId)?.turn, agentId).toBeDefined();
	}
	// The last of them takes the old name with it.
	await jarvis.renameProfile('work', 'acme:a', 'acme:maya');
	expect(text(jarvis.paths.config)).not.toContain('"acme:a"');
});

test('an agent that reads it of the main agent has its order, its usage and its sessions follow', async () => {
	const jarvis = state();
	writeStore(jarvis, 'reader', {
		profiles: {'other:x': key('x', 'other')},
		order: {acme: ['acme:a']},
		usageStats: {'acme:a': {lastUsed: 5}},
	});
	writeStore(jarvis, 'apart', {profiles: {'acme:c': key('c')}, order: {acme: ['acme:a', 'acme:c']}});
	const pinned = {authProfileOverride: 'acme:a', authProfileOverrideSource: 'user'};
	for (const agentId of ['main', 'reader', 'apart'])
		writeJson(jarvis.paths.sessions(agentId), {chat: pinned});
	await jarvis.renameProfile('main', 'acme:a', 'acme:maya');
	expect(readStore(jarvis, 'reader')).toMatchObject({
		order: {acme: ['acme:maya']},
		usageStats: {'acme:maya': {lastUsed: 5}},
	});
	const pins = ['main', 'reader', 'apart'].map(
		agentId => JSON.parse(text(jarvis.paths.sessions(agentId))).chat.authProfileOverride,
	);
	expect(pins).toEqual(['acme:maya', 'acme:maya', 'acme:a']);
	expect(readStore(jarvis, 'apart').order).toEqual({acme: ['acme:a', 'acme:c']});
});

test('what is planned for its secret follows', async () => {
	const jarvis = state();
	await jarvis.planSecrets([
		{place: {agentId: 'main', profileId: 'acme:a'}, to: 'seal'},
		{place: {agentId: 'main', profileId: 'acme:b'}, to: 'seal'},
	]);
	await jarvis.renameProfile('main', 'acme:a', 'acme:maya');
	const {secrets} = JSON.parse(text(jarvis.paths.secretsPlan));
	expect(secrets.map(({profile}: {profile: string}) => profile)).toEqual(['acme:maya', 'acme:b']);
});

test('nothing is changed where jarvis.json cannot be', async () => {
	const jarvis = state();
	put(jarvis.paths.config, "{auth: {order: {acme: ['acme:a']}}}");
	const before = readFileSync(jarvis.paths.profiles('main'), 'utf8');
	const {code, next} = await refusal(jarvis.renameProfile('main', 'acme:a', 'acme:maya'));
	expect(code).toBe('config_uneditable');
	expect(next).toContain('auth.order.acme.0 = "acme:maya"');
	expect(readFileSync(jarvis.paths.profiles('main'), 'utf8')).toBe(before);
	// One that does not name it is no matter, and neither is one that there is not.
	await jarvis.renameProfile('main', 'acme:b', 'acme:c');
	expect(Object.keys(readStore(jarvis).profiles)).toEqual(['acme:a', 'acme:c']);
});

test('a jarvis.json that there is not is not made', async () => {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env: {}});
	writeStore(jarvis, 'main', {profiles: {'acme:a': key('a')}});
	await jarvis.renameProfile('main', 'acme:a', 'acme:b');
	expect(existsSync(jarvis.paths.config)).toBe(false);
});
