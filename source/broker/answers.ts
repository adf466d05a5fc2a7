import {statSync} from 'node:fs';
import {longestSkewMs} from '../auth/expiry.ts';
import type {Resolved, ResolveRequest} from '../auth/resolve.ts';
import type {Jarvis} from '../core.ts';
import {errorTable} from '../errors.ts';
import {mainAgentId} from '../store/paths.ts';

/**
 * How long (ms) an answer is given again at most. The files that it was made from are looked at each time;
 * this is for what else it may depend on, such as a plugin's manifest or what a secret ref leads to.
 */
export const longestKeptMs = 1000;

/** How many different requests are remembered. */
const maxKept = 1000;

/** What is asked of an answer's maker: the core, or a part of it in tests. */
export type Resolver = Pick<Jarvis, 'paths' | 'now' | 'agent' | 'resolve'>;

/** Answers to requests: what `resolve` would say now, however many ask. */
export interface Answers {
	/** Throws as `resolve` does. */
	get(request: ResolveRequest): Promise<Resolved>;
	/** Forgets what is remembered: something may have changed that no file shows. */
	clear(): void;
	/** Settles when nothing is being made: it may be a refresh, which must not be cut off. */
	idle(): Promise<void>;
}

interface Kept {
	readonly files: readonly string[];
	readonly seen: string;
	readonly answer: Promise<Resolved>;
	/** When it was made, and when `resolve` might say something else (epoch ms); absent while it is being made. */
	since?: number;
	until?: number;
}

/**
 * Gives the same answer again for as long as `resolve` would: while the files that it was made from are the
 * very same ones, and until the clock changes something. Those who ask while an answer is being made wait
 * for that one, unless a file changed since it was begun. An error is never remembered.
 */
export function keepAnswers(jarvis: Resolver): Answers {
	const kept = new Map<string, Kept>();
	const underWay = new Set<Promise<unknown>>();

	async function get(request: ResolveRequest): Promise<Resolved> {
		const key = JSON.stringify(request);
		const known = kept.get(key);
		if (known && isStillTrue(known, jarvis.now())) return known.answer;
		const agentId = await jarvis.agent(request.agentId);
		// Somebody may have begun meanwhile.
		const begun = kept.get(key);
		if (begun && begun !== known && isStillTrue(begun, jarvis.now())) return begun.answer;
		return begin(key, request, agentId);
	}

	function begin(key: string, request: ResolveRequest, agentId: string): Promise<Resolved> {
		const {paths} = jarvis;
		const files = [
			paths.config,
			paths.profiles(agentId),
			...(agentId === mainAgentId ? [] : [paths.profiles(mainAgentId)]),
			...(request.sessionKey === undefined ? [] : [paths.sessions(agentId)]),
		];
		const entry: Kept = {files, seen: lookAt(files), answer: jarvis.resolve({...request, unrecorded: true})};
		underWay.add(entry.answer);
		kept.delete(key);
		kept.set(key, entry);
		if (kept.size > maxKept) kept.delete(kept.keys().next().value ?? '');
		entry.answer.then(
			resolved => {
				underWay.delete(entry.answer);
				entry.since = jarvis.now();
				entry.until = goodUntil(resolved, request, entry.since);
			},
			() => {
				underWay.delete(entry.answer);
				if (kept.get(key) === entry) kept.delete(key);
			},
		);
		return entry.answer;
	}

	return {
		get,
		clear: () => kept.clear(),
		async idle() {
			await Promise.allSettled(underWay);
		},
	};
}

function isStillTrue({files, seen, since, until}: Kept, now: number): boolean {
	// A clock that was set back makes everything doubtful.
	if (since !== undefined && until !== undefined && (now < since || now >= until)) return false;
	return lookAt(files) === seen;
}

/** What changes of files whenever one is replaced or written to. */
export function lookAt(files: readonly string[]): string {
	let seen = '';
	for (const file of files) {
		const stat = statSync(file, {throwIfNoEntry: false});
		seen += stat ? `${stat.ino} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.size};` : ';';
	}
	return seen;
}

/** When an answer may be another one though no file changed (epoch ms); no later than `now` if it is at any time. */
function goodUntil({expires, until, passedOver}: Resolved, request: ResolveRequest, now: number): number {
	// A better placed one whose refresh failed is tried again at once, as everybody else does.
	if (passedOver.some(({reason}) => reason in errorTable && reason !== 'needs_login')) return now;
	const comeBack = [until, ...passedOver.map(other => other.until)].filter(at => at !== undefined);
	// How long before its end a token counts as over is not told here: half a minute at most.
	const over = (expires ?? Infinity) - Math.max(longestSkewMs, request.minTtlMs ?? 0);
	return Math.min(now + longestKeptMs, over, ...comeBack);
}
