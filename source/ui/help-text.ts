import {keymap, keyName, type Scope, scopeTitles} from '../keymap.ts';

/** A line of the help text: a title, or a key with what it does. */
export interface HelpLine {
	readonly id: string;
	readonly title?: string;
	readonly keys?: string;
	readonly text?: string;
}

/** The help text, made from the keymap. */
export const helpLines: readonly HelpLine[] = (Object.keys(scopeTitles) as Scope[]).flatMap(scope => [
	{id: scope, title: scopeTitles[scope]},
	...keymap
		.filter(binding => binding.scope === scope)
		.filter(
			(one, index, all) =>
				all.findIndex(other => other.action === one.action && other.keys[0] === one.keys[0]) === index,
		)
		.map(({action, keys, help, label}) => ({
			id: `${scope} ${action} ${label}`,
			keys: keys.map(keyName).join(' '),
			text: help,
		})),
	{id: `${scope} end`},
]);
