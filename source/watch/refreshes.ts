import type {ProfileFacts} from '../auth/facts.ts';
import type {Jarvis} from '../core.ts';
import type {LoggedEntry} from '../store/audit-reader.ts';

/** What came of a refresh. */
export interface RefreshResult {
	/** Epoch ms. */
	readonly at: number;
	readonly ok: boolean;
}

/** What came last of refreshing a profile, as far as it is known. */
export type RefreshOf = (facts: ProfileFacts) => RefreshResult | undefined;

/** How far back (ms) the audit log is read, and how many entries of it, for the refreshes before the start. */
const lookBackMs = 7 * 86_400_000;
const lookBackEntries = 1000;

const wanted = ['refreshed', 'refresh_failed'];

/** What came last of refreshes, by the audit log as it is now. Throws system errors. */
export async function readRefreshes(jarvis: Pick<Jarvis, 'auditLog' | 'now'>): Promise<RefreshOf> {
	const results = keepResults();
	results.note(await jarvis.auditLog(filterAt(jarvis.now()), lookBackEntries));
	return results.of;
}

/**
 * Follows in the audit log what came of refreshes, by whichever process. Throws system errors.
 * @param onResult called when one was added
 */
export async function followRefreshes(
	jarvis: Pick<Jarvis, 'followAuditLog' | 'now'>,
	onResult: () => void,
): Promise<{readonly of: RefreshOf; stop(): void}> {
	const results = keepResults();
	const follower = await jarvis.followAuditLog(entries => {
		if (results.note(entries)) onResult();
	});
	results.note(follower.before(filterAt(jarvis.now()), lookBackEntries));
	return {of: results.of, stop: () => follower.stop()};
}

function filterAt(now: number) {
	return {events: wanted, since: now - lookBackMs};
}

function keepResults() {
	const results = new Map<string, RefreshResult>();
	return {
		/** Notes those among some entries; returns whether there were any. */
		note(entries: readonly LoggedEntry[]): boolean {
			const own = entries.filter(({event}) => wanted.includes(event));
			for (const {at, event, agentId, profileId} of own) {
				results.set(`${agentId} ${profileId}`, {at, ok: event === 'refreshed'});
			}
			return own.length > 0;
		},
		of: (facts: ProfileFacts) =>
			newer(results.get(`${facts.agentId} ${facts.profileId}`), storedResult(facts)),
	};
}

// The store itself knows only of one that worked, or was refused for good.
function storedResult({usage: {lastProven}}: ProfileFacts): RefreshResult | undefined {
	if (lastProven?.outcome === 'refreshed') return {at: lastProven.at, ok: true};
	return lastProven?.outcome === 'refused' ? {at: lastProven.at, ok: false} : undefined;
}

function newer(one: RefreshResult | undefined, other: RefreshResult | undefined): RefreshResult | undefined {
	if (!one || !other) return one ?? other;
	return one.at >= other.at ? one : other;
}
