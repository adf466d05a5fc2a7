import {asJarvisError} from '../errors.ts';
import {qrLines} from '../qr-code.ts';
import {runTask, say, type UiContext} from './context.ts';
import {copyAndSay} from './copy.ts';
import {emptyText, insert} from './edited-text.ts';
import {openScreen} from './navigation-actions.ts';
import {methodsOf, providerRows, shownAgent} from './rows.ts';
import {type LoginView, patch, type UiStore} from './state.ts';

type Running = Extract<LoginView, {stage: 'running'}>;

/** Starts a login and shows it. What is under way is cancelled. */
export function beginLogin(context: UiContext, request: Running['request']): void {
	const {store, jarvis, host} = context;
	const {login: shown, surroundings} = store.getState();
	if (shown.stage === 'running') shown.login.cancel();
	openScreen(context, 'login');
	void runTask(context, 'begin login', 'preparing the login', async () => {
		const login = await jarvis.startLogin({
			...request,
			noBrowser: !surroundings.browser,
			offersShortUrl: surroundings.forward !== undefined,
		});
		patch(store, {login: {stage: 'running', login, request, changes: 0}});
		// A question has its field from the start; what was typed into one is of no other.
		let asked: string | undefined;
		const notice = () => {
			const state = login.state();
			const question = state.step === 'asking' ? state.message : undefined;
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
		if (state.login.stage !== 'choosing') return;
		const provider = providerRows(state)[state.login.index];
		const agent = shownAgent(state);
		if (!provider || !agent) return;
		const [method, ...others] = methodsOf(state, provider.id);
		if (others.length === 0) {
			return beginLogin(context, {
				providerId: provider.id,
				agentId: agent.id,
				...(method ? {method: method.name} : {}),
			});
		}
		const from = state.login.index;
		patch(context.store, {login: {stage: 'methods', providerId: provider.id, index: 0, from}});
	},

	chooseMethod(context: UiContext) {
		const state = context.store.getState();
		const agent = shownAgent(state);
		if (state.login.stage !== 'methods' || !agent) return;
		const {providerId, index} = state.login;
		const method = methodsOf(state, providerId)[index];
		if (method) beginLogin(context, {providerId, agentId: agent.id, method: method.name});
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
	printLink: withLink((context, url) => void context.host.showPlain(url)),
	showQrCode: withLink((context, url) => {
		void qrLines(url).then(lines => context.host.showPlain(`${lines.join('\n')}\n${url}`));
	}),
	copyCode: withRunning((context, {login}) => {
		const state = login.state();
		if (state.step === 'device') void copyAndSay(context, state.userCode, 'code');
	}),

	cancelLogin: withRunning((_context, {login}) => login.cancel()),
	retryLogin: withRunning((context, {request}) => beginLogin(context, request)),
	chooseAnother({store}: UiContext) {
		const {login} = store.getState();
		patch(store, {login: {stage: 'choosing', index: login.stage === 'methods' ? login.from : 0}});
	},
};
