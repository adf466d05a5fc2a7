import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import stringWidth from 'string-width';
import {afterEach, expect, test, vi} from 'vitest';
import type {Cell} from './cell.ts';
import {openTerminal, type Terminal, type TerminalOptions} from './terminal.ts';

const open: Terminal[] = [];

afterEach(async () => {
	vi.unstubAllEnvs();
	await Promise.all(open.splice(0).map(terminal => terminal.close()));
});

function start(command: string, args: readonly string[], options: Partial<TerminalOptions> = {}): Terminal {
	const terminal = openTerminal({command, args, ...options});
	open.push(terminal);
	return terminal;
}

function node(script: string, options: Partial<TerminalOptions> = {}): Terminal {
	return start(process.execPath, ['-e', script], options);
}

/** A shell without anybody's settings. */
function shell(options: Partial<TerminalOptions> = {}): Terminal {
	return start('sh', [], {env: {PS1: '> ', ENV: undefined}, ...options});
}

/** Prints, and keeps running until it is killed. */
function printing(text: string, options: Partial<TerminalOptions> = {}): Terminal {
	return node(`process.stdout.write(${JSON.stringify(text)}); setInterval(() => {}, 1e6)`, options);
}

test('shows what a program prints, one string per row', async () => {
	const terminal = printing('first  \n  second', {columns: 20, rows: 3});
	const text = await terminal.waitFor('second');
	expect(text).toBe('first\n  second\n');
	expect(terminal.screen()).toEqual(['first', '  second', '']);
	expect(terminal.text()).toBe(text);
	expect(terminal.cursor()).toEqual({column: 8, row: 1});
	// The line feed went through the terminal's line discipline.
	expect(terminal.raw()).toBe('first  \r\n  second');
	expect(terminal.cells()).toHaveLength(3);
	expect(terminal.cells()[0]).toHaveLength(20);
});

test('shows the last rows of longer output', async () => {
	const terminal = printing('1\r\n2\r\n3\r\n4', {rows: 2});
	await terminal.waitFor('4');
	expect(terminal.screen()).toEqual(['3', '4']);
});

test('a wide character takes two cells', async () => {
	const terminal = printing('a日本b');
	await terminal.waitFor('a日本b');
	expect(
		terminal
			.cells()[0]
			?.slice(0, 6)
			.map(({char, width}) => [char, width]),
	).toEqual([
		['a', 1],
		['日', 2],
		['', 0],
		['本', 2],
		['', 0],
		['b', 1],
	]);
});

test.each([
	['emoji', '🙂✅🚀'],
	['text and emoji style', '⚠⚠️ 1️⃣'],
	['joined emoji', '👨‍👩‍👧🧑‍💻'],
	['skin tones', '👍🏽👍'],
	['flags', '🇩🇪🇫🇷🇯🇵'],
	['combining marks', 'e\u0301 n\u0303 k'],
	['Korean and fullwidth', '한국Ａ'],
	['symbols of one column', '●○▲▼→│✔✖…'],
])('measures as programs do: %s', async (_, text) => {
	const terminal = printing(`${text}|`);
	await terminal.waitFor('|');
	expect(terminal.screen()[0]).toBe(`${text}|`);
	expect(terminal.cursor().column).toBe(stringWidth(text) + 1);
});

test('reads colours and styles', async () => {
	const terminal = printing(
		'\u{1b}[31ma\u{1b}[0m\u{1b}[92;44mb\u{1b}[0m\u{1b}[38;5;208mc\u{1b}[0m\u{1b}[38;2;1;2;255;48;2;0;0;0md\u{1b}[0m' +
			'\u{1b}[1me\u{1b}[0m\u{1b}[2mf\u{1b}[0m\u{1b}[3mg\u{1b}[0m\u{1b}[4mh\u{1b}[0m\u{1b}[7mi\u{1b}[0mj',
	);
	await terminal.waitFor('abcdefghij');
	const plain: Cell = {
		char: 'j',
		width: 1,
		fg: 'default',
		bg: 'default',
		bold: false,
		dim: false,
		italic: false,
		underline: false,
		inverse: false,
	};
	expect(terminal.cells()[0]?.slice(0, 11)).toEqual([
		{...plain, char: 'a', fg: 1},
		{...plain, char: 'b', fg: 10, bg: 4},
		{...plain, char: 'c', fg: 208},
		{...plain, char: 'd', fg: '#0102ff', bg: '#000000'},
		{...plain, char: 'e', bold: true},
		{...plain, char: 'f', dim: true},
		{...plain, char: 'g', italic: true},
		{...plain, char: 'h', underline: true},
		{...plain, char: 'i', inverse: true},
		plain,
		{...plain, char: ' '},
	]);
});

