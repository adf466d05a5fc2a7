import {setTimeout as pause} from 'node:timers/promises';
import {fingerprint} from '../source/auth/identity.ts';
import {freshCredential} from '../source/auth/refresh.ts';
import {openJarvis} from '../source/core.ts';
import {asJarvisError} from '../source/errors.ts';
import {watchRefreshes} from '../test/auth/points.ts';
import {type Status, writeStatusTo} from './soak-status.ts';

/** A record that a process asks for: one of the agents that hold a grant. */
export interface SoakRecord {
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId: string;
}

export interface SoakOrder {
	readonly stateDir: string;
	readonly statusFile: string;
	readonly records: readonly SoakRecord[];
	/** The longest pause (ms) between two asks. */
	readonly pauseMs: number;
}

export type SoakNews =
	| {readonly kind: 'ready'}
	/** When its reply came, and when it was durable in the slot and in the store (epoch ms, with fractions). */
	| {readonly kind: 'refresh'; readonly reply: number; readonly kept: number; readonly stored: number}
	| {
			readonly kind: 'error';
			readonly code: string;
			readonly message: string;
			readonly record: SoakRecord;
			readonly askedAt: number;
	  };

function tell(news: SoakNews): void {
	process.send?.(news);
}

process.once('message', (order: SoakOrder) => void work(order));
process.on('disconnect', () => process.exit());
tell({kind: 'ready'});

async function work({stateDir, statusFile, records, pauseMs}: SoakOrder): Promise<never> {
	const write = writeStatusTo(statusFile);
	let status: Status = {at: undefined, spent: '', tokens: 0, expiries: 0};
	const update = (change: Partial<Status>) => {
		status = {...status, ...change};
		write(status);
	};
	const times = {request: 0, reply: 0, kept: 0, stored: 0};
	const watched = watchRefreshes(at => {
		times[at] = performance.timeOrigin + performance.now();
		update({at});
		if (at === 'stored') tell({kind: 'refresh', ...times});
	});
	const jarvis = openJarvis({stateDir, env: {}});
	const {providers} = await jarvis.providers();
	const {paths, now} = jarvis;
	const network: {fetch: typeof fetch} = {
		fetch: (url, init) => {
			const sent = new URLSearchParams(String(init?.body ?? '')).get('refresh_token');
			update({spent: fingerprint(sent ?? '')});
			return watched(url, init);
		},
	};
	for (;;) {
		const record = records[Math.floor(Math.random() * records.length)] as SoakRecord;
		const provider = providers.get(record.providerId);
		if (!provider) throw new Error(`${record.providerId} is not declared`);
		const askedAt = Date.now();
		try {
			const {how} = await freshCredential({...record, provider, paths, now, network});
			const isOver = how === 'stored' ? 0 : 1;
			update({at: undefined, tokens: status.tokens + 1, expiries: status.expiries + isOver});
		} catch (error) {
			update({at: undefined});
			const {code, message} = asJarvisError(error);
			tell({kind: 'error', code, message, record, askedAt});
		}
		await pause(Math.random() * pauseMs);
	}
}
