import type {StateWord} from '../words.ts';

/** How a text is meant; how that looks is decided here alone. */
export type Tone = StateWord['tone'] | 'plain';

/**
 * The 16 ANSI colours, of which only those are used that can be read on light and on dark backgrounds:
 * yellow and cyan vanish on white, blue on black. Meaning is always said by a word or a glyph as well.
 */
export const toneColors: Readonly<Record<Tone, {readonly color?: string; readonly dimColor?: true}>> = {
	good: {color: 'green'},
	attention: {color: 'magenta'},
	bad: {color: 'red'},
	quiet: {dimColor: true},
	plain: {},
};
