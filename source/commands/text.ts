import stringWidth from 'string-width';

/** A table for a terminal or a file: columns aligned by display width, no colours. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = header.map((title, column) =>
		Math.max(stringWidth(title), ...rows.map(row => stringWidth(row[column] ?? ''))),
	);
	return [header, ...rows]
		.map(row =>
			row
				.map((cell, column) => padded(cell, widths[column] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}

function padded(text: string, width: number): string {
	return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
