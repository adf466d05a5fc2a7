import {existsSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {addAgent, assertAgent, deleteAgent, setDefaultAgent} from '../../source/store/agents.ts';
import {readConfig} from '../../source/store/config.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {listAgentIds} from '../../source/store/profiles.ts';
import {emptyState, exposed, names, put, text} from '../support/state-folder.ts';

async function defaultOf(paths: StatePaths): Promise<string | undefined> {
	return (await readConfig(paths)).defaultAgent;
}

describe('adding an agent', () => {
	it('makes its private folder without any credential', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), {profiles: {}});
		await addAgent(paths, {id: 'work'});
		expect(names(paths.agentCredentials('work'))).toEqual([]);
		expect(exposed(paths.agents)).toEqual([]);
		expect(listAgentIds(paths)).toEqual(['main', 'work']);
	});

	it('is refused for an id that is taken, by main, in the configuration or by a folder', async () => {
		const paths = emptyState();
		put(paths.config, {agents: {list: [{id: 'listed'}]}});
		put(paths.profiles('foldered'), {});
		const before = text(paths.config);
		for (const id of ['main', 'listed', 'foldered']) {
			await expect(addAgent(paths, {id})).rejects.toMatchObject({code: 'agent_exists'});
		}
		expect(text(paths.config)).toBe(before);
	});

	it('is refused for an id that is none, before anything is touched', async () => {
		const paths = emptyState();
		await expect(addAgent(paths, {id: '../work'})).rejects.toMatchObject({code: 'agent_invalid_id'});
		expect(existsSync(paths.root)).toBe(false);
	});

	it('succeeds once when it is done twice at the same time', async () => {
		const paths = emptyState();
		const outcomes = await Promise.allSettled([addAgent(paths, {id: 'work'}), addAgent(paths, {id: 'work'})]);
		expect(outcomes.map(({status}) => status).sort()).toEqual(['fulfilled', 'rejected']);
		expect((await readConfig(paths)).agents.map(({id}) => id)).toEqual(['work']);
	});
});

describe('deleting an agent', () => {
	it('removes its entry and its folder, and nothing else', async () => {
		const paths = emptyState();
		for (const id of ['work', 'home']) {
			await addAgent(paths, {id});
			put(paths.profiles(id), {profiles: {}});
		}
		await deleteAgent(paths, 'work');
		expect((await readConfig(paths)).agents.map(({id}) => id)).toEqual(['home']);
		expect(names(paths.agents)).toEqual(['home']);
		expect(names(paths.root)).toEqual([
			'agents',
			'jarvis.json',
			'jarvis.json.bak',
			'jarvis.json.bak.1',
			'locks',
		]);
	});

	it('works for one that has only a folder, or only an entry', async () => {
		const paths = emptyState();
		put(paths.config, {agents: {list: [{id: 'listed'}]}});
		put(paths.profiles('foldered'), {});
		const before = text(paths.config);
		await deleteAgent(paths, 'foldered');
		expect(text(paths.config)).toBe(before);
		expect(names(paths.agents)).toEqual([]);
		await deleteAgent(paths, 'listed');
		expect((await readConfig(paths)).agents).toEqual([]);
	});

	it('is refused for main and for the default agent', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), {});
		put(paths.profiles('work'), {});
		put(paths.config, {agents: {list: [{id: 'work', default: true}]}});
		for (const id of ['main', 'work']) {
			await expect(deleteAgent(paths, id)).rejects.toMatchObject({code: 'agent_protected'});
			expect(existsSync(paths.profiles(id))).toBe(true);
		}
		await setDefaultAgent(paths, 'main');
		await deleteAgent(paths, 'work');
		expect(names(paths.agents)).toEqual(['main']);
	});

	it('is refused for one that there is not, and for a path', async () => {
		const paths = emptyState();
		put(paths.profiles('main'), {});
		await expect(deleteAgent(paths, 'nobody')).rejects.toMatchObject({code: 'agent_unknown'});
		for (const id of ['../agents', '.', '', 'main/agent']) {
			await expect(deleteAgent(paths, id)).rejects.toMatchObject({code: 'agent_invalid_id'});
		}
		expect(existsSync(paths.profiles('main'))).toBe(true);
	});
});

describe('the default agent', () => {
	it('is the one that was set last, and only that one', async () => {
		const paths = emptyState();
		put(paths.config, {agents: {list: [{id: 'a', default: true}, {id: 'b'}, {id: 'c', default: true}]}});
		for (const id of ['b', 'a', 'c']) {
			await setDefaultAgent(paths, id);
			expect(await defaultOf(paths)).toBe(id);
			expect((await readConfig(paths)).agents.filter(agent => agent.isDefault)).toHaveLength(1);
		}
	});

	it('may be main, or one that is in no configuration yet', async () => {
		const paths = emptyState();
		put(paths.profiles('work'), {});
		await setDefaultAgent(paths, 'work');
		expect(await defaultOf(paths)).toBe('work');
		await setDefaultAgent(paths, 'main');
		expect(await defaultOf(paths)).toBe('main');
		expect((await readConfig(paths)).agents.map(({id}) => id)).toEqual(['work', 'main']);
	});

	it('cannot be one that there is not', async () => {
		const paths = emptyState();
		await expect(setDefaultAgent(paths, 'nobody')).rejects.toMatchObject({code: 'agent_unknown'});
		expect(existsSync(paths.config)).toBe(false);
	});
});

describe('an agent', () => {
	it('is known by a folder, by the configuration, or by being main', async () => {
		const paths = emptyState();
		put(paths.config, {agents: {list: [{id: 'listed'}]}});
		put(paths.profiles('foldered'), {});
		const config = await readConfig(paths);
		for (const id of ['main', 'listed', 'foldered'])
			expect(() => assertAgent(paths, config, id)).not.toThrow();
		expect(() => assertAgent(paths, config, 'nobody')).toThrow(
			expect.objectContaining({code: 'agent_unknown'}),
		);
	});
});
