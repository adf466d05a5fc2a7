import {runTask, say, type UiContext} from './context.ts';
import {copyCommand} from './copy.ts';
import {openScreen} from './navigation-actions.ts';
import {doctorRows, selected} from './rows.ts';
import {type FindingRow, patch} from './state.ts';

async function look({store, jarvis}: Pick<UiContext, 'store' | 'jarvis'>): Promise<void> {
	const found = await jarvis.doctor();
	const findings = found.map((finding, index): FindingRow => {
		const earlier = found
			.slice(0, index)
			.filter(({id, where}) => id === finding.id && where === finding.where);
		return {id: `${finding.id} ${finding.where} ${earlier.length}`, finding};
	});
	patch(store, {findings});
}

function examineAgain(context: UiContext): void {
	void runTask(context, 'doctor', 'looking for what is wrong', async () => {
		await look(context);
		return undefined;
	});
}

// Every key of a finding says why it does nothing where there is none.
function withFinding(act: (context: UiContext, row: FindingRow) => void): (context: UiContext) => void {
	return context => {
		const state = context.store.getState();
		const row = selected(state, 'doctor', doctorRows(state));
		if (row) act(context, row);
		else say(context, 'attention', 'There is no finding here.');
	};
}

export const doctorActions = {
	openDoctor(context: UiContext) {
		openScreen(context, 'doctor');
		examineAgain(context);
	},

	examineAgain,

	copyNext: withFinding((context, {finding}) => {
		void copyCommand(context, finding.next);
	}),

	mendFinding: withFinding((context, {finding}) => {
		const {mend, where, what, next} = finding;
		if (!mend) return say(context, 'attention', `That is for you to do: ${next}`);
		patch(context.store, {
			dialog: {
				kind: 'confirm',
				title: `Shall JARVIS ${mend.what}?`,
				lines: [where, what],
				confirm() {
					void runTask(context, 'doctor', `mending ${finding.id}`, async () => {
						await context.jarvis.mend(finding);
						await look(context);
						await context.host.reload();
						return 'Mended.';
					});
				},
			},
		});
	}),
};
