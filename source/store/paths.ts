import {homedir, userInfo} from 'node:os';
import {join, resolve} from 'node:path';
import {JarvisError} from '../errors.ts';

/** The agent that is there without being added, and whose id no other agent may take. */
export const mainAgentId = 'main';

const agentIdPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** What a provider's id looks like. */
export const providerIdPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// Everything but spaces, control characters, path separators and quotes: between quotes, an id is one word.
const profileNamePattern = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s/\\'"`$]{1,190}$/u;

/** Where everything is kept. Made once from the state folder; nothing else joins paths. */
export interface StatePaths {
	readonly root: string;
	readonly config: string;
	readonly agents: string;
	readonly plugins: string;
	/** A plugin's manifest. */
	plugin(id: string): string;
	/** Packages that were installed because a person added them as plugins, each in a folder of its own. */
	readonly pluginPackages: string;
	/** Locks, and their guards: never beside the files they guard, where another program might read them. */
	readonly locks: string;
	/** What is known of refreshes under way and done, one file per credential identity. */
	readonly journal: string;
	/** What was done with credentials, and by whom: JSON lines, without secrets. */
	readonly auditLog: string;
	/** Changed to have the secrets that are kept elsewhere loaded anew by every process that stays. */
	readonly secretsStamp: string;
	/** The programs whose own login files are kept in step. */
	readonly writeBack: string;
	/** Secrets that were sealed, encrypted under a key that is in the operating system's keychain. */
	readonly sealed: string;
	/** What `secrets configure` has planned, without secrets. */
	readonly secretsPlan: string;
	/** Logins that wait for their redirect, one file each. */
	readonly pendingLogins: string;
	/** The broker's folder: its socket, unless it was given another, and the record of the one that runs. */
	readonly broker: string;
	readonly brokerSocket: string;
	readonly brokerRecord: string;
	/** The folder of an agent. Throws `agent_invalid_id`. */
	agent(agentId: string): string;
	/** The folder that holds an agent's `auth-profiles.json`. Throws `agent_invalid_id`. */
	agentCredentials(agentId: string): string;
	/** An agent's `auth-profiles.json`. Throws `agent_invalid_id`. */
	profiles(agentId: string): string;
	/** An agent's `auth.json` of older programs, which is brought in. Throws `agent_invalid_id`. */
	legacyAuth(agentId: string): string;
	/** The `oauth.json` of older programs, which is brought in and then set aside. */
	readonly legacyOAuth: string;
	/** The folder that holds an agent's `sessions.json`. Throws `agent_invalid_id`. */
	sessionsFolder(agentId: string): string;
	/** An agent's `sessions.json`. Throws `agent_invalid_id`. */
	sessions(agentId: string): string;
}

/** The person's home folder. An empty `$HOME` names none: what stands below it would be in whatever folder one is in. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
	return resolve(env.HOME || homedir() || userInfo().homedir);
}

/** The state folder: `$JARVIS_STATE_DIR`, else `~/.jarvis` (seed, "Storage"). */
export function stateFolder(env: NodeJS.ProcessEnv): string {
	const chosen = env.JARVIS_STATE_DIR;
	return chosen ? resolve(chosen) : join(homeFolder(env), '.jarvis');
}

/** The paths below a state folder. */
export function statePaths(root: string): StatePaths {
	const agents = join(root, 'agents');
	const agent = (agentId: string) => join(agents, assertAgentId(agentId));
	return {
		root,
		agents,
		agent,
		config: join(root, 'jarvis.json'),
		plugins: join(root, 'plugins'),
		plugin: id => join(root, 'plugins', id, 'jarvis.plugin.json'),
		pluginPackages: join(root, 'plugins', '.packages'),
		locks: join(root, 'locks'),
		journal: join(root, 'journal'),
		auditLog: join(root, 'audit.jsonl'),
		secretsStamp: join(root, 'secrets-reload'),
		writeBack: join(root, 'write-back.json'),
		sealed: join(root, 'sealed.json'),
		secretsPlan: join(root, 'secrets-plan.json'),
		pendingLogins: join(root, 'pending-logins'),
		broker: join(root, 'broker'),
		brokerSocket: join(root, 'broker', 'broker.sock'),
		brokerRecord: join(root, 'broker', 'running.json'),
		agentCredentials: agentId => join(agent(agentId), 'agent'),
		profiles: agentId => join(agent(agentId), 'agent', 'auth-profiles.json'),
		legacyAuth: agentId => join(agent(agentId), 'agent', 'auth.json'),
		legacyOAuth: join(root, 'credentials', 'oauth.json'),
		sessionsFolder: agentId => join(agent(agentId), 'sessions'),
		sessions: agentId => join(agent(agentId), 'sessions', 'sessions.json'),
	};
}

/** Whether `id` can name an agent: no path can be hidden in it. */
export function isAgentId(id: string): boolean {
	return agentIdPattern.test(id);
}

/** Whether `id` can name a provider. */
export function isProviderId(id: string): boolean {
	return providerIdPattern.test(id);
}

/** Whether a text holds what can be seen, and spaces: no control, format or line-breaking character. */
export function isVisible(text: string): boolean {
	return !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}

/** Returns `id`, or throws `agent_invalid_id`. */
export function assertAgentId(id: string): string {
	if (isAgentId(id)) return id;
	throw new JarvisError(
		'agent_invalid_id',
		`${JSON.stringify(id)} cannot be an agent id.`,
		'Use up to 64 lower-case letters, digits, "-" and "_", beginning with a letter or digit.',
	);
}

/** The error of an agent that there is not. */
export function unknownAgent(paths: StatePaths, agentId: string): JarvisError {
	return new JarvisError(
		'agent_unknown',
		`There is no agent ${agentId} in ${paths.agents}.`,
		`See those that there are: jarvis agents list. Add it: jarvis agents add ${agentId}`,
	);
}

/** Whether `id` can name a profile: `<provider>:<name>` without spaces or path separators. */
export function isProfileId(id: string): boolean {
	const colon = id.indexOf(':');
	const name = id.slice(colon + 1);
	return (
		colon > 0 && isProviderId(id.slice(0, colon)) && profileNamePattern.test(name) && !/^\.+$/.test(name)
	);
}

/** Returns `id`, or throws `profile_invalid_id`. */
export function assertProfileId(id: string): string {
	if (isProfileId(id)) return id;
	throw new JarvisError(
		'profile_invalid_id',
		`${JSON.stringify(id)} cannot be a profile id.`,
		'Use <provider>:<name>, for example openai-codex:work; the name has no spaces, slashes or quotes.',
	);
}

/** The provider that a profile id names: what stands before its first colon. */
export function providerOfProfileId(profileId: string): string {
	const colon = profileId.indexOf(':');
	return colon < 0 ? profileId : profileId.slice(0, colon);
}
