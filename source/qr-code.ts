/** A link as a QR code in half blocks, two rows of it a line, with the quiet zone that readers need. */
export async function qrLines(text: string): Promise<string[]> {
	const {encode} = await import('uqr');
	const {data, size} = encode(text, {ecc: 'L', border: 2});
	const isDark = (row: number, column: number) => row < size && data[row]?.[column] === true;
	return Array.from({length: Math.ceil(size / 2)}, (_, line) =>
		Array.from({length: size}, (_, column) => {
			const [upper, lower] = [isDark(line * 2, column), isDark(line * 2 + 1, column)];
			return halfBlocks[Number(upper) * 2 + Number(lower)];
		}).join(''),
	);
}

// Light squares are drawn and dark ones left out: on a dark terminal that is the right way round, and readers
// take the inverse of it on a light one.
const halfBlocks = ['█', '▀', '▄', ' '];
