import {renderToString} from 'ink';
import {createElement} from 'react';
import stringWidth from 'string-width';
import {describe, expect, it, test} from 'vitest';
import {Footer} from '../source/components/footer.tsx';
import {JarvisError} from '../source/errors.ts';
import {
	activeScopes,
	bindingFor,
	footerBindings,
	isTyping,
	type KeyBinding,
	keymap,
	keyName,
	scopeTitles,
} from '../source/keymap.ts';
import {agentActions} from '../source/ui/agent-actions.ts';
import {brokerActions} from '../source/ui/broker-actions.ts';
import {doctorActions} from '../source/ui/doctor-actions.ts';
import {emptyText, textAtEnd} from '../source/ui/edited-text.ts';
import {helpLines} from '../source/ui/help-text.ts';
import {importActions} from '../source/ui/import-actions.ts';
import {loginActions} from '../source/ui/login-actions.ts';
import {navigationActions} from '../source/ui/navigation-actions.ts';
import {onboardingActions} from '../source/ui/onboarding-actions.ts';
import {orderActions} from '../source/ui/order-actions.ts';
import {profileActions} from '../source/ui/profile-actions.ts';
import {sessionActions} from '../source/ui/session-actions.ts';
import type {Dialog, LoginView, OnboardingView, ScreenId, UiState} from '../source/ui/state.ts';
import {apiKey, minute, noon} from './screens/state.ts';
import {askingLogin, deviceLogin, stateOf, viewOf, waitingLogin} from './ui/state-of.ts';

const confirmDialog: Dialog = {kind: 'confirm', title: 'Sure?', lines: [], confirm: () => {}};
const fieldDialog: Dialog = {
	...{kind: 'field', title: 'Name?', lines: [], field: emptyText, danger: false},
	...{check: () => undefined, submit: () => {}},
};

const importDialog: Dialog = {
	...{kind: 'import', title: 'Who?', lines: [], agentId: 'main'},
	login: {
		...{
			id: 'codex:tokens',
			program: 'codex',
			label: 'Codex CLI',
			file: '/x/auth.json',
			provider: 'openai-codex',
		},
		...{kind: 'oauth', state: 'new', profileId: 'openai-codex:default', refusals: {}, afterAdopting: ''},
	},
};

const logins: Readonly<Record<string, LoginView>> = {
	choosing: {stage: 'choosing'},
	'whose method is chosen': {stage: 'methods', providerId: 'acme'},
	'whose account is chosen': {stage: 'accounts', providerId: 'acme', method: 'api_key'},
	preparing: viewOf({step: 'preparing'}),
	waiting: viewOf(waitingLogin),
	typing: viewOf(waitingLogin, {field: textAtEnd('http')}),
	exchanging: viewOf({step: 'exchanging'}),
	'that shows a code': viewOf(deviceLogin),
	'that asks': viewOf(askingLogin, {field: emptyText}),
	done: viewOf({step: 'done', result: {profileId: 'acme:a', provider: 'acme', agentId: 'main'}}),
	failed: viewOf({step: 'failed', error: new JarvisError('login_denied', 'It was denied.', 'Try again.')}),
	cancelled: viewOf({step: 'cancelled'}),
};

const screens: readonly ScreenId[] = [
	...(['agents', 'profiles', 'order', 'health', 'sessions', 'import', 'log', 'broker'] as const),
	...(['doctor', 'help'] as const),
];

/** A profile that is set aside after failures. */
const aside = {
	profiles: {'acme:a': apiKey('acme')},
	usage: {'acme:a': {cooldownUntil: noon + minute}},
};

const result = {profileId: 'acme:a', provider: 'acme', agentId: 'main'};

/** Every stage of onboarding. */
const onboardings: readonly OnboardingView[] = [
	{stage: 'agent'},
	{stage: 'login'},
	...(['name', 'order', 'done'] as const).map(stage => ({stage, result})),
];

const typedCommand = {agentId: 'main', key: 'chat:42', field: textAtEnd('/model')} as const;

