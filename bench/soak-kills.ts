import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {type AuthorizationServer, startAuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {assemble} from '../test/auth/crew.ts';
import type {Point} from '../test/auth/points.ts';
import {redirectUri} from '../test/sandbox/client.ts';
import {ask, declareProviders, logIn, soakAccounts} from './soak-grants.ts';

/** Where a process is killed, in the order of a refresh, and what is to become of the grant. */
const moments: readonly {
	readonly name: string;
	readonly at: Point | 'rotated';
	readonly isInWindow: boolean;
}[] = [
	{name: 'before the request', at: 'request', isInWindow: false},
	{name: 'the server has rotated, its reply is under way', at: 'rotated', isInWindow: true},
	{name: 'the reply has arrived, and is not kept', at: 'reply', isInWindow: true},
	{name: 'the reply is kept, and not stored', at: 'kept', isInWindow: false},
	{name: 'the reply is stored', at: 'stored', isInWindow: false},
];

const grant = {
	...{providerId: 'soak', profileId: 'soak:ada', email: 'ada@example.test', agents: ['main', 'one']},
};

/**
 * Kills a process so many times at each point of a refresh, at a server that lets a rotated token be sent
 * again for a minute and at one that does not; prints what became of the grants. Returns whether all were
 * recovered that can be.
 */
export async function killAtEachPoint(folder: string, times: number): Promise<boolean> {
	const lost: number[][] = [];
	for (const reuseGraceMs of [0, 60_000]) {
		const server = await startAuthorizationServer({
			...{redirectUris: [redirectUri], consent: 'auto', accounts: soakAccounts, reuseGraceMs},
		});
		try {
			const stateDir = join(folder, String(reuseGraceMs));
			mkdirSync(stateDir, {recursive: true});
			declareProviders(stateDir, server);
			const losses: number[] = [];
			for (const {at} of moments) losses.push(await lossesAt(at, times, stateDir, server));
			lost.push(losses);
		} finally {
			await server.close();
		}
	}
	const [strict = [], lenient = []] = lost;
	console.log(`Killed ${times} times at each point: grants recovered, of a server`);
	console.log(`  ${''.padEnd(48)} ends on reuse   allows it for a minute`);
	for (const [index, {name}] of moments.entries()) {
		const recovered = [strict, lenient].map(losses => `${times - (losses[index] ?? 0)} of ${times}`);
		console.log(`  ${name.padEnd(48)} ${recovered[0]?.padEnd(15)} ${recovered[1]}`);
	}
	const isRecoverable = (index: number) => moments[index]?.isInWindow === false;
	return (
		lenient.every(count => count === 0) &&
		strict.every((count, index) => count === 0 || !isRecoverable(index))
	);
}

async function lossesAt(
	at: Point | 'rotated',
	times: number,
	stateDir: string,
	server: AuthorizationServer,
): Promise<number> {
	let losses = 0;
	for (let round = 0; round < times; round++) {
		await logIn(stateDir, server, grant);
		await killOne(at, stateDir, server);
		const {providerId, profileId} = grant;
		const codes: (string | undefined)[] = [];
		for (const agentId of grant.agents)
			codes.push(await ask(stateDir, {providerId, profileId, agentId}, 120_000));
		if (codes.some(code => code !== undefined && code !== 'needs_login')) throw new Error(codes.join());
		if (codes.includes('needs_login')) losses += 1;
	}
	return losses;
}

/** Has a process refresh the token, and kills it at this point. */
async function killOne(at: Point | 'rotated', stateDir: string, server: AuthorizationServer): Promise<void> {
	const {providerId, profileId} = grant;
	const crew = await assemble(1);
	try {
		const before = server.events.length;
		const job = {stateDir, providerId, profileId, agentId: 'main', clockOffsetMs: 120_000};
		if (at === 'rotated') server.setTokenDelay(60_000);
		const answer = crew.run([at === 'rotated' ? job : {...job, dieAt: at}]);
		if (at === 'rotated') {
			while (server.events.length === before) await pause(1);
			crew.dismiss();
		}
		const [got] = await answer;
		if (!got || !('code' in got) || got.code !== 'gone') throw new Error(`was not killed at ${at}`);
	} finally {
		server.setTokenDelay(0);
		crew.dismiss();
	}
}
