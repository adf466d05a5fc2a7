import {fork} from 'node:child_process';
import {once} from 'node:events';

const worker = new URL('./finish-worker.ts', import.meta.url);

/** Finishes a login in a process of its own, and returns what `finishLogin` returned there. */
export async function finishElsewhere(stateDir: string, pasted: string): Promise<unknown> {
	const child = fork(worker, {execArgv: [], env: {...process.env, JARVIS_STATE_DIR: stateDir}});
	child.send(pasted);
	const [answer] = await once(child, 'message');
	return answer;
}
