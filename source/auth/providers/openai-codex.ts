import type {OAuthMethod, Provider} from './contract.ts';

/**
 * ChatGPT accounts for Codex (seed, "OpenAI Codex (ChatGPT OAuth)"). The redirect URIs are the ones that
 * are registered for this public client: the server matches them exactly.
 */
export const codexLogin: OAuthMethod = {
	method: 'oauth',
	label: 'ChatGPT account, in the browser',
	issuer: 'https://auth.openai.com',
	authorizationEndpoint: 'https://auth.openai.com/oauth/authorize',
	tokenEndpoint: 'https://auth.openai.com/oauth/token',
	revocationEndpoint: 'https://auth.openai.com/oauth/revoke',
	clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
	scopes: ['openid', 'profile', 'email', 'offline_access'],
	redirectUris: ['http://127.0.0.1:1455/auth/callback', 'http://127.0.0.1:1457/auth/callback'],
	authorizeParams: {
		id_token_add_organizations: 'true',
		codex_cli_simplified_flow: 'true',
		originator: 'jarvis',
	},
	accountIdClaim: ['https://api.openai.com/auth', 'chatgpt_account_id'],
	emailClaim: ['email'],
};

export const openaiCodex: Provider = {
	id: 'openai-codex',
	label: 'OpenAI Codex (ChatGPT)',
	aliases: ['codex', 'chatgpt'],
	origin: 'built in',
	auth: [
		codexLogin,
		{
			method: 'device_code',
			label: 'ChatGPT account, by a code typed on another device',
			hint: 'Must be allowed once in the account’s settings, under Security.',
			async login(io) {
				const {codexDeviceLogin} = await import('./codex-device.ts');
				return codexDeviceLogin(codexLogin, io);
			},
		},
	],
	note: 'A ChatGPT subscription. Its terms say what other programs may use it for: openai.com/policies.',
	probes: [
		{
			url: 'https://chatgpt.com/backend-api/wham/usage',
			accountHeader: 'chatgpt-account-id',
		},
	],
};
