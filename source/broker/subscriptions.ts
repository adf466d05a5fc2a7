import {longestSleepMs, pauseAfter} from '../auth/backoff.ts';
import {longestSkewMs} from '../auth/expiry.ts';
import type {Resolved, ResolveRequest} from '../auth/resolve.ts';
import {asJarvisError, type JarvisError} from '../errors.ts';
import type {Answers} from './answers.ts';

/**
 * Standing questions: whoever subscribes is told the answer, and every other one from then on. All that ask
 * the same are served by one look.
 */

export type TokenEvent =
	| {readonly event: 'token'; readonly resolved: Resolved}
	| {readonly event: 'error'; readonly error: JarvisError};

export interface Subscriptions {
	/** Tells the present answer and every new one; returns what ends it. */
	add(request: ResolveRequest, tell: (event: TokenEvent) => void): () => void;
	/** Looks again: a file may have changed. */
	look(): void;
	stop(): void;
}

interface Question {
	readonly request: ResolveRequest;
	/** Those that asked, with what they were told last. */
	readonly listeners: Map<(event: TokenEvent) => void, TokenEvent | undefined>;
	/** When it is looked at again though no file changed (epoch ms). */
	lookAt: number;
	failures: number;
	isLooking: boolean;
	/** A further look is wanted after the one that is under way. */
	isAgain: boolean;
}

/** Serves standing questions. A token that runs out is asked for again, which refreshes it. */
export function serveSubscriptions(answers: Answers, now: () => number): Subscriptions {
	const questions = new Map<string, Question>();
	let timer: NodeJS.Timeout | undefined;

	function add(request: ResolveRequest, tell: (event: TokenEvent) => void): () => void {
		const key = JSON.stringify(request);
		let question = questions.get(key);
		if (!question) {
			question = {request, listeners: new Map(), lookAt: 0, failures: 0, isLooking: false, isAgain: false};
			questions.set(key, question);
		}
		const {listeners} = question;
		listeners.set(tell, undefined);
		void look(question);
		return () => {
			listeners.delete(tell);
			if (listeners.size > 0 || questions.get(key)?.listeners !== listeners) return;
			questions.delete(key);
			schedule();
		};
	}

	async function look(question: Question): Promise<void> {
		question.isAgain = question.isLooking;
		if (question.isLooking) return;
		question.isLooking = true;
		const event = await answerTo(question.request);
		question.isLooking = false;
		question.failures = event.event === 'error' ? question.failures + 1 : 0;
		question.lookAt = nextLook(question, event, now());
		for (const [tell, told] of question.listeners) {
			if (told && !isNews(told, event)) continue;
			question.listeners.set(tell, event);
			tell(event);
		}
		if (question.isAgain) return look(question);
		schedule();
	}

	async function answerTo(request: ResolveRequest): Promise<TokenEvent> {
		try {
			return {event: 'token', resolved: await answers.get(request)};
		} catch (error) {
			return {event: 'error', error: asJarvisError(error)};
		}
	}

	function schedule(): void {
		clearTimeout(timer);
		if (questions.size === 0) return;
		const next = Math.min(...[...questions.values()].map(({lookAt}) => lookAt));
		timer = setTimeout(lookAtDue, Math.max(0, Math.min(next - now(), longestSleepMs)));
	}

	function lookAtDue(): void {
		const at = now();
		const due = [...questions.values()].filter(({lookAt, isLooking}) => lookAt <= at && !isLooking);
		if (due.length === 0) return schedule();
		for (const question of due) void look(question);
	}

	return {
		add,
		look() {
			for (const question of questions.values()) void look(question);
		},
		stop() {
			clearTimeout(timer);
			questions.clear();
		},
	};
}

/** When an answer may be another one though no file changes (epoch ms). */
function nextLook({request, failures}: Question, event: TokenEvent, now: number): number {
	if (event.event === 'error') return now + pauseAfter(failures);
	const {expires = Number.POSITIVE_INFINITY, until, passedOver} = event.resolved;
	const comeBack = [until, ...passedOver.map(other => other.until)].filter(at => at !== undefined);
	// When exactly a token counts as over is not told here: once that may be, it is looked at every second.
	const over = expires - Math.max(longestSkewMs, request.minTtlMs ?? 0);
	// Not everything that an answer depends on is in a file that is watched.
	return Math.max(now + 1000, Math.min(now + longestSleepMs, over, ...comeBack));
}

function isNews(told: TokenEvent, event: TokenEvent): boolean {
	if (told.event === 'error') return event.event !== 'error' || told.error.code !== event.error.code;
	if (event.event === 'error') return true;
	const [a, b] = [told.resolved, event.resolved];
	return (
		a.secret !== b.secret || a.profileId !== b.profileId || a.model !== b.model || a.expires !== b.expires
	);
}
