import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import type {SecretPlace} from '../../../source/auth/secrets/places.ts';
import {openJarvis} from '../../../source/core.ts';
import {serve} from '../../support/workers.ts';

const commands = {
	async seal(stateDir: string, env: NodeJS.ProcessEnv, places: readonly SecretPlace[]): Promise<void> {
		const jarvis = openJarvis({stateDir, env});
		await jarvis.moveSecrets(
			places.map(place => ({place, to: 'seal' as const})),
			{dryRun: false},
		);
	},

	/** Is killed when it is about to put a file of the state folder into its place, or to remove one, the `step`th time. */
	dieAt(step: number): void {
		const {renameSync, rmSync} = fs;
		let steps = 0;
		// Locks are taken and left by the process, and mean nothing when it is gone.
		const take = (path: fs.PathLike, isStep: boolean) => {
			if (isStep && !String(path).includes('/locks/') && ++steps === step)
				process.kill(process.pid, 'SIGKILL');
		};
		fs.renameSync = (from, to) => {
			take(to, String(from).endsWith('.tmp'));
			renameSync(from, to);
		};
		fs.rmSync = (path, options) => {
			take(path, !String(path).endsWith('.tmp'));
			rmSync(path, options);
		};
		syncBuiltinESMExports();
	},
};

export type SealWorker = typeof commands;

serve(commands);
