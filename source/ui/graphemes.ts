/** Cuts text into what a person takes for one character. Made once: it is slow to make. */
export const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'});