/** Every kind of state that the keymap tells apart, by name. */
const states: readonly (readonly [string, UiState])[] = [
	...screens.map(screen => [`the ${screen} screen`, stateOf({main: {}}, {screen})] as const),
	...Object.entries(logins).map(
		([name, login]) => [`a login ${name}`, stateOf({main: {}}, {screen: 'login', login})] as const,
	),
	...Object.entries(logins).map(
		([name, login]) =>
			[
				`the wizard with a login ${name}`,
				stateOf({main: {}}, {screen: 'onboard', onboarding: {stage: 'login'}, login}),
			] as const,
	),
	...onboardings.map(
		onboarding =>
			[`the wizard at ${onboarding.stage}`, stateOf({main: aside}, {screen: 'onboard', onboarding})] as const,
	),
	...(['profiles', 'order', 'health'] as const).map(
		screen =>
			[`the ${screen} screen over a profile that is set aside`, stateOf({main: aside}, {screen})] as const,
	),
	['a slash command', stateOf({main: {}}, {screen: 'sessions', commandLine: typedCommand})],
	['a filter', stateOf({main: {}}, {screen: 'health', filtering: true})],
	['a question', stateOf({main: {}}, {screen: 'order', dialog: confirmDialog})],
	['a choice of who refreshes', stateOf({main: {}}, {screen: 'import', dialog: importDialog})],
	['a question with a field', stateOf({main: {}}, {screen: 'agents', dialog: fieldDialog})],
];

const actions = [
	...[navigationActions, agentActions, profileActions],
	...[orderActions, loginActions, sessionActions, importActions, onboardingActions],
	...[brokerActions, doctorActions],
].flatMap(group => Object.keys(group));

/** The chords that one scope gives two meanings in a state. */
function conflicts(state: UiState): string[] {
	return activeScopes(state).flatMap(scope => {
		const chords = keymap
			.filter(binding => binding.scope === scope && (binding.when?.(state) ?? true))
			.flatMap(binding => binding.keys);
		return chords
			.filter((chord, index) => chords.indexOf(chord) !== index)
			.map(chord => `${scope}: ${chord}`);
	});
}

/** The keys of the footer that do something else than it says. */
function untrue(state: UiState): string[] {
	return footerBindings(state)
		.filter(binding => bindingFor(state, binding.keys[0] ?? '') !== binding)
		.map(binding => `${keyName(binding.keys[0] ?? '')} ${binding.label}`);
}

function footerAt(state: UiState, columns: number): string {
	const sized = {...state, size: {columns, rows: 24}};
	return (
		renderToString(createElement(Footer, {state: sized}), {columns})
			.split('\n')
			.at(-1) ?? ''
	);
}

describe.each(states)('in %s', (name, state) => {
	test('no key means two things', () => {
		expect(conflicts(state)).toEqual([]);
	});

	test('ctrl+c leaves', () => {
		expect(bindingFor(state, 'ctrl+c')?.action).toBe('quit');
	});

	// Help has q and ? for itself, but its footer shows what they mean everywhere else.
	const check = name === 'the help screen' ? it : it;
	check('the keys of the footer do what it says', () => {
		expect(untrue(state)).toEqual([]);
	});

	test('the footer fits 60 columns, and shows help and how to leave wherever they work', () => {
		const footer = footerAt(state, 60);
		expect(stringWidth(footer)).toBeLessThanOrEqual(60);
		expect(footer.trim()).not.toBe('');
		if (bindingFor(state, '?')?.action === 'openHelp') expect(footer).toContain('? help');
		if (bindingFor(state, 'q')?.action === 'quit') expect(footer).toContain('q quit');
	});

	test('the footer shows every key that it is to show where there is room', () => {
		const footer = footerAt(state, 300);
		for (const binding of footerBindings(state)) {
			expect(footer).toContain(`${keyName(binding.keys[0] ?? '')} ${binding.label}`);
		}
	});
});

