import type {CommandRun} from './command.ts';

/** A flag, as help, parsing and completions are made from it. */
export interface FlagSpec {
	readonly name: string;
	/** What its value is called; a flag without one is a switch. */
	readonly value?: string;
	readonly help: string;
	readonly required?: boolean;
}

export interface ArgumentSpec {
	readonly name: string;
	readonly help: string;
	readonly variadic?: boolean;
	/** It may be left out. */
	readonly optional?: boolean;
}

export interface CommandSpec {
	/** The words that name it: `['models', 'auth', 'login']`. */
	readonly path: readonly string[];
	readonly summary: string;
	readonly flags: readonly FlagSpec[];
	readonly arguments: readonly ArgumentSpec[];
	/** Loads what carries it out: nothing of a command is loaded before it is asked for. */
	readonly load: () => Promise<CommandRun>;
}

const agent: FlagSpec = {name: 'agent', value: 'id', help: 'the agent (the default one if absent)'};
const json: FlagSpec = {name: 'json', help: 'print JSON'};
const stateDir: FlagSpec = {
	name: 'state-dir',
	value: 'folder',
	help: 'the state folder (default: $JARVIS_STATE_DIR or ~/.jarvis)',
};
const provider: FlagSpec = {name: 'provider', value: 'id', help: 'the provider', required: true};
const profileId: ArgumentSpec = {name: 'profile-id', help: 'the profile, <provider>:<name>'};
const matchFlags: readonly FlagSpec[] = [
	{name: 'channel', value: 'name', help: 'the channel, such as telegram', required: true},
	{name: 'account', value: 'id', help: 'the account on the channel (any if absent)'},
	{name: 'peer', value: 'kind:id', help: 'who the message is from: direct, group or channel, and the id'},
];
const boundAgent: FlagSpec = {name: 'agent', value: 'id', help: 'the agent', required: true};
const session: FlagSpec = {name: 'session', value: 'key', help: 'the session that it is for'};
const minTtl: FlagSpec = {name: 'min-ttl', value: 'span', help: 'good for at least so long, for example 5m'};
const sessionKey: ArgumentSpec = {name: 'session', help: 'the session’s key'};
const pasteFlags: readonly FlagSpec[] = [
	{name: 'profile-id', value: 'id', help: 'store it under this id'},
	{name: 'expires-in', value: 'span', help: 'how long it is good for, for example 365d'},
];
const loginMethods = 'oauth, device_code, setup_token, token, api_key or custom';
const noBrowser: FlagSpec = {name: 'no-browser', help: 'do not open a browser: print the link'};
const callbackBind: FlagSpec = {
	name: 'callback-bind',
	value: 'address',
	help: 'listen for the browser on this IP address (default: loopback), for a container’s published port',
};
const yes: FlagSpec = {name: 'yes', help: 'do not ask'};

