import {mkdirSync} from 'node:fs';
import {openJarvis} from '../source/core.ts';
import {startAuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {type Point, watchRefreshes} from '../test/auth/points.ts';
import {redirectUri} from '../test/sandbox/client.ts';
import {declareProviders, logIn, soakAccounts, soakGrants} from './soak-grants.ts';

/** How long (ms) after the arrival of a reply it was kept, and stored. */
export interface Sample {
	readonly kept: number;
	readonly stored: number;
}

/** The same for refreshes of one process that has the machine to itself. */
export async function measureAlone(stateDir: string, times: number): Promise<Sample[]> {
	mkdirSync(stateDir);
	const server = await startAuthorizationServer({
		...{redirectUris: [redirectUri], consent: 'auto', accounts: soakAccounts},
	});
	try {
		declareProviders(stateDir, server);
		for (const grant of soakGrants) await logIn(stateDir, server, grant);
		const samples: Sample[] = [];
		const at: Record<Point, number> = {request: 0, reply: 0, kept: 0, stored: 0};
		const watched = watchRefreshes(point => {
			at[point] = performance.now();
			if (point === 'stored') samples.push({kept: at.kept - at.reply, stored: at.stored - at.reply});
		});
		const jarvis = openJarvis({stateDir, env: {}, fetch: watched});
		for (let turn = 0; turn < times; turn++) {
			await jarvis.refresh({agentId: 'main', profileId: 'soak:ben', provider: 'soak'}, 'always');
		}
		return samples;
	} finally {
		await server.close();
	}
}
