import {bind, unbind} from '../../source/store/bindings.ts';
import {statePaths} from '../../source/store/paths.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Binds accounts of its own to main, one change each, and takes every second one away again. */
	async work(root: string, name: string, count: number): Promise<void> {
		const paths = statePaths(root);
		for (let turn = 0; turn < count; turn++) {
			const match = {channel: 'telegram', accountId: `${name}-${turn}`};
			await bind(paths, 'main', match);
			if (turn % 2 === 1) await unbind(paths, 'main', match);
		}
	},
};

export type BindingsWorker = typeof commands;

serve(commands);
