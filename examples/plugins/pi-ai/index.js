import {getOAuthProviders} from '@mariozechner/pi-ai/oauth';

/** All OAuth providers of pi-ai, each under an id of its own: JARVIS has some of them built in. */
export default getOAuthProviders().map(provider => ({
	id: `pi-${provider.id}`,
	label: `${provider.name}, by pi-ai`,
	auth: [
		{
			method: 'oauth',
			async login(io) {
				let pasted;
				const credentials = await provider.login({
					onAuth({url, instructions}) {
						pasted = io.showLink({url, instructions});
					},
					onManualCodeInput: () => pasted,
					onPrompt: ({message, placeholder, allowEmpty}) =>
						io.ask({message, placeholder, mayBeEmpty: allowEmpty}),
					onSelect: io.choose,
					onProgress: io.progress,
					signal: io.signal,
				});
				return issued(credentials);
			},
			async refresh({metadata, access, refresh, expires}) {
				try {
					return issued(await provider.refreshToken({...metadata, access, refresh, expires}));
				} catch (error) {
					throw failure(error);
				}
			},
		},
	],
}));

/** What pi-ai knows besides goes into the metadata, which it gets back for a refresh. */
function issued({access, refresh, expires, accountId, email, ...others}) {
	const metadata = Object.fromEntries(
		Object.entries(others).filter(([, value]) => typeof value === 'string'),
	);
	return {type: 'oauth', access, refresh, expires, accountId, email, metadata};
}

/** pi-ai tells what its server said in the message alone, beside what must not be told. */
function failure(error) {
	const code = error.message.includes('invalid_grant') ? 'needs_login' : undefined;
	const status = Number(/\bstatus=(\d{3})|\((\d{3})\)/.exec(error.message)?.slice(1).find(Boolean));
	return Object.assign(new Error('pi-ai could not refresh'), {code, status});
}
