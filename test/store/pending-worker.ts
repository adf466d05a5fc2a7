import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {statePaths} from '../../source/store/paths.ts';
import {claimPending} from '../../source/store/pending-logins.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Tries for one login after another until each of them is claimed. Returns the ids of those it got. */
	claim(root: string, ids: readonly string[]): string[] {
		const paths = statePaths(root);
		const got: string[] = [];
		for (const id of ids) {
			const claimed = join(paths.pendingLogins, `${id}.claimed`);
			while (!existsSync(claimed)) if (claimPending(paths, id)) got.push(id);
		}
		return got;
	},
};

export type PendingWorker = typeof commands;

serve(commands);
