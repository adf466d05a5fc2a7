import type {Cell, Color} from '../test/support/cell.ts';

interface SvgOptions {
	title: string;
	theme: 'dark' | 'light';
}

interface Theme {
	bar: string;
	border: string;
	title: string;
	background: string;
	foreground: string;
	/** The first 16 colours of the palette. */
	ansi: readonly string[];
}

/** How one cell is painted once inverse and dim are worked out. */
interface Look {
	ink: string;
	/** Undefined where the window's background shows. */
	paper: string | undefined;
	bold: boolean;
	italic: boolean;
	underline: boolean;
}

interface Fill {
	x: number;
	y: number;
	width: number;
	height: number;
	color: string;
}

/** A straight line of a given direction, at one coordinate and between two of the other. */
interface Line {
	direction: 'h' | 'v';
	at: number;
	from: number;
	to: number;
}

interface Run {
	text: string;
	column: number;
	columns: number;
	look: Look;
}

/** What is to be painted, in the order of painting. */
interface Picture {
	papers: Fill[];
	blocks: Fill[];
	/** Straight lines by colour and thickness. */
	lines: Map<string, Line[]>;
	/** Path commands by colour. */
	curves: Map<string, string[]>;
	texts: string[];
}

const themes: Record<SvgOptions['theme'], Theme> = {
	dark: {
		bar: '#1f232a',
		border: '#363c46',
		title: '#9aa3af',
		background: '#14171c',
		foreground: '#d8dee6',
		ansi: [
			...['#2b313a', '#ff7b72', '#4cc46a', '#e0af45', '#6cb2ff', '#c297ff', '#43c9d6', '#bcc4ce'],
			...['#7d8794', '#ffa198', '#6fdd8b', '#f2cc60', '#91c8ff', '#d8b9ff', '#6fe0ea', '#ffffff'],
		],
	},
	light: {
		bar: '#f0f2f5',
		border: '#cfd5dc',
		title: '#5b6571',
		background: '#ffffff',
		foreground: '#24292f',
		ansi: [
			...['#24292f', '#cf222e', '#17803a', '#946000', '#0a66d0', '#8250df', '#15777f', '#57606a'],
			...['#6e7781', '#b31d28', '#116329', '#7d4e00', '#0550ae', '#6639ba', '#0f5f66', '#4a525b'],
		],
	},
};

// Whole pixels, so that lines are sharp; 9 is the width of a character of 15 in most monospace fonts.
const cellWidth = 9;
const cellHeight = 20;
const baseline = 15;
const fontSize = 15;
const padding = 16;
const barHeight = 36;
const fonts =
	"ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, 'Cascadia Mono', 'DejaVu Sans Mono', 'Liberation Mono', monospace";
const titleFonts = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** Paints a terminal screen as a window: an SVG that needs nothing but itself. */
export function screenToSvg(cells: readonly (readonly Cell[])[], options: SvgOptions): string {
	const theme = themes[options.theme];
	const columns = Math.max(0, ...cells.map(row => row.length));
	const width = columns * cellWidth + padding * 2;
	const height = cells.length * cellHeight + padding * 2 + barHeight;
	const picture: Picture = {papers: [], blocks: [], lines: new Map(), curves: new Map(), texts: []};
	for (const [index, row] of cells.entries()) {
		paintRow(picture, row, index, theme);
	}

	const title = escapeXml(options.title);
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
		`<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${theme.background}" stroke="${theme.border}"/>`,
		`<path d="M1 ${barHeight}V10.5A9.5 9.5 0 0 1 10.5 1H${width - 10.5}A9.5 9.5 0 0 1 ${width - 1} 10.5V${barHeight}Z" fill="${theme.bar}"/>`,
		`<path d="M1 ${barHeight + 0.5}H${width - 1}" stroke="${theme.border}"/>`,
		...['#ff5f57', '#febc2e', '#28c840'].map(
			(color, index) => `<circle cx="${20 + index * 20}" cy="18.5" r="6" fill="${color}"/>`,
		),
		`<text x="${width / 2}" y="23" text-anchor="middle" font-family="${titleFonts}" font-size="13" fill="${theme.title}">${title}</text>`,
		`<g shape-rendering="crispEdges">`,
		...[...picture.papers, ...picture.blocks].map(
			({x, y, width, height, color}) =>
				`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${color}"/>`,
		),
		'</g>',
		'<g fill="none">',
		...[...picture.lines].map(([key, lines]) => {
			const [color, thickness] = key.split(' ');
			return `<path d="${lines.map(linePath).join('')}" stroke="${color}" stroke-width="${thickness}"/>`;
		}),
		...[...picture.curves].map(([color, paths]) => `<path d="${paths.join('')}" stroke="${color}"/>`),
		'</g>',
		`<g font-family="${fonts}" font-size="${fontSize}" xml:space="preserve">`,
		...picture.texts,
		'</g>',
		'</svg>',
		'',
	].join('\n');
}

