import type {Resolved} from '../auth/resolve.ts';
import type {SparingLog} from '../store/sparing-log.ts';
import type {BrokerClient, ClientHandOut, Peer} from './contract.ts';

/** Who asked, and what they got: for the dashboard, and for the audit log. */

/** How many programs, and how many profiles of each, are told apart; further ones count as one. */
const maxClients = 200;
const maxProfiles = 50;

type Given = Pick<Resolved, 'agentId' | 'profileId' | 'provider'>;

/** A program that asks, which is counted. */
export interface ClientTally {
	asked(): void;
	got(given: Given): void;
	failed(code: string): void;
	/** A stream of events was opened; returns what is to be called when it ends. */
	subscribed(): () => void;
}

export interface Ledger {
	/** @param userAgent what the client calls itself */
	clientOf(peer: Peer, userAgent: string | undefined): ClientTally;
	/** The programs that asked, the one that asked last first. */
	list(): BrokerClient[];
	/** How often they asked, in all. */
	requests(): number;
}

interface Entry {
	readonly key: string;
	readonly command: string;
	readonly name?: string;
	readonly uid?: number;
	pid?: number;
	requests: number;
	subscriptions: number;
	readonly firstAt: number;
	lastAt: number;
	lastError?: string;
	/** By profile, the one that was handed out last at the end. */
	readonly got: Map<string, ClientHandOut>;
}

/** Keeps count of who got what, and notes it. */
export function keepLedger(now: () => number, log: SparingLog): Ledger {
	const entries = new Map<string, Entry>();
	let total = 0;

	function entryOf({uid, pid, command = 'unknown'}: Peer, name: string | undefined): Entry {
		const key = `${uid}\n${command}\n${name}`;
		const known = entries.get(key);
		if (known) return known;
		if (entries.size >= maxClients && command !== 'others') return entryOf({command: 'others'}, undefined);
		const at = now();
		const entry: Entry = {
			...{key, command, requests: 0, subscriptions: 0, firstAt: at, lastAt: at, got: new Map()},
			...(name === undefined ? {} : {name}),
			...(uid === undefined ? {} : {uid}),
			...(pid === undefined ? {} : {pid}),
		};
		entries.set(key, entry);
		return entry;
	}

	function count(entry: Entry, {agentId, profileId, provider}: Given): void {
		const key = `${agentId}\n${profileId}`;
		const times = (entry.got.get(key)?.times ?? 0) + 1;
		entry.got.delete(key);
		entry.got.set(key, {agentId, profileId, provider, times, lastAt: now()});
		if (entry.got.size > maxProfiles) entry.got.delete(entry.got.keys().next().value ?? '');
		const subject = {agentId, profileId, provider, by: wordsFor(entry)};
		log.note(`${entry.key}\n${key}`, 'handed_out', subject);
	}

	return {
		clientOf(peer, userAgent) {
			const name = nameOf(userAgent);
			return {
				asked() {
					const entry = entryOf(peer, name);
					total += 1;
					entry.requests += 1;
					entry.lastAt = now();
					if (peer.pid !== undefined) entry.pid = peer.pid;
				},
				got(given) {
					const entry = entryOf(peer, name);
					delete entry.lastError;
					count(entry, given);
				},
				failed(code) {
					entryOf(peer, name).lastError = code;
				},
				subscribed() {
					const entry = entryOf(peer, name);
					entry.subscriptions += 1;
					return () => {
						entry.subscriptions -= 1;
					};
				},
			};
		},
		list: () => [...entries.values()].map(factsOf).sort((a, b) => b.lastAt - a.lastAt),
		requests: () => total,
	};
}

/** A client in words, for the audit log. */
function wordsFor({command, name, pid}: Entry): string {
	const called = name === undefined ? command : `${command} (${name})`;
	return `broker client ${called}${pid === undefined ? '' : `, pid ${pid}`}`;
}

function factsOf({key: _, got, ...entry}: Entry): BrokerClient {
	return {...entry, got: [...got.values()].reverse()};
}

/** What a client calls itself, so that it can be shown: printable, and at most 60 characters. */
function nameOf(userAgent: string | undefined): string | undefined {
	const name = userAgent
		?.replace(/[^\x20-\x7e]/g, '')
		.slice(0, 60)
		.trim();
	return name === undefined || name === '' ? undefined : name;
}
