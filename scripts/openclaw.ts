import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';

/**
 * Tries the round trip with the real openclaw: installs it into a cache folder, once, and runs its tests. With
 * `--record` it makes test/openclaw/recorded anew instead.
 */
const version = '2026.3.31';
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), `jarvis-openclaw-${version}`);
const program = process.env.JARVIS_OPENCLAW ?? join(cache, 'node_modules/openclaw/openclaw.mjs');

if (!existsSync(program)) {
	mkdirSync(cache, {recursive: true});
	// Without its packages' scripts: they compile and download what no test needs.
	run('npm', [
		...['install', `openclaw@${version}`, '--prefix', cache],
		...['--ignore-scripts', '--no-audit', '--no-fund', '--no-save'],
	]);
}
process.env.JARVIS_OPENCLAW = program;
if (process.argv.includes('--record')) {
	const {record} = await import('../test/support/openclaw.ts');
	await record();
} else run('npx', ['vitest', 'run', 'test/openclaw']);

function run(command: string, args: readonly string[]): void {
	const {status} = spawnSync(command, args, {stdio: 'inherit'});
	if (status !== 0) process.exit(status ?? 1);
}
