import {afterEach, expect, test} from 'vitest';
import {parseTape, replayTape, type TapeStep} from '../../scripts/tape.ts';
import {openTerminal, type Terminal} from './terminal.ts';

const open: Terminal[] = [];

afterEach(async () => {
	await Promise.all(open.splice(0).map(terminal => terminal.close()));
});

function shell(): Terminal {
	const terminal = openTerminal({
		command: 'sh',
		args: [],
		env: {PS1: '> ', ENV: undefined},
		columns: 60,
		rows: 12,
	});
	open.push(terminal);
	return terminal;
}

/** The only step of a line, without its line number. */
function parseOne(text: string): Omit<TapeStep, 'line'> | undefined {
	const steps = parseTape(text);
	expect(steps).toHaveLength(1);
	return steps.map(({line, ...command}) => command)[0];
}

test('reads a whole tape', () => {
	const steps = parseTape(`# A recording
Output demo.gif
Output "out/demo.webm"

Set Shell bash
Set FontSize 18   # big
Set TypingSpeed 40ms
Set Theme { "name": "night", "black": "#000000" }
Set WaitPattern /[$>] $/
Env JARVIS_HOME "/tmp/a b"
Require jarvis
Hide
Type "jarvis" Enter
Wait+Screen@20s /Health/
Show
\tDown 3
Ctrl+C\r
Screenshot shots/health.png
Sleep 1.5s`);
	expect(steps).toEqual([
		{line: 2, kind: 'output', path: 'demo.gif'},
		{line: 3, kind: 'output', path: 'out/demo.webm'},
		{line: 5, kind: 'set', name: 'Shell', value: 'bash'},
		{line: 6, kind: 'set', name: 'FontSize', value: '18'},
		{line: 7, kind: 'set', name: 'TypingSpeed', value: '40ms'},
		{line: 8, kind: 'set', name: 'Theme', value: '{ "name": "night", "black": "#000000" }'},
		{line: 9, kind: 'set', name: 'WaitPattern', value: '/[$>] $/'},
		{line: 10, kind: 'env', name: 'JARVIS_HOME', value: '/tmp/a b'},
		{line: 11, kind: 'require', program: 'jarvis'},
		{line: 12, kind: 'hide'},
		{line: 13, kind: 'type', text: 'jarvis'},
		{line: 13, kind: 'key', key: 'Enter', count: 1},
		{line: 14, kind: 'wait', scope: 'screen', pattern: /Health/, timeoutMs: 20_000},
		{line: 15, kind: 'show'},
		{line: 16, kind: 'key', key: 'Down', count: 3},
		{line: 17, kind: 'ctrl', key: 'C'},
		{line: 18, kind: 'screenshot', path: 'shots/health.png'},
		{line: 19, kind: 'sleep', ms: 1500},
	]);
	expect(parseTape('')).toEqual([]);
	expect(parseTape('\n  # nothing\n')).toEqual([]);
});

test.each([
	['Type "plain"', 'plain'],
	['Type \'say "hi" `now`\'', 'say "hi" `now`'],
	[`Type \`NAME="it's" jarvis\``, `NAME="it's" jarvis`],
	['Type "# no comment"', '# no comment'],
	['Type "back\\slash\\"', 'back\\slash\\'],
	['Type ""', ''],
	['Type "日本 🙂"', '日本 🙂'],
	['Type "one" \'two\'  `three`', 'one two three'],
])('%s', (line, text) => {
	expect(parseOne(line)).toEqual({kind: 'type', text});
});

test('reads speeds, counts and times', () => {
	expect(parseOne('Type@250ms "slow"')).toEqual({kind: 'type', text: 'slow', speedMs: 250});
	expect(parseOne('Backspace@.5 12')).toEqual({kind: 'key', key: 'Backspace', count: 12, speedMs: 500});
	expect(parseOne('PageDown')).toEqual({kind: 'key', key: 'PageDown', count: 1});
	expect(parseOne('Up 2# twice')).toEqual({kind: 'key', key: 'Up', count: 2});
	expect(parseOne('Sleep 300ms')).toEqual({kind: 'sleep', ms: 300});
	expect(parseOne('Sleep 2')).toEqual({kind: 'sleep', ms: 2000});
	expect(parseOne('Sleep 1m')).toEqual({kind: 'sleep', ms: 60_000});
	expect(parseOne('Wait /x y/')).toEqual({kind: 'wait', scope: 'line', pattern: /x y/});
	expect(parseOne('Wait+Line@1m /> $/')).toEqual({
		kind: 'wait',
		scope: 'line',
		pattern: /> $/,
		timeoutMs: 60_000,
	});
});

