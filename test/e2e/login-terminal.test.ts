import {setTimeout as sleep} from 'node:timers/promises';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {canary, openSandbox} from '../support/sandbox.ts';
import type {Terminal} from '../support/terminal.ts';
import {emptyState, firstAccount, openProgram, redirectFrom, stored, witnessed} from './support.ts';

const start = '\u001B[200~';
const end = '\u001B[201~';
const setupToken = `sk-ant-oat01-${canary('setup')}-${canary('token')}`.padEnd(101, '-canary');
const setup = ['models', 'auth', 'setup-token'];
const login = ['models', 'auth', 'login', '--provider'];

/** Runs a command as a shell does, and shows what that reads afterwards. */
function inShell(state: ReturnType<typeof emptyState>, args: readonly string[]): Terminal {
	const {command, args: before} = witnessed('IFS= read -r line; echo "the shell reads <$line>"');
	return openProgram(state, [], {command, args: [...before, ...args], rows: 50});
}

/** Waits for the command's end, and makes sure that its terminal is as it was and nothing is left in it. */
async function expectNothingLeft(terminal: Terminal, exitCode: number): Promise<void> {
	await terminal.waitFor(`ended with ${exitCode}`);
	expect(terminal.text()).toMatch(/isig icanon .* echo /);
	terminal.write('x\r');
	await terminal.waitFor('the shell reads <x>');
	const marking = terminal
		.raw()
		.split('\u001B[?2004')
		.slice(1)
		.map(text => text[0]);
	expect(marking).toEqual(marking.map((_, index) => (index % 2 === 0 ? 'h' : 'l')));
	expect(marking.at(-1)).toBe('l');
	expect(terminal.raw()).not.toContain('canary');
}

it('a paste with line breaks is one secret however slowly it comes, and nothing of it is left to the shell', async () => {
	const state = emptyState();
	const terminal = inShell(state, setup);
	await terminal.waitFor('and paste what it prints');
	terminal.write(`${start}${setupToken.slice(0, 73)}\r`);
	// Longer than two lines of one paste may be apart where nothing marks it.
	await sleep(300);
	terminal.write(`${setupToken.slice(73)}\r${end}`);
	await terminal.waitFor('101 characters: looks complete. Enter takes it.');
	terminal.write('\r');
	await terminal.waitFor('Stored: anthropic:default');
	await expectNothingLeft(terminal, 0);
	expect(stored(state, 'anthropic:default').token).toBe(setupToken);
});

it('a marker may be broken anywhere', async () => {
	const terminal = openProgram(emptyState(), setup, {rows: 60});
	await terminal.waitFor('and paste what it prints');
	for (let at = 1; at < start.length; at++) {
		// Each a little longer, so that each is told of in its own way.
		const body = `canary\r${'x'.repeat(at)}\r`;
		await terminal.press(start.slice(0, at), `${start.slice(at)}${body}${end.slice(0, at)}`, end.slice(at));
		await terminal.waitFor(`${6 + at} characters: not like others`);
		terminal.write('\r');
		await terminal.waitFor(text => text.split('That is no setup token').length === at + 1);
	}
	expect(terminal.raw()).not.toMatch(/canary|200~|201~|xx/);
	terminal.write('\u0003');
	expect(await terminal.exited).toEqual({exitCode: 130});
});

it('a secret that no terminal marks and that may have been cut waits for its rest', async () => {
	const state = emptyState();
	const terminal = inShell(state, setup);
	await terminal.waitFor('and paste what it prints');
	terminal.write(`${setupToken.slice(0, 73)}\r`);
	await terminal.waitFor('73 characters: shorter than usual (73 of 80 characters): it may have been cut.');
	terminal.write(setupToken.slice(73));
	terminal.write('\r');
	await terminal.waitFor('Stored: anthropic:default');
	await expectNothingLeft(terminal, 0);
	expect(stored(state, 'anthropic:default').token).toBe(setupToken);
});

