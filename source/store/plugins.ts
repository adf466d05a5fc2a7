import {readFileSync, rmdirSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import {isSystemError, JarvisError} from '../errors.ts';
import {withLock} from './lock.ts';
import {
	type DeclaredManifest,
	isCodeManifest,
	type Manifest,
	parseManifest,
	readPlugins,
} from './manifests.ts';
import type {StatePaths} from './paths.ts';
import {packageOf, removePackageOf} from './plugin-packages.ts';
import {syncFolder, writeDurably} from './write.ts';

/**
 * Reads a manifest that a person wants to add.
 * @throws `manifest_invalid`, also for one that names code: what is run is what is added as code
 */
export function readManifestToAdd(file: string): DeclaredManifest {
	const manifest = parseManifest(readFileSync(file, 'utf8'));
	const fault =
		typeof manifest === 'string' ? manifest : isCodeManifest(manifest) ? 'it names a module' : undefined;
	if (fault === undefined) return manifest as DeclaredManifest;
	throw new JarvisError(
		'manifest_invalid',
		`${file} is not added: ${fault}.`,
		'Compare it with the example in docs/plugins.md.',
	);
}

/**
 * Writes the manifests of a plugin, in the place of those that were written when it was added before.
 * @param isBuiltIn whether a name is one of a built-in provider
 * @throws `plugin_conflict` when one of their names is taken; none is written then
 */
export async function addManifests(
	paths: StatePaths,
	manifests: readonly Manifest[],
	isBuiltIn: (name: string) => boolean,
): Promise<void> {
	await withLock(paths.locks, 'plugins', async lock => {
		assertNamesFree(paths, manifests, isBuiltIn);
		const before = readPlugins(paths).filter(({manifest}) => isSameSource(manifest, manifests));
		for (const manifest of manifests) {
			const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
			await lock.commit(() => writeDurably(paths.plugin(manifest.id), text));
		}
		const kept = manifests.flatMap(manifest => (isCodeManifest(manifest) ? [manifest.module] : []));
		for (const {id, file, manifest} of before) {
			// What it no longer gives, and the package that it was installed as before.
			if (!manifests.some(added => added.id === id)) {
				await lock.commit(() => rmSync(file, {force: true}));
				removeIfEmpty(dirname(file));
			}
			const old = manifest && isCodeManifest(manifest) ? packageOf(paths, manifest.module) : undefined;
			if (old && !kept.some(module => packageOf(paths, module) === old))
				rmSync(old, {recursive: true, force: true});
		}
		syncFolder(paths.plugins);
	});
}

/** Whether a manifest came of the same module or package as those that are added; a declared one, of the same id. */
function isSameSource(manifest: Manifest | undefined, added: readonly Manifest[]): boolean {
	if (!manifest) return false;
	return added.some(one => {
		if (!isCodeManifest(one) || !isCodeManifest(manifest)) {
			return one.id === manifest.id && !isCodeManifest(one) && !isCodeManifest(manifest);
		}
		return one.module === manifest.module || packageName(one.from) === packageName(manifest.from);
	});
}

/** A package's name without the version that it was asked for in. */
function packageName(from: string): string {
	return from.replace(/(?<=.)@[^/]*$/, '');
}

/**
 * Removes a plugin: its manifest, and the package that was installed for it alone. Its profiles stay.
 * @throws `plugin_unknown`
 */
export async function removePlugin(paths: StatePaths, id: string): Promise<void> {
	await withLock(paths.locks, 'plugins', async lock => {
		const entries = readPlugins(paths);
		const entry = entries.find(other => other.id === id);
		if (!entry)
			throw unknownPlugin(
				id,
				entries.map(other => other.id),
			);
		await lock.commit(() => rmSync(entry.file));
		removeIfEmpty(dirname(entry.file));
		syncFolder(paths.plugins);
		const {manifest} = entry;
		if (!manifest || !isCodeManifest(manifest)) return;
		const folder = packageOf(paths, manifest.module);
		const others = entries.flatMap(other => (other.id !== id && other.manifest ? [other.manifest] : []));
		const isShared = others.some(other => isCodeManifest(other) && packageOf(paths, other.module) === folder);
		if (!isShared) removePackageOf(paths, manifest.module);
	});
}

/** There is no plugin of that id. */
export function unknownPlugin(id: string, known: readonly string[]): JarvisError {
	return new JarvisError(
		'plugin_unknown',
		`There is no plugin ${JSON.stringify(id)}.`,
		known.length > 0 ? `There are: ${known.join(', ')}.` : 'Add one: jarvis plugins add <folder or package>',
	);
}

function assertNamesFree(
	paths: StatePaths,
	manifests: readonly Manifest[],
	isBuiltIn: (name: string) => boolean,
): void {
	const taken = new Map<string, string>();
	for (const {id, manifest} of readPlugins(paths)) {
		if (isSameSource(manifest, manifests)) continue;
		for (const name of [id, ...(manifest?.aliases ?? [])]) taken.set(name.toLowerCase(), `the plugin ${id}`);
	}
	for (const {id, aliases = []} of manifests) {
		for (const name of [id, ...aliases]) {
			const holder = isBuiltIn(name) ? 'a built-in provider' : taken.get(name.toLowerCase());
			if (holder) throw conflict(name, holder);
			taken.set(name.toLowerCase(), `the plugin ${id}`);
		}
	}
}

function conflict(name: string, holder: string): JarvisError {
	return new JarvisError(
		'plugin_conflict',
		`${name} is a name of ${holder} already. Nothing was added.`,
		'Give it another id, or remove that plugin first: jarvis plugins list',
	);
}

// A folder that a person keeps more in than the manifest is theirs.
function removeIfEmpty(folder: string): void {
	try {
		rmdirSync(folder);
	} catch (error) {
		if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
	}
}
