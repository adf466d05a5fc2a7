import {JarvisError} from '../../errors.ts';
import {member, textMember} from '../../store/json.ts';
import type {OAuthCredential} from '../../store/schema.ts';
import type {IssuedOAuth, LoginIo, Provider, ProviderIo} from './contract.ts';
import {requestJson} from './request-json.ts';

/**
 * GitHub Copilot: a device code gives a GitHub token that does not run out, and that buys Copilot tokens, which
 * live for half an hour. The client id is the one of the public editor integration.
 */
const clientId = 'Iv1.b507a08c87ecfe98';
const publicHost = 'github.com';

/** How long (ms) before its end a Copilot token is no longer used: GitHub renews them early itself. */
const renewEarlyMs = 5 * 60_000;

export const githubCopilot: Provider = {
	id: 'github-copilot',
	label: 'GitHub Copilot',
	aliases: ['copilot'],
	origin: 'built in',
	auth: [
		{
			method: 'device_code',
			label: 'github.com account',
			login: io => loginAt(publicHost, io),
			refresh: copilotToken,
		},
		{
			method: 'custom',
			label: 'GitHub Enterprise account',
			async login(io) {
				const host = await io.ask({
					message: 'The host of your GitHub Enterprise',
					placeholder: 'company.ghe.com',
					check: text => (hostOf(text) ? undefined : 'That is no host name.'),
				});
				return loginAt(hostOf(host) ?? publicHost, io);
			},
			refresh: copilotToken,
		},
	],
	env: ['COPILOT_GITHUB_TOKEN'],
	// It is the GitHub token that programs look for there, and buy Copilot tokens with themselves.
	envKinds: {COPILOT_GITHUB_TOKEN: ['token', 'api_key']},
	note: 'Needs a Copilot subscription. Its terms say what other programs may use it for.',
	// An enterprise's own host has an address of its own, which is not known here.
	probes: [{url: 'https://api.githubcopilot.com/models', metadata: {host: publicHost}}],
};

async function loginAt(host: string, io: LoginIo): Promise<IssuedOAuth> {
	const {deviceLogin} = await import('../login/device-code.ts');
	const {access_token: refresh} = await deviceLogin(
		{
			clientId,
			scopes: ['read:user'],
			issuer: `https://${host}`,
			deviceAuthorizationEndpoint: `https://${host}/login/device/code`,
			tokenEndpoint: `https://${host}/login/oauth/access_token`,
		},
		io,
	);
	io.progress('Asking for a Copilot token…');
	const metadata = {host};
	const issued = await copilotToken({type: 'oauth', provider: githubCopilot.id, refresh, metadata}, io);
	return {...issued, ...(await accountAt(host, refresh, io))};
}

/** Buys a Copilot token with the GitHub token, which stays. */
async function copilotToken(
	{refresh = '', metadata = {}}: OAuthCredential,
	io: ProviderIo,
): Promise<IssuedOAuth> {
	const host = hostOf(metadata.host ?? '') ?? publicHost;
	const reply = await requestJson(`https://api.${host}/copilot_internal/v2/token`, io, {
		headers: {Authorization: `Bearer ${refresh}`},
	}).catch(error => {
		throw isForbidden(error) ? noSubscription(error) : error;
	});
	const access = textMember(reply, 'token');
	const endsAt = member(reply, 'expires_at');
	if (!access || typeof endsAt !== 'number') {
		throw new JarvisError(
			'login_server_error',
			'GitHub gave no Copilot token: its reply has another form than is known here.',
			'Check that the account has a Copilot subscription.',
		);
	}
	const expires = endsAt * 1000 - renewEarlyMs;
	return {type: 'oauth', access, refresh, expires, metadata: {host}};
}

function isForbidden(error: unknown): error is JarvisError {
	return error instanceof JarvisError && error.details.status === 403;
}

function noSubscription({details}: JarvisError): JarvisError {
	return new JarvisError(
		'login_server_error',
		'GitHub gave this account no Copilot token (status 403).',
		'Log in with an account that has a Copilot subscription, or see what GitHub says at its Copilot settings.',
		{details},
	);
}

async function accountAt(
	host: string,
	token: string,
	io: ProviderIo,
): Promise<Pick<IssuedOAuth, 'accountId' | 'email' | 'name'>> {
	try {
		const user = await requestJson(`https://api.${host}/user`, io, {
			headers: {Authorization: `Bearer ${token}`},
		});
		const id = member(user, 'id');
		const email = textMember(user, 'email');
		const name = textMember(user, 'login');
		return {
			// Each host counts its accounts by itself.
			...(typeof id === 'number' ? {accountId: host === publicHost ? `${id}` : `${host}/${id}`} : {}),
			...(email ? {email} : {}),
			...(name ? {name} : {}),
		};
	} catch {
		// Whose it is makes a better name, and no difference to its use.
		return {};
	}
}

function hostOf(text: string): string | undefined {
	const trimmed = text.trim();
	const url = trimmed.includes('://') ? trimmed : `https://${trimmed}`;
	return trimmed !== '' && URL.canParse(url) ? new URL(url).hostname : undefined;
}
