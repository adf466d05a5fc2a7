import {setTimeout as pause} from 'node:timers/promises';
import {openJarvis} from '../../source/core.ts';
import {asJarvisError} from '../../source/errors.ts';
import type {Answer, Job, Order} from './crew.ts';
// What `openJarvis` loads on demand, loaded beforehand: all workers are to collide, not to load.
import '../../source/auth/refresh.ts';
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

async function work({stateDir, agentId, profileId, providerId}: Job, at: number): Promise<void> {
	const jarvis = openJarvis({stateDir, env: {}});
	await pause(Math.max(0, at - Date.now() - 2));
	while (Date.now() < at);
	const answer: Answer = await jarvis.resolve({providerId, agentId, profileId}).then(
		({secret}) => ({secret}),
		(error: unknown) => {
			const {code, message, cause} = asJarvisError(error);
			return {code, message, ...(code === 'unexpected' ? {cause: String(cause)} : {})};
		},
	);
	process.send?.({answer});
}
