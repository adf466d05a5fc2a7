/** A bar of so many columns, filled by a share from 0 to 1. A share above 0 shows at least a sliver. */
export function bar(share: number, columns: number): string {
	const bounded = Math.max(0, Math.min(1, share));
	const filled = bounded > 0 ? Math.max(1, Math.round(bounded * columns)) : 0;
	return '━'.repeat(filled) + '─'.repeat(columns - filled);
}
