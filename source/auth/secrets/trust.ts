import type {Stats} from 'node:fs';

/** Whether this user or root owns a file: nobody else may decide what is in it. Always on Windows. */
export function isOwnedByUs({uid}: Pick<Stats, 'uid'>): boolean {
	const own = process.getuid?.();
	return own === undefined || uid === own || uid === 0;
}

/** Whether a file has one of the rights of `mask`. Never on Windows, whose modes say nothing. */
export function hasMode({mode}: Pick<Stats, 'mode'>, mask: number): boolean {
	return process.platform !== 'win32' && (mode & mask) !== 0;
}
