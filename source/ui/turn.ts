import {listOf, shownAgent} from './rows.ts';
import type {UiState} from './state.ts';

/** What is read on in parts where it does not fit: a question, an answer, or what belongs to a row. */
function subjectOf(state: UiState): string {
	const {dialog, login, cursors, answer, screen} = state;
	if (dialog) return `dialog ${dialog.title}`;
	const list = listOf(state);
	const running = list === 'login' && login.stage === 'running' ? login.login.state() : undefined;
	if (running) return `login ${running.step === 'asking' ? running.message : running.step}`;
	const told = screen === 'sessions' ? (answer?.lines.join() ?? '') : '';
	return [list, shownAgent(state)?.id, cursors[list]?.id, told].join(' ');
}

/** How often the person has turned on to the next part of what does not fit. Something else begins at its first. */
export function turnOf(state: UiState): number {
	return state.turned?.of === subjectOf(state) ? state.turned.times : 0;
}

/** The same, turned on once more. */
export function turnedOn(state: UiState): NonNullable<UiState['turned']> {
	return {of: subjectOf(state), times: turnOf(state) + 1};
}
