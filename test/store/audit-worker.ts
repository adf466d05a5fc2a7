import {once} from 'node:events';
import {setImmediate} from 'node:timers/promises';
import {type AuditLimits, appendAudit} from '../../source/store/audit-log.ts';
import {statePaths} from '../../source/store/paths.ts';
import {serve} from '../support/workers.ts';

const commands = {
	/** Appends numbered entries, and lets the event loop run in between, in which the log is put aside. */
	async append(root: string, count: number, limits: AuditLimits): Promise<void> {
		const paths = statePaths(root);
		for (let number = 0; number < count; number++) {
			const note = `${process.pid} ${number} ${'x'.repeat(number % 300)}`;
			appendAudit(paths, {at: Date.now(), event: 'handed_out', by: 'worker', pid: process.pid, note}, limits);
			if (number % 10 === 9) await setImmediate();
		}
	},

	/** Appends until it is killed. */
	async appendForEver(root: string, limits: AuditLimits): Promise<void> {
		for (;;) await commands.append(root, 10, limits);
	},

	/** Dies when the log has been renamed so many times: in the middle of putting it aside. */
	async dieAfterRenames(root: string, renames: number, limits: AuditLimits): Promise<void> {
		const fs = process.getBuiltinModule('node:fs');
		const {syncBuiltinESMExports} = process.getBuiltinModule('node:module');
		const {renameSync} = fs;
		let left = renames;
		fs.renameSync = (from, to) => {
			if (left-- === 0) process.kill(process.pid, 'SIGKILL');
			renameSync(from, to);
		};
		syncBuiltinESMExports();
		await commands.append(root, 1, limits);
		await once(process, 'never');
	},
};

export type AuditWorker = typeof commands;

serve(commands);
