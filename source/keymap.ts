import {setAsideUntil} from './auth/health.ts';
import type {ImportHow} from './auth/import/judge.ts';
import type {ActionId} from './ui/actions.ts';
import {selectedProfile, showsLogin} from './ui/rows.ts';
import type {ScreenId, UiState} from './ui/state.ts';

/** Where a key works. Of several that take the same key, the first in this list has it. */
export type Scope = 'confirm' | 'field' | 'owner' | 'filter' | 'command' | ScreenId | 'list' | 'everywhere';

export interface KeyBinding {
	readonly action: ActionId;
	readonly scope: Scope;
	/** Chords, the first being the one that is shown. */
	readonly keys: readonly string[];
	/** For the footer: at most a dozen characters. */
	readonly label: string;
	/** For the help screen and the docs: one sentence. */
	readonly help: string;
	/** Shown in the footer, most needed first; the help screen shows them all. */
	readonly footer?: true;
	/** Only while a login is waiting, or only while none is. */
	readonly when?: (state: UiState) => boolean;
}

const choosing = (state: UiState) => state.login.stage === 'choosing';
const choosingMethod = (state: UiState) => state.login.stage === 'methods';
const choosingAccount = (state: UiState) => state.login.stage === 'accounts';
const choosingFurther = (state: UiState) => choosingMethod(state) || choosingAccount(state);
const waiting = (state: UiState) => loginStep(state) === 'waiting' && !hasField(state);
const onDevice = (state: UiState) => loginStep(state) === 'device';
const linked = (state: UiState) => waiting(state) || onDevice(state);
const typing = (state: UiState) => hasField(state);
const answering = (state: UiState) => hasField(state) && loginStep(state) === 'asking';
const typingPaste = (state: UiState) => hasField(state) && loginStep(state) === 'waiting';
const unfinished = (state: UiState) => over(state) && loginStep(state) !== 'done';
const over = (state: UiState) => ['done', 'failed', 'cancelled'].includes(loginStep(state) ?? '');
const underWay = (state: UiState) => ['preparing', 'exchanging'].includes(loginStep(state) ?? '');

const answeringOnboarding = ({onboarding}: UiState) => ['agent', 'name', 'order'].includes(onboarding.stage);
const loggedIn = (state: UiState) => showsLogin(state) && loginStep(state) === 'done';
const onboarded = ({onboarding}: UiState) => onboarding.stage === 'done';
const leavable = ({onboarding}: UiState) => ['agent', 'done'].includes(onboarding.stage);
const choosingOnboarding = (state: UiState) => showsLogin(state) && choosing(state);
const settling = (state: UiState) => loggedIn(state) || ['name', 'order'].includes(state.onboarding.stage);

const isAside = (state: UiState) => {
	const facts = selectedProfile(state);
	return facts !== undefined && setAsideUntil(facts, state.now) !== undefined;
};

const canBe = (how: ImportHow) => (state: UiState) =>
	state.dialog?.kind === 'import' && state.dialog.login.refusals[how] === undefined;

const isFilterable = (state: UiState) => {
	if (showsLogin(state)) return choosing(state);
	if (state.screen === 'broker') return state.broker !== undefined && 'clients' in state.broker;
	return state.screen !== 'onboard' || state.onboarding.stage === 'agent';
};

type Extra = Pick<KeyBinding, 'footer' | 'when'>;

const key = (
	scope: Scope,
	keys: string,
	action: ActionId,
	label: string,
	help: string,
	extra: Extra = {},
): KeyBinding => ({scope, keys: keys.split(' '), action, label, help, ...extra});

