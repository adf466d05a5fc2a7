import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import type {Point} from './points.ts';

/** What a worker is asked for: a token that is good now. */
export interface Job {
	readonly stateDir: string;
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId?: string;
	/** The token must be good for at least so long (ms). */
	readonly minTtlMs?: number;
	/** How far (ms) the worker's clock is off. */
	readonly clockOffsetMs?: number;
	/** Where the worker kills itself. */
	readonly dieAt?: Point;
}

/** What a worker got. */
export type Answer =
	| {readonly secret: string}
	| {readonly code: string; readonly message: string; readonly cause?: string};

/** What a worker is told: its job, and the moment (epoch ms) at which to begin. */
export type Order = {readonly job: Job; readonly at: number} | {readonly roll: 'call'};

export interface Crew {
	readonly members: readonly ChildProcess[];
	/** Has all members begin at the same moment, each with its job; returns what they got. */
	run(jobs: readonly Job[]): Promise<Answer[]>;
	dismiss(): void;
}

/** How long (ms) before its start an order is given: longer than it takes to tell everybody. */
export const noticeMs = 40;

const worker = new URL('./refresh-worker.ts', import.meta.url);

/** Starts so many real processes, and returns when all are ready. */
export async function assemble(size: number): Promise<Crew> {
	const members = Array.from({length: size}, () => fork(worker, {execArgv: [], serialization: 'advanced'}));
	await Promise.all(members.map(member => once(member, 'message')));
	return {
		members,
		async run(jobs) {
			// Nobody is told to begin before everybody has shown to be listening.
			const ready = members.slice(0, jobs.length).map(async member => {
				const heard = once(member, 'message');
				member.send({roll: 'call'} satisfies Order);
				await heard;
			});
			await Promise.all(ready);
			const at = Date.now() + noticeMs;
			return Promise.all(
				jobs.map(async (job, index) => {
					const member = members[index];
					if (!member) throw new Error(`there are only ${members.length} workers`);
					member.send({job, at} satisfies Order);
					return answerOf(member);
				}),
			);
		},
		dismiss() {
			for (const member of members) member.kill('SIGKILL');
		},
	};
}

/** The next answer of a worker; says that it is gone if its process ends instead. */
async function answerOf(member: ChildProcess): Promise<Answer> {
	const settled = new AbortController();
	const {signal} = settled;
	try {
		return await Promise.race([
			once(member, 'message', {signal}).then(([message]): Answer => message.answer),
			once(member, 'exit', {signal}).then(
				([code, name]): Answer => ({code: 'gone', message: `ended by ${code ?? name}`}),
			),
		]);
	} finally {
		settled.abort();
	}
}
