import type {LoginResult} from '../auth/login/contract.ts';
import type {SecretFinding} from '../auth/secrets/findings.ts';
import type {MovedSecret, Moves, SecretMove} from '../auth/secrets/move.ts';
import type {PlaceFacts, SecretPlace} from '../auth/secrets/places.ts';
import type {SecretsPlan} from '../auth/secrets/plan.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import {asJarvisError, shellWord} from '../errors.ts';
import type {World} from './world.ts';

/** What is done with secrets that are kept elsewhere, and with those that lie in files. */
export function secretsOf({paths, env, now, record, secrets, bringInAll}: World) {
	async function loadSecrets(start?: {readonly partial: boolean}): Promise<SecretsReport> {
		await bringInAll();
		const report = await (await secrets.runtime()).load(start);
		const {reportWords} = await import('../auth/secrets/report.ts');
		const change = report.change === undefined ? '' : `${report.change}: `;
		// Whoever cannot start is told by an error and changes nothing: a service that is started again and again would
		// push all else out of the log.
		const isRefusedStart = start !== undefined && !start.partial && !report.ok;
		if (!isRefusedStart && (report.refs.length > 0 || !report.ok))
			record('secrets_changed', {note: `${change}${reportWords(report)}`});
		return report;
	}

	/** Notes where secrets have gone, and has every process that stays load them anew. */
	async function noteSecrets(moved: readonly Pick<MovedSecret, 'place' | 'ref'>[]): Promise<void> {
		const [{refKey}, {askForReload}] = await Promise.all([
			import('../auth/secrets/refs.ts'),
			import('../store/secrets-stamp.ts'),
		]);
		for (const {place, ref} of moved) {
			record('secrets_changed', {...place, note: `its secret is in ${ref ? refKey(ref) : 'the file'} now`});
		}
		if (moved.length > 0) askForReload(paths);
	}

	async function moveSecrets(moves: readonly SecretMove[], how: {readonly dryRun: boolean}): Promise<Moves> {
		const {moveSecrets} = await import('../auth/secrets/move.ts');
		await bringInAll();
		const done = await moveSecrets({paths, env}, moves, how);
		if (!how.dryRun) await noteSecrets(done.secrets.filter(({outcome}) => outcome === 'moved'));
		return done;
	}

	return {
		/**
		 * Loads the secrets that are kept elsewhere, for a program that stays: from then on requests read what was
		 * loaded and ask no source. With `partial`, what does not resolve is only told. Throws `secrets_unresolved`,
		 * with `details.report`.
		 */
		async activateSecrets(start: {readonly partial: boolean} = {partial: false}): Promise<SecretsReport> {
			const report = await loadSecrets(start);
			if (report.ok || start.partial) return report;
			const {secretsUnresolved} = await import('../auth/secrets/report.ts');
			throw secretsUnresolved(report);
		},

		/**
		 * Loads the secrets that are kept elsewhere anew: all, or none. Never throws: where one does not resolve,
		 * what was loaded before stays in use, and the report says why.
		 */
		reloadSecrets: () => loadSecrets(),

		/** Has every process that stays load its secrets anew, as `reloadSecrets` does here. Throws what the store throws. */
		async askForSecretsReload() {
			const {askForReload} = await import('../store/secrets-stamp.ts');
			askForReload(paths);
		},

		/**
		 * Loads the secrets anew whenever another process asks for it, and tells what came of it. Returns a function
		 * that ends it.
		 */
		async followSecrets(told: (report: SecretsReport) => void): Promise<() => void> {
			const {watchForReload} = await import('../store/secrets-stamp.ts');
			return watchForReload(paths, () => {
				// What is in the way is in the report; the next one that asks is told what else there is.
				void loadSecrets().then(told, () => {});
			});
		},

		/** What is found of secrets at rest, of files that others can read and of refs. Throws as `auditSecrets` does. */
		async auditSecrets(): Promise<SecretFinding[]> {
			const {auditSecrets} = await import('../auth/secrets/audit.ts');
			return auditSecrets({paths, env, now});
		},

		/** Where secrets or refs are, of all agents; no secret. Throws as `readPlaces` does. */
		async secretPlaces(): Promise<PlaceFacts[]> {
			const {placeFacts, readPlaces} = await import('../auth/secrets/places.ts');
			await bringInAll();
			return (await readPlaces(paths)).map(placeFacts);
		},

		/** Takes secrets out of their files and leaves refs. Throws as `moveSecrets` does. */
		moveSecrets,

		/**
		 * Plans moves, in a file beside the credentials or in another one. Returns the whole plan. Throws as
		 * `addToPlan` does.
		 */
		async planSecrets(moves: SecretsPlan, file = paths.secretsPlan): Promise<SecretsPlan> {
			const {addToPlan} = await import('../auth/secrets/plan.ts');
			await bringInAll();
			return addToPlan(paths, file, moves);
		},

		/** Carries a plan out, and removes it when all of it is done. Throws as `carryOutPlan` and `moveSecrets` do. */
		async applySecretsPlan(how: {readonly dryRun: boolean}, file = paths.secretsPlan): Promise<Moves> {
			const {carryOutPlan, readPlan} = await import('../auth/secrets/plan.ts');
			if (how.dryRun) return moveSecrets(readPlan(file), how);
			return carryOutPlan(paths, file, plan => moveSecrets(plan, how));
		},

		/** Puts sealed secrets back into their files. Throws as `putBack` does. */
		async putSecretsBack(places: readonly SecretPlace[]): Promise<void> {
			const {putBack} = await import('../auth/secrets/put-back.ts');
			await putBack({paths, env}, places);
			await noteSecrets(places.map(place => ({place})));
		},

		/** Removes the sealed secrets that no file names. Throws as `pruneSealed` does. */
		async pruneSealed() {
			const {pruneSealed} = await import('../auth/secrets/prune.ts');
			const pruned = await pruneSealed(paths);
			if (pruned.removed.length > 0)
				record('secrets_changed', {note: `removed ${pruned.removed.join(', ')}`});
			return pruned;
		},

		/** Takes secrets that the agents' files have no more out of their backups. Throws as `pruneCopies` does. */
		async pruneCopies(): Promise<readonly string[]> {
			const {pruneCopies} = await import('../auth/secrets/prune.ts');
			const changed = await pruneCopies(paths);
			if (changed.length > 0) record('secrets_changed', {note: `taken out of ${changed.join(', ')}`});
			return changed;
		},
	};
}

/** Seals what a login brought where a sealed secret stood before. Never throws: it is told, and in the log. */
export async function sealAgain(world: World, {agentId, profileId, wasSealed}: LoginResult): Promise<void> {
	if (!wasSealed) return;
	try {
		await secretsOf(world).moveSecrets([{place: {agentId, profileId}, to: 'seal'}], {dryRun: false});
	} catch (error) {
		const {message} = asJarvisError(error);
		world.record('secrets_changed', {agentId, profileId, note: 'its new secret could not be sealed'});
		world.tell(
			`${profileId} was sealed, and its new secret is in plain text: ${message} Seal it: jarvis secrets seal ${shellWord(profileId)} --agent ${agentId}`,
		);
	}
}
