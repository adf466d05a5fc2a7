import {stripVTControlCharacters} from 'node:util';
import {
	type Credential,
	type CredentialKind,
	type Expires,
	type Link,
	optional,
	type SecretRef,
	type UsageStats,
} from '../store/schema.ts';
import {fingerprint} from './identity.ts';
import type {RefFailure} from './secrets/refs.ts';
import type {WriteBackFacts} from './write-back.ts';

/** All that rules and screens may know of a stored credential: everything but its secrets. */
export interface ProfileFacts {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly kind: CredentialKind;
	readonly email?: string;
	readonly accountId?: string;
	/** When the access token or the key runs out (epoch ms). */
	readonly expires?: Expires;
	/** The lifetime (s) that the server gave. */
	readonly expiresIn?: number;
	/** What its provider's own code keeps with it; no secrets. */
	readonly metadata?: Readonly<Record<string, string>>;
	/** There is something that can be handed out, or refreshed into it. */
	readonly hasValue: boolean;
	/**
	 * An OAuth credential with a refresh token that its server has not refused; in a snapshot, and that its provider
	 * can refresh.
	 */
	readonly refreshable: boolean;
	/** An OAuth credential together with a secret ref, which no store may hold. */
	readonly malformed: boolean;
	readonly ref?: SecretRef;
	/** Why its secret ref does not resolve; absent where it does, and where nobody has looked. */
	readonly unresolved?: RefFailure;
	/** The program whose login it is, which alone renews it, and where that is read. */
	readonly link?: Link;
	/** The secrets, by name, so masked that they can be shown. */
	readonly secrets: readonly MaskedSecret[];
	readonly needsLogin?: {readonly since: number; readonly reason: string};
	/** What its server last asked for when it was to renew it; absent where nobody has looked. */
	readonly wait?: Wait;
	readonly usage: UsageStats;
	/** The programs with login files of their own that are kept in step with it, in a snapshot. */
	readonly writeBack?: readonly WriteBackFacts[];
}

/** A reply of a server that asked to be left alone (`Retry-After`). */
export interface Wait {
	/** When it came (epoch ms). */
	readonly finishedAt: number;
	/** Until when it asked to be left alone (epoch ms). */
	readonly retryAt: number;
}

export interface MaskedSecret {
	readonly name: 'access token' | 'refresh token' | 'token' | 'API key';
	readonly masked: string;
}

/** Reduces a stored credential to its facts. Text is freed of terminal control codes here, once. */
export function factsOf(
	agentId: string,
	profileId: string,
	credential: Credential,
	usage: UsageStats = {},
): ProfileFacts {
	const refused = needsLogin(credential, usage);
	return {
		agentId,
		profileId,
		provider: credential.provider,
		kind: credential.type,
		usage,
		...optional('email', clean(credential.email)),
		...optional('expires', credential.expires),
		...optional('needsLogin', refused),
		...optional('ref', refOf(credential)),
		...optional('link', credential.link),
		...(credential.type === 'oauth' ? optional('accountId', clean(credential.accountId)) : {}),
		...(credential.type === 'oauth' ? optional('expiresIn', credential.expiresIn) : {}),
		...(credential.type === 'oauth' ? optional('metadata', credential.metadata) : {}),
		hasValue: secretsOf(credential).length > 0,
		refreshable: credential.type === 'oauth' && credential.refresh !== undefined && !refused,
		malformed: credential.type === 'oauth' && credential.hasRef === true,
		secrets: secretsOf(credential).map(([name, secret]) => ({name, masked: maskSecret(secret)})),
	};
}

/**
 * A secret in a form that can be shown: at most its last four characters, and those only of values so
 * long (over 24) that they give nothing away.
 */
export function maskSecret(secret: string): string {
	return secret.length > 24 ? `••••••••${clean(secret.slice(-4))}` : '••••••••';
}

/** The secret that the file holds and that is handed out, unless the credential has a ref. */
export function handedOutSecret(credential: Credential): string | undefined {
	if (credential.type === 'oauth') return credential.access;
	return credential.type === 'token' ? credential.token : credential.key;
}

/** Text from outside without what a terminal would act on. */
export function clean(text: string): string;
export function clean(text: string | undefined): string | undefined;
export function clean(text: string | undefined): string | undefined {
	return text === undefined ? undefined : stripVTControlCharacters(text).replace(/\p{Cc}/gu, '');
}

/**
 * A server's own words, for a person: at most 200 characters, and without anything that could be a token,
 * which a server may repeat from what it was sent.
 */
export function quoted(words: string): string {
	return clean(words)
		.replace(/[\w.~+/=-]{16,}/g, '…')
		.slice(0, 200);
}

function needsLogin(credential: Credential, usage: UsageStats): ProfileFacts['needsLogin'] {
	if (credential.type !== 'oauth' || !credential.refresh || !usage.needsLogin) return undefined;
	// The mark names the token it is about: a newer one, whoever wrote it, is not marked.
	if (usage.needsLogin.fingerprint !== fingerprint(credential.refresh)) return undefined;
	return {since: usage.needsLogin.since, reason: usage.needsLogin.reason};
}

/** The secret ref of a credential. It goes before a secret that stands beside it. */
export function refOf(credential: Credential): SecretRef | undefined {
	if (credential.type === 'oauth') return undefined;
	return credential.type === 'token' ? credential.tokenRef : credential.keyRef;
}

function secretsOf(credential: Credential): [MaskedSecret['name'], string][] {
	const all: [MaskedSecret['name'], string | undefined][] =
		credential.type === 'oauth'
			? [
					['access token', credential.access],
					['refresh token', credential.refresh],
				]
			: credential.type === 'token'
				? [['token', credential.token]]
				: [['API key', credential.key]];
	return all.filter((pair): pair is [MaskedSecret['name'], string] => pair[1] !== undefined);
}