/** Every key of the dashboard. Dispatch, footer, help screen and docs/keys.md are made from this list. */
export const keymap: readonly KeyBinding[] = [
	key('confirm', 'y enter', 'confirm', 'yes', 'do it', {footer: true}),
	key('confirm', 'n esc q', 'dismiss', 'no', 'leave it as it is', {footer: true}),
	key('confirm', 'pagedown space', 'turnOn', 'more', 'the next part of the question, where it does not fit'),
	key('field', 'enter', 'submit', 'done', 'take what is typed', {footer: true}),
	key('field', 'esc', 'dismiss', 'cancel', 'leave it as it is', {footer: true}),
	key('field', 'pagedown', 'turnOn', 'more', 'the next part of the question, where it does not fit'),
	key('owner', 'a', 'adoptLogin', 'adopt', 'store the login: JARVIS refreshes it from now on', {
		footer: true,
		when: canBe('adopt'),
	}),
	key('owner', 'l', 'linkLogin', 'link', 'read the login where its program keeps it, and never refresh it', {
		footer: true,
		when: canBe('link'),
	}),
	key('owner', 'esc n q', 'dismiss', 'cancel', 'leave it as it is', {footer: true}),
	key('owner', 'pagedown space', 'turnOn', 'more', 'the next part of the question, where it does not fit'),
	key('filter', 'enter down', 'keepFilter', 'keep', 'keep the filter and go to the list', {footer: true}),
	key('filter', 'esc', 'clearFilter', 'clear', 'show everything again', {footer: true}),

	key('command', 'enter', 'runCommand', 'run', 'carry the slash command out', {footer: true}),
	key(
		'command',
		'tab',
		'completeCommand',
		'complete',
		'complete what is typed, or show the next possibility',
		{
			footer: true,
		},
	),
	key('command', 'esc', 'closeCommand', 'cancel', 'close the line', {footer: true}),

	key('agents', 'enter', 'openAgent', 'profiles', 'show the profiles of the agent', {footer: true}),
	key('agents', 'a', 'addAgent', 'add', 'add an agent with credentials of its own', {footer: true}),
	key('agents', 'd', 'setDefault', 'default', 'make it the agent that is meant when none is named', {
		footer: true,
	}),
	key('agents', 'l', 'loginAgent', 'log in', 'log an account in for the agent', {footer: true}),
	key('agents', 'w', 'openOnboarding', 'wizard', 'log in step by step, beginning with the agent', {
		footer: true,
	}),
	key('agents', 'D', 'deleteAgent', 'delete', 'delete the agent and its credentials, after typing its name', {
		footer: true,
	}),

	key('profiles', 'enter', 'toggleDetails', 'details', 'show or hide the details of the profile', {
		footer: true,
	}),
	key('profiles', 'c', 'clearCooldown', 'use again', 'forget its failures and use it again, after asking', {
		footer: true,
		when: isAside,
	}),
	key('profiles', 'l', 'loginAgain', 'log in', 'log in again for the profile, or anew when there is none', {
		footer: true,
	}),
	key('profiles', 'r', 'refresh', 'refresh', 'refresh its access token now', {footer: true}),
	key('profiles', 'p', 'probe', 'probe', 'ask its provider whether it works', {footer: true}),
	key('profiles', 'y', 'copyId', 'copy id', 'copy the profile id', {footer: true}),
	key('profiles', 'Y', 'copySecret', 'copy secret', 'copy its token or key, after asking'),
	key('profiles', 'e', 'renameProfile', 'rename', 'give the profile another name', {footer: true}),
	key('profiles', 'o', 'showOrder', 'order', 'show the order of its provider'),
	key(
		'profiles',
		'D',
		'removeProfile',
		'remove',
		'remove the profile and its secrets, after typing its name',
		{footer: true},
	),
	key('profiles', 'L', 'logOut', 'log out', 'end it at its server where that can be asked, and remove it'),
	key('profiles', 'right ]', 'nextAgent', 'next agent', 'show the next agent'),
	key('profiles', 'left [', 'previousAgent', 'previous', 'show the previous agent'),

	key('order', 'K shift+up', 'moveUp', 'up', 'move the profile up', {footer: true}),
	key('order', 'J shift+down', 'moveDown', 'down', 'move the profile down', {footer: true}),
	key('order', 's enter', 'saveOrder', 'save', 'save the order that was made', {footer: true}),
	key('order', 'x', 'clearOrder', 'clear', 'take the explicit order away, after asking', {footer: true}),
	key('order', 'c', 'clearCooldown', 'use again', 'forget its failures and use it again, after asking', {
		footer: true,
		when: isAside,
	}),
	key('order', 'right ]', 'nextProvider', 'provider', 'show the next provider', {footer: true}),
	key('order', 'left [', 'previousProvider', 'previous', 'show the previous provider'),

	key('health', 'enter', 'openProfile', 'details', 'show the profile among those of its agent', {
		footer: true,
	}),
	key('health', 'r', 'refresh', 'refresh', 'refresh its access token now', {footer: true}),
	key('health', 'p', 'probe', 'probe', 'ask its provider whether it works', {footer: true}),
	key('health', 'l', 'loginAgain', 'log in', 'log in again for the profile', {footer: true}),
	key('health', 'c', 'clearCooldown', 'use again', 'forget its failures and use it again, after asking', {
		footer: true,
		when: isAside,
	}),

	key('health', 'd', 'openDoctor', 'doctor', 'find what is wrong around the credentials, and what helps', {
		footer: true,
	}),

	key('doctor', 'enter', 'mendFinding', 'mend', 'do what can be done about the finding, after asking', {
		footer: true,
	}),
	key('doctor', 'y', 'copyNext', 'copy command', 'copy the command that helps', {footer: true}),
	key('doctor', 'r', 'examineAgain', 'look again', 'look again', {footer: true}),
	key('doctor', 'esc', 'back', 'back', 'drop the filter, or back to health', {footer: true}),

	key('onboard', 'enter', 'onboardingNext', 'choose', 'choose it, or go on', {
		footer: true,
		when: answeringOnboarding,
	}),
	key('onboard', 'enter', 'onboardingNext', 'go on', 'choose it, or go on', {footer: true, when: loggedIn}),
	key('onboard', 'enter', 'onboardingNext', 'profile', 'choose it, or go on', {
		footer: true,
		when: onboarded,
	}),
	key('onboard', 'esc', 'onboardingBack', 'back', 'a step back, or on with what is stored as it is', {
		footer: true,
		when: choosingOnboarding,
	}),
	key('onboard', 'esc', 'onboardingBack', 'leave as is', 'a step back, or on with what is stored as it is', {
		footer: true,
		when: settling,
	}),
	key('onboard', 'esc', 'onboardingBack', 'leave', 'a step back, or on with what is stored as it is', {
		footer: true,
		when: leavable,
	}),
	key('onboard', 'pagedown space', 'turnOn', 'more', 'the next part, where it does not fit', {
		when: onboarded,
	}),

	key('login', 'enter', 'chooseProvider', 'log in', 'log in with the provider', {
		footer: true,
		when: choosing,
	}),
	key('login', 'enter', 'chooseMethod', 'log in', 'log in this way', {footer: true, when: choosingMethod}),
	key('login', 'enter', 'chooseAccount', 'log in', 'store it there', {footer: true, when: choosingAccount}),
	key('login', 'esc', 'chooseAnother', 'back', 'back to the choice before', {
		footer: true,
		when: choosingFurther,
	}),
	key('login', 'right ]', 'nextAgent', 'agent', 'log in for the next agent', {footer: true, when: choosing}),
	key('login', 'left [', 'previousAgent', 'previous', 'log in for the previous agent', {
		when: choosing,
	}),
	key('login', 'p enter', 'openPaste', 'paste', 'type or paste the address that the browser ends at', {
		footer: true,
		when: waiting,
	}),
	key('login', 'y', 'copyLink', 'copy link', 'copy the login link', {footer: true, when: linked}),
	key('login', 'c', 'copyCode', 'copy code', 'copy the code', {footer: true, when: onDevice}),
	key('login', 'b', 'openBrowser', 'browser', 'open the login link in a browser', {
		footer: true,
		when: linked,
	}),
	key('login', 'u', 'printLink', 'plain link', 'show the link alone, unwrapped, outside of the dashboard', {
		footer: true,
		when: linked,
	}),
	key('login', 'esc', 'cancelLogin', 'cancel', 'cancel the login', {footer: true, when: linked}),
	key('login', 'Q', 'showQrCode', 'QR code', 'show the link as a QR code, outside of the dashboard', {
		footer: true,
		when: linked,
	}),
	key('login', 'esc', 'cancelLogin', 'cancel', 'cancel the login', {footer: true, when: underWay}),
	key('login', 'enter', 'submitPaste', 'finish', 'finish the login with what is pasted', {
		footer: true,
		when: typing,
	}),
	key('login', 'esc', 'closePaste', 'back', 'close the field', {footer: true, when: typingPaste}),
	key('login', 'esc', 'cancelLogin', 'cancel', 'cancel the login', {footer: true, when: answering}),
	key('login', 'pagedown', 'turnOn', 'more', 'the next choices, where they do not fit', {when: answering}),
	key('login', 'r', 'retryLogin', 'try again', 'start the same login again', {
		footer: true,
		when: unfinished,
	}),
	key('login', 'enter', 'showProfiles', 'profiles', 'show the profiles of the agent', {
		footer: true,
		when: over,
	}),
	key('login', 'esc', 'chooseAnother', 'another', 'back to the choice before', {footer: true, when: over}),

	key('sessions', 'enter :', 'openCommand', 'command', 'type a slash command for the session', {
		footer: true,
	}),
	key('sessions', 'n', 'newSession', 'new', 'add a session, and choose its model', {footer: true}),
	key('sessions', 'x', 'resetSession', 'reset', 'begin the session anew, after asking', {footer: true}),
	key('sessions', 'y', 'copySession', 'copy key', 'copy the key of the session'),
	key('sessions', 'right ]', 'nextAgent', 'agent', 'show the sessions of the next agent', {footer: true}),
	key('sessions', 'left [', 'previousAgent', 'previous', 'show the sessions of the agent before'),

	key(
		'broker',
		'y',
		'copyBrokerLine',
		'copy line',
		'copy a line for a shell that asks the broker for a token',
		{
			footer: true,
		},
	),
	key('import', 'enter', 'takeLogin', 'take over', 'adopt the login, or link to it', {footer: true}),
	key('import', 'r', 'lookAgain', 'look again', 'look for logins again', {footer: true}),
	key('import', 'y', 'copyImport', 'copy command', 'copy the command that takes the login over', {
		footer: true,
	}),
	key('import', 'right ]', 'nextAgent', 'agent', 'take logins over for the next agent', {footer: true}),
	key('import', 'left [', 'previousAgent', 'previous', 'take logins over for the agent before'),
	key('log', 'enter', 'toggleLogDetails', 'details', 'show or hide all that an entry says', {footer: true}),
	key('log', 'g home', 'first', 'newest', 'the newest entry, and then each that comes', {footer: true}),

	key('help', 'esc ? q', 'closeHelp', 'back', 'back to where you were', {footer: true}),
	key('help', 'down j', 'scrollDown', 'scroll', 'scroll down', {footer: true}),
	key('help', 'up k', 'scrollUp', 'scroll up', 'scroll up'),
	key('help', 'pagedown space', 'scrollPageDown', 'page', 'a page down'),
	key('help', 'pageup', 'scrollPageUp', 'page up', 'a page up'),

	key('list', 'down j', 'down', 'down', 'one row down'),
	key('list', 'up k', 'up', 'up', 'one row up'),
	key('list', 'pagedown ctrl+d', 'pageDown', 'page down', 'a page down'),
	key('list', 'pageup ctrl+u', 'pageUp', 'page up', 'a page up'),
	key('list', 'g home', 'first', 'first', 'the first row'),
	key('list', 'G end', 'last', 'last', 'the last row'),
	key('list', 'space', 'turnOn', 'more', 'the next part of what is told below, where it does not fit'),
	key('list', '/', 'openFilter', 'filter', 'show only the rows that hold a text', {
		footer: true,
		when: isFilterable,
	}),

	key('everywhere', '1', 'openAgents', 'agents', 'the agents'),
	key('everywhere', '2', 'openProfiles', 'profiles', 'the profiles of an agent'),
	key('everywhere', '3', 'openOrder', 'order', 'in which order profiles are tried'),
	key('everywhere', '4', 'openHealth', 'health', 'every token, what needs attention first'),
	key('everywhere', '5', 'openLogin', 'login', 'log an account in'),
	key('everywhere', '6', 'openSessions', 'sessions', 'which model and profile each session keeps to'),
	key('everywhere', '7', 'openImport', 'import', 'logins of other programs on this machine'),
	key('everywhere', '8', 'openLog', 'log', 'what was done with credentials, and by whom'),
	key('everywhere', '9', 'openBroker', 'broker', 'who asks the broker for tokens'),
	key('everywhere', 'tab', 'nextScreen', 'next screen', 'the next screen'),
	key('everywhere', 'shift+tab', 'previousScreen', 'previous', 'the previous screen'),
	key(
		'everywhere',
		'R',
		'toggleAutoRefresh',
		'auto-refresh',
		'refresh tokens by itself when they run out, or not',
	),
	key('everywhere', 'ctrl+z', 'stop', 'suspend', 'stop JARVIS as a shell does; fg brings it back'),
	key('everywhere', 'esc', 'back', 'back', 'drop the filter or the draft, or go back'),
	key('everywhere', '?', 'openHelp', 'help', 'all keys', {footer: true}),
	key('everywhere', 'q ctrl+c', 'quit', 'quit', 'leave JARVIS', {footer: true}),
];

