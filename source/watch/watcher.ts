import {longestSleepMs} from '../auth/backoff.ts';
import {newsOf, nextMoment, type Told, type WatchEvent, type Watched} from '../auth/concerns.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import type {Snapshot} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {asJarvisError} from '../errors.ts';
import {startRenewals} from '../staying/renewals.ts';
import {keepSecretsLoaded} from '../staying/secrets.ts';
import {watchState} from '../store/watch.ts';
import {ensurePrivateFolder} from '../store/write.ts';
import {followRefreshes, type RefreshResult, readRefreshes} from './refreshes.ts';

export interface WatchOptions extends Pick<Watched, 'agentId' | 'warnMs'> {
	/** Renews tokens before they run out. */
	readonly keepFresh?: boolean;
	/** Tells what came of refreshes, too. */
	readonly refreshes?: boolean;
}

/** What was found at one look. */
export interface WatchLook {
	readonly watched: Watched;
	/** When it was (epoch ms). */
	readonly now: number;
	/** What is news since the look before; at the first one, all that there is. */
	readonly events: readonly WatchEvent[];
	/** What came last of refreshing a profile, as far as that was asked for and is known. */
	refreshOf(facts: ProfileFacts): RefreshResult | undefined;
}

export interface Watch {
	/** Ends it; settles when a refresh that is under way is done, since that must not be cut off. */
	stop(): Promise<void>;
}

/** How long (ms) a file that cannot be read is given: an editor may be in the middle of writing it. */
const secondThoughtMs = 200;

/** The shortest time (ms) to the next look: a clock may be a little behind the timer. */
const shortestSleepMs = 20;

/**
 * Looks at a state folder once.
 * @returns what is wrong now, as events; refs are resolved for it
 */
export async function lookOnce(
	jarvis: Pick<Jarvis, 'snapshot' | 'now' | 'auditLog'>,
	{refreshes, ...of}: Omit<WatchOptions, 'keepFresh'>,
): Promise<WatchLook> {
	const refreshOf = refreshes ? await readRefreshes(jarvis) : () => undefined;
	const watched = {...of, snapshot: await jarvis.snapshot({refs: 'resolve'})};
	const now = jarvis.now();
	return {watched, now, events: newsOf(new Map(), watched, now).events, refreshOf};
}

/**
 * Looks whenever a file changes, whoever changed it, and when time alone changes something; once a minute in any
 * case, since a clock may be set, a machine may sleep, and another program's login is in no folder that is watched.
 * @param onLook called at each look, also when nothing is news; the first time before this settles
 * @throws system errors, where the folder cannot be watched
 */
export async function startWatch(
	jarvis: Jarvis,
	{keepFresh, refreshes, ...of}: WatchOptions,
	onLook: (look: WatchLook) => void,
): Promise<Watch> {
	ensurePrivateFolder(jarvis.paths.root);
	let told: Told = new Map();
	let degraded: SecretsReport | undefined;
	let problems = 0;
	let timer: NodeJS.Timeout | undefined;
	let looking: Promise<void> | undefined;
	let isAgain = false;
	let isStopped = false;

	async function read(): Promise<Snapshot> {
		const snapshot = await jarvis.snapshot();
		if (snapshot.problems.length <= problems) return snapshot;
		await new Promise(resolve => setTimeout(resolve, secondThoughtMs));
		return jarvis.snapshot();
	}

	async function lookNow(): Promise<void> {
		let next = Number.POSITIVE_INFINITY;
		try {
			const snapshot = await read();
			if (isStopped) return;
			problems = snapshot.problems.length;
			const watched = {...of, snapshot, degraded};
			const now = jarvis.now();
			const news = newsOf(told, watched, now);
			told = news.told;
			next = nextMoment(watched, now);
			onLook({watched, now, events: news.events, refreshOf: results?.of ?? (() => undefined)});
			secrets.look(snapshot);
			renewals?.plan(snapshot).catch(() => {});
		} finally {
			schedule(next);
		}
	}

	function look(): Promise<void> {
		isAgain = looking !== undefined;
		looking ??= lookNow().finally(() => {
			looking = undefined;
			if (isAgain && !isStopped) lookAgain();
		});
		return looking;
	}

	// What is wrong with a file is in the look itself: what comes here is told, and tried again.
	function lookAgain(): void {
		look().catch(error => {
			const {message, next} = asJarvisError(error);
			jarvis.tell(`${message} ${next}`);
		});
	}

	function schedule(next: number): void {
		clearTimeout(timer);
		if (isStopped) return;
		const sleep = Math.max(shortestSleepMs, Math.min(next - jarvis.now(), longestSleepMs));
		timer = setTimeout(lookAgain, sleep);
	}

	let isBegun = false;
	const secrets = await keepSecretsLoaded(
		jarvis,
		report => {
			degraded = report.state === 'degraded' ? report : undefined;
			if (isBegun) lookAgain();
		},
		{partial: true},
	);
	let results: Awaited<ReturnType<typeof followRefreshes>> | undefined;
	let renewals: ReturnType<typeof startRenewals> | undefined;
	let unwatch = () => {};
	async function stop(): Promise<void> {
		isStopped = true;
		clearTimeout(timer);
		unwatch();
		secrets.stop();
		results?.stop();
		await renewals?.stop();
	}
	try {
		if (refreshes) results = await followRefreshes(jarvis, lookAgain);
		if (keepFresh) renewals = startRenewals(jarvis);
		// A process that was killed after a refresh may have left a program behind.
		if (keepFresh) void jarvis.keepInStep();
		unwatch = watchState(jarvis.paths, lookAgain);
		isBegun = true;
		await look();
	} catch (error) {
		await stop();
		throw error;
	}
	return {stop};
}
