import {patchUsage, putCredential, setOrder} from '../../source/store/edit.ts';
import type {JsonValue} from '../../source/store/json.ts';
import {statePaths} from '../../source/store/paths.ts';
import {updateCredentials} from '../../source/store/profiles.ts';
import type {
	ApiKeyCredential,
	Credential,
	OAuthCredential,
	TokenCredential,
} from '../../source/store/schema.ts';
import {canary} from '../support/sandbox.ts';

/** The moment (epoch ms) that screens are drawn for: noon of 15 January 2026, UTC. */
export const noon = Date.UTC(2026, 0, 15, 12);

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** What an agent's file is filled with. */
export interface AgentSeed {
	readonly profiles?: Readonly<Record<string, Credential>>;
	readonly usage?: Readonly<Record<string, Record<string, JsonValue>>>;
	readonly order?: Readonly<Record<string, readonly string[]>>;
}

/** Writes credentials into an agent's file, through the store. */
export async function fill(stateDir: string, agentId: string, seed: AgentSeed): Promise<void> {
	await updateCredentials(statePaths(stateDir), agentId, document => {
		for (const [id, credential] of Object.entries(seed.profiles ?? {}))
			putCredential(document, id, credential);
		for (const [id, usage] of Object.entries(seed.usage ?? {})) patchUsage(document, id, usage);
		for (const [provider, ids] of Object.entries(seed.order ?? {})) setOrder(document, provider, ids);
	});
}

/** An API key that opens nothing. */
export function apiKey(provider: string, more: Partial<ApiKeyCredential> = {}): ApiKeyCredential {
	return {type: 'api_key', provider, key: canary(`${provider} key`), ...more};
}

/** A token that opens nothing. */
export function token(provider: string, more: Partial<TokenCredential> = {}): TokenCredential {
	return {type: 'token', provider, token: canary(`${provider} token`), ...more};
}

/** An OAuth credential that opens nothing. */
export function oauth(provider: string, more: Partial<OAuthCredential> = {}): OAuthCredential {
	return {
		...{type: 'oauth', provider, expiresIn: 3600, expires: noon + 40 * minute},
		...{access: canary(`${provider} access`), refresh: canary(`${provider} refresh`)},
		...more,
	};
}

/** So many API keys, `acme:001` and on. */
export function manyKeys(count: number): Record<string, Credential> {
	const ids = Array.from({length: count}, (_, index) => `acme:${String(index + 1).padStart(3, '0')}`);
	return Object.fromEntries(ids.map(id => [id, apiKey('acme')]));
}
