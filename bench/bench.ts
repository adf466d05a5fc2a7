import {spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {startAuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {assemble, noticeMs} from '../test/auth/crew.ts';
import {openTerminal} from '../test/support/terminal.ts';
import {expireProfile, loggedInFolder, stateFolderOf} from './state.ts';

/**
 * How long things take, as ratios to `node -e 0` measured in the same run: machines are noisy, and their
 * single times say nothing. Needs a build (`npm run bench` makes one).
 */

const {values} = parseArgs({options: {rounds: {type: 'string', default: '15'}}});
const rounds = Number(values.rounds);
const program = resolve(import.meta.dirname, '../dist/jarvis.cjs');
const work = mkdtempSync(join(tmpdir(), 'jarvis-bench-'));

try {
	await startUp();
	await refreshStorm();
	await firstFrame();
} finally {
	rmSync(work, {recursive: true, force: true});
}

async function startUp(): Promise<void> {
	const candidates: [string, string[], string, string?][] = [['node -e 0', ['-e', '0'], work]];
	for (const count of [10, 1000, 10_000]) {
		const folder = await stateFolderOf(join(work, String(count)), count);
		candidates.push(
			[`token, ${count} profiles`, [program, 'models', 'auth', 'token', '--provider', 'bench'], folder],
			[`status --json, ${count} profiles`, [program, 'models', 'status', '--json'], folder],
		);
	}
	const [, , ten = work] = candidates[1] ?? [];
	// The variables of a provider that is built in are known without reading a manifest.
	const forExec = await stateFolderOf(join(work, 'exec'), 10, 'openai');
	const session = ['models', 'auth', 'token', '--provider', 'bench', '--session', 'bench'];
	candidates.push(
		['token --session, 10 profiles', [program, ...session], ten],
		['which, 10 profiles', [program, 'which', 'bench'], ten],
		['exec -- true, 10 profiles', [program, 'exec', '--provider', 'openai', '--', 'true'], forExec],
		['true, without exec', [], work, 'true'],
		['completion bash', [program, 'completion', 'bash'], work],
		['agents list', [program, 'agents', 'list'], work],
	);
	const times = new Map<string, number[]>(candidates.map(([name]) => [name, []]));
	for (let round = 0; round < rounds + 2; round += 1) {
		for (const [name, args, folder, command = process.execPath] of candidates) {
			const started = performance.now();
			const {status} = spawnSync(command, args, {
				env: {...process.env, JARVIS_STATE_DIR: folder},
				stdio: ['ignore', 'pipe', 'inherit'],
				maxBuffer: 64 * 1024 * 1024,
			});
			// The first rounds warm the disk's cache up.
			if (round > 1) times.get(name)?.push(performance.now() - started);
			if (status !== 0) throw new Error(`${name} ended with ${status}`);
		}
	}
	const bare = median(times.get('node -e 0') ?? []);
	console.log(`Start-up, ${rounds} interleaved rounds (median, ratio to node -e 0)`);
	for (const [name, all] of times) console.log(`  ${name.padEnd(30)} ${(median(all) / bare).toFixed(2)} x`);
}

/** Many processes find one expired token, at a server that takes 50 ms: how long until all have the new one. */
async function refreshStorm(): Promise<void> {
	const server = await startAuthorizationServer({
		consent: 'auto',
		accessTokenSeconds: 600,
		redirectUris: ['http://127.0.0.1:48651/callback'],
	});
	try {
		const folder = join(work, 'storm');
		await loggedInFolder(folder, server);
		server.setTokenDelay(50);
		const counted = async (processes: number, ask: () => Promise<number>): Promise<number> => {
			await expireProfile(folder);
			const before = server.refreshRequests;
			const took = await ask();
			const refreshes = server.refreshRequests - before;
			if (refreshes !== 1) throw new Error(`${processes} processes sent ${refreshes} refreshes`);
			return took;
		};
		const run = (processes: number) => counted(processes, () => idle(processes));
		// Processes that are there already and ask at the same moment: what the lock alone costs.
		const crew = await assemble(32);
		const ask = (processes: number) =>
			counted(processes, async () => {
				const job = {stateDir: folder, providerId: 'bench', agentId: 'main'};
				const started = performance.now();
				await crew.run(Array.from({length: processes}, () => job));
				return performance.now() - started - noticeMs;
			});
		const idle = async (processes: number): Promise<number> => {
			const started = performance.now();
			await Promise.all(Array.from({length: processes}, () => token(folder)));
			return performance.now() - started;
		};
		const one: number[] = [];
		const many: number[] = [];
		const manyIdle: number[] = [];
		const askedOne: number[] = [];
		const askedMany: number[] = [];
		// Each worker's first use loads what it needs.
		await ask(32);
		for (let round = 0; round < Math.max(5, rounds / 3); round += 1) {
			one.push(await run(1));
			many.push(await run(32));
			manyIdle.push(await idle(32));
			askedOne.push(await ask(1));
			askedMany.push(await ask(32));
		}
		crew.dismiss();
		const single = median(one);
		console.log('Refresh storm, server 50 ms (median; one process that refreshes = 1)');
		console.log(
			`  32 processes, one expired token  ${(median(many) / single).toFixed(2)} x, 1 refresh each time`,
		);
		console.log(
			`  32 processes, token still good   ${(median(manyIdle) / single).toFixed(2)} x (their start-up alone)`,
		);
		const ratio = median(askedMany) / median(askedOne);
		console.log(`  the same, processes already running ${ratio.toFixed(2)} x one that refreshes`);
	} finally {
		await server.close();
	}
}

function token(folder: string): Promise<void> {
	return new Promise((resolve_, reject) => {
		const child = spawn(process.execPath, [program, 'models', 'auth', 'token', '--provider', 'bench'], {
			env: {...process.env, JARVIS_STATE_DIR: folder},
			stdio: ['ignore', 'ignore', 'inherit'],
		});
		child.on('error', reject);
		child.on('exit', code => (code === 0 ? resolve_() : reject(new Error(`token ended with ${code}`))));
	});
}

async function firstFrame(): Promise<void> {
	const folder = await stateFolderOf(join(work, 'frame'), 34);
	const bare: number[] = [];
	const frame: number[] = [];
	for (let round = 0; round < rounds; round += 1) {
		const started = performance.now();
		spawnSync(process.execPath, ['-e', '0']);
		bare.push(performance.now() - started);
		const opened = performance.now();
		const terminal = openTerminal({
			command: process.execPath,
			args: [program],
			columns: 120,
			rows: 40,
			env: {JARVIS_STATE_DIR: folder},
		});
		await terminal.waitFor('static');
		frame.push(performance.now() - opened);
		await terminal.close();
	}
	console.log(`First frame of the dashboard, 34 profiles, 120x40 (median, ratio to node -e 0)`);
	console.log(`  dashboard                      ${(median(frame) / median(bare)).toFixed(2)} x`);
}

function median(all: readonly number[]): number {
	const sorted = [...all].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
