import type {ConfigEdit} from './config.ts';
import {isObject, type JsonObject, member} from './json.ts';
import {entriesOf} from './schema.ts';

/**
 * The edits by which `jarvis.json` names a profile by its new id.
 * @param isShared another agent has a profile of the old id, which is named beside the new one then
 */
export function profileIdEdits(
	document: JsonObject,
	from: string,
	to: string,
	isShared: boolean,
): readonly ConfigEdit[] {
	const auth = member(document, 'auth');
	const orders = entriesOf(member(auth, 'order')).flatMap(([provider, ids]): ConfigEdit[] => {
		const index = Array.isArray(ids) ? ids.indexOf(from) : -1;
		if (index < 0 || !Array.isArray(ids)) return [];
		const path = ['auth', 'order', provider, index];
		if (ids.includes(to)) return isShared ? [] : [{path, value: undefined}];
		return isShared ? [{path: [...path.slice(0, -1), index + 1], insert: to}] : [{path, value: to}];
	});
	const profiles = member(auth, 'profiles');
	const entry = member(profiles, from);
	if (!isObject(profiles) || entry === undefined) return orders;
	const path = ['auth', 'profiles', from];
	if (Object.hasOwn(profiles, to)) return isShared ? orders : [...orders, {path, value: undefined}];
	if (isShared) return [...orders, {path: ['auth', 'profiles', to], value: entry}];
	return [...orders, {path, name: to}];
}
