import {asJarvisError} from '../errors.ts';
import type {AuditFollower, LoggedEntry} from '../store/audit-reader.ts';
import {say, type UiContext} from './context.ts';
import {cursorOf, logRows} from './rows.ts';
import {type LogRow, patch, type UiState} from './state.ts';

/** How many entries the screen holds; `jarvis log` has them all. */
export const shownEntries = 500;

type Context = Pick<UiContext, 'store' | 'jarvis'>;

/**
 * Keeps the newest entries of the audit log in the state while the log screen is shown. The file is read when it
 * is opened, and then what comes.
 * @returns a function that ends it
 */
export function followLog(context: Context): () => void {
	const {store, jarvis} = context;
	let shown: {follower?: AuditFollower; over: boolean} | undefined;
	let count = 0;

	async function start(): Promise<void> {
		const mine: NonNullable<typeof shown> = {over: false};
		shown = mine;
		try {
			const follower = await jarvis.followAuditLog(entries => {
				if (!mine.over) take(entries);
			});
			mine.follower = follower;
			if (mine.over) return follower.stop();
			take(follower.before({}, shownEntries));
		} catch (error) {
			const {message, next} = asJarvisError(error);
			say(context, 'bad', `${message} ${next}`);
		}
	}

	function stop(): void {
		if (!shown) return;
		shown.over = true;
		shown.follower?.stop();
		shown = undefined;
	}

	function take(entries: readonly LoggedEntry[]): void {
		const state = store.getState();
		const rows = entries.map((entry): LogRow => ({id: String(count++), entry})).reverse();
		patch(store, {log: [...rows, ...state.log].slice(0, shownEntries), cursors: cursorsAfter(state)});
	}

	const look = ({screen, previous}: UiState) => {
		const isWanted = screen === 'log' || (screen === 'help' && previous === 'log');
		if (isWanted && !shown) void start();
		if (isWanted || !shown) return;
		stop();
		patch(store, {log: []});
	};
	const unsubscribe = store.subscribe(look);
	look(store.getState());
	return () => {
		unsubscribe();
		stop();
	};
}

// At the top it stays at the top, whatever comes; elsewhere on what it stands on.
function cursorsAfter(state: UiState): UiState['cursors'] {
	if (cursorOf(state, 'log', logRows(state)) > 0) return state.cursors;
	const {log: _, ...others} = state.cursors;
	return others;
}
