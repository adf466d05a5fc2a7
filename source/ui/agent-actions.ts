import {bindingsNaming} from '../store/binding-edits.ts';
import {isAgentId} from '../store/paths.ts';
import {deletedAgent} from '../words.ts';
import {runTask, say, type UiContext} from './context.ts';
import {emptyText} from './edited-text.ts';
import {openScreen} from './navigation-actions.ts';
import {agentRows, selected} from './rows.ts';
import {patch} from './state.ts';

function selectedAgent({store}: UiContext) {
	const state = store.getState();
	return selected(state, 'agents', agentRows(state))?.agent;
}

/** Asks for the id of a new agent, and adds it. */
export function askForAgent(context: UiContext, then: (agentId: string) => void): void {
	const {store, jarvis, host} = context;
	patch(store, {
		dialog: {
			kind: 'field',
			title: 'Add an agent',
			lines: ['It begins without credentials, and shares none with the others.'],
			placeholder: 'work',
			field: emptyText,
			danger: false,
			check(id) {
				if (!isAgentId(id)) return 'Use lower-case letters, digits, "-" and "_".';
				const taken = store.getState().snapshot.agents.some(agent => agent.id === id);
				return taken ? 'There is an agent of that id already.' : undefined;
			},
			submit(id) {
				void runTask(context, 'add agent', `adding ${id}`, async () => {
					await jarvis.addAgent({id});
					await host.reload();
					then(id);
					return undefined;
				});
			},
		},
	});
}

export const agentActions = {
	openAgent(context: UiContext) {
		const agent = selectedAgent(context);
		if (!agent) return;
		patch(context.store, {agentId: agent.id, draft: undefined});
		openScreen(context, 'profiles');
	},

	loginAgent(context: UiContext) {
		const agent = selectedAgent(context);
		if (!agent) return;
		patch(context.store, {agentId: agent.id, draft: undefined});
		openScreen(context, 'login');
	},

	addAgent(context: UiContext) {
		const {store} = context;
		askForAgent(context, id => {
			const index = store.getState().snapshot.agents.findIndex(agent => agent.id === id);
			patch(store, {cursors: {...store.getState().cursors, agents: {id, index}}});
			say(context, 'good', `Added the agent ${id}. Press l to log an account in for it.`);
		});
	},

	setDefault(context: UiContext) {
		const agent = selectedAgent(context);
		if (!agent) return;
		if (agent.isDefault) return say(context, 'attention', `${agent.id} is the default agent already.`);
		void runTask(context, 'set default', `making ${agent.id} the default`, async () => {
			await context.jarvis.setDefaultAgent(agent.id);
			await context.host.reload();
			return `${agent.id} is the default agent now.`;
		});
	},

	deleteAgent(context: UiContext) {
		const {store, jarvis, host} = context;
		const agent = selectedAgent(context);
		if (!agent) return;
		if (agent.id === 'main')
			return say(context, 'attention', 'The main agent stays. Remove its profiles one by one.');
		if (agent.isDefault) return say(context, 'attention', 'Make another agent the default first.');
		const {id} = agent;
		const many = agent.profiles.length === 1 ? '1 profile' : `${agent.profiles.length} profiles`;
		const bindings = bindingsNaming(store.getState().snapshot.config, id).length;
		const bound = bindings === 0 ? [] : [`So do its bindings (${bindings}).`];
		patch(store, {
			dialog: {
				kind: 'field',
				title: `Delete the agent ${id}`,
				lines: [`Its folder goes, with ${many} and its sessions.`, ...bound, `Type ${id} to do it:`],
				field: emptyText,
				danger: true,
				check: typed => (typed === id ? undefined : `That is not ${id}. Nothing was deleted.`),
				submit() {
					void runTask(context, 'delete agent', `deleting ${id}`, async () => {
						const bindings = await jarvis.deleteAgent(id);
						await host.reload();
						return deletedAgent(id, bindings);
					});
				},
			},
		});
	},
};
