import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, expect, it} from 'vitest';
import type {CodeManifest, DeclaredManifest} from '../../source/store/manifests.ts';
import {readManifests} from '../../source/store/manifests.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {packageFolder, pluginAt} from '../../source/store/plugin-module.ts';
import {addManifests, readManifestToAdd, removePlugin} from '../../source/store/plugins.ts';
import {emptyState, exposed, names, put, temporaryFolder} from '../support/state-folder.ts';

const manifest: DeclaredManifest = {
	id: 'acme',
	label: 'Acme',
	auth: [{method: 'api_key'}],
};
const noBuiltIn = () => false;

function coded(id: string, module: string, more: Partial<CodeManifest> = {}): CodeManifest {
	return {
		...{id, label: id, module, export: 0, from: module},
		auth: [{method: 'custom', code: true, refreshes: false, revokes: false}],
		...more,
	};
}

function idsIn(paths: StatePaths): string[] {
	const {manifests, problems} = readManifests(paths);
	expect(problems).toEqual([]);
	return manifests.map(({id}) => id);
}

describe('what a path leads to', () => {
	function folderWith(files: Record<string, unknown>): string {
		const folder = temporaryFolder();
		for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
		return folder;
	}

	it.each<[string, unknown, string]>([
		['exports', './lib.js', 'lib.js'],
		['exports', {'.': './lib.js'}, 'lib.js'],
		['exports', {types: './lib.d.ts', import: './lib.js', default: './other.js'}, 'lib.js'],
		['exports', {browser: './other.js', require: './other.js', default: './lib.js'}, 'lib.js'],
		['exports', {'.': {node: {require: './other.js', import: './lib.js'}}}, 'lib.js'],
		['exports', [{browser: './other.js'}, './lib.js'], 'lib.js'],
		['main', 'lib.js', 'lib.js'],
		['main', undefined, 'index.js'],
	])('is the module that package.json names: %s %j', (member, value, expected) => {
		const folder = folderWith({
			...{'lib.js': '', 'other.js': '', 'index.js': ''},
			'package.json': {[member]: value},
		});
		expect(pluginAt(folder)).toEqual({kind: 'module', module: join(folder, expected)});
	});

	it.each<[string, Record<string, unknown>, string]>([
		['nothing of a plugin', {'readme.md': ''}, 'holds neither'],
		['a package.json that is none', {'package.json': '{'}, 'not valid JSON'],
		['a module that is not there', {'package.json': {exports: './lib.js'}}, 'is not there (./lib.js)'],
		['a module outside of it', {'package.json': {exports: '../lib.js'}}, 'is not there (exports)'],
		[
			'a module for others only',
			{'package.json': {exports: {browser: './a.js'}}, 'a.js': ''},
			'is not there',
		],
	])('is no plugin where the folder holds %s', (_, files, why) => {
		expect(pluginAt(folderWith(files))).toMatchObject({kind: 'neither', why: expect.stringContaining(why)});
	});

	it('is the manifest, where there is one: code is not taken for it', () => {
		const folder = folderWith({'jarvis.plugin.json': manifest, 'package.json': {}, 'index.js': ''});
		expect(pluginAt(folder)).toEqual({kind: 'manifest', file: join(folder, 'jarvis.plugin.json')});
	});

	it('is a file itself', () => {
		const folder = folderWith({'acme.js': '', 'acme.json': {}});
		expect(pluginAt(join(folder, 'acme.js'))).toEqual({kind: 'module', module: join(folder, 'acme.js')});
		expect(pluginAt(join(folder, 'acme.json'))).toEqual({kind: 'manifest', file: join(folder, 'acme.json')});
		expect(pluginAt(join(folder, 'nothing'))).toBeUndefined();
	});

	it('is a package that Node would find from there', () => {
		const folder = folderWith({
			'node_modules/acme/package.json': {},
			'node_modules/@a/b/package.json': {},
			'deep/er/file': '',
		});
		const deep = join(folder, 'deep/er');
		expect(packageFolder(deep, 'acme')).toBe(join(folder, 'node_modules/acme'));
		expect(packageFolder(deep, '@a/b')).toBe(join(folder, 'node_modules/@a/b'));
		expect(packageFolder(deep, 'other')).toBeUndefined();
	});
});

