import type {ImportHow} from '../auth/import/judge.ts';
import {importHowWords} from '../words.ts';
import {runTask, say, type UiContext} from './context.ts';
import {copyCommand} from './copy.ts';
import {importRows, selected, shownAgent} from './rows.ts';
import {patch} from './state.ts';

function selectedLogin({store}: UiContext) {
	const state = store.getState();
	return selected(state, 'import', importRows(state));
}

const nothing = 'There is no login here. Press r to look again.';

function take(how: ImportHow): (context: UiContext) => void {
	return context => {
		const {store, jarvis, host} = context;
		const {dialog} = store.getState();
		if (dialog?.kind !== 'import') return;
		patch(store, {dialog: undefined});
		const {agentId, login} = dialog;
		void runTask(context, 'import', `taking ${login.id} over`, async () => {
			const {profileId, note} = await jarvis.importLogin({agentId, id: login.id, how});
			await host.reload();
			return `${how === 'adopt' ? 'Adopted' : 'Linked'}: ${profileId} of the agent ${agentId}. ${note}`;
		});
	};
}

export const importActions = {
	takeLogin(context: UiContext) {
		const login = selectedLogin(context);
		const agent = shownAgent(context.store.getState());
		if (!login || !agent) return say(context, 'attention', nothing);
		const {adopt, link} = login.refusals;
		if (adopt !== undefined && link !== undefined) {
			const why = adopt === link ? `${adopt}.` : `It cannot be adopted: ${adopt}. Nor linked: ${link}.`;
			return say(context, 'attention', `${login.label}: ${why}`);
		}
		const ways = (['adopt', 'link'] as const).map(how => {
			const refusal = login.refusals[how];
			return refusal === undefined
				? importHowWords(how, login).join(' ')
				: `It cannot be ${how}ed: ${refusal}.`;
		});
		patch(context.store, {
			dialog: {
				kind: 'import',
				title: `Who refreshes this login of ${login.label}?`,
				lines: ways,
				agentId: agent.id,
				login,
			},
		});
	},

	adoptLogin: take('adopt'),
	linkLogin: take('link'),

	// A new snapshot has them looked for.
	lookAgain(context: UiContext) {
		void runTask(context, 'look again', 'looking', async () => {
			await context.host.reload();
			return undefined;
		});
	},

	copyImport(context: UiContext) {
		const login = selectedLogin(context);
		const agent = shownAgent(context.store.getState());
		if (!login || !agent) return say(context, 'attention', nothing);
		const how = login.refusals.adopt === undefined ? 'adopt' : 'link';
		const words = [
			'jarvis',
			'import',
			login.id,
			`--${how}`,
			...(agent.isDefault ? [] : ['--agent', agent.id]),
		];
		void copyCommand(context, words.join(' '));
	},
};
