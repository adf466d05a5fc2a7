import {decodeConfig, readConfigFile} from '../../store/config.ts';
import {readTextIfThere} from '../../store/json.ts';
import type {HeldLock} from '../../store/lock.ts';
import type {StatePaths} from '../../store/paths.ts';
import {copiesOf} from '../../store/scrub.ts';
import {changeSealed, readSealed} from '../../store/sealed.ts';
import {agentIds} from '../snapshot.ts';
import {whileMoving} from './move-lock.ts';

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
