import {createScanner, type Edit, findNodeAtLocation, parseTree} from 'jsonc-parser';

/**
 * The edits that remove a member of an object or an element of a list from a text of JSON with comments:
 * itself, its comma and the rest of its line. jsonc-parser's own removal takes everything up to the next
 * sibling, the comments on that one included.
 */
export function removeMember(text: string, path: readonly (string | number)[]): Edit[] {
	const root = parseTree(text, [], {allowTrailingComma: true});
	const value = root && findNodeAtLocation(root, [...path]);
	const node = value?.parent?.type === 'property' ? value.parent : value;
	if (!node?.parent?.children) return [];
	const before = node.parent.children[node.parent.children.indexOf(node) - 1];
	const nodeEnd = node.offset + node.length;
	const comma = commaBehind(text, nodeEnd);
	const end = comma === undefined ? nodeEnd : comma + 1;
	// Where it is the last one, the comma before it goes.
	const commaBefore =
		comma === undefined && before ? commaBehind(text, before.offset + before.length) : undefined;
	const commaEdits = commaBefore === undefined ? [] : [remove(commaBefore, commaBefore + 1)];
	const indent = /(?<=^|\n)[\t ]*$/.exec(text.slice(0, node.offset))?.[0];
	const lineRest = /^[\t ]*(?:\/\/[^\n]*|\/\*(?:(?!\*\/)[^\n])*\*\/[\t ]*)?\r?(?:\n|$)/.exec(
		text.slice(end),
	)?.[0];
	if (indent === undefined || lineRest === undefined) {
		const blanks = comma === undefined ? 0 : (/^[\t ]*/.exec(text.slice(end))?.[0].length ?? 0);
		return [...commaEdits, remove(node.offset, end + blanks)];
	}
	return [...commaEdits, remove(node.offset - indent.length, end + lineRest.length)];
}

/** Where the comma behind an element is that ends at `offset`, if there is one. */
export function commaBehind(text: string, offset: number): number | undefined {
	const scanner = createScanner(text, true);
	scanner.setPosition(offset);
	scanner.scan();
	return text[scanner.getTokenOffset()] === ',' ? scanner.getTokenOffset() : undefined;
}

function remove(from: number, to: number): Edit {
	return {offset: from, length: to - from, content: ''};
}
