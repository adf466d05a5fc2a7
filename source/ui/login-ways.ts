import type {WaitingState} from '../auth/login/contract.ts';
import {containerWords} from '../words.ts';
import type {UiState} from './state.ts';

/** The port that the browser of a login comes back to, where that is known. */
export function callbackPort({redirectUri}: WaitingState): string {
	return redirectUri === undefined ? '' : new URL(redirectUri).port;
}

/** How the callback of a browser that runs elsewhere is brought here, a line for each way. */
export function callbackWays({surroundings}: Pick<UiState, 'surroundings'>, login: WaitingState): string[] {
	if (!login.listening) return [];
	const {forward, publish} = surroundings;
	const port = callbackPort(login);
	return [
		...(forward ? [`on your own machine: ${forward(port)}`] : []),
		...(publish && !forward ? [containerWords(publish(port), false)] : []),
		...(login.shortUrl ? [`or, with the port forwarded, open ${login.shortUrl}`] : []),
	];
}
