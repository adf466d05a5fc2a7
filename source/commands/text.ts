/** The room that a table has. */
interface Room {
	/** How wide the terminal is; absent where there is none, and so no limit. */
	readonly columns: number | undefined;
	/** The titles of the columns that are left out, one after the other, as long as there is no room. */
	readonly dropFirst: readonly string[];
}

/** A table for a terminal or a file: columns aligned by display width, no colours. */
export async function textTable(
	header: readonly string[],
	rows: readonly (readonly string[])[],
	room?: Room,
): Promise<string> {
	const width = await widthFor([header, ...rows].flat());
	const widths = header.map((title, column) =>
		Math.max(width(title), ...rows.map(row => width(row[column] ?? ''))),
	);
	const kept = keptColumns(header, widths, room);
	const padded = (text: string, columns: number) => text + ' '.repeat(Math.max(0, columns - width(text)));
	return [header, ...rows]
		.map(row =>
			kept
				.map(column => padded(row[column] ?? '', widths[column] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}

function keptColumns(header: readonly string[], widths: readonly number[], room: Room | undefined): number[] {
	let kept = [...header.keys()];
	const total = () => kept.reduce((sum, column) => sum + (widths[column] ?? 0) + 2, -2);
	for (const title of room?.dropFirst ?? []) {
		if (total() <= (room?.columns ?? Number.POSITIVE_INFINITY)) break;
		kept = kept.filter(column => header[column] !== title);
	}
	return kept;
}

// string-width costs as much at start as all the rest of `status`, and most tables hold plain letters only.
async function widthFor(texts: readonly string[]): Promise<(text: string) => number> {
	if (texts.every(text => /^[ -~\u00a0-\u02ff–✓✗•↻]*$/u.test(text))) return text => text.length;
	return (await import('string-width')).default;
}
