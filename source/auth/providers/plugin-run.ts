import {Worker} from 'node:worker_threads';
import {pluginFailed, pluginThrew} from './plugin-errors.ts';
import {
	type FromWorker,
	longestResult,
	type PluginTask,
	type PluginUse,
	type Thrown,
	type ToWorker,
} from './plugin-protocol.ts';

/** How long a plugin may take. */
export interface PluginLimits {
	/** To load (ms). */
	readonly loadMs: number;
	/** For all of it (ms), loading included; none for a login, which waits for a person. */
	readonly useMs?: number;
	/** To answer when it is called (ms), and to show that its event loop runs. */
	readonly answerMs: number;
}

export interface PluginRun {
	/** The plugin's id, or what it is called before that is known. */
	readonly plugin: string;
	readonly module: string;
	readonly use: PluginUse;
	/** What it is doing, as in "failed in its login". */
	readonly doing: string;
	readonly limits: PluginLimits;
	readonly now: () => number;
	readonly signal: AbortSignal;
	/** Carries out what it asks of the person; what it resolves with is the answer. */
	readonly ask?: (question: PluginQuestion) => Promise<unknown>;
	readonly tell?: (name: string, request: unknown) => void;
}

export interface PluginQuestion {
	readonly name: string;
	readonly request: unknown;
	/** Calls one of the functions that came with the question. Rejects when the run ends before it has answered. */
	readonly call: (name: string, argument: string) => Promise<unknown>;
}

/** How much memory (MB) a plugin may use. */
const mostMemoryMb = 256;

/** How long (ms) a worker that is told to stop may take to end itself. */
const stoppingMs = 1000;

/** How long (ms) one that is debugged has for its last words. */
const lastWordsMs = 100;

/** Into how many looks the time is divided in which a plugin must show that its event loop runs. */
const looks = 4;

// Beside this file, in the source as in what is built of it.
const worker = new URL(
	import.meta.url.endsWith('.ts') ? './plugin-worker.ts' : './plugin-worker.js',
	import.meta.url,
);

/**
 * Runs one use of a code plugin in a worker, and ends that however the use ends.
 * @returns what it gave, parsed and not checked
 * @throws `plugin_failed` for one that throws, exits, hangs, is too slow or gives no JSON; what it says that its
 * server said (`pluginThrew`); and the signal's reason
 */
export async function runPlugin(run: PluginRun): Promise<unknown> {
	run.signal.throwIfAborted();
	const {promise, resolve, reject} = Promise.withResolvers<unknown>();
	const {plugin, limits} = run;
	const isDebugged = Boolean(process.env.JARVIS_DEBUG);
	const task: PluginTask = {
		...{module: run.module, use: run.use, isDebugged},
		clockOffsetMs: run.now() - Date.now(),
	};
	const thread = new Worker(worker, {
		workerData: task,
		// What it prints would stand in the middle of a screen, or of data.
		stdout: true,
		stderr: true,
		resourceLimits: {maxOldGenerationSizeMb: mostMemoryMb},
	});
	for (const output of [thread.stdout, thread.stderr]) {
		if (isDebugged) output.pipe(process.stderr, {end: false});
		else output.resume();
	}
	const calls: PromiseWithResolvers<unknown>[] = [];
	const timers = new Set<NodeJS.Timeout>();
	let isLoaded = false;
	let isOver = false;
	let isAlive = true;
	let missed = 0;

	const fail = (what: string) => reject(pluginFailed(plugin, what));
	const within = (ms: number, what: string) => {
		const timer = setTimeout(() => fail(what), ms);
		timers.add(timer);
		return () => {
			clearTimeout(timer);
			timers.delete(timer);
		};
	};
	const send = (message: ToWorker) => thread.postMessage(message);
	const threw = (thrown: Thrown) =>
		reject(pluginThrew(plugin, thrown, isLoaded ? `failed in its ${run.doing}` : 'could not be loaded'));
	const unanswered = `did not answer for ${seconds(limits.answerMs)} in its ${run.doing}`;
	const stopLoading = within(limits.loadMs, `did not load within ${seconds(limits.loadMs)}`);
	if (limits.useMs !== undefined) {
		within(limits.useMs, `took longer than ${seconds(limits.useMs)} for its ${run.doing}`);
	}
	// Counted, not timed: after a machine has slept, one look was missed and not hours.
	const looking = setInterval(() => {
		missed = isAlive ? 0 : missed + 1;
		if (missed >= looks) fail(unanswered);
		isAlive = !isLoaded;
		send({type: 'ping'});
	}, limits.answerMs / looks);

	const call = (id: number, name: string, argument: string) => {
		// Nobody is there to answer any more.
		if (isOver) return Promise.reject(pluginFailed(plugin, `is done with its ${run.doing}`));
		const answered = Promise.withResolvers<unknown>();
		const inTime = within(limits.answerMs, unanswered);
		send({type: 'call', id, call: calls.push(answered) - 1, name, argument});
		return answered.promise.finally(inTime);
	};
	const onMessage = (message: FromWorker) => {
		isAlive = true;
		switch (message.type) {
			case 'pong':
				return;
			case 'loaded':
				isLoaded = true;
				return stopLoading();
			case 'tell':
				return run.tell?.(message.name, message.request);
			case 'ask': {
				const {id, name, request} = message;
				const question = {name, request, call: call.bind(undefined, id)};
				run.ask?.(question).then(value => send({type: 'answer', id, value}), reject);
				return;
			}
			case 'returned':
				return calls[message.call]?.resolve(message.value);
			case 'threw':
				return threw(message);
			case 'done':
				return resolve(parsed(message.json));
			default:
				return fail('sent something that is not of the contract');
		}
	};
	const take = (message: FromWorker) => {
		try {
			onMessage(message);
		} catch (error) {
			// A message of another form than the worker's own: the plugin sent it, past the worker.
			if (error instanceof TypeError) fail('sent something that is not of the contract');
			else reject(error);
		}
	};
	thread.on('message', take);
	thread.on('messageerror', () => fail('sent something that is not of the contract'));
	thread.on('error', error => threw(Object(error)));
	thread.on('exit', () => fail(`ended in the middle of its ${run.doing}`));
	const onAbort = () => {
		send({type: 'abort'});
		reject(run.signal.reason);
	};
	run.signal.addEventListener('abort', onAbort, {once: true});
	try {
		return await promise;
	} finally {
		isOver = true;
		run.signal.removeEventListener('abort', onAbort);
		clearInterval(looking);
		for (const timer of timers) clearTimeout(timer);
		for (const call of calls) call.reject(pluginFailed(plugin, `is done with its ${run.doing}`));
		thread.off('message', take);
		if (isDebugged) await new Promise(resume => setTimeout(resume, lastWordsMs));
		thread.unref();
		if (run.signal.aborted) setTimeout(() => void thread.terminate(), stoppingMs).unref();
		else void thread.terminate();
	}
}

function parsed(json: unknown): unknown {
	if (typeof json !== 'string' || json.length > longestResult) return undefined;
	try {
		return JSON.parse(json);
	} catch {
		return undefined;
	}
}

function seconds(ms: number): string {
	return `${Math.round(ms / 1000)} s`;
}
