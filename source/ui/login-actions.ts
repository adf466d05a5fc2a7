import type {LoginState} from '../auth/login/contract.ts';
import {freeSecretId, idNamed, sameKind} from '../auth/onboarding.ts';
import type {MethodName} from '../auth/providers/contract.ts';
import {asJarvisError} from '../errors.ts';
import {qrLines} from '../qr-code.ts';
import {runTask, say, type UiContext} from './context.ts';
import {copyAndSay} from './copy.ts';
import {emptyText, insert, textAtEnd} from './edited-text.ts';
import {callbackWays} from './login-ways.ts';
import {openScreen} from './navigation-actions.ts';
import {profileIdFault} from './profile-id-fault.ts';
import {accountRows, beside, methodsOf, providerRows, selected, shownAgent} from './rows.ts';
import {type LoginView, patch, type UiStore} from './state.ts';

type Running = Extract<LoginView, {stage: 'running'}>;

/** Starts a login and shows it. What is under way is cancelled. */
export function beginLogin(context: UiContext, request: Running['request']): void {
	const {store, jarvis, host} = context;
	const {login: shown, surroundings, screen, snapshot} = store.getState();
	if (shown.stage === 'running') shown.login.cancel();
	openScreen(context, screen === 'onboard' ? 'onboard' : 'login');
	const {profiles = []} = snapshot.agents.find(({id}) => id === request.agentId) ?? {};
	const before = profiles.map(({profileId}) => profileId);
	void runTask(context, 'begin login', 'preparing the login', async () => {
		const login = await jarvis.startLogin({
			...request,
			noBrowser: !surroundings.browser,
			offersShortUrl: surroundings.forward !== undefined,
		});
		patch(store, {login: {stage: 'running', login, request, before, changes: 0}});
		// A question has its field from the start; what was typed into one is of no other.
		let asked: LoginState | undefined;
		const notice = () => {
			const state = login.state();
			const question = state.step === 'asking' ? state : undefined;
			update(store, login, ({changes}) => ({
				changes: changes + 1,
				...(question !== undefined && question !== asked ? {field: emptyText} : {}),
			}));
			asked = question;
		};
		login.subscribe(notice);
		notice();
		void login.finished.then(async outcome => {
			update(store, login, ({changes}) => ({changes: changes + 1}));
			if (outcome.step !== 'done') return;
			await host.reload();
			const {kind = 'oauth', profileId, agentId} = outcome.result;
			const what = kind === 'oauth' ? 'Logged in' : 'Stored';
			say(context, 'good', `${what}: ${profileId} of the agent ${agentId}.`);
		});
		return undefined;
	});
}

/** Hands a pasted text to the login that waits. A refused one is told, and the login goes on waiting. */
export function pasteIntoLogin({store}: UiContext, text: string): void {
	const {login: shown} = store.getState();
	if (shown.stage !== 'running') return;
	const {login} = shown;
	// The answer to a question stays in its field until it is taken.
	const isQuestion = login.state().step === 'asking';
	const close = ({field, note: _, ...rest}: Running): Running =>
		isQuestion && field ? {...rest, field} : rest;
	update(store, login, () => ({}), close);
	login.paste(text).then(
		note => update(store, login, () => (note ? {note} : {})),
		error => {
			const {message, next} = asJarvisError(error);
			update(store, login, () => ({note: `${message} ${next}`}));
		},
	);
}

/** Opens the paste field with a text in it, for the person to look at and to send. */
export function openPasteField({store}: Pick<UiContext, 'store'>, text: string): void {
	const {login} = store.getState();
	if (login.stage !== 'running') return;
	const note = text === '' ? {} : {note: 'Is this the code? Enter sends it.'};
	const {note: _, ...rest} = login;
	patch(store, {login: {...rest, ...note, field: insert(emptyText, text)}});
}

// Only the login that is shown: one that was left meanwhile has no say any more.
function update(
	store: UiStore,
	login: Running['login'],
	change: (view: Running) => Partial<Running>,
	reduce: (view: Running) => Running = view => view,
): void {
	const {login: view} = store.getState();
	if (view.stage !== 'running' || view.login !== login) return;
	patch(store, {login: {...reduce(view), ...change(view)}});
}

function withRunning(act: (context: UiContext, view: Running) => void): (context: UiContext) => void {
	return context => {
		const {login} = context.store.getState();
		if (login.stage === 'running') act(context, login);
	};
}

function withLink(act: (context: UiContext, url: string) => void): (context: UiContext) => void {
	return withRunning((context, {login}) => {
		const state = login.state();
		if (state.step === 'waiting') act(context, state.url);
		if (state.step === 'device') act(context, state.verificationUriComplete ?? state.verificationUri);
	});
}