test.each([
	['Typ "x"', 'unknown command'],
	['type "x"', 'unknown command'],
	['"x"', 'unknown command'],
	['Source other.tape', 'unknown command'],
	['Alt+x', 'unknown command'],
	['Enter2', 'unexpected "2"'],
	['Enter two', 'unknown command'],
	['Down 0', 'at least once'],
	['Down -1', 'unknown command'],
	['Down 2x', 'unknown command'],
	['Down@fast', 'expected a time after the @'],
	['Type', 'expected a text in quotes'],
	['Type bare', 'expected a text in quotes'],
	['Type "open', 'expected a text in quotes'],
	['Type "a"b', 'unexpected "b"'],
	['Type@ "a"', 'expected a time after the @'],
	['Ctrl', 'expected a + and a key'],
	['Ctrl+', 'expected a + and a key'],
	['Ctrl+1', 'expected a + and a key'],
	['Ctrl+Shift+C', 'unexpected "hift+C"'],
	['Sleep', 'expected a time'],
	['Sleep long', 'expected a time'],
	['Sleep 1.2.3', '1.2.3 is not a time'],
	['Sleep 1h', 'unexpected "h"'],
	['Wait', 'expected an expression'],
	['Wait+Page /x/', 'expected an expression'],
	['Wait+Screens /x/', 'expected an expression'],
	['Wait /x', 'expected an expression'],
	['Wait /(/', 'Invalid regular expression'],
	['Output', 'expected a name'],
	['Output demo.doc', 'not a kind of file'],
	['Screenshot shot.gif', 'not a kind of file'],
	['Require', 'expected a name'],
	['Env NAME', 'expected a text in quotes'],
	['Env NAME value', 'expected a text in quotes'],
	['Set', 'expected the name of a setting'],
	['Set Fontsize 3', 'unknown setting'],
	['Set FontSize', 'expected a value'],
	['Hide now', 'unknown command'],
])('refuses %s', (line, reason) => {
	const parse = () => parseTape(`# one\nHide\n  ${line}\nShow`);
	expect(parse).toThrow(`Line 3 of the tape: `);
	expect(parse).toThrow(reason);
	expect(parse).toThrow(`: ${line}`);
});

test('replays a tape in a shell', async () => {
	const terminal = shell();
	const shots: string[] = [];
	const steps = parseTape(`Output x.gif
Set FontSize 20
Hide
Wait /^>/
Type "echo one twox"
Backspace
Show
Enter
Wait+Screen /^> echo one two\\none two\\n>/
Screenshot a.png
Sleep 100m
Type "cat" Enter
Type "three" Enter
Ctrl+D
Wait+Screen /three\\nthree\\n>/
Screenshot b.png
Type "exit 4" Enter`);
	await replayTape(steps, terminal, {
		onScreenshot(path, {text}) {
			shots.push(path, text().trimEnd());
		},
	});
	expect(await terminal.exited).toEqual({exitCode: 4});
	expect(shots).toEqual([
		'a.png',
		'> echo one two\none two\n>',
		'b.png',
		'> echo one two\none two\n> cat\nthree\nthree\n>',
	]);
});

test('sends every key as a terminal does', async () => {
	const terminal = openTerminal({
		command: process.execPath,
		args: [
			'-e',
			`process.stdin.setRawMode(true); console.log('ready');
			process.stdin.on('data', data => console.log(data.toString('hex')))`,
		],
	});
	open.push(terminal);
	const steps = parseTape(`Wait+Screen /ready/
Tab Space Escape Up 2 Down Left Right PageUp PageDown Backspace Enter Ctrl+c Ctrl+[ Ctrl+@`);
	await replayTape(steps, terminal);
	const arrows = ['A', 'A', 'B', 'D', 'C', '5~', '6~'].map(key => `\u{1b}[${key}`);
	const keys = ['\t', ' ', '\u{1b}', ...arrows, '\u{7f}', '\r', '\u{3}', '\u{1b}', '\u{0}'];
	expect(terminal.screen().slice(1, keys.length + 1)).toEqual(
		keys.map(key => Buffer.from(key).toString('hex')),
	);
});

test('a Wait looks at the cursor’s line, or at the whole screen', async () => {
	const terminal = shell();
	await replayTape(parseTape('Type "echo found" Enter\nWait+Screen /found\\n>/'), terminal);
	await expect(replayTape(parseTape('\nWait@1ms /found/'), terminal)).rejects.toThrow(
		/^Line 2 of the tape, \/found\/ on the line: Timed out after 1 ms.*│ found/s,
	);
	await expect(replayTape(parseTape('Wait+Screen /lost/'), terminal, {timeoutMs: 1})).rejects.toThrow(
		/^Line 1 of the tape, \/lost\/ on the screen: Timed out after 1 ms/,
	);
});
