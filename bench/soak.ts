import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {startAuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {redirectUri} from '../test/sandbox/client.ts';
import {type Member, startMember} from './soak-crew.ts';
import {
	ask,
	declareProviders,
	logIn,
	recordsOf,
	type SoakGrant,
	soakAccounts,
	soakGrants,
} from './soak-grants.ts';
import {type Death, type Judgement, judge} from './soak-judge.ts';
import {killAtEachPoint} from './soak-kills.ts';
import {measureAlone, type Sample} from './soak-window.ts';
import type {SoakNews} from './soak-worker.ts';

/**
 * Many processes use a few grants at a server that rotates and ends a grant when a token is sent twice, while
 * some are killed and some stopped at any moment. Then each point of a refresh is killed at on purpose. Ends
 * with 1 if a token was sent twice without need, or a grant was lost anywhere but in the window that the
 * protocol leaves (docs/reliability.md).
 */

const {values} = parseArgs({
	options: {
		minutes: {type: 'string', default: '3'},
		processes: {type: 'string', default: '64'},
		kills: {type: 'string', default: '10'},
		seed: {type: 'string', default: '1'},
	},
});
const random = randomFrom(Number(values.seed));
const work = mkdtempSync(join(tmpdir(), 'jarvis-soak-'));

try {
	const isSound = await soak(Number(values.minutes) * 60_000, Number(values.processes));
	const isRecovered = await killAtEachPoint(join(work, 'points'), Number(values.kills));
	reportWindow('of one process alone', await measureAlone(join(work, 'alone'), 100));
	if (!isSound || !isRecovered) process.exitCode = 1;
} finally {
	rmSync(work, {recursive: true, force: true});
}

async function soak(forMs: number, processes: number): Promise<boolean> {
	const stateDir = join(work, 'state');
	const statusDir = join(work, 'status');
	for (const folder of [stateDir, statusDir]) mkdirSync(folder);
	const server = await startAuthorizationServer({
		...{redirectUris: [redirectUri], consent: 'auto', accounts: soakAccounts, accessTokenSeconds: 2},
	});
	const counts = {started: 0, killed: 0, stopped: 0, tokens: 0, expiries: 0, logins: 0};
	const deaths: Promise<Death>[] = [];
	const errors: string[] = [];
	const samples: Sample[] = [];
	const loggingIn = new Map<SoakGrant, Promise<void>>();
	const loggedInAt = new Map<SoakGrant, number>();
	const members = new Set<Member>();
	const dying = new WeakSet<Member>();
	let isOver = false;

	function renew(grant: SoakGrant): void {
		if (loggingIn.has(grant)) return;
		counts.logins += 1;
		const done = logIn(stateDir, server, grant).then(() => {
			loggingIn.delete(grant);
			loggedInAt.set(grant, Date.now());
		});
		loggingIn.set(grant, done);
	}

	function hear(news: SoakNews, member: Member): void {
		if (news.kind === 'error') {
			const grant = soakGrants.find(({profileId}) => profileId === news.record.profileId);
			if (news.code !== 'needs_login' || !grant) {
				errors.push(`${news.code}: ${news.message}`);
			} else if (news.askedAt > (loggedInAt.get(grant) ?? 0)) renew(grant);
		} else if (news.kind === 'refresh' && !member.wasStoppedSince(news.reply)) {
			samples.push({kept: news.kept - news.reply, stored: news.stored - news.reply});
		}
	}

	function start(): void {
		const statusFile = join(statusDir, String(counts.started++));
		const order = {stateDir, statusFile, records: recordsOf(soakGrants), pauseMs: 400};
		const member = startMember(order, hear);
		members.add(member);
		void member.gone.then(status => {
			members.delete(member);
			counts.tokens += status.tokens;
			counts.expiries += status.expiries;
			if (!isOver) start();
		});
	}

	function kill(member: Member): void {
		if (dying.has(member)) return;
		dying.add(member);
		// The server runs in this process: what it has done by now, it had done when the signal was sent.
		const eventsBefore = server.events.length;
		member.kill();
		counts.killed += 1;
		deaths.push(member.gone.then(status => ({eventsBefore, status})));
	}

	try {
		declareProviders(stateDir, server);
		for (const grant of soakGrants) await logIn(stateDir, server, grant);
		// Starting all of them at once would take all the time there is.
		for (let index = 0; index < processes; index++) {
			start();
			if (index % 8 === 7) await pause(400);
		}
		const endAt = Date.now() + forMs;
		let aimedAt = 0;
		while (Date.now() < endAt) {
			await pause(random() * 300);
			server.setTokenDelay(Math.floor(random() * 15));
			// On a slow machine, too, most refreshes must come to their end, or nobody ever gets a token.
			const mayAim = server.events.length >= aimedAt + 3;
			if (mayAim) aimedAt = server.events.length;
			const member = (mayAim ? await refreshing(members) : undefined) ?? anyOf(members);
			if (!member) continue;
			if (random() < 0.7) {
				await pause(random() * 12);
				kill(member);
			} else if (member.stopFor(20 + random() * random() * 4000)) counts.stopped += 1;
		}
		isOver = true;
		for (const member of members) kill(member);
		await Promise.all([...members].map(({gone}) => gone));
		await Promise.all(loggingIn.values());
		// Whatever was cut off is now either recovered or refused.
		server.setTokenDelay(0);
		for (const record of recordsOf(soakGrants)) await ask(stateDir, record, 10_000);
		const refreshes = server.events.filter(({type}) => type === 'refreshed').length;
		const isSound = report({...counts, refreshes}, judge(server.events, await Promise.all(deaths)), errors);
		reportWindow('of processes that were not stopped meanwhile', samples);
		return isSound;
	} finally {
		isOver = true;
		for (const member of members) member.kill();
		await server.close();
	}
}

/** Waits a moment for a process that is in the middle of a refresh. */
async function refreshing(members: ReadonlySet<Member>): Promise<Member | undefined> {
	const giveUpAt = Date.now() + 400;
	while (Date.now() < giveUpAt) {
		for (const member of members) if (member.status().at) return member;
		await pause(1);
	}
	return undefined;
}

function anyOf(members: ReadonlySet<Member>): Member | undefined {
	return [...members][Math.floor(random() * members.size)];
}

function report(
	counts: Readonly<Record<string, number>>,
	{doubles, hits, lost, strange}: Judgement,
	errors: readonly string[],
): boolean {
	table('Soak', [
		['processes started', counts.started],
		['  killed', counts.killed],
		['  stopped and woken', counts.stopped],
		['tokens handed out', counts.tokens],
		['  that were found over', counts.expiries],
		['refreshes at the server', counts.refreshes],
		['refresh tokens sent twice without a kill in the window', doubles],
		['kills that hit a refresh', Object.values(hits).reduce((sum, count) => sum + count, 0)],
		['  before the server rotated', hits.before],
		['  rotated, reply under way', hits.rotated],
		['  reply there, not yet kept', hits.arrived],
		['  reply kept', hits.kept],
		['  sending again what an earlier one had spent', hits.again],
		['grants lost', lost.rotated + lost.arrived + lost.elsewhere],
		['  rotated, reply under way', lost.rotated],
		['  reply there, not yet kept', lost.arrived],
		['  anywhere else', lost.elsewhere],
		['logins that made up for it', counts.logins],
		['other refusals by the server', strange],
		['other errors', errors.length],
	]);
	for (const error of errors) console.log(`    ${error}`);
	// On a machine that is at its limit some wait for a lock in vain; they are told so, and nothing is lost.
	const isExpected = (error: string) => error.startsWith('lock_timeout');
	return doubles + lost.elsewhere + strange === 0 && errors.every(isExpected);
}

function reportWindow(title: string, samples: readonly Sample[]): void {
	const times = (of: keyof Sample) =>
		[0.5, 0.99, 1]
			.map(
				share =>
					`${quantile(
						samples.map(sample => sample[of]),
						share,
					).toFixed(1)} ms`,
			)
			.join(', ');
	table(`From the reply's arrival, ${title} (${samples.length} refreshes): median, 99 %, longest`, [
		['until it is kept', times('kept')],
		['until it is stored', times('stored')],
	]);
}

function table(title: string, rows: readonly (readonly [string, number | string | undefined])[]): void {
	console.log(title);
	for (const [name, value] of rows) console.log(`  ${name.padEnd(56)} ${value}`);
}

function quantile(all: readonly number[], share: number): number {
	const sorted = [...all].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Random numbers that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}
