import {type Edit, type FormattingOptions, findNodeAtLocation, modify, parseTree} from 'jsonc-parser';
import type {JsonValue} from './json.ts';
import {commaBehind} from './remove-member.ts';

/**
 * The edits that add an element to the end of a list in a text of JSON with comments. jsonc-parser's own
 * addition comes between the last element and the comment behind it, which would then speak of the new one.
 * @param path of the list
 * @throws what `modify` throws when there is something else than a list
 */
export function appendElement(
	text: string,
	path: readonly (string | number)[],
	value: JsonValue,
	formattingOptions: FormattingOptions,
): Edit[] {
	const root = parseTree(text, [], {allowTrailingComma: true});
	const list = root && findNodeAtLocation(root, [...path]);
	const last = list?.type === 'array' ? list.children?.at(-1) : undefined;
	const indent = last && /(?<=^|\n)[\t ]*$/.exec(text.slice(0, last.offset))?.[0];
	const lastEnd = last && last.offset + last.length;
	const comma = lastEnd === undefined ? undefined : commaBehind(text, lastEnd);
	const end = comma === undefined ? lastEnd : comma + 1;
	const comment =
		/^[\t ]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\n])*\*\/[\t ]*)(?=\r?\n)/.exec(text.slice(end))?.[0] ?? '';
	if (lastEnd === undefined || end === undefined || indent === undefined || comment === '') {
		return modify(text, [...path, -1], value, {formattingOptions});
	}
	const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
	const {insertSpaces, tabSize = 2} = formattingOptions;
	const lines = JSON.stringify(value, undefined, insertSpaces ? tabSize : '\t').split('\n');
	const added = lines.map(line => lineEnd + indent + line).join('');
	return [
		...(comma === undefined ? [{offset: lastEnd, length: 0, content: ','}] : []),
		{offset: end + comment.length, length: 0, content: comma === undefined ? added : `${added},`},
	];
}
