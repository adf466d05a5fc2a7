import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {put, temporaryFolder} from '../support/state-folder.ts';

export const now = Date.parse('2026-03-01T12:00:00Z');
export const hour = 3_600_000;

type Entry = Readonly<Record<string, unknown>>;

/** An agent's document, in openclaw's folder or in JARVIS's. */
export interface Document {
	readonly profiles: Readonly<Record<string, Entry>>;
	readonly order?: Readonly<Record<string, readonly string[]>>;
	readonly usageStats?: Readonly<Record<string, Entry>>;
	readonly [key: string]: unknown;
}

/** A folder of openclaw with these agents. */
export function openclawFolder(agents: Readonly<Record<string, Document>>, config: unknown = {}): string {
	const folder = join(temporaryFolder(), 'openclaw');
	put(join(folder, 'openclaw.json'), config);
	for (const [id, document] of Object.entries(agents)) put(credentialsOf(folder, id), document);
	return folder;
}

/** The file of an agent's credentials, which both programs have at the same place. */
export function credentialsOf(folder: string, agentId = 'main'): string {
	return join(folder, 'agents', agentId, 'agent', 'auth-profiles.json');
}

/** An agent's document as it is now. */
export function documentOf(folder: string, agentId = 'main'): Document {
	return JSON.parse(readFileSync(credentialsOf(folder, agentId), 'utf8'));
}

/** JARVIS on a state folder with these agents. */
export function jarvisWith(agents: Readonly<Record<string, Document>> = {}, config?: unknown): Jarvis {
	const stateDir = join(temporaryFolder(), 'jarvis');
	for (const [id, document] of Object.entries(agents)) put(credentialsOf(stateDir, id), document);
	if (config !== undefined) put(join(stateDir, 'jarvis.json'), config);
	return openJarvis({stateDir, env: {}, now: () => now});
}

/** An OAuth entry of a provider that is not known here, with tokens named after `name`. */
export function oauth(name: string, more: Entry = {}): Entry {
	return {
		...{type: 'oauth', provider: 'acme', access: `not-a-secret-access-${name}`},
		...{refresh: `not-a-secret-refresh-${name}`, expires: now + hour, ...more},
	};
}

export const maya = {accountId: 'account-maya', email: 'maya@example.test'};
export const noor = {accountId: 'account-noor', email: 'noor@example.test'};

/** What became of each profile, by `agent/profile`. */
export function byProfile(
	profiles: readonly {readonly agentId: string; readonly profileId: string; readonly outcome: string}[],
): Record<string, string> {
	return Object.fromEntries(
		profiles.map(({agentId, profileId, outcome}) => [`${agentId}/${profileId}`, outcome]),
	);
}

/** An entry with an API key. */
export function key(name: string, provider = 'acme'): Entry {
	return {type: 'api_key', provider, key: `not-a-secret-key-${name}`};
}
