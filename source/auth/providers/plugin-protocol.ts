import type {OAuthCredential} from '../../store/schema.ts';
import type {IssuedCredential} from './contract.ts';

/** What a code plugin's worker is started for. */
export interface PluginTask {
	/** The module, as an absolute path. */
	readonly module: string;
	readonly use: PluginUse;
	/** By how much (ms) JARVIS's time differs from the machine's. */
	readonly clockOffsetMs: number;
	readonly isDebugged: boolean;
}

export type PluginUse =
	| {readonly name: 'describe'}
	| (MethodRef & {readonly name: 'login'})
	| (MethodRef & {readonly name: 'refresh'; readonly credential: OAuthCredential})
	| (MethodRef & {readonly name: 'revoke'; readonly credential: IssuedCredential});

/** One method of one of the module's providers. */
export interface MethodRef {
	readonly providerId: string;
	/** Which of the module's providers. */
	readonly export: number;
	/** Which of its methods. */
	readonly method: number;
}

/** What the worker is told. */
export type ToWorker =
	/** Whether its event loop runs: it answers at once. */
	| {readonly type: 'ping'}
	/** The answer to what it asked. */
	| {readonly type: 'answer'; readonly id: number; readonly value: unknown}
	/** Calls a function that was given with what it asked. */
	| {
			readonly type: 'call';
			readonly id: number;
			readonly call: number;
			readonly name: string;
			readonly argument: string;
	  }
	| {readonly type: 'abort'};

/** What the worker tells. Nothing of it is taken as it is: the plugin could send anything in its name. */
export type FromWorker =
	| {readonly type: 'pong'}
	| {readonly type: 'loaded'}
	/** Asks for something of the person. */
	| {readonly type: 'ask'; readonly id: number; readonly name: string; readonly request: unknown}
	| {readonly type: 'tell'; readonly name: string; readonly request: unknown}
	| {readonly type: 'returned'; readonly call: number; readonly value: unknown}
	/** The end: the result, as JSON. */
	| {readonly type: 'done'; readonly json: string}
	| ({readonly type: 'threw'} & Thrown);

/** What may be known of something that was thrown. */
export interface Thrown {
	readonly name?: unknown;
	readonly code?: unknown;
	readonly status?: unknown;
	readonly retryAfter?: unknown;
}

/** The longest result, in characters of JSON. */
export const longestResult = 256 * 1024;
