import {JarvisError} from '../../errors.ts';
import {providerFlag} from '../profile-commands.ts';
import type {Thrown} from './plugin-protocol.ts';

/**
 * A plugin that did what it must not do.
 * @param what in words that follow its name
 */
export function pluginFailed(id: string, what: string): JarvisError {
	return new JarvisError(
		'plugin_failed',
		`The plugin ${id} ${what}.`,
		`Tell whoever wrote it (JARVIS_DEBUG=1 shows what it prints), or remove it: jarvis plugins remove ${id}`,
		{details: {plugin: id, what}},
	);
}

/**
 * What a plugin threw, as an error that quotes nothing of it: it may hold a secret.
 * @param doing what it was doing, as in "failed in its login"
 */
export function pluginThrew(id: string, thrown: Thrown, doing: string): JarvisError {
	const {status, code} = thrown;
	if (code === 'login_denied') {
		return new JarvisError(code, `The login of ${id} was denied.`, 'Try again, and allow the access.');
	}
	if (code === 'login_timed_out') {
		return new JarvisError(code, `The login of ${id} took too long.`, 'Try again.');
	}
	if (code === 'login_unreachable') {
		const next = 'Check the network and try again. Nothing was changed.';
		return new JarvisError(code, `The server of ${id} could not be reached.`, next);
	}
	if (code === 'needs_login') {
		const next = `Log in again: jarvis models auth login ${providerFlag(id)}`;
		return new JarvisError(code, `The server of ${id} wants a new login.`, next);
	}
	if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600) {
		const next = status === 401 ? 'Log in again.' : 'Try again. Nothing was changed.';
		const details = {status, ...retryAfterOf(thrown)};
		return new JarvisError(
			'login_server_error',
			`The server of ${id} answered with status ${status}.`,
			next,
			{details},
		);
	}
	return pluginFailed(id, `${doing} (${[...namesOf(thrown)].join(', ')})`);
}

// A name or a code could itself be made of a secret: only what looks like Node's own ones is told.
function* namesOf({name, code}: Thrown): Generator<string> {
	yield typeof name === 'string' && /^[A-Z][A-Za-z]{2,30}$/.test(name) ? name : 'Error';
	if (typeof code === 'string' && /^(ERR(_[A-Z]+){1,6}|E[A-Z]{3,14})$/.test(code)) yield code;
}

function retryAfterOf({retryAfter}: Thrown): {readonly retryAfter?: string} {
	return typeof retryAfter === 'string' && /^[\w ,:]{1,40}$/.test(retryAfter) ? {retryAfter} : {};
}
