import fc from 'fast-check';
import {renderToString} from 'ink';
import stringWidth from 'string-width';
import {describe, expect, it, test} from 'vitest';
import {TextField, visiblePart} from '../../source/components/text-field.tsx';
import {type EditedText, textAtEnd} from '../../source/ui/edited-text.ts';

const draw = (field: EditedText, placeholder?: string) =>
	renderToString(<TextField field={field} width={10} {...(placeholder ? {placeholder} : {})} />, {
		columns: 20,
	});

describe('a field', () => {
	test('shows what is typed, or else what could be', () => {
		expect(draw(textAtEnd('acme:a'))).toBe('acme:a');
		expect(draw(textAtEnd(''), 'work')).toBe('work');
		expect(draw(textAtEnd(''), 'a placeholder that is long')).toBe('a placeho…');
	});

	test('shows the end of a long text while the cursor is there, and the beginning when it is there', () => {
		expect(draw(textAtEnd('abcdefghijklmno'))).toBe('ghijklmno');
		expect(draw({text: 'abcdefghijklmno', cursor: 0})).toBe('abcdefghi');
		expect(draw(textAtEnd('漢字かな漢字かな'))).toBe('漢字かな');
	});
});

describe('the part of a text that is visible', () => {
	const anyText = fc.string({unit: fc.constantFrom('a', '漢', 'e\u0301', 'b', ' '), maxLength: 60});
	const anyField = fc.tuple(anyText, fc.nat()).map(([text, at]) => ({text, cursor: at % (text.length + 1)}));

	test('fits, and the cursor stands in it', () => {
		fc.assert(
			fc.property(anyField, fc.integer({min: 2, max: 30}), (field, columns) => {
				const {text, before} = visiblePart(field, columns);
				expect(stringWidth(text)).toBeLessThanOrEqual(columns);
				expect(before).toBeLessThanOrEqual(stringWidth(text));
				expect(field.text).toContain(text);
			}),
		);
	});

	// It is cut between UTF-16 units, so that half of an emoji may be left over.
	it('never begins or ends within a character', () => {
		for (let columns = 2; columns < 20; columns++) {
			expect(visiblePart(textAtEnd('🎉'.repeat(12)), columns).text.isWellFormed()).toBe(true);
			expect(visiblePart({text: '🎉'.repeat(12), cursor: 0}, columns).text.isWellFormed()).toBe(true);
		}
	});
});
