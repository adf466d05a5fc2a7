import type {PlannedRenewal} from '../staying/renewals.ts';

/** What the broker and those who ask it agree on (docs/broker.md). */

/** The first part of every path, and what `GET /v1/ping` says: another one breaks clients. */
export const protocol = 1;

/** What the query of `/v1/token` and `/v1/events` may hold: the words are those of `models auth token`. */
export const tokenParameters: readonly string[] = [
	...['provider', 'model', 'agent', 'session', 'profile', 'min-ttl', 'ready', 'tried'],
];

/** How many connections the broker has open at most. */
export const maxConnections = 1024;

/** The longest body (bytes) that the broker reads. */
export const maxBodyBytes = 16 * 1024;

/** The longest head (bytes) of a request, its query included. */
export const maxHeadBytes = 16 * 1024;

/** How long (ms) a connection may take for a request, and stay idle between two. */
export const requestTimeoutMs = 10_000;
export const idleTimeoutMs = 60_000;

/** Who asks, as the kernel says at the moment of connecting. */
export interface Peer {
	/** `undefined` where that is not looked at, because a person said so. */
	readonly uid?: number;
	readonly pid?: number;
	/** The program's name: for a person, not for a decision. */
	readonly command?: string;
}

/** A program that asked, with all its processes of one user. */
export interface BrokerClient {
	readonly command: string;
	/** What it calls itself: its `User-Agent`, if it says so. */
	readonly name?: string;
	readonly uid?: number;
	/** Its process that asked last. */
	readonly pid?: number;
	readonly requests: number;
	/** Open streams of events. */
	readonly subscriptions: number;
	/** Epoch ms. */
	readonly firstAt: number;
	readonly lastAt: number;
	/** What it got, the last one first. */
	readonly got: readonly ClientHandOut[];
	/** The code of the last error that it got, if it got one since its last token. */
	readonly lastError?: string;
}

export interface ClientHandOut {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly times: number;
	/** Epoch ms. */
	readonly lastAt: number;
}

/** What a broker tells of itself: no secret. */
export interface BrokerFacts {
	readonly version: string;
	readonly protocol: number;
	readonly pid: number;
	readonly stateDir: string;
	readonly socket: string;
	/** Epoch ms. */
	readonly startedAt: number;
	readonly keepFresh: boolean;
	/** Whether it looks which user asks. */
	readonly peerCheck: boolean;
	/** Secret refs could not all be loaded anew: what was loaded before stays in use. */
	readonly secretsDegraded: boolean;
	/** How many are open, beside the one that asks. */
	readonly connections: number;
	readonly requests: number;
	/** Connections that were turned away, as those of other users. */
	readonly refused: number;
	/** The programs that asked, the one that asked last first. */
	readonly clients: readonly BrokerClient[];
	readonly renewals: readonly PlannedRenewal[];
}

/** Whether a broker answers for a state folder, and what it says. */
export type BrokerStatus =
	| ({readonly running: true} & BrokerFacts)
	| {readonly running: false; readonly socket: string};

declare const JARVIS_VERSION: string;

/** The program's version; in a checkout that is not built there is none. */
export function ownVersion(): string {
	return typeof JARVIS_VERSION === 'string' ? JARVIS_VERSION : 'unbuilt';
}
