import {readFileSync, statSync} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import {isSystemError} from '../errors.ts';
import {isObject, type JsonValue, member, textMember, tryParseJson} from './json.ts';

/** What a path leads to that a person wants to add. */
export type PluginSource =
	| {readonly kind: 'manifest'; readonly file: string}
	| {readonly kind: 'module'; readonly module: string}
	/** There is something, but no plugin; says what is missing. */
	| {readonly kind: 'neither'; readonly why: string};

/** The conditions under which Node imports a package's ES module (Node's docs, "Conditional exports"). */
const conditions = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * What a path leads to: a manifest, or the module of a folder with a package.json. A manifest goes before code.
 * @returns `undefined` where there is nothing of that name
 */
export function pluginAt(path: string): PluginSource | undefined {
	const stats = statSync(path, {throwIfNoEntry: false});
	if (!stats) return undefined;
	if (stats.isFile()) {
		return basename(path).endsWith('.json') ? {kind: 'manifest', file: path} : {kind: 'module', module: path};
	}
	const manifest = join(path, 'jarvis.plugin.json');
	if (isFile(manifest)) return {kind: 'manifest', file: manifest};
	const text = readIfFile(join(path, 'package.json'));
	if (text === undefined) {
		return {kind: 'neither', why: 'holds neither a jarvis.plugin.json nor a package.json'};
	}
	const about = tryParseJson(text);
	if (!about) return {kind: 'neither', why: 'has a package.json that is not valid JSON'};
	const main = mainOf(about);
	const module = main && resolve(path, main);
	if (module && isFile(module)) return {kind: 'module', module};
	return {kind: 'neither', why: `has a package.json whose main module is not there (${main ?? 'exports'})`};
}

/** The folder of a package that Node would find from a folder, by the package's name. */
export function packageFolder(from: string, name: string): string | undefined {
	for (let folder = resolve(from); ; folder = dirname(folder)) {
		const candidate = join(folder, 'node_modules', name);
		if (isFile(join(candidate, 'package.json'))) return candidate;
		if (folder === dirname(folder)) return undefined;
	}
}

function mainOf(about: JsonValue): string | undefined {
	const exported = member(about, 'exports');
	if (exported === undefined || exported === null) return textMember(about, 'main') ?? 'index.js';
	return targetOf(member(exported, '.') ?? exported);
}

function targetOf(target: JsonValue): string | undefined {
	if (typeof target === 'string') return target.startsWith('./') ? target : undefined;
	if (Array.isArray(target)) return firstOf(target);
	if (!isObject(target)) return undefined;
	return firstOf(Object.keys(target).flatMap(key => (conditions.has(key) ? [target[key] ?? null] : [])));
}

function firstOf(targets: readonly JsonValue[]): string | undefined {
	for (const target of targets) {
		const found = targetOf(target);
		if (found !== undefined) return found;
	}
	return undefined;
}

function isFile(path: string): boolean {
	return statSync(path, {throwIfNoEntry: false})?.isFile() ?? false;
}

function readIfFile(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
		throw error;
	}
}
