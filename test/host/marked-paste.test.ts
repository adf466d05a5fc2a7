import fc from 'fast-check';
import {expect, test} from 'vitest';
import {asOneLine, fromOneLine, pasteReader} from '../../source/host/marked-paste.ts';

const start = '\u001B[200~';
const end = '\u001B[201~';

/** What is read of chunks: keys that came behind each other are one text. */
function readAll(chunks: readonly string[]) {
	const reader = pasteReader();
	const read: {text: string; isPasted: boolean}[] = [];
	for (const piece of chunks.flatMap(chunk => reader.read(chunk))) {
		const last = read.at(-1);
		if (last && !last.isPasted && !piece.isPasted) last.text += piece.text;
		else read.push({...piece});
	}
	return {read, isOpen: reader.isOpen()};
}

function everySplit(text: string): string[][] {
	return Array.from({length: text.length + 1}, (_, at) => [text.slice(0, at), text.slice(at)]);
}

const sent = `ab${start}one\rtwo\r${end}\r${start}three${end}z\r`;
const meant = [
	{text: 'ab', isPasted: false},
	{text: 'one\rtwo\r', isPasted: true},
	{text: '\r', isPasted: false},
	{text: 'three', isPasted: true},
	{text: 'z\r', isPasted: false},
];

test('pastes are told from keys, however what is sent is broken', () => {
	for (const chunks of [[sent], [...sent], ...everySplit(sent)])
		expect(readAll(chunks)).toEqual({read: meant, isOpen: false});
});

test('nothing of any text is lost or moved, whatever is in it', () => {
	const text = fc.string({unit: fc.constantFrom('a', '\r', '\u001B', '[', '2', '0', '1', '~', 'é')});
	const cuts = fc.array(fc.nat(30));
	fc.assert(
		fc.property(text, text, cuts, (typed, pasted, lengths) => {
			fc.pre(![typed, pasted].some(some => some.includes('0~') || some.includes('1~')));
			// An Enter behind it tells that an escape at the end begins no marker.
			let whole = `${typed}\r${start}${pasted}${end}\r`;
			const chunks: string[] = [];
			for (const length of lengths) {
				chunks.push(whole.slice(0, length));
				whole = whole.slice(length);
			}
			expect(readAll([...chunks, whole]).read).toEqual([
				{text: `${typed}\r`, isPasted: false},
				{text: pasted, isPasted: true},
				{text: '\r', isPasted: false},
			]);
		}),
	);
});

test('a paste whose end is missing is open until ^C', () => {
	expect(readAll([`${start}one\r`, 'two'])).toEqual({read: [], isOpen: true});
	expect(readAll([`${start}one\r`, 'two', '\u0003'])).toEqual({
		...{read: [{text: '\u0003', isPasted: false}], isOpen: false},
	});
});

test.each([
	['one\r\ntwo\rthree\n\n', 'one\ntwo\nthree'],
	['a\tb\u001B[31mc\u0007\u2028d', 'a bc\nd'],
	['\nkey', '\nkey'],
])('%j is one line, which stands for %j', (pasted, text) => {
	const line = asOneLine(pasted);
	expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
	expect(fromOneLine(line)).toBe(text);
});
