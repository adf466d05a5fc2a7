import {expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {startWatch} from '../../source/watch/watcher.ts';
import {apiKey, fill, oauth} from '../screens/state.ts';
import {temporaryFolder} from '../support/sandbox.ts';

test('a look reads the state once, for the secrets and the renewals too', async () => {
	const stateDir = temporaryFolder();
	const expires = Date.now() + 3_600_000;
	await fill(stateDir, 'main', {profiles: {'openai-codex:a': oauth('openai-codex', {expires})}});
	const jarvis = openJarvis({stateDir, env: {}});
	let readings = 0;
	const counted = {
		...jarvis,
		snapshot: (...wanted: Parameters<typeof jarvis.snapshot>) => {
			readings += 1;
			return jarvis.snapshot(...wanted);
		},
	};
	const atLooks: number[] = [];
	const third = Promise.withResolvers<void>();
	const watch = await startWatch(counted, {warnMs: [], keepFresh: true}, () => {
		atLooks.push(readings);
		if (atLooks.length === 3) third.resolve();
		else void fill(stateDir, 'main', {profiles: {[`openai:${atLooks.length}`]: apiKey('openai')}});
	});
	await third.promise;
	await watch.stop();
	expect(atLooks.slice(0, 3)).toEqual([1, 2, 3]);
});
