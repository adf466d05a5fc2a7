import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {openSandbox, temporaryFolder, writeStore} from '../support/sandbox.ts';
import {
	childOf,
	dashboardOn,
	emptyState,
	expectRestored,
	goTo,
	openDashboard,
	openLogin,
	openProgram,
	processState,
	program,
	start,
	stateWithKeys,
	until,
	witnessed,
} from './support.ts';

it.each([
	['q', 0, 'q'],
	['ctrl+c', 0, '\u{3}'],
	['SIGINT', 130, undefined],
	['SIGTERM', 143, undefined],
	['SIGHUP', 129, undefined],
])('%s gives the terminal back as it was, and exits with %d', async (name, code, key) => {
	const terminal = openProgram(stateWithKeys(3), [], witnessed());
	await dashboardOn(terminal);
	expect(terminal.buffer()).toBe('alternate');
	if (key === undefined) process.kill(childOf(terminal.pid), name);
	else terminal.write(key);
	await terminal.waitFor(`ended with ${code}`);
	await terminal.exited;
	expectRestored(terminal);
});

it.each([
	['an error that nobody caught', "setTimeout(() => { throw new TypeError('canary-fault') })"],
	['a rejection that nobody caught', "void Promise.reject(new TypeError('canary-fault'))"],
])('%s gives the terminal back, and is told on it', async (_name, fault) => {
	const module = join(temporaryFolder(), 'fault.mjs');
	writeFileSync(module, `process.on('SIGUSR2', () => { ${fault} });`);
	for (const debug of [undefined, '1']) {
		const env = {NODE_OPTIONS: `--import=${module}`, JARVIS_DEBUG: debug};
		const terminal = openProgram(stateWithKeys(3), [], {...witnessed(), env});
		await dashboardOn(terminal);
		process.kill(childOf(terminal.pid), 'SIGUSR2');
		await terminal.waitFor('ended with 1');
		await terminal.exited;
		expectRestored(terminal);
		expect(terminal.text()).toContain('jarvis: JARVIS met a fault of its own (TypeError).');
		expect(terminal.text().includes('fault.mjs')).toBe(debug === '1');
	}
});

it('a terminal that is closed ends the dashboard', async () => {
	const window = fileURLToPath(new URL('./window.ts', import.meta.url));
	const around = start(stateWithKeys(3), [program], {command: [process.execPath, window]});
	const pid = Number(await around.prints(/^\d+$/m));
	expect(processState(pid)).toMatch(/[RS]/);
	around.signal('SIGKILL');
	// Who reaps it is not for it to say.
	await until(() => expect([undefined, 'Z']).toContain(processState(pid)));
});

it('the plain link is one unbroken line on the normal screen, and Enter brings the dashboard back', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox, {columns: 60, rows: 20});
	await terminal.press('u');
	await terminal.waitFor('Press Enter to go back');
	expect(terminal.buffer()).toBe('normal');
	expect(terminal.raw()).toContain(`\n${link}\r\n`);

	// The login goes on meanwhile, and what is typed there is no key of the dashboard.
	await visit(link);
	terminal.write('q1\r');
	await terminal.waitFor('✓ Logged in. acme:maya@example.test is stored');
	expect(terminal.buffer()).toBe('alternate');
	await goTo(terminal, '2');
	await terminal.waitFor('maya@example.test');
});

it('ctrl+c at the plain link leaves, and the terminal is as it was', async () => {
	const sandbox = await openSandbox();
	const {terminal} = await openLogin(sandbox, witnessed());
	await terminal.press('u');
	await terminal.waitFor('Press Enter to go back');
	terminal.write('\u{3}');
	await terminal.waitFor('ended with 130');
	await terminal.exited;
	expectRestored(terminal);
});

it('ctrl+z stops the process, and SIGCONT brings the dashboard back', async () => {
	const terminal = await openDashboard(stateWithKeys(3));
	const frame = await terminal.waitFor('key:003');
	await terminal.press('\u{1a}');
	await until(() => expect(processState(terminal.pid)).toBe('T'));
	await until(() => expect(terminal.buffer()).toBe('normal'));
	expect(terminal.raw().lastIndexOf('\u{1b}[?25h')).toBeGreaterThan(
		terminal.raw().lastIndexOf('\u{1b}[?25l'),
	);
	terminal.kill('SIGCONT');
	await terminal.waitFor(text => text === frame);
	expect(terminal.buffer()).toBe('alternate');
	await goTo(terminal, '1');
});

async function stopAndContinue(line: string): Promise<void> {
	const terminal = openProgram(stateWithKeys(3), [], {
		command: 'bash',
		args: ['--norc', '--noprofile', '-i'],
		env: {PS1: 'prompt> ', NODE: process.execPath, PROGRAM: program},
	});
	await terminal.waitFor('prompt>');
	terminal.write(`${line}\r`);
	await dashboardOn(terminal);
	terminal.write('\u{1a}');
	await terminal.waitFor(/Stopped[\s\S]*prompt>$/m);
	terminal.write('fg\r');
	await terminal.waitFor(/1 Agents[\s\S]*q quit/);
	expect(terminal.buffer()).toBe('alternate');
	await goTo(terminal, '2');
	await terminal.press('q');
	await terminal.waitFor(/prompt>$/m);
	expect(terminal.buffer()).toBe('normal');
}

it('a shell gets its prompt by ctrl+z, and fg shows the dashboard again', async () => {
	await stopAndContinue('"$NODE" "$PROGRAM"');
});

it('ctrl+z stops the programs around it too, such as npm', async () => {
	await stopAndContinue('sh -c \'"$NODE" "$PROGRAM"; true\'');
});

