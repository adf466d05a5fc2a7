import type {Finding} from '../doctor/findings.ts';
import type {Machine} from '../doctor/subject.ts';
import type {AuditFilter, AuditFollower, LoggedEntry} from '../store/audit-reader.ts';
import {decodeConfig} from '../store/config.ts';
import type {World} from './world.ts';

/** What was done with credentials, and what is wrong around them. */
export function auditOf({paths, env, now, network, record, providers, secrets}: World) {
	return {
		/**
		 * The newest entries of the audit log that are wanted, the newest last: what was done with credentials, and
		 * by whom. Throws system errors.
		 */
		async auditLog(filter: AuditFilter, limit: number): Promise<LoggedEntry[]> {
			const {readAuditLog} = await import('../store/audit-reader.ts');
			return readAuditLog(paths, filter, limit);
		},

		/** Tells of what is appended to the audit log from now on, by whichever process. Throws system errors. */
		async followAuditLog(onEntries: (entries: readonly LoggedEntry[]) => void): Promise<AuditFollower> {
			const {followAuditLog} = await import('../store/audit-reader.ts');
			return followAuditLog(paths, onEntries);
		},

		/**
		 * All that is wrong around the credentials, the worst first (docs/doctor.md). Changes nothing; asks no server
		 * unless `online`. Throws system errors.
		 */
		async doctor(options: {readonly online?: boolean; readonly machine?: Machine} = {}): Promise<Finding[]> {
			const [{examine, thisMachine}, {providersFrom}, {readManifests}] = await Promise.all([
				import('../doctor/doctor.ts'),
				import('../auth/providers/registry.ts'),
				import('../store/manifests.ts'),
			]);
			// A damaged jarvis.json is a finding, and keeps none of the others back.
			const listing = await providers().catch(() => ({
				providers: providersFrom(decodeConfig({}), readManifests(paths).manifests),
			}));
			const {online = false, machine = thisMachine()} = options;
			return examine({
				paths,
				env,
				now,
				network,
				secrets,
				record,
				online,
				machine,
				providers: listing.providers,
			});
		},

		/** Does what a finding says that can be done about it. Throws what that throws. */
		async mend({id, where, mend}: Finding) {
			if (!mend) return;
			await mend.run();
			record('repaired', {note: `${id}: ${mend.what} (${where})`});
		},
	};
}
