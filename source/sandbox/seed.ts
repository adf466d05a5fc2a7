import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {openJarvis} from '../core.ts';
import {patchUsage, putCredential, setOrder} from '../store/edit.ts';
import {type JsonValue, objectMember, setMember} from '../store/json.ts';
import {statePaths} from '../store/paths.ts';
import {updateCredentials} from '../store/profiles.ts';
import type {Credential} from '../store/schema.ts';
import type {AuthorizationServer} from './authorization-server.ts';
import {keepElsewhere, logInElsewhere} from './home.ts';
import {visit} from './scripted-browser.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Fills a state folder with agents and profiles in every state. The OAuth profiles are made by real
 * logins at the sandbox's server, so that they can be refreshed there.
 */
export async function seedStateFolder(
	stateDir: string,
	server: AuthorizationServer,
	redirectUris: readonly string[],
): Promise<void> {
	declareProviders(stateDir, server, redirectUris);
	const jarvis = openJarvis({stateDir});
	for (const id of ['work', 'personal']) await jarvis.addAgent({id});

	await logIn(stateDir, 'main', 'sandbox', 'maya@example.test');
	await logIn(stateDir, 'main', 'openai-codex', 'tomas@example.test');
	await logIn(stateDir, 'work', 'openai-codex', 'wren@example.test');
	await logIn(stateDir, 'personal', 'sandbox', 'wren@example.test');
	await logIn(stateDir, 'personal', 'openai-codex', 'maya@example.test');
	await logInElsewhere(stateDir, 'personal', 'openai-codex:maya@example.test');

	const now = Date.now();
	await store(stateDir, 'main', now, {
		'anthropic:work': [
			{type: 'token', provider: 'anthropic', token: secret('setup'), expires: now + 5 * hour},
			{lastUsed: now - 3 * minute},
		],
		'anthropic:default': [
			{type: 'api_key', provider: 'anthropic', key: secret('api-key')},
			{lastUsed: now - 2 * day},
		],
		'openrouter:default': [
			{type: 'api_key', provider: 'openrouter', key: secret('api-key')},
			{
				...{errorCount: 2, cooldownUntil: now + 4 * minute, lastFailureAt: now - minute},
				...{lastFailureReason: 'rate_limit', failureCounts: {rate_limit: 3, timeout: 1}},
			},
		],
		'groq:default': [
			{type: 'api_key', provider: 'groq', key: secret('api-key')},
			{
				...{errorCount: 1, disabledUntil: now + 5 * hour, disabledReason: 'billing', disabledCount: 1},
				...{lastFailureAt: now, lastFailureReason: 'billing', failureCounts: {billing: 1}},
			},
		],
		'openai:vault': [
			{
				type: 'api_key',
				provider: 'openai',
				keyRef: {source: 'file', provider: 'vault', id: '/openai'},
			},
			{},
		],
	});
	await store(stateDir, 'work', now, {
		'anthropic:old': [
			{type: 'token', provider: 'anthropic', token: secret('setup'), expires: now - 3 * day},
			{lastUsed: now - 3 * day},
		],
		'anthropic:default': [
			{type: 'token', provider: 'anthropic', token: secret('setup'), expires: now + 340 * day},
			{},
		],
		'mistral:vault': [
			{
				type: 'api_key',
				provider: 'mistral',
				keyRef: {source: 'file', provider: 'vault', id: '/mistral'},
			},
			{},
		],
	});
	const paths = statePaths(stateDir);
	await updateCredentials(paths, 'work', document => {
		setMember(objectMember(document, 'profiles'), 'acme:future', {type: 'passkey', provider: 'acme'});
		setOrder(document, 'anthropic', ['anthropic:default', 'anthropic:old']);
		// Run out while nobody looked: the dashboard finds it so, and refreshes it.
		expire(document, 'openai-codex:wren@example.test', now);
	});
	await refuse(stateDir, 'personal', 'sandbox:wren@example.test', now);
	await converse(stateDir);
}

