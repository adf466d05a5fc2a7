import {asJarvisError} from '../../errors.ts';
import type {
	BrowserState,
	DeviceState,
	Login,
	LoginOptions,
	LoginOutcome,
	LoginResult,
	LoginState,
	WaitingState,
} from './contract.ts';

/** What a way of logging in works with: it moves the state, and says what a paste means. */
export interface Stage {
	readonly signal: AbortSignal;
	state(): LoginState;
	move(state: Exclude<LoginState, LoginOutcome>): void;
	/** Shows a state with a link, and opens that in the person's browser where there is one. */
	moveAndOpen(state: Linked, url: string): void;
	/** What is done with what the person types or pastes, from now on. */
	onPaste(take: TakePaste): void;
	/** Called when the login is over, however it ends. */
	onEnd(clean: () => void): void;
}

type TakePaste = (text: string) => Promise<string | undefined>;

type Linked = Omit<WaitingState, 'browser'> | Omit<DeviceState, 'browser'>;

/**
 * Runs a way of logging in as a login with a state. What happens is told by the state; nothing is thrown.
 * @param flow resolves with what was stored
 */
export function runLogin(options: LoginOptions, flow: (stage: Stage) => Promise<LoginResult>): Login {
	const {provider, method, agentId} = options;
	const listeners = new Set<() => void>();
	const ending = Promise.withResolvers<LoginOutcome>();
	const stop = new AbortController();
	let current: LoginState = {step: 'preparing'};
	let takePaste: TakePaste | undefined;
	/** Whether what takes pastes has been asked for nothing yet. */
	let isNew = false;
	const early: ((take: TakePaste | undefined) => void)[] = [];

	const move = (next: LoginState) => {
		if (isOver(current)) return;
		current = next;
		if (isOver(next)) {
			takePaste = undefined;
			stop.abort();
			ending.resolve(next);
			for (const give of early.splice(0)) give(undefined);
		}
		for (const listener of [...listeners]) listener();
		if (isNew && (next.step === 'asking' || next.step === 'waiting')) {
			isNew = false;
			early.shift()?.(takePaste);
		}
	};
	const stage: Stage = {
		signal: stop.signal,
		state: () => current,
		move,
		moveAndOpen(state, url) {
			const {openBrowser} = options;
			const shown = (browser: BrowserState): LoginState => ({...state, browser});
			move(shown(openBrowser ? 'opening' : 'not asked'));
			const showing = current;
			const update = (browser: BrowserState) => {
				if (current === showing) move(shown(browser));
			};
			openBrowser?.(url).then(
				() => update('opened'),
				() => update('failed'),
			);
		},
		onPaste: take => {
			takePaste = take;
			isNew = true;
		},
		onEnd: clean => {
			if (stop.signal.aborted) clean();
			else stop.signal.addEventListener('abort', clean, {once: true});
		},
	};
	flow(stage).then(
		result => move({step: 'done', result}),
		error => move({step: 'failed', error: asJarvisError(error)}),
	);
	return {
		...{provider, method, agentId},
		state: () => current,
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		async paste(text) {
			if (takePaste) return takePaste(text);
			if (current.step !== 'preparing') return undefined;
			const asked = Promise.withResolvers<TakePaste | undefined>();
			early.push(asked.resolve);
			return (await asked.promise)?.(text);
		},
		cancel: () => move({step: 'cancelled'}),
		finished: ending.promise,
	};
}

function isOver(state: LoginState): state is LoginOutcome {
	return state.step === 'done' || state.step === 'failed' || state.step === 'cancelled';
}
