import {decodeConfig, readConfigFile} from '../../store/config.ts';
import type {StatePaths} from '../../store/paths.ts';
import {agentIds} from '../snapshot.ts';
import {auditConfig, auditConfigCopies} from './audit-config.ts';
import {auditKeptReplies, auditLeavingAgents, auditSalvaged} from './audit-leftovers.ts';
import {auditLegacy} from './audit-legacy.ts';
import {auditModes} from './audit-modes.ts';
import {auditProfiles, auditStoreCopies} from './audit-profiles.ts';
import {auditRefs, auditSealed} from './audit-refs.ts';
import {bySeverity, type SecretFinding, unreadableFile} from './findings.ts';
import {type HeldSecret, readPlacesOf} from './places.ts';

export interface AuditContext {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
	readonly now: () => number;
}

/**
 * Looks for secrets at rest, for files that others can read, and for refs that do not resolve. Changes nothing.
 * What cannot be read is a finding itself. What will not work comes first.
 */
export async function auditSecrets(context: AuditContext): Promise<SecretFinding[]> {
	const {paths} = context;
	const now = context.now();
	const found: SecretFinding[] = [];
	const held: HeldSecret[] = [];
	const config = await reading(found, paths.config, () => readConfigFile(paths.config), {});
	const decoded = decodeConfig(config);
	const ids = agentIds(paths, decoded);
	for (const agentId of ids) {
		const places = await reading(
			found,
			paths.profiles(agentId),
			() => readPlacesOf(paths, agentId),
			undefined,
		);
		if (places) {
			held.push(...places);
			found.push(...auditProfiles(paths, agentId, places));
			found.push(...(await auditStoreCopies(paths, agentId, now)));
		}
	}
	found.push(...auditConfig(paths, config), ...auditConfigCopies(paths, config, now));
	const refs = await auditRefs(context, held, decoded);
	found.push(...(await auditLegacy(paths, ids, refs.values)), ...refs.found);
	found.push(
		...(await reading(found, paths.sealed, async () => auditSealed(paths, held), [] as SecretFinding[])),
	);
	found.push(
		...auditLeavingAgents(paths),
		...auditSalvaged(paths),
		...(await reading(found, paths.journal, async () => auditKeptReplies(paths), [] as SecretFinding[])),
		...auditModes(paths),
	);
	return bySeverity(found);
}

// A file that cannot be read must not hide what is in the others.
async function reading<T>(
	found: SecretFinding[],
	file: string,
	read: () => Promise<T>,
	otherwise: T,
): Promise<T> {
	try {
		return await read();
	} catch (error) {
		found.push(unreadableFile(file, error));
		return otherwise;
	}
}
