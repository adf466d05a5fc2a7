import {clean} from '../auth/facts.ts';

/** A table for a terminal or a file: columns aligned by display width, no colours. */
export async function textTable(
	header: readonly string[],
	given: readonly (readonly string[])[],
): Promise<string> {
	// Ids of a file that another program wrote may hold what breaks a row.
	const rows = given.map(row => row.map(cell => clean(cell)));
	const width = await widthFor([header, ...rows].flat());
	const widths = header.map((title, column) =>
		Math.max(width(title), ...rows.map(row => width(row[column] ?? ''))),
	);
	const padded = (text: string, columns: number) => text + ' '.repeat(Math.max(0, columns - width(text)));
	return [header, ...rows]
		.map(row =>
			row
				.map((cell, column) => padded(cell, widths[column] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}

// string-width costs as much at start as all the rest of `status`, and most tables hold plain letters only.
async function widthFor(texts: readonly string[]): Promise<(text: string) => number> {
	if (texts.every(text => /^[ -~\u00a0-\u02ff–✓✗•↻]*$/u.test(text))) return text => text.length;
	return (await import('string-width')).default;
}
