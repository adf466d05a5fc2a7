import {JarvisError} from '../errors.ts';
import type {Recorder} from '../store/audit-log.ts';
import type {StatePaths} from '../store/paths.ts';
import {readCredentials} from '../store/profiles.ts';
import type {Credential, OAuthCredential} from '../store/schema.ts';
import {holdersOf} from './holders.ts';
import {removeProfile} from './manage.ts';
import type {Network} from './network.ts';
import {unknownProfile} from './profile-errors.ts';
import {
	type IssuedCredential,
	isCodeMethod,
	isSecretMethod,
	oauthClientOf,
	type Provider,
	refresherOf,
} from './providers/contract.ts';
import {enterpriseServer} from './providers/git-hosts.ts';

/** How long (ms) a server may take to end a grant. */
const revocationTimeoutMs = 10_000;

/** What became of a profile's grant at its server, beside its removal here. */
export type Revocation =
	| {readonly outcome: 'revoked'}
	/** The provider has no way to do that, or the credential is none that can be ended. */
	| {readonly outcome: 'not offered'; readonly hint: string}
	/** It was removed here all the same. */
	| {readonly outcome: 'failed'; readonly why: string};

export interface LogoutOptions {
	readonly paths: StatePaths;
	readonly agentId: string;
	readonly profileId: string;
	readonly network: Network;
	readonly now: () => number;
	readonly record?: Recorder;
	/** The provider, if it is known here. */
	readonly findProvider: (id: string) => Promise<Provider>;
}

/**
 * Ends a profile: at its server where that can be asked (RFC 7009), and then here. A server that cannot be
 * reached does not keep the secrets here.
 * @throws `profile_unknown`, and what `updateCredentials` throws
 */
export async function logOut(options: LogoutOptions): Promise<Revocation> {
	const {paths, agentId, profileId} = options;
	const credential = (await readCredentials(paths, agentId)).profiles.get(profileId);
	if (!credential) throw unknownProfile(agentId, profileId);
	const provider = await options
		.findProvider(credential.provider)
		.catch(() => (credential.type === 'token' ? enterpriseServer(credential.provider) : undefined));
	const end = async (present: Credential) => {
		const revocation = await revokeAt(options, provider, present);
		await removeProfile(paths, agentId, profileId);
		return revocation;
	};
	if (credential.type !== 'oauth' || !provider) return end(credential);
	const {whileNotRefreshed} = await import('./refresh.ts');
	return whileNotRefreshed({...options, provider}, end);
}

async function revokeAt(
	options: LogoutOptions,
	provider: Provider | undefined,
	credential: Credential,
): Promise<Revocation> {
	if (credential.link) {
		return {
			outcome: 'not offered',
			hint: `It is the login of ${credential.link.program}, and goes on there.`,
		};
	}
	if (!provider) return {outcome: 'failed', why: `There is no provider "${credential.provider}".`};
	const sharing = sharedBy(options, credential);
	if (sharing !== undefined) {
		const hint = `Its server was not told, because ${sharing} is of the same login.`;
		return {outcome: 'not offered', hint};
	}
	try {
		const able = provider.auth.filter(isCodeMethod).filter(({revoke}) => revoke !== undefined);
		const by = credential.type === 'oauth' ? credential.method : undefined;
		const code = able.find(({method}) => method === by) ?? able[0];
		if (code?.revoke) {
			const {network, now} = options;
			await code.revoke(issuedOf(credential), {
				...{fetch: network.fetch, now},
				signal: AbortSignal.timeout(revocationTimeoutMs),
			});
			return {outcome: 'revoked'};
		}
		if (credential.type !== 'oauth') {
			const isKey = credential.type === 'api_key';
			const made = provider.auth.find(
				other => isSecretMethod(other) && (other.method === 'api_key') === isKey,
			);
			const madeAt = made && isSecretMethod(made) ? made.madeAt : undefined;
			const where = madeAt ? ` where it was made (${madeAt})` : ' at its provider';
			return {outcome: 'not offered', hint: `The secret itself goes on working until it is deleted${where}.`};
		}
		return await revokeGrant(options, provider, credential);
	} catch (error) {
		return {
			outcome: 'failed',
			why: error instanceof JarvisError ? error.message : 'The server could not be asked.',
		};
	}
}

// Who logs one out must not log another out with it.
function sharedBy({paths, agentId, profileId}: LogoutOptions, credential: Credential): string | undefined {
	if (credential.type !== 'oauth' || !credential.refresh) return undefined;
	const other = holdersOf(paths, credential.provider).find(
		holder =>
			holder.credential.refresh === credential.refresh &&
			(holder.agentId !== agentId || holder.profileId !== profileId),
	);
	return other && `${other.profileId} of the agent ${other.agentId}`;
}

async function revokeGrant(
	{network}: LogoutOptions,
	provider: Provider,
	credential: OAuthCredential,
): Promise<Revocation> {
	const client = clientOf(provider, credential);
	const notOffered = {
		outcome: 'not offered',
		hint: `${provider.label} has no way to end a login from here.`,
	} as const;
	if (!client) return notOffered;
	const [oauth, {authorizationServerOf, requestOptions}] = await Promise.all([
		import('oauth4webapi'),
		import('./authorization-server.ts'),
	]);
	const clientId = credential.clientId ?? client.clientId;
	const server = await authorizationServerOf({...client, clientId}, network, 'revocation').catch(error => {
		if (error instanceof JarvisError && error.code === 'discovery_failed') return undefined;
		throw error;
	});
	// The refresh token ends the whole grant (RFC 7009, section 2.1).
	const token = credential.refresh ?? credential.access;
	if (!server || !token) return notOffered;
	const hint = credential.refresh ? 'refresh_token' : 'access_token';
	const reply = await oauth.revocationRequest(server.metadata, server.client, oauth.None(), token, {
		...requestOptions(network, undefined, revocationTimeoutMs),
		additionalParameters: {token_type_hint: hint},
	});
	await oauth.processRevocationResponse(reply);
	return {outcome: 'revoked'};
}

// The way by which it was got, where that is data; else the provider's first.
function clientOf(provider: Provider, credential: OAuthCredential) {
	const own = refresherOf(provider, credential);
	return own && !isCodeMethod(own) ? own : oauthClientOf(provider);
}

function issuedOf(credential: Credential): IssuedCredential {
	if (credential.type === 'api_key') return {type: 'api_key', key: credential.key ?? ''};
	if (credential.type === 'token') return {type: 'token', token: credential.token ?? ''};
	const {access = '', refresh, accountId, email, clientId, metadata} = credential;
	return {
		...{type: 'oauth', access},
		...(refresh === undefined ? {} : {refresh}),
		...(accountId === undefined ? {} : {accountId}),
		...(email === undefined ? {} : {email}),
		...(clientId === undefined ? {} : {clientId}),
		...(metadata === undefined ? {} : {metadata}),
	};
}
