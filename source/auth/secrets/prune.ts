import {decodeConfig, readConfigFile} from '../../store/config.ts';
import {type JsonObject, readTextIfThere, tryParseJson} from '../../store/json.ts';
import type {HeldLock} from '../../store/lock.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readAllJournals} from '../../store/read-journal.ts';
import {decodeAgentCredentials} from '../../store/schema.ts';
import {copiesOf, scrubCredentials} from '../../store/scrub.ts';
import {changeSealed, readSealed} from '../../store/sealed.ts';
import {agentIds} from '../snapshot.ts';
import {whileMoving} from './move-lock.ts';
import {staleIn} from './stale-copies.ts';

/**
 * Takes away the sealed secrets whose ids stand in no file any more, backups included: a profile that was removed
 * can be brought back from its backup until then.
 * @returns the ids that are gone, and those that only a backup names
 * @throws `config_damaged`, `store_damaged`, `lock_timeout`, `lock_lost`, system errors: what cannot be read may name any
 */
export async function pruneSealed(
	paths: StatePaths,
): Promise<{readonly removed: readonly string[]; readonly kept: readonly string[]}> {
	if (!(await readSealed(paths))) return {removed: [], kept: []};
	return whileMoving(paths, lock => prune(paths, lock));
}

async function prune(paths: StatePaths, onlyWhile: HeldLock): ReturnType<typeof pruneSealed> {
	const files = [
		paths.config,
		...agentIds(paths, decodeConfig(await readConfigFile(paths.config))).map(paths.profiles),
	];
	return changeSealed(paths, async ({file, write}) => {
		const inFiles = files.map(path => readTextIfThere(path) ?? '');
		const inCopies = files
			.flatMap(path => Object.values(copiesOf(path, paths.root)).flat())
			.map(path => readTextIfThere(path) ?? '');
		const unused = [...file.entries.keys()].filter(id => !isNamed(id, inFiles));
		const kept = unused.filter(id => isNamed(id, inCopies));
		const removed = unused.filter(id => !kept.includes(id));
		onlyWhile.assertHeld();
		if (removed.length > 0) await write({remove: removed});
		return {removed, kept};
	});
}

function isNamed(id: string, texts: readonly string[]): boolean {
	return texts.some(text => text.includes(id));
}

/**
 * Takes out of the agents' backups the secrets that their files have no more. All else in them stays; a profile that was
 * removed can then no longer be brought back from one.
 * @returns the backups that were changed
 * @throws `config_damaged`, `store_damaged`, `lock_timeout`, `lock_lost`, system errors
 */
export async function pruneCopies(paths: StatePaths): Promise<readonly string[]> {
	return whileMoving(paths, async lock => {
		const changed: string[] = [];
		const journal = readAllJournals(paths);
		for (const agentId of agentIds(paths, decodeConfig(await readConfigFile(paths.config)))) {
			const edit = (document: JsonObject) => {
				const current = decodeAgentCredentials(document);
				const stale = copiesOf(paths.profiles(agentId)).backups.flatMap(path =>
					staleIn(tryParseJson(readTextIfThere(path) ?? '') ?? {}, current, journal),
				);
				return new Map(stale.flatMap(({secrets}) => secrets.map(secret => [secret, undefined] as const)));
			};
			const {rewritten, removed} = await scrubCredentials(paths, agentId, edit, lock, 'backups');
			changed.push(...rewritten, ...removed);
		}
		return changed;
	});
}
