import {expect, it} from 'vitest';
import {openSandbox} from '../support/sandbox.ts';
import {
	childOf,
	dashboardOn,
	expectRestored,
	linkOn,
	openDashboard,
	openLogin,
	openProgram,
	processState,
	stateWithKeys,
	until,
	witnessed,
} from './support.ts';

/** The line under the head of the dashboard, as wide as it takes the window to be. */
const ruleOf = (columns: number) => new RegExp(`^─{${columns}}$`, 'm');

it('a window that is made small, too small and large again ends with exactly the right frame', async () => {
	const state = stateWithKeys(40);
	const size = {columns: 100, rows: 30};
	const right = await openDashboard(state, size);
	const frame = await right.waitFor('key:020');
	const terminal = await openDashboard(state, {columns: 120, rows: 40});
	await terminal.waitFor('key:030');
	terminal.resize(60, 16);
	await terminal.waitFor(ruleOf(60));
	terminal.resize(50, 10);
	await terminal.waitFor('JARVIS needs 60x16, this is 50x10.');
	terminal.resize(100, 30);
	await terminal.waitFor(text => text === frame);
	expect(terminal.cells()).toEqual(right.cells());
});

it.each([
	['made narrower', 80, 30, false],
	['made narrower and longer', 110, 31, false],
	['small for a moment', 120, 30, true],
])('a window that is %s shows exactly the right frame', async (_what, columns, rows, isSmallBetween) => {
	const state = stateWithKeys(40);
	const right = await openDashboard(state, {columns, rows});
	const frame = await right.waitFor('key:020');
	const terminal = await openDashboard(state);
	await terminal.waitFor('key:020');
	if (isSmallBetween) {
		// Stopped, so that it learns of both changes at once.
		terminal.kill('SIGSTOP');
		await until(() => expect(processState(terminal.pid)).toBe('T'));
		terminal.resize(50, 10);
	}
	terminal.resize(columns, rows);
	terminal.kill('SIGCONT');
	await terminal.waitFor(text => text === frame);
	expect(terminal.cells()).toEqual(right.cells());
});

it('the terminal is given back while its window is dragged, too', async () => {
	// It stays until Enter is pressed, so that there is a window to drag.
	const terminal = openProgram(stateWithKeys(40), [], witnessed('read line'));
	await dashboardOn(terminal);
	let moves = 0;
	const dragging = setInterval(() => terminal.resize(100 + (moves++ % 2), 24), 5);
	try {
		await until(() => expect(moves).toBeGreaterThan(20));
		process.kill(childOf(terminal.pid), 'SIGTERM');
		await terminal.waitFor('ended with 143');
	} finally {
		clearInterval(dragging);
	}
	expectRestored(terminal);
});

async function changeAtPlainLink(): Promise<Awaited<ReturnType<typeof openLogin>>> {
	const opened = await openLogin(await openSandbox());
	await opened.terminal.press('u');
	await opened.terminal.waitFor('Press Enter to go back');
	opened.terminal.resize(90, 28);
	const gone = opened.terminal.waitFor('Press Enter to go back', {gone: true, timeoutMs: 300});
	await expect(gone).rejects.toThrow('Timed out');
	return opened;
}

it('a change of the window leaves the plain link where it is', async () => {
	const {terminal, link} = await changeAtPlainLink();
	expect(terminal.raw()).toContain(`\n${link}\r\n`);
	terminal.write('\r');
	await terminal.waitFor('Press Enter to go back', {gone: true});
	expect(terminal.buffer()).toBe('alternate');
});

it('the dashboard comes back from the plain link in the size that the window has now', async () => {
	const {terminal, link} = await changeAtPlainLink();
	terminal.write('\r');
	await terminal.waitFor(ruleOf(90), {timeoutMs: 5000});
	expect(await linkOn(terminal)).toBe(link);
});

it('a window that changes while the dashboard is stopped is no fault', async () => {
	const terminal = await openDashboard(stateWithKeys(3));
	for (let round = 0; round < 10; round++) {
		const frame = await terminal.waitFor('key:003');
		await terminal.press('\u{1a}');
		await terminal.waitFor(() => terminal.buffer() === 'normal');
		await until(() => expect(processState(terminal.pid)).toBe('T'));
		terminal.resize(90, 24);
		terminal.resize(120, 30);
		terminal.kill('SIGCONT');
		await terminal.waitFor(text => text === frame);
		expect(terminal.buffer()).toBe('alternate');
	}
});
