import {refOf} from '../auth/facts.ts';
import type {Network} from '../auth/network.ts';
import type {Provider} from '../auth/providers/contract.ts';
import type {RefFailures, SecretReader} from '../auth/secrets/secrets.ts';
import {agentIds} from '../auth/snapshot.ts';
import {withLinkedLogins} from '../auth/usable.ts';
import type {JarvisError} from '../errors.ts';
import type {Recorder} from '../store/audit-log.ts';
import {type Config, decodeConfig, readConfig} from '../store/config.ts';
import {isAgentId, type StatePaths} from '../store/paths.ts';
import {readCredentials} from '../store/profiles.ts';
import type {AgentCredentials, OAuthCredential} from '../store/schema.ts';

/** What doctor takes from the machine. */
export interface Machine {
	/** The user that the program runs as; absent where the system has no such ids. */
	readonly uid: number | undefined;
	readonly platform: NodeJS.Platform;
	readonly nodeVersion: string;
	/** The kind of a path's file system and its free room (bytes). Throws system errors. */
	readonly fileSystem: (path: string) => {readonly type: number; readonly free: number};
}

export interface DoctorContext {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
	readonly now: () => number;
	readonly network: Network;
	readonly secrets: SecretReader;
	readonly providers: ReadonlyMap<string, Provider>;
	readonly machine: Machine;
	/** Servers may be asked. */
	readonly online: boolean;
	readonly record?: Recorder;
}

/** What the checks are made on: the state as far as it can be read. */
export interface Subject extends DoctorContext {
	readonly config: Config;
	readonly agentIds: readonly string[];
	/** The agents whose files can be read. */
	readonly agents: ReadonlyMap<string, AgentCredentials>;
	/** Why the files of the others, and `jarvis.json` (under its path), cannot be. */
	readonly faults: ReadonlyMap<string, unknown>;
	/** Why secret refs do not resolve. */
	readonly refFailures: RefFailures;
}

/** An OAuth profile of an agent. */
export interface OAuthProfile {
	readonly agentId: string;
	readonly profileId: string;
	readonly credential: OAuthCredential;
}

/** Reads the state; what cannot be read is told, and no reason to stop. */
export async function readSubject(context: DoctorContext): Promise<Subject> {
	const {paths} = context;
	const faults = new Map<string, unknown>();
	const config = await readConfig(paths).catch((error: JarvisError) => {
		faults.set(paths.config, error);
		return decodeConfig({});
	});
	// An entry of jarvis.json whose id can be none is a finding, and no agent.
	const ids = agentIds(paths, config).filter(isAgentId);
	const agents = new Map<string, AgentCredentials>();
	for (const id of ids) {
		try {
			agents.set(id, await withLinkedLogins(await readCredentials(paths, id)));
		} catch (error) {
			faults.set(paths.profiles(id), error);
		}
	}
	const refs = [...agents.values()].flatMap(({profiles}) =>
		[...profiles.values()].flatMap(credential => refOf(credential) ?? []),
	);
	for (const {keyRef} of config.apiKeys.values()) if (keyRef) refs.push(keyRef);
	const refFailures = await context.secrets.failures(refs, config, 'resolve');
	return {...context, config, agentIds: ids, agents, faults, refFailures};
}

/** All OAuth profiles of all agents. */
export function oauthProfiles({agents}: Pick<Subject, 'agents'>): OAuthProfile[] {
	return [...agents].flatMap(([agentId, {profiles}]) =>
		[...profiles].flatMap(([profileId, credential]) =>
			credential.type === 'oauth' ? [{agentId, profileId, credential}] : [],
		),
	);
}

/** A profile as doctor names it. */
export function nameOf({agentId, profileId}: Pick<OAuthProfile, 'agentId' | 'profileId'>): string {
	return `${profileId} of the agent ${agentId}`;
}
