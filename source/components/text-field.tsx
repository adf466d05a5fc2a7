import {Box, type DOMElement, Text, useCursor} from 'ink';
import TextInput from 'ink-text-input';
import {useLayoutEffect, useRef, useState} from 'react';
import stringWidth from 'string-width';
import type {EditedText} from '../ui/edited-text.ts';
import {graphemes} from '../ui/graphemes.ts';

export interface TextFieldProps {
	readonly field: EditedText;
	readonly placeholder?: string;
	/** Columns of the terminal. */
	readonly width: number;
}

/**
 * A line of text with the terminal's own cursor in it, so that input methods and screen readers find it.
 * ink-text-input draws it; the keys come from the one dispatcher, because ink-text-input works out each
 * key from its last drawing and so loses all but one of those that arrive together.
 */
export function TextField({field, placeholder = '', width}: TextFieldProps) {
	const box = useRef<DOMElement>(null);
	const {setCursorPosition} = useCursor();
	const [place, setPlace] = useState<{readonly x: number; readonly y: number}>();
	const {text, before} = visiblePart(field, width - 1);
	useLayoutEffect(() => {
		const next = placeOf(box.current);
		if (next && (next.x !== place?.x || next.y !== place.y)) setPlace(next);
	});
	setCursorPosition(place && {x: place.x + before, y: place.y});
	return (
		<Box ref={box} width={width} height={1} flexShrink={0} aria-role="textbox">
			{text === '' ? (
				<Text dimColor wrap="truncate">
					{placeholder}
				</Text>
			) : (
				<TextInput value={text} focus={false} showCursor={false} onChange={() => {}} />
			)}
		</Box>
	);
}

/** The part of a text around its cursor that fits, and how many columns of it stand before the cursor. */
export function visiblePart(
	field: EditedText,
	columns: number,
): {readonly text: string; readonly before: number} {
	const ends = [...graphemes.segment(field.text)].map(({index, segment}) => index + segment.length);
	let start = 0;
	for (const end of ends) {
		if (start >= field.cursor || stringWidth(field.text.slice(start, field.cursor)) <= columns) break;
		start = end;
	}
	const before = stringWidth(field.text.slice(start, field.cursor));
	let end = field.text.length;
	for (const shorter of ends.toReversed()) {
		if (stringWidth(field.text.slice(start, end)) <= columns) break;
		end = Math.max(shorter, field.cursor);
	}
	return {text: field.text.slice(start, end), before};
}

function placeOf(element: DOMElement | null): {readonly x: number; readonly y: number} | undefined {
	let x = 0;
	let y = 0;
	for (let node: DOMElement | undefined = element ?? undefined; node; node = node.parentNode) {
		if (!node.yogaNode) return undefined;
		x += node.yogaNode.getComputedLeft();
		y += node.yogaNode.getComputedTop();
	}
	return {x, y};
}
