import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {serve, silence} from '../support/local-server.ts';
import {
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	readStore,
	refusal,
	type Sandbox,
	writeStore,
} from '../support/sandbox.ts';
import {assemble} from './crew.ts';

const profileId = 'acme:maya@example.test';
const other = {type: 'api_key', provider: 'acme', key: canary('other')};

/** Two logins at the real server, whose revocation endpoint the provider names, or what `changes` say of it. */
async function openLoggedIn(changes?: Record<string, unknown>): Promise<Sandbox> {
	const sandbox = await openSandbox();
	const {server, stateDir} = sandbox;
	declareProvider(stateDir, server, changes ?? {revocationEndpoint: server.revocationEndpoint});
	writeStore(sandbox, 'main', {
		profiles: {
			[profileId]: await expiredEntry(server),
			'acme:tomas@example.test': await expiredEntry(server, 'tomas@example.test'),
			'acme:default': other,
		},
		order: {acme: ['acme:tomas@example.test', profileId]},
		usageStats: {[profileId]: {lastUsed: 1}},
	});
	return sandbox;
}

test('the grant ends at the server, and the profile here', async () => {
	const sandbox = await openLoggedIn();
	const {server} = sandbox;
	const {profiles: before} = readStore(sandbox);
	const jarvis = sandbox.open();
	expect(await jarvis.logOut('main', profileId)).toEqual({outcome: 'revoked'});
	const {profiles, order, usageStats} = readStore(sandbox);
	expect(Object.keys(profiles)).toEqual(['acme:tomas@example.test', 'acme:default']);
	expect(order).toEqual({acme: ['acme:tomas@example.test']});
	expect(usageStats?.[profileId]).toBeUndefined();

	// Whoever kept a copy of it has nothing any more.
	writeStore(sandbox, 'main', {profiles: {...before}});
	const refresh = (id: string) =>
		jarvis.refresh({agentId: 'main', profileId: id, provider: 'acme'}, 'expired');
	expect(await refusal(refresh(profileId))).toMatchObject({code: 'needs_login'});
	expect(server.events.at(-1)).toMatchObject({type: 'refused', reason: 'refresh token not found'});
	// The other person's login is untouched, here and there.
	expect(await refresh('acme:tomas@example.test')).toBe('refreshed');
});

test('the endpoint is looked up where the issuer alone is known', async () => {
	const sandbox = await openSandbox();
	const {server, stateDir} = sandbox;
	const discovered = {authorizationEndpoint: undefined, tokenEndpoint: undefined};
	declareProvider(stateDir, server, {issuer: server.issuer, ...discovered});
	writeStore(sandbox, 'main', {profiles: {[profileId]: await expiredEntry(server)}});
	expect(await sandbox.open().logOut('main', profileId)).toEqual({outcome: 'revoked'});
});

test('what is sent is the refresh token, and the client that it was made for', async () => {
	const revoking = await serve(() => ({body: ''}));
	const sandbox = await openLoggedIn({revocationEndpoint: `${revoking.origin}/revoke`});
	writeStore(sandbox, 'main', {
		profiles: {
			'acme:a': {
				...{type: 'oauth', provider: 'acme', access: canary('access'), refresh: canary('refresh')},
				...{expires: 1, clientId: 'another-client'},
			},
			'acme:b': {type: 'oauth', provider: 'acme', access: canary('access'), expires: 1},
		},
	});
	const jarvis = sandbox.open();
	await jarvis.logOut('main', 'acme:a');
	await jarvis.logOut('main', 'acme:b');
	expect(revoking.asked.map(({body}) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
		{token: canary('refresh'), token_type_hint: 'refresh_token', client_id: 'another-client'},
		{token: canary('access'), token_type_hint: 'access_token', client_id: 'jarvis-sandbox'},
	]);
});

test.each<[string, () => Promise<string>]>([
	['down', async () => 'http://127.0.0.1:1/revoke'],
	['failing', async () => `${(await serve(() => ({status: 500, body: canary('page')}))).origin}/revoke`],
	[
		'refusing',
		async () => `${(await serve(() => ({status: 400, body: {error: canary('error')}}))).origin}/revoke`,
	],
	['no server that may be told a secret', async () => 'http://login.example.test/revoke'],
])('a server that is %s does not keep the secrets here, and that is told', async (_how, endpoint) => {
	const sandbox = await openLoggedIn({revocationEndpoint: await endpoint()});
	const revocation = await sandbox.open().logOut('main', profileId);
	expect(revocation).toEqual({outcome: 'failed', why: expect.any(String)});
	expect(JSON.stringify(revocation)).not.toContain('canary');
	expect(Object.keys(readStore(sandbox).profiles)).toEqual(['acme:tomas@example.test', 'acme:default']);
});

