import type {AuthMethod, Provider} from '../auth/providers/contract.ts';
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
export function providerChoice({id, label, origin, aliases = [], note, auth}: Provider): ProviderChoice {
	return {
		...{id, label, origin, aliases},
		...(note ? {note} : {}),
		methods: auth.map(method => ({
			name: method.method,
			label: method.label ?? methodLabels[method.method],
			...(method.hint ? {hint: method.hint} : {}),
		})),
	};
}
