import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {openJarvis} from '../../source/core.ts';
import {serve} from '../support/workers.ts';
// What `openJarvis` loads on demand, loaded beforehand: all workers are to collide, not to load.
import '../../source/auth/import/legacy.ts';

/** A process that brings older files in by its first use of a state folder. */
serve({
	async use(stateDir: string) {
		const problems: string[] = [];
		const jarvis = openJarvis({stateDir, env: {}, tell: text => problems.push(text)});
		const {agents} = await jarvis.snapshot();
		return {ids: agents.flatMap(({profiles}) => profiles.map(({profileId}) => profileId)), problems};
	},

	/** Ends itself as `kill -9` does once the new file is durable, and before an old one is touched. */
	dieBeforeTheOldFileIsTouched() {
		const {renameSync} = fs;
		fs.renameSync = (from, to) => {
			if (/auth\.json$|oauth\.json\.imported$/.test(String(to))) process.kill(process.pid, 'SIGKILL');
			renameSync(from, to);
		};
		syncBuiltinESMExports();
	},
});

export interface LegacyCommands {
	[command: string]: (...args: never[]) => unknown;
	use(stateDir: string): Promise<{readonly ids: readonly string[]; readonly problems: readonly string[]}>;
	dieBeforeTheOldFileIsTouched(): void;
}