function paintRow(picture: Picture, row: readonly Cell[], index: number, theme: Theme): void {
	const y = barHeight + padding + index * cellHeight;
	let run: Run | undefined;
	for (const [column, cell] of row.entries()) {
		if (cell.width === 0) {
			continue;
		}

		const look = lookOf(cell, theme);
		const x = padding + column * cellWidth;
		const width = cell.width * cellWidth;
		if (look.paper !== undefined) {
			addFill(picture.papers, {x, y, width, height: cellHeight, color: look.paper});
		}

		if (look.underline) {
			addLine(picture, look.ink, 1, {direction: 'h', at: y + baseline + 2.5, from: x, to: x + width});
		}

		if (cell.char.trim() === '' || paintGraphic(picture, cell.char, look, theme, x, y)) {
			continue;
		}

		if (run && continues(run, cell, column, look)) {
			run.text += `${' '.repeat(column - run.column - run.columns)}${cell.char}`;
			run.columns = column - run.column + 1;
		} else {
			addText(picture, run, y);
			run = {text: cell.char, column, columns: cell.width, look};
		}
	}

	addText(picture, run, y);
}

/**
 * A run goes on over one space at most, and only through characters that every monospace font has: a glyph
 * from another font has a width of its own, and fitting the run to its cells would shift its neighbours.
 */
function continues(run: Run, cell: Cell, column: number, look: Look): boolean {
	return (
		column - run.column - run.columns <= 1 &&
		isPlain(run.text) &&
		isPlain(cell.char) &&
		run.look.ink === look.ink &&
		run.look.bold === look.bold &&
		run.look.italic === look.italic
	);
}

function isPlain(text: string): boolean {
	return /^[\u{20}-\u{7e}\u{a1}-\u{17f}]+$/u.test(text);
}

function lookOf(cell: Cell, theme: Theme): Look {
	const fg = cssColor(cell.fg, theme) ?? theme.foreground;
	const bg = cssColor(cell.bg, theme);
	const paper = cell.inverse ? fg : bg;
	const ink = readable(cell.inverse ? (bg ?? theme.background) : fg, paper, theme);
	return {
		ink: cell.dim ? mix(ink, paper ?? theme.background, 0.4) : ink,
		paper,
		bold: cell.bold,
		italic: cell.italic,
		underline: cell.underline,
	};
}

/** As terminals do, doesn't leave text on a coloured background to chance: the palette differs by theme. */
function readable(ink: string, paper: string | undefined, theme: Theme): string {
	if (paper === undefined || contrast(ink, paper) >= 3) {
		return ink;
	}

	const [first, second] = [theme.background, theme.foreground];
	return contrast(first, paper) > contrast(second, paper) ? first : second;
}

