import {putCredential} from '../../source/store/edit.ts';
import {statePaths} from '../../source/store/paths.ts';
import {updateCredentials} from '../../source/store/profiles.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Adds profiles of its own to an agent, one update each. */
	async add(root: string, name: string, count: number): Promise<void> {
		for (let turn = 0; turn < count; turn++) {
			await updateCredentials(statePaths(root), 'main', document => {
				putCredential(document, `acme:${name}-${turn}`, {type: 'api_key', provider: 'acme', key: name});
			});
		}
	},
};

export type ProfilesWorker = typeof commands;

serve(commands);
