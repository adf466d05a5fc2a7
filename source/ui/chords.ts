import type {Key} from 'ink';
import {graphemes} from './graphemes.ts';

/** One key as it was pressed: its chord (`j`, `down`, `ctrl+u`), and the text that it types, if any. */
export interface KeyPress {
	readonly chord: string;
	readonly text: string;
}

/**
 * The keys of one piece of input. Terminals send keys that were pressed fast, or held over a slow line,
 * in one piece, and Ink hands a run of characters on as one input: `jj\r` is three keys.
 */
export function keyPresses(input: string, key: Key): KeyPress[] {
	const named = namedKey(key);
	if (named) return [{chord: named, text: ''}];
	if (key.ctrl || key.meta) {
		return input === '' ? [] : [{chord: `${key.ctrl ? 'ctrl' : 'alt'}+${input.toLowerCase()}`, text: ''}];
	}
	return [...graphemes.segment(input)].map(({segment}) => {
		const chord = controlChords[segment];
		return chord ? {chord, text: ''} : {chord: segment === ' ' ? 'space' : segment, text: segment};
	});
}

const controlChords: Readonly<Record<string, string>> = {
	'\r': 'enter',
	'\n': 'enter',
	'\r\n': 'enter',
	'\t': 'tab',
	'\u007f': 'backspace',
	'\b': 'backspace',
};

const named: readonly (readonly [keyof Key, string])[] = [
	['upArrow', 'up'],
	['downArrow', 'down'],
	['leftArrow', 'left'],
	['rightArrow', 'right'],
	['pageUp', 'pageup'],
	['pageDown', 'pagedown'],
	['home', 'home'],
	['end', 'end'],
	['return', 'enter'],
	['escape', 'esc'],
	['tab', 'tab'],
	['backspace', 'backspace'],
	['delete', 'delete'],
];

function namedKey(key: Key): string | undefined {
	const found = named.find(([name]) => key[name] === true);
	if (!found) return undefined;
	const shifted = key.shift && (found[1] === 'tab' || found[1] === 'up' || found[1] === 'down');
	return shifted ? `shift+${found[1]}` : found[1];
}