test('a server that hangs is not waited for beyond ten seconds', async () => {
	const hanging = await serve(() => silence);
	const sandbox = await openLoggedIn({revocationEndpoint: `${hanging.origin}/revoke`});
	let limit: AbortSignal | null | undefined;
	const jarvis = sandbox.open({
		fetch(input, init) {
			limit = init?.signal;
			// The limit itself is the platform's: here it is over at once.
			return fetch(input, {...init, signal: AbortSignal.timeout(50)});
		},
	});
	expect(await jarvis.logOut('main', profileId)).toEqual({
		outcome: 'failed',
		why: 'The server could not be asked.',
	});
	expect(limit).toBeInstanceOf(AbortSignal);
	expect(readStore(sandbox).profiles[profileId]).toBeUndefined();
});

test('a provider without revocation, and one that is not known any more, are told', async () => {
	const sandbox = await openLoggedIn({});
	const jarvis = sandbox.open();
	expect(await jarvis.logOut('main', profileId)).toEqual({
		outcome: 'not offered',
		hint: 'Acme has no way to end a login from here.',
	});
	writeStore(sandbox, 'main', {
		profiles: {'gone:default': {type: 'oauth', provider: 'gone', access: 'a', refresh: 'r', expires: 1}},
	});
	const gone = await jarvis.logOut('main', 'gone:default');
	expect(gone).toMatchObject({outcome: 'failed', why: 'There is no provider "gone".'});
	expect(readStore(sandbox).profiles).toEqual({});
});

test('a key goes on working, and where it is deleted is told', async () => {
	const sandbox = await openLoggedIn();
	writeStore(sandbox, 'main', {
		profiles: {
			'anthropic:default': {type: 'api_key', provider: 'anthropic', key: canary('key')},
			'anthropic:token': {type: 'token', provider: 'anthropic', token: canary('token')},
			'acme:default': other,
			'ghe.example.test:maya': {type: 'token', provider: 'ghe.example.test', token: canary('ghe')},
		},
	});
	const jarvis = sandbox.open();
	const hint = (where: string) => ({
		outcome: 'not offered',
		hint: `The secret itself goes on working until it is deleted${where}.`,
	});
	expect(await jarvis.logOut('main', 'anthropic:default')).toEqual(
		hint(' where it was made (https://console.anthropic.com/settings/keys)'),
	);
	expect(await jarvis.logOut('main', 'ghe.example.test:maya')).toEqual(
		hint(' where it was made (https://ghe.example.test/settings/tokens)'),
	);
	expect(await jarvis.logOut('main', 'anthropic:token')).toEqual(
		hint(' where it was made (claude setup-token)'),
	);
	expect(await jarvis.logOut('main', 'acme:default')).toEqual(hint(' at its provider'));
	expect(readStore(sandbox).profiles).toEqual({});
});

test('one that is not there changes nothing', async () => {
	const sandbox = await openLoggedIn();
	const before = readStore(sandbox);
	expect(await refusal(sandbox.open().logOut('main', 'acme:nobody'))).toMatchObject({
		code: 'profile_unknown',
	});
	expect(readStore(sandbox)).toEqual(before);
	expect(sandbox.server.events.filter(({type}) => type === 'refused')).toEqual([]);
});

test('what another process was given and could not store ends as well, and nothing of it stays', async () => {
	const sandbox = await openLoggedIn();
	const {server, stateDir, paths} = sandbox;
	const crew = await assemble(1);
	onTestFinished(() => crew.dismiss());
	await crew.run([{stateDir, providerId: 'acme', agentId: 'main', profileId, dieAt: 'kept'}]);
	expect(server.events.at(-1)).toMatchObject({type: 'refreshed'});
	expect(await sandbox.open().logOut('main', profileId)).toEqual({outcome: 'revoked'});
	const replies = readdirSync(paths.journal).filter(name => name.endsWith('.reply'));
	expect(replies).toHaveLength(1);
	for (const name of replies) {
		expect(readFileSync(join(paths.journal, name), 'utf8').replaceAll('\0', '')).toBe('');
	}
});

test('a login that another agent holds too is not ended under it', async () => {
	const sandbox = await openLoggedIn();
	const shared = readStore(sandbox).profiles[profileId] ?? {};
	writeStore(sandbox, 'work', {profiles: {'acme:same': shared}});
	const jarvis = sandbox.open();
	expect(await jarvis.logOut('main', profileId)).toEqual({
		outcome: 'not offered',
		hint: 'Its server was not told, because acme:same of the agent work is of the same login.',
	});
	expect(await jarvis.refresh({agentId: 'work', profileId: 'acme:same', provider: 'acme'}, 'expired')).toBe(
		'refreshed',
	);
});
