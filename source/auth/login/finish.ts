import type {StatePaths} from '../../store/paths.ts';
import {
	claimPending,
	completePending,
	listPending,
	type PendingLogin,
	unclaimPending,
} from '../../store/pending-logins.ts';
import {authorizationServerOf} from '../authorization-server.ts';
import {codeFlowOf, type Provider} from '../providers/contract.ts';
import {type ExchangeWorld, exchangeAndKeep} from './attempt.ts';
import type {LoginResult} from './contract.ts';
import {hasState} from './exchange.ts';
import {isAuthorizeUrl, nothingWaits, unreadable} from './login-errors.ts';
import {readRedirectInput} from './redirect-input.ts';

/** What finishing a login of another process needs. */
export interface FinishOptions extends Omit<ExchangeWorld, 'provider'> {
	readonly providers: ReadonlyMap<string, Provider>;
}

/**
 * Finishes a login that waits in another process (or waited in one that is gone) with the redirect URL
 * that a person pasted here. The login is told apart by its state.
 * @throws `login_paste_unreadable`, `login_state_mismatch`, and what the exchange throws; the login then
 * waits on
 */
export async function finishLogin(options: FinishOptions, pasted: string): Promise<LoginResult> {
	const input = readRedirectInput(pasted);
	if (input.kind === 'authorize URL') throw isAuthorizeUrl();
	if (input.kind !== 'response') throw unreadable();
	const pending = waitingFor(options.paths, input.params);
	const provider = pending && options.providers.get(pending.providerId);
	const method = provider && codeFlowOf(provider);
	if (!pending || !provider || !method || !claimPending(options.paths, pending.id)) throw nothingWaits();
	try {
		const server = await authorizationServerOf(method, options.network);
		const result = await exchangeAndKeep({...options, provider}, method, server, pending, input.params);
		completePending(options.paths, pending.id, result);
		return result;
	} catch (error) {
		unclaimPending(options.paths, pending.id);
		throw error;
	}
}

function waitingFor(paths: StatePaths, params: URLSearchParams): PendingLogin | undefined {
	return listPending(paths).find(pending => hasState(params, pending.state));
}
