import {statSync} from 'node:fs';
import {resolve} from 'node:path';
import {JarvisError} from '../errors.ts';
import {type CodeManifest, isCodeManifest, type Manifest, readPlugins} from '../store/manifests.ts';
import type {StatePaths} from '../store/paths.ts';
import {type PluginSource, packageFolder, pluginAt} from '../store/plugin-module.ts';
import {installPackage, removePackageOf} from '../store/plugin-packages.ts';
import {addManifests, readManifestToAdd} from '../store/plugins.ts';
import type {MethodName} from './providers/contract.ts';
import {isBuiltInName} from './providers/registry.ts';

/** A plugin as a list shows it. */
export interface PluginFacts {
	readonly id: string;
	readonly label?: string;
	readonly kind?: 'manifest' | 'code';
	readonly methods: readonly MethodName[];
	/** Where it comes from: a file, a folder or a package. */
	readonly from: string;
	/** Why it is not in use. */
	readonly problem?: string;
}

/** All plugins that were added or put into the state folder. Loads no code. */
export function listPlugins(paths: StatePaths): PluginFacts[] {
	return readPlugins(paths).map(({id, file, manifest, problem}) => {
		if (!manifest) return {id, methods: [], from: file, ...(problem ? {problem: problem.message} : {})};
		const fault = faultOf(manifest);
		return {...factsOf(manifest, file), ...(fault === undefined ? {} : {problem: fault})};
	});
}

/**
 * Adds a plugin: a manifest is copied; of a module it is noted what it offers, for which it is loaded once, in a
 * worker.
 * @param named a folder, a file, or a package as npm names it
 * @param cwd the folder that a relative path is meant from
 * @throws `plugin_invalid`, `manifest_invalid`, `plugin_conflict`, `plugin_failed`, and what the store throws;
 * nothing is added then
 */
export async function addPlugin(paths: StatePaths, named: string, cwd: string): Promise<PluginFacts[]> {
	const source = sourceOf(named, cwd);
	if (source) return add(paths, named, source.found, source.from);
	const folder = await installPackage(paths, named, cwd);
	try {
		return await add(paths, named, pluginAt(folder), named);
	} catch (error) {
		removePackageOf(paths, folder);
		throw error;
	}
}

interface Found {
	readonly found: PluginSource | undefined;
	/** What the person is told that it comes from. */
	readonly from: string;
}

/** What is on this machine already; `undefined` where a package is to be installed. */
function sourceOf(named: string, cwd: string): Found | undefined {
	const path = resolve(cwd, named);
	const isPath = /^(\.{0,2}[/\\]|\.{1,2}$)/.test(named);
	// npm takes an archive, as it takes a name.
	if (/\.(tgz|tar\.gz|tar)$/.test(named)) return undefined;
	if (isPath || statSync(path, {throwIfNoEntry: false})) return {found: pluginAt(path), from: path};
	const folder = packageFolder(cwd, named);
	return folder === undefined ? undefined : {found: pluginAt(folder), from: folder};
}

async function add(
	paths: StatePaths,
	named: string,
	found: PluginSource | undefined,
	from: string,
): Promise<PluginFacts[]> {
	if (found?.kind !== 'manifest' && found?.kind !== 'module')
		throw noPlugin(named, found?.why ?? 'is not there');
	const manifests =
		found.kind === 'manifest' ? [readManifestToAdd(found.file)] : await described(named, found.module, from);
	await addManifests(paths, manifests, isBuiltInName);
	return manifests.map(manifest => factsOf(manifest, from));
}

async function described(named: string, module: string, from: string): Promise<CodeManifest[]> {
	const {describePlugin} = await import('./providers/plugin-host.ts');
	const providers = await describePlugin(named, module);
	return providers.map((provider, index) => ({...provider, module, export: index, from}));
}

function factsOf(manifest: Manifest, file: string): PluginFacts {
	const {id, label, auth} = manifest;
	const isCode = isCodeManifest(manifest);
	return {
		...{id, label, kind: isCode ? 'code' : 'manifest', from: isCode ? manifest.from : file},
		methods: [...new Set(auth.map(({method}) => method))],
	};
}

function faultOf(manifest: Manifest): string | undefined {
	if (isBuiltInName(manifest.id)) return 'a built-in provider has its id';
	if (!isCodeManifest(manifest)) return undefined;
	return statSync(manifest.module, {throwIfNoEntry: false}) ? undefined : `${manifest.module} is not there`;
}

function noPlugin(named: string, why: string): JarvisError {
	return new JarvisError(
		'plugin_invalid',
		`${named} ${why}. Nothing was added.`,
		'Name a folder or a package with a plugin in it (docs/plugins.md).',
	);
}
