import {loginWaitMs} from '../../store/pending-logins.ts';
import {optional} from '../../store/schema.ts';
import type {IssuedCredential, SecretMethod} from '../providers/contract.ts';
import type {LoginOptions, LoginResult} from './contract.ts';
import {keepIssued} from './keep.ts';
import {timedOut} from './login-errors.ts';
import {readSecret} from './secret-form.ts';
import type {Stage} from './stage.ts';

/**
 * Takes a secret that the person pastes (seed, "Anthropic setup-token").
 * @throws `login_timed_out`, and what `keepIssued` throws
 */
export async function pastedSecret(
	options: LoginOptions,
	method: SecretMethod,
	stage: Stage,
): Promise<LoginResult> {
	const pasted = Promise.withResolvers<{readonly secret: string; readonly note?: string}>();
	stage.onPaste(async text => {
		pasted.resolve(readSecret(text, method));
		return undefined;
	});
	// It keeps the process running too: nothing else does while a question is open.
	const waitMs = options.waitMs ?? loginWaitMs;
	const over = () =>
		pasted.reject(timedOut(options.provider, waitMs, 'Start it again, and paste it in time.'));
	const timer = setTimeout(over, waitMs);
	stage.onEnd(() => clearTimeout(timer));
	stage.move({
		step: 'asking',
		message: `Paste the ${method.label ?? 'secret'} of ${options.provider.label}`,
		...optional('hint', method.hint),
		...{secret: true, mayBeEmpty: false},
	});
	const {secret, note} = await pasted.promise;
	clearTimeout(timer);
	const issued: IssuedCredential =
		method.method === 'api_key'
			? {type: 'api_key', key: secret}
			: {type: 'token', token: secret, ...optional('expires', options.expires)};
	const result = await keepIssued({...options, methodName: method.method, signal: stage.signal}, issued);
	const notes = [note && `The secret is ${note}.`, result.note].filter(Boolean);
	return {...result, ...optional('note', notes.length > 0 ? notes.join(' ') : undefined)};
}
