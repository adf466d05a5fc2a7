import {clean, type ProfileFacts} from '../auth/facts.ts';
import {setAsideUntil} from '../auth/health.ts';
import type {MethodName} from '../auth/providers/contract.ts';
import {asJarvisError} from '../errors.ts';
import {configOwner} from '../store/config.ts';
import {loggedOut, ownerWords, span} from '../words.ts';
import {runTask, say, type UiContext} from './context.ts';
import {copyAndSay} from './copy.ts';
import {emptyText, textAtEnd} from './edited-text.ts';
import {beginLogin} from './login-actions.ts';
import {openScreen} from './navigation-actions.ts';
import {profileIdFault} from './profile-id-fault.ts';
import {methodsOf, selectedProfile, shownAgent} from './rows.ts';
import {patch} from './state.ts';

// Every key of a profile says why it does nothing where there is none.
function withProfile(act: (context: UiContext, facts: ProfileFacts) => void): (context: UiContext) => void {
	return context => {
		const facts = selectedProfile(context.store.getState());
		if (facts) act(context, facts);
		else say(context, 'attention', 'There is no profile here. Press l to log an account in.');
	};
}

// What the main agent's profile is called, and whether it is there, is for the main agent to say.
function withOwnProfile(
	act: (context: UiContext, facts: ProfileFacts) => void,
): (context: UiContext) => void {
	return withProfile((context, facts) => {
		const state = context.store.getState();
		if (state.screen === 'health' || facts.agentId === shownAgent(state)?.id) return act(context, facts);
		sayWhose(context, facts);
	});
}

// A key of jarvis.json is in no agent's file, whoever looks at it.
function withStoredProfile(
	act: (context: UiContext, facts: ProfileFacts) => void,
): (context: UiContext) => void {
	return withProfile((context, facts) =>
		facts.agentId === configOwner ? sayWhose(context, facts) : act(context, facts),
	);
}

function sayWhose(context: UiContext, {profileId, agentId}: ProfileFacts): void {
	say(context, 'attention', `${profileId} belongs to ${ownerWords(agentId)}: do it there.`);
}

// On the health screen each is looked at as its owner's; elsewhere through an agent that may not own it.
function viewedBy({store}: UiContext, facts: ProfileFacts): string {
	const state = store.getState();
	return state.screen === 'health' ? facts.agentId : (shownAgent(state)?.id ?? facts.agentId);
}

interface NameQuestion {
	readonly title: string;
	/** What happens. */
	readonly line: string;
	/** What is said of another name. */
	readonly refusal: string;
	readonly confirmed: () => void;
}

/** Asks for a profile's name before something of it is lost. */
function askByName({store}: UiContext, profileId: string, question: NameQuestion): void {
	const {title, line, refusal, confirmed} = question;
	const name = profileId.slice(profileId.indexOf(':') + 1);
	const isIt = (typed: string) => typed === clean(name) || typed === clean(profileId);
	patch(store, {
		dialog: {
			...{kind: 'field', title, field: emptyText, danger: true},
			lines: [line, `Type ${name} to do it:`],
			check: typed => (isIt(typed) ? undefined : `That is not ${name}. ${refusal}`),
			submit: confirmed,
		},
	});
}

/** How long (ms) a probe may take. */
const probeTimeoutMs = 10_000;