describe('adding', () => {
	it('writes private files, which are read again as they are', async () => {
		const paths = emptyState();
		const code = coded('coded', '/some/module.js', {aliases: ['other-name']});
		await addManifests(paths, [manifest, code], noBuiltIn);
		expect(readManifests(paths)).toEqual({manifests: [manifest, code], problems: []});
		expect(exposed(paths.plugins)).toEqual([]);
	});

	it('adds all or none: a name that is taken is told', async () => {
		const paths = emptyState();
		await addManifests(paths, [coded('first', '/a.js', {aliases: ['one']})], noBuiltIn);
		for (const [added, holder] of [
			[coded('first', '/b.js'), 'first is a name of the plugin first already'],
			[coded('one', '/b.js'), 'one is a name of the plugin first already'],
			[coded('second', '/b.js', {aliases: ['One']}), 'One is a name of the plugin first already'],
			[coded('built-in', '/b.js'), 'built-in is a name of a built-in provider already'],
			[coded('second', '/b.js', {aliases: ['built-in']}), 'a built-in provider'],
			[coded('before', '/b.js'), 'before is a name of the plugin before already'],
		] as const) {
			const adding = addManifests(paths, [coded('before', '/b.js'), added], name => name === 'built-in');
			await expect(adding).rejects.toMatchObject({
				code: 'plugin_conflict',
				message: expect.stringContaining(holder),
			});
		}
		expect(idsIn(paths)).toEqual(['first']);
	});

	it('takes the name of a plugin that cannot be read for taken', async () => {
		const paths = emptyState();
		put(paths.plugin('acme'), '{');
		await expect(addManifests(paths, [manifest], noBuiltIn)).rejects.toMatchObject({code: 'plugin_conflict'});
	});

	it('replaces what the same module said before', async () => {
		const paths = emptyState();
		await addManifests(paths, [coded('acme', '/a.js')], noBuiltIn);
		await addManifests(paths, [coded('acme', '/a.js', {label: 'New'})], noBuiltIn);
		expect(readManifests(paths).manifests).toMatchObject([{id: 'acme', label: 'New'}]);
	});

	it('done by many at once gives the name to one', async () => {
		const paths = emptyState();
		const adding = ['/a.js', '/b.js', '/c.js', '/d.js'].map(module =>
			addManifests(paths, [coded('acme', module)], noBuiltIn),
		);
		const outcomes = await Promise.allSettled(adding);
		expect(outcomes.filter(({status}) => status === 'fulfilled')).toHaveLength(1);
		expect(idsIn(paths)).toEqual(['acme']);
	});

	it.each<[string, unknown, string]>([
		['is no JSON', '{', 'it is not valid JSON'],
		['has no label', {...manifest, label: undefined}, 'label: '],
		['names a module', coded('acme', '/a.js'), 'it names a module'],
	])('refuses a manifest that %s', (_, content, why) => {
		const file = join(temporaryFolder(), 'jarvis.plugin.json');
		put(file, content);
		expect(() => readManifestToAdd(file)).toThrow(
			expect.objectContaining({code: 'manifest_invalid', message: expect.stringContaining(why)}),
		);
	});
});

describe('removing', () => {
	it('takes the manifest, and its folder unless a person keeps more there', async () => {
		const paths = emptyState();
		await addManifests(paths, [manifest, coded('coded', '/a.js')], noBuiltIn);
		put(join(dirname(paths.plugin('acme')), 'notes.txt'), 'mine');
		await removePlugin(paths, 'acme');
		await removePlugin(paths, 'coded');
		expect(names(paths.plugins)).toEqual(['acme']);
		expect(names(join(paths.plugins, 'acme'))).toEqual(['notes.txt']);
	});

	it('takes one that cannot be read', async () => {
		const paths = emptyState();
		put(paths.plugin('acme'), '{');
		await removePlugin(paths, 'acme');
		expect(existsSync(paths.plugin('acme'))).toBe(false);
	});

	it('leaves a module that was the person’s, and takes a package that was installed, with its last plugin', async () => {
		const paths = emptyState();
		const own = join(temporaryFolder(), 'index.js');
		writeFileSync(own, '');
		const installed = join(paths.pluginPackages, 'package-abc/node_modules/p/index.js');
		mkdirSync(dirname(installed), {recursive: true});
		writeFileSync(installed, '');
		await addManifests(
			paths,
			[coded('own', own), coded('one', installed), coded('two', installed, {export: 1})],
			noBuiltIn,
		);
		await removePlugin(paths, 'own');
		await removePlugin(paths, 'one');
		expect(readFileSync(own, 'utf8') + readFileSync(installed, 'utf8')).toBe('');
		await removePlugin(paths, 'two');
		expect(names(paths.pluginPackages)).toEqual([]);
	});

	it('of what is not there says what is', async () => {
		const paths = emptyState();
		await expect(removePlugin(paths, 'acme')).rejects.toMatchObject({code: 'plugin_unknown'});
		await addManifests(paths, [manifest], noBuiltIn);
		for (const id of ['other', '..', '../../x']) {
			await expect(removePlugin(paths, id)).rejects.toMatchObject({
				code: 'plugin_unknown',
				next: 'There are: acme.',
			});
		}
		expect(idsIn(paths)).toEqual(['acme']);
	});
});
