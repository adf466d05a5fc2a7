import {type AuthMethod, callbackPortOf, type Provider} from '../auth/providers/contract.ts';
import type {ProviderChoice} from './state.ts';

/** How a method is called where its provider gives it no name. */
const methodLabels: Readonly<Record<AuthMethod['method'], string>> = {
	oauth: 'in the browser',
	device_code: 'by a code typed on another device',
	setup_token: 'setup token',
	token: 'token',
	api_key: 'API key',
	custom: 'its own way',
};

/** A provider as the screens choose from it. */
export function providerChoice(provider: Provider): ProviderChoice {
	const {id, label, origin, aliases = [], note, auth} = provider;
	const port = callbackPortOf(provider);
	return {
		...{id, label, origin, aliases},
		...(note ? {note} : {}),
		...(port ? {port} : {}),
		methods: auth.map(method => ({
			name: method.method,
			label: method.label ?? methodLabels[method.method],
			...(method.hint ? {hint: method.hint} : {}),
		})),
	};
}
