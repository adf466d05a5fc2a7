import {killGroup} from '../store/kill-group.ts';

/** A program that is run for something that has happened. */
export interface HookCall {
	/** The program as it was named. */
	readonly name: string;
	/** The file that `findProgram` found. */
	readonly file: string;
	readonly env: NodeJS.ProcessEnv;
	/** What it reads on standard input. */
	readonly input: string;
	/** How long (ms) it may take. */
	readonly timeoutMs: number;
}

/**
 * Runs a program without a shell and without arguments, and waits for its end. What it prints goes to standard error;
 * it is ended, with all that it started, when it takes too long or is no longer wanted.
 * @returns what went wrong, in words that go on with "The hook …"
 */
export async function runHook(call: HookCall, unwanted?: AbortSignal): Promise<string | undefined> {
	const {default: spawn} = await import('cross-spawn');
	const {promise, resolve} = Promise.withResolvers<string | undefined>();
	// A group of its own, so that what it starts ends with it.
	const child = spawn(call.file, [], {
		argv0: call.name,
		env: call.env,
		detached: true,
		stdio: ['pipe', 2, 2],
	});
	const giveUp = (why: string) => {
		killGroup(child);
		resolve(why);
	};
	const timer = setTimeout(
		() => giveUp(`took longer than ${call.timeoutMs} ms, and was ended`),
		call.timeoutMs,
	);
	const drop = () => giveUp('was ended with the watch');
	unwanted?.addEventListener('abort', drop);
	child.on('error', error => resolve(`cannot be started${'code' in error ? ` (${error.code})` : ''}`));
	child.on('exit', (code, signal) =>
		resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
	);
	// It may end without having read what it was given.
	child.stdin?.on('error', () => {});
	child.stdin?.end(call.input);
	try {
		return await promise;
	} finally {
		clearTimeout(timer);
		unwanted?.removeEventListener('abort', drop);
		child.stdin?.destroy();
		child.unref();
	}
}
