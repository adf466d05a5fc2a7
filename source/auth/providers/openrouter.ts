import {createHash, randomBytes} from 'node:crypto';
import {JarvisError} from '../../errors.ts';
import {textMember} from '../../store/json.ts';
import type {IssuedKey, LoginIo, Provider} from './contract.ts';
import {requestJson} from './request-json.ts';

/** OpenRouter: its PKCE flow gives an API key; or a key that was made by hand. */
export const openrouter: Provider = {
	id: 'openrouter',
	label: 'OpenRouter',
	origin: 'built in',
	auth: [
		{method: 'oauth', label: 'account, in the browser (gives an API key)', login},
		{
			method: 'api_key',
			label: 'API key',
			hint: 'Made at https://openrouter.ai/settings/keys.',
			madeAt: 'https://openrouter.ai/settings/keys',
			form: {prefix: 'sk-or-'},
		},
	],
	env: ['OPENROUTER_API_KEY'],
	probes: [{url: 'https://openrouter.ai/api/v1/key'}],
};

/** The only ports of this machine that OpenRouter comes back to. */
const redirectUris = ['http://localhost:3000/callback'];

async function login(io: LoginIo): Promise<IssuedKey> {
	const verifier = randomBytes(48).toString('base64url');
	const challenge = createHash('sha256').update(verifier).digest('base64url');
	const state = randomBytes(16).toString('hex');
	const params = await io.redirect({
		redirectUris,
		url(redirectUri) {
			const callback = new URL(redirectUri);
			// OpenRouter has no state parameter of its own, and keeps what the callback's address carries.
			callback.searchParams.set('state', state);
			const url = new URL('https://openrouter.ai/auth');
			url.searchParams.set('callback_url', callback.href);
			url.searchParams.set('code_challenge', challenge);
			url.searchParams.set('code_challenge_method', 'S256');
			return url.href;
		},
		// Where it is left out, the verifier still ties the code to this login.
		isOurs: response => (response.get('state') ?? state) === state,
	});
	const code = params.get('code');
	if (!code) {
		throw new JarvisError('login_denied', 'OpenRouter did not grant the login.', 'Try again, and allow it.');
	}
	io.progress('Exchanging the code for a key…');
	const reply = await requestJson('https://openrouter.ai/api/v1/auth/keys', io, {
		body: {code, code_verifier: verifier, code_challenge_method: 'S256'},
	});
	const key = textMember(reply, 'key');
	if (key) return {type: 'api_key', key};
	throw new JarvisError('login_server_error', 'OpenRouter gave no key for the code.', 'Try again.');
}
