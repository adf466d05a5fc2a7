/** A short name for a text, of which it tells nothing: the same text has the same one everywhere. */
export function digest(text: string): string {
	// Loaded here and not above: handing out a good token needs none.
	const {createHash} = process.getBuiltinModule('node:crypto');
	return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
