import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join, relative, sep} from 'node:path';
import {isSystemError, JarvisError, shellWord} from '../errors.ts';
import {member, tryParseJson} from './json.ts';
import type {StatePaths} from './paths.ts';
import {entriesOf} from './schema.ts';
import {ensurePrivateFolder} from './write.ts';

/**
 * Installs a package because a person asked for it: with npm as they have set it up, without running any
 * script of it, and into a folder of its own, so that what one plugin needs never moves another's.
 * @param spec as npm takes it: a name, with or without a version, a tarball, a repository
 * @returns the package's folder
 * @throws `plugin_invalid` when that fails; nothing is left of it then
 */
export async function installPackage(paths: StatePaths, spec: string, cwd: string): Promise<string> {
	ensurePrivateFolder(paths.pluginPackages);
	const folder = mkdtempSync(join(paths.pluginPackages, 'package-'));
	try {
		writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
		// A person waits: one who mistyped a folder's name too.
		const network = ['--fetch-retries', '0', '--fetch-timeout', '30000'];
		const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'silent', ...network];
		await npm(['install', '--prefix', folder, ...options, '--', spec], cwd, spec);
		const installed = tryParseJson(readFileSync(join(folder, 'package.json'), 'utf8'));
		const [name] = entriesOf(member(installed, 'dependencies'))[0] ?? [];
		if (name !== undefined) return join(folder, 'node_modules', name);
		throw notInstalled(spec, 'npm installed nothing');
	} catch (error) {
		rmSync(folder, {recursive: true, force: true});
		throw error;
	}
}

/** Removes the folder of an installed package that a module is in, if it is in one. */
export function removePackageOf(paths: StatePaths, module: string): void {
	const folder = packageOf(paths, module);
	if (folder) rmSync(folder, {recursive: true, force: true});
}

/** The folder that `installPackage` made for the package that a module is in. */
export function packageOf({pluginPackages}: StatePaths, module: string): string | undefined {
	const [first = '..', ...rest] = relative(pluginPackages, module).split(sep);
	return rest.length > 0 && first.startsWith('package-') ? join(pluginPackages, first) : undefined;
}

async function npm(args: readonly string[], cwd: string, spec: string): Promise<void> {
	const child = spawn('npm', args, {cwd, stdio: ['ignore', 'ignore', 'ignore']});
	let code: unknown;
	try {
		[code] = await once(child, 'close');
	} catch (error) {
		if (isSystemError(error, 'ENOENT')) throw notInstalled(spec, 'there is no npm');
		throw error;
	}
	if (code !== 0) throw notInstalled(spec, `npm ended with ${code ?? 'a signal'}`);
}

function notInstalled(spec: string, why: string): JarvisError {
	return new JarvisError(
		'plugin_invalid',
		`${spec} could not be installed: ${why}. Nothing was added.`,
		`See what npm says: npm install --dry-run ${shellWord(spec)}`,
	);
}
