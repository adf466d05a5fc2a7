import {type Edit, findNodeAtLocation, parseTree} from 'jsonc-parser';

/** The edits that give a member of an object another name in a text of JSON with comments. */
export function renameMember(text: string, path: readonly (string | number)[], name: string): Edit[] {
	const root = parseTree(text, [], {allowTrailingComma: true});
	const [key] = (root && findNodeAtLocation(root, [...path]))?.parent?.children ?? [];
	return key ? [{offset: key.offset, length: key.length, content: JSON.stringify(name)}] : [];
}