/** What the scopes are called, in the order in which help lists them. */
export const scopeTitles: Readonly<Record<Scope, string>> = {
	agents: 'Agents',
	profiles: 'Profiles',
	order: 'Order',
	health: 'Health',
	doctor: 'Doctor',
	onboard: 'Wizard',
	login: 'Login',
	sessions: 'Sessions',
	import: 'Import',
	log: 'Log',
	broker: 'Broker',
	list: 'In every list',
	everywhere: 'Everywhere',
	help: 'Help',
	filter: 'While filtering',
	command: 'While typing a command',
	field: 'In a field',
	owner: 'While choosing who refreshes a login',
	confirm: 'In a question',
};

const dialogScopes = {confirm: 'confirm', field: 'field', import: 'owner'} as const;

/** The scopes whose keys work in a state, the innermost first. */
export function activeScopes(state: UiState): readonly Scope[] {
	if (state.dialog) return [dialogScopes[state.dialog.kind]];
	if (state.filtering) return ['filter'];
	if (state.commandLine) return ['command'];
	const own: readonly Scope[] = state.screen === 'onboard' ? ['onboard'] : [];
	if (showsLogin(state)) {
		if (hasField(state)) return ['login'];
		return state.login.stage === 'running'
			? [...own, 'login', 'everywhere']
			: ['login', ...own, 'list', 'everywhere'];
	}
	if (own.length > 0 && onboarded(state)) return ['onboard', 'everywhere'];
	return state.screen === 'help' ? ['help', 'everywhere'] : [state.screen, 'list', 'everywhere'];
}

