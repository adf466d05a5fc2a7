import {type Context, errors, type Interaction, type Provider} from 'oidc-provider';
import type {AuthorizationServerOptions, SandboxAccount} from './authorization-server.ts';
import {consentPage, messagePage, showPage} from './consent-page.ts';
import {openIdScopes, resource} from './provider-configuration.ts';

type Decision = SandboxAccount | 'deny' | 'ask';

export interface ConsentOptions {
	readonly accounts: readonly SandboxAccount[];
	readonly consent: AuthorizationServerOptions['consent'];
}

/**
 * Answers a request under `consentPath`: approves, denies (RFC 6749, section 4.1.2.1) or shows the page on
 * which a person does either. Approval is one step, login and consent together, with a fresh grant for each
 * login, so that revoking one login leaves the others of the same person alone.
 */
export async function handleConsent(
	provider: Provider,
	context: Context,
	options: ConsentOptions,
): Promise<void> {
	try {
		const interaction = await provider.interactionDetails(context.req, context.res);
		const decision = decide(context, interaction.params, options);
		if (decision === 'ask')
			showConsentPage(context, interaction.params, `${context.path}?`, options.accounts);
		else await finish(provider, context, interaction, decision);
	} catch (error) {
		if (!(error instanceof errors.SessionNotFound)) throw error;
		showPage(context, 400, messagePage('Sign-in expired', 'Please start the sign-in again from JARVIS.'));
	}
}

/** What a request to a consent page decides: a POST by its `choice`, else `login_hint` or the server's mode. */
export function decide(
	context: Context,
	params: Interaction['params'],
	{accounts, consent}: ConsentOptions,
): Decision {
	const named = (email: unknown) => accounts.find(account => account.email === email);
	// Deciding is left to POST, so that a page that merely links here decides nothing.
	if (context.method === 'POST') {
		const {choice} = context.query;
		return choice === 'deny' ? 'deny' : (named(choice) ?? 'ask');
	}
	const hint = params.login_hint;
	if (hint === 'deny') return 'deny';
	return named(hint) ?? (consent === 'auto' ? accounts[0] : undefined) ?? 'ask';
}

async function finish(
	provider: Provider,
	context: Context,
	{params}: Interaction,
	decision: SandboxAccount | 'deny',
): Promise<void> {
	const result =
		decision === 'deny'
			? {error: 'access_denied', error_description: 'The person denied the request.'}
			: {
					login: {accountId: decision.email},
					consent: {grantId: await saveGrant(provider, decision, params)},
				};
	const options = {mergeWithLastSubmission: false};
	context.redirect(await provider.interactionResult(context.req, context.res, result, options));
	context.status = 303;
}

/** A fresh grant of all that was asked for. Resolves with its id. */
export function saveGrant(
	provider: Provider,
	account: SandboxAccount,
	params: Interaction['params'],
): Promise<string> {
	const grant = new provider.Grant({accountId: account.email, clientId: params.client_id ?? ''});
	grant.addOIDCScope(openIdScopes.join(' '));
	grant.addResourceScope(resource, params.scope ?? '');
	return grant.save();
}

/** Shows the page on which a person chooses; `action` is where the choice goes, up to its query parameter. */
export function showConsentPage(
	context: Context,
	params: Interaction['params'],
	action: string,
	accounts: readonly SandboxAccount[],
): void {
	const scopes = params.scope?.split(' ') ?? [];
	const html = consentPage({accounts, clientId: params.client_id ?? '', scopes, action});
	showPage(context, 200, html);
}