function declareProviders(
	stateDir: string,
	server: AuthorizationServer,
	redirectUris: readonly string[],
): void {
	const plugin = join(stateDir, 'plugins', 'sandbox');
	mkdirSync(plugin, {recursive: true, mode: 0o700});
	const client = {
		issuer: server.issuer,
		clientId: server.clientId,
		scopes: ['openid', 'email', 'offline_access'],
		accountIdClaim: ['https://api.openai.com/auth', 'chatgpt_account_id'],
		emailClaim: ['email'],
	};
	const manifest = {
		id: 'sandbox',
		label: 'Sandbox (no real account)',
		auth: [
			{method: 'oauth', ...client, redirectUris},
			{method: 'device_code', ...client},
		],
	};
	const config = {
		// The company gateway of a real installation would stand here; the sandbox's own server does.
		models: {providers: {'openai-codex': {auth: {issuer: server.issuer, clientId: server.clientId}}}},
		agents: {
			defaults: {
				model: {primary: 'anthropic/opus', fallbacks: ['openai-codex/codex', 'openrouter/auto']},
				models: {'anthropic/opus': {alias: 'Opus'}, 'openai-codex/codex': {alias: 'Codex'}},
			},
		},
		// Where any process finds it: a broker that is started in another terminal has no variable of this one.
		secrets: {providers: {vault: {source: 'file', path: keepElsewhere(stateDir)}}},
	};
	const options = {mode: 0o600};
	writeFileSync(join(plugin, 'jarvis.plugin.json'), `${JSON.stringify(manifest, undefined, 2)}\n`, options);
	writeFileSync(join(stateDir, 'jarvis.json'), `${JSON.stringify(config, undefined, 2)}\n`, options);
}

// By pasting, as over SSH: that needs no port, and those of the providers may be taken.
async function logIn(stateDir: string, agentId: string, providerId: string, email: string): Promise<void> {
	const login = await openJarvis({stateDir}).startLogin({providerId, agentId});
	await new Promise<void>(resolve => {
		const look = () => (login.state().step === 'preparing' ? undefined : resolve());
		login.subscribe(look);
		look();
	});
	const state = login.state();
	if (state.step === 'waiting') {
		const {redirectUri = ''} = state;
		const {url} = await visit(state.url, {choose: email, stopAt: ({href}) => href.startsWith(redirectUri)});
		await login.paste(url);
	}
	const outcome = await login.finished;
	if (outcome.step === 'failed') throw outcome.error;
}

type Seed = readonly [Credential, Record<string, JsonValue>];

async function store(
	stateDir: string,
	agentId: string,
	now: number,
	seeds: Record<string, Seed>,
): Promise<void> {
	await updateCredentials(statePaths(stateDir), agentId, document => {
		for (const [profileId, [credential, usage]] of Object.entries(seeds)) {
			putCredential(document, profileId, credential);
			if (Object.keys(usage).length > 0) patchUsage(document, profileId, usage);
		}
		for (const profileId of Object.keys(objectMember(document, 'profiles'))) {
			if (profileId.includes('@')) patchUsage(document, profileId, {lastUsed: now - 40_000});
		}
	});
}

// What happens to a login whose refresh token another program has spent.
async function refuse(stateDir: string, agentId: string, profileId: string, now: number): Promise<void> {
	await updateCredentials(statePaths(stateDir), agentId, document => {
		const profile = objectMember(objectMember(document, 'profiles'), profileId);
		setMember(profile, 'refresh', 'spent-by-another-program');
		expire(document, profileId, now);
	});
	const refreshing = openJarvis({stateDir}).refresh({agentId, profileId, provider: 'sandbox'}, 'expired');
	await refreshing.catch(() => {});
}

/** Sessions: one that was given a profile, two whose model or profile a person chose. */
async function converse(stateDir: string): Promise<void> {
	const jarvis = openJarvis({stateDir});
	await jarvis.resolve({agentId: 'main', sessionKey: 'chat:42'});
	await jarvis.sendToSession('main', 'review', '/model Opus@anthropic:default');
	await jarvis.sendToSession('main', 'nightly', '/model Codex');
	await jarvis.resolve({agentId: 'work', sessionKey: 'support:7'});
}

function expire(document: Parameters<typeof objectMember>[0], profileId: string, now: number): void {
	setMember(objectMember(objectMember(document, 'profiles'), profileId), 'expires', now - minute);
}

function secret(kind: string): string {
	return `sandbox-${kind}-that-opens-nothing-at-all`;
}