test('goes to the alternate screen and back', async () => {
	const terminal = shell();
	await terminal.waitFor('>');
	terminal.write('echo before\r');
	// What is typed before the prompt is there would be echoed above it, and the prompt then come before "after".
	await terminal.waitFor(/^before\n>/m);
	expect(terminal.buffer()).toBe('normal');
	const inside = String.raw`printf '\033[?1049h\033[Hinside'; read line; printf '\033[?1049l'; echo after`;
	terminal.write(`${inside}\r`);
	await terminal.waitFor(/^inside/);
	expect(terminal.buffer()).toBe('alternate');
	expect(terminal.text()).not.toContain('before');
	terminal.write('\r');
	await terminal.waitFor(/^after$/m);
	expect(terminal.buffer()).toBe('normal');
	expect(terminal.text()).toMatch(/^before$/m);
});

test('the program sees its size and every change of it', async () => {
	const terminal = node(
		`const show = () => console.log('size', process.stdout.columns, process.stdout.rows);
		process.stdout.on('resize', show); show(); setInterval(() => {}, 1e6)`,
		{columns: 90, rows: 20},
	);
	await terminal.waitFor('size 90 20');
	terminal.resize(61, 12);
	await terminal.waitFor('size 61 12');
	expect(terminal.screen()).toHaveLength(12);
	expect(terminal.cells()[0]).toHaveLength(61);
});

test('a narrower screen shows no more than its columns', async () => {
	const terminal = printing('\u{1b}[?1049h\u{1b}[H0123456789');
	await terminal.waitFor('0123456789');
	terminal.resize(4, 5);
	expect(terminal.screen()).toEqual(['0123', '', '', '', '']);
	expect(terminal.cells()[0]?.map(({char}) => char)).toEqual(['0', '1', '2', '3']);
});

const pasteReader = `process.stdin.setRawMode(true);
	process.stdin.on('data', data => console.log(JSON.stringify(String(data))));`;

test('pastes in brackets only if the program asked for it', async () => {
	const bracketed = node(`${pasteReader} process.stdout.write('\u{1b}[?2004hready\\n')`);
	await bracketed.waitFor('ready');
	bracketed.paste('one\ntwo\u{1b}[201~three');
	await bracketed.waitFor(JSON.stringify('\u{1b}[200~one\rtwo\u{241b}[201~three\u{1b}[201~'));

	const plain = node(`${pasteReader} console.log('ready')`);
	await plain.waitFor('ready');
	plain.paste('one\r\ntwo');
	await plain.waitFor(JSON.stringify('one\rtwo'));
});

test('presses keys one by one, each after the answer to the one before', async () => {
	const terminal = node(`process.stdin.setRawMode(true);
		const busy = new Int32Array(new SharedArrayBuffer(4));
		process.stdin.on('data', data => {
			Atomics.wait(busy, 0, 0, 60);
			if (String(data) === 'q') process.exit();
			console.log(JSON.stringify(String(data)));
		});
		console.log('ready')`);
	await terminal.waitFor('ready');
	await terminal.press('a', 'b', '\r', '\u{1b}', '\u{1b}[B');
	expect(terminal.screen().slice(1, 6)).toEqual(
		['a', 'b', '\r', '\u{1b}', '\u{1b}[B'].map(key => JSON.stringify(key)),
	);
	await terminal.press('q', 'r');
	expect(await terminal.exited).toEqual({exitCode: 0});
});

test('presses on when a key has no effect', async () => {
	const terminal = node(`process.stdin.setRawMode(true);
		process.stdin.on('data', data => { if (String(data) === 'b') console.log('b pressed'); });
		console.log('ready')`);
	await terminal.waitFor('ready');
	await terminal.press('a', 'b');
	expect(terminal.text()).toContain('b pressed');
});

test('answers what programs ask a terminal', async () => {
	const terminal = node(`process.stdin.setRawMode(true);
		process.stdin.once('data', data => { console.log(JSON.stringify(String(data))); process.exit(); });
		process.stdout.write('at\u{1b}[6n')`);
	await terminal.exited;
	expect(terminal.text()).toContain(JSON.stringify('\u{1b}[1;3R'));
});

test('tells how the program ended, with its last output on the screen', async () => {
	const failing = start('sh', ['-c', 'seq 1 5000; echo the end; exit 3']);
	expect(await failing.exited).toEqual({exitCode: 3});
	expect(failing.text()).toContain('the end');

	const killed = printing('ready');
	await killed.waitFor('ready');
	killed.kill('SIGTERM');
	expect(await killed.exited).toEqual({exitCode: 0, signal: 15});
	killed.write('too late');
	killed.resize(10, 10);
	killed.kill('SIGTERM');
});

test('a command that does not exist ends with the reason on the screen', async () => {
	const terminal = start('no-such-program', []);
	expect(await terminal.exited).toEqual({exitCode: 1});
	expect(terminal.text()).toContain('No such file or directory');
});

