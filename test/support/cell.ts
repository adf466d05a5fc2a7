import type {IBuffer, IBufferCell, IUnicodeVersionProvider} from '@xterm/headless';
import stringWidth from 'string-width';

/** The terminal's own default, an index into the 256-colour palette, or a true colour as `#rrggbb`. */
export type Color = 'default' | number | `#${string}`;

/** One cell of a terminal screen. */
export interface Cell {
	/** What the cell shows: a grapheme, a space when empty, '' in the second half of a wide character. */
	readonly char: string;
	/** 2 for a wide character, 0 for the cell after it, else 1. */
	readonly width: number;
	readonly fg: Color;
	readonly bg: Color;
	readonly bold: boolean;
	readonly dim: boolean;
	readonly italic: boolean;
	readonly underline: boolean;
	readonly inverse: boolean;
}

/** The cells of the visible screen, row by row. */
export function readCells(buffer: IBuffer, columns: number, rows: number): Cell[][] {
	const scratch = buffer.getNullCell();
	return Array.from({length: rows}, (_, row) => {
		const line = buffer.getLine(buffer.baseY + row);
		return Array.from({length: columns}, (_, column) => {
			const cell = line?.getCell(column, scratch);
			return cell ? readCell(cell) : blank;
		});
	});
}

const blank: Cell = {
	char: ' ',
	width: 1,
	fg: 'default',
	bg: 'default',
	bold: false,
	dim: false,
	italic: false,
	underline: false,
	inverse: false,
};

function readCell(cell: IBufferCell): Cell {
	const width = cell.getWidth();
	return {
		char: cell.getChars() || (width === 0 ? '' : ' '),
		width,
		fg: color(cell.isFgRGB(), cell.isFgPalette(), cell.getFgColor()),
		bg: color(cell.isBgRGB(), cell.isBgPalette(), cell.getBgColor()),
		bold: cell.isBold() !== 0,
		dim: cell.isDim() !== 0,
		italic: cell.isItalic() !== 0,
		underline: cell.isUnderline() !== 0,
		inverse: cell.isInverse() !== 0,
	};
}

function color(rgb: boolean, palette: boolean, value: number): Color {
	if (rgb) {
		return `#${value.toString(16).padStart(6, '0')}`;
	}

	return palette ? value : 'default';
}

const joiner = 0x20_0d;
const emojiStyle = 0xfe_0f;
const pictograph = /^\p{Extended_Pictographic}$/u;
const regional = /^\p{Regional_Indicator}$/u;
const modifier = /^\p{Emoji_Modifier}$/u;
const emoji = /^\p{Emoji}$/u;
const modifierBase = /^\p{Emoji_Modifier_Base}$/u;

/**
 * How wide a character is on a terminal of today. The emulator's own table is Unicode 6, in which emoji take
 * one column: frames that programs draw around them would look broken here and nowhere else.
 *
 * A property value packs, from the lowest bit: whether the code point joins the cell before it, the width of
 * that cell in two bits, and the code point, for the next call.
 */
export const modernWidths: IUnicodeVersionProvider = {
	version: 'modern',
	wcwidth,
	charProperties(codePoint, preceding) {
		const before = preceding >> 3;
		const widthBefore = (preceding >> 1) & 3;
		const joins = preceding !== 0 && joinsCell(codePoint, before, (preceding & 1) === 1);
		const turnsEmoji = codePoint === emojiStyle && emoji.test(String.fromCodePoint(before));
		const own = turnsEmoji ? 2 : wcwidth(codePoint);
		const width = joins ? Math.max(own, widthBefore) : own;
		return (codePoint << 3) | (width << 1) | (joins ? 1 : 0);
	},
};

const widths = new Map<number, 0 | 1 | 2>();

function wcwidth(codePoint: number): 0 | 1 | 2 {
	if (codePoint >= 0x20 && codePoint < 0x7f) {
		return 1;
	}

	let width = widths.get(codePoint);
	if (width === undefined) {
		width = Math.min(2, stringWidth(String.fromCodePoint(codePoint))) as 0 | 1 | 2;
		widths.set(codePoint, width);
	}

	return width;
}

function joinsCell(codePoint: number, before: number, beforeJoined: boolean): boolean {
	if (codePoint < 0x7f) {
		return false;
	}

	if (wcwidth(codePoint) === 0) {
		return true;
	}

	const char = String.fromCodePoint(codePoint);
	const charBefore = String.fromCodePoint(before);
	return (
		(before === joiner && pictograph.test(char)) ||
		// Flags are pairs: a third letter starts the next one.
		(regional.test(char) && regional.test(charBefore) && !beforeJoined) ||
		(modifier.test(char) && modifierBase.test(charBefore))
	);
}
