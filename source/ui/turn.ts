import {listOf, shownAgent} from './rows.ts';
import type {Dialog, UiState} from './state.ts';

// What is read on in parts where it does not fit: a question, an answer, or what belongs to a row.

function subjectOfScreen(state: UiState): string {
	const {login, cursors, answer, screen} = state;
	const list = listOf(state);
	const running = list === 'login' && login.stage === 'running' ? login.login.state() : undefined;
	if (running) return `login ${running.step === 'asking' ? running.message : running.step}`;
	const told = screen === 'sessions' ? (answer?.lines.join() ?? '') : '';
	return [list, shownAgent(state)?.id, cursors[list]?.id, told].join(' ');
}

function subjectOfDialog({title}: Dialog): string {
	return `dialog ${title}`;
}

/** How often the person has turned on to the next part of what a screen tells. Something else begins at its first. */
export function turnOf(state: UiState): number {
	return timesOf(state, subjectOfScreen(state));
}

/** The same of a question over the screen. */
export function turnOfDialog(state: Pick<UiState, 'turned'>, dialog: Dialog): number {
	return timesOf(state, subjectOfDialog(dialog));
}

/** What the person reads, turned on once more. */
export function turnedOn(state: UiState): NonNullable<UiState['turned']> {
	const of = state.dialog ? subjectOfDialog(state.dialog) : subjectOfScreen(state);
	return {of, times: timesOf(state, of) + 1};
}

function timesOf({turned}: Pick<UiState, 'turned'>, of: string): number {
	return turned?.of === of ? turned.times : 0;
}
