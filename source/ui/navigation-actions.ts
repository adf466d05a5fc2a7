import {say, type UiContext} from './context.ts';
import {emptyText} from './edited-text.ts';
import {helpLines, helpPage} from './help-text.ts';
import {cursorOf, listOf, rowsOf, shownAgent} from './rows.ts';
import {patch, type ScreenId, screenIds} from './state.ts';
import {turnedOn} from './turn.ts';

/** Shows a screen. A filter is of one screen only. */
export function openScreen({store}: Pick<UiContext, 'store'>, screen: ScreenId): void {
	const state = store.getState();
	if (state.screen === screen) return;
	const previous = state.screen === 'help' ? state.previous : state.screen;
	const isDetour = screen === 'help' || (state.screen === 'help' && screen === state.previous);
	patch(store, {screen, previous, helpOffset: 0, filtering: false, ...(isDetour ? {} : {filter: emptyText})});
}

/** Moves the cursor to a row of the present screen. */
function moveTo({store}: UiContext, find: (index: number, last: number, page: number) => number): void {
	const state = store.getState();
	const list = listOf(state);
	const rows = rowsOf(state, list);
	const last = rows.length - 1;
	const wanted = find(cursorOf(state, list, rows), last, state.page);
	const index = Math.max(0, Math.min(last, wanted));
	const id = rows[index]?.id;
	if (id !== undefined) patch(store, {cursors: {...state.cursors, [list]: {id, index}}});
}

function turn(context: UiContext, by: 1 | -1): void {
	const state = context.store.getState();
	const screen = state.screen === 'help' ? state.previous : state.screen;
	// What is no tab counts as the first.
	const at = Math.max(0, (screenIds as readonly ScreenId[]).indexOf(screen));
	const next = screenIds[(at + by + screenIds.length) % screenIds.length];
	if (next) openScreen(context, next);
}

function turnAgent({store}: UiContext, by: 1 | -1): void {
	const state = store.getState();
	const ids = state.snapshot.agents.map(agent => agent.id);
	const at = ids.indexOf(shownAgent(state)?.id ?? '');
	const agentId = ids[(at + by + ids.length) % ids.length];
	if (agentId) patch(store, {agentId, draft: undefined, answer: undefined});
}

function scroll({store}: UiContext, by: (page: number) => number): void {
	const state = store.getState();
	const page = helpPage(state);
	const last = Math.max(0, helpLines(state).length - page);
	patch(store, {helpOffset: Math.max(0, Math.min(last, state.helpOffset + by(page)))});
}

function back(context: UiContext): void {
	const state = context.store.getState();
	if (state.filter.text !== '') patch(context.store, {filter: emptyText});
	else if (state.draft) {
		patch(context.store, {draft: undefined});
		say(context, 'attention', 'The order that was being made is dropped.');
	} else if (state.answer && state.screen === 'sessions') patch(context.store, {answer: undefined});
	else if (state.screen === 'doctor') openScreen(context, 'health');
	else if (state.screen === 'profiles') openScreen(context, 'agents');
	else if (state.screen === 'order') openScreen(context, 'profiles');
}

export const navigationActions = {
	openAgents: (context: UiContext) => openScreen(context, 'agents'),
	openProfiles: (context: UiContext) => openScreen(context, 'profiles'),
	openOrder: (context: UiContext) => openScreen(context, 'order'),
	openHealth: (context: UiContext) => openScreen(context, 'health'),
	openLogin: (context: UiContext) => openScreen(context, 'login'),
	openSessions: (context: UiContext) => openScreen(context, 'sessions'),
	openBroker: (context: UiContext) => openScreen(context, 'broker'),
	openImport: (context: UiContext) => openScreen(context, 'import'),
	openLog: (context: UiContext) => openScreen(context, 'log'),
	toggleLogDetails: ({store}: UiContext) => patch(store, {logDetails: !store.getState().logDetails}),
	openHelp: (context: UiContext) => openScreen(context, 'help'),
	closeHelp: (context: UiContext) => openScreen(context, context.store.getState().previous),
	nextScreen: (context: UiContext) => turn(context, 1),
	previousScreen: (context: UiContext) => turn(context, -1),
	nextAgent: (context: UiContext) => turnAgent(context, 1),
	previousAgent: (context: UiContext) => turnAgent(context, -1),

	down: (context: UiContext) => moveTo(context, index => index + 1),
	up: (context: UiContext) => moveTo(context, index => index - 1),
	pageDown: (context: UiContext) => moveTo(context, (index, _last, page) => index + page),
	pageUp: (context: UiContext) => moveTo(context, (index, _last, page) => index - page),
	first: (context: UiContext) => moveTo(context, () => 0),
	last: (context: UiContext) => moveTo(context, (_index, last) => last),

	scrollDown: (context: UiContext) => scroll(context, () => 1),
	scrollUp: (context: UiContext) => scroll(context, () => -1),
	scrollPageDown: (context: UiContext) => scroll(context, page => page),
	scrollPageUp: (context: UiContext) => scroll(context, page => -page),

	turnOn: ({store}: UiContext) => patch(store, {turned: turnedOn(store.getState())}),

	openFilter: ({store}: UiContext) => patch(store, {filtering: true}),
	keepFilter: ({store}: UiContext) => patch(store, {filtering: false}),
	clearFilter: ({store}: UiContext) => patch(store, {filtering: false, filter: emptyText}),

	confirm({store}: UiContext) {
		const {dialog} = store.getState();
		patch(store, {dialog: undefined});
		if (dialog?.kind === 'confirm') dialog.confirm();
	},
	submit({store}: UiContext) {
		const {dialog} = store.getState();
		if (dialog?.kind !== 'field') return;
		const fault = dialog.check(dialog.field.text);
		if (fault !== undefined) return patch(store, {dialog: {...dialog, fault}});
		patch(store, {dialog: undefined});
		dialog.submit(dialog.field.text);
	},
	dismiss: ({store}: UiContext) => patch(store, {dialog: undefined}),

	toggleAutoRefresh(context: UiContext) {
		const autoRefresh = !context.store.getState().autoRefresh;
		patch(context.store, {autoRefresh});
		const words = autoRefresh
			? 'Tokens are refreshed when they run out.'
			: 'Tokens are left as they are while you look.';
		say(context, 'good', words);
	},
	back,
	stop: ({host}: UiContext) => void host.stop(),
	quit({store, host}: UiContext) {
		const {draft, dialog} = store.getState();
		// Whoever presses it at the question means it.
		if (!draft || dialog) return host.quit();
		patch(store, {
			dialog: {
				kind: 'confirm',
				title: 'Leave without saving?',
				lines: [`The order of ${draft.provider} that is being made is dropped.`],
				confirm: () => host.quit(),
			},
		});
	},
};
