import {type Edit, type FormattingOptions, modify} from 'jsonc-parser';
import {appendElement} from './append-element.ts';
import type {ConfigEdit} from './config.ts';
import {removeMember} from './remove-member.ts';
import {renameMember} from './rename-member.ts';

/** What a change to `jarvis.json` does to its text; comments and layout stay. Throws where a part is of another type. */
export function textEdits(text: string, edit: ConfigEdit, formattingOptions: FormattingOptions): Edit[] {
	const {path} = edit;
	if ('name' in edit) return renameMember(text, path, edit.name);
	if ('insert' in edit)
		return modify(text, [...path], edit.insert, {formattingOptions, isArrayInsertion: true});
	if (edit.value === undefined) return removeMember(text, path);
	return path.at(-1) === -1
		? appendElement(text, path.slice(0, -1), edit.value, formattingOptions)
		: modify(text, [...path], edit.value, {formattingOptions});
}