export const profileActions = {
	toggleDetails: ({store}: UiContext) => patch(store, {details: !store.getState().details}),

	openProfile: withProfile(({store, ...context}, {agentId, profileId}) => {
		patch(store, {
			agentId,
			details: true,
			draft: undefined,
			cursors: {...store.getState().cursors, profiles: {id: profileId, index: 0}},
		});
		openScreen({store, ...context}, 'profiles');
	}),

	loginAgain(context: UiContext) {
		const facts = selectedProfile(context.store.getState());
		if (!facts) return openScreen(context, 'login');
		if (facts.agentId === configOwner) return sayWhose(context, facts);
		const {provider: providerId, agentId, profileId} = facts;
		const methods = methodsOf(context.store.getState(), providerId);
		const method = methods.find(({name}) => methodsOfKind[facts.kind].includes(name));
		if (!method && facts.kind !== 'oauth') {
			const words = `${facts.profileId} is ${kindWords[facts.kind]}, and its provider is not known here.`;
			return say(context, 'attention', words);
		}
		beginLogin(context, {providerId, agentId, profileId, ...(method ? {method: method.name} : {})});
	},

	refresh: withProfile((context, facts) => {
		const {agentId, profileId, provider} = facts;
		if (facts.kind !== 'oauth') {
			return say(context, 'attention', `${profileId} is ${kindWords[facts.kind]}: it is never refreshed.`);
		}
		void runTask(context, `refresh ${agentId} ${profileId}`, `refreshing ${profileId}`, async () => {
			const how = await context.jarvis.refresh({agentId, profileId, provider}, 'always');
			await context.host.reload();
			return how === 'refreshed'
				? `Refreshed ${profileId}.`
				: `${profileId} was refreshed by another process.`;
		});
	}),

	clearCooldown: withProfile((context, facts) => {
		const {profileId} = facts;
		const {store, jarvis, host} = context;
		const state = store.getState();
		const agentId = viewedBy(context, facts);
		const {until} = setAsideUntil(facts, state.now) ?? {};
		if (until === undefined) return say(context, 'attention', `${profileId} is not set aside.`);
		patch(store, {
			dialog: {
				kind: 'confirm',
				title: `Use ${profileId} again?`,
				lines: [
					`It would come back by itself in ${span(until - state.now)}.`,
					'If the provider still refuses it, it is set aside anew.',
				],
				confirm() {
					void runTask(context, 'clear cooldown', `clearing ${profileId}`, async () => {
						const {heldBy} = await jarvis.clearCooldown({agentId, profileId});
						await host.reload();
						return heldBy === undefined
							? `${profileId} is used again.`
							: `The agent ${heldBy}, whose profile it is, has set it aside itself: clear it there.`;
					});
				},
			},
		});
	}),

	probe: withProfile((context, facts) => {
		const {profileId} = facts;
		const options = {timeoutMs: probeTimeoutMs, concurrency: 1, report: false};
		const agentId = viewedBy(context, facts);
		void runTask(context, `probe ${agentId} ${profileId}`, `probing ${profileId}`, async () => {
			const [result] = await context.jarvis.probe([facts], {agentId, ...options});
			await context.host.reload();
			if (!result) return undefined;
			const took = result.latencyMs === undefined ? '' : `, ${result.latencyMs} ms`;
			const tone = result.outcome === 'ok' ? 'good' : result.outcome === 'unknown' ? 'attention' : 'bad';
			say(context, tone, `${profileId}: ${result.why.replace(/\.$/, '')}${took}.`);
			return undefined;
		});
	}),

	logOut: withOwnProfile((context, {agentId, profileId}) => {
		askByName(context, profileId, {
			title: `Log ${profileId} out`,
			line: 'Its server is told, where it can be; its secrets leave the file.',
			refusal: 'Nothing was changed.',
			confirmed() {
				void runTask(context, 'log out', `logging ${profileId} out`, async () => {
					const revocation = await context.jarvis.logOut(agentId, profileId);
					await context.host.reload();
					const tone = revocation.outcome === 'failed' ? 'attention' : 'good';
					say(context, tone, loggedOut(agentId, profileId, revocation));
					return undefined;
				});
			},
		});
	}),

	copyId: withProfile((context, {profileId}) => void copyAndSay(context, profileId, 'profile id')),

	copySecret: withStoredProfile((context, {agentId, profileId, secrets, ref, kind}) => {
		const name = ref ? (kind === 'token' ? 'token' : 'API key') : secrets[0]?.name;
		if (!name) return say(context, 'attention', `${profileId} holds no secret.`);
		patch(context.store, {
			dialog: {
				kind: 'confirm',
				title: `Copy the ${name}?`,
				lines: [`The ${name} of ${profileId} goes to the clipboard, where every program can read it.`],
				confirm() {
					void context.jarvis.revealSecret(agentId, profileId).then(
						text => copyAndSay(context, text, name),
						error => say(context, 'bad', asJarvisError(error).message),
					);
				},
			},
		});
	}),

	renameProfile: withOwnProfile((context, {agentId, profileId, provider}) => {
		patch(context.store, {
			dialog: {
				kind: 'field',
				title: `Rename ${profileId}`,
				lines: [`The new id begins with ${provider}: too.`],
				field: textAtEnd(clean(profileId)),
				danger: false,
				check: to =>
					to === profileId ? undefined : profileIdFault(context.store.getState(), agentId, provider, to),
				submit(to) {
					void runTask(context, 'rename', `renaming ${profileId}`, async () => {
						await context.jarvis.renameProfile(agentId, profileId, to);
						const {cursors} = context.store.getState();
						const index = cursors.profiles?.index ?? 0;
						patch(context.store, {cursors: {...cursors, profiles: {id: to, index}}});
						await context.host.reload();
						return to === profileId ? undefined : `${profileId} is called ${to} now.`;
					});
				},
			},
		});
	}),

	removeProfile: withOwnProfile((context, {agentId, profileId}) => {
		askByName(context, profileId, {
			title: `Remove ${profileId}`,
			line: 'Its secrets leave the file. The server is not told.',
			refusal: 'Nothing was removed.',
			confirmed() {
				void runTask(context, 'remove', `removing ${profileId}`, async () => {
					await context.jarvis.removeProfile(agentId, profileId);
					await context.host.reload();
					return `Removed ${profileId}.`;
				});
			},
		});
	}),

	showOrder: withProfile((context, {provider}) => {
		patch(context.store, {orderProvider: provider});
		openScreen(context, 'order');
	}),

	showProfiles(context: UiContext) {
		const {login} = context.store.getState();
		if (login.stage === 'running') {
			const {agentId} = login.request;
			const state = login.login.state();
			const {cursors} = context.store.getState();
			const id = state.step === 'done' ? state.result.profileId : undefined;
			patch(context.store, {
				agentId,
				login: {stage: 'choosing'},
				...(id ? {cursors: {...cursors, profiles: {id, index: 0}}} : {}),
			});
		}
		openScreen(context, 'profiles');
	},
};

/** The ways by which a profile of a kind is made anew. */
const methodsOfKind: Readonly<Record<ProfileFacts['kind'], readonly MethodName[]>> = {
	oauth: ['oauth', 'device_code', 'custom'],
	token: ['setup_token', 'token'],
	api_key: ['api_key'],
};

const kindWords: Record<ProfileFacts['kind'], string> = {
	oauth: 'an OAuth profile',
	token: 'a pasted token',
	api_key: 'an API key',
};
