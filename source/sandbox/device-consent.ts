import type {Context, DeviceCode, Provider} from 'oidc-provider';
import type {SandboxAccount} from './authorization-server.ts';
import {type ConsentOptions, decide, saveGrant, showConsentPage} from './consent.ts';
import {codePage, messagePage, showPage} from './consent-page.ts';
import {resource} from './provider-configuration.ts';

/**
 * Answers a request for the page on which a person types the code that another device shows (RFC 8628, section
 * 3.3), and approves or denies. `login_hint` may stand in its query.
 */
export async function handleDevice(
	provider: Provider,
	context: Context,
	options: ConsentOptions,
): Promise<void> {
	const {user_code: typed, login_hint: hint} = context.query;
	if (typeof typed !== 'string') return showPage(context, 200, codePage(context.path));
	const code = await provider.DeviceCode.findByUserCode(typed.toUpperCase().replace(/\W/g, ''), {
		ignoreExpiration: true,
	});
	if (!code || code.isExpired || code.accountId || code.error) {
		const message = 'There is no such code, or it is over. Start again where it came from.';
		return showPage(context, 400, messagePage('That code does not work', message));
	}
	const {client_id, scope} = code.params;
	const params = {client_id, scope, login_hint: typeof hint === 'string' ? hint : code.params.login_hint};
	const decision = decide(context, params, options);
	const action = `${context.path}?user_code=${encodeURIComponent(typed)}&`;
	if (decision === 'ask') return showConsentPage(context, params, action, options.accounts);
	await settle(provider, code, decision);
	const message = 'You may close this page, and go back to the device that showed the code.';
	showPage(context, 200, messagePage(decision === 'deny' ? 'Denied' : 'Signed in', message));
}

async function settle(
	provider: Provider,
	code: DeviceCode,
	decision: SandboxAccount | 'deny',
): Promise<void> {
	if (decision === 'deny') {
		Object.assign(code, {error: 'access_denied', errorDescription: 'The person denied the request.'});
	} else {
		Object.assign(code, {
			accountId: decision.email,
			grantId: await saveGrant(provider, decision, {...code.params, client_id: code.clientId}),
			scope: code.params.scope,
			resource,
			authTime: Math.floor(Date.now() / 1000),
		});
	}
	await code.save();
}
