import type {ResolveRequest} from '../../source/auth/resolve.ts';
import type {Failure, Success} from '../../source/auth/routing/rotation.ts';
import {openJarvis, type UsedProfile} from '../../source/core.ts';
import {serve} from '../support/workers.ts';
// What `openJarvis` loads on demand, loaded beforehand: all workers are to collide, not to load.
import '../../source/auth/aim.ts';
import '../../source/auth/report.ts';
import '../../source/store/lock.ts';
import '../../source/store/write.ts';

const commands = {
	/** The profile that is handed out. */
	async resolve(stateDir: string, request: ResolveRequest): Promise<string> {
		return (await openJarvis({stateDir, env: {}}).resolve(request)).profileId;
	},

	/** Reports the same outcome so many times, one report each. */
	async report(
		stateDir: string,
		profile: UsedProfile,
		outcome: {readonly failure: Failure} | {readonly success: Success},
		times = 1,
	): Promise<void> {
		const jarvis = openJarvis({stateDir, env: {}});
		for (let turn = 0; turn < times; turn++) {
			if ('failure' in outcome) await jarvis.reportFailure(profile, outcome.failure);
			else await jarvis.reportSuccess(profile, outcome.success);
		}
	},
};

export type RoutingWorker = typeof commands;

serve(commands);
