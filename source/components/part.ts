/** The lines that are shown of those that there are, and which, where these are not all. */
export interface Part<T> {
	readonly shown: readonly T[];
	/** `1–5/11`, as the head of a table has it. */
	readonly range?: string;
}

/**
 * The part of some lines that there is room for. Who turns on past the last part is at the first again.
 * @param turn how often was turned on
 */
export function partOf<T>(lines: readonly T[], room: number, turn: number): Part<T> {
	if (lines.length <= room) return {shown: lines};
	const size = Math.max(1, room);
	const parts = Math.ceil(lines.length / size);
	const start = Math.min((turn % parts) * size, lines.length - size);
	return {shown: lines.slice(start, start + size), range: rangeWords(start, size, lines.length)};
}

/** Which of so many lines or rows are shown. */
export function rangeWords(start: number, shown: number, count: number): string {
	return `${start + 1}–${start + shown}/${count}`;
}
