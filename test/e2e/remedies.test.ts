import {describe, expect, it} from 'vitest';
import type {ResolveRequest} from '../../source/auth/resolve.ts';
import {openJarvis} from '../../source/core.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	refusal,
	type StoredDocument,
	writeJson,
	writeStore,
} from '../support/sandbox.ts';
import {emptyState, firstAccount, run, start, stored, toldLink} from './support.ts';
import {commandsIn, runLine} from './typed-lines.ts';

const token = ['models', 'auth', 'token'];
const newKey = 'not-a-secret-new-key-0123456789';

const key = (name: string, provider = 'groq') => ({type: 'api_key', provider, key: canary(name)});
const old = {type: 'token', provider: 'groq', token: canary('old'), expires: 1_700_000_000_000};
const noKey = {type: 'api_key', provider: 'groq'};
const pinnedTo = (profileId: string) => ({
	chat: {authProfileOverride: profileId, authProfileOverrideSource: 'user'},
});
const both = {'groq:old': old, 'groq:default': key('default')};

interface Situation {
	readonly main: StoredDocument;
	readonly config?: object;
	readonly work?: StoredDocument;
	readonly sessions?: object;
	readonly request: ResolveRequest;
	/** What is handed out after each of the commands, in their order. */
	readonly gives: readonly string[];
	/** Words of the hint. */
	readonly says: string;
}

const primary = {agents: {defaults: {model: {primary: 'groq/llama'}}, list: [{id: 'work'}]}};

/** Situations in which one profile stands in the way, and others may be good. */
const situations: Readonly<Record<string, Situation>> = {
	'a profile that is asked for by name is over': {
		main: {profiles: both},
		...{request: {profileId: 'groq:old'}, gives: [newKey], says: "--profile-id 'groq:old'"},
	},
	'the same behind a model': {
		main: {profiles: both},
		...{config: primary, request: {model: 'groq/llama@groq:old'}, gives: [newKey]},
		says: "--profile-id 'groq:old'",
	},
	'the profile that a session is pinned to is over': {
		main: {profiles: both},
		...{config: primary, sessions: pinnedTo('groq:old'), request: {sessionKey: 'chat'}},
		...{gives: [newKey, canary('default')], says: 'Or to let the session go'},
	},
	'the profile that a session is pinned to is gone': {
		main: {profiles: {'groq:default': key('default')}},
		...{config: primary, sessions: pinnedTo('groq:gone'), request: {sessionKey: 'chat'}},
		...{gives: [canary('default')], says: '/model default'},
	},
	'the order names one that is over, and leaves out a good one': {
		main: {profiles: both, order: {groq: ['groq:old']}},
		...{request: {providerId: 'groq'}, gives: [canary('default')], says: 'order clear'},
	},
	'the order names one that is over, and leaves out one that is over too': {
		main: {profiles: {'groq:old': old, 'groq:older': old}, order: {groq: ['groq:old']}},
		...{request: {providerId: 'groq'}, gives: [newKey], says: "--profile-id 'groq:old'"},
	},
	'the order names one that is gone': {
		main: {profiles: {'groq:old': old}, order: {groq: ['groq:gone']}},
		...{request: {providerId: 'groq'}, gives: [newKey], says: "--profile-id 'groq:gone'"},
	},
	'the order names one of another provider': {
		main: {profiles: {'openai:x': key('x', 'openai'), 'groq:a': key('a')}, order: {groq: ['openai:x']}},
		...{request: {providerId: 'groq'}, gives: [canary('a')], says: 'order clear'},
	},
	'the order of a provider that a shell would take apart leaves out a good one': {
		main: {
			profiles: {'x; y:old': {...old, provider: 'x; y'}, 'x; y:a': key('a', 'x; y')},
			order: {'x; y': ['x; y:old']},
		},
		...{request: {providerId: 'x; y'}, gives: [canary('a')], says: "order clear --provider 'x; y' --agent"},
	},
	'the order in jarvis.json leaves out a good one': {
		main: {profiles: both},
		config: {auth: {order: {groq: ['groq:old']}}},
		...{
			request: {providerId: 'groq'},
			gives: [canary('default')],
			says: "order set --provider groq --agent main 'groq:default'",
		},
	},
	'the profiles in jarvis.json leave out a good one': {
		main: {profiles: both},
		config: {auth: {profiles: {'groq:old': {provider: 'groq'}}}},
		...{
			request: {providerId: 'groq'},
			gives: [canary('default')],
			says: "order set --provider groq --agent main 'groq:default'",
		},
	},
	'the main agent’s order leaves out a good one': {
		main: {profiles: both, order: {groq: ['groq:old']}},
		work: {profiles: {}},
		...{config: primary, request: {providerId: 'groq', agentId: 'work'}, gives: [canary('default')]},
		says: "order set --provider groq --agent work 'groq:default'",
	},
	'the main agent’s profile is over': {
		main: {profiles: {'groq:old': old}},
		work: {profiles: {}},
		...{config: primary, request: {providerId: 'groq', agentId: 'work'}, gives: [newKey]},
		says: '--agent main --profile-id',
	},
	'an entry holds no key': {
		main: {profiles: {'groq:default': noKey}},
		...{request: {providerId: 'groq'}, gives: [newKey], says: '--method api_key'},
	},
	'there is none': {
		main: {profiles: {}},
		...{request: {providerId: 'groq'}, gives: [newKey], says: 'Log in: '},
	},
	'one that is set aside is not taken': {
		main: {
			profiles: {'groq:a': key('a')},
			usageStats: {
				'groq:a': {
					cooldownUntil: Date.now() + 3_600_000,
					lastFailureReason: 'auth',
					lastFailureAt: Date.now(),
				},
			},
		},
		...{request: {providerId: 'groq', readyOnly: true}, gives: [canary('a')], says: 'cooldown clear'},
	},
};

