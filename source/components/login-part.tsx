import type {UiState} from '../ui/state.ts';
import {LoginAttempt} from './login-attempt.tsx';
import {LoginChoices} from './login-choices.tsx';

/** A login as far as it has come: its choice, link, code or question, and outcome. */
export function LoginPart({state, height}: {readonly state: UiState; readonly height: number}) {
	const {login} = state;
	if (login.stage === 'running') return <LoginAttempt state={state} view={login} height={height} />;
	return <LoginChoices state={state} view={login} height={height} />;
}
