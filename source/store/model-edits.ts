import type {ConfigEdit} from './config.ts';
import {isObject, type JsonObject, type JsonValue, member} from './json.ts';

/** The edits of `jarvis.json` that change the models of all agents, `agents.defaults.model` and `models`. */

const defaults = ['agents', 'defaults'] as const;
const place = [...defaults, 'model'] as const;

/** Makes a model the primary one. A model that was written as a mere text gives way to the longer form. */
export function primaryEdits(document: JsonObject, name: string): ConfigEdit[] {
	return isObject(modelIn(document))
		? [{path: [...place, 'primary'], value: name}]
		: [{path: place, value: {primary: name}}];
}

/** Puts a model behind the other fallbacks. */
export function fallbackEdits(document: JsonObject, name: string): ConfigEdit[] {
	const model = modelIn(document);
	if (Array.isArray(member(model, 'fallbacks'))) return [{path: [...place, 'fallbacks', -1], value: name}];
	if (isObject(model)) return [{path: [...place, 'fallbacks'], value: [name]}];
	const primary = typeof model === 'string' && model !== '' ? {primary: model} : {};
	return [{path: place, value: {...primary, fallbacks: [name]}}];
}

/** Takes the fallbacks away that a check holds for: from the last one on, so that those before keep their places. */
export function fallbackRemovals(document: JsonObject, isMeant: (ref: string) => boolean): ConfigEdit[] {
	const listed = member(modelIn(document), 'fallbacks');
	return (Array.isArray(listed) ? listed : [])
		.flatMap((ref, index) => (typeof ref === 'string' && isMeant(ref) ? [index] : []))
		.reverse()
		.map(index => ({path: [...place, 'fallbacks', index], value: undefined}));
}

/** Gives a model an alias, in the place of the one that it has. */
export function aliasEdits(ref: string, alias: string): ConfigEdit[] {
	return [{path: [...defaults, 'models', ref, 'alias'], value: alias}];
}

/** Takes the alias of a model away, and with it an entry that says nothing else. */
export function aliasRemoval(document: JsonObject, ref: string): ConfigEdit[] {
	const entry = member(member(defaultsIn(document), 'models'), ref);
	const isAll = isObject(entry) && Object.keys(entry).length === 1;
	return [{path: [...defaults, 'models', ref, ...(isAll ? [] : ['alias'])], value: undefined}];
}

/** Names a model by its own name where the primary one or a fallback is written by an alias that goes. */
export function spelledOut(document: JsonObject, alias: string, name: string): ConfigEdit[] {
	const isMeant = (ref: JsonValue | undefined) =>
		typeof ref === 'string' && ref.trim().toLowerCase() === alias.toLowerCase();
	const model = modelIn(document);
	if (isMeant(model)) return [{path: place, value: name}];
	const listed = member(model, 'fallbacks');
	return [
		...(isMeant(member(model, 'primary')) ? [{path: [...place, 'primary'], value: name}] : []),
		...(Array.isArray(listed) ? listed : []).flatMap((ref, index) =>
			isMeant(ref) ? [{path: [...place, 'fallbacks', index], value: name}] : [],
		),
	];
}

function modelIn(document: JsonObject): JsonValue | undefined {
	return member(defaultsIn(document), 'model');
}

function defaultsIn(document: JsonObject): JsonValue | undefined {
	return member(member(document, 'agents'), 'defaults');
}
