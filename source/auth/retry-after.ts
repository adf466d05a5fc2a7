/** The longest wait (ms) that a server is believed: a mistaken header must not lock anybody out. */
const longestWaitMs = 60 * 60 * 1000;

/**
 * When (epoch ms) a server that is busy may be asked again, by its `Retry-After` (RFC 9110, section 10.2.3):
 * seconds, or a date. A date is compared with the reply's own where there is one, so that this machine's
 * clock need not agree with the server's.
 * @param now when the reply came (epoch ms)
 */
export function retryAtOf(headers: Headers, now: number): number | undefined {
	const value = headers.get('retry-after')?.trim() ?? '';
	const sentAt = Date.parse(headers.get('date') ?? '');
	const waitMs = /^\d+$/.test(value)
		? Number(value) * 1000
		: Date.parse(value) - (Number.isNaN(sentAt) ? now : sentAt);
	return waitMs > 0 ? now + Math.min(waitMs, longestWaitMs) : undefined;
}

/**
 * Until when (epoch ms) nobody asks again, by what the journal keeps of a reply. One that says to have come
 * in the future, or to wait for longer than anybody is believed, is of another clock and tells nothing.
 */
export function stillWaiting(
	{finishedAt, retryAt}: {readonly finishedAt?: number; readonly retryAt?: number},
	now: number,
): number | undefined {
	if (finishedAt === undefined || retryAt === undefined) return undefined;
	return finishedAt <= now && now < retryAt && retryAt - finishedAt <= longestWaitMs ? retryAt : undefined;
}