it('it is drawn where CI is set too, as in a terminal of a CI job', async () => {
	const terminal = await openDashboard(stateWithKeys(3), {env: {CI: '1'}});
	await terminal.waitFor('key:003');
	await terminal.press('q');
	expect(await terminal.exited).toEqual({exitCode: 0});
});

it('NO_COLOR takes every colour away, and nothing but colours', async () => {
	const state = stateWithKeys(3);
	const codes: string[][] = [];
	for (const NO_COLOR of [undefined, '1']) {
		const terminal = await openDashboard(state, {env: {NO_COLOR}});
		for (const digit of ['1', '2', '3', '5', '4', '7', '8', '9', '6'] as const) await goTo(terminal, digit);
		await terminal.press('n', 's', '\r', 'x', '\r');
		await terminal.waitFor('x names no provider');
		await terminal.press('\u{1b}');
		await terminal.waitFor('> /model', {gone: true});
		await terminal.press('2', 'D');
		await terminal.waitFor('Remove key:001');
		await terminal.press('x', '\r');
		await terminal.waitFor('That is not 001');
		const lists = terminal
			.raw()
			.split('\u{1b}[')
			.map(text => /^([\d;:]*)m/.exec(text)?.[1] ?? '');
		codes.push([...new Set(lists.flatMap(list => list.split(/[;:]/)))]);
	}
	const isColor = (code: string) => /^(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])$/.test(code);
	const [coloured = [], plain = []] = codes;
	expect(coloured.filter(isColor)).not.toEqual([]);
	expect(plain.filter(isColor)).toEqual([]);
	// Bold, dim and inverse stay.
	expect(plain).toEqual(expect.arrayContaining(['1', '2', '7']));
});

it('keys that arrive in one piece all count', async () => {
	const terminal = await openDashboard(stateWithKeys(90));
	await terminal.waitFor('▸ main        key:001');
	terminal.write('j'.repeat(50));
	await terminal.waitFor('▸ main        key:051');
	terminal.write('\u{1b}[A'.repeat(30));
	await terminal.waitFor('▸ main        key:021');
	terminal.write('\u{1b}[Bj\u{1b}[6~');
	await terminal.waitFor('▸ main        key:046');
	terminal.write('Gkk');
	await terminal.waitFor('▸ main        key:088');
	terminal.write('2gjj\r');
	await terminal.waitFor(/▸2 [\s\S]*▸ key:003/);
	expect(terminal.text()).not.toContain('renewal');
	terminal.write('/key:07\rgj');
	await terminal.waitFor('▸ key:071');
});

it('a line that something stands on already is none of the dashboard’s', async () => {
	const args = ['-c', 'printf abc; exec "$@"', 'sh', process.execPath, program];
	const terminal = openProgram(stateWithKeys(3), [], {command: 'sh', args});
	await dashboardOn(terminal);
	await terminal.press('3', '1', '4');
	await terminal.waitFor('▸4 Health');
	expect(terminal.screen()[0]).toBe(
		' JARVIS  1 Agents  2 Profiles  3 Order ▸4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker',
	);
});

it('keys that are pressed while it starts do not show in its frame', async () => {
	const terminal = openProgram(stateWithKeys(3), []);
	const pressing = setInterval(() => terminal.write('k'), 2);
	await terminal.waitFor(() => terminal.raw().includes('?2004h'));
	clearInterval(pressing);
	await terminal.press('3', '1', '4');
	await terminal.waitFor('▸4 Health');
	expect(terminal.screen()[0]).toBe(
		' JARVIS  1 Agents  2 Profiles  3 Order ▸4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker',
	);
});

it('a message at the foot of the screen moves nothing else', async () => {
	const terminal = await openDashboard(stateWithKeys(3));
	const before = terminal.screen();
	await terminal.press('r');
	await terminal.waitFor('it is never refreshed');
	const changed = terminal.screen().flatMap((row, index) => (row === before[index] ? [] : [row]));
	expect(changed).toEqual([' ! key:001 is an API key: it is never refreshed.']);
});

it('a name that is longer in the terminal than by Unicode moves no row', async () => {
	const state = emptyState();
	const keyOf = (name: string) => ({
		[`acme:${name}`]: {type: 'api_key', provider: 'acme', key: 'not-a-secret'},
	});
	const people = '👩‍👩‍👧‍👦'.repeat(3);
	writeStore(state, 'main', {profiles: {...keyOf('a'), ...keyOf(`b${people}`), ...keyOf('c')}});
	const terminal = await openDashboard(state, {columns: 80, isOld: true});
	await goTo(terminal, '2');
	await terminal.waitFor(/acme:c .*static/);
	const lines = terminal.text().split('\n');
	const first = lines.findIndex(line => line.includes('acme:a'));
	expect(lines[first + 1]).toContain('acme:b');
	expect(lines[first + 2]).toMatch(/^ {2}acme:c .*never/);
	expect(lines[0]).toContain('1 Agents▸2 Profiles');
});

it('an empty state folder opens on the steps to a first login, which Esc leaves', async () => {
	const terminal = await openDashboard(emptyState());
	await terminal.waitFor(/\[1 agent\][\s\S]*▸ {2}main/);
	await terminal.press('\r');
	await terminal.waitFor(/\[2 provider\][\s\S]*Log an account in for the agent main/);
	await terminal.press('\u{1b}');
	await terminal.waitFor('[1 agent]');
	await terminal.press('\u{1b}');
	await terminal.waitFor(/▸1 Agents[\s\S]*▸ main/);
	await terminal.press('\r');
	await terminal.waitFor('No profiles. Press l to log an account in.');
});
