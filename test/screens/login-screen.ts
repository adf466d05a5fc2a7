import {expect} from 'vitest';
import type {LoginState, WaitingState} from '../../source/auth/login/contract.ts';
import {openSandbox, type Sandbox} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';

export interface LoginApp extends RenderedApp {
	readonly sandbox: Sandbox;
}

/** The login screen over a state folder with one plugin, whose authorization server is a real one. */
export async function openLogin(options: AppOptions = {}, given?: Sandbox): Promise<LoginApp> {
	const sandbox = given ?? (await openSandbox());
	const app = await renderApp({...options, stateDir: sandbox.stateDir, now: Date.now});
	await app.press('5');
	await app.waitFor('(plugin)');
	return {...app, sandbox};
}

/** The same, with a login of the plugin that waits for its person. */
export async function openWaiting(options: AppOptions = {}, given?: Sandbox): Promise<LoginApp> {
	const app = await openLogin(options, given);
	await app.press(keys.enter);
	await waiting(app);
	return app;
}

/** Waits until the shown login waits for its person, and returns that state. */
export async function waiting(app: RenderedApp): Promise<WaitingState> {
	await app.waitFor(() => expect(loginState(app)?.step).toBe('waiting'));
	await app.waitFor('Acme for the agent');
	await app.waitFor(() => expect(app.frame()).not.toContain('Asking the'));
	const state = loginState(app);
	if (state?.step !== 'waiting') throw new Error('The login does not wait any more.');
	return state;
}

/** The state of the login that the screen shows. */
export function loginState(app: RenderedApp): LoginState | undefined {
	const {login} = app.state();
	return login.stage === 'running' ? login.login.state() : undefined;
}

/** The link on the screen, its rows joined. */
export function shownLink(app: RenderedApp, columns: number): string {
	const lines = app.lines();
	const from = lines.findIndex(line => line.startsWith('http'));
	const until = lines.findIndex((line, index) => index > from && line.length < columns);
	return lines.slice(from, until + 1).join('');
}