/** The contrast of two colours as WCAG defines it, from 1 to 21. */
function contrast(first: string, second: string): number {
	const [darker = 0, lighter = 0] = [luminance(first), luminance(second)].sort((a, b) => a - b);
	return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: string): number {
	const [red = 0, green = 0, blue = 0] = channels(color).map(value => {
		const share = value / 255;
		return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function cssColor(color: Color, theme: Theme): string | undefined {
	if (color === 'default') {
		return undefined;
	}

	return typeof color === 'string' ? color : paletteColor(color, theme);
}

function paletteColor(index: number, theme: Theme): string {
	const ansi = theme.ansi[index];
	if (ansi !== undefined) {
		return ansi;
	}

	if (index >= 232) {
		const gray = 8 + (index - 232) * 10;
		return hex([gray, gray, gray]);
	}

	const cube = index - 16;
	return hex(
		[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(step => (step ? 55 + step * 40 : 0)),
	);
}

/** `color` with a share of `other` in it. */
function mix(color: string, other: string, share: number): string {
	const theirs = channels(other);
	return hex(
		channels(color).map((value, index) => Math.round(value + ((theirs[index] ?? 0) - value) * share)),
	);
}

function channels(color: string): number[] {
	return [1, 3, 5].map(start => Number.parseInt(color.slice(start, start + 2), 16));
}

function hex(values: readonly number[]): string {
	return `#${values.map(value => value.toString(16).padStart(2, '0')).join('')}`;
}

function addText(picture: Picture, run: Run | undefined, y: number): void {
	if (run) {
		const {text, column, columns, look} = run;
		const style = `${look.bold ? ' font-weight="700"' : ''}${look.italic ? ' font-style="italic"' : ''}`;
		picture.texts.push(
			`<text x="${padding + column * cellWidth}" y="${y + baseline}" fill="${look.ink}"${style} textLength="${columns * cellWidth}" lengthAdjust="spacingAndGlyphs">${escapeXml(text)}</text>`,
		);
	}
}

/** Extends the fill before it where the two meet, as there would be a seam when the picture is scaled. */
function addFill(fills: Fill[], fill: Fill): void {
	const last = fills.at(-1);
	if (
		last?.color === fill.color &&
		last.y === fill.y &&
		last.height === fill.height &&
		last.x + last.width === fill.x
	) {
		last.width += fill.width;
	} else {
		fills.push(fill);
	}
}

function addLine(picture: Picture, color: string, thickness: number, line: Line): void {
	const key = `${color} ${thickness}`;
	const lines = picture.lines.get(key) ?? [];
	picture.lines.set(key, lines);
	const before = lines.findLast(({direction, at}) => direction === line.direction && at === line.at);
	if (before && before.to >= line.from && before.from <= line.to) {
		before.from = Math.min(before.from, line.from);
		before.to = Math.max(before.to, line.to);
	} else {
		lines.push({...line});
	}
}

function linePath({direction, at, from, to}: Line): string {
	return direction === 'h' ? `M${from} ${at}H${to}` : `M${at} ${from}V${to}`;
}

/** Paints box-drawing and block characters, which have to meet their neighbours; false for any other. */
function paintGraphic(
	picture: Picture,
	char: string,
	look: Look,
	theme: Theme,
	x: number,
	y: number,
): boolean {
	const rectangles = blockRectangles(char);
	if (rectangles) {
		const shade = shades.get(char) ?? 0;
		const color = mix(look.ink, look.paper ?? theme.background, shade);
		for (const [left, top, right, bottom] of rectangles) {
			addFill(picture.blocks, {
				x: x + (left * cellWidth) / 8,
				y: y + (top * cellHeight) / 8,
				width: ((right - left) * cellWidth) / 8,
				height: ((bottom - top) * cellHeight) / 8,
				color,
			});
		}

		return true;
	}

	const arms = boxArms.get(char);
	if (arms) {
		paintArms(picture, arms, look.ink, x, y);
		return true;
	}

	const dashes = dashed.get(char);
	if (dashes) {
		paintDashes(picture, dashes, look.ink, x, y);
		return true;
	}

	const curve = curves[char];
	if (curve) {
		const paths = picture.curves.get(look.ink) ?? [];
		picture.curves.set(look.ink, paths);
		paths.push(curve(x, y));
		return true;
	}

	return false;
}

const middleX = 4.5;
const middleY = 10.5;
const right = cellWidth;
const bottom = cellHeight;
const radius = 4.5;

const curves: Record<string, (x: number, y: number) => string> = {
	'╭': (x, y) =>
		`M${x + middleX} ${y + bottom}v${middleY + radius - bottom}a${radius} ${radius} 0 0 1 ${radius} ${-radius}`,
	'╮': (x, y) => `M${x} ${y + middleY}a${radius} ${radius} 0 0 1 ${radius} ${radius}V${y + bottom}`,
	'╯': (x, y) => `M${x} ${y + middleY}a${radius} ${radius} 0 0 0 ${radius} ${-radius}V${y}`,
	'╰': (x, y) => `M${x + middleX} ${y}v${middleY - radius}a${radius} ${radius} 0 0 0 ${radius} ${radius}`,
	'╱': (x, y) => `M${x} ${y + bottom}L${x + right} ${y}`,
	'╲': (x, y) => `M${x} ${y}L${x + right} ${y + bottom}`,
	'╳': (x, y) => `M${x} ${y + bottom}L${x + right} ${y}M${x} ${y}L${x + right} ${y + bottom}`,
};

/** What leaves the middle of each character upwards, right, down and left: 1 light, 2 heavy, 3 double. */
const boxArms = new Map(
	`─0101 ━0202 │1010 ┃2020 ┌0110 ┍0210 ┎0120 ┏0220 ┐0011 ┑0012 ┒0021 ┓0022 └1100 ┕1200 ┖2100 ┗2200
	┘1001 ┙1002 ┚2001 ┛2002 ├1110 ┝1210 ┞2110 ┟1120 ┠2120 ┡2210 ┢1220 ┣2220 ┤1011 ┥1012 ┦2011 ┧1021
	┨2021 ┩2012 ┪1022 ┫2022 ┬0111 ┭0112 ┮0211 ┯0212 ┰0121 ┱0122 ┲0221 ┳0222 ┴1101 ┵1102 ┶1201 ┷1202
	┸2101 ┹2102 ┺2201 ┻2202 ┼1111 ┽1112 ┾1211 ┿1212 ╀2111 ╁1121 ╂2121 ╃2112 ╄2211 ╅1122 ╆1221 ╇2212
	╈1222 ╉2122 ╊2221 ╋2222 ═0303 ║3030 ╒0310 ╓0130 ╔0330 ╕0013 ╖0031 ╗0033 ╘1300 ╙3100 ╚3300 ╛1003
	╜3001 ╝3003 ╞1310 ╟3130 ╠3330 ╡1013 ╢3031 ╣3033 ╤0313 ╥0131 ╦0333 ╧1303 ╨3101 ╩3303 ╪1313 ╫3131
	╬3333 ╴0001 ╵1000 ╶0100 ╷0010 ╸0002 ╹2000 ╺0200 ╻0020 ╼0201 ╽1020 ╾0102 ╿2010`
		.split(/\s+/)
		.map(entry => [entry.slice(0, 1), [...entry.slice(1)].map(Number)] as const),
);

const light = 1;
const heavy = 2;
const double = 3;
/** How far the two lines of a double line are from the middle. */
const gap = 2;
const thicknesses = [0, 1, 2.5, 1];

function paintArms(picture: Picture, arms: readonly number[], color: string, x: number, y: number): void {
	const [up = 0, toRight = 0, down = 0, toLeft = 0] = arms;
	// Left before right and up before down, as lines are joined to the ones before them.
	const sides = [
		{direction: 'v', sign: -1, arm: up, opposite: down, before: toLeft, after: toRight},
		{direction: 'v', sign: 1, arm: down, opposite: up, before: toLeft, after: toRight},
		{direction: 'h', sign: -1, arm: toLeft, opposite: toRight, before: up, after: down},
		{direction: 'h', sign: 1, arm: toRight, opposite: toLeft, before: up, after: down},
	] as const;
	for (const {direction, sign, arm, opposite, before, after} of sides) {
		if (arm === 0) {
			continue;
		}

		const [middle, across, end] =
			direction === 'h'
				? [x + middleX, y + middleY, sign < 0 ? x : x + right]
				: [y + middleY, x + middleX, sign < 0 ? y : y + bottom];
		const crossing = Math.max(before, after);
		// Reaching over the middle by half a line closes the corners.
		const overlap = (thicknesses[crossing] ?? 0) / 2;
		for (const side of arm === double ? [-1, 1] : [0]) {
			const start = middle + sign * (armStart(side, opposite, before, after) - overlap);
			addLine(picture, color, thicknesses[arm] ?? light, {
				direction,
				at: across + side * gap,
				from: Math.min(start, end),
				to: Math.max(start, end),
			});
		}
	}
}

/** How far from the middle an arm begins where double lines cross it, so that they stay open inside. */
function armStart(side: number, opposite: number, before: number, after: number): number {
	if (side !== 0) {
		const [same, other] = side < 0 ? [before, after] : [after, before];
		if (same === double) {
			return gap;
		}

		return same === 0 && other === double && opposite === 0 ? -gap : 0;
	}

	if (opposite !== 0 || (before !== double && after !== double)) {
		return 0;
	}

	return before === after ? gap : -gap;
}

interface Dashes {
	direction: Line['direction'];
	thickness: number;
	count: number;
}

const dashed = new Map<string, Dashes>(
	[...'┄┅┆┇┈┉┊┋╌╍╎╏'].map((char, index) => [
		char,
		{
			direction: index % 4 < 2 ? 'h' : 'v',
			thickness: thicknesses[index % 2 === 0 ? light : heavy] ?? light,
			count: [3, 4, 2][Math.floor(index / 4)] ?? 2,
		},
	]),
);

function paintDashes(
	picture: Picture,
	{direction, thickness, count}: Dashes,
	color: string,
	x: number,
	y: number,
): void {
	const [start, length, at] = direction === 'h' ? [x, cellWidth, y + middleY] : [y, cellHeight, x + middleX];
	const step = length / count;
	for (let dash = 0; dash < count; dash++) {
		const from = start + (dash + 0.2) * step;
		addLine(picture, color, thickness, {direction, at, from, to: from + step * 0.6});
	}
}

type Rectangle = readonly [left: number, top: number, right: number, bottom: number];

const shades = new Map([
	['░', 0.75],
	['▒', 0.5],
	['▓', 0.25],
]);

/** The quadrants of ▖ and those after it: 1 upper left, 2 upper right, 4 lower left, 8 lower right. */
const quadrants = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];

/** The parts of its cell that a block element covers, in eighths; undefined for other characters. */
function blockRectangles(char: string): readonly Rectangle[] | undefined {
	const offset = (char.codePointAt(0) ?? 0) - 0x25_80;
	if (char.length !== 1 || offset < 0 || offset > 0x1f) {
		return undefined;
	}

	if (offset === 0) {
		return [[0, 0, 8, 4]];
	}

	if (offset <= 8) {
		return [[0, 8 - offset, 8, 8]];
	}

	if (offset <= 0xf) {
		return [[0, 0, 0x10 - offset, 8]];
	}

	const set = quadrants[offset - 0x16];
	if (set !== undefined) {
		return [1, 2, 4, 8]
			.map((bit, index): Rectangle | undefined => {
				const [left, top] = [(index % 2) * 4, Math.floor(index / 2) * 4];
				return set & bit ? [left, top, left + 4, top + 4] : undefined;
			})
			.filter(rectangle => rectangle !== undefined);
	}

	// ▐ ░ ▒ ▓ ▔ ▕
	const full: Rectangle = [0, 0, 8, 8];
	return [
		[[4, 0, 8, 8] as const, full, full, full, [0, 0, 8, 1] as const, [7, 0, 8, 8] as const][offset - 0x10] ??
			full,
	];
}

const entities: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'};

/** Text as XML may contain it: escaped, and without the characters that XML has no way to write. */
function escapeXml(text: string): string {
	return text
		.toWellFormed()
		.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
		.replace(/[&<>"]/g, char => entities[char] ?? char);
}
