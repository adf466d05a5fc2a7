import fc from 'fast-check';
import stringWidth from 'string-width';
import {describe, expect, it, test} from 'vitest';
import {bar} from '../../source/components/bar.ts';
import {around, fit as fitted, wrapHanging, wrapWords} from '../../source/components/fit.ts';

describe('a text that is fitted', () => {
	test.each([
		['abc', 5, 'left', 'abc  '],
		['abc', 5, 'right', '  abc'],
		['abcdef', 4, 'left', 'abc…'],
		['abc', 3, 'left', 'abc'],
		['abc', 0, 'left', ''],
		['abc', 1, 'left', '…'],
		['漢字かな', 8, 'left', '漢字かな'],
		['漢字かな', 7, 'left', '漢字か…'],
		['漢字かな', 6, 'left', '漢字… '],
		['漢字', 6, 'right', '  漢字'],
		['👩‍👩‍👧‍👦x', 4, 'left', '👩‍👩‍👧‍👦x '],
		['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, 'left', '👩‍👩‍👧‍👦…'],
		['e\u0301e\u0301e\u0301', 2, 'left', 'e\u0301…'],
	] as const)('%j in %d columns, to the %s, is %j', (text, columns, align, result) => {
		expect(fitted(text, columns, align)).toBe(result);
	});

	const anyText = fc.string({
		unit: fc.constantFrom('a', ' ', '漢', 'é', 'e\u0301', '👍🏽', '👩‍👩‍👧‍👦', '🇩🇪', '⚠️', 'ש', 'م', 'ｶ'),
		maxLength: 80,
	});

	test('takes exactly the columns that it is given', () => {
		fc.assert(
			fc.property(
				anyText,
				fc.integer({min: 0, max: 60}),
				fc.constantFrom('left', 'right'),
				(text, columns, align) => {
					expect(stringWidth(fitted(text, columns, align as 'left' | 'right'))).toBe(columns);
				},
			),
		);
	});
});

describe('words that are wrapped', () => {
	test.each([
		['one two three', 20, ['one two three']],
		['one two three', 7, ['one two', 'three']],
		['漢字 かな', 4, ['漢字', 'かな']],
		['', 5, ['']],
	])('%j in %d columns', (text, columns, lines) => {
		expect(wrapWords(text, columns)).toEqual(lines);
	});

	test('are all there while each fits, and no line is too long', () => {
		const word = fc.string({unit: fc.constantFrom('a', 'b', '漢', '.'), minLength: 1, maxLength: 5});
		fc.assert(
			fc.property(fc.array(word, {maxLength: 20}), fc.integer({min: 10, max: 40}), (words, columns) => {
				const text = words.join(' ');
				const lines = wrapWords(text, columns);
				expect(lines.join(' ')).toBe(text);
				for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
			}),
		);
	});

	// A name that has to be typed to delete it cannot be read when it is cut.
	it('that are longer than a line go on in the next', () => {
		expect(wrapWords('Type abcdefgh to do it', 5).join('').replaceAll(' ', '')).toBe('Typeabcdefghtodoit');
	});
});

describe('a bar', () => {
	test.each([
		[0, '────'],
		[0.001, '━───'],
		[0.5, '━━──'],
		[1, '━━━━'],
		[7, '━━━━'],
		[-3, '────'],
	])('of %d', (share, drawn) => {
		expect(bar(share, 4)).toBe(drawn);
	});

	test('has its length whatever it shows', () => {
		fc.assert(
			fc.property(fc.double({noNaN: true}), fc.integer({min: 1, max: 40}), (share, columns) => {
				expect(stringWidth(bar(share, columns))).toBe(columns);
			}),
		);
	});
});

describe('a word that is longer than a line', () => {
	test('begins behind the words before it where there is room, and is broken nowhere else than it must', () => {
		expect(wrapWords('Remove aaaaaaaaaabbbbbbbbbb at once', 16)).toEqual([
			'Remove aaaaaaaaa',
			'abbbbbbbbbb at',
			'once',
		]);
		// Too little is left for it there.
		expect(wrapWords('twelve words aaaaaaaaaabbbbbbbbbb', 16)).toEqual([
			'twelve words',
			'aaaaaaaaaabbbbbb',
			'bbbb',
		]);
	});

	test('loses no character, and no line is wider than it may be', () => {
		const text = `Remove acme:${'漢字'.repeat(30)} and ${'e\u0301'.repeat(70)} now`;
		for (const columns of [9, 20, 33]) {
			const lines = wrapWords(text, columns);
			for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
			expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
		}
	});
});

test('what goes on of a text with a label stands under it, and a sentence has none', () => {
	expect(wrapHanging('profile    acme:work (OAuth, first)', 24)).toEqual([
		'profile    acme:work',
		'           (OAuth,',
		'           first)',
	]);
	expect(wrapHanging('turn 2     acme:home for acme/opus', 24)).toEqual([
		'turn 2     acme:home for',
		'           acme/opus',
	]);
	expect(wrapHanging('A sentence of one blank each', 14)).toEqual(['A sentence of', 'one blank each']);
});

test('a name is cut where a sentence around it is too long, and what is said of it is not', () => {
	expect(around('next: ', 'main/acme:work', ' runs out in 5m', 60)).toBe(
		'next: main/acme:work runs out in 5m',
	);
	expect(around('next: ', 'main/acme:work', ' runs out in 5m', 30)).toBe('next: main/acm… runs out in 5m');
});
