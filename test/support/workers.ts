import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {flushCompileCache} from 'node:module';
import {fileURLToPath} from 'node:url';

/** What a worker can be asked to do. Arguments and results cross the process boundary. */
export type Commands = Record<string, (...args: never[]) => unknown>;

/** A child process that carries out commands until it is ended. */
export interface Worker<C extends Commands> {
	readonly pid: number;
	/** Rejects with an error of the same message and code when the command throws, or the process ends. */
	call<K extends keyof C & string>(command: K, ...args: Parameters<C[K]>): Promise<Awaited<ReturnType<C[K]>>>;
	signal(name: NodeJS.Signals): void;
	/** Settles when the process is gone and has been waited for. */
	readonly gone: Promise<{readonly code: number | null; readonly signal: NodeJS.Signals | null}>;
}

interface Request {
	readonly id: number;
	readonly command: string;
	readonly args: never[];
}

interface Reply {
	readonly id: number;
	readonly value?: unknown;
	readonly error?: {readonly message: string; readonly code?: string};
}

/** Saves more than half of what starting a worker costs. */
export const compileCache = fileURLToPath(new URL('../../node_modules/.cache/test-workers', import.meta.url));

const running = new Set<ChildProcess>();

/** Starts a worker script in a process of its own, and waits until it listens. */
export async function startWorker<C extends Commands>(script: URL): Promise<Worker<C>> {
	const child = fork(script, {
		execArgv: [],
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
		env: {...process.env, NODE_COMPILE_CACHE: compileCache},
	});
	running.add(child);
	const pending = new Map<number, PromiseWithResolvers<unknown>>();
	const gone = Promise.withResolvers<{code: number | null; signal: NodeJS.Signals | null}>();
	child.on('exit', (code, signal) => {
		running.delete(child);
		for (const call of pending.values()) call.reject(new Error(`The worker is gone (${signal ?? code}).`));
		gone.resolve({code, signal});
	});
	const [first] = (await Promise.race([once(child, 'message'), gone.promise.then(() => [])])) as unknown[];
	if (first !== 'ready' || child.pid === undefined) throw new Error(`${script} did not start.`);
	child.on('message', (reply: Reply) => {
		const call = pending.get(reply.id);
		pending.delete(reply.id);
		if (reply.error) call?.reject(Object.assign(new Error(reply.error.message), reply.error));
		else call?.resolve(reply.value);
	});
	let calls = 0;
	return {
		pid: child.pid,
		gone: gone.promise,
		signal: name => void child.kill(name),
		call(command, ...args) {
			const call = Promise.withResolvers<unknown>();
			const id = ++calls;
			pending.set(id, call);
			// A call that nobody awaits any more when the worker is killed is no fault.
			call.promise.catch(() => {});
			child.send({id, command, args}, error => error && call.reject(error));
			return call.promise as Promise<Awaited<ReturnType<C[typeof command]>>>;
		},
	};
}

/** Starts several workers of one script. */
export function startWorkers<C extends Commands>(script: URL, count: number): Promise<Worker<C>[]> {
	return Promise.all(Array.from({length: count}, () => startWorker<C>(script)));
}

/** Ends every worker that still runs, also those that are stopped. */
export async function endWorkers(): Promise<void> {
	await Promise.all(
		[...running].map(async child => {
			const gone = once(child, 'exit');
			child.kill('SIGKILL');
			await gone;
		}),
	);
}

/** The worker's side: answers commands until its parent is gone. */
export function serve(commands: Commands): void {
	process.on('message', async ({id, command, args}: Request) => {
		process.send?.(await answer(id, () => commands[command]?.(...args)));
	});
	process.on('disconnect', () => process.exit());
	// Most workers are killed, and would leave nothing for the next one.
	flushCompileCache();
	process.send?.('ready');
}

async function answer(id: number, carryOut: () => unknown): Promise<Reply> {
	try {
		return {id, value: await carryOut()};
	} catch (error) {
		const {message, code} = error as {message: string; code?: string};
		return {id, error: {message, ...(code === undefined ? {} : {code})}};
	}
}