it.each([
	['Enter keeps it as it is', '', 73],
	['the whole of it takes its place', setupToken, 101],
])('of one that may have been cut %s', async (_what, more, length) => {
	const state = emptyState();
	const terminal = openProgram(state, setup);
	await terminal.waitFor('and paste what it prints');
	terminal.write(`${setupToken.slice(0, 73)}\r`);
	await terminal.waitFor('press Enter to keep it as it is.');
	terminal.write(`${more}\r`);
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(stored(state, 'anthropic:default').token).toBe(setupToken.slice(0, length));
});

it('what comes behind the secret is dropped, and that is told', async () => {
	const state = emptyState();
	const terminal = inShell(state, [...login, 'groq']);
	await terminal.waitFor('Paste the API key of Groq');
	terminal.write(`gsk_${canary('key')}\r`);
	await terminal.waitFor('Stored: groq:default');
	terminal.write('canary-rest');
	await terminal.waitFor('11 more characters came, and were dropped');
	await expectNothingLeft(terminal, 0);
	expect(stored(state, 'groq:default').key).toBe(`gsk_${canary('key')}`);
});

it('a paste that is under way when the browser ends the login goes to nobody', async () => {
	const sandbox = await openSandbox();
	const terminal = inShell(sandbox, [...login, 'acme', '--no-browser']);
	await terminal.waitFor('press Enter:');
	const link = /\r\n(http\S+)\r\n/.exec(terminal.raw())?.[1] ?? '';
	terminal.write(`${start}http://127.0.0.1/?code=canary\r`);
	await visit(link);
	await terminal.waitFor(`Logged in: acme:${firstAccount}`);
	terminal.write(`canary\r${end}`);
	await expectNothingLeft(terminal, 0);
});

it('finish asks for the address at a terminal, a long one too', async () => {
	const sandbox = await openSandbox();
	const waiting = openProgram(sandbox, [...login, 'acme', '--no-browser']);
	await waiting.waitFor('press Enter:');
	const address = await redirectFrom(/\r\n(http\S+)\r\n/.exec(waiting.raw())?.[1] ?? '');
	const terminal = inShell(sandbox, ['models', 'auth', 'finish', '-']);
	await terminal.waitFor('press Enter:');
	// More than a terminal takes as one line by itself.
	terminal.paste(`${address.replace('?', `?long=${'x'.repeat(5000)}\n&`)}\n`);
	await terminal.waitFor(/state=/);
	terminal.write('\r');
	await terminal.waitFor(`Logged in: acme:${firstAccount}`);
	await expectNothingLeft(terminal, 0);
	await waiting.waitFor(`Logged in: acme:${firstAccount}`);
	const cancelled = openProgram(sandbox, ['models', 'auth', 'finish', '-']);
	await cancelled.waitFor('press Enter:');
	cancelled.write('\u0003');
	expect(await cancelled.exited).toEqual({exitCode: 130});
});

it.each<[string, (terminal: Terminal) => void, number]>([
	['^C', terminal => terminal.write('\u0003'), 130],
	['^C in a paste without an end', terminal => terminal.write(`${start}canary\r\u0003`), 130],
	['^D', terminal => terminal.write('\u0004'), 1],
])('%s gives the terminal back as it was', async (_how, end, exitCode) => {
	const terminal = inShell(emptyState(), setup);
	await terminal.waitFor('and paste what it prints');
	end(terminal);
	await expectNothingLeft(terminal, exitCode);
});

it('^Z does, too, and the question is there again behind it', async () => {
	const state = emptyState();
	const {command, args} = witnessed();
	const script = `set -m; ${args[1]?.replace('code=$?;', 'stty -a; echo stopped; fg >/dev/null; code=$?;')}`;
	const terminal = openProgram(state, [], {
		command,
		args: ['-c', script, ...args.slice(2), ...setup],
		rows: 50,
	});
	await terminal.waitFor('and paste what it prints');
	terminal.write('\u001A');
	await terminal.waitFor('stopped');
	expect(terminal.text()).toMatch(/isig icanon .* echo /);
	await terminal.waitFor(() => terminal.raw().split('\u001B[?2004h').length === 3);
	terminal.paste(`${setupToken}\n`);
	await terminal.waitFor('looks complete. Enter takes it.');
	terminal.write('\r');
	await terminal.waitFor('ended with 0');
	expect(terminal.raw()).not.toContain('canary');
});
