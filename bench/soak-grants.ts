import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {openJarvis} from '../source/core.ts';
import type {AuthorizationServer, SandboxAccount} from '../source/sandbox/authorization-server.ts';
import {clearFailures, putCredential} from '../source/store/edit.ts';
import {statePaths} from '../source/store/paths.ts';
import {updateCredentials} from '../source/store/profiles.ts';
import {login, redirectUri} from '../test/sandbox/client.ts';
import type {SoakRecord} from './soak-worker.ts';

/** A login and the agents that hold a copy of it. */
export interface SoakGrant {
	readonly providerId: string;
	readonly profileId: string;
	readonly email: string;
	readonly agents: readonly string[];
}

export const soakAccounts: readonly SandboxAccount[] = ['ada', 'ben', 'cleo', 'dana'].map(name => ({
	email: `${name}@example.test`,
	accountId: `soak-account-${name}`,
	name,
}));

/** The provider whose tokens tell the account, and the one whose records know none. */
const providers = {
	soak: {
		accountIdClaim: ['https://api.openai.com/auth', 'chatgpt_account_id'],
		emailClaim: ['https://api.openai.com/profile', 'email'],
	},
	plain: {},
};

/** A handful of grants: held by several agents, two of one account, and one of which nobody knows whose it is. */
export const soakGrants: readonly SoakGrant[] = [
	{providerId: 'soak', profileId: 'soak:ada', email: 'ada@example.test', agents: ['main', 'one', 'two']},
	{providerId: 'soak', profileId: 'soak:ada-too', email: 'ada@example.test', agents: ['three', 'four']},
	{providerId: 'soak', profileId: 'soak:ben', email: 'ben@example.test', agents: ['main', 'three', 'five']},
	{providerId: 'soak', profileId: 'soak:cleo', email: 'cleo@example.test', agents: ['one', 'two', 'four']},
	{providerId: 'plain', profileId: 'plain:default', email: 'dana@example.test', agents: ['main', 'five']},
];

export function recordsOf(grants: readonly SoakGrant[]): SoakRecord[] {
	return grants.flatMap(({providerId, profileId, agents}) =>
		agents.map(agentId => ({providerId, profileId, agentId})),
	);
}

/** Declares the soak's providers in a state folder. */
export function declareProviders(stateDir: string, server: AuthorizationServer): void {
	for (const [id, claims] of Object.entries(providers)) {
		const folder = join(stateDir, 'plugins', id);
		const {authorizationEndpoint, tokenEndpoint, clientId} = server;
		const method = {
			...{method: 'oauth', authorizationEndpoint, tokenEndpoint, clientId, redirectUris: [redirectUri]},
			...{scopes: ['openid', 'email', 'offline_access'], ...claims},
		};
		mkdirSync(folder, {recursive: true});
		writeFileSync(join(folder, 'jarvis.plugin.json'), JSON.stringify({id, label: id, auth: [method]}));
	}
}

/** Logs a grant in, and gives each of its agents a copy. */
export async function logIn(stateDir: string, server: AuthorizationServer, grant: SoakGrant): Promise<void> {
	const {providerId, profileId, email} = grant;
	const tokens = await login(server, {parameters: {login_hint: email}});
	const account = soakAccounts.find(known => known.email === email);
	for (const agentId of grant.agents) {
		await updateCredentials(statePaths(stateDir), agentId, document => {
			putCredential(document, profileId, {
				...{type: 'oauth', provider: providerId, access: tokens.access_token},
				...(tokens.refresh_token ? {refresh: tokens.refresh_token} : {}),
				expires: Date.now() + (tokens.expires_in ?? 1) * 1000,
				...(tokens.expires_in ? {expiresIn: tokens.expires_in} : {}),
				...(account && providerId === 'soak' ? {accountId: account.accountId, email} : {}),
			});
			clearFailures(document, profileId);
		});
	}
}

/** Asks for a record's token, refreshed once it is over; returns the error's code, or `undefined`. */
export async function ask(stateDir: string, record: SoakRecord, aheadMs = 0): Promise<string | undefined> {
	const jarvis = openJarvis({stateDir, env: {}, now: () => Date.now() + aheadMs});
	return jarvis.resolve(record).then(
		() => undefined,
		(error: {code?: string}) => error.code ?? 'unexpected',
	);
}
