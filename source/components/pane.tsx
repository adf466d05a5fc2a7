import {Box} from 'ink';
import type {ReactNode} from 'react';

/** A frame below a list, for what belongs to the row under the cursor. Its border takes two lines. */
export function Pane({
	width,
	height,
	children,
}: {
	readonly width: number;
	readonly height: number;
	readonly children: ReactNode;
}) {
	return (
		<Box
			flexDirection="column"
			height={height}
			width={width}
			flexShrink={0}
			borderStyle="single"
			borderDimColor
			paddingX={1}
			overflow="hidden"
		>
			{children}
		</Box>
	);
}
