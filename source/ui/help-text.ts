import {keymap, keyName, type Scope, scopeTitles} from '../keymap.ts';
import type {UiState} from './state.ts';
import {toastLines} from './toast.ts';
import {labelled} from './wrap.ts';

/** A line of the help text: a title, or a key with what it does, or what goes on of that. */
export interface HelpLine {
	readonly id: string;
	readonly title?: string;
	readonly keys?: string;
	readonly text?: string;
}

/** How wide (columns) the keys are, and what stands before them. */
export const keysWidth = 12;
const indent = 2;

/** The help text, made from the keymap: first the keys of the screen that it was opened from. */
export function helpLines({previous, size}: Pick<UiState, 'previous' | 'size'>): readonly HelpLine[] {
	const scopes = Object.keys(scopeTitles) as Scope[];
	const inTurn = [previous, ...scopes.filter(scope => scope !== previous)];
	return inTurn.flatMap((scope, index) => [
		...(index === 0 ? [] : [{id: `${scope} blank`}]),
		{id: scope, title: scopeTitles[scope]},
		...keymap
			.filter(binding => binding.scope === scope)
			.filter(
				(one, at, all) =>
					all.findIndex(other => other.action === one.action && other.keys[0] === one.keys[0]) === at,
			)
			.flatMap(({action, keys, help, label}) =>
				labelled(keys.map(keyName).join(' '), help, size.columns - keysWidth - indent).map(
					([first, text], line) => ({id: `${scope} ${action} ${label} ${line}`, keys: first, text}),
				),
			),
	]);
}

/** How many lines of it are shown at once: below it stand which ones, what is told at the foot, and the keys. */
export function helpPage(state: Pick<UiState, 'size' | 'toast'>): number {
	return Math.max(1, state.size.rows - 4 - Math.max(1, toastLines(state).length));
}
