import type {ModelConfig} from '../../store/config.ts';

/** Where an alias leads, as it is written, with the alias as it is written there; in any case. */
export function aliasEntry(
	alias: string,
	{aliases}: Pick<ModelConfig, 'aliases'>,
): {readonly alias: string; readonly ref: string} | undefined {
	const wanted = aliasKey(alias);
	// Of two aliases that differ in case alone, the first one counts.
	for (const [known, ref] of aliases) if (aliasKey(known) === wanted) return {alias: known, ref};
	return undefined;
}

/** An alias as it is compared with others: in any case, and without the spaces around it. */
export function aliasKey(alias: string): string {
	return alias.trim().toLowerCase();
}
