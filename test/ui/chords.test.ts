import {type Key, useInput} from 'ink';
import {render} from 'ink-testing-library';
import {createElement} from 'react';
import {expect, onTestFinished, test} from 'vitest';
import {keyPresses} from '../../source/ui/chords.ts';
import {soon} from '../screens/render-app.tsx';

function Reader({hear}: {readonly hear: (chords: readonly string[]) => void}) {
	useInput((input, key) => hear(keyPresses(input, key).map(press => press.chord)));
	return null;
}

/** The chords of what a terminal sends, read by the real Ink. */
async function chordsOf(...pieces: readonly string[]): Promise<string[]> {
	const chords: string[] = [];
	const {stdin, unmount} = render(createElement(Reader, {hear: heard => chords.push(...heard)}));
	onTestFinished(unmount);
	for (const piece of pieces) {
		const before = chords.length;
		stdin.write(piece);
		await soon(() => expect(chords.length).toBeGreaterThan(before));
	}
	return chords;
}

test.each([
	['\u001b[A', 'up'],
	['\u001bOB', 'down'],
	['\u001b[C', 'right'],
	['\u001b[D', 'left'],
	['\u001b[5~', 'pageup'],
	['\u001b[6~', 'pagedown'],
	['\u001b[H', 'home'],
	['\u001b[F', 'end'],
	['\u001b[1;2A', 'shift+up'],
	['\u001b[1;2B', 'shift+down'],
	['\u001b[Z', 'shift+tab'],
	['\t', 'tab'],
	['\r', 'enter'],
	['\n', 'enter'],
	['\u001b', 'esc'],
	['\u007f', 'backspace'],
	['\b', 'backspace'],
	['\u001b[3~', 'delete'],
	[' ', 'space'],
	['\u0001', 'ctrl+a'],
	['\u0003', 'ctrl+c'],
	['\u0015', 'ctrl+u'],
	['\u001a', 'ctrl+z'],
	['\u001bb', 'alt+b'],
	['é', 'é'],
	['?', '?'],
])('the bytes %j are the key %s', async (bytes, chord) => {
	expect(await chordsOf(bytes)).toEqual([chord]);
});

test('large letters are keys of their own', async () => {
	expect(await chordsOf('D', 'd')).toEqual(['D', 'd']);
});

test('keys that arrive in one piece are all there, in their order', async () => {
	expect(await chordsOf('jj\rq')).toEqual(['j', 'j', 'enter', 'q']);
	expect(await chordsOf('\u001b[B\u001b[B\u001b[A')).toEqual(['down', 'down', 'up']);
	expect(await chordsOf('ab\u007f\u007f')).toEqual(['a', 'b', 'backspace', 'backspace']);
	expect(await chordsOf('j\u001b[Bk')).toEqual(['j', 'down', 'k']);
});

test('a run is split between what a person sees as characters', () => {
	const presses = keyPresses('a漢👩‍👩‍👧e\u0301\r\n', noKey());
	expect(presses.map(press => press.chord)).toEqual(['a', '漢', '👩‍👩‍👧', 'e\u0301', 'enter']);
});

test('only keys that stand for a character type it', () => {
	expect(keyPresses('x ', noKey()).map(press => press.text)).toEqual(['x', ' ']);
	expect(keyPresses('', noKey({upArrow: true}))).toEqual([{chord: 'up', text: ''}]);
	expect(keyPresses('a', noKey({ctrl: true}))).toEqual([{chord: 'ctrl+a', text: ''}]);
	expect(keyPresses('\t', noKey())).toEqual([{chord: 'tab', text: ''}]);
});

test('a modifier alone is no key', () => {
	expect(keyPresses('', noKey({ctrl: true}))).toEqual([]);
	expect(keyPresses('', noKey())).toEqual([]);
});

function noKey(pressed: Partial<Key> = {}): Key {
	return {
		...{upArrow: false, downArrow: false, leftArrow: false, rightArrow: false},
		...{pageDown: false, pageUp: false, home: false, end: false, return: false, escape: false},
		...{ctrl: false, shift: false, tab: false, backspace: false, delete: false, meta: false},
		...{super: false, hyper: false, capsLock: false, numLock: false},
		...pressed,
	};
}