export const loginActions = {
	chooseProvider(context: UiContext) {
		const state = context.store.getState();
		const provider = selected(state, 'login', providerRows(state));
		if (state.login.stage !== 'choosing' || !provider) return;
		const [method, ...others] = methodsOf(state, provider.id);
		if (others.length === 0) chooseAccountOf(context, provider.id, method?.name);
		else goTo(context, {stage: 'methods', providerId: provider.id});
	},

	chooseMethod(context: UiContext) {
		const state = context.store.getState();
		if (state.login.stage !== 'methods') return;
		const {providerId} = state.login;
		const rows = methodsOf(state, providerId).map(({name}) => ({id: name}));
		chooseAccountOf(context, providerId, selected(state, 'login', rows)?.id);
	},

	chooseAccount(context: UiContext) {
		const state = context.store.getState();
		const agent = shownAgent(state);
		const row = selected(state, 'login', accountRows(state));
		if (state.login.stage !== 'accounts' || !agent || !row) return;
		const {providerId, method} = state.login;
		const begin = (profileId: string) =>
			beginLogin(context, {providerId, agentId: agent.id, method, profileId});
		if (row.id !== beside) return begin(row.id);
		const free = freeSecretId(agent.profiles, providerId, method);
		patch(context.store, {
			dialog: {
				kind: 'field',
				title: 'Under which name?',
				lines: [`Its id is ${providerId}: and the name.`],
				field: textAtEnd(free.slice(providerId.length + 1)),
				danger: false,
				check: typed =>
					profileIdFault(context.store.getState(), agent.id, providerId, idNamed(providerId, typed)),
				submit: typed => begin(idNamed(providerId, typed)),
			},
		});
	},

	openPaste: (context: UiContext) => openPasteField(context, ''),
	closePaste: withRunning(({store}, {field: _, ...view}) => patch(store, {login: view})),
	submitPaste: withRunning((context, {field}) => pasteIntoLogin(context, field?.text ?? '')),

	copyLink: withLink((context, url) => void copyAndSay(context, url, 'login link')),
	openBrowser: withLink((context, url) => {
		void runTask(context, 'browser', 'opening a browser', async () => {
			await context.host.openBrowser(url);
			return 'A browser was asked to open the link.';
		});
	}),
	printLink: withLink((context, url) => {
		const state = context.store.getState();
		const shown = state.login.stage === 'running' ? state.login.login.state() : undefined;
		const ways = shown?.step === 'waiting' ? callbackWays(state, shown) : [];
		void context.host.showPlain([url, ...(ways.length > 0 ? ['', ...ways] : [])].join('\n'));
	}),
	showQrCode: withLink((context, url) => {
		void qrLines(url).then(
			lines => context.host.showPlain(`${lines.join('\n')}\n${url}`),
			() => say(context, 'attention', 'The link is too long for a QR code: y copies it, u shows it alone.'),
		);
	}),
	copyCode: withRunning((context, {login}) => {
		const state = login.state();
		if (state.step === 'device') void copyAndSay(context, state.userCode, 'code');
	}),

	cancelLogin: withRunning((_context, {login}) => login.cancel()),
	retryLogin: withRunning((context, {request}) => beginLogin(context, request)),
	/** A step back in the choice. */
	chooseAnother(context: UiContext) {
		const state = context.store.getState();
		const {login} = state;
		if (login.stage === 'accounts' && methodsOf(state, login.providerId).length > 1)
			return goTo(context, {stage: 'methods', providerId: login.providerId}, login.method);
		const from = login.stage === 'running' ? login.request.providerId : undefined;
		goTo(context, {stage: 'choosing'}, 'providerId' in login ? login.providerId : from);
	},
};

/** Goes to a step of the choice, with the cursor on a row of it. A filter has done its work then. */
function goTo({store}: UiContext, login: LoginView, at?: string): void {
	const {login: _, ...others} = store.getState().cursors;
	const cursor = at === undefined ? {} : {login: {id: at, index: 0}};
	patch(store, {login, filter: emptyText, cursors: {...others, ...cursor}});
}

// A pasted secret takes the place of one of its kind: not before its owner says so.
function chooseAccountOf(context: UiContext, providerId: string, method: MethodName | undefined): void {
	const agent = shownAgent(context.store.getState());
	if (!agent) return;
	if (method && sameKind(agent.profiles, providerId, method).length > 0)
		return goTo(context, {stage: 'accounts', providerId, method});
	patch(context.store, {filter: emptyText});
	beginLogin(context, {providerId, agentId: agent.id, ...(method ? {method} : {})});
}