// A field stays open when the browser ends the login meanwhile: nobody sees it, and it takes every key.
it('a login that ended while an address was typed takes keys as one that ended', () => {
	const view = logins.done;
	if (view?.stage !== 'running') throw new Error('The login is under way.');
	const login = {...view, field: textAtEnd('http')};
	const state = stateOf({main: {}}, {screen: 'login', login});
	expect(isTyping(state)).toBe(false);
	expect(conflicts(state)).toEqual([]);
	expect(bindingFor(state, 'q')?.action).toBe('quit');
});

test('while something is typed, letters are no commands', () => {
	for (const [, state] of states.filter(([, one]) => isTyping(one))) {
		for (const chord of ['q', 'd', 'D', '1', '?', 'space', 'j'])
			expect(bindingFor(state, chord)).toBeUndefined();
	}
});

test('a question takes every key for itself', () => {
	const state = stateOf({main: {}}, {screen: 'profiles', dialog: confirmDialog});
	expect(bindingFor(state, 'D')).toBeUndefined();
	expect(bindingFor(state, 'j')).toBeUndefined();
	expect(bindingFor(state, 'q')?.action).toBe('dismiss');
});

test('there is a key for every action, and an action for every key', () => {
	expect(new Set(keymap.map(binding => binding.action))).toEqual(new Set(actions));
	expect(new Set(actions).size).toBe(actions.length);
});

test('every key works in some state', () => {
	const working = new Set(
		states.flatMap(([, state]) => keymap.flatMap(({keys}) => keys).map(chord => bindingFor(state, chord))),
	);
	const idle = keymap.filter(binding => !working.has(binding));
	expect(idle.map(describeKey)).toEqual([]);
});

test('a scope has a title, and every title a scope', () => {
	expect(new Set(keymap.map(binding => binding.scope))).toEqual(new Set(Object.keys(scopeTitles)));
});

test('the labels of the footer have at most a dozen characters', () => {
	const long = keymap.filter(({footer, label}) => footer && stringWidth(label) > 12);
	expect(long.map(describeKey)).toEqual([]);
	for (const {label} of keymap) expect(label).toMatch(/^\S.*\S$/);
});

// "previous agent" and "previous screen" are longer; the footer shows neither.
it('all labels have at most a dozen characters', () => {
	expect(keymap.filter(({label}) => stringWidth(label) > 12).map(describeKey)).toEqual([]);
});

describe('the help text', () => {
	const lines = helpLines({previous: 'agents', size: {columns: 100, rows: 30}});

	test('of a key is one line that fits 80 columns', () => {
		for (const {help} of keymap) {
			expect(help).not.toMatch(/\n/);
			expect(14 + stringWidth(help)).toBeLessThanOrEqual(80);
		}
	});

	test('names every key of every scope, under its title', () => {
		for (const binding of keymap) {
			const from = lines.findIndex(line => line.title === scopeTitles[binding.scope]);
			const rest = lines.slice(from + 1);
			const until = rest.findIndex(line => line.title !== undefined);
			const section = until < 0 ? rest : rest.slice(0, until);
			const line = section.find(
				one => one.text === binding.help && one.keys === binding.keys.map(keyName).join(' '),
			);
			expect(line, describeKey(binding)).toBeDefined();
		}
	});

	test('leaves a gap between the keys and what they do', () => {
		for (const {keys} of lines) expect(stringWidth(keys ?? '')).toBeLessThan(12);
	});

	// The two ways to cancel a login have the same id, which React complains of, and are listed twice.
	it('has an id of its own for each line', () => {
		const ids = lines.map(line => line.id);
		expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
	});
});

test('no two keys are shown by the same name', () => {
	const chords = [...new Set(keymap.flatMap(({keys}) => keys))];
	const byName = new Map(chords.map(chord => [keyName(chord), chord]));
	for (const chord of chords) expect(byName.get(keyName(chord))).toBe(chord);
});

function describeKey({scope, keys, label}: KeyBinding): string {
	return `${scope}: ${keys.join(' ')} ${label}`;
}
