import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, it} from 'vitest';
import {temporaryFolder} from '../support/sandbox.ts';
import {modeOf} from '../support/state-folder.ts';
import type {Terminal} from '../support/terminal.ts';
import {
	dashboardOn,
	emptyState,
	goTo,
	linkOn,
	openProgram,
	processState,
	program,
	start,
	until,
} from './support.ts';

/** The screen when all that begins by itself has happened. */
const atRest = /openai-codex:wren@example\.test +✓ ok/;

/** Opens the sandbox with a temporary folder of its own, in which nothing else is. */
async function openDemo(options: Parameters<typeof openProgram>[2] = {}) {
	const state = emptyState();
	const folder = join(temporaryFolder(), 'tmp');
	mkdirSync(folder);
	const env = {TMPDIR: folder, ...options.env};
	const terminal = openProgram(state, ['--demo'], {...options, env});
	await dashboardOn(terminal);
	return {terminal, folder, state};
}

it('shows agents and profiles in every state, and nothing of the person’s own', async () => {
	const {terminal, folder, state} = await openDemo({rows: 40});
	expect(readdirSync(folder)).toEqual([expect.stringMatching(/^jarvis-sandbox-/)]);
	expect(modeOf(join(folder, String(readdirSync(folder)[0])))).toBe('700');
	await terminal.waitFor(/sandbox · ✗ \d/);
	for (const shown of ['log in again', 'expired', 'disabled', 'cooling', 'expiring', '✓ ok', 'static']) {
		await terminal.waitFor(shown);
	}
	// Run out while nobody looked: refreshed as soon as somebody does.
	await terminal.waitFor(atRest);
	await goTo(terminal, '1');
	await terminal.waitFor(/main +★[\s\S]*personal[\s\S]*work/);
	await goTo(terminal, '2');
	await terminal.waitFor(/Profiles of main[\s\S]*renewal +refreshed when it runs out/);
	await goTo(terminal, '3');
	await terminal.waitFor(/1 +anthropic:work[\s\S]*2 +anthropic:default/);
	await goTo(terminal, '9');
	await terminal.waitFor(`jarvis --state-dir ${join(folder, 'jarvis-sandbox-')}`);
	await goTo(terminal, '5');
	await terminal.waitFor('Sandbox (no real account)');
	await terminal.press('?');
	await terminal.waitFor('show the profiles of the agent');
	expect(existsSync(state.paths.agents)).toBe(false);
});

/** Chooses the sandbox's provider, and sees its ways to log in: without a browser the code stands first. */
async function chooseSandbox(terminal: Terminal): Promise<void> {
	await goTo(terminal, '5');
	await terminal.waitFor(/▸ {2}Sandbox/);
	await terminal.press('\r');
	await terminal.waitFor(/▸ {2}by a code typed on another device[\s\S]* in the browser/);
}

it('b approves a login in the person’s place', async () => {
	const {terminal} = await openDemo();
	await chooseSandbox(terminal);
	await terminal.press('j');
	await terminal.waitFor(/▸ {2}in the browser/);
	await terminal.press('\r');
	const link = new URL(await linkOn(terminal));
	expect(link.hostname).toBe('127.0.0.1');
	await terminal.press('b');
	await terminal.waitFor('✓ Logged in. sandbox:maya@example.test is stored');
});

it('b types the code of a device login in the person’s place', async () => {
	const {terminal} = await openDemo({rows: 40});
	await chooseSandbox(terminal);
	await terminal.press('\r');
	await terminal.waitFor(/http:\/\/127\.0\.0\.1:\d+\/oauth\/device\s+and type the code\s+(\S ){8}\S/);
	await terminal.press('b');
	await terminal.waitFor('✓ Logged in. sandbox:maya@example.test is stored');
});

it('an order can be moved and saved', async () => {
	const {terminal} = await openDemo();
	await goTo(terminal, '3');
	await terminal.waitFor(/no explicit order[\s\S]*1 +anthropic:work[\s\S]*2 +anthropic:default/);
	await terminal.press('J');
	await terminal.waitFor(/not saved yet[\s\S]*1 +anthropic:default[\s\S]*2 +anthropic:work/);
	await terminal.press('s');
	await terminal.waitFor(/agent’s own order[\s\S]*1 +anthropic:default[\s\S]*2 +anthropic:work/);
});

it.each([
	['q', 0],
	['SIGTERM', 143],
	['SIGHUP', 129],
])('its folder is removed on %s', async (leave, exitCode) => {
	const {terminal, folder} = await openDemo();
	await terminal.waitFor(atRest);
	if (leave === 'q') terminal.write('q');
	else terminal.kill(leave);
	expect(await terminal.exited).toEqual({exitCode});
	expect(readdirSync(folder, {recursive: true})).toEqual([]);
});

it('its folder is removed when the window is closed', async () => {
	const folder = join(temporaryFolder(), 'tmp');
	mkdirSync(folder);
	const command: [string, string] = [
		process.execPath,
		fileURLToPath(new URL('./window.ts', import.meta.url)),
	];
	const around = start(emptyState(), [program, '--demo'], {
		command,
		env: {TMPDIR: folder, SHOWS: atRest.source},
	});
	const pid = Number(await around.prints(/^\d+$/m));
	expect(readdirSync(folder)).toHaveLength(1);
	around.signal('SIGKILL');
	await until(() => expect([undefined, 'Z']).toContain(processState(pid)));
	expect(readdirSync(folder, {recursive: true})).toEqual([]);
});

it('ctrl+c while it starts leaves nothing behind', async () => {
	const folder = join(temporaryFolder(), 'tmp');
	mkdirSync(folder);
	const terminal = openProgram(emptyState(), ['--demo'], {env: {TMPDIR: folder}});
	await until(() => expect(readdirSync(folder)).toHaveLength(1));
	terminal.write('\u{3}');
	await terminal.exited;
	expect(readdirSync(folder)).toEqual([]);
});

/** Ports can be taken without being in anybody's way only in a network of one's own. */
const ownNetwork = ['unshare', '--net', 'sh', '-c'] as const;
const canHaveNetwork = spawnSync(ownNetwork[0], [...ownNetwork.slice(1), 'ip link set lo up']).status === 0;

it.skipIf(!canHaveNetwork)('it starts though the ports of its providers are taken', async () => {
	const listen = "for (const port of [1455, 1457]) require('net').createServer().listen(port, '127.0.0.1')";
	const line = `ip link set lo up; "$1" -e "${listen}" & exec "$@"`;
	const [command, ...before] = ownNetwork;
	const terminal = openProgram(emptyState(), [], {
		command,
		args: [...before, line, 'sh', process.execPath, program, '--demo'],
		env: {TMPDIR: temporaryFolder()},
	});
	await terminal.waitFor('▸4 Health');
});