/** The binding that a chord means in a state. */
export function bindingFor(state: UiState, chord: string): KeyBinding | undefined {
	for (const scope of activeScopes(state)) {
		const binding = keymap.find(
			candidate =>
				candidate.scope === scope && candidate.keys.includes(chord) && (candidate.when?.(state) ?? true),
		);
		if (binding) return binding;
	}
	// However deep in a question one is, this leaves.
	return chord === 'ctrl+c' ? keymap.find(binding => binding.action === 'quit') : undefined;
}

/** The bindings that the footer shows in a state, most needed first. */
export function footerBindings(state: UiState): readonly KeyBinding[] {
	return activeScopes(state).flatMap(scope =>
		keymap.filter(
			binding =>
				binding.scope === scope && binding.footer && bindingFor(state, binding.keys[0] ?? '') === binding,
		),
	);
}

const keyNames: Readonly<Record<string, string>> = {
	...{up: '↑', down: '↓', left: '←', right: '→', enter: '⏎', pageup: 'PgUp', pagedown: 'PgDn'},
	...{'shift+up': '⇧↑', 'shift+down': '⇧↓', 'shift+tab': '⇧Tab', tab: 'Tab', esc: 'Esc', space: 'Space'},
	...{home: 'Home', end: 'End', 'ctrl+c': '^C', 'ctrl+d': '^D', 'ctrl+u': '^U', 'ctrl+z': '^Z'},
};

/** A chord as it is shown. */
export function keyName(chord: string): string {
	return keyNames[chord] ?? chord;
}

/** Whether what is typed goes into a field. */
export function isTyping(state: UiState): boolean {
	return (
		state.dialog?.kind === 'field' ||
		state.filtering ||
		state.commandLine !== undefined ||
		(showsLogin(state) && hasField(state))
	);
}

/** The step of the login that the login screen shows, if one is there. */
export function loginStep(state: UiState) {
	return state.login.stage === 'running' ? state.login.login.state().step : undefined;
}

function hasField(state: UiState): boolean {
	if (state.login.stage !== 'running' || state.login.field === undefined) return false;
	return ['waiting', 'asking'].includes(loginStep(state) ?? '');
}
