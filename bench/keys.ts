import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {openTerminal, type Terminal} from '../test/support/terminal.ts';
import {mixedFolderOf} from './state.ts';

/**
 * What a key costs in a list of 10,000 profiles: the processor's time for it, and how long until the cursor stands
 * on the next row, as ratios to the same key in a list that just fills the screen, and what of it comes with the
 * others. Other builds, named by their `jarvis.cjs`, are measured beside, in the same rounds. Linux only: the time
 * is read in /proc. Needs a build (`npm run bench:keys` makes one).
 */

const {values, positionals} = parseArgs({
	allowPositionals: true,
	options: {rounds: {type: 'string', default: '80'}},
});
const rounds = Number(values.rounds);
const programs = [
	resolve(import.meta.dirname, '../dist/jarvis.cjs'),
	...positionals.map(path => resolve(path)),
];
const work = mkdtempSync(join(tmpdir(), 'jarvis-bench-'));
/** The fewer fill the screen too, so that as much is drawn. */
const counts = [30, 10_000] as const;

/** How long (ms) a tick of the processor's time in /proc is. */
const tickMs = 10;

/** A list, by the key that opens it. */
const lists = [
	{name: 'profiles', open: '2'},
	{name: 'health', open: '4'},
] as const;

try {
	const folders = await Promise.all(counts.map(count => mixedFolderOf(join(work, String(count)), count)));
	const open = programs.flatMap((program, build) =>
		folders.map((folder, at) => ({
			name: `${build === 0 ? 'this build' : `build ${build + 1}`}, ${counts[at]} profiles`,
			terminal: openTerminal({
				command: process.execPath,
				args: [program],
				columns: 100,
				rows: 30,
				env: {JARVIS_STATE_DIR: folder},
			}),
		})),
	);
	for (const {terminal} of open) await terminal.waitFor('PROFILE');
	for (const list of lists) {
		const measured = open.map(() => ({waits: [] as number[], cpu: 0}));
		for (const {terminal} of open) await terminal.press(list.open);
		for (let round = -10; round < rounds; round += 1) {
			for (const [at, {terminal}] of open.entries()) {
				const {wait, cpu} = await costOf(terminal, round % 2 === 0 ? 'j' : 'k');
				// The first rounds warm the code up.
				if (round < 0) continue;
				measured[at]?.waits.push(wait);
				if (measured[at]) measured[at].cpu += cpu;
			}
		}
		console.log(
			`A key in the list of ${list.name}, ${rounds} interleaved rounds (ratios to ${counts[0]} profiles of this build)`,
		);
		const [few] = measured;
		if (!few) throw new Error('nothing was measured');
		for (const [at, {name}] of open.entries()) {
			const {waits = [], cpu = 0} = measured[at] ?? {};
			const beyond = cpu - (measured[at - (at % counts.length)]?.cpu ?? 0);
			const ratios = [
				`processor ${(cpu / few.cpu).toFixed(2)} x`,
				`wait ${(median(waits) / median(few.waits)).toFixed(2)} x`,
			];
			const others =
				at % counts.length === 0 ? [] : [`of that with the others ${(beyond / few.cpu).toFixed(2)}`];
			console.log(`  ${name.padEnd(28)} ${[...ratios, ...others].join('   ')}`);
		}
	}
	await Promise.all(open.map(({terminal}) => terminal.close()));
} finally {
	rmSync(work, {recursive: true, force: true});
}

/** How long (ms) until the cursor stands on another row after a key, and the processor's time for it. */
async function costOf(
	terminal: Terminal,
	key: string,
): Promise<{readonly wait: number; readonly cpu: number}> {
	const rowIn = (text: string) => /^▸ (?:main +)?(\S+)/m.exec(text)?.[1];
	const before = rowIn(terminal.text());
	const used = cpuOf(terminal.pid);
	const started = performance.now();
	terminal.write(key);
	await terminal.waitFor(text => rowIn(text) !== before);
	return {wait: performance.now() - started, cpu: cpuOf(terminal.pid) - used};
}

function cpuOf(pid: number): number {
	// The name of the program, in brackets, may hold blanks.
	const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
	const fields = rest.split(' ');
	return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

function median(all: readonly number[]): number {
	const sorted = [...all].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
