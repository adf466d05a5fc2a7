import type {OpenclawExport, OpenclawExportOptions} from '../auth/openclaw/export.ts';
import type {OpenclawImport} from '../auth/openclaw/import.ts';
import {resolve} from '../auth/resolve.ts';
import type {SwitchedOn, SwitchOn, WriteBackFacts} from '../auth/write-back.ts';
import {configOwner} from '../store/config.ts';
import type {World} from './world.ts';

/** A program that is to be kept in step: with what its agent uses now, unless a profile is named. */
export interface WriteBackRequest extends Omit<SwitchOn, 'agentId' | 'profileId'> {
	readonly agentId?: string | undefined;
	readonly profileId?: string | undefined;
}

/** Programs that keep logins of their own: those that are kept in step, and openclaw. */
export function programsOf({
	paths,
	env,
	record,
	provider,
	agent,
	bringInAll,
	keepInStep,
	writeBackContext,
	resolveContext,
}: World) {
	return {
		/**
		 * The programs with login files of their own that are kept in step, each after a look at its file. Changes
		 * nothing. Throws what the store throws.
		 */
		async writeBacks(): Promise<readonly WriteBackFacts[]> {
			const {writeBackFacts} = await import('../auth/write-back.ts');
			return writeBackFacts(paths);
		},

		/**
		 * Puts a profile's token into a program's own login file, and again after each refresh: what the agent
		 * uses now, unless a profile is named. Throws as `resolve` and `switchOn` do.
		 */
		async switchWriteBackOn(request: WriteBackRequest): Promise<SwitchedOn> {
			const [{programAt, switchOn}, {whileNotRefreshed}, agentId] = await Promise.all([
				import('../auth/write-back.ts'),
				import('../auth/refresh.ts'),
				agent(request.agentId),
			]);
			const {program} = programAt(writeBackContext, request.program, request.home);
			const {profileId} = request;
			const used = await resolve(resolveContext, {agentId, profileId, providerId: program.provider});
			const owner = used.owner === configOwner ? agentId : used.owner;
			const linked = {agentId: owner ?? agentId, profileId: used.profileId};
			return whileNotRefreshed(
				{...resolveContext, ...linked, provider: await provider(program.provider)},
				credential => switchOn(writeBackContext, {...request, ...linked}, credential),
			);
		},

		/** Keeps a program in step no longer. Its file stays as it is. Throws as `switchOff` does. */
		async switchWriteBackOff(named: Pick<WriteBackRequest, 'program' | 'home'>) {
			const {switchOff} = await import('../auth/write-back.ts');
			return switchOff(writeBackContext, named);
		},

		/** Brings the programs up to date that are kept in step, as each refresh does. Never throws. */
		keepInStep,

		/**
		 * Brings an openclaw state folder in, `$OPENCLAW_STATE_DIR` or `~/.openclaw` if none is named. Throws as
		 * `importOpenclaw` does.
		 */
		async importOpenclaw(
			folder: string | undefined,
			{dryRun}: {readonly dryRun: boolean},
		): Promise<OpenclawImport> {
			const [{importOpenclaw}, {openclawHome}] = await Promise.all([
				import('../auth/openclaw/import.ts'),
				import('../store/openclaw/folder.ts'),
			]);
			await bringInAll();
			const done = await importOpenclaw(paths, folder ?? openclawHome(env), {dryRun});
			for (const {agentId, profileId, provider, outcome} of dryRun ? [] : done.profiles) {
				const isTaken = outcome === 'added' || outcome === 'renewed' || outcome === 'access_only';
				if (isTaken) record('imported', {agentId, profileId, provider, note: `from openclaw: ${outcome}`});
			}
			return done;
		},

		/** Writes an openclaw state folder. Throws as `exportOpenclaw` does, and `agent_unknown`. */
		async exportOpenclaw(folder: string, wanted: OpenclawExportOptions): Promise<OpenclawExport> {
			const [{exportOpenclaw}, {isWritten}] = await Promise.all([
				import('../auth/openclaw/export.ts'),
				import('../auth/openclaw/compose.ts'),
			]);
			const agentId = wanted.agentId === undefined ? undefined : await agent(wanted.agentId);
			await bringInAll();
			const done = await exportOpenclaw(resolveContext, folder, {...wanted, agentId});
			for (const {agentId, profileId, provider, outcome} of done.profiles.filter(isWritten)) {
				record('exported', {agentId, profileId, provider, note: `to openclaw: ${outcome}`});
			}
			return done;
		},
	};
}
