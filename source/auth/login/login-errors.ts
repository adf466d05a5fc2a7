import {JarvisError} from '../../errors.ts';
import type {Provider} from '../providers/contract.ts';

/** Nobody finished a login within `waitMs`. */
export function timedOut(provider: Provider, waitMs: number): JarvisError {
	return new JarvisError(
		'login_timed_out',
		`Nobody finished the login of ${provider.label} within ${Math.round(waitMs / 60_000)} minutes.`,
		'Try again, and finish it in the browser, or paste the address that it leads to.',
	);
}

/** What was pasted holds nothing that a login could use. */
export function unreadable(): JarvisError {
	return new JarvisError(
		'login_paste_unreadable',
		'The pasted text holds no code.',
		"Paste the whole address from the browser's address bar, beginning with http.",
	);
}

/** The login link was pasted, instead of the address that it leads to. */
export function isAuthorizeUrl(): JarvisError {
	return new JarvisError(
		'login_paste_unreadable',
		'That is the login link itself.',
		'Open it in a browser, and paste the address that the browser shows at the end.',
	);
}

/** The server refused a pasted code; the login waits on for another one. */
export function pastedRefused({message, cause}: JarvisError): JarvisError {
	return new JarvisError(
		'login_code_refused',
		message,
		'Copy the whole address, or the whole code, from the browser again. A code is good once, and not for long.',
		{cause},
	);
}

/** No login on this machine waits for the pasted link. */
export function nothingWaits(): JarvisError {
	return new JarvisError(
		'login_state_mismatch',
		'No login on this machine waits for that link: it is over, or was started elsewhere.',
		'Start a new one: jarvis models auth login --provider <id>',
	);
}
