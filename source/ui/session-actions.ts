import {parseSlashCommand} from '../auth/routing/slash-command.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {assertSessionKey} from '../store/sessions.ts';
import {commandCompletions} from './command-completion.ts';
import {runTask, say, type UiContext} from './context.ts';
import {copyAndSay} from './copy.ts';
import {emptyText, textAtEnd} from './edited-text.ts';
import {selected, sessionRows, shownAgent} from './rows.ts';
import {patch, type UiState} from './state.ts';

const firstWords = '/model ';

function selectedKey(state: UiState): string | undefined {
	return selected(state, 'sessions', sessionRows(state))?.id;
}

function openLine({store}: UiContext, agentId: string, key: string): void {
	patch(store, {commandLine: {agentId, key, field: textAtEnd(firstWords)}});
}

export const sessionActions = {
	openCommand(context: UiContext) {
		const state = context.store.getState();
		const agent = shownAgent(state);
		const key = selectedKey(state);
		if (agent && key !== undefined) openLine(context, agent.id, key);
		else say(context, 'attention', 'There is no session here. Press n to add one.');
	},

	closeCommand: ({store}: UiContext) => patch(store, {commandLine: undefined}),

	completeCommand({store}: UiContext) {
		const state = store.getState();
		const {commandLine} = state;
		if (!commandLine) return;
		const begun = commandLine.begun ?? commandLine.field.text;
		const lines = commandCompletions(state, commandLine.agentId, begun);
		const next = lines[(lines.indexOf(commandLine.field.text) + 1) % lines.length];
		if (next === undefined) return;
		const {fault: _, ...rest} = commandLine;
		patch(store, {commandLine: {...rest, begun, field: textAtEnd(next)}});
	},

	runCommand(context: UiContext) {
		const {store, jarvis, host} = context;
		const {commandLine} = store.getState();
		if (!commandLine) return;
		const {agentId, key, field} = commandLine;
		const line = field.text.trim();
		const parsed = parseSlashCommand(line);
		// What is typed stays, to be mended, also what was typed while the command ran.
		const refuse = ({message, next}: {readonly message: string; readonly next: string}) => {
			const fault = `${message} ${next}`;
			const {commandLine: open} = store.getState();
			if (open?.agentId === agentId && open.key === key) patch(store, {commandLine: {...open, fault}});
			else say(context, 'bad', fault);
		};
		if ('problem' in parsed) return refuse(parsed.problem);
		void runTask(context, 'slash command', line, async () => {
			const lines = await jarvis.sendToSession(agentId, key, line).catch((error: unknown) => {
				refuse(asJarvisError(error));
			});
			// The cursor can stand on a new session once that is known.
			await host.reload();
			if (!lines) return undefined;
			const {cursors, commandLine: open} = store.getState();
			patch(store, {
				answer: {agentId, key, lines},
				...(open === commandLine ? {commandLine: undefined} : {}),
				cursors: {...cursors, sessions: {id: key, index: cursors.sessions?.index ?? 0}},
			});
			return undefined;
		});
	},

	newSession(context: UiContext) {
		const {store} = context;
		const agent = shownAgent(store.getState());
		if (!agent) return;
		patch(store, {
			dialog: {
				kind: 'field',
				title: `A session of ${agent.id}`,
				lines: ['How the program that works in it calls it, for example chat:42.'],
				field: emptyText,
				danger: false,
				check: key => keyFault(store.getState(), agent.id, key),
				submit: key => openLine(context, agent.id, key),
			},
		});
	},

	resetSession(context: UiContext) {
		const {store, jarvis, host} = context;
		const agent = shownAgent(store.getState());
		const key = selectedKey(store.getState());
		if (!agent || key === undefined) return say(context, 'attention', 'There is no session here.');
		patch(store, {
			dialog: {
				kind: 'confirm',
				title: `Begin ${key} anew?`,
				lines: ['It then has no model and no profile of its own. Nothing else of it changes.'],
				confirm() {
					void runTask(context, 'reset session', `resetting ${key}`, async () => {
						const wasThere = await jarvis.resetSession(agent.id, key);
						patch(store, {answer: undefined});
						await host.reload();
						return wasThere ? `${key} begins anew.` : `${key} is gone: there was nothing to reset.`;
					});
				},
			},
		});
	},

	copySession(context: UiContext) {
		const key = selectedKey(context.store.getState());
		if (key === undefined) return say(context, 'attention', 'There is no session here.');
		void copyAndSay(context, key, 'session key');
	},
};

function keyFault({snapshot}: UiState, agentId: string, key: string): string | undefined {
	try {
		assertSessionKey(key);
	} catch (error) {
		return error instanceof JarvisError ? error.message : 'That cannot be a session key.';
	}
	const agent = snapshot.agents.find(other => other.id === agentId);
	return agent?.sessions.some(other => other.key === key)
		? 'There is a session of that key already.'
		: undefined;
}
