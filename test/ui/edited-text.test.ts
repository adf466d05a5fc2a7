import fc from 'fast-check';
import {expect, test} from 'vitest';
import {type EditedText, editText, emptyText, insert, textAtEnd} from '../../source/ui/edited-text.ts';

const editingChords = [
	...['backspace', 'delete', 'left', 'right', 'home', 'end'],
	...['ctrl+a', 'ctrl+e', 'ctrl+u', 'ctrl+k', 'ctrl+w'],
];

const family = '👩‍👩‍👧‍👦';

/** `ab|c`: a text with its cursor. */
function marked(text: string): EditedText {
	return {text: text.replace('|', ''), cursor: text.indexOf('|')};
}

function shown({text, cursor}: EditedText): string {
	return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
}

function afterKeys(start: EditedText, ...chords: readonly string[]): EditedText {
	return chords.reduce((edited, chord) => editText(edited, chord) ?? edited, start);
}

test.each([
	['ab|c', 'backspace', 'a|c'],
	['|abc', 'backspace', '|abc'],
	['ab|c', 'delete', 'ab|'],
	['abc|', 'delete', 'abc|'],
	['ab|c', 'left', 'a|bc'],
	['|abc', 'left', '|abc'],
	['ab|c', 'right', 'abc|'],
	['abc|', 'right', 'abc|'],
	['ab|c', 'home', '|abc'],
	['ab|c', 'end', 'abc|'],
	['ab|c', 'ctrl+a', '|abc'],
	['ab|c', 'ctrl+e', 'abc|'],
	['ab|c', 'ctrl+u', '|c'],
	['ab|c', 'ctrl+k', 'ab|'],
	['acme:maya@example.test|', 'ctrl+w', 'acme:maya@example.|'],
	['acme:maya@example.|', 'ctrl+w', 'acme:maya@|'],
	['one two|', 'ctrl+w', 'one |'],
	['one  |two', 'ctrl+w', '|two'],
	[`a${family}|b`, 'backspace', 'a|b'],
	[`|${family}b`, 'delete', '|b'],
	[`a${family}|b`, 'left', `a|${family}b`],
	[`|${family}b`, 'right', `${family}|b`],
	['e\u0301|x', 'backspace', '|x'],
	['漢字|', 'backspace', '漢|'],
	['🇩🇪|', 'backspace', '|'],
])('%j with %s is %j', (before, chord, after) => {
	expect(shown(afterKeys(marked(before), chord))).toBe(after);
});

test('keys that edit nothing change nothing', () => {
	for (const chord of ['j', 'enter', 'ctrl+z', 'toString', 'constructor', '__proto__']) {
		expect(editText(marked('a|b'), chord)).toBeUndefined();
	}
});

test('what is typed goes in at the cursor', () => {
	expect(shown(insert(marked('a|c'), 'b'))).toBe('ab|c');
	expect(shown(insert(textAtEnd('ab'), 'c'))).toBe('abc|');
	expect(shown(insert(emptyText, '漢'))).toBe('漢|');
});

test('line breaks and control characters are left out of a paste', () => {
	expect(insert(emptyText, 'a\r\nb\tc\u0000d\u001b[31me\u0085f\u007f').text).toBe('abcd[31mef');
});

const anyText = fc.string({
	unit: fc.constantFrom('a', ' ', ':', '@', '漢', '👍🏽', family, 'e\u0301', '🇩🇪', '\u001b', '\n'),
});

test('however it is edited, the cursor stays in the text, no character is cut in half and none is a control', () => {
	const step = fc.oneof(
		fc.constantFrom(...editingChords).map(chord => (edited: EditedText) => afterKeys(edited, chord)),
		anyText.map(typed => (edited: EditedText) => insert(edited, typed)),
	);
	fc.assert(
		fc.property(fc.array(step, {maxLength: 40}), steps => {
			let edited = emptyText;
			for (const apply of steps) {
				edited = apply(edited);
				expect(edited.cursor).toBeGreaterThanOrEqual(0);
				expect(edited.cursor).toBeLessThanOrEqual(edited.text.length);
				expect(edited.text.isWellFormed()).toBe(true);
				expect(edited.text.slice(0, edited.cursor).isWellFormed()).toBe(true);
				expect(edited.text).not.toMatch(/\p{Cc}/u);
			}
		}),
	);
});

test('as many steps lead back as lead there, from both ends and by deleting', () => {
	fc.assert(
		fc.property(anyText, typed => {
			const full = insert(emptyText, typed);
			const count = [...new Intl.Segmenter(undefined, {granularity: 'grapheme'}).segment(full.text)].length;
			const times = (chord: string) => Array.from({length: count}, () => chord);
			expect(afterKeys(full, ...times('left'))).toEqual({text: full.text, cursor: 0});
			expect(afterKeys(full, 'home', ...times('right'))).toEqual(full);
			expect(afterKeys(full, ...times('backspace'))).toEqual(emptyText);
			expect(afterKeys(full, 'home', ...times('delete'))).toEqual(emptyText);
		}),
	);
});
