import {longestSleepMs, pauseAfter} from '../auth/backoff.ts';
import {isExpired} from '../auth/expiry.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {healthOf} from '../auth/health.ts';
import {asJarvisError, type JarvisError} from '../errors.ts';
import {watchState} from '../store/watch.ts';
import {nextChange, nextExpiry} from './clock.ts';
import {runTask, type UiContext} from './context.ts';
import {watchLogins} from './found-logins.ts';
import {followLog} from './log-follower.ts';
import {providerChoice} from './provider-choice.ts';
import {pinnedCursors} from './rows.ts';
import {keepSecrets} from './secrets.ts';
import {type ProviderChoice, patch} from './state.ts';
import {toastAfter} from './toast.ts';

/** How often (ms) the broker is asked while somebody looks at its screen. */
const brokerMs = 2000;

/** How long (ms) to leave the file of a linked login alone that was over when it was looked at. */
const linkPauseMs = 10_000;

export interface Runtime {
	/** Reads the files again; calls during a reading are served by one further reading. */
	reload(): Promise<void>;
	stop(): void;
}

/**
 * Keeps the state of the dashboard true: files that change, time that goes by, tokens that run out. The
 * only place with a timer; it sleeps until something on the screen changes.
 */
export function startRuntime({store, jarvis}: Pick<UiContext, 'store' | 'jarvis'>): Runtime {
	/** What could not be refreshed, by profile: until when it is left alone, after so many failures in a row. */
	const pauses = new Map<string, {readonly until: number; readonly failures: number}>();
	let timer: NodeJS.Timeout | undefined;
	let brokerTimer: NodeJS.Timeout | undefined;
	let reading: Promise<void> | undefined;
	let readAgain: Promise<void> | undefined;
	let stopped = false;
	let nextLook = 0;

	async function read(): Promise<void> {
		const [read, {problems, ...providers}] = await Promise.all([
			jarvis.snapshot({sessions: true}),
			listProviders(),
		]);
		if (stopped) return;
		// What the cursor stands on stays what it stands on, whatever the files say now.
		const cursors = pinnedCursors(store.getState());
		const snapshot = {...read, problems: [...read.problems, ...problems]};
		patch(store, {...providers, cursors, snapshot, now: jarvis.now()});
		secrets.look();
	}

	async function listProviders(): Promise<{
		readonly providers?: readonly ProviderChoice[];
		/** Of plugins that are left out. */
		readonly problems: readonly JarvisError[];
	}> {
		try {
			const {providers, problems} = await jarvis.providers();
			return {providers: [...providers.values()].map(providerChoice), problems};
		} catch {
			// jarvis.json is damaged: the snapshot says so, and the providers stay as they were.
			return {problems: []};
		}
	}

	function reload(): Promise<void> {
		if (!reading) {
			reading = read().finally(() => {
				reading = undefined;
			});
			return reading;
		}
		readAgain ??= reading
			.catch(() => {})
			.then(() => {
				readAgain = undefined;
				return reload();
			});
		return readAgain;
	}

	function tick(): void {
		const now = jarvis.now();
		const {toast} = store.getState();
		patch(store, {now, ...(toast && toast.until <= now ? {toast: toastAfter(toast, now)} : {})});
		refreshExpired();
		lookAtLinks();
	}

	// A linked login is renewed by its own program, in a file that is not watched here.
	function lookAtLinks(): void {
		const {snapshot, now} = store.getState();
		if (now < nextLook || !snapshot.agents.some(agent => agent.profiles.some(isOverElsewhere))) return;
		nextLook = now + linkPauseMs;
		void reload().catch(() => {});

		function isOverElsewhere(facts: ProfileFacts): boolean {
			return facts.link !== undefined && (!facts.hasValue || isExpired(facts, now));
		}
	}

	function schedule(): void {
		clearTimeout(timer);
		if (stopped) return;
		const state = store.getState();
		// What is drawn is of a moment that is past: keys change the state too, and leave its time as it is.
		const late = jarvis.now() - state.now;
		const next = Math.min(nextChange(state), nextExpiry(state)) - late;
		const sleep = Math.min(next, nextPauseEnd(), longestSleepMs);
		timer = setTimeout(tick, Math.max(20, sleep));
	}

	function nextPauseEnd(): number {
		const ends = [...pauses.values()].map(pause => pause.until - jarvis.now()).filter(ms => ms > 0);
		return Math.min(...ends, Number.POSITIVE_INFINITY);
	}

	// A token that runs out while somebody looks is refreshed as it would be on its next use.
	function refreshExpired(): void {
		const {snapshot, autoRefresh, now} = store.getState();
		if (!autoRefresh) return;
		for (const facts of snapshot.agents.flatMap(agent => agent.profiles)) {
			const {agentId, profileId, provider} = facts;
			const key = `refresh ${agentId} ${profileId}`;
			if (!facts.refreshable || !isExpired(facts, now)) continue;
			if (healthOf(facts, now).reason !== 'ok' || (pauses.get(key)?.until ?? 0) > now) continue;
			void runTask({store, jarvis}, key, `refreshing ${profileId}`, async () => {
				await jarvis.refresh({agentId, profileId, provider}, 'expired');
				await reload();
				return undefined;
			}).then(outcome => {
				if (outcome === 'done') pauses.delete(key);
				if (outcome !== 'failed') return;
				const failures = (pauses.get(key)?.failures ?? 0) + 1;
				pauses.set(key, {until: jarvis.now() + pauseAfter(failures), failures});
				// What the server asked for is in no file that is watched.
				void reload().catch(() => {});
				schedule();
			});
		}
	}

	const secrets = keepSecrets({store, jarvis}, reload);
	// What the broker counts is in no file that could be watched.
	async function askBroker(): Promise<void> {
		clearTimeout(brokerTimer);
		const broker = await jarvis.brokerStatus().catch(error => ({problem: asJarvisError(error)}));
		if (stopped || store.getState().screen !== 'broker') return;
		clearTimeout(brokerTimer);
		brokerTimer = setTimeout(() => void askBroker(), brokerMs);
		const cursors = pinnedCursors(store.getState());
		patch(store, {broker, cursors, now: jarvis.now()});
	}

	const unsubscribe = store.subscribe((state, before) => {
		if (state.screen === 'broker' && before.screen !== 'broker') void askBroker();
		if (state.autoRefresh && !before.autoRefresh) refreshExpired();
		schedule();
	});
	const unwatchLogins = watchLogins({store, jarvis});
	const unwatch = watchState(jarvis.paths, () => void reload().then(refreshExpired, () => {}));
	// A process that was killed after a refresh may have left a program behind.
	void jarvis.keepInStep();
	const unfollow = followLog({store, jarvis});
	tick();
	return {
		reload,
		stop() {
			stopped = true;
			clearTimeout(timer);
			clearTimeout(brokerTimer);
			unsubscribe();
			unwatchLogins();
			unwatch();
			secrets.stop();
			unfollow();
		},
	};
}
