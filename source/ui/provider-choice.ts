import {callbackPortOf, type Provider} from '../auth/providers/contract.ts';
import {methodWords} from '../words.ts';
import type {ProviderChoice} from './state.ts';

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
			label: methodWords(method),
			...(method.hint ? {hint: method.hint} : {}),
		})),
	};
}
