import type {Provider} from './contract.ts';

/** Claude: a subscription by the token that `claude setup-token` makes (seed, "Anthropic setup-token"), or an API key. */
export const anthropic: Provider = {
	id: 'anthropic',
	label: 'Anthropic (Claude)',
	aliases: ['claude'],
	origin: 'built in',
	auth: [
		{
			method: 'setup_token',
			label: 'setup token of a subscription',
			hint: 'Run `claude setup-token` on any machine, and paste what it prints.',
			madeAt: 'claude setup-token',
			form: {prefix: 'sk-ant-oat01-', isStrict: true, usualLength: 80},
		},
		{
			method: 'api_key',
			label: 'API key',
			hint: 'Made in the console, under API keys.',
			madeAt: 'https://console.anthropic.com/settings/keys',
			form: {prefix: 'sk-ant-api', usualLength: 80},
		},
	],
	env: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'],
	envKinds: {
		ANTHROPIC_API_KEY: ['api_key'],
		CLAUDE_CODE_OAUTH_TOKEN: ['token', 'oauth'],
		ANTHROPIC_OAUTH_TOKEN: ['token', 'oauth'],
		// Claude Code takes it for a gateway's token, and heeds it before all others.
		ANTHROPIC_AUTH_TOKEN: [],
	},
	note: 'The terms of a subscription say what other programs may use it for: anthropic.com/legal.',
	probes: [
		{
			kinds: ['api_key'],
			url: 'https://api.anthropic.com/v1/models?limit=1',
			secretHeader: 'x-api-key',
			headers: {'anthropic-version': '2023-06-01'},
		},
		{
			url: 'https://api.anthropic.com/v1/models?limit=1',
			headers: {'anthropic-version': '2023-06-01', 'anthropic-beta': 'oauth-2025-04-20'},
		},
	],
};