test('waitFor rejects with the screen when the program ends first', async () => {
	const terminal = start('sh', ['-c', 'echo not what you hoped for; read line; exit 7']);
	const waiting = terminal.waitFor('never');
	terminal.write('\r');
	await expect(waiting).rejects.toThrow(
		/ended \(exit code 7\) waiting for "never"\. Screen:\n.*│ not what you hoped for$/s,
	);
	await expect(terminal.waitFor(/neither/)).rejects.toThrow('ended (exit code 7) waiting for /neither/');
	await expect(terminal.waitFor('hoped')).resolves.toContain('hoped');
});

test('waitFor rejects with the screen after its timeout, from where it was called', async () => {
	const terminal = printing('only this');
	await terminal.waitFor('only this');
	const error: unknown = await terminal.waitFor(() => false, {timeoutMs: 1}).catch(error => error);
	expect(error).toMatchObject({
		message: 'Timed out after 1 ms waiting for a condition. Screen:\n│ only this',
		stack: expect.stringContaining('terminal.test.ts'),
	});
});

test('waitFor takes strings, expressions and predicates, and waits for things to go', async () => {
	const terminal = node(`process.stdin.once('data', () => console.log('\u{1b}[2J\u{1b}[Hcleared'));
		console.log('shown')`);
	const expression = /shown/g;
	await terminal.waitFor(expression);
	await terminal.waitFor(expression);
	await terminal.waitFor(text => text.startsWith('shown'));
	const gone = terminal.waitFor('shown', {gone: true});
	terminal.write('\r');
	await expect(gone).resolves.toContain('cleared');
	await expect(terminal.waitFor('cleared', {gone: true, timeoutMs: 1})).rejects.toThrow('"cleared" to go');
});

test('waitFor passes on what its predicate throws', async () => {
	const terminal = printing('x');
	const waiting = terminal.waitFor(text => {
		if (text.includes('x')) {
			throw new RangeError('no x please');
		}

		return false;
	});
	await expect(waiting).rejects.toThrow(RangeError);
});

test('looks at whole synchronized updates only, at every one of them', async () => {
	const terminal = node(`process.stdin.setRawMode(true);
		const steps = ['\u{1b}[?2026hhalf', ' done\u{1b}[?2026l\u{1b}[?2026h\u{1b}[2J\u{1b}[Hnext', '\u{1b}[?2026l'];
		process.stdin.on('data', () => process.stdout.write(steps.shift()));
		process.stdout.write('ready\\r\\n')`);
	await terminal.waitFor('ready');
	const half = terminal.waitFor('half');
	const next = terminal.waitFor('next');
	const seen: string[] = [];
	half.then(text => seen.push(text.trimEnd()));
	next.then(text => seen.push(text.trimEnd()));
	terminal.write('1');
	await expect.poll(() => terminal.text()).toContain('half');
	expect(seen).toEqual([]);
	await expect(terminal.waitFor('half', {timeoutMs: 1})).rejects.toThrow('Timed out');
	terminal.write('2');
	expect((await half).trimEnd()).toBe('ready\nhalf done');
	terminal.write('3');
	await next;
	expect(seen).toEqual(['ready\nhalf done', 'next']);
});

test('the program gets the environment of a plain terminal, with changes', async () => {
	vi.stubEnv('CI', 'true');
	vi.stubEnv('SSH_TTY', '/dev/null');
	const terminal = node(
		`const {CI, SSH_TTY, VITEST, NODE_ENV, PATH, TERM, COLORTERM, LANG, HOME, ADDED} = process.env;
		console.log(JSON.stringify({CI, SSH_TTY, VITEST, NODE_ENV, TERM, COLORTERM, LANG, HOME, ADDED, path: PATH !== undefined}))`,
		{columns: 400, env: {HOME: undefined, ADDED: 'yes'}},
	);
	await terminal.exited;
	expect(JSON.parse(terminal.screen()[0] ?? '')).toEqual({
		TERM: 'xterm-256color',
		LANG: 'C.UTF-8',
		ADDED: 'yes',
		path: true,
	});
});

test('close kills the program and the children it left behind', async () => {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const connected = once(server, 'connection');
	const {port} = server.address() as AddressInfo;
	const child = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => {}); process.on('SIGHUP', () => {})`;
	const terminal = start('sh', ['-c', `trap '' HUP; "$0" -e "$1" & wait`, process.execPath, child]);
	const [socket]: Socket[] = await connected;
	// The child's end of the connection closes when the child ends.
	const childEnded = new Promise(resolve =>
		socket
			?.on('error', () => {})
			.on('close', resolve)
			.resume(),
	);
	await terminal.close();
	expect(await terminal.exited).toMatchObject({signal: 9});
	await childEnded;
	await terminal.close();
	server.close();
});
