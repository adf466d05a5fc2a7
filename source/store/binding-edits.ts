import type {DecodedBindings} from './binding-schema.ts';
import type {ConfigEdit} from './config.ts';

/** The edits that remove entries of `bindings`: from the last one on, so that those before keep their places. */
export function removeBindings(entries: readonly {readonly index: number}[]): ConfigEdit[] {
	return entries
		.map(({index}) => index)
		.sort((a, b) => b - a)
		.map(index => ({path: ['bindings', index], value: undefined}));
}

/** The entries that name an agent, also those that are out of use. */
export function bindingsNaming(
	{bindings, brokenBindings}: DecodedBindings,
	agentId: string,
): readonly {readonly index: number}[] {
	return [...bindings, ...brokenBindings].filter(entry => entry.agentId === agentId);
}
