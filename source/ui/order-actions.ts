import {runTask, say, type UiContext} from './context.ts';
import {emptyText} from './edited-text.ts';
import {orderProviders, orderRows, selected, shownAgent, shownDraft, shownOrder} from './rows.ts';
import {patch} from './state.ts';

// A draft begins as the order that is in force, so that the first move changes one place and nothing else.
function move(context: UiContext, by: 1 | -1): void {
	const {store} = context;
	const state = store.getState();
	const agent = shownAgent(state);
	const order = shownOrder(state);
	const row = selected(state, 'order', orderRows(state));
	if (!agent || !order || !row) return;
	const stored = orderRows({...state, filter: emptyText}).filter(
		place => place.facts?.provider === order.provider,
	);
	const ids = [...(shownDraft(state)?.ids ?? order.explicit ?? stored.map(place => place.profileId))].filter(
		id => stored.some(place => place.profileId === id),
	);
	const from = ids.indexOf(row.profileId);
	if (from < 0) ids.push(row.profileId);
	else {
		const to = from + by;
		if (to < 0 || to >= ids.length) return;
		[ids[from], ids[to]] = [ids[to] ?? '', ids[from] ?? ''];
	}
	const draft = {agentId: agent.id, provider: order.provider, ids};
	const index = ids.indexOf(row.profileId);
	patch(store, {draft, cursors: {...state.cursors, order: {id: row.profileId, index}}});
}

function turnProvider({store}: UiContext, by: 1 | -1): void {
	const {all, shown} = orderProviders(store.getState());
	const next = all[(all.indexOf(shown ?? '') + by + all.length) % all.length];
	if (next) patch(store, {orderProvider: next, draft: undefined});
}

export const orderActions = {
	moveUp: (context: UiContext) => move(context, -1),
	moveDown: (context: UiContext) => move(context, 1),
	nextProvider: (context: UiContext) => turnProvider(context, 1),
	previousProvider: (context: UiContext) => turnProvider(context, -1),

	saveOrder(context: UiContext) {
		const draft = shownDraft(context.store.getState());
		if (!draft) return say(context, 'attention', 'Nothing to save: move a profile with K and J first.');
		void runTask(context, 'save order', 'saving the order', async () => {
			await context.jarvis.setOrder(draft.agentId, draft.provider, draft.ids);
			await context.host.reload();
			patch(context.store, {draft: undefined});
			return `Saved the order of ${draft.provider}.`;
		});
	},

	clearOrder(context: UiContext) {
		const {store, jarvis, host} = context;
		const state = store.getState();
		const agent = shownAgent(state);
		const {shown: provider} = orderProviders(state);
		if (!agent || !provider) return;
		if (shownDraft(state)) return patch(store, {draft: undefined});
		if (!agent.order.has(provider))
			return say(context, 'attention', `${agent.id} has no order of its own for ${provider}.`);
		patch(store, {
			dialog: {
				kind: 'confirm',
				title: `Clear the order of ${provider}?`,
				lines: ['Its profiles are then tried OAuth first, the least recently used before the others.'],
				confirm() {
					void runTask(context, 'clear order', 'clearing the order', async () => {
						await jarvis.setOrder(agent.id, provider, undefined);
						await host.reload();
						return `${agent.id} has no order of its own for ${provider} any more.`;
					});
				},
			},
		});
	},
};
