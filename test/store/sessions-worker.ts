import {statePaths} from '../../source/store/paths.ts';
import {countCompaction, setPin, updateSessions} from '../../source/store/sessions.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Pins sessions of its own and counts compactions of a shared one, one update each. */
	async work(root: string, name: string, count: number): Promise<void> {
		const stamp = {now: 1, sessionId: name};
		for (let turn = 0; turn < count; turn++) {
			await updateSessions(statePaths(root), 'main', document => {
				setPin(document, `${name}-${turn}`, {pin: {profileId: 'acme:a', source: 'auto'}}, stamp);
				countCompaction(document, 'shared', stamp);
			});
		}
	},
};

export type SessionsWorker = typeof commands;

serve(commands);
