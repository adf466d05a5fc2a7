import type {CommandRun} from './command.ts';

/** A flag, as help, parsing and completions are made from it. */
export interface FlagSpec {
	readonly name: string;
	/** What its value is called; a flag without one is a switch. */
	readonly value?: string;
	readonly help: string;
	readonly required?: boolean;
	/** It may be given several times; the values are joined by commas, and one may hold several so. */
	readonly several?: boolean;
}

export interface ArgumentSpec {
	readonly name: string;
	readonly help: string;
	readonly variadic?: boolean;
	/** The words of another program: from the first one on nothing is a flag of ours. Stands behind `--`. */
	readonly foreign?: boolean;
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
const model: ArgumentSpec = {name: 'model', help: 'an alias, or <provider>/<model>'};
const alias: ArgumentSpec = {name: 'alias', help: 'the other name, one word'};
const profileId: ArgumentSpec = {name: 'profile-id', help: 'the profile, <provider>:<name>'};
const matchFlags: readonly FlagSpec[] = [
	{name: 'channel', value: 'name', help: 'the channel, such as telegram', required: true},
	{name: 'account', value: 'id', help: 'the account on the channel (any if absent)'},
	{name: 'peer', value: 'kind:id', help: 'who the message is from: direct, group or channel, and the id'},
];
const boundAgent: FlagSpec = {name: 'agent', value: 'id', help: 'the agent', required: true};
const session: FlagSpec = {name: 'session', value: 'key', help: 'the session that it is for'};
const minTtl: FlagSpec = {name: 'min-ttl', value: 'span', help: 'good for at least so long, for example 5m'};
const ready: FlagSpec = {name: 'ready', help: 'rather none than one that is set aside after failures'};
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
const brokerSocket: FlagSpec = {
	name: 'socket',
	value: 'path',
	help: 'the broker’s socket (default: broker/broker.sock in the state folder)',
};
const keepFresh: FlagSpec = {name: 'keep-fresh', help: 'renew tokens before they run out'};
const yes: FlagSpec = {name: 'yes', help: 'do not ask'};
const stepProgram: ArgumentSpec = {name: 'program', help: 'codex'};
const home: FlagSpec = {name: 'home', value: 'folder', help: 'its folder (default: $CODEX_HOME or ~/.codex)'};
const dryRun: FlagSpec = {name: 'dry-run', help: 'show what would change, and change nothing'};
const plan: FlagSpec = {
	name: 'plan',
	value: 'file',
	help: 'the plan (default: secrets-plan.json in the state folder)',
};
const secretPlaces: ArgumentSpec = {
	name: 'profile-id',
	help: 'the profiles whose secrets are meant',
	variadic: true,
	optional: true,
};

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
			callbackBind,
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
			{
				name: 'check',
				help: 'exit 1 if one is expired or missing, or refused when probed, 2 if one expires within 24 h',
			},
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
		path: ['models', 'list'],
		summary: 'list the configured models, what each is used as, and whether there is a credential for it',
		flags: [agent, json, stateDir],
		arguments: [],
		load: async () => (await import('./models.ts')).runModelsList,
	},
	{
		path: ['models', 'set'],
		summary: 'make a model the primary one',
		flags: [json, stateDir],
		arguments: [model],
		load: async () => (await import('./models.ts')).runModelsSet,
	},
	{
		path: ['models', 'aliases', 'list'],
		summary: 'list the aliases of models',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./models.ts')).runAliasesList,
	},
	{
		path: ['models', 'aliases', 'add'],
		summary: 'give a model another name',
		flags: [json, stateDir],
		arguments: [alias, model],
		load: async () => (await import('./models.ts')).runAliasesAdd,
	},
	{
		path: ['models', 'aliases', 'remove'],
		summary: 'take an alias away',
		flags: [json, stateDir],
		arguments: [alias],
		load: async () => (await import('./models.ts')).runAliasesRemove,
	},
	{
		path: ['models', 'fallbacks', 'list'],
		summary: 'list the models that stand behind the one that is asked for, in their order',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./models.ts')).runFallbacksList,
	},
	{
		path: ['models', 'fallbacks', 'add'],
		summary: 'put a model behind the other fallbacks',
		flags: [json, stateDir],
		arguments: [model],
		load: async () => (await import('./models.ts')).runFallbacksAdd,
	},
	{
		path: ['models', 'fallbacks', 'remove'],
		summary: 'take a model from the fallbacks',
		flags: [json, stateDir],
		arguments: [model],
		load: async () => (await import('./models.ts')).runFallbacksRemove,
	},
	{
		path: ['models', 'fallbacks', 'clear'],
		summary: 'take all fallbacks away',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./models.ts')).runFallbacksClear,
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
				help: 'the address that the browser shows at the end, or - to paste it or read it from standard input',
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
			ready,
			{
				name: 'format',
				value: 'name',
				help: 'print it as credential-process (AWS) or exec-credential (Kubernetes) JSON, with its expiry',
			},
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
		path: ['models', 'auth', 'write-back', 'on'],
		summary: 'keep a program’s own login file in step: it gets each new access token, and no refresh token',
		flags: [
			{name: 'profile', value: 'id', help: 'with this profile (default: what the agent uses now)'},
			agent,
			home,
			{name: 'replace', help: 'put the login away that stands there, whoever’s it is'},
			json,
			stateDir,
		],
		arguments: [stepProgram],
		load: async () => (await import('./write-back.ts')).runWriteBackOn,
	},
	{
		path: ['models', 'auth', 'write-back', 'off'],
		summary: 'keep a program in step no longer; its file stays as it is',
		flags: [home, json, stateDir],
		arguments: [stepProgram],
		load: async () => (await import('./write-back.ts')).runWriteBackOff,
	},
	{
		path: ['models', 'auth', 'write-back', 'list'],
		summary: 'list the programs that are kept in step, and what is in the way',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./write-back.ts')).runWriteBackList,
	},
	{
		path: ['exec'],
		summary: 'run a program with fresh credentials in the environment variables that it looks for',
		flags: [
			{name: 'provider', value: 'id', help: 'with a credential of this provider', several: true},
			{name: 'profile', value: 'id', help: 'with this profile', several: true},
			{name: 'model', value: 'ref', help: 'with what this model, or a fallback of it, is called with'},
			{name: 'all', help: 'with one credential of every provider that the agent has any of'},
			{
				name: 'env',
				value: 'name[=id]',
				help: 'in this variable (of this provider) in place of those that are known',
				several: true,
			},
			agent,
			session,
			minTtl,
			ready,
			stateDir,
		],
		arguments: [{name: 'command', help: 'the program and its arguments', variadic: true, foreign: true}],
		load: async () => (await import('./exec.ts')).runExec,
	},
	{
		path: ['git-credential'],
		summary: 'answer git, which calls it as a credential helper',
		flags: [
			{name: 'host', value: 'name', help: 'answer for this host, too (with its port)', several: true},
			{name: 'provider', value: 'id', help: 'with a credential of this provider (default: the host’s)'},
			{name: 'profile', value: 'id', help: 'with this profile'},
			{name: 'username', value: 'name', help: 'with this user name (default: the provider’s)'},
			agent,
			session,
			minTtl,
			stateDir,
		],
		arguments: [{name: 'operation', help: 'get, store or erase; anything else is passed over'}],
		load: async () => (await import('./git-credential.ts')).runGitCredential,
	},
	{
		path: ['which'],
		summary: 'explain which credential would be used, what after it, what not, and why',
		flags: [agent, session, minTtl, json, stateDir],
		arguments: [{name: 'target', help: 'a provider, or a model: an alias or provider/model'}],
		load: async () => (await import('./which.ts')).runWhich,
	},
	{
		path: ['doctor'],
		summary: 'find what is wrong around the credentials, and mend what can be mended',
		flags: [
			{name: 'fix', help: 'mend what can be mended; what could cost a credential is asked first'},
			{name: 'dry-run', help: 'with --fix: say what would be done, and do nothing'},
			{name: 'yes', help: 'with --fix: do not ask'},
			{name: 'only', value: 'ids', help: 'only these findings, separated by commas (docs/doctor.md)'},
			{name: 'online', help: 'ask the providers’ servers for the time'},
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./doctor.ts')).runDoctor,
	},
	{
		path: ['log'],
		summary: 'show what was done with credentials, by whom and when, the newest last',
		flags: [
			{name: 'follow', help: 'go on with what comes, until Ctrl-C'},
			{name: 'since', value: 'span', help: 'no further back than this, for example 1h'},
			{name: 'event', value: 'names', help: 'only these events, separated by commas'},
			{name: 'agent', value: 'id', help: 'only of this agent'},
			{name: 'profile', value: 'id', help: 'only of this profile'},
			{name: 'limit', value: 'count', help: 'how many at most (default 100)'},
			{name: 'json', help: 'print JSON, an entry a line'},
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./log.ts')).runLog,
	},
	{
		path: ['import'],
		summary: 'take over the logins of other programs on this machine: Codex, Claude Code, Gemini CLI, gh, pi',
		flags: [
			{name: 'list', help: 'show what was found and how it stands to what is stored; take nothing'},
			{name: 'adopt', help: 'store it: JARVIS refreshes it from now on'},
			{name: 'link', help: 'read it where its program keeps it, and never refresh it here'},
			agent,
			{name: 'profile-id', value: 'id', help: 'store it under this id'},
			json,
			stateDir,
		],
		arguments: [
			{
				name: 'login',
				help: 'a program, such as codex, or one of its logins as --list names it (asked for if absent)',
				variadic: true,
				optional: true,
			},
		],
		load: async () => (await import('./import.ts')).runImport,
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
		path: ['broker'],
		summary: 'hand out tokens on a Unix socket, to programs that ask often',
		flags: [
			brokerSocket,
			keepFresh,
			{name: 'no-peer-check', help: 'let in whoever can open the socket, without looking which user that is'},
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./broker.ts')).runBroker,
	},
	{
		path: ['broker', 'status'],
		summary: 'show whether the broker runs, and who asked it',
		flags: [brokerSocket, json, stateDir],
		arguments: [],
		load: async () => (await import('./broker.ts')).runBrokerStatus,
	},
	{
		path: ['broker', 'stop'],
		summary: 'end the broker; those that are being answered are',
		flags: [brokerSocket, json, stateDir],
		arguments: [],
		load: async () => (await import('./broker.ts')).runBrokerStop,
	},
	{
		path: ['broker', 'install'],
		summary: 'write a user unit of systemd, or an agent of launchd, that runs the broker',
		flags: [brokerSocket, keepFresh, {name: 'print', help: 'only print it'}, stateDir],
		arguments: [],
		load: async () => (await import('./broker.ts')).runBrokerInstall,
	},
	{
		path: ['broker', 'uninstall'],
		summary: 'remove what broker install wrote',
		flags: [stateDir],
		arguments: [],
		load: async () => (await import('./broker.ts')).runBrokerUninstall,
	},
	{
		path: ['watch'],
		summary: 'tell what needs a person, now and whenever that changes',
		flags: [
			{name: 'agent', value: 'id', help: 'only this agent and what it uses (all if absent)'},
			{
				name: 'once',
				help: 'tell what is wrong now, and exit: 1 if a person is needed, 2 if one will be soon',
			},
			{
				name: 'warn',
				value: 'spans',
				help: 'how long before a token ends that nothing renews (default 14d,3d,1d)',
			},
			{name: 'hook', value: 'program', help: 'run it for each event, which it gets as JSON'},
			{name: 'bell', help: 'ring the terminal, and have it show a notification'},
			{name: 'textfile', value: 'file', help: 'keep metrics for Prometheus in this file'},
			keepFresh,
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./watch.ts')).runWatch,
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
		path: ['secrets', 'reload'],
		summary: 'resolve every secret ref that is in use, also in the programs that are open',
		flags: [json, stateDir],
		arguments: [],
		load: async () => (await import('./secrets.ts')).runSecretsReload,
	},
	{
		path: ['secrets', 'audit'],
		summary: 'look for secrets in plain text, files that others can read, and refs that do not resolve',
		flags: [
			{name: 'check', help: 'exit 1 if something is found, 2 if a ref does not resolve'},
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./secrets-audit.ts')).runSecretsAudit,
	},
	{
		path: ['secrets', 'seal'],
		summary: 'encrypt API keys and tokens under a key in the system’s keychain, and leave refs in the files',
		flags: [
			{name: 'all', help: 'all that are in plain text, of all agents or of --agent'},
			agent,
			dryRun,
			json,
			stateDir,
		],
		arguments: [secretPlaces],
		load: async () => (await import('./secrets-move.ts')).runSecretsSeal,
	},
	{
		path: ['secrets', 'unseal'],
		summary: 'put sealed secrets back into the files, in plain text',
		flags: [agent, yes, json, stateDir],
		arguments: [{...secretPlaces, optional: false}],
		load: async () => (await import('./secrets-move.ts')).runSecretsUnseal,
	},
	{
		path: ['secrets', 'configure'],
		summary: 'plan where secrets go that are in plain text, asking for each; `secrets apply` carries it out',
		flags: [
			{
				name: 'to',
				value: 'where',
				help: 'keychain, or a ref that gives the secret already: env:default:NAME, file:<provider>:<pointer>, …',
			},
			agent,
			plan,
			json,
			stateDir,
		],
		arguments: [secretPlaces],
		load: async () => (await import('./secrets-plan.ts')).runSecretsConfigure,
	},
	{
		path: ['secrets', 'apply'],
		summary: 'carry a plan out: each secret leaves its file when its ref has given the same one',
		flags: [dryRun, plan, json, stateDir],
		arguments: [],
		load: async () => (await import('./secrets-plan.ts')).runSecretsApply,
	},
	{
		path: ['secrets', 'prune'],
		summary: 'remove secrets that no file needs any more: sealed ones, and those in backups alone',
		flags: [
			{
				name: 'copies',
				help: 'also take out of the backups what their files have no more (secrets audit names it)',
			},
			yes,
			json,
			stateDir,
		],
		arguments: [],
		load: async () => (await import('./secrets-move.ts')).runSecretsPrune,
	},
	{
		path: ['completion'],
		summary: 'print the completion script of a shell',
		flags: [],
		arguments: [{name: 'shell', help: 'bash, zsh or fish'}],
		load: async () => (await import('./completion.ts')).runCompletion,
	},
	{
		path: ['completion', 'values'],
		summary: 'print names of agents, providers or profiles, for the completion scripts',
		flags: [agent, {...provider, required: false}, stateDir],
		arguments: [{name: 'kind', help: 'agent, provider or profile'}],
		load: async () => (await import('./completion-values.ts')).runCompletionValues,
	},
];

/** The groups of commands, for help. */
export const groupSummaries: Readonly<Record<string, string>> = {
	models: 'models, and the credentials of their providers',
	'models aliases': 'other names of models',
	'models fallbacks': 'the models that are used when every credential of the one before is out',
	'models auth': 'log in, hand out, list and order credentials',
	'models auth cooldown': 'profiles that are set aside after failures',
	'models auth write-back': 'programs with login files of their own that are kept in step',
	sessions: 'sessions, each with the model and the profile that it keeps to',
	'models auth order': 'the order in which profiles are tried',
	agents: 'agents, each with credentials of its own, and the messages bound to them',
	channels: 'the channels that messages come from',
	import: 'bring in what another program has',
	export: 'write what JARVIS has for another program',
	plugins: 'providers of your own',
	secrets: 'secrets that are kept elsewhere',
};