function stateOf({main, config, work, sessions}: Situation) {
	const state = emptyState();
	writeStore(state, 'main', {version: 1, ...main});
	if (work) writeStore(state, 'work', {version: 1, ...work});
	if (config) writeJson(state.paths.config, config);
	if (sessions) writeJson(state.paths.sessions('main'), sessions);
	return state;
}

const open = ({stateDir}: {readonly stateDir: string}) => openJarvis({stateDir, env: {}});

describe('each command that an error gives, typed as it stands there, ends what it is of', () => {
	it.each(Object.entries(situations))('%s', async (_name, situation) => {
		const {request, gives, says} = situation;
		const {message, next} = await refusal(open(stateOf(situation)).resolve(request));
		expect(next).toContain(says);
		// There may well be a usable one: it was not asked.
		const isOne = request.providerId === undefined;
		if (isOne) expect(message).not.toContain('has no usable profile');
		const commands = commandsIn(next);
		expect(commands).toHaveLength(gives.length);
		for (const [index, command] of commands.entries()) {
			const state = stateOf(situation);
			expect(await runLine(state, command, `${newKey}\n`), command).toMatchObject({code: 0});
			expect(await open(state).resolve(request), command).toMatchObject({secret: gives[index]});
		}
	});

	it.each(['expired without a refresh token', 'refused by its server'])(
		'an OAuth profile that is %s',
		async how => {
			const sandbox = await openSandbox();
			const entry = await expiredEntry(sandbox.server, firstAccount);
			const refresh = how.startsWith('expired') ? undefined : 'not-a-refresh-token-of-this-server';
			const good = {
				...entry,
				expires: Date.now() + 3_600_000,
				email: 'other@example.test',
				accountId: 'other',
			};
			writeStore(sandbox, 'main', {profiles: {'acme:maya': {...entry, refresh}, 'acme:other': good}});
			const args = [...token, '--profile', 'acme:maya'];
			const failed = await run(sandbox, args);
			expect(failed).toMatchObject({code: 3, stdout: ''});
			const [command = '', ...others] = commandsIn(failed.stderr);
			expect(others).toEqual([]);
			const words = command.replaceAll("'", '').split(' ').slice(1);
			const login = start(sandbox, [...words, '--no-browser']);
			await visit(await toldLink(login), {});
			expect(await login.ended).toMatchObject({code: 0});
			expect(await run(sandbox, args)).toEqual({
				...{code: 0, stdout: `${stored(sandbox, 'acme:maya').access}\n`, stderr: ''},
			});
			expect(stored(sandbox, 'acme:other').access).toBe(entry.access);
		},
	);
});
