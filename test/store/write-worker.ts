import {writeDurably} from '../../source/store/write.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Writes two documents in turn, for ever. Returns when the first is written. */
	alternate(file: string, documents: readonly [string, string]): void {
		let turn = 0;
		const write = () => {
			writeDurably(file, documents[turn++ % 2] as string, {backup: true});
			setImmediate(write);
		};
		write();
	},
};

export type WriteWorker = typeof commands;

serve(commands);
