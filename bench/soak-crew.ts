import {type ChildProcess, fork} from 'node:child_process';
import {rmSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {readStatus, type Status} from './soak-status.ts';
import type {SoakNews, SoakOrder} from './soak-worker.ts';

/** One process of the soak. */
export interface Member {
	readonly status: () => Status;
	readonly kill: () => void;
	/** Stops it for so long (ms), unless it is stopped already. */
	readonly stopFor: (ms: number) => boolean;
	/** Whether it was stopped at any time since then (epoch ms). */
	readonly wasStoppedSince: (time: number) => boolean;
	/** Settles when it is gone, with its last status. */
	readonly gone: Promise<Status>;
}

/** Saves most of what starting a process costs. */
const compileCache = fileURLToPath(new URL('../node_modules/.cache/soak', import.meta.url));

const script = new URL('./soak-worker.ts', import.meta.url);

/** Starts a process, and gives it its order as soon as it listens. */
export function startMember(order: SoakOrder, hear: (news: SoakNews, member: Member) => void): Member {
	const child: ChildProcess = fork(script, {
		execArgv: [],
		env: {...process.env, NODE_COMPILE_CACHE: compileCache},
	});
	let lastStop = 0;
	let waking: NodeJS.Timeout | undefined;
	const status = () => readStatus(order.statusFile);
	const member: Member = {
		status,
		kill: () => void child.kill('SIGKILL'),
		stopFor(ms) {
			if (waking) return false;
			child.kill('SIGSTOP');
			lastStop = Number.POSITIVE_INFINITY;
			waking = setTimeout(() => {
				waking = undefined;
				lastStop = Date.now();
				child.kill('SIGCONT');
			}, ms);
			return true;
		},
		wasStoppedSince: time => lastStop >= time,
		gone: new Promise(resolve => {
			child.once('exit', () => {
				clearTimeout(waking);
				const last = status();
				rmSync(order.statusFile, {force: true});
				resolve(last);
			});
		}),
	};
	child.on('message', (news: SoakNews) => {
		if (news.kind === 'ready') child.send(order);
		else hear(news, member);
	});
	// An order to one that is killed meanwhile.
	child.on('error', () => {});
	return member;
}
