import {setTimeout as pause} from 'node:timers/promises';
import {freshCredential} from '../../source/auth/refresh.ts';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {asJarvisError} from '../../source/errors.ts';
import type {Answer, Job, Order} from './crew.ts';
import {type Point, watchRefreshes} from './points.ts';
// What `openJarvis` loads on demand, loaded beforehand: all workers are to collide, not to load.
import '../../source/auth/providers/registry.ts';
import '../../source/store/manifests.ts';
import '../../source/store/write.ts';

/** A process of a crew (crew.ts): asks for a token when it is told to, and answers with what it got. */
process.on('message', async (message: Order) => {
	if ('job' in message) await work(message.job, message.at);
	else process.send?.('ready');
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

let dieAt: Point | undefined;
const watched = watchRefreshes(point => {
	if (point === dieAt) process.kill(process.pid, 'SIGKILL');
});

async function work(job: Job, at: number): Promise<void> {
	const {stateDir, clockOffsetMs = 0} = job;
	dieAt = job.dieAt;
	const now = () => Date.now() + clockOffsetMs;
	const jarvis = openJarvis({stateDir, env: {}, fetch: watched, now});
	await pause(Math.max(0, at - Date.now() - 2));
	while (Date.now() < at);
	const answer: Answer = await ask(jarvis, job).then(
		secret => ({secret}),
		(error: unknown) => {
			const {code, message, cause} = asJarvisError(error);
			return {code, message, ...(code === 'unexpected' ? {cause: String(cause)} : {})};
		},
	);
	process.send?.({answer});
}

async function ask(jarvis: Jarvis, {providerId, agentId, profileId, minTtlMs}: Job): Promise<string> {
	if (minTtlMs === undefined) return (await jarvis.resolve({providerId, agentId, profileId})).secret;
	const provider = (await jarvis.providers()).providers.get(providerId);
	if (!provider || !profileId) throw new Error('a job with a minimum names its profile');
	const {paths, now} = jarvis;
	const outcome = await freshCredential({
		...{paths, provider, agentId, profileId, now, minTtlMs},
		network: {fetch: watched},
	});
	return outcome.credential.access ?? '';
}
