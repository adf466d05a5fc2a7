import {longestSleepMs, pauseAfter} from '../auth/backoff.ts';
import {skewMs} from '../auth/expiry.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {healthOf} from '../auth/health.ts';
import {orderOf, providersInUse, type Snapshot, usableFacts} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {asJarvisError} from '../errors.ts';

/**
 * `--keep-fresh`: tokens are renewed before they run out, so that nobody who asks waits for a refresh. Only
 * those that an agent would be given: the order decides, and what only a person can mend is left alone.
 */

/** How long (ms) before a token counts as over it is renewed at most; a quarter of its lifetime if that is less. */
const longestLeadMs = 5 * 60_000;

/** A renewal ahead of expiry that is planned. */
export interface PlannedRenewal {
	readonly agentId: string;
	readonly profileId: string;
	/** Epoch ms. */
	readonly at: number;
	/** The code of the error that the last try met. */
	readonly failed?: string;
}

/** A token that is to be renewed. */
export interface Due {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	/** When it is renewed (epoch ms). */
	readonly at: number;
	/** How long (ms) before its expiry that is: a token that lives longer has been renewed already. */
	readonly leadMs: number;
}

/** The refreshable profiles that agents would be given now, each once, by the agent that holds it. */
export function inUse(snapshot: Snapshot, now: number): ProfileFacts[] {
	const found = new Map<string, ProfileFacts>();
	for (const agent of snapshot.agents) {
		const usable = usableFacts(agent);
		for (const provider of providersInUse(agent)) {
			const {places} = orderOf({agent, config: snapshot.config}, provider, now);
			for (const {profileId, place, until} of places) {
				const facts = usable.find(other => other.profileId === profileId && other.provider === provider);
				// One that is set aside is renewed once it is back, or when somebody asks.
				if (!facts || place === undefined || until !== undefined) continue;
				if (facts.refreshable && healthOf(facts, now).reason === 'ok') {
					found.set(`${facts.agentId} ${profileId}`, facts);
				}
			}
		}
	}
	return [...found.values()];
}

/**
 * When a token is to be renewed; `undefined` for one without an expiry.
 * @param lifetimeMs how long it lives in all, as far as is known
 * @param fraction from 0 to 1: where within the last tenth of the lead it falls, so that many do not come at once
 */
export function dueOf(facts: ProfileFacts, lifetimeMs: number, fraction: number): Due | undefined {
	const {agentId, profileId, provider, expires, expiresIn} = facts;
	if (typeof expires !== 'number') return undefined;
	const ahead = Math.min(longestLeadMs, lifetimeMs / 4);
	const leadMs = Math.round(skewMs(expiresIn) + ahead * (1 - fraction / 10));
	return {agentId, profileId, provider, at: expires - leadMs, leadMs};
}

export interface Renewals {
	/**
	 * Plans anew: a file may have changed.
	 * @param snapshot what was read of the state just now, by whoever lets no older one come after it
	 */
	plan(snapshot?: Snapshot): Promise<void>;
	list(): PlannedRenewal[];
	/** Plans no more; settles when what is under way is done, since a refresh must not be cut off. */
	stop(): Promise<void>;
}

interface Plan {
	readonly due: Due;
	/** The expiry (epoch ms) that it was made for. */
	readonly expires: number;
	readonly failures: number;
	readonly failed?: string;
}

/** The shortest time (ms) between two renewals of a profile, whatever its server says. */
const shortestPauseMs = 1000;

/** Keeps the tokens of a state folder fresh. One timer sleeps until the next one is due. */
export function startRenewals(
	jarvis: Pick<Jarvis, 'snapshot' | 'refresh' | 'now' | 'env'>,
	random: () => number = Math.random,
): Renewals {
	let plans = new Map<string, Plan>();
	const underWay = new Map<string, Promise<void>>();
	let timer: NodeJS.Timeout | undefined;
	let planning: Promise<void> | undefined;
	let isAgain = false;
	let isStopped = false;

	function plan(read?: Snapshot): Promise<void> {
		isAgain = planning !== undefined;
		planning ??= makePlans(read).finally(() => {
			planning = undefined;
			if (isAgain && !isStopped) plan().catch(() => {});
		});
		return planning;
	}

	async function makePlans(read?: Snapshot): Promise<void> {
		const snapshot = read ?? (await jarvis.snapshot());
		if (isStopped) return;
		const now = jarvis.now();
		const next = new Map<string, Plan>();
		for (const facts of inUse(snapshot, now)) {
			const key = `${facts.agentId} ${facts.profileId}`;
			const known = plans.get(key);
			const earliest = known ? now + shortestPauseMs : now;
			const made = known && known.expires === facts.expires ? known : planFor(facts, now, earliest);
			if (made) next.set(key, made);
		}
		plans = next;
		renewDue();
	}

	function planFor(facts: ProfileFacts, now: number, earliest: number): Plan | undefined {
		// Where its server gave no lifetime, what is left of it when it is first seen stands for that.
		const left = typeof facts.expires === 'number' ? Math.max(0, facts.expires - now) : 0;
		const due = dueOf(facts, facts.expiresIn === undefined ? left : facts.expiresIn * 1000, random());
		return due && {due: {...due, at: Math.max(due.at, earliest)}, expires: due.at + due.leadMs, failures: 0};
	}

	function renewDue(): void {
		const now = jarvis.now();
		for (const [key, plan] of plans) {
			if (plan.due.at <= now && !underWay.has(key)) underWay.set(key, renew(key, plan));
		}
		schedule();
	}

	async function renew(key: string, plan: Plan): Promise<void> {
		const {agentId, profileId, provider, leadMs} = plan.due;
		const failed = await jarvis.refresh({agentId, profileId, provider}, {withinMs: leadMs}).then(
			() => undefined,
			error => asJarvisError(error).code,
		);
		const failures = failed === undefined ? 0 : plan.failures + 1;
		const pause = failed === undefined ? shortestPauseMs : pauseAfter(failures);
		const about = {failures, ...(failed === undefined ? {} : {failed})};
		if (plans.get(key) === plan) {
			plans.set(key, {due: {...plan.due, at: jarvis.now() + pause}, expires: plan.expires, ...about});
		}
		// A new token is in the file by now. Planning before that was told would find the old one.
		await makePlans().catch(() => {});
		underWay.delete(key);
		schedule();
	}

	function schedule(): void {
		clearTimeout(timer);
		if (isStopped) return;
		const waiting = [...plans].filter(([key]) => !underWay.has(key)).map(([, {due}]) => due.at);
		const next = Math.min(...waiting, Number.POSITIVE_INFINITY);
		if (next === Number.POSITIVE_INFINITY) return;
		timer = setTimeout(renewDue, Math.max(0, Math.min(next - jarvis.now(), longestSleepMs)));
	}

	return {
		plan,
		list: () =>
			[...plans.values()]
				.map(({due: {agentId, profileId, at}, failed}) => ({
					...{agentId, profileId, at},
					...(failed === undefined ? {} : {failed}),
				}))
				.sort((a, b) => a.at - b.at),
		async stop() {
			isStopped = true;
			clearTimeout(timer);
			await Promise.allSettled(underWay.values());
		},
	};
}
