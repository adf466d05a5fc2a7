import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {openJarvis} from '../source/core.ts';
import type {AuthorizationServer} from '../source/sandbox/authorization-server.ts';
import {visit} from '../source/sandbox/scripted-browser.ts';
import {patchUsage, putCredential} from '../source/store/edit.ts';
import {objectMember} from '../source/store/json.ts';
import {statePaths} from '../source/store/paths.ts';
import {updateCredentials} from '../source/store/profiles.ts';

/** A state folder whose main agent has so many profiles, one of them of the provider that is named. */
export async function stateFolderOf(folder: string, count: number, named = 'bench'): Promise<string> {
	await updateCredentials(statePaths(folder), 'main', document => {
		for (let index = 0; index < count; index += 1) {
			const provider = index === 0 ? named : `bench-${index % 7}`;
			putCredential(document, `${provider}:${index}`, {type: 'api_key', provider, key: `bench-key-${index}`});
		}
	});
	return folder;
}

/** The same with every third a token that runs out within days, and every seventh one that was used. */
export async function mixedFolderOf(folder: string, count: number): Promise<string> {
	await updateCredentials(statePaths(folder), 'main', document => {
		for (let index = 0; index < count; index += 1) {
			const provider = `bench-${index % 7}`;
			const id = `${provider}:${index}`;
			const isToken = index % 3 === 0;
			const secret = isToken
				? {type: 'token' as const, token: `bench-token-${index}`, expires: Date.now() + (index + 60) * 60_000}
				: {type: 'api_key' as const, key: `bench-key-${index}`};
			putCredential(document, id, {...secret, provider});
			if (index % 7 === 0) patchUsage(document, id, {lastUsed: Date.now() - (index + 10) * 60_000});
		}
	});
	return folder;
}

/** A state folder with one login at the server, by a real login. */
export async function loggedInFolder(folder: string, server: AuthorizationServer): Promise<void> {
	const plugin = join(folder, 'plugins', 'bench');
	mkdirSync(plugin, {recursive: true});
	const method = {
		method: 'oauth',
		authorizationEndpoint: server.authorizationEndpoint,
		tokenEndpoint: server.tokenEndpoint,
		clientId: server.clientId,
		scopes: ['openid', 'email', 'offline_access'],
		redirectUris: ['http://127.0.0.1:48651/callback'],
		emailClaim: ['email'],
	};
	writeFileSync(
		join(plugin, 'jarvis.plugin.json'),
		JSON.stringify({id: 'bench', label: 'Bench', auth: [method]}),
	);
	const jarvis = openJarvis({stateDir: folder, openBrowser: async url => void (await visit(url))});
	const outcome = await (await jarvis.startLogin({providerId: 'bench', agentId: 'main'})).finished;
	if (outcome.step === 'failed') throw outcome.error;
}

/** Lets the access tokens of the main agent run out. */
export async function expireProfile(folder: string): Promise<void> {
	await updateCredentials(statePaths(folder), 'main', document => {
		const profiles = objectMember(document, 'profiles');
		for (const profileId of Object.keys(profiles))
			objectMember(profiles, profileId).expires = Date.now() - 60_000;
	});
}
