import type {StateWord} from '../words.ts';

/** How a text is meant; how that looks is decided here alone. */
export type Tone = StateWord['tone'] | 'plain';

type Look = {readonly color?: string; readonly dimColor?: true};

// $NO_COLOR (no-color.org) takes the colours and leaves bold, dim and inverse, which are none.
const isColorful = !process.env.NO_COLOR;

const colored = (color: string): Look => (isColorful ? {color} : {});

/**
 * The 16 ANSI colours, of which only those are used that can be read on light and on dark backgrounds:
 * yellow and cyan vanish on white, blue on black. Meaning is always said by a word or a glyph as well.
 */
export const tones: Readonly<Record<Tone, Look>> = {
	good: colored('green'),
	attention: colored('magenta'),
	bad: colored('red'),
	quiet: {dimColor: true},
	plain: {},
};