/** Every command, in the order in which help lists them. */
export const commandTable: readonly CommandSpec[] = [
	{
		path: ['onboard'],
		summary: 'log in step by step: agent, provider, method, login, order, and what to do next',
		flags: [
			{name: 'agent', value: 'id', help: 'the agent (asked for if absent)'},
			{
				name: 'auth-choice',
				value: 'name',
				help: 'the login: a provider, setup-token, or <provider>-api-key',
			},
			{...provider, required: false},
			{name: 'method', value: 'name', help: loginMethods},
			...pasteFlags,
			noBrowser,
			{name: 'non-interactive', help: 'ask nothing; a secret is read from standard input'},
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./onboard.ts')).runOnboard,
	},
	{
		path: ['models', 'status'],
		summary: 'show the state of an agent’s credentials',
		flags: [
			agent,
			json,
			{name: 'check', help: 'exit 1 if one is expired or missing, 2 if one expires within 24 h'},
			{name: 'probe', help: 'ask each provider whether its profiles work, one cheap request each'},
			{name: 'probe-provider', value: 'id', help: 'probe the profiles of this provider only'},
			{name: 'probe-timeout', value: 'span', help: 'how long one probe may take (default 10s)'},
			{name: 'probe-concurrency', value: 'count', help: 'how many probes at once (default 4)'},
			{name: 'probe-report', help: 'set aside what fails its probe, as a failure in use does'},
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./status.ts')).runStatus,
	},
	{
		path: ['models', 'auth', 'login'],
		summary: 'log an account in, in the browser or by pasting the redirect URL',
		flags: [
			provider,
			agent,
			{name: 'profile-id', value: 'id', help: 'store it under this id (default: the account’s)'},
			{name: 'method', value: 'name', help: loginMethods},
			noBrowser,
			callbackBind,
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./login.ts')).runLogin,
	},
	{
		path: ['models', 'auth', 'add'],
		summary: 'add a credential, asking for provider and method',
		flags: [agent, {name: 'profile-id', value: 'id', help: 'store it under this id'}, json, stateDir],
		arguments: [],
		load: async () => (await import('./add.ts')).runAdd,
	},
	{
		path: ['models', 'auth', 'setup-token'],
		summary: 'store the token that `claude setup-token` or the like made',
		flags: [{...provider, required: false}, agent, ...pasteFlags, json, stateDir],
		arguments: [],
		load: async () => (await import('./add.ts')).runSetupToken,
	},
	{
		path: ['models', 'auth', 'paste-token'],
		summary: 'store a token that was made elsewhere, pasted or from standard input',
		flags: [provider, agent, ...pasteFlags, json, stateDir],
		arguments: [],
		load: async () => (await import('./add.ts')).runPasteToken,
	},
	{
		path: ['models', 'auth', 'logout'],
		summary: 'end a profile at its server where that can be asked, and remove it here',
		flags: [agent, yes, json, stateDir],
		arguments: [profileId],
		load: async () => (await import('./profiles.ts')).runLogout,
	},
	{
		path: ['models', 'auth', 'finish'],
		summary: 'end a login that waits in another terminal',
		flags: [json, stateDir],
		arguments: [
			{
				name: 'redirect-url',
				help: 'the address that the browser shows at the end, or - to read it from standard input',
			},
		],
		load: async () => (await import('./login.ts')).runFinish,
	},
	{
		path: ['models', 'auth', 'token'],
		summary: 'print a token that is good now, refreshed if need be',
		flags: [
			{name: 'provider', value: 'id', help: 'of this provider'},
			{
				name: 'model',
				value: 'ref',
				help: 'to call this model with, or a fallback of it (--json tells which)',
			},
			agent,
			session,
			{name: 'profile', value: 'id', help: 'of this profile and no other'},
			minTtl,
			{name: 'ready', help: 'rather none than one that is set aside after failures'},
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./token.ts')).runToken,
	},
	{
		path: ['models', 'auth', 'report'],
		summary: 'tell how a profile did in use: failures set it aside, a success brings it back',
		flags: [
			agent,
			{name: 'took', value: 'span', help: 'how long ago the request began, for example 20s'},
			{name: 'retry-after', value: 'span', help: 'when the provider says that it can be used again'},
			{name: 'permanent', help: 'the credential will never work again (with auth)'},
			json,
			stateDir,
		],
		arguments: [
			profileId,
			{name: 'outcome', help: 'ok, auth, rate_limit, billing, format, timeout or network'},
		],
		load: async () => (await import('./usage.ts')).runReport,
	},
	{
		path: ['models', 'auth', 'cooldown', 'clear'],
		summary: 'have a profile used again that was set aside after failures',
		flags: [agent, json, stateDir],
		arguments: [profileId],
		load: async () => (await import('./usage.ts')).runCooldownClear,
	},
	{
		path: ['models', 'auth', 'list'],
		summary: 'list an agent’s profiles',
		flags: [agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./profiles.ts')).runList,
	},
	{
		path: ['models', 'auth', 'remove'],
		summary: 'remove a profile with its secrets',
		flags: [agent, yes, json, stateDir],
		arguments: [profileId],
		load: async () => (await import('./profiles.ts')).runRemove,
	},
	{
		path: ['models', 'auth', 'order', 'get'],
		summary: 'show in which order a provider’s profiles are tried, and why',
		flags: [provider, agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./order.ts')).runOrderGet,
	},
	{
		path: ['models', 'auth', 'order', 'set'],
		summary: 'set the order in which a provider’s profiles are tried',
		flags: [provider, agent, json, stateDir],
		arguments: [{...profileId, help: 'the profiles, first to last', variadic: true}],
		load: async () => (await import('./order.ts')).runOrderSet,
	},
	{
		path: ['models', 'auth', 'order', 'clear'],
		summary: 'take an agent’s explicit order of a provider away',
		flags: [provider, agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./order.ts')).runOrderClear,
	},
	{
		path: ['which'],
		summary: 'explain which credential would be used, what after it, what not, and why',
		flags: [agent, session, minTtl, json, stateDir],
		arguments: [{name: 'target', help: 'a provider, or a model: an alias or provider/model'}],
		load: async () => (await import('./which.ts')).runWhich,
	},
	{
		path: ['sessions', 'list'],
		summary: 'list an agent’s sessions, with the model and the profile that each keeps to',
		flags: [agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./sessions.ts')).runSessionsList,
	},
	{
		path: ['sessions', 'show'],
		summary: 'show what a session uses now, and why',
		flags: [agent, json, stateDir],
		arguments: [sessionKey],
		load: async () => (await import('./sessions.ts')).runSessionsShow,
	},
	{
		path: ['sessions', 'send'],
		summary: 'carry out a slash command in a session: /model, /reset, /help',
		flags: [agent, json, stateDir],
		arguments: [
			sessionKey,
			{name: 'command', help: 'for example "/model Opus@anthropic:work"', variadic: true},
		],
		load: async () => (await import('./sessions.ts')).runSessionsSend,
	},
	{
		path: ['sessions', 'reset'],
		summary: 'begin a session anew, without a model or a profile of its own',
		flags: [agent, json, stateDir],
		arguments: [sessionKey],
		load: async () => (await import('./sessions.ts')).runSessionsReset,
	},
	{
		path: ['agents', 'list'],
		summary: 'list the agents',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./agents.ts')).runAgentsList,
	},
	{
		path: ['agents', 'add'],
		summary: 'add an agent with credentials of its own',
		flags: [
			{name: 'name', value: 'text', help: 'how it is called'},
			{name: 'workspace', value: 'folder', help: 'its workspace'},
			{name: 'isolated', help: 'keep it from the main agent’s profiles'},
			{name: 'non-interactive', help: 'accepted for scripts: this command never asks'},
			json,
			stateDir,
		],
		arguments: [{name: 'id', help: 'up to 64 lower-case letters, digits, "-" and "_"'}],
		load: async () => (await import('./agents.ts')).runAgentsAdd,
	},
	{
		path: ['agents', 'delete'],
		summary: 'delete an agent with all its credentials',
		flags: [yes, json, stateDir],
		arguments: [{name: 'id', help: 'the agent'}],
		load: async () => (await import('./agents.ts')).runAgentsDelete,
	},
	{
		path: ['agents', 'set-default'],
		summary: 'make an agent the one that is meant when none is named',
		flags: [json, stateDir],
		arguments: [{name: 'id', help: 'the agent'}],
		load: async () => (await import('./agents.ts')).runAgentsSetDefault,
	},
	{
		path: ['agents', 'bind'],
		summary: 'send the messages of a channel, an account or a peer to an agent',
		flags: [boundAgent, ...matchFlags, json, stateDir],
		arguments: [],
		load: async () => (await import('./routes.ts')).runBind,
	},
	{
		path: ['agents', 'unbind'],
		summary: 'take a binding away from an agent, or all that it has',
		flags: [
			boundAgent,
			...matchFlags.map(flag => ({...flag, required: false})),
			{name: 'all', help: 'all bindings of the agent'},
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./routes.ts')).runUnbind,
	},
	{
		path: ['agents', 'bindings'],
		summary: 'list the bindings, and which of them are out of use',
		flags: [{name: 'agent', value: 'id', help: 'only those of this agent'}, json, stateDir],
		arguments: [],
		load: async () => (await import('./routes.ts')).runBindings,
	},
	{
		path: ['agents', 'route'],
		summary: 'show which agent a message is for, and why',
		flags: [...matchFlags, json, stateDir],
		arguments: [],
		load: async () => (await import('./routes.ts')).runRoute,
	},
	{
		path: ['channels', 'list'],
		summary: 'list the channels with their accounts, and an agent’s profiles',
		flags: [agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./routes.ts')).runChannels,
	},
	{
		path: ['import', 'openclaw'],
		summary: 'bring in what openclaw has: agents, profiles, orders, the pins of sessions, configuration',
		flags: [{name: 'dry-run', help: 'show what would be taken, and change nothing'}, json, stateDir],
		arguments: [
			{
				name: 'folder',
				help: 'its state folder (default: $OPENCLAW_STATE_DIR or ~/.openclaw)',
				optional: true,
			},
		],
		load: async () => (await import('./openclaw.ts')).runImportOpenclaw,
	},
	{
		path: ['export', 'openclaw'],
		summary: 'write a state folder for openclaw; JARVIS goes on refreshing, unless it hands that over',
		flags: [
			{...agent, help: 'only this agent (all if absent)'},
			{name: 'merge', help: 'write into an openclaw state that is there already'},
			{
				name: 'with-refresh-tokens',
				help: 'hand the logins over: openclaw refreshes them, JARVIS no longer can',
			},
			yes,
			json,
			stateDir,
		],
		arguments: [{name: 'folder', help: 'an empty folder, or one that is not there yet'}],
		load: async () => (await import('./openclaw.ts')).runExportOpenclaw,
	},
	{
		path: ['plugins', 'list'],
		summary: 'list the plugins, and which of them are out of use',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./plugins.ts')).runPluginsList,
	},
	{
		path: ['plugins', 'add'],
		summary: 'add a provider of your own: a manifest is copied, code is loaded once and asked what it offers',
		flags: [json, stateDir],
		arguments: [{name: 'plugin', help: 'a folder, a file, or a package as npm names it'}],
		load: async () => (await import('./plugins.ts')).runPluginsAdd,
	},
	{
		path: ['plugins', 'remove'],
		summary: 'remove a plugin; the profiles of its provider stay',
		flags: [yes, json, stateDir],
		arguments: [{name: 'id', help: 'the plugin'}],
		load: async () => (await import('./plugins.ts')).runPluginsRemove,
	},
	{
		path: ['completion'],
		summary: 'print the completion script of a shell',
		flags: [],
		arguments: [{name: 'shell', help: 'bash, zsh or fish'}],
		load: async () => (await import('./completion.ts')).runCompletion,
	},
];

/** The groups of commands, for help. */
export const groupSummaries: Readonly<Record<string, string>> = {
	models: 'credentials of models’ providers',
	'models auth': 'log in, hand out, list and order credentials',
	'models auth cooldown': 'profiles that are set aside after failures',
	sessions: 'sessions, each with the model and the profile that it keeps to',
	'models auth order': 'the order in which profiles are tried',
	agents: 'agents, each with credentials of its own, and the messages bound to them',
	channels: 'the channels that messages come from',
	import: 'bring in what another program has',
	export: 'write what JARVIS has for another program',
	plugins: 'providers of your own',
};
