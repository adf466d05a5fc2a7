import type {Jarvis} from '../core.ts';
import {asJarvisError} from '../errors.ts';
import type {CopyOutcome} from '../host/clipboard.ts';
import {asTyped} from '../suggested.ts';
import {patch, type Toast, type UiStore} from './state.ts';
import {toastOf} from './toast.ts';

/** What the actions act on: the state, the core, and what only the terminal's owner can do. */
export interface UiContext {
	readonly store: UiStore;
	readonly jarvis: Jarvis;
	readonly host: UiHost;
}

export interface UiHost {
	copy(text: string): Promise<CopyOutcome>;
	openBrowser(url: string): Promise<void>;
	/** Shows a text outside of the dashboard, on the plain terminal, until a key is pressed. */
	showPlain(text: string): Promise<void>;
	/** Stops the process as a shell's ^Z does, and goes on when it is brought back. */
	stop(): Promise<void>;
	quit(): void;
	/** Reads the files again, now. */
	reload(): Promise<void>;
}

/** Tells the person something at the foot of the screen. */
export function say(
	{store, jarvis}: Pick<UiContext, 'store' | 'jarvis'>,
	tone: Toast['tone'],
	text: string,
): void {
	const {toast, stateDir} = store.getState();
	patch(store, {toast: toastOf(toast, tone, asTyped(text, stateDir), jarvis.now())});
}

/**
 * Runs something that takes time, and shows that it is under way. What goes wrong is told, and nothing is
 * thrown. A second task of the same key is not started.
 */
export async function runTask(
	context: Pick<UiContext, 'store' | 'jarvis'>,
	key: string,
	label: string,
	work: () => Promise<string | undefined>,
): Promise<'done' | 'failed' | 'busy'> {
	const {store} = context;
	if (store.getState().tasks.has(key)) return 'busy';
	patch(store, {tasks: new Map([...store.getState().tasks, [key, label] as const])});
	try {
		const told = await work();
		if (told) say(context, 'good', told);
		return 'done';
	} catch (error) {
		const {message, next} = asJarvisError(error);
		say(context, 'bad', `${message} ${next}`);
		return 'failed';
	} finally {
		const tasks = new Map(store.getState().tasks);
		tasks.delete(key);
		patch(store, {tasks});
	}
}
