import type {Key} from 'ink';
import {readRedirectInput} from '../auth/login/redirect-input.ts';
import {bindingFor, isTyping, loginStep} from '../keymap.ts';
import {act} from './actions.ts';
import {type KeyPress, keyPresses} from './chords.ts';
import {say, type UiContext} from './context.ts';
import {type EditedText, editText, insert} from './edited-text.ts';
import {openPasteField, pasteIntoLogin} from './login-actions.ts';
import {showsLogin} from './rows.ts';
import {patch, type UiState} from './state.ts';
import {letsGo, toastAfter} from './toast.ts';

/** A run of so many characters in one piece is no typing: it is a paste that the terminal did not mark. */
const pasteLength = 16;

/** Takes a piece of input: each key in it sees what the ones before it did. */
export function takeInput(context: UiContext, input: string, key: Key): void {
	const state = context.store.getState();
	if ((awaitsPaste(state) || isTyping(state)) && isPasteLike(input)) return takePaste(context, input);
	for (const press of keyPresses(input, key)) takeKey(context, press);
}

/** Takes a pasted text, where there is something to paste into. */
export function takePaste(context: UiContext, text: string): void {
	const state = context.store.getState();
	const isQuestion = showsLogin(state) && loginStep(state) === 'asking';
	if (state.dialog?.kind === 'field' || state.filtering || state.commandLine || isQuestion)
		return changeField(context, field => insert(field, text));
	if (awaitsPaste(state)) {
		const typed = state.login.stage === 'running' ? (state.login.field?.text ?? '') : '';
		// Alone, a code looks like any word: it is sent only when the person says so.
		if (readRedirectInput(typed + text).kind === 'bare code') return openPasteField(context, typed + text);
		return pasteIntoLogin(context, typed + text);
	}
	say(context, 'attention', 'There is nothing to paste into here.');
}

function takeKey(context: UiContext, press: KeyPress): void {
	const {store} = context;
	const state = store.getState();
	const binding = bindingFor(state, press.chord);
	// Keys whose effect cannot be seen have none.
	if (isTooSmall(state) && binding?.action !== 'quit') return;
	if (binding) {
		const now = context.jarvis.now();
		const {toast} = state;
		if (toast && letsGo(toast, binding.action, now)) patch(store, {toast: toastAfter(toast, now)});
		return act(context, binding.action);
	}
	if (!isTyping(state)) return;
	changeField(context, field => editText(field, press.chord) ?? insert(field, press.text));
}

function changeField({store}: UiContext, change: (field: EditedText) => EditedText): void {
	const state = store.getState();
	const {dialog, login, commandLine} = state;
	if (dialog?.kind === 'field') {
		const {fault: _, ...rest} = dialog;
		patch(store, {dialog: {...rest, field: change(dialog.field)}});
	} else if (state.filtering) patch(store, {filter: change(state.filter)});
	else if (commandLine) {
		const {fault: _, begun: __, ...rest} = commandLine;
		patch(store, {commandLine: {...rest, field: change(commandLine.field)}});
	} else if (login.stage === 'running' && login.field) {
		patch(store, {login: {...login, field: change(login.field)}});
	}
}

function awaitsPaste(state: UiState): boolean {
	return showsLogin(state) && !state.dialog && loginStep(state) === 'waiting';
}

// A held key makes long runs too, of one character or few.
function isPasteLike(input: string): boolean {
	return input.length >= pasteLength && new Set(input).size > 6;
}

/** Whether the screen is too small for anything but saying so. */
export function isTooSmall({size}: Pick<UiState, 'size'>): boolean {
	return size.columns < 60 || size.rows < 16;
}
